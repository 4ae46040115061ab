"""Compressed CP fits: what the core knows of the data, constraints, and what is reported."""

from typing import ClassVar

import cvxpy
import numpy as np
import pytest
from contracts.instances import cp_to_array, planted_tensor
from contracts.model import ModelContract

from multiconvex import (
    ADMM,
    HALS,
    L1,
    L2,
    Compression,
    LeastSquares,
    NonNegative,
    NonNegativeImage,
    NoPenalty,
    ProjectedLeastSquares,
    ProxGradient,
    cp,
    factor_match_score,
)
from multiconvex.models.compressed_cp import CompressedProblem, project_on_subspaces
from multiconvex.operands import DenseTensor, multiply_modes

ONE_STEP, EXACT = ProjectedLeastSquares("one_step"), ProjectedLeastSquares()


def noisy_tensor(shape=(14, 12, 10), rank=3, seed=0, noise=0.1):
    X, _ = planted_tensor(shape, rank, seed)
    return X + noise * X.std() * np.random.default_rng(seed).standard_normal(shape)


def compressed_problem(X, ranks, penalties, rank=3, seed=0):
    data = DenseTensor(X)
    small = project_on_subspaces(data, ranks, np.random.default_rng(seed))
    return CompressedProblem(data, small, rank, penalties), small


class TestOneStep(ModelContract):
    """The published algorithm: its points are outside the cone and are set to zero there."""

    shape = (14, 12, 10)
    inits = ("random", "hosvd", "jennrich")
    converge: ClassVar[dict] = {"tol": 1e-9, "max_iter": 3000}
    penalties = (NonNegative(),) * 3
    update = None

    def fit(self, X, **options):
        return cp(
            X,
            self.rank,
            penalties=self.penalties,
            compress=(5, 5, 5),
            **{"update": self.update} | options,
        )

    def exact(self):
        return planted_tensor(self.shape, 3, seed=1)

    def noisy(self):
        return noisy_tensor(self.shape)

    def documented_objective(self, X, factors):
        return 0.5 * np.sum((X - cp_to_array(factors)) ** 2)

    def test_start_given_as_arrays_is_used_and_never_modified(self):
        """Its nearest point in the subspaces of the data and inside the cones is."""
        X = self.noisy()
        problem, _ = compressed_problem(X, (5, 5, 5), self.penalties)
        start = self.start(X)
        before = [block.copy() for block in start]
        result = self.fit(X, init=start, max_iter=0)
        blocks = zip(problem.blocks, problem.compressed(start))
        inside = problem.decompressed(tuple(block.penalty.prox(x, 0.0) for block, x in blocks))
        for block, expected in zip(result.factors, inside):
            np.testing.assert_allclose(block, expected, atol=1e-12)
        self.fit(X, init=start, max_iter=4, tol=0)
        for block, copy in zip(start, before):
            np.testing.assert_array_equal(block, copy)

    def test_first_order_conditions_hold_on_noisy_data(self):
        """They hold on the compressed data for updates that never raise the objective."""
        options = {"update": ADMM(steps=20), "tol": 1e-13, "max_iter": 5000}
        result = self.fit(self.noisy(), random_state=0, **options)
        problem, _ = compressed_problem(self.noisy(), (5, 5, 5), self.penalties)
        assert problem.residual(problem.compressed(result.factors)) < self.residual

    def test_trace_is_monotone(self):
        trace = self.fit(self.noisy(), random_state=0, max_iter=60, tol=0).trace
        assert np.diff(trace.objective[:-1]).max() <= 1e-12 * trace.objective[0]
        assert trace.event[-1] == "decompressed"

    def test_callback_sees_the_true_objective(self):
        """On the compressed data, plus what they lost."""
        X, seen = self.noisy(), []
        problem, small = compressed_problem(X, (5, 5, 5), self.penalties)
        projected = multiply_modes(small.core.array, small.bases)

        def watch(sweep):
            near = 0.5 * np.sum((projected - cp_to_array(list(sweep.blocks.values()))) ** 2)
            np.testing.assert_allclose(sweep.objective, problem.lost + near, rtol=1e-10)
            seen.append(sweep.objective)

        result = self.fit(X, random_state=0, max_iter=8, tol=0, callback=watch)
        assert result.n_iter == len(seen) == 8
        np.testing.assert_allclose(result.compressed_objective, seen[-1] - problem.lost)


class TestExact(TestOneStep):
    update = EXACT

    def test_the_data_are_measured_by_the_core(self):
        """Factors in the subspaces: the distances add up by Pythagoras at every sweep."""
        X = self.noisy()

        def watch(sweep):
            true = self.documented_objective(X, list(sweep.blocks.values()))
            np.testing.assert_allclose(sweep.objective, true, rtol=1e-10)

        trace = self.fit(X, random_state=0, max_iter=30, tol=0, callback=watch).trace
        np.testing.assert_allclose(trace.objective[-1], trace.objective[-2], rtol=1e-10)


class TestADMM(TestExact):
    update = ADMM()
    inits = ("random",)
    match = 0.99
    objective_slack = 1e-6


class TestFree(TestExact):
    penalties = (NoPenalty(),) * 3
    update = None

    def exact(self):
        return planted_tensor(self.shape, 3, seed=1, draw="standard_normal")


def test_subspaces_are_orthonormal_and_nearly_the_best():
    X = noisy_tensor((20, 70, 15), 4, noise=0.5)
    ranks = (4, 6, 5)
    small = project_on_subspaces(DenseTensor(X), ranks, np.random.default_rng(0))
    assert small.core.shape == ranks
    best = X
    for mode, (basis, wanted) in enumerate(zip(small.bases, ranks)):
        np.testing.assert_allclose(basis.T @ basis, np.eye(wanted), atol=1e-12)
        unfolded = np.moveaxis(X, mode, 0).reshape(len(basis), -1)
        leading = np.linalg.svd(unfolded, full_matrices=False)[0][:, :wanted]
        projector = leading @ leading.T
        best = np.moveaxis(np.tensordot(projector, best, axes=(1, mode)), 0, mode)
    lost = np.linalg.norm(X - multiply_modes(small.core.array, small.bases))
    assert lost <= 1.005 * np.linalg.norm(X - best)


def test_subspaces_are_dominant_where_singular_values_decay():
    """Random subspaces of just the wanted dimension would lose a quarter more on average."""
    rng = np.random.default_rng(0)
    weights = 0.7 ** np.arange(30)
    factors = [np.linalg.qr(rng.standard_normal((80, 30)))[0] for _ in range(3)]
    X = cp_to_array([factors[0] * weights, *factors[1:]])
    for seed in range(5):
        problem, _ = compressed_problem(X, (5, 5, 5), (NoPenalty(),) * 3, seed=seed)
        np.testing.assert_allclose(2.0 * problem.lost, np.sum(weights[5:] ** 2), rtol=1e-6)


@pytest.mark.parametrize("noise", [0.0, 1e-6, 0.1])
def test_what_is_lost_is_the_distance_from_the_data_to_their_projection(noise):
    X = noisy_tensor(noise=noise)
    problem, small = compressed_problem(X, (3, 3, 3), (NonNegative(),) * 3)
    lost = 0.5 * np.sum((X - multiply_modes(small.core.array, small.bases)) ** 2)
    np.testing.assert_allclose(problem.lost, lost, rtol=1e-6, atol=1e-28 * np.sum(X**2))


@pytest.mark.parametrize("penalty", [NoPenalty(), L2(0.3)])
def test_a_lossless_compression_changes_nothing(penalty):
    """Factors that start in the subspaces of the data never leave them."""
    rng = np.random.default_rng(0)
    bases = [rng.standard_normal((n, 4)) for n in (14, 12, 10)]
    X = multiply_modes(rng.standard_normal((4, 4, 4)), bases)
    start = [basis @ rng.standard_normal((4, 2)) for basis in bases]
    options = {"penalties": (penalty,) * 3, "init": start, "max_iter": 15, "tol": 0}
    options |= {"acceleration": None, "balancing": None, "random_state": 0}
    small, full = cp(X, 2, compress=(4, 4, 4), **options), cp(X, 2, **options)
    np.testing.assert_allclose(small.trace.objective[:-1], full.trace.objective, rtol=1e-8)
    for one, other in zip(small.factors, full.factors):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_without_compression_there_is_no_compressed_objective():
    assert cp(noisy_tensor(), 3, max_iter=1, tol=0).compressed_objective is None


def test_each_block_is_a_quadratic_programme_under_the_constraints_of_the_data():
    X, penalties = noisy_tensor((9, 8, 7), 2), (NonNegative(),) * 3
    problem, small = compressed_problem(X, (4, 4, 4), penalties, rank=2)
    options = {"compress": (4, 4, 4), "update": ADMM(steps=30), "tol": 1e-14, "max_iter": 3000}
    result = cp(X, 2, nonnegative=True, random_state=0, **options)
    x = problem.compressed(result.factors)
    for k, basis in enumerate(small.bases):
        gram, rhs = problem.normal_equations(x, k)
        root, block = np.linalg.cholesky(gram), cvxpy.Variable(x[k].shape)
        cost = cvxpy.sum_squares(block @ root) / 2 - cvxpy.sum(cvxpy.multiply(rhs, block))
        cvxpy.Problem(cvxpy.Minimize(cost), [basis @ block >= 0]).solve(
            solver=cvxpy.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12
        )
        np.testing.assert_allclose(x[k], block.value, atol=1e-4 * np.abs(x[k]).max())


@pytest.mark.parametrize("update", [None, EXACT, ADMM(), ProxGradient(steps=3)])
def test_factors_are_nonnegative_and_both_objectives_true(update):
    X = noisy_tensor(noise=0.5)
    result = cp(X, 3, nonnegative=True, compress="tucker", update=update, random_state=0)
    assert min(factor.min() for factor in result.factors) >= 0.0
    gap = 0.5 * np.sum((X - result.reconstruct()) ** 2)
    np.testing.assert_allclose(result.objective, gap, rtol=1e-10)
    _, small = compressed_problem(X, (8, 8, 8), (NonNegative(),) * 3)
    projected = multiply_modes(small.core.array, small.bases)
    near = 0.5 * np.sum((projected - result.reconstruct()) ** 2)
    np.testing.assert_allclose(result.compressed_objective, near, rtol=1e-9)
    assert result.objective == result.trace.objective[-1]


def test_mixed_penalties_meet_mixed_rules():
    X = noisy_tensor()
    penalties = (NonNegative(), NoPenalty(), NoPenalty())
    options = {"penalties": penalties, "random_state": 0, "max_iter": 200, "tol": 0}
    rules = {f"factors[{k}]": rule for k, rule in enumerate((HALS(), *[LeastSquares()] * 2))}
    result, direct = cp(X, 3, compress="tucker", **options), cp(X, 3, update=rules, **options)
    assert result.factors[0].min() >= 0.0
    np.testing.assert_allclose(result.objective, direct.objective, rtol=0.05)


def test_no_dimension_given_exceeds_the_data():
    X = noisy_tensor((6, 5, 4), 2)
    for ranks in ("tucker", (6, 5, 4), (60, 50, 40)):
        result = cp(X, 2, compress=ranks, random_state=0, tol=1e-12, max_iter=3000)
        np.testing.assert_allclose(result.compressed_objective, result.objective, rtol=1e-8)


@pytest.mark.parametrize("update", [None, EXACT])
def test_recovers_sparse_factors_from_noiseless_data(update):
    rng = np.random.default_rng(1)
    planted = [rng.random((n, 4)) * (rng.random((n, 4)) > 0.3) for n in (40, 30, 20)]
    result = cp(
        cp_to_array(planted), 4, nonnegative=True, compress="tucker", update=update,
        init="random", random_state=0, tol=1e-12, max_iter=2000,
    )  # fmt: skip
    assert factor_match_score(result.factors, planted) > 1 - 1e-5


def test_the_start_is_measured_and_returned():
    X = noisy_tensor()
    start = [np.ones((n, 3)) for n in X.shape]
    result = cp(X, 3, nonnegative=True, compress=X.shape, init=start, max_iter=0)
    for factor, given in zip(result.factors, start):
        np.testing.assert_allclose(factor, given, rtol=1e-12)
    assert result.trace.event.tolist() == ["start", "decompressed"]


def test_rules_of_the_orthant_are_refused():
    with pytest.raises(TypeError, match=r"HALS honours NonNegative .* has NonNegativeImage"):
        cp(noisy_tensor(), 3, nonnegative=True, compress="tucker", update=HALS())


def test_projection_of_the_orthant_keeps_the_best_point_without_compression():
    X = noisy_tensor(noise=0.5)
    trace = cp(X, 3, nonnegative=True, update=EXACT, random_state=0, max_iter=50, tol=0).trace
    assert np.diff(trace.objective).max() <= 0.0


def test_a_sweep_that_is_no_better_is_not_the_end():
    rng = np.random.default_rng(13)
    grid = np.linspace(0.0, 1.0, 12)[:, None]
    X = cp_to_array([np.exp(-0.5 * ((grid - rng.random(4)) / 0.4) ** 2) for _ in range(3)])
    result = cp(X, 4, nonnegative=True, update=EXACT, init="random", random_state=0)
    events = result.trace.event.tolist()
    failed = events.index("no better")
    assert "sweep" in events[failed:]
    assert result.objective < 0.1 * result.trace.objective[failed]


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"compress": "hosvd"}, ValueError, "compress must be one of 'tucker'; got 'hosvd'"),
        ({"compress": (3, 3)}, ValueError, 'compress must be "tucker" or 3 dimensions'),
        ({"compress": 3}, ValueError, 'compress must be "tucker" or 3 dimensions'),
        ({"compress": (3, 0, 3)}, ValueError, r"compress\[1\] must be an integer of at least 1"),
        (
            {"compress": "tucker", "acceleration": Compression()},
            TypeError,
            "leave out one of the two",
        ),
        (
            {"compress": "tucker", "penalties": (NonNegative(l1=0.1),) * 3},
            TypeError,
            "A compressed fit honours NonNegative without weights",
        ),
        (
            {"compress": "tucker", "penalties": (L1(0.1),) * 3},
            TypeError,
            "A compressed fit honours NonNegative without weights",
        ),
    ],
)
def test_impossible_requests_are_refused(options, kind, sentence):
    with pytest.raises(kind, match=sentence):
        cp(noisy_tensor(), 3, **options)


def test_what_is_compressed_already_is_refused():
    core, bases = np.ones((2, 2, 2)), [np.ones((n, 2)) for n in (3, 4, 5)]
    with pytest.raises(TypeError, match="compressed already, leave compress out"):
        cp((core, bases), 1, compress="tucker")


def test_blocks_carry_the_constraint_of_the_data():
    penalties = (NonNegative(), NoPenalty(), L2(0.1))
    problem, small = compressed_problem(noisy_tensor(), (5, 5, 5), penalties)
    image, *others = (block.penalty for block in problem.blocks)
    assert isinstance(image, NonNegativeImage)
    assert image.basis is small.bases[0] and others == [NoPenalty(), L2(0.1)]
    x = problem.compressed([np.ones((n, 3)) for n in (14, 12, 10)])
    for k in (1, 2):
        x = (*x[:k], LeastSquares()(problem, x, k, None)[0], *x[k + 1 :])
    assert np.isfinite(problem.objective(x))
