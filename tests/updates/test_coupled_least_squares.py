"""The exact step on a shared factor behind linear maps."""

import numpy as np
import pytest
from contracts.coupled import KINDS, coupled
from contracts.update import UpdateContract

from multiconvex import CoupledLeastSquares, LeastSquares, NonNegative
from multiconvex import alternate as run_engine


class TestCoupledLeastSquares(UpdateContract):
    update = CoupledLeastSquares()
    settle = 3000

    def problems(self, scale=1.0):
        return [coupled(kind, scale) for kind in KINDS]

    def step(self, problem, x, k):
        rule = self.update if k == 0 else LeastSquares()
        return rule(problem, x, k, None)[0]

    def test_says_which_penalties_it_honours(self):
        problem, x = coupled("same", penalty=NonNegative())(np.random.default_rng(0))
        with pytest.raises(TypeError, match="CoupledLeastSquares honours NoPenalty but block"):
            run_engine(problem, x, self.update)


@pytest.mark.parametrize("kind", KINDS)
def test_is_the_least_squares_solution_of_all_data_at_once(kind):
    """One design matrix for vec(A), built column by column from the definition of the model."""
    problem, x = coupled(kind)(np.random.default_rng(3))
    A, _ = CoupledLeastSquares()(problem, x, 0, None)

    def models(shared):
        factors = problem.factors((shared, *x[1:]))
        T = np.einsum("iq,jq,kq->ijk", *factors[0])
        return [T, factors[1][0] @ factors[1][1].T]

    roots = np.sqrt(problem.weights)
    units = np.eye(x[0].size).reshape(-1, *x[0].shape)
    design = np.stack([weighted(models(unit), roots) for unit in units], axis=1)
    target = weighted([term.data.array for term in problem.terms], roots)
    expected = np.linalg.lstsq(design, target, rcond=None)[0]
    np.testing.assert_allclose(A.ravel(), expected, rtol=1e-8, atol=1e-10)


def weighted(arrays, roots):
    return np.concatenate([root * array.ravel() for root, array in zip(roots, arrays)])
