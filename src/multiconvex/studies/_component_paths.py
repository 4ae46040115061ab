"""Fits of one image along growing weights, for the chapter on implicit regularisation."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from multiconvex import Balancing, MatrixFactorization, NonNegative, nmf

RULES = {"l1 and l1": ("l1", "l1"), "l1 and ridge": ("l1", "l2"), "ridge and ridge": ("l2", "l2")}
"""Which weight each rule gives to W and to H."""

_LOCAL = {"balancing": Balancing(at=("start", "sweep")), "tol": 1e-10, "max_iter": 5000}
"""Options of fits that stay at the local minimum they find, even where zero is better."""


@dataclass(frozen=True, eq=False)
class Bumps:
    """An image of three bumps, each a function of the row times a function of the column.

    Attributes
    ----------
    image : ndarray, shape (30, 40)
        With uniform noise between 0 and 0.2.
    start : tuple of ndarray
        Random factors ``W, H`` of rank three.
    """

    image: np.ndarray
    start: tuple


def make_bumps(random_state=1246):
    """Draw the image that the source uses: same bumps, same noise, same start."""
    rows = np.stack([_bump(30, *shape) for shape in ((5, 3), (15, 5), (25, 10))], axis=1)
    columns = np.stack([_bump(40, *shape) for shape in ((10, 5), (20, 6), (25, 5))], axis=1)
    rng = np.random.default_rng(random_state)
    image = rows @ columns.T + 0.2 * rng.random((30, 40))
    return Bumps(image, (0.5 * rng.random(rows.shape), 0.5 * rng.random(columns.shape)))


def _bump(size, centre, width):
    profile = np.exp(-(((np.arange(size) - centre) / width) ** 2))
    return np.where(profile < 0.1, 0.0, profile)


def penalties_of(rule, weight):
    """Penalties of W and of H under one of `RULES`, with one weight for both."""
    return tuple(NonNegative(**{kind: weight}) for kind in RULES[rule])


@dataclass(frozen=True)
class Vanishing:
    """A component that is there at one weight and gone at the next.

    Attributes
    ----------
    weight : float
        The first weight without it.
    left : int
        Components that remain.
    size : float
        Norm of the component at the weight before.
    """

    weight: float
    left: int
    size: float


@dataclass(frozen=True, eq=False)
class Path:
    """Local minima for a sequence of weights, each started where the one before ended.

    Attributes
    ----------
    weights : ndarray, shape (n,)
    fits : tuple of MatrixFactorization
    """

    weights: np.ndarray
    fits: tuple

    @cached_property
    def sizes(self):
        """Norms of the components, shape (n, rank)."""
        return np.array([fit.component_sizes for fit in self.fits])

    @cached_property
    def counts(self):
        """Number of components at each weight."""
        return np.array([fit.n_active for fit in self.fits])

    @cached_property
    def objectives(self):
        return np.array([fit.objective for fit in self.fits])

    @cached_property
    def vanishings(self):
        """Where components disappear, in order."""
        return tuple(
            Vanishing(float(weight), int(after), float(sizes[(sizes > 0) & (later == 0)].max()))
            for weight, before, after, sizes, later in zip(
                self.weights[1:], self.counts, self.counts[1:], self.sizes, self.sizes[1:]
            )
            if after < before
        )

    def at(self, weight):
        """The fit whose weight is closest to the one given."""
        return self.fits[int(np.abs(self.weights - weight).argmin())]


def follow_path(bumps, weights, *, rule="l1 and l1", start=None):
    """Fit three components for each weight in turn.

    Parameters
    ----------
    bumps : Bumps
    weights : sequence of float
    rule : str
        One of `RULES`.
    start : pair of ndarray, optional
        Where the first fit starts, by default at ``bumps.start``.
    """
    init, fits = bumps.start if start is None else start, []
    for weight in weights:
        rank = init[0].shape[1]
        fits.append(
            nmf(bumps.image, rank, penalties=penalties_of(rule, weight), init=init, **_LOCAL)
        )
        init = fits[-1].factors
    return Path(np.asarray(weights, float), tuple(fits))


@dataclass(frozen=True, eq=False)
class BestFits:
    """The lowest objective known at each weight.

    Attributes
    ----------
    weights, objectives : ndarray
    counts : ndarray of int
        Components of the fit that attains it.
    """

    weights: np.ndarray
    objectives: np.ndarray
    counts: np.ndarray


def find_best(bumps, path, *, every=5):
    """Follow a path from every subset of the first components, and keep the lowest objectives.

    The empty subset is the zero model. Only every so many weights of the path are tried.
    """
    first, weights = path.fits[0].factors, path.weights[every - 1 :: every]
    rank = first[0].shape[1]
    objectives = [np.full(len(weights), 0.5 * np.vdot(bumps.image, bumps.image))]
    counts = [np.zeros(len(weights), int)]
    for size in range(1, rank + 1):
        for kept in combinations(range(rank), size):
            start = tuple(factor[:, kept] for factor in first)
            other = follow_path(bumps, weights, start=start)
            objectives.append(other.objectives)
            counts.append(other.counts)
    winner = np.argmin(objectives, axis=0)
    each = np.arange(len(winner))
    return BestFits(weights, np.array(objectives)[winner, each], np.array(counts)[winner, each])


@dataclass(frozen=True)
class RuleRow:
    """What one rule does by the time it has taken a given share of the model.

    Attributes
    ----------
    rule : str
    weight : float
    components, rank : int
        Columns that are not zero, and rank of the model.
    zeros_W, zeros_H : float
        Percentage of zeros in the remaining columns.
    """

    rule: str
    weight: float
    components: int
    rank: int
    zeros_W: float
    zeros_H: float


def compare_rules(bumps, *, share=0.8, weights=None):
    """Follow each rule until the norm of the model has fallen to a share of that of the data.

    Returns
    -------
    tuple of RuleRow
    """
    weights = np.geomspace(0.1, 4.0, 25) if weights is None else weights
    target = share * np.linalg.norm(bumps.image)
    return tuple(_measure_rule(bumps, rule, weights, target) for rule in RULES)


def _measure_rule(bumps, rule, weights, target):
    path = follow_path(bumps, weights, rule=rule)
    norms = [np.linalg.norm(fit.reconstruct()) for fit in path.fits]
    place = int(np.argmax(np.array(norms) <= target))
    W, H = path.fits[place].pruned()
    return RuleRow(
        rule=rule,
        weight=float(weights[place]),
        components=W.shape[1],
        rank=int(np.linalg.matrix_rank(W @ H.T, tol=1e-3)),
        zeros_W=100 * float((W == 0).mean()),
        zeros_H=100 * float((H == 0).mean()),
    )


def trade_weights(bumps, weight=0.4, ratio=100.0):
    """Fit the image under l1 weights that are equal, opposite, and a little larger.

    Returns
    -------
    dict of tuple of two floats to MatrixFactorization
        By the weights of W and of H.
    """
    pairs = (
        (weight, weight),
        (ratio * weight, weight / ratio),
        (weight / ratio, ratio * weight),
        (1.9 * weight, 1.9 * weight),
    )
    return {pair: _fit_pair(bumps, *(NonNegative(l1=w) for w in pair)) for pair in pairs}


@dataclass(frozen=True)
class TradeRow:
    """One pair of weights, l1 on W and ridge on H.

    Attributes
    ----------
    W, H : float
        The weights.
    product : float
    weighted_product : float
        ``W * H**(1 / 2)``.
    objective : float
    """

    W: float
    H: float
    product: float
    weighted_product: float
    objective: float


def trade_unequal_degrees(bumps, unit=0.25):
    """Fit the image under pairs of weights on penalties of degrees one and two.

    Returns
    -------
    tuple of TradeRow
    """
    rows = []
    for first, second in ((4.0, 1.0), (1.0, 4.0), (2.0, 4.0), (1.0, 16.0)):
        W, H = unit * first, unit * second
        fit = _fit_pair(bumps, NonNegative(l1=W), NonNegative(l2=H))
        rows.append(TradeRow(W, H, W * H, W * H**0.5, fit.objective))
    return tuple(rows)


def _fit_pair(bumps, *penalties) -> MatrixFactorization:
    return nmf(bumps.image, 3, penalties=penalties, init=bumps.start, tol=1e-12, max_iter=5000)
