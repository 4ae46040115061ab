"""Jennrich's algorithm finds the factors of exact tensors of order three."""

import numpy as np
import pytest
from contracts.instances import cp_to_array, planted_tensor

from multiconvex import cp, factor_match_score, jennrich, match_components

SHAPES = [(6, 7, 4), (4, 4, 2), (5, 6, 9)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("draw", ["standard_normal", "random"])
def test_recovers_every_factor(shape, seed, draw):
    X, factors = planted_tensor(shape, 3, seed, draw)
    found = jennrich(X, 3, random_state=seed)
    _, similarity = match_components(found[:2], factors[:2])
    assert similarity.min() > 1 - 1e-8
    assert factor_match_score(found, factors) > 1 - 1e-8
    np.testing.assert_allclose(cp_to_array(found), X, atol=1e-7 * np.abs(X).max())


def test_two_slices_diagonalise_each_other():
    (_, (A, B, C)) = planted_tensor((5, 6, 2), 3, draw="standard_normal")
    first, second = (A @ np.diag(C[k]) @ B.T for k in range(2))
    image = first @ np.linalg.pinv(second) @ A
    np.testing.assert_allclose(image, A * (C[0] / C[1]), atol=1e-9)
    image = first.T @ np.linalg.pinv(second.T) @ B
    np.testing.assert_allclose(image, B * (C[0] / C[1]), atol=1e-9)


def test_rank_one():
    X, _factors = planted_tensor((4, 3, 5), 1)
    np.testing.assert_allclose(cp_to_array(jennrich(X, 1)), X, atol=1e-12)


def test_same_seed_same_bytes_and_data_untouched():
    X, _ = planted_tensor((5, 6, 4), 3)
    copy = X.copy()
    one, other = jennrich(X, 3, random_state=1), jennrich(X, 3, random_state=1)
    assert [a.tobytes() for a in one] == [b.tobytes() for b in other]
    np.testing.assert_array_equal(X, copy)
    assert {a.dtype for a in jennrich(X.astype(np.float32), 3)} == {np.dtype(np.float32)}


def test_starts_a_fit_at_the_solution():
    X, _factors = planted_tensor((6, 7, 4), 3, draw="standard_normal")
    result = cp(X, 3, init="jennrich", random_state=0)
    assert result.trace.objective[0] < 1e-12 * np.sum(X**2)


def test_noise_gives_real_factors():
    X = np.random.default_rng(0).standard_normal((6, 6, 4))
    for seed in range(10):
        assert all(
            np.isrealobj(a) and np.isfinite(a).all() for a in jennrich(X, 5, random_state=seed)
        )


@pytest.mark.parametrize(
    ("X", "rank", "sentence"),
    [
        (np.ones((2, 2)), 1, "X must have 3 dimensions"),
        (np.ones((2, 3, 4)), 3, r"rank <= min\(n0, n1\) = 2, got 3"),
        (np.full((2, 2, 2), np.inf), 1, "X has 8 NaN or infinite"),
        (np.ones((2, 2, 2)), 0, "rank must be an integer of at least 1, got 0"),
    ],
)
def test_impossible_requests_are_refused(X, rank, sentence):
    with pytest.raises(ValueError, match=sentence):
        jennrich(X, rank)
