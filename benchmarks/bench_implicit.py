"""States of an implicit rule, against plain steps in NumPy."""

import time
from typing import NamedTuple

import numpy as np
from harness import Case, Limit

from multiconvex import certify, equilibrium

_TOLERANCE = 1e-8
_KAPPA = 0.9


class Rule(NamedTuple):
    """Weights of a rule of norm 0.9, and inputs."""

    D: np.ndarray
    E: np.ndarray
    f: np.ndarray
    U: np.ndarray


def simulate(samples=10_000, hidden=100, inputs=10, rotation=False):
    rng = np.random.default_rng(0)
    D = rng.standard_normal((hidden, hidden))
    D = np.linalg.qr(D)[0] if rotation else D / np.linalg.norm(D, 2)
    E = rng.standard_normal((hidden, inputs)) / np.sqrt(inputs)
    return Rule(_KAPPA * D, E, rng.standard_normal(hidden), rng.standard_normal((samples, inputs)))


def solve(rule):
    return equilibrium(*rule, tol=_TOLERANCE).states


def step_plainly(rule):
    """Repeat the rule on all samples until every state is proved to be within the tolerance."""
    drive = rule.U @ rule.E.T + rule.f
    states = np.maximum(drive, 0.0)
    while True:
        swept = np.maximum(states @ rule.D.T + drive, 0.0)
        change = np.linalg.norm(swept - states, axis=1)
        states = swept
        if np.all(change <= _TOLERANCE * (1.0 - _KAPPA) * np.linalg.norm(states, axis=1)):
            return states


def gap(ours, peer):
    return float(np.max(np.linalg.norm(ours - peer, axis=1) / np.linalg.norm(peer, axis=1)))


def seconds_of_states():
    rule = simulate()
    start = time.perf_counter()
    solve(rule)
    return time.perf_counter() - start


def seconds_of_certificate():
    rule = simulate()
    start = time.perf_counter()
    certificate = certify(rule.D)
    _ = certificate.proofs, certificate.amplification
    return time.perf_counter() - start


def against_plain_steps(matrix, target, rotation):
    return Case(
        name=f"equilibrium, 10000 samples, 100 units, D 0.9 times {matrix}",
        setup=lambda: simulate(rotation=rotation),
        ours=solve,
        peer=step_plainly,
        peer_name="plain steps of the whole batch in NumPy",
        target=target,
        gap=gap,
        largest_gap=3 * _TOLERANCE,
    )


CASES = (
    Limit(
        "equilibrium, 10000 samples, 100 units, norm 0.9, to 1e-8",
        seconds_of_states,
        target=0.2,
    ),
    Limit("certificate of 100 units", seconds_of_certificate, target=0.05),
    against_plain_steps("a random matrix of norm one", target=2, rotation=False),
    against_plain_steps("a rotation", target=2.5, rotation=True),
)
