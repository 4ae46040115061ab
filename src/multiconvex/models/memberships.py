"""What models with learned memberships share: their starts, their steps, and the best of them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.checks import check_blocks, check_count, check_option
from multiconvex.models.multistart import best_of_starts
from multiconvex.nested.outer_steps import OuterStep
from multiconvex.penalties import Penalty, Simplex

NOISE = 0.05


@dataclass(frozen=True)
class Cover(Penalty):
    """Rows between zero and one that sum to one or more: the hull of zero-one rows but zero."""

    columnwise: ClassVar[bool] = False

    def value(self, x):
        slack = 10.0 * x.shape[1] * np.finfo(x.dtype).eps
        inside = x.min(initial=0.0) >= -slack and x.max(initial=1.0) <= 1.0 + slack
        return 0.0 if inside and x.sum(axis=1).min(initial=1.0) >= 1.0 - slack else np.inf

    def prox(self, x, step):
        clipped = np.clip(x, 0.0, 1.0)
        short = clipped.sum(axis=1) < 1.0
        if short.any():
            clipped[short] = Simplex().prox(x[short], step)
        return clipped


SETS = {"simplex": Simplex(), "cover": Cover()}


def start_memberships(init, block, rng):
    """Return feasible memberships of a block: as equal and as large as can be, or as given."""
    if isinstance(init, str):
        check_option("init", init, ("random",))
        everywhere = block.penalty.prox(np.ones(block.shape), 1.0)
        init = everywhere + NOISE * rng.standard_normal(block.shape)
    (theta,) = check_blocks((init,), [block.shape], ["theta"])
    return block.penalty.prox(theta, 1.0)


def as_step(outer, named):
    """Return a rule of the outer loop, given or by its name among ``named``."""
    if isinstance(outer, OuterStep):
        return outer
    check_option("outer", outer, tuple(named))
    return named[outer]


def best_memberships(run, init, block, step, rng, *, n_starts, max_iter, tol):
    """Return the best result of ``run`` over the starts, and the final objectives of all.

    The first start is ``init``, the others are random. Steps that fall to zero over those allowed
    leave nothing to warn of.
    """
    inits = [init] + ["random"] * (check_count("n_starts", n_starts) - 1)
    starts = [start_memberships(start, block, rng) for start in inits]
    tol = 0.0 if step.scheduled else tol
    return best_of_starts(run, starts, max_iter=max_iter, tol=tol, n_jobs=None)
