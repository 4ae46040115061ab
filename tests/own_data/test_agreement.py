"""Agreement of starts: closed forms, and the difference between unique and free factors."""

from dataclasses import dataclass

import numpy as np
import pytest

from multiconvex import Starts, cp, fit_starts, nmf, stability, viz
from multiconvex.trace import Trace

TRACE = Trace(np.arange(2), np.zeros(2), np.array([2.0, 1.0]), np.array(["start", "sweep"]))


@dataclass
class Fake:
    factors: tuple
    objective: float = 1.0
    status: str = "converged"
    trace: Trace = TRACE


def among(*results):
    return Starts(tuple(results), tuple(range(len(results))), False)


def test_order_sign_and_scale_do_not_matter():
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((6, 3)), rng.standard_normal((5, 3))
    order, scales = [2, 0, 1], np.array([3.0, -1.0, 0.2])
    other = Fake(((A * scales)[:, order], (B / scales)[:, order]))
    agreement = stability(among(Fake((A, B)), other))
    np.testing.assert_allclose(agreement.similarity, np.ones((1, 3)))
    assert agreement.overall == pytest.approx(1.0)


def test_similarity_is_the_product_of_cosines():
    turned = np.array([[np.cos(0.3), 0.0], [np.sin(0.3), 0.0], [0.0, 1.0]])
    base = np.eye(3)[:, [0, 2]]
    agreement = stability(among(Fake((base, base)), Fake((turned, turned))))
    np.testing.assert_allclose(agreement.similarity, [[np.cos(0.3) ** 2, 1.0]])


def test_components_are_medians_over_the_other_starts():
    angles = (0.1, 0.5, 1.0)
    others = [Fake((np.array([[np.cos(a)], [np.sin(a)]]),)) for a in angles]
    agreement = stability(among(Fake((np.eye(2)[:, :1],)), *others))
    np.testing.assert_allclose(agreement.components, [np.cos(0.5)])


@pytest.mark.parametrize(("best", "other"), [((0, 1), (1,)), ((1,), (0, 1))])
def test_a_component_without_a_counterpart_has_similarity_zero(best, other):
    agreement = stability(among(Fake((np.eye(3)[:, best],)), Fake((np.eye(3)[:, other],))))
    np.testing.assert_allclose(agreement.similarity, [[float(q in other) for q in best]])


def test_unfinished_fits_are_not_compared():
    fits = Fake((np.eye(2),)), Fake((np.eye(2)[:, :1],), status="stopped"), Fake((np.eye(2),))
    assert stability(among(*fits)).similarity.shape == (1, 2)


def test_without_another_finished_fit_nothing_is_claimed():
    """So that a notebook whose first start was interrupted goes on to its report."""
    alone = Fake((np.eye(3)[:, :2],)), Fake((np.eye(3)[:, :2],), status="stopped")
    for fits in (alone, alone[:1]):
        agreement = stability(among(*fits))
        assert agreement.similarity.shape == (0, 2) and agreement.gaps.shape == (0,)
        assert np.isnan(agreement.components).all() and np.isnan(agreement.overall)
        assert "no other finished fit" in repr(agreement)
        assert "no other finished start" in viz.own_data.similarity(agreement).alt


def test_components_may_be_named():
    agreement = stability(
        among(Fake((np.eye(2),)), Fake((np.eye(2),))), components=lambda fit: fit.factors[0]
    )
    assert agreement.components.tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match="pass components"):
        stability(among(3.0, Fake((np.eye(2),))))


def test_tensors_are_unique_and_dense_matrices_are_not():
    """Starts of a CP model of generic data agree; those of NMF without zeros do not."""
    rng = np.random.default_rng(0)
    A, B, C = (0.5 + rng.random((n, 3)) for n in (8, 9, 10))
    tensor, matrix = np.einsum("iq,jq,kq->ijk", A, B, C), A @ B.T
    options = {"init": "random", "tol": 1e-12, "max_iter": 4000}

    def fit_tensor(random_state, callback):
        return cp(tensor, 3, nonnegative=True, random_state=random_state, **options)

    def fit_matrix(random_state, callback):
        return nmf(matrix, 3, random_state=random_state, **options)

    starts = [fit_starts(fit, 4, random_state=0) for fit in (fit_tensor, fit_matrix)]
    scale = 0.5 * np.sum(matrix**2)
    assert all(result.objective < 1e-5 * scale for result in starts[1].results)
    unique, free = (stability(one).components.min() for one in starts)
    assert unique > 0.999
    assert free < 0.98
