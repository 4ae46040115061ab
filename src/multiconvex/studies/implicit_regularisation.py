r"""Experiments of the chapter on implicit regularisation.

Losses are :math:`\tfrac12 \|X - M\|_F^2` and penalties carry their weights, ridge as
:math:`\tfrac{\lambda}{2} \|x\|^2`, so formulas of sources with other conventions are converted.
"""

from dataclasses import dataclass

import numpy as np

from multiconvex import (
    L1,
    L2,
    Balancing,
    GroupL2,
    NonNegative,
    balance,
    cp,
    implicit_penalty,
    nmf,
)
from multiconvex.studies._component_paths import (
    RULES,
    BestFits,
    Bumps,
    Path,
    RuleRow,
    TradeRow,
    Vanishing,
    compare_rules,
    find_best,
    follow_path,
    make_bumps,
    penalties_of,
    trade_unequal_degrees,
    trade_weights,
)
from multiconvex.studies._pruned_analytes import (
    RankSelection,
    StartsRow,
    identify,
    known_spectra,
    repeat_selection,
    select_rank,
)
from multiconvex.studies._scaling_swamps import (
    RaceRow,
    RateRow,
    ScaleCurve,
    Swamp,
    compare_swamps,
    measure_rates,
    race_scales,
    run_swamp,
    trace_scales,
)

__all__ = [
    "RULES",
    "BestFits",
    "Bumps",
    "EscapeRow",
    "Path",
    "PrintedRow",
    "RaceRow",
    "RankSelection",
    "RateRow",
    "RuleRow",
    "ScaleCurve",
    "Shrinkage",
    "Softening",
    "StartsRow",
    "Swamp",
    "TradeRow",
    "Vanishing",
    "VanishingRow",
    "Witness",
    "compare_rules",
    "compare_swamps",
    "find_best",
    "follow_path",
    "identify",
    "known_spectra",
    "make_bumps",
    "measure_rates",
    "measure_vanishing",
    "penalise_one_factor",
    "penalties_of",
    "race_scales",
    "recompute_printed",
    "repeat_selection",
    "run_swamp",
    "select_rank",
    "shrink",
    "soften_singular_values",
    "trace_scales",
    "trade_unequal_degrees",
    "trade_weights",
    "witness_theorem",
]

_LOCAL = {
    "acceleration": None,
    "balancing": Balancing(at=("start", "sweep")),
    "tol": 1e-13,
    "max_iter": 5000,
}


@dataclass(frozen=True)
class Witness:
    """What the theorem says, measured on random factors.

    Attributes
    ----------
    trials : int
    identity : float
        Largest relative spread of degree times penalty over the factors, after balancing.
    implicit : float
        Largest relative difference of the balanced penalty from the implicit one.
    model : float
        Largest relative change of the model.
    margin : float
        Smallest relative excess of a random rescaling over the balanced penalty.
    fitted : float
        Largest relative spread, as for `identity`, at the end of fits that are never balanced.
    """

    trials: int
    identity: float
    implicit: float
    model: float
    margin: float
    fitted: float


def witness_theorem(trials=100, *, random_state=0):
    """Balance random factors of orders two and three under mixed penalties."""
    rng = np.random.default_rng(random_state)
    identity, implicit, model, margin = [], [], [], []
    for trial in range(trials):
        sizes = (5, 6) if trial % 2 else (4, 5, 6)
        factors = [rng.standard_normal((n, 3)) for n in sizes]
        kinds = rng.choice([L1, L2, GroupL2], len(sizes))
        penalties = [kind(weight) for kind, weight in zip(kinds, rng.uniform(0.1, 3, len(sizes)))]
        balanced = balance(factors, penalties)
        least = _pay(balanced, penalties)
        scales = np.exp(rng.standard_normal((len(sizes), 3)))
        scales /= scales.prod(axis=0) ** (1 / len(sizes))
        moved = [s * factor for s, factor in zip(scales, balanced)]
        identity.append(_spread(balanced, penalties))
        implicit.append(abs(least / implicit_penalty(factors, penalties) - 1))
        model.append(np.abs(_expand(balanced) - _expand(factors)).max())
        margin.append(_pay(moved, penalties) / least - 1)
    return Witness(
        trials, max(identity), max(implicit), max(model), min(margin), _spread_of_fits(rng)
    )


def _spread_of_fits(rng):
    X = rng.random((12, 10))
    worst = 0.0
    for rule in RULES:
        penalties = penalties_of(rule, 0.3)
        options = {"balancing": None, "acceleration": None, "tol": 0.0, "max_iter": 2000}
        fit = nmf(X, 2, penalties=penalties, random_state=rng, **options)
        worst = max(worst, _spread(fit.pruned(), penalties))
    return worst


def _pay(factors, penalties):
    return sum(penalty.value(factor) for penalty, factor in zip(penalties, factors))


def _spread(factors, penalties):
    """Largest relative spread over the factors of degree times penalty, column by column."""
    levels = np.array(
        [
            [penalty.degree * penalty.value(column[:, None]) for column in factor.T]
            for penalty, factor in zip(penalties, factors)
        ]
    )
    return float(np.max(np.ptp(levels, axis=0) / levels.mean(axis=0)))


def _expand(factors):
    letters = "ijk"[: len(factors)]
    return np.einsum(",".join(f"{a}q" for a in letters) + "->" + letters, *factors)


@dataclass(frozen=True)
class PrintedRow:
    """A formula of the source and what it should give.

    Attributes
    ----------
    formula : str
    printed, computed : float
    """

    formula: str
    printed: float
    computed: float


def recompute_printed(*, random_state=0):
    """Evaluate two formulas of the source, in its convention, at a balanced random point.

    Returns
    -------
    tuple of PrintedRow
    """
    rng = np.random.default_rng(random_state)
    first, second = 3.0, 0.5
    pair = [rng.random((n, 1)) for n in (4, 5)]
    paid = implicit_penalty(pair, (L2(2 * first), L2(2 * second)))
    triple = balance([rng.random((n, 1)) for n in (4, 5, 6)], (L2(2.0),) * 3)
    a, b, c = (float(np.linalg.norm(factor)) for factor in triple)
    return (
        PrintedRow(
            "price of a unit of ridge NMF, weights 3 and 0.5",
            np.sqrt(first * second) / 2,
            paid / float(np.linalg.norm(_expand(pair))),
        ),
        PrintedRow(
            "balance of ridge CP, should be 1",
            np.sqrt(2) * a ** (-1 / 3) * (b * c) ** (2 / 3),
            a ** (-2 / 3) * (b * c) ** (1 / 3),
        ),
    )


@dataclass(frozen=True, eq=False)
class Softening:
    """Singular values of ridge models without sign constraints, for several weights.

    Attributes
    ----------
    weights : ndarray, shape (n,)
    data : ndarray, shape (rank,)
        Leading singular values of the data.
    models : ndarray, shape (n, rank)
    columns : ndarray of int, shape (n,)
        Columns of the factors that are not negligible against the data.
    """

    weights: np.ndarray
    data: np.ndarray
    models: np.ndarray
    columns: np.ndarray

    @property
    def error(self):
        """Largest distance of a singular value from the softened one of the data."""
        softened = np.maximum(self.data - self.weights[:, None], 0.0)
        return float(np.abs(self.models - softened).max())


def soften_singular_values(X, weights, *, rank=6, random_state=0):
    """Fit ridge models from random starts and compare them with the data."""
    data = np.linalg.svd(X, compute_uv=False)[:rank]
    models, columns = [], []
    for weight in weights:
        fit = nmf(
            X, rank, penalties=(L2(weight), L2(weight)), init="random", tol=1e-13,
            max_iter=5000, random_state=random_state,
        )  # fmt: skip
        models.append(np.linalg.svd(fit.reconstruct(), compute_uv=False)[:rank])
        columns.append(np.count_nonzero(fit.component_sizes > 1e-6 * data[0]))
    return Softening(np.asarray(weights, float), data, np.array(models), np.array(columns))


@dataclass(frozen=True, eq=False)
class Shrinkage:
    r"""The positive minimiser over :math:`s` of :math:`\tfrac12 (1 - s)^2 + c\, s^a`, as c grows.

    Attributes
    ----------
    exponent : float
        The ``a`` above, at most one.
    sizes : ndarray
        The minimiser, from one down to its least value.
    prices : ndarray
        The ``c`` at which it has that size.
    switch : float
        The size at which zero becomes as good; below it, the minimiser is only local.
    """

    exponent: float
    sizes: np.ndarray
    prices: np.ndarray
    switch: float


def shrink(exponent, points=101):
    """Follow the size of one component, one in the data, as its price grows."""
    end = (1 - exponent) / (2 - exponent)
    sizes = np.linspace(1.0, end, points)
    prices = (1 - sizes) * sizes ** (1 - exponent) / exponent
    return Shrinkage(exponent, sizes, prices, 2 * end)


@dataclass(frozen=True)
class VanishingRow:
    """Where one component of known shape vanishes along a path of weights.

    Attributes
    ----------
    rule : str
    exponent : float
    weight, predicted_weight : float
        The first weight without the component.
    size, predicted_size : float
        Its size just before, relative to that of the data.
    """

    rule: str
    exponent: float
    weight: float
    predicted_weight: float
    size: float
    predicted_size: float


def measure_vanishing():
    """Follow one flat component, of size one, until it vanishes.

    Returns
    -------
    tuple of VanishingRow
    """
    flat = {shape: [np.full((n, 1), n**-0.5) for n in shape] for shape in ((30, 40), (10, 11, 12))}
    cases = (
        ("ridge on three factors", (10, 11, 12), ("l2",) * 3),
        ("l1 and ridge", (30, 40), ("l1", "l2")),
        ("l1 and l1", (30, 40), ("l1", "l1")),
    )
    return tuple(_follow_flat(rule, flat[shape], kinds) for rule, shape, kinds in cases)


def _follow_flat(rule, factors, kinds):
    degrees = [{"l1": 1, "l2": 2}[kind] for kind in kinds]
    total = sum(1 / degree for degree in degrees)
    exponent = 1 / total
    size = (1 - exponent) / (2 - exponent)
    price = size ** (2 - exponent) / (exponent * (1 - exponent))
    unit = implicit_penalty(factors, [NonNegative(**{kind: 1.0}) for kind in kinds])
    predicted = price / unit
    X, init, before = _expand(factors), factors, np.nan
    fit_model = nmf if X.ndim == 2 else cp
    for weight in predicted * np.linspace(0.95, 1.05, 51):
        penalties = tuple(NonNegative(**{kind: weight}) for kind in kinds)
        fit = fit_model(X, 1, penalties=penalties, init=init, **_LOCAL)
        if fit.component_sizes[0] < 1e-3:
            break
        init, before = fit.factors, float(fit.component_sizes[0])
    return VanishingRow(rule, exponent, float(weight), float(predicted), before, size)


@dataclass(frozen=True)
class EscapeRow:
    """A fit with a penalty on one factor only, after some sweeps.

    Attributes
    ----------
    sweeps : int
    penalty : float
        What is paid for W.
    ratio : float
        Norm of H over norm of W.
    excess : float
        Relative excess of the objective over that of a fit without any penalty.
    """

    sweeps: int
    penalty: float
    ratio: float
    excess: float


def penalise_one_factor(bumps, sweeps=(1, 10, 100, 1000), *, weight=1.0):
    """Put an l1 penalty on W, none on H, and watch it lose its grip.

    Returns
    -------
    tuple of EscapeRow
    """
    free = nmf(bumps.image, 3, init=bumps.start, tol=1e-12, max_iter=5000).objective
    rows = []
    for number in sweeps:
        fit = nmf(
            bumps.image, 3, penalties=(NonNegative(l1=weight), NonNegative()), init=bumps.start,
            tol=0.0, max_iter=number,
        )  # fmt: skip
        ratio = np.linalg.norm(fit.H) / np.linalg.norm(fit.W)
        rows.append(
            EscapeRow(number, weight * float(fit.W.sum()), float(ratio), fit.objective / free - 1)
        )
    return tuple(rows)
