"""One fit from many starts, all of them kept: how far do they agree?"""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from multiconvex.checks import check_count
from multiconvex.progress import SilentProgress
from multiconvex.stopping import ConvergenceWarning
from multiconvex.trace import Result


@dataclass(frozen=True, eq=False)
class Starts:
    """Fits from several starts, best first.

    Attributes
    ----------
    results : tuple of Result
    seeds : tuple of int
        The ``random_state`` of each, to repeat it.
    interrupted : bool
        Whether the user ended the fits; the last one may then be unfinished
        (its status is ``"stopped"``).
    """

    results: tuple
    seeds: tuple
    interrupted: bool

    @property
    def best(self):
        """The result of lowest objective."""
        return self.results[0]

    @property
    def objectives(self):
        """Final objective of each, best first."""
        return np.array([result.objective for result in self.results])

    @property
    def gaps(self):
        r"""How much of the descent each one missed, 0 for the best.

        .. math:: \frac{F_s - \min_t F_t}{\operatorname{median}_t F_t^{(0)} - \min_t F_t}

        with :math:`F_s^{(0)}` the objective at the start. Neither the unit nor the zero of the
        objective matters.
        """
        above = self.objectives - self.best.objective
        first = np.median([result.trace.objective[0] for result in self.results])
        return above / max(first - self.best.objective, np.finfo(float).tiny)

    @property
    def spread(self):
        """The largest of `gaps`."""
        return float(self.gaps.max())

    def agreeing(self, tol=1e-3):
        """Return how many starts, the best one included, missed at most ``tol`` of the descent."""
        return int(np.count_nonzero(self.gaps <= tol))

    def __repr__(self):
        return (
            f"Starts({len(self.results)} fits; best objective {self.best.objective:.6g}, reached "
            f"within 0.1% of the descent by {self.agreeing()})"
        )


def fit_starts(fit, n_starts, *, random_state=None, progress=None):
    r"""Fit a model from several starts and keep every result, best first.

    A multi-convex objective has local minima. Whether several starts end with one objective, and
    with one solution (:func:`multiconvex.stability`), says how far the best of them is to be
    trusted.

    Parameters
    ----------
    fit : callable
        Called as ``fit(random_state, callback)`` with an integer and a function to hand on to the
        model; returns its :class:`multiconvex.Result`.
    n_starts : int
    random_state : None, int or numpy.random.Generator
        Of the integers.
    progress : Progress, optional
        Shows the fits. With or without one, an interrupt ends the current fit after its sweep and
        the others are not made. A second interrupt drops the current fit, and raises where there
        is no other.

    Returns
    -------
    Starts

    Raises
    ------
    TypeError
        If ``fit`` returns something else than a result.

    Warns
    -----
    ConvergenceWarning
        If the best fit used all its sweeps; the others may.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import fit_starts, nmf
    >>> X = np.random.default_rng(0).random((12, 2)) @ np.eye(2, 9)
    >>> def fit(random_state, callback):
    ...     return nmf(X, 2, init="random", random_state=random_state, callback=callback)
    >>> starts = fit_starts(fit, 4, random_state=0)
    >>> len(starts.results), starts.agreeing(), bool(starts.spread < 1e-3)
    (4, 4, True)
    """
    n_starts = check_count("n_starts", n_starts)
    seeds = np.random.default_rng(random_state).integers(2**31, size=n_starts).tolist()
    runs = []
    with progress or SilentProgress() as progress:
        for number, seed in enumerate(seeds, start=1):
            progress.describe(f"start {number} of {n_starts}")
            try:
                runs.append(_run(fit, seed, progress))
            except KeyboardInterrupt:
                if not runs:
                    raise
                interrupted = True
            else:
                interrupted = progress.interrupted
            if interrupted:
                break
    runs.sort(key=lambda run: run.result.objective)
    for caught in runs[0].unconverged:
        _warn_again(caught)
    return Starts(tuple(run.result for run in runs), tuple(run.seed for run in runs), interrupted)


class _Run(NamedTuple):
    """What came out of one start."""

    result: Result
    seed: int
    unconverged: list


def _run(fit, seed, callback):
    """Fit once, setting aside the warnings that only matter for the best start."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        result = fit(seed, callback)
    unconverged = [one for one in caught if issubclass(one.category, ConvergenceWarning)]
    for one in caught:
        if one not in unconverged:
            _warn_again(one)
    if not isinstance(result, Result):
        raise TypeError(
            "fit must return the Result of a model, such as nmf(...) or the result_ of an "
            f"estimator, got {type(result).__name__}."
        )
    return _Run(result, seed, unconverged)


def _warn_again(caught):
    warnings.warn_explicit(caught.message, caught.category, caught.filename, caught.lineno)
