"""What models with learned memberships share: their starts, their steps, and the best of them."""

from multiconvex.checks import check_blocks, check_count, check_option
from multiconvex.models.multistart import best_of_starts
from multiconvex.nested.outer_steps import OuterStep
from multiconvex.penalties import Simplex

NOISE = 0.05


def start_memberships(init, shape, rng):
    """Return memberships on the simplex, of the given shape: equal but for noise, or as given."""
    if isinstance(init, str):
        check_option("init", init, ("random",))
        init = 1.0 / shape[1] + NOISE * rng.standard_normal(shape)
    (theta,) = check_blocks((init,), [shape], ["theta"])
    return Simplex().prox(theta, 1.0)


def as_step(outer, named):
    """Return a rule of the outer loop, given or by its name among ``named``."""
    if isinstance(outer, OuterStep):
        return outer
    check_option("outer", outer, tuple(named))
    return named[outer]


def best_memberships(run, init, shape, step, rng, *, n_starts, max_iter, tol):
    """Return the best result of ``run`` over the starts, and the final objectives of all.

    The first start is ``init``, the others are random. Steps that fall to zero over those allowed
    leave nothing to warn of.
    """
    inits = [init] + ["random"] * (check_count("n_starts", n_starts) - 1)
    starts = [start_memberships(start, shape, rng) for start in inits]
    tol = 0.0 if step.scheduled else tol
    return best_of_starts(run, starts, max_iter=max_iter, tol=tol, n_jobs=None)
