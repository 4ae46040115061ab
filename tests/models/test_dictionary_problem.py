"""Models with a coded factor: their derivatives, their equations, and what they refuse."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import cp_to_array
from contracts.problem import ProblemContract

from multiconvex import (
    L2,
    AtomAssignment,
    ColumnSparse,
    DictionaryProblem,
    FactorProblem,
    LeastSquares,
    MaxColumnL1,
    NonNegative,
    NoPenalty,
    ProxGradient,
    RelativeDecrease,
    alternate,
)

RNG = np.random.default_rng(4)
X, D = RNG.random((7, 5)), RNG.random((7, 4)) + 0.1
_ONE_SPARSE = (ColumnSparse(1, nonnegative=True), NonNegative())
UNIT = D / np.linalg.norm(D, axis=0)


class CodedContract(ProblemContract):
    """The codes have coding equations where other factors have normal equations."""

    # Terms of multiplicative rules need nonnegative atoms, which dictionaries need not have.
    test_multiplicative_terms_split_the_gradient = None

    def test_coding_equations_reproduce_loss_and_gradient(self):
        problem = self.problem()
        k = problem.mode
        for rng, problem, x, _ in self.cases():
            atom_gram, gram, correlations = problem.coding_equations(x, k)
            slope = atom_gram @ x[k] @ gram - correlations
            np.testing.assert_allclose(slope, problem.gradient(x, k), rtol=1e-10, atol=1e-12)
            other = self.moved(x, k, rng.standard_normal(x[k].shape))

            def model(c, equations=(atom_gram, gram, correlations)):
                atom_gram, gram, correlations = equations
                return 0.5 * np.vdot(atom_gram @ c @ gram, c) - np.vdot(correlations, c)

            change = model(other[k]) - model(x[k])
            np.testing.assert_allclose(problem.loss(other) - problem.loss(x), change, atol=1e-9)

    def test_factor_equations_are_those_of_the_free_factor(self):
        for rng, problem, x, _ in self.cases():
            k = problem.mode
            gram, rhs = problem.factor_equations(x, k)
            free = rng.random(rhs.shape)
            factors = list(problem.factors(x))
            factors[k] = free
            plain = FactorProblem(problem.data.array, free.shape[1], [NoPenalty()] * len(x))
            np.testing.assert_allclose(free @ gram - rhs, plain.gradient(tuple(factors), k))

    def test_normal_equations_of_other_factors_give_their_gradient(self):
        for _, problem, x, k in self.cases():
            if k == problem.mode:
                with pytest.raises(ValueError, match="The codes have coding_equations"):
                    problem.normal_equations(x, k)
            else:
                gram, rhs = problem.normal_equations(x, k)
                np.testing.assert_allclose(x[k] @ gram - rhs, problem.gradient(x, k), rtol=1e-12)


class TestMatrix(CodedContract):
    def problem(self):
        return DictionaryProblem(X, 3, D, (NonNegative(0.3, 0.1), L2(0.2)))

    def documented_loss(self, x):
        return 0.5 * np.sum((X - UNIT @ x[0] @ x[1].T) ** 2)

    def minimiser(self):
        rng = np.random.default_rng(5)
        codes, H = rng.random((4, 3)) + 0.2, rng.random((5, 3)) + 0.2
        penalties = (NonNegative(), NonNegative())
        return DictionaryProblem(UNIT @ codes @ H.T, 3, D, penalties), (codes, H)


class TestSecondFactor(CodedContract):
    def problem(self):
        return DictionaryProblem(X.T, 3, D, (NonNegative(0.3, 0.1), L2(0.2)), mode=1)

    def documented_loss(self, x):
        return 0.5 * np.sum((X.T - x[0] @ (UNIT @ x[1]).T) ** 2)

    def minimiser(self):
        problem, (codes, H) = TestMatrix().minimiser()
        penalties = (NonNegative(), NonNegative())
        return DictionaryProblem(problem.data.array.T, 3, D, penalties, mode=1), (H, codes)


class TestTensor(CodedContract):
    tensor = RNG.random((4, 7, 5))

    def problem(self):
        penalties = (NonNegative(0.3), NoPenalty(), L2(0.2))
        return DictionaryProblem(self.tensor, 2, D, penalties, mode=1)

    def documented_loss(self, x):
        return 0.5 * np.sum((self.tensor - cp_to_array((x[0], UNIT @ x[1], x[2]))) ** 2)

    def minimiser(self):
        rng = np.random.default_rng(6)
        x = tuple(rng.random((n, 2)) + 0.2 for n in (4, 4, 5))
        exact = cp_to_array((x[0], UNIT @ x[1], x[2]))
        return DictionaryProblem(exact, 2, D, (NonNegative(),) * 3, mode=1), x


def test_names_and_shapes_of_blocks():
    problem = DictionaryProblem(X, 2, D, (ColumnSparse(1), NoPenalty()))
    assert [(b.name, b.shape) for b in problem.blocks] == [("codes", (4, 2)), ("H", (5, 2))]
    tensor = DictionaryProblem(np.ones((2, 7, 3)), 2, D, (NoPenalty(),) * 3, mode=1)
    assert [b.name for b in tensor.blocks] == ["factors[0]", "codes", "factors[2]"]


def test_the_identity_as_dictionary_is_a_plain_factor_model():
    rng = np.random.default_rng(7)
    x = rng.random((7, 2)), rng.random((5, 2))
    penalties = (NoPenalty(), NoPenalty())
    plain, coded = (
        alternate(problem, x, ProxGradient(), max_iter=20, stop=RelativeDecrease(0.0))
        for problem in (
            FactorProblem(X, 2, penalties),
            DictionaryProblem(X, 2, np.eye(7), penalties),
        )
    )
    np.testing.assert_allclose(coded.trace.objective, plain.trace.objective, rtol=1e-10)


def test_sparse_data_give_the_same_loss():
    X0 = X * (X > 0.5)
    x = RNG.random((4, 2)), RNG.random((5, 2))
    penalties = (NoPenalty(), NoPenalty())
    dense, sparse = (DictionaryProblem(A, 2, D, penalties) for A in (X0, sp.csr_array(X0)))
    np.testing.assert_allclose(dense.loss(x), sparse.loss(x))
    np.testing.assert_allclose(dense.gradient(x, 0), sparse.gradient(x, 0))


def test_other_penalties_on_the_codes_are_welcome():
    problem = DictionaryProblem(X, 2, D, (MaxColumnL1(0.5), NoPenalty()))
    start = tuple(np.ones(block.shape) for block in problem.blocks)
    rules = {"codes": ProxGradient(), "H": LeastSquares()}
    result = alternate(problem, start, rules, max_iter=50, stop=RelativeDecrease(0.0))
    assert np.diff(result.trace.objective).max() <= 1e-12


def test_the_dictionary_is_scaled_as_a_copy():
    given = D.copy()
    problem = DictionaryProblem(X.astype(np.float32), 2, given, (NoPenalty(), NoPenalty()))
    np.testing.assert_array_equal(given, D)
    np.testing.assert_allclose(problem.dictionary, UNIT, rtol=1e-6)
    assert problem.dictionary.dtype == np.float32


def test_many_atoms_are_assigned_without_their_gram_matrix():
    rng = np.random.default_rng(8)
    scene = rng.random((4, 50_000))
    H = rng.random((6, 2))
    problem = DictionaryProblem(scene[:, [9, 40_000]] @ H.T, 2, scene, _ONE_SPARSE)
    codes, _ = AtomAssignment()(problem, (np.zeros((50_000, 2)), H), 0, None)
    np.testing.assert_array_equal(codes.argmax(axis=0), [9, 40_000])
    assert (
        problem.objective((np.where(codes, np.linalg.norm(scene, axis=0)[:, None], 0), H)) < 1e-20
    )
    assert problem.lipschitz((codes, H), 0) > 0
    assert "atom_gram" not in vars(problem)


@pytest.mark.parametrize(
    ("dictionary", "mode", "sentence"),
    [
        (D[1:], 0, r"dictionary must have 7 rows, .* got shape \(6, 4\)"),
        (D, 1, "dictionary must have 5 rows"),
        (D * [1, 1, 0, 1], 0, "Atom 2 of dictionary is zero: remove it"),
        (D, 2, "mode must be one of 0 to 1 for this X, got 2"),
        (D, -1, "mode must be one of 0 to 1 for this X, got -1"),
        (D[0], 0, "dictionary must have 2 dimensions"),
        (D + np.nan, 0, "dictionary has 28 NaN or infinite entries"),
    ],
)
def test_impossible_dictionaries_are_refused(dictionary, mode, sentence):
    with pytest.raises(ValueError, match=sentence):
        DictionaryProblem(X, 2, dictionary, (NoPenalty(), NoPenalty()), mode=mode)
