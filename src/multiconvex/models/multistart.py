"""Fits from several starts, of which the best is kept."""

import warnings
from functools import partial

import numpy as np
from joblib import Parallel, delayed

from multiconvex.stopping import ConvergenceWarning, RelativeDecrease, warn_unconverged


def best_of_starts(run, starts, *, max_iter, tol, n_jobs):
    """Return the best result of ``run`` over the starts, and the final objectives of all.

    Starts that do not converge are no concern of the user; the best one is.
    """
    quiet = partial(_run_quietly, run)
    if n_jobs is None:
        results = _until_stopped(map(quiet, starts))
    else:
        results = Parallel(n_jobs=n_jobs)(delayed(quiet)(start) for start in starts)
    objectives = np.array([result.objective for result in results])
    best = results[int(objectives.argmin())]
    if best.status == "max_iter" and max_iter > 0 and tol > 0:
        warn_unconverged(RelativeDecrease(tol), max_iter)
    return best, objectives


def _run_quietly(run, start):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return run(start)


def _until_stopped(results):
    """Collect results up to the first that the callback stopped."""
    kept = []
    for result in results:
        kept.append(result)
        if result.status == "stopped":
            break
    return kept
