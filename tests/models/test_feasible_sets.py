"""Sets of nonnegative factorisations: closed forms, brute force, fits, noise, refusals."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiconvex import feasible_set, nmf
from multiconvex.models import nested_simplices
from multiconvex.studies.low_rank_geometry import mixtures
from multiconvex.studies.unique_factors import collect_starts, make_case, make_reaction


def dirichlet(seed, rank, m=12, n=30):
    rng = np.random.default_rng(seed)
    W = rng.dirichlet(np.full(m, 0.4), rank).T
    H = rng.dirichlet(np.full(rank, 0.7), n)
    return np.where(W < 0.02, 0.0, W), H


def wide(rank):
    """Data whose columns are far from the border of the orthant."""
    rng = np.random.default_rng(0)
    return (rng.random((6, rank)) + 0.1) @ (rng.random((rank, 9)) + 0.4)


class TestRankTwo:
    def test_the_rectangle_equals_brute_force(self):
        W, H = dirichlet(0, 2)
        X = W @ H.T
        solutions = feasible_set(X, 2, noise=0.0, tol=1e-9)
        low, high = solutions.plane.outer[:, 0]
        places = np.linspace(low - 0.1037 * (high - low), high + 0.1 * (high - low), 121)
        grid = [
            (a, b, np.column_stack([solutions.plane.columns([[a], [b]])]))
            for a in places
            for b in places
            if a < b
        ]
        for a, b, columns in grid:
            weights = np.linalg.lstsq(columns, X, rcond=None)[0]
            direct = columns.min() >= -1e-9 and weights.min() >= -1e-9
            left, right = solutions.parts
            assert direct == (left[0] <= a <= left[1] and right[0] <= b <= right[1])

    def test_identity_rows_in_both_factors_leave_two_points(self):
        W = np.vstack([np.eye(2), [[1.0, 2.0]]])
        H = np.vstack([np.eye(2), [[1.0, 1.0], [3.0, 1.0]]])
        solutions = feasible_set(W @ H.T, 2, noise=0.0)
        assert solutions.is_unique.all()
        assert solutions.contains(W) and solutions.contains(W[:, ::-1])

    def test_one_pure_row_fixes_one_component(self):
        W = np.array([[1.0, 1.0], [0.0, 1.0], [2.0, 1.0]])
        H = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
        solutions = feasible_set(W @ H.T, 2, noise=0.0)
        assert solutions.is_unique.sum() == 1


@pytest.mark.parametrize("rank", [2, 3, 4])
@pytest.mark.parametrize("seed", range(3))
class TestEveryRank:
    def test_the_true_factors_are_inside(self, rank, seed):
        W, H = dirichlet(seed, rank)
        solutions = feasible_set(W @ H.T, rank, noise=0.0)
        assert solutions.contains(7.0 * W[:, ::-1])
        assert feasible_set(H @ W.T, rank, noise=0.0).contains(H)

    def test_samples_are_factorisations(self, rank, seed):
        W, H = dirichlet(seed, rank)
        X = W @ H.T
        solutions = feasible_set(X, rank, noise=0.0, tol=1e-8)
        pairs = solutions.sample(40, random_state=seed)
        assert len(pairs) == 40
        for left, right in pairs:
            assert left.min() >= 0 and right.min() >= 0
            np.testing.assert_allclose(left.sum(axis=0), 1.0, atol=1e-7)
            np.testing.assert_allclose(left @ right.T, X, atol=1e-7 * X.max())
            assert solutions.contains(left)

    def test_same_seed_same_bytes(self, rank, seed):
        W, H = dirichlet(seed, rank)
        first, second = (
            feasible_set(W @ H.T, rank, noise=0.0).sample(3, random_state=seed) for _ in range(2)
        )
        for one, other in zip(first, second):
            np.testing.assert_array_equal(one[0], other[0])

    def test_factors_that_are_wrong_are_outside(self, rank, seed):
        W, H = dirichlet(seed, rank)
        solutions = feasible_set(W @ H.T, rank, noise=0.0)
        rng = np.random.default_rng(seed)
        assert not solutions.contains(rng.random(W.shape))
        inner = W.copy()
        inner[:, 0] = (W @ H.T).mean(axis=1)
        assert not solutions.contains(inner)
        assert not solutions.contains(W - 0.1)

    def test_noise_keeps_the_truth_inside(self, rank, seed):
        W, H = dirichlet(seed, rank, m=30, n=80)
        X = W @ H.T
        for level in (1e-3, 1e-2):
            error = np.random.default_rng(seed).standard_normal(X.shape)
            assert feasible_set(X + level * X.max() * error, rank).contains(W)

    def test_the_scale_of_data_and_of_columns_does_not_matter(self, rank, seed):
        W, H = dirichlet(seed, rank)
        scales = np.random.default_rng(seed).uniform(0.5, 2.0, len(H))
        plain = feasible_set(W @ H.T, rank, noise=0.0)
        scaled = feasible_set(1e6 * (W @ H.T) * scales, rank, noise=0.0)
        assert scaled.contains(W)
        np.testing.assert_allclose(
            np.sort(np.linalg.norm(plain.plane.columns(plain.plane.inner), axis=0)),
            np.sort(np.linalg.norm(scaled.plane.columns(scaled.plane.inner), axis=0)),
            rtol=1e-4,
        )


@pytest.mark.parametrize(
    ("rank", "X"),
    [
        (2, np.array([[2.0, 1, 1, 3], [1, 2, 1, 2], [1, 1, 2, 1]])[:2]),
        (3, mixtures(0.5)[1]),
        (4, wide(4)),
    ],
)
def test_every_factorisation_from_1000_starts_is_inside(rank, X):
    starts = collect_starts(X, rank, starts=1000, max_iter=80)
    assert len(starts.found) > 100
    assert starts.inside == len(starts.found)


class TestRankThree:
    def test_draws_visit_every_part(self):
        solutions = feasible_set(make_case("two answers"), 3, noise=0.0)
        points = [solutions.plane.points(W) for W, _ in solutions.sample(60, random_state=0)]
        met = {
            int(np.linalg.norm([part.near[0] - p for part in solutions.parts], axis=1).argmin())
            for corners in points
            for p in corners
        }
        assert met == set(range(6))

    def test_spread_is_reached_by_no_fit_beyond_it(self):
        reaction = make_reaction()
        solutions = feasible_set(reaction.X, 3, noise=0.0)
        spread = solutions.spread_from(solutions.plane.points(reaction.W))
        for W, _ in solutions.sample(100, random_state=0):
            gaps = np.linalg.norm(
                solutions.plane.points(W)[:, None] - solutions.plane.points(reaction.W), axis=2
            )
            assert (gaps.min(axis=0) <= spread * 1.01 + 1e-5).all()

    def test_adding_a_pure_column_shrinks_the_set(self):
        W, H = dirichlet(1, 3)
        areas = [
            feasible_set(W @ np.vstack([H, np.eye(3)[:k]]).T, 3, noise=0.0).area for k in range(4)
        ]
        assert all(after <= before * (1 + 1e-6) for before, after in pairwise(areas))

    def test_adding_a_row_keeps_only_some_of_the_factorisations(self):
        W, H = dirichlet(2, 3)
        more = np.vstack([W, np.eye(3)])
        smaller = feasible_set(more @ H.T, 3, noise=0.0)
        for left, _ in smaller.sample(20, random_state=0):
            assert feasible_set(W @ H.T, 3, noise=0.0).contains(left[: len(W)], tol=1e-4)

    def test_an_empty_set_says_so(self):
        solutions = feasible_set(make_case("none"), 3, noise=0.0)
        assert solutions.is_empty and solutions.parts == ()
        with pytest.raises(ValueError, match="no nonnegative factorisation of rank 3"):
            solutions.sample(1)

    @settings(max_examples=25)
    @given(st.integers(0, 10**6))
    def test_a_point_behind_a_feasible_one_is_feasible(self, seed):
        W, H = dirichlet(seed, 3)
        solutions = feasible_set(W @ H.T, 3, noise=0.0)
        point = solutions.plane.points(W)[0]
        behind = point + np.linspace(0, 5, 50)[:, None] * point
        behind = behind[solutions.plane.depth(behind) >= 0]
        assert (solutions.slack(behind) >= -1e-6).all()


class TestRankFour:
    def test_walks_stay_between_the_polytopes_and_move(self):
        W, H = dirichlet(5, 4)
        plane = feasible_set(W @ H.T, 4, noise=0.0).plane
        starts = np.tile(plane.points(W), (50, 1, 1))
        moved = nested_simplices.walk(plane, starts, 10, np.random.default_rng(0))
        assert all(nested_simplices.is_between(plane, corners, 1e-9) for corners in moved)
        assert moved.std(axis=0).min() > 0

    def test_walks_are_uniform_where_the_set_is_a_box(self):
        # Rank two by the general walk: both components are uniform on their intervals.
        W, H = dirichlet(0, 2)
        solutions = feasible_set(W @ H.T, 2, noise=0.0)
        starts = np.tile([part.mean() for part in solutions.parts], (4000, 1))[:, :, None]
        moved = nested_simplices.walk(solutions.plane, starts, 3, np.random.default_rng(0))
        for q, (low, high) in enumerate(solutions.parts):
            share = (np.sort(moved[:, q, 0]) - low) / (high - low)
            assert np.abs(share - (np.arange(4000) + 0.5) / 4000).max() < 0.035

    def test_pure_rows_and_columns_leave_one(self):
        rng = np.random.default_rng(0)
        W = np.vstack([np.eye(4), rng.random((3, 4))])
        H = np.vstack([np.eye(4), rng.dirichlet(np.ones(4), 10)])
        solutions = feasible_set(W @ H.T, 4, noise=0.0)
        assert solutions.contains(W, tol=1e-4) and solutions.is_unique.all()


class TestRefusals:
    @pytest.mark.parametrize("rank", [1, 5])
    def test_other_ranks(self, rank):
        with pytest.raises(ValueError, match="rank must be"):
            feasible_set(np.ones((8, 8)), rank)

    def test_a_rank_above_that_of_the_data(self):
        with pytest.raises(ValueError, match="choose a rank of at most 2"):
            feasible_set(np.outer([1.0, 2], [1, 2]) + np.eye(2), 3)

    def test_data_that_are_negative_beyond_the_noise(self):
        W, H = dirichlet(0, 3)
        with pytest.raises(ValueError, match="negative"):
            feasible_set(W @ H.T - 0.05, 3, noise=0.0)
        with pytest.raises(ValueError, match="choose a higher rank or state more noise"):
            feasible_set((W - 0.1) @ H.T + 0.3 * np.outer(W[:, 0], H[:, 1]), 3, noise=1e-9)

    def test_options(self):
        X = mixtures(0.5)[1]
        with pytest.raises(ValueError, match="'auto' or a number"):
            feasible_set(X, 3, noise="much")
        with pytest.raises(ValueError, match="noise must be a finite nonnegative"):
            feasible_set(X, 3, noise=-1.0)
        with pytest.raises(ValueError, match="tol must be"):
            feasible_set(X, 3, tol=0.0)
        with pytest.raises(ValueError, match="W must have shape"):
            feasible_set(X, 3).contains(np.ones((3, 2)))
        with pytest.raises(ValueError, match="NaN"):
            feasible_set(X * np.nan, 3)

    def test_inputs_are_left_alone(self):
        X = np.asfortranarray(mixtures(0.5)[1])
        X.flags.writeable = False
        before = X.copy()
        feasible_set(X, 3).sample(2, random_state=0)
        np.testing.assert_array_equal(X, before)


def test_the_set_is_shown_in_words():
    X = mixtures(0.5)[1]
    assert repr(feasible_set(X, 3)).startswith("FeasibleSet(rank 3 of a 3 × 20 matrix; 3 parts")


def test_the_result_of_nmf_is_contained():
    X = mixtures(0.3)[1]
    fit = nmf(X, 3, tol=0, max_iter=500, init="random", random_state=0)
    assert feasible_set(X, 3).contains(fit.W)
