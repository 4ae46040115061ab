"""What every update of sparse codes must satisfy, and instances of mixed sparse coding."""

from functools import cache
from itertools import combinations, product

import numpy as np
import pytest

from contracts.update import UpdateContract
from multiconvex import HALS, ColumnSparse, DictionaryProblem, LeastSquares, NonNegative, NoPenalty


def coded(scale, k, *, nonnegative, shape=(9, 7), mode=0):
    """Model of noise in which 12 atoms code the factor of one mode."""

    def build(rng, dtype=np.float64):
        draw = rng.random if nonnegative else rng.standard_normal
        X = (scale * draw(shape)).astype(dtype)
        penalties = [NonNegative() if nonnegative else NoPenalty()] * len(shape)
        penalties[mode] = ColumnSparse(k, nonnegative)
        problem = DictionaryProblem(X, 3, draw((shape[mode], 12)), penalties, mode=mode)
        x = [(0.1 + rng.random(block.shape)).astype(dtype) for block in problem.blocks]
        x[mode] = penalties[mode].prox(x[mode], 0.0)
        return problem, tuple(x)

    return build


class CodingContract(UpdateContract):
    """The update is for the codes; other factors have their usual one."""

    settle = 30

    def problems(self, scale=1.0):
        return [
            coded(scale, 3, nonnegative=False),
            coded(scale, 3, nonnegative=True),
            coded(scale, 2, nonnegative=True, shape=(5, 4, 6), mode=1),
        ]

    def fixed_point(self):
        problem, x = planted_codes(0, False)
        return problem, self.run(problem, self.search_from(problem, x), self.settle)[-1]

    def step(self, problem, x, k):
        if k == problem.mode:
            return super().step(problem, x, k)
        nonnegative = isinstance(problem.blocks[k].penalty, NonNegative)
        return (HALS() if nonnegative else LeastSquares())(problem, x, k, None)[0]

    def search_from(self, problem, x):
        """Return the point from which one step must find the best support."""
        return x

    def test_codes_are_sparse_and_signed_as_asked_from_any_start(self):
        for problem, x in self.cases():
            k, penalty = problem.mode, problem.blocks[problem.mode].penalty
            gram, rhs = problem.factor_equations(x, k)
            unconstrained = np.linalg.pinv(problem.dictionary) @ rhs @ np.linalg.pinv(gram)
            dense = (*x[:k], unconstrained, *x[k + 1 :])
            codes = self.step(problem, dense, k)
            assert penalty.value(unconstrained) == np.inf
            assert penalty.value(codes) == 0.0
            assert np.isfinite(problem.objective((*x[:k], codes, *x[k + 1 :])))

    def test_orthonormal_atoms_and_factors_keep_the_largest_correlations(self):
        for seed, nonnegative in product(range(3), (False, True)):
            rng = np.random.default_rng(seed)
            D, H = (np.linalg.qr(rng.standard_normal((n, n)))[0] for n in (8, 4))
            X = rng.standard_normal((8, 4))
            penalty = ColumnSparse(3, nonnegative)
            problem = DictionaryProblem(X, 4, D, (penalty, NoPenalty()))
            codes = self.step(problem, (np.zeros((8, 4)), H), 0)
            np.testing.assert_allclose(codes, penalty.prox(D.T @ X @ H, 0.0), atol=1e-12)

    def test_a_component_that_vanishes_does_no_harm(self):
        for build in self.problems()[:2]:
            problem, (codes, H) = build(np.random.default_rng(2))
            H = H * np.array([1.0, 0.0, 1.0])
            new = self.step(problem, (codes, H), 0)
            assert np.isfinite(new).all()
            assert problem.objective((new, H)) <= problem.objective((codes, H))

    @pytest.mark.parametrize("seed", range(6))
    @pytest.mark.parametrize("nonnegative", [False, True])
    def test_support_is_that_of_an_exhaustive_search(self, seed, nonnegative):
        problem, x = planted_codes(seed, nonnegative)
        least, best = exhaustive_codes(seed, nonnegative)
        codes = self.step(problem, self.search_from(problem, x), 0)
        np.testing.assert_array_equal(codes != 0, best)
        np.testing.assert_allclose(problem.loss((codes, x[1])), least, rtol=1e-2)
        assert problem.loss((codes, x[1])) >= least * (1 - 1e-9)


def planted_codes(seed, nonnegative):
    """Return slightly noisy data of two components with two of seven atoms each, and a start."""
    rng = np.random.default_rng(seed)
    D, H = rng.standard_normal((30, 7)), rng.standard_normal((20, 2))
    codes = np.zeros((7, 2))
    for column in codes.T:
        values = rng.uniform(1.0, 2.0, 2) * (1.0 if nonnegative else rng.choice([-1.0, 1.0], 2))
        column[rng.permutation(7)[:2]] = values
    X = D / np.linalg.norm(D, axis=0) @ codes @ H.T
    X = X + 0.01 * rng.standard_normal(X.shape)
    penalties = (ColumnSparse(2, nonnegative), NoPenalty())
    return DictionaryProblem(X, 2, D, penalties), (np.zeros((7, 2)), H)


@cache
def exhaustive_codes(seed, nonnegative):
    """Return the least loss over all pairs of atoms for each component, and its nonzeros."""
    problem, x = planted_codes(seed, nonnegative)
    D, H, X = problem.dictionary, x[1], problem.data.array
    pairs = list(combinations(range(D.shape[1]), 2))
    least, best = np.inf, None
    for first, second in product(pairs, repeat=2):
        matrix = np.hstack([np.kron(D[:, first], H[:, :1]), np.kron(D[:, second], H[:, 1:])])
        values = np.linalg.lstsq(matrix, X.ravel(), rcond=None)[0]
        loss = 0.5 * np.sum((X.ravel() - matrix @ values) ** 2)
        if loss < least:
            least, best = loss, (first, second)
    nonzero = np.zeros(x[0].shape, bool)
    for q, atoms in enumerate(best):
        nonzero[list(atoms), q] = True
    return least, nonzero
