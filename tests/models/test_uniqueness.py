"""What can be said of the other factors of a fitted model."""

from types import SimpleNamespace

import numpy as np
import pytest

from multiconvex import MatrixFactorization, cp, nmf, uniqueness_report
from multiconvex.studies.unique_factors import make_case
from multiconvex.trace import Trace


def model(W, H):
    empty = Trace(*(np.array([]) for _ in range(4)))
    return MatrixFactorization({"W": W, "H": H}, 0.0, 0, "stopped", empty)


def pure(rank, rows=3, columns=8):
    rng = np.random.default_rng(0)
    W = np.vstack([np.eye(rank), rng.random((rows, rank))])
    return W, np.vstack([np.eye(rank), rng.dirichlet(np.ones(rank), columns)])


def wide(rank):
    rng = np.random.default_rng(1)
    return rng.random((15, rank)) + 0.3, rng.random((20, rank)) + 0.3


@pytest.mark.parametrize("rank", [2, 3])
def test_pure_factors_are_unique(rank):
    report = uniqueness_report(model(*pure(rank)))
    assert report.is_exhaustive and report.is_unique.all() and report.is_rigid.all()
    assert set(report.verdicts) == {"unique"}
    assert max(report.angles_W.max(), report.angles_H.max()) < 0.05


@pytest.mark.parametrize("seed", range(12))
def test_rounding_makes_no_other_factors(seed):
    """Data at the corners of the outer polygon: what tangents do there is below the last digit."""
    rng = np.random.default_rng(seed)
    W = np.vstack([np.eye(3), rng.random((3, 3))])
    H = np.vstack([np.eye(3), rng.dirichlet(np.ones(3), 8)])
    for _ in range(4):
        rounded = (F * (1.0 + np.spacing(1.0) * rng.integers(-1, 2, F.shape)) for F in (W, H))
        assert uniqueness_report(model(*rounded)).is_unique.all()


@pytest.mark.parametrize("rank", [4, 6])
def test_above_rank_three_pure_factors_are_isolated(rank):
    report = uniqueness_report(model(*pure(rank)))
    assert not report.is_exhaustive
    assert set(report.verdicts) == {"isolated"}


@pytest.mark.parametrize("rank", [2, 3, 4, 5])
def test_positive_factors_move_within_their_bands(rank):
    W, H = wide(rank)
    report = uniqueness_report(model(W, H))
    assert set(report.verdicts) == {"not unique"}
    assert not report.is_rigid.any()
    assert report.angles_W.min() > 0.1 and report.angles_H.min() > 0.1
    for factor, (low, high) in ((W, report.bands_W), (H, report.bands_H)):
        share = factor / factor.sum(axis=0)
        assert (low <= share + 1e-6).all() and (share <= high + 1e-6).all()


def test_rank_one_is_always_unique():
    report = uniqueness_report(model(np.array([[1.0], [2.0]]), np.array([[3.0], [1.0], [0.0]])))
    assert report.verdicts == ("unique",)


def test_an_isolated_factorisation_need_not_be_unique():
    X = make_case("two answers")
    fit = nmf(X, 3, init="random", max_iter=4000, tol=0, random_state=3)
    assert np.abs(fit.reconstruct() - X).max() < 1e-9
    report = uniqueness_report(fit)
    assert report.is_rigid.all() and not report.is_unique.any()
    assert set(report.verdicts) == {"not unique"}


def test_one_fixed_component_is_told_from_the_others():
    X = make_case("blocks")
    fit = nmf(X, 3, init="random", max_iter=3000, tol=0, random_state=0)
    report = uniqueness_report(fit)
    block = report.W[3:].sum(axis=0).argmax()
    assert report.is_unique.tolist() == [q == block for q in range(3)]
    assert report.is_rigid[block]


@pytest.mark.parametrize("rank", [3, 4])
def test_rigidity_is_a_property_of_the_zeros(rank):
    # Filling one zero of every pure row opens the way for all components.
    W, H = pure(rank)
    assert uniqueness_report(model(W, H)).is_rigid.all()
    W = np.where(W == 0, 0.05, W)
    H = np.where(H == 0, 0.05, H)
    assert not uniqueness_report(model(W, H)).is_rigid.any()


def test_the_scale_of_components_does_not_matter():
    W, H = wide(4)
    first = uniqueness_report(model(W, H))
    scales = np.array([1e-3, 1.0, 10.0, 1e4])
    second = uniqueness_report(model(W * scales, H / scales))
    np.testing.assert_allclose(second.angles_W, first.angles_W, rtol=1e-6)


def test_rows_for_a_table():
    rows = uniqueness_report(model(*wide(3))).rows
    assert [row["component"] for row in rows] == [1, 2, 3]
    assert "verdict" in rows[0]


class TestRefusals:
    def test_what_is_no_matrix_factorisation(self):
        with pytest.raises(TypeError, match="must come from nmf, got SimpleNamespace"):
            uniqueness_report(SimpleNamespace())
        tensor = cp(np.random.default_rng(0).random((4, 4, 4)), 2, max_iter=2, tol=0)
        with pytest.raises(TypeError, match="must come from nmf"):
            uniqueness_report(tensor)

    def test_negative_factors(self):
        with pytest.raises(ValueError, match="nonnegative factors"):
            uniqueness_report(model(-np.ones((3, 2)), np.ones((4, 2))))

    def test_a_component_that_is_zero(self):
        W, H = wide(3)
        with pytest.raises(ValueError, match="smaller rank"):
            uniqueness_report(model(W * [1, 1, 0], H))

    def test_components_that_depend_on_each_other(self):
        W, H = wide(3)
        W[:, 2] = W[:, 0] + W[:, 1]
        with pytest.raises(ValueError, match="rank of at most 2"):
            uniqueness_report(model(W, H))
