"""What a stored run of the benchmark of NMF solvers says."""

import json
import math
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

import numpy as np

FEW_COEFFICIENTS = 5e5
SPARSE = 0.1
LOSSES = ("frobenius", "kullback-leibler")
_DEFAULT = "nmf, default"
_MISSED = 100.0


@dataclass(frozen=True)
class RaceProblem:
    """One problem of the benchmark and how long each solver took.

    Attributes
    ----------
    dataset, loss : str
    weight : float
        Of the sum of the factors, relative to the slope of the loss.
    rows, columns, rank, stored : int
        Sizes; `stored` counts the entries of the data that are not zero.
    best : float
        Least objective that any solver reached.
    seconds : dict of str to tuple of (float or None)
        For each solver, seconds to each gap; None where it did not get there.
    """

    dataset: str
    loss: str
    weight: float
    rows: int
    columns: int
    rank: int
    stored: int
    best: float
    seconds: dict

    @property
    def density(self):
        """Fraction of the data that is not zero."""
        return self.stored / (self.rows * self.columns)

    @property
    def kind(self):
        """``"sparse"``, or ``"small"`` or ``"large"`` where the data are dense."""
        if self.density < SPARSE:
            return "sparse"
        return "small" if self.stored * self.rank < FEW_COEFFICIENTS else "large"


@dataclass(frozen=True)
class StoredRaces:
    """A dated run of ``benchmarks/nmf``.

    Attributes
    ----------
    provenance : dict
        Date, command, machine, versions and the origin of the data.
    gaps : tuple of float
        Relative distances to the best objective.
    problems : tuple of RaceProblem
    """

    provenance: dict
    gaps: tuple
    problems: tuple

    @cached_property
    def solvers(self):
        """Names of all solvers, in alphabetical order."""
        return tuple(sorted({name for problem in self.problems for name in problem.seconds}))

    def index(self, gap):
        """Return the position of a gap; refuse one that was not measured."""
        for k, known in enumerate(self.gaps):
            if math.isclose(known, gap, rel_tol=0.01):
                return k
        listed = ", ".join(f"{known:.2g}" for known in self.gaps)
        raise ValueError(f"gap must be one of {listed}; got {gap!r}.")

    def select(self, *, loss=None, weighted=None, kind=None, dataset=None):
        """Return the problems with these properties; None leaves a property open."""
        wanted = (("loss", loss), ("kind", kind), ("dataset", dataset))
        return tuple(
            problem
            for problem in self.problems
            if all(value is None or getattr(problem, name) == value for name, value in wanted)
            and (weighted is None or (problem.weight > 0) == weighted)
        )

    def slowdowns(self, problems, gap):
        """Return for each solver of all these problems its seconds over the least, inf if late."""
        k = self.index(gap)
        names = set.intersection(*(set(problem.seconds) for problem in problems))
        table = {name: [] for name in sorted(names)}
        for problem in problems:
            arrived = [times[k] for times in problem.seconds.values() if times[k] is not None]
            for name, ratios in table.items():
                seconds = problem.seconds[name][k]
                ratios.append(math.inf if seconds is None else ratio(seconds, min(arrived)))
        return table


def ratio(seconds, least):
    """Return a quotient of times, 1 where both are below what a clock resolves."""
    return max(seconds, 1e-4) / max(least, 1e-4)


def load_races():
    """The run of the benchmark that comes with the package.

    Returns
    -------
    StoredRaces
    """
    text = (
        files("multiconvex.studies").joinpath("data/nmf_solvers.json").read_text(encoding="utf-8")
    )
    stored = json.loads(text)
    problems = tuple(
        RaceProblem(
            **{name: value for name, value in record.items() if name != "seconds"},
            seconds={name: tuple(times) for name, times in record["seconds"].items()},
        )
        for record in stored["problems"]
    )
    return StoredRaces(stored["provenance"], tuple(stored["gaps"]), problems)


@dataclass(frozen=True)
class PerformanceProfile:
    """How often each solver is nearly the fastest.

    Attributes
    ----------
    gap : float
    factors : ndarray
        Multiples of the least time of each problem.
    shares : dict of str to ndarray
        Share of the problems that a solver finishes within each multiple.
    n_problems : int
    """

    gap: float
    factors: np.ndarray
    shares: dict
    n_problems: int


def profile_solvers(races, loss, gap):
    """Performance profile of all solvers over all problems with a loss.

    Parameters
    ----------
    races : StoredRaces
    loss : str
    gap : float
        Relative distance to the best objective at which a problem counts as solved.

    Returns
    -------
    PerformanceProfile
        Solvers that were run on part of the problems only are judged on those.
    """
    factors = np.geomspace(1.0, 1000.0, 61)
    problems = races.select(loss=loss)
    names = {name for problem in problems for name in problem.seconds}
    shares = {}
    for name in sorted(names):
        entered = [problem for problem in problems if name in problem.seconds]
        ratios = [races.slowdowns([problem], gap)[name][0] for problem in entered]
        shares[name] = np.array([np.mean(np.array(ratios) <= factor) for factor in factors])
    return PerformanceProfile(gap, factors, shares, len(problems))


@dataclass(frozen=True)
class Advice:
    """One line of the decision table.

    Attributes
    ----------
    loss, data : str
    gap : float
    use, next_best : str
        The solvers with the smallest typical slowdowns.
    slowdown, next_slowdown, default_slowdown : float
        Theirs, and that of ``nmf`` with its defaults.
    arrived, problems : int
        On how many of the problems the first one arrives.
    """

    loss: str
    data: str
    gap: float
    use: str
    slowdown: float
    next_best: str
    next_slowdown: float
    default_slowdown: float
    arrived: int
    problems: int


def advise(races, gaps=(1e-3, 1e-5)):
    """Decision table by loss, kind of data and accuracy.

    Parameters
    ----------
    races : StoredRaces
    gaps : sequence of float

    Returns
    -------
    tuple of Advice
    """
    rows = []
    for loss in LOSSES:
        for kind in ("small", "large", "sparse"):
            problems = races.select(loss=loss, kind=kind)
            for gap in gaps if problems else ():
                ratios = races.slowdowns(problems, gap)
                means = {name: typical(values) for name, values in ratios.items()}
                first, second = sorted(means, key=means.get)[:2]
                arrived = len(problems) - ratios[first].count(math.inf)
                rows.append(
                    Advice(
                        loss, kind, gap, first,
                        means[first], second, means[second], means[_DEFAULT], arrived,
                        len(problems),
                    )
                )  # fmt: skip
    return tuple(rows)


def typical(ratios):
    """Return the geometric mean of slowdowns; a problem that was missed counts as 100.

    Examples
    --------
    >>> round(typical([1.0, 4.0]), 12), round(typical([1.0, math.inf]), 12)
    (2.0, 10.0)
    """
    return float(np.exp(np.mean(np.log(np.minimum(ratios, _MISSED)))))
