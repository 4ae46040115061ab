"""Models with a sparsely coded factor: seconds of whole fits, and pursuit against scikit-learn.

The tensor has the sizes of a fluorescence data set, 18 samples, 251 wavelengths and 21 excitations,
with three components of six smooth atoms each.
"""

import time
from functools import partial
from typing import NamedTuple

import numpy as np
from harness import Case, Limit
from scipy.linalg import khatri_rao
from sklearn.linear_model import orthogonal_mp_gram

from multiconvex import dictionary_lra
from multiconvex.pursuit import pursue

_SPARSITY = 6
_SWEEPS, _PASSES = 10, 3


class Spectra(NamedTuple):
    """A noisy tensor, its smooth atoms, and where fits start."""

    X: np.ndarray
    dictionary: np.ndarray
    start: tuple


def simulate(seed=0):
    rng = np.random.default_rng(seed)
    places = np.linspace(0.0, 1.0, 251)
    dictionary = np.exp(-0.5 * ((places[:, None] - places) / 0.03) ** 2)
    dictionary /= np.linalg.norm(dictionary, axis=0)
    W, A, B = dictionary @ random_codes(rng), rng.random((18, 3)), rng.random((21, 3))
    X = np.einsum("iq,jq,kq->ijk", A, W, B)
    X += 0.02 * X.std() * rng.standard_normal(X.shape)
    return Spectra(X, dictionary, (rng.random((18, 3)), random_codes(rng), rng.random((21, 3))))


def random_codes(rng):
    codes = np.zeros((251, 3))
    for column in codes.T:
        column[rng.permutation(251)[:_SPARSITY]] = rng.uniform(0.3, 1.3, _SPARSITY)
    return codes


def seconds_of_ten_starts(method):
    data = simulate()
    options = {"sparsity": _SPARSITY, "method": method, "tensor": True, "mode": 1}
    dictionary_lra(data.X, 3, data.dictionary, max_iter=1, tol=0, **options)
    start = time.perf_counter()
    dictionary_lra(data.X, 3, data.dictionary, n_starts=10, random_state=0, **options)
    return time.perf_counter() - start


def fit_ours(data):
    return dictionary_lra(
        data.X, 3, data.dictionary, sparsity=_SPARSITY, method="homp", nonnegative=False,
        tensor=True, mode=1, init=data.start, max_iter=_SWEEPS, tol=0,
    ).objective  # fmt: skip


def fit_peer(data):
    """Alternate between least squares and columnwise pursuit, as NumPy and scikit-learn do it."""
    X, D = data.X, data.dictionary
    unfolded = [np.moveaxis(X, mode, 0).reshape(X.shape[mode], -1) for mode in range(3)]
    A, codes, B = (block.copy() for block in data.start)
    atom_gram = D.T @ D
    for _ in range(_SWEEPS):
        A = least_squares(unfolded[0], khatri_rao(D @ codes, B))
        design = khatri_rao(A, B)
        pursue_columns(atom_gram, D.T @ (unfolded[1] @ design), design.T @ design, codes)
        B = least_squares(unfolded[2], khatri_rao(A, D @ codes))
    return 0.5 * np.sum((unfolded[2] - B @ khatri_rao(A, D @ codes).T) ** 2)


def least_squares(data, design):
    return np.linalg.lstsq(design.T @ design, (data @ design).T, rcond=None)[0].T


def pursue_columns(atom_gram, correlations, gram, codes):
    """Replace columns by better ones until none is replaced, a few passes at most."""
    for _ in range(_PASSES):
        changed = False
        for q in range(3):
            old = codes[:, q]
            others = codes @ gram[:, q] - old * gram[q, q]
            target = (correlations[:, q] - atom_gram @ others) / gram[q, q]
            new = orthogonal_mp_gram(atom_gram, target, n_nonzero_coefs=_SPARSITY)
            values = [0.5 * c @ atom_gram @ c - target @ c for c in (old, new)]
            if values[1] < values[0]:
                codes[:, q], changed = new, True
        if not changed:
            return


def simulate_signals():
    data = simulate()
    signals = data.dictionary.T @ np.moveaxis(data.X, 1, 0).reshape(251, -1)
    return data.dictionary.T @ data.dictionary, signals


def pursue_ours(data):
    return pursue(*data, _SPARSITY)


def pursue_peer(data):
    return orthogonal_mp_gram(*data, n_nonzero_coefs=_SPARSITY)


def largest_difference(ours, peer):
    return float(np.abs(ours - peer).max() / np.abs(peer).max())


def relative_gap(ours, peer):
    return float(abs(ours - peer) / abs(peer))


CASES = (
    Limit(
        "ten fits of 18 x 251 x 21, 6 of 251 atoms, HOMP",
        partial(seconds_of_ten_starts, "homp"),
        target=3.0,
    ),
    Limit(
        "ten fits of 18 x 251 x 21, 6 of 251 atoms, Block-FISTA",
        partial(seconds_of_ten_starts, "block_fista"),
        target=3.0,
    ),
    Case(
        name="fit of 18 x 251 x 21 by pursuit of columns, 10 sweeps",
        setup=simulate,
        ours=fit_ours,
        peer=fit_peer,
        peer_name="orthogonal_mp_gram of scikit-learn and NumPy",
        target=3,
        gap=relative_gap,
        largest_gap=1e-6,
    ),
    Case(
        name="pursuit of 378 signals, 6 of 251 atoms",
        setup=simulate_signals,
        ours=pursue_ours,
        peer=pursue_peer,
        peer_name="orthogonal_mp_gram of scikit-learn",
        target=5,
        gap=largest_difference,
        largest_gap=1e-6,
    ),
)
