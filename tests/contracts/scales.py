"""Factors with homogeneous penalties, from which tests of balanced scales build their cases."""

import numpy as np

from contracts.instances import generators
from multiconvex import L1, L2, GroupL2, NonNegative

KINDS = (
    L1,
    L2,
    GroupL2,
    lambda weight: NonNegative(l1=weight),
    lambda weight: NonNegative(l2=weight),
)


def mixtures(count=60, rank=3):
    """Yield random factors of two to five modes, on very different scales, and penalties."""
    for rng in generators(count):
        order = rng.integers(2, 6)
        penalties = [KINDS[k](rng.uniform(0.1, 5.0)) for k in rng.integers(len(KINDS), size=order)]
        factors = [
            rng.standard_normal((rng.integers(1, 6), rank)) * 10.0 ** rng.uniform(-3, 3, rank)
            for _ in penalties
        ]
        yield tuple(map(feasible, factors, penalties)), tuple(penalties)


def feasible(factor, penalty):
    return np.abs(factor) if isinstance(penalty, NonNegative) else factor


def total(factors, penalties):
    return sum(penalty.value(factor) for factor, penalty in zip(factors, penalties))


def levels(factors, penalties):
    """Return degree times penalty, one row for each factor and one column for each component."""
    return np.array(
        [
            [penalty.degree * penalty.value(column[:, None]) for column in factor.T]
            for factor, penalty in zip(factors, penalties)
        ]
    )
