"""How many hidden states, judged by sequences that no fit has seen."""

import warnings
from itertools import pairwise

import numpy as np

from multiconvex.chain_kernels import sequence_bounds
from multiconvex.checks import check_array, check_count
from multiconvex.estimators.behaviour import InputOutputHMM
from multiconvex.models.latent.selection import breaks_within
from multiconvex.own_data.ranks import HeldOutRanks, complete
from multiconvex.progress import SilentProgress
from multiconvex.stopping import ConvergenceWarning

_RUNS = 4


def held_out_states(
    X,
    y,
    counts,
    *,
    breaks=(),
    n_folds=5,
    n_starts=3,
    max_iter=200,
    tol=1e-4,
    random_state=None,
    progress=None,
):
    r"""Compare numbers of hidden states by how well they predict sequences that were left out.

    Whole sequences are dealt to folds. Each fold is predicted by hidden Markov models of the
    others (:class:`multiconvex.InputOutputHMM` with ``inference="em"``), one answer at a time from
    those before it,

    .. math:: \frac{-\frac1m \sum_t \log p(y_t \mid x_t, x_{t-1}, y_{t-1}, \dots)}
              {-\frac1m \sum_t \log p_0(y_t)} ,

    with :math:`p_0` the share of each answer in the other folds.

    Parameters
    ----------
    X : ndarray, shape (m, n)
        Inputs, in order of time.
    y : array of int, shape (m,)
        Answers, 0 or 1.
    counts : iterable of int
        Numbers of states.
    breaks : sequence of int, default ()
        Rows where a new sequence begins. Where there are fewer than two for each fold, sequences
        are cut into runs.
    n_folds : int, default 5
    n_starts, max_iter, tol
        Of each fit.
    random_state : None, int or numpy.random.Generator
    progress : Progress, optional
        Shows the fits. With or without one, an interrupt keeps the folds that are complete; in the
        first fold, the counts that are.

    Returns
    -------
    HeldOutRanks
        Numbers of states are its ``.ranks``, folds its draws. An error of 1 is that of an observer
        who knows only how often each answer is given.

    Raises
    ------
    ValueError
        For inputs and answers of different lengths, fewer than two folds or more than there are
        runs, or a single answer.
    KeyboardInterrupt
        If it is interrupted in the first fit.

    Notes
    -----
    Cost: as many fits as there are counts, folds and starts, O(m K^2) a sweep.

    Examples
    --------
    >>> from multiconvex import held_out_states
    >>> from multiconvex.datasets import make_decisions
    >>> data = make_decisions(sessions=12, trials=60, random_state=0)
    >>> held = held_out_states(
    ...     data.design[:, :3], data.choice, (1, 2), breaks=data.breaks, n_folds=3, random_state=0
    ... )
    >>> held.ranks, held.errors.shape
    ((1, 2), (2, 3))
    """
    X, y = check_array("X", X, ndim=2), np.asarray(y)
    if y.shape != (len(X),) or set(np.unique(y)) != {0, 1}:
        raise ValueError(
            f"y must hold one answer, 0 or 1, for each of the {len(X)} rows of X, and both must "
            f"occur; got shape {y.shape} with values {np.unique(y)[:5]}."
        )
    counts = tuple(sorted({check_count("each of counts", count) for count in counts}))
    if not counts:
        raise ValueError("counts is empty: give at least one number of states.")
    n_folds = check_count("n_folds", n_folds, least=2)
    rng = np.random.default_rng(random_state)
    breaks, folds = _deal(breaks, len(X), n_folds, rng)
    errors = np.full((len(counts), n_folds), np.nan)
    fit = {"n_starts": n_starts, "max_iter": max_iter, "tol": tol}
    with progress or SilentProgress() as progress:
        for number, out in enumerate(folds):
            kept = np.setdiff1d(np.arange(len(X)), out)
            useless = _surprise(y[out], y[kept].mean())
            for row, count in enumerate(counts):
                progress.describe(f"{count} states, fold {number + 1} of {n_folds}")
                seed = int(rng.integers(2**31))
                model = InputOutputHMM(
                    count, inference="em", random_state=seed, callback=progress, **fit
                )
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    model.fit(X[kept], y[kept], breaks=breaks_within(breaks, kept))
                if progress.interrupted:
                    return complete(counts, errors)
                score = model.score(X[out], y[out], breaks=breaks_within(breaks, out))
                errors[row, number] = -score / useless
    return HeldOutRanks(counts, errors)


def _deal(breaks, m, n_folds, rng):
    """Return where runs begin, and the rows of each fold: whole runs dealt at random."""
    bounds = np.asarray(sequence_bounds(breaks, m))
    if len(bounds) - 1 < 2 * n_folds:
        longest = max(m // (_RUNS * n_folds), 1)
        bounds = np.concatenate([np.arange(a, b, longest) for a, b in pairwise(bounds)])
        bounds = np.append(bounds, m)
    runs = [np.arange(a, b) for a, b in pairwise(bounds)]
    if len(runs) < n_folds:
        raise ValueError(f"n_folds must be at most the number of rows, {m}, got {n_folds}.")
    order = rng.permutation(len(runs))
    folds = [np.sort(np.concatenate([runs[k] for k in order[f::n_folds]])) for f in range(n_folds)]
    return tuple(int(bound) for bound in bounds[1:-1]), folds


def _surprise(y, share):
    """Return the mean negative log-likelihood of answers that come with a fixed probability."""
    if not 0.0 < share < 1.0:
        raise ValueError(
            "y has a single answer in all folds but one: use fewer folds, or more sequences."
        )
    return float(-np.mean(np.where(y == 1, np.log(share), np.log1p(-share))))
