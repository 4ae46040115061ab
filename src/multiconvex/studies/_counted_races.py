"""Small races under the Kullback-Leibler loss, measured in sweeps and in work, never in seconds."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from multiconvex.divergence import divergence_of
from multiconvex.engine import alternate
from multiconvex.losses import KullbackLeibler
from multiconvex.marginals import SinkhornScaling
from multiconvex.models import DivergenceProblem, FactorProblem
from multiconvex.models.initialization import filled, random_factors
from multiconvex.models.joint_problem import JointProblem
from multiconvex.penalties import NonNegative
from multiconvex.row_kernels import stored_rows
from multiconvex.stopping import RelativeDecrease
from multiconvex.updates import (
    ConstrainedNewton,
    JointMajorant,
    MultiplicativeUpdate,
    NoLips,
    PrimalDual,
    QuasiNewton,
    ScalarNewton,
)

_KL = KullbackLeibler()
_PLAIN = (NonNegative(), NonNegative())
RULES = {
    "multiplicative": MultiplicativeUpdate(),
    "NoLips": NoLips(),
    "joint majorant": JointMajorant(),
    "primal-dual": PrimalDual(),
    "scalar Newton": ScalarNewton(),
    "constrained Newton": ConstrainedNewton(),
}


def work_per_sweep(rule, rank):
    """Multiplications of one sweep for each stored entry of the data and each component.

    Counted from the formulas: a model or a product of the ratio with a factor is one, and a sweep
    has two blocks unless the rule moves both at once.
    """
    if isinstance(rule, JointMajorant):
        return 3
    if isinstance(rule, PrimalDual):
        return 2 * (2 * rule.steps + 2)
    if isinstance(rule, ScalarNewton):
        return 2 * (1 + 3 * rule.sweeps)
    if isinstance(rule, ConstrainedNewton):
        return 2 * rule.steps * (3 + rank / 2)
    return 4


@dataclass(frozen=True)
class CountedRace:
    """Objectives of several rules from one start.

    Attributes
    ----------
    objectives : dict of str to ndarray
        After each sweep, the start included.
    work : dict of str to float
        Multiplications per sweep, stored entry and component.
    best : float
        Least objective, of a long fit or of any rule.
    """

    objectives: dict
    work: dict
    best: float

    def gaps(self, name):
        """Relative distance of a rule to the best objective after each sweep."""
        return self.objectives[name] / self.best - 1.0

    def cost(self, name, gap):
        """Sweeps and work to a gap, None where it was not reached."""
        reached = np.flatnonzero(self.gaps(name) <= gap)
        return (int(reached[0]), reached[0] * self.work[name]) if len(reached) else (None, None)

    def rows(self, gap):
        """One line of a table for each rule."""
        return tuple(
            {"update": name, "sweeps": sweeps, "work per sweep": self.work[name], "work": work}
            for name in self.objectives
            for sweeps, work in [self.cost(name, gap)]
        )


def make_counts(shape=(60, 45), rank=4, mean=3.0, *, spread=1.0, random_state=0):
    """Poisson counts of gamma factors, and a positive start.

    Parameters
    ----------
    shape : pair of int
    rank : int
    mean : float
        Mean count.
    spread : float
        Shape of the gamma distribution of the factors: small ones make them and the data sparse.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    X : ndarray
        Without empty rows and columns.
    start : pair of ndarray
    """
    rng = np.random.default_rng(random_state)
    model = rng.gamma(spread, size=(shape[0], rank)) @ rng.gamma(spread, size=(rank, shape[1]))
    X = rng.poisson(mean * model / model.mean()).astype(float)
    X = np.ascontiguousarray(X[X.sum(axis=1) > 0][:, X.sum(axis=0) > 0])
    operand = FactorProblem(X, rank, _PLAIN).data
    return X, filled(random_factors(operand, rank, rng, nonnegative=True))


def follow(X, start, rule, sweeps, acceleration=None, callback=None):
    """Return the result of a number of sweeps of one rule from a start."""
    problem, blocks = DivergenceProblem(X, start[0].shape[1], _KL, _PLAIN), start
    if isinstance(rule, JointMajorant | QuasiNewton):
        problem = JointProblem(problem)
        blocks = problem.stack(start)
    return alternate(
        problem, blocks, rule, acceleration=acceleration, stop=RelativeDecrease(0.0),
        max_iter=sweeps, callback=callback,
    )  # fmt: skip


def race_counts(X, start, *, sweeps=200):
    """Race the updates for counts from one start.

    Parameters
    ----------
    X : ndarray or scipy.sparse array
    start : pair of ndarray
    sweeps : int

    Returns
    -------
    CountedRace
    """
    rank = start[0].shape[1]
    objectives = {
        name: follow(X, start, rule, sweeps).trace.objective for name, rule in RULES.items()
    }
    long = follow(X, start, ScalarNewton(), 3 * sweeps).objective
    best = min(long, *(values.min() for values in objectives.values()))
    work = {name: work_per_sweep(rule, rank) for name, rule in RULES.items()}
    return CountedRace(objectives, work, float(best))


@dataclass(frozen=True)
class MarginalRace:
    """Multiplicative updates with and without Sinkhorn's scaling.

    Attributes
    ----------
    objectives, errors : dict of str to ndarray
        After each sweep: the objective, and the largest relative error of the sum of a row.
    best : float
    """

    objectives: dict
    errors: dict
    best: float


def follow_marginals(X, start, *, sweeps=30):
    """Follow the sums of the rows of the model along multiplicative updates.

    Parameters
    ----------
    X : ndarray
    start : pair of ndarray
    sweeps : int

    Returns
    -------
    MarginalRace
    """
    objectives, errors = {}, {}
    sums = X.sum(axis=1)
    ways = {"multiplicative": None, "with Sinkhorn": SinkhornScaling()}
    for name, way in ways.items():
        seen = []

        def measure(sweep, seen=seen):
            model = sweep.blocks["W"] @ sweep.blocks["H"].sum(axis=0)
            seen.append(float(np.abs(model / sums - 1.0).max()))

        fit = follow(X, start, MultiplicativeUpdate(), sweeps, way, measure)
        objectives[name], errors[name] = fit.trace.objective, np.array(seen)
    best = follow(X, start, ScalarNewton(), 20 * sweeps).objective
    return MarginalRace(objectives, errors, best)


@dataclass(frozen=True)
class Multipliers:
    """Numbers a primal-dual method keeps for one sparse matrix.

    Attributes
    ----------
    counts : int
        Entries of the matrix.
    sparse : int
        Multipliers when the linear term stays with the block: one for each stored entry.
    """

    counts: int
    sparse: int


def count_multipliers(X):
    """Count the multipliers of a primal-dual method, and check that zeros of the data need none.

    Parameters
    ----------
    X : scipy.sparse array

    Returns
    -------
    Multipliers
    """
    data = divergence_of(sp.csr_array(X), _KL)
    stored = stored_rows(data.rows(0))[0]
    return Multipliers(int(np.prod(X.shape)), len(stored))


@dataclass(frozen=True)
class Stalls:
    """Where quasi-Newton steps on both factors end, for many draws of counts.

    Attributes
    ----------
    gaps : dict of str to ndarray
        For each kind of start, the gap to scalar Newton steps in each run, 0 where it is better.
    empty : dict of str to ndarray of int
        Positive counts that the final model says are impossible.
    """

    gaps: dict
    empty: dict

    @property
    def rows(self):
        """One line of a table for each kind of start."""
        return tuple(
            {
                "start": name,
                "runs": len(gaps),
                "stuck": int(np.sum(gaps > 0.1)),
                "with an impossible count": int(np.sum(self.empty[name] > 0)),
            }
            for name, gaps in self.gaps.items()
        )


def count_stalls(*, n_runs=12, sweeps=6):
    """Move both factors at once by quasi-Newton steps, from random starts and from warm ones.

    Parameters
    ----------
    n_runs : int
    sweeps : int
        Of 20 steps each.

    Returns
    -------
    Stalls
    """
    gaps, empty = {}, {}
    for name, warm in (("random", 0), ("after 20 multiplicative sweeps", 20)):
        ends = [_end_of_quasi_newton(seed, warm, sweeps) for seed in range(n_runs)]
        gaps[name], empty[name] = (np.array(values) for values in zip(*ends))
    return Stalls(gaps, empty)


def _end_of_quasi_newton(seed, warm, sweeps):
    """Return the gap to scalar Newton steps, and the number of impossible counts."""
    X, start = make_counts((40, 30), 3, 5.0, random_state=seed)
    if warm:
        start = tuple(follow(X, start, MultiplicativeUpdate(), warm).blocks.values())
    joint = follow(X, start, QuasiNewton(steps=20), sweeps)
    newton = follow(X, start, ScalarNewton(), 100)
    factors = joint.blocks["factors"]
    model = factors[: len(X)] @ factors[len(X) :].T
    gap = max(joint.objective / newton.objective - 1.0, 0.0)
    return gap, int(np.count_nonzero((X > 0) & (model < 1e-12)))
