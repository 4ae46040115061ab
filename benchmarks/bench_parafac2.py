"""PARAFAC2 of 24 slices, 60 drifting instants by 400 channels, rank 3: time to an accuracy.

Nonnegative on all modes against matcouply, to within 1 % of the best error either reached; ours
counts only if the cross products of its profiles agree to 1e-10, the peer's need not. With free
profiles, A and C nonnegative, against tensorly, to 1e-3 of the best error, from five starts.
"""

import warnings
from functools import partial
from typing import NamedTuple

import numpy as np
import tensorly.decomposition
import tensorly.parafac2_tensor
from harness import Race
from matcouply.decomposition import parafac2_aoadmm

from multiconvex import NonNegative, NoPenalty, parafac2
from multiconvex.datasets import make_chromatograms

_FEASIBLE = 1e-10


class Runs(NamedTuple):
    """Simulated slices (400, 60), and the factors where fits start."""

    slices: list
    start: tuple


class Model(NamedTuple):
    """Factors, and how far the profiles are from the PARAFAC2 set where that is promised."""

    A: np.ndarray
    B: list
    C: np.ndarray
    gap: float = 0.0


def simulate(seed):
    """Start as tensorly's random start does: uniform factors and core, random bases."""
    rng = np.random.default_rng(seed)
    A, C, core = rng.random((400, 3)), rng.random((24, 3)), rng.random((3, 3))
    bases = [np.linalg.qr(rng.standard_normal((60, 3)))[0] for _ in range(24)]
    return scaled(A, [basis @ core for basis in bases], C)


def simulate_nonnegative(seed):
    rng = np.random.default_rng(seed)
    return scaled(rng.random((400, 3)), list(rng.random((24, 60, 3))), rng.random((24, 3)))


def scaled(A, B, C):
    runs = make_chromatograms(24, 60, wavelengths=400, snr=20.0, random_state=0)
    model = [(A * row) @ profiles.T for row, profiles in zip(C, B)]
    scale = np.linalg.norm(runs.slices) / np.linalg.norm(model)
    return Runs(list(runs.slices), (scale * A, B, C))


def ours(options, runs, n_iter):
    fit = parafac2(runs.slices, 3, init=runs.start, max_iter=n_iter, tol=0, **options)
    return Model(fit.A, fit.B, fit.C, fit.feasibility.cross_products)


def matcouply(runs, n_iter):
    A, B, C = runs.start
    init = (None, (C.copy(), [profiles.copy() for profiles in B], A.copy()))
    transposed = [piece.T for piece in runs.slices]
    found = parafac2_aoadmm(
        transposed, 3, init=init, n_iter_max=n_iter, tol=0, absolute_tol=0, non_negative=True,
        random_state=0,
    )  # fmt: skip
    _, (C, B, A) = found
    return Model(A, B, C)


def tensorly_als(runs, n_iter):
    A, B, C = runs.start
    core = np.linalg.qr(B[0])[1]
    bases = [np.linalg.solve(core.T, profiles.T).T for profiles in B]
    init = tensorly.parafac2_tensor.Parafac2Tensor((None, [C.copy(), core, A.copy()], bases))
    transposed = [piece.T for piece in runs.slices]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = tensorly.decomposition.parafac2(
            transposed, 3, init=init, n_iter_max=n_iter, tol=1e-15, nn_modes=[0, 2]
        )
    weights, (C, core, A), bases = found
    return Model(A * weights, [basis @ core for basis in bases], C)


def relative_error(runs, model):
    if model.gap > _FEASIBLE:
        return np.inf
    pairs = zip(runs.slices, model.C, model.B)
    gaps = [piece - (model.A * row) @ profiles.T for piece, row, profiles in pairs]
    return float(np.linalg.norm(gaps) / np.linalg.norm(runs.slices))


def free_race(seed):
    free = (NonNegative(), NoPenalty(), NonNegative())
    return Race(
        name=f"parafac2, profiles free, 24 slices of 400 × 60, rank 3, to 1e-3, start {seed}",
        setup=partial(simulate, seed),
        ours=partial(ours, {"update": "reparametrized", "penalties": free}),
        peer=tensorly_als,
        peer_name="tensorly parafac2",
        objective=relative_error,
        target=1,
        longest=500,
    )


CASES = (
    Race(
        name="parafac2, nonnegative, 24 slices of 400 × 60, rank 3, to 1 %",
        setup=partial(simulate_nonnegative, 0),
        ours=partial(ours, {}),
        peer=matcouply,
        peer_name="matcouply parafac2_aoadmm",
        objective=relative_error,
        gap=0.01,
        target=8,
        longest=300,
    ),
    *map(free_race, range(5)),
)
