"""The two ways to fit a PARAFAC2 model, and where they start."""

from dataclasses import dataclass, replace

import numpy as np

from multiconvex.acceleration import Extrapolation
from multiconvex.balancing import Balancing
from multiconvex.checks import check_blocks, check_option
from multiconvex.engine import alternate, conclude
from multiconvex.losses import Frobenius
from multiconvex.models.initialization import nonnegative_parts, truncated_svd
from multiconvex.models.nmf import default_update, has_nonnegative
from multiconvex.models.parafac2_problem import (
    Parafac2Problem,
    ReparametrizedProblem,
    SliceData,
    split_rows,
)
from multiconvex.models.parafac2_updates import BestBases, Held, Parafac2ADMM, RowsOfSlices
from multiconvex.operands import DenseTensor
from multiconvex.parafac2_set import default_core, nearest_member, orthonormalise, stack_slices
from multiconvex.penalties import NoPenalty
from multiconvex.stopping import RelativeDecrease, Settled
from multiconvex.trace import Recorder
from multiconvex.updates.prox_gradient import ProxGradient

_RESTORED = 1e-13
_MOST_ROUNDS = 5000
_ROUNDING = 1e-26
_FIRST_ROUNDS = 200


@dataclass
class SettledOrExact(Settled):
    """As `Settled`, and at once where nothing but rounding is left to settle."""

    floor: float = 0.0

    def __call__(self, previous, current):
        return super().__call__(previous, current) or (self.tol > 0 and current <= self.floor)


def fit_with_copies(data, penalties, start, *, max_iter, tol, callback):
    """Alternate with copies of the profiles, bring them together, and fit the rest to them."""
    problem = Parafac2Problem(data, start[0].shape[1], penalties)
    recorder = Recorder()
    options = {"callback": callback, "recorder": recorder}
    updates = {
        "A": default_update(Frobenius(), penalties[:1]),
        "B": Parafac2ADMM(),
        "C": _update_of_rows(penalties[2]),
    }
    together = min(max_iter, max(1, max_iter * 9 // 10))
    result = alternate(
        problem,
        start,
        updates,
        acceleration=Extrapolation(),
        stop=SettledOrExact(tol, floor=_ROUNDING * data.norm2),
        max_iter=together,
        **options,
    )
    if max_iter == 0:
        return result
    point = restored(problem, tuple(result.blocks.values()))
    recorder.clock.pause()
    recorder.add(result.n_iter, problem.objective(point), "restored")
    recorder.clock.resume()
    if result.status == "stopped":
        return conclude(problem, point, "stopped", Balancing(at=()), recorder)
    last = alternate(
        problem,
        point,
        updates | {"B": Held()},
        stop=RelativeDecrease(tol),
        max_iter=max_iter - result.n_iter,
        **options,
    )
    return last if result.status == "converged" else replace(last, status=result.status)


def fit_with_core(data, penalties, start, *, max_iter, tol, callback):
    """Alternate between bases, A, core and C; slices that are wide are first made square."""
    narrow, turns = _narrowed(data, start[0].shape[1])
    problem = ReparametrizedProblem(narrow, start[0].shape[1], penalties)
    A, B, C = start
    small = (A, nearest_profiles(B, data.bounds)[1], C)
    updates = {
        "P": BestBases(),
        "A": default_update(Frobenius(), penalties[:1]),
        "D": default_update(Frobenius(), (NoPenalty(),)),
        "C": default_update(Frobenius(), penalties[2:]),
    }
    result = alternate(
        problem,
        (problem.bases((None, *small)), *small),
        updates,
        acceleration=Extrapolation(),
        stop=RelativeDecrease(tol),
        max_iter=max_iter,
        callback=callback,
    )
    P, A, D, C = result.blocks.values()
    profiles = [turn @ (basis @ D) for turn, basis in zip(turns, split_rows(P, narrow.bounds))]
    return replace(result, blocks={"A": A, "B": np.vstack(profiles), "C": C})


def restored(problem, x):
    """Move the profiles into the PARAFAC2 set and the domain of their penalty.

    Alternating projections; slices that matter more to the loss move less.
    """
    A, B, C = x
    bounds, penalty = problem.data.bounds, problem.blocks[1].penalty
    weights = np.trace(problem.slice_equations(x, 1)[0], axis1=1, axis2=2)
    weights = np.maximum(weights, 1e-12 * weights.max(initial=1e-30))
    core = nearest_profiles(B, bounds)[1]
    for _ in range(_MOST_ROUNDS):
        member, core = nearest_member(B, bounds, weights, core)
        if np.linalg.norm(member - B) <= _RESTORED * np.linalg.norm(B):
            break
        B = penalty.prox(member, 0.0)
    return A, B, C


def nearest_profiles(B, bounds):
    """Return the stacked profiles nearest to B whose cross products agree, and their core."""
    core = default_core(B, bounds, orthonormalise(B, bounds)[1])
    return nearest_member(B, bounds, np.ones(len(bounds) - 1), core, _FIRST_ROUNDS, 1e-15)


def starting_point(init, data, rank, penalties, rng):
    """Return the blocks A, B and C in the domains of their penalties, at the scale of the data."""
    shapes = [(len(data.array), rank), (len(data.owner), rank), (len(data), rank)]
    if not isinstance(init, str):
        return _given(init, shapes)
    check_option("init", init, ("svd", "random"))
    signed = not has_nonnegative(penalties[:2])
    if init == "svd":
        A, B = _singular_vectors(data, rank, signed, rng)
        C = np.ones(shapes[2])
    else:
        draw = rng.standard_normal if signed else rng.random
        A, B, C = draw(shapes[0]), draw(shapes[1]), 0.5 + rng.random(shapes[2])
    blocks = [penalty.prox(x, 0.0) for penalty, x in zip(penalties, (A, B, C))]
    grams, rhs = Parafac2Problem(data, rank, (NoPenalty(),) * 3).slice_equations(blocks, 2)
    inner = float(np.vdot(rhs, blocks[2]))
    squared = float(np.einsum("kp,kpq,kq->", blocks[2], grams, blocks[2]))
    scale = (inner / squared) ** (1.0 / 3.0) if inner > 0.0 < squared else 1.0
    return tuple(penalty.prox(scale * x, 0.0) for penalty, x in zip(penalties, blocks))


def _given(init, shapes):
    given = list(init) if isinstance(init, tuple | list) else init
    if isinstance(given, list) and len(given) == 3 and isinstance(given[1], tuple | list):
        given[1] = stack_slices("init of B", given[1])[0]
    return check_blocks(given, shapes, "ABC")


def _singular_vectors(data, rank, signed, rng):
    """Return leading singular vectors of the slices side by side, completed at random."""
    found = min(rank, *data.array.shape)
    left, singular, right = truncated_svd(DenseTensor(data.array), found, rng)
    A, B = (
        np.hstack([vectors, rng.standard_normal((len(vectors), rank - found)) / len(vectors)])
        for vectors in (left, right.T * singular)
    )
    return (A, B) if signed else nonnegative_parts(DenseTensor(data.array), (A, B))


def _update_of_rows(penalty):
    honoured = isinstance(penalty, RowsOfSlices.handles)
    return RowsOfSlices() if honoured else ProxGradient(steps=5)


def _narrowed(data, rank):
    """Return slices with at most as many columns as rows, and what they were multiplied with.

    With X_k^T = Q_k R_k the best bases for X_k are Q_k times the best bases for R_k^T.
    """
    pieces, turns = [], []
    for columns in split_rows(data.array.T, data.bounds):
        wide = len(columns) > len(data.array) >= rank
        turn, root = np.linalg.qr(columns) if wide else (np.eye(len(columns)), columns)
        turns.append(turn)
        pieces.append(root.T)
    return SliceData(pieces), turns
