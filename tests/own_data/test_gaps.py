"""Gaps: exact where the model is, and what was measured is not touched."""

import signal

import numpy as np
import pytest

from multiconvex import ConvergenceWarning, fill_gaps
from multiconvex.progress import SilentProgress

RNG = np.random.default_rng(0)
EXACT = {"max_iter": 5000, "tol": 1e-12, "random_state": 0}


def planted(shape, rank=2):
    factors = [RNG.random((n, rank)) for n in shape]
    letters = "abc"[: len(shape)]
    return np.einsum(",".join(f"{letter}q" for letter in letters) + f"->{letters}", *factors)


def with_gaps(X, share=0.2):
    return np.where(RNG.random(X.shape) < share, np.nan, X)


@pytest.mark.parametrize("nonnegative", [True, False])
@pytest.mark.parametrize("shape", [(20, 18), (9, 8, 7)])
def test_what_a_model_determines_is_found(shape, nonnegative):
    X = planted(shape)
    filled = fill_gaps(with_gaps(X), 2, nonnegative=nonnegative, **EXACT)
    np.testing.assert_allclose(filled, X, atol=1e-3)


def test_counts_are_filled_by_their_own_loss():
    X = planted((20, 18)) * 50
    filled = fill_gaps(with_gaps(X), 2, loss="kullback-leibler", **{**EXACT, "tol": 1e-10})
    np.testing.assert_allclose(filled, X, rtol=0.05)


def test_slices_come_back_as_slices():
    A, D = RNG.random((12, 2)), np.eye(2) + 0.4
    slices = [
        (A * (0.5 + RNG.random(2))) @ (np.linalg.qr(RNG.standard_normal((n, 2)))[0] @ D).T
        for n in (14, 16, 18, 15)
    ]
    gappy = [with_gaps(X, 0.1) for X in slices]
    filled = fill_gaps(gappy, 2, max_iter=3000, tol=0, random_state=0)
    for found, X in zip(filled, slices, strict=True):
        np.testing.assert_allclose(found, X, atol=1e-3)


def test_measurements_are_left_alone():
    X = with_gaps(planted((20, 18)) + 0.1 * RNG.random((20, 18)))
    known = ~np.isnan(X)
    X.setflags(write=False)
    filled = fill_gaps(X, 2, random_state=0)
    np.testing.assert_array_equal(filled[known], X[known])
    np.testing.assert_array_equal(fill_gaps(filled, 2), filled)


def test_an_interrupt_fills_in_what_there_is():
    class Pressed(SilentProgress):
        def __call__(self, sweep):
            signal.raise_signal(signal.SIGINT)
            return super().__call__(sweep)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        filled = fill_gaps(with_gaps(planted((9, 8))), 2, progress=Pressed(), random_state=0)
    finally:
        signal.signal(signal.SIGINT, before)
    assert np.isfinite(filled).all()


def test_a_fit_that_needs_more_sweeps_says_so():
    with pytest.warns(ConvergenceWarning):
        fill_gaps(with_gaps(planted((9, 8))), 2, max_iter=1, random_state=0)


@pytest.mark.parametrize(
    ("X", "rank", "message"),
    [
        (np.where(np.arange(9) == 3, np.nan, planted((8, 9))), 2, "place 3 of axis 1"),
        (planted((8, 9)), 9, "rank must be at most 8"),
        (-planted((8, 9)), 2, "nonnegative"),
    ],
)
def test_impossible_requests_are_refused(X, rank, message):
    with pytest.raises(ValueError, match=message):
        fill_gaps(X, rank)
