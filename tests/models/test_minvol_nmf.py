"""Minimum volume: the majorant, the scale, and simplices without pure columns."""

from typing import ClassVar

import numpy as np
import pytest
from contracts.engine import EngineContract
from contracts.instances import generators, scipy_nnls
from contracts.model import ModelContract
from contracts.problem import ProblemContract

from multiconvex import (
    HALS,
    AcceleratedProxGradient,
    Extrapolation,
    MinimumVolumeProblem,
    NonNegative,
    NoPenalty,
    Simplex,
    SubSimplex,
    factor_match_score,
    minvol_nmf,
    nmf,
    separable_nmf,
)

SUM_TO_ONE = (NonNegative(), Simplex())
UPDATES = {"W": HALS(), "H": AcceleratedProxGradient()}
X = np.random.default_rng(6).random((7, 5))


def documented_volume(W, delta):
    return np.log(np.linalg.det(np.eye(W.shape[1]) + W.T @ W / delta))


def scattered(rank=3, rows=8, columns=400, purest=0.8, seed=0):
    """Return mixtures none of which is purer than a bound, and their factors."""
    rng = np.random.default_rng(seed)
    W = 0.3 + rng.random((rows, rank))
    H = rng.dirichlet(np.ones(rank), 4 * columns)
    H = H[H.max(axis=1) < purest][:columns]
    return W @ H.T, W, H


class TestProblem(ProblemContract):
    smooth_everywhere = False

    def problem(self):
        return MinimumVolumeProblem(X, 3, (NonNegative(0.1), SubSimplex()), weight=0.7, delta=0.2)

    def documented_loss(self, x):
        return 0.5 * np.sum((X - x[0] @ x[1].T) ** 2) + 0.35 * documented_volume(x[0], 0.2)

    def point(self, problem, rng):
        return 0.2 + rng.random((7, 3)), rng.dirichlet(np.ones(3), 5)

    def minimiser(self):
        problem = self.problem()
        x = self.point(problem, np.random.default_rng(0))
        for _ in range(1000):
            for k, rule in enumerate((HALS(), AcceleratedProxGradient(steps=50, tol=0.0))):
                x = (*x[:k], rule(problem, x, k, None)[0], *x[k + 1 :])
        return problem, x

    def test_convex_in_each_block(self):
        """In H it is; in W the midpoint of two factors of equal volume has less (MATHS 1.8)."""
        problem = MinimumVolumeProblem(np.zeros((2, 1)), 1, (NonNegative(),) * 2, 1.0, 1.0)
        ends = [np.array([[1.0], [0.5 * sign]]) for sign in (1, -1)]
        sizes = [problem.volume.logarithm(W) for W in (*ends, sum(ends) / 2)]
        assert sizes[0] == pytest.approx(np.log(2.25)) == pytest.approx(sizes[1])
        assert sizes[2] == pytest.approx(np.log(2.0))
        steep = [problem.volume.logarithm(np.array([[t], [0.0]])) for t in (1.0, 3.0, 2.0)]
        assert steep[2] > (steep[0] + steep[1]) / 2
        for rng, quadratic, x, _ in self.cases():
            ends = [(x[0], self.point(quadratic, rng)[1]) for _ in range(2)]
            middle = quadratic.loss((x[0], (ends[0][1] + ends[1][1]) / 2))
            assert middle <= (quadratic.loss(ends[0]) + quadratic.loss(ends[1])) / 2 + 1e-12

    def test_normal_equations_are_those_of_a_majorant_that_touches(self):
        for rng, problem, x, k in self.cases(8):
            gram, rhs = problem.normal_equations(x, k)
            np.testing.assert_allclose(gram, gram.T, rtol=1e-12)
            for size in (1e-3, 0.3, 3.0, 30.0):
                move = size * rng.standard_normal(x[k].shape)
                model = 0.5 * np.vdot(move @ gram, move) + np.vdot(x[k] @ gram - rhs, move)
                gain = problem.loss(self.moved(x, k, move)) - problem.loss(x)
                assert gain <= model + 1e-12 * max(1.0, abs(model))
                if k == 1:
                    assert gain == pytest.approx(model, rel=1e-9)

    def test_multiplicative_terms_split_the_gradient(self):
        """The inverse of a Gram matrix has negative entries, so that there is no such split."""
        assert not hasattr(self.problem(), "multiplicative_terms")

    def test_volume_of_orthogonal_columns_is_a_sum_and_zero_of_nothing(self):
        problem = MinimumVolumeProblem(np.ones((3, 2)), 2, (NonNegative(),) * 2, 1.0, 0.5)
        W = np.array([[3.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
        assert problem.volume.logarithm(W) == pytest.approx(
            np.log(1 + 9 / 0.5) + np.log(1 + 4 / 0.5)
        )
        assert problem.volume.logarithm(0 * W) == 0.0


class TestEngine(EngineContract):
    acceleration = Extrapolation()
    events = ("sweep", "restart")
    update = UPDATES

    def problem(self):
        return MinimumVolumeProblem(X, 3, (NonNegative(), SubSimplex()), 0.1, 0.2)

    def init(self):
        rng = np.random.default_rng(2)
        return rng.random((7, 3)), rng.dirichlet(np.ones(3), 5)

    def test_rules_by_block_name(self):
        """Its rules are by name already."""
        with pytest.raises(ValueError, match="no rule for block 'H'"):
            self.fit(update={"W": HALS()})


class TestModel(ModelContract):
    inits = ("separable", "random")
    converge: ClassVar[dict] = {"tol": 1e-8, "max_iter": 5000, "volume": 1e-5}
    objective_slack = 1e-4
    match = 1 - 1e-3
    residual = 1e-3

    def fit(self, data, **options):
        return minvol_nmf(data, self.rank, **options)

    def exact(self):
        data, W, H = scattered()
        return data, (W, H)

    def noisy(self):
        data, *_ = scattered(columns=60)
        return data * (1.0 + 0.1 * np.random.default_rng(11).random(data.shape))

    def start(self, data):
        rng = np.random.default_rng(12)
        return rng.random((len(data), 3)), 0.9 * rng.dirichlet(np.ones(3), data.shape[1])

    def problem(self, data):
        size = np.vdot(data, data)
        weight = self.converge["volume"] * size
        penalties = (NonNegative(), SubSimplex())
        return MinimumVolumeProblem(data, self.rank, penalties, weight, 0.1 * size / data.shape[1])

    def documented_objective(self, data, factors, volume=1e-4):
        W, H = factors
        size = np.sum(data**2)
        fit = 0.5 * np.sum((data - W @ H.T) ** 2)
        return fit + 0.5 * volume * size * documented_volume(W, 0.1 * size / data.shape[1])


def test_weights_that_sum_to_one_do_so():
    data, W, _ = scattered(columns=200)
    fit = minvol_nmf(data, 3, volume=3e-5, penalties=SUM_TO_ONE, max_iter=3000)
    assert factor_match_score(fit.W, W) > 0.999
    np.testing.assert_allclose(fit.H.sum(axis=1), 1.0, rtol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_without_pure_columns_it_beats_those_that_need_them(seed):
    data, W, _ = scattered(seed=seed, purest=0.75)
    pure = separable_nmf(data, 3)
    plain = nmf(data, 3, init=(pure.W, pure.H), tol=1e-7, max_iter=5000)
    small = minvol_nmf(
        data, 3, volume=1e-5, delta=0.01, penalties=SUM_TO_ONE, tol=1e-8, max_iter=3000
    )
    gaps = [1 - factor_match_score(fit.W, W) for fit in (small, pure, plain)]
    assert gaps[0] < 0.2 * min(gaps[1:])


def test_one_component_of_equal_columns_is_the_root_of_a_cubic():
    x, n, volume, delta = np.array([3.0, 4.0]), 6, 0.3, 0.5
    size = n * 25.0
    fit = minvol_nmf(np.outer(x, np.ones(n)), 1, volume=volume, delta=delta, tol=1e-14)
    # n (t - 1) |x|^2 + weight t |x|^2 / (delta' + t^2 |x|^2) = 0 for W = t x and H = 1
    shift, weight = delta * 25.0, volume * size
    roots = np.roots([n * 25.0, -n * 25.0, n * shift + weight, -n * shift])
    t = roots[np.abs(roots.imag) < 1e-9].real
    np.testing.assert_allclose(fit.W[:, 0], t * x, rtol=1e-5)
    np.testing.assert_allclose(fit.H, 1.0)
    assert fit.volume == pytest.approx(np.log(1 + np.sum(fit.W**2) / shift))


def test_a_larger_weight_leaves_less_volume_and_a_worse_fit():
    data, *_ = scattered(columns=100)
    data = data + 0.02 * np.random.default_rng(1).random(data.shape)
    fits = [minvol_nmf(data, 3, volume=v, tol=1e-7, max_iter=3000) for v in (1e-5, 1e-4, 1e-3)]
    scale = 0.1 * np.vdot(data, data) / data.shape[1]
    sizes = [documented_volume(fit.W, scale) for fit in fits]
    errors = [np.linalg.norm(data - fit.reconstruct()) for fit in fits]
    assert sizes[0] > sizes[1] > sizes[2] and errors[0] < errors[1] < errors[2]
    np.testing.assert_allclose([fit.volume for fit in fits], sizes)


@pytest.mark.parametrize("init", ["separable", "random"])
def test_columns_start_as_large_as_their_weights_allow(init):
    data, *_ = scattered(columns=80)
    start = minvol_nmf(3.0 * data, 3, init=init, max_iter=0, random_state=1)
    weights = scipy_nnls(start.W, 3.0 * data)
    np.testing.assert_allclose(weights.max(axis=1), 1.0, rtol=1e-6)
    assert start.H.sum(axis=1).max() <= 1.0 + 1e-9


def test_any_start_is_feasible_and_monotone():
    data, *_ = scattered(columns=50)
    for rng in generators(3):
        start = rng.random((8, 3)) - 0.2, rng.random((50, 3))
        for penalties in ((NonNegative(), SubSimplex()), SUM_TO_ONE):
            trace = minvol_nmf(
                data, 3, init=start, penalties=penalties, max_iter=30, tol=0
            ).trace.objective
            assert np.isfinite(trace).all() and np.diff(trace).max() <= 1e-12 * trace[0]


@pytest.mark.parametrize("penalties", [(NonNegative(),) * 2, (NoPenalty(), Simplex())])
def test_a_free_scale_is_refused(penalties):
    with pytest.raises(ValueError, match="where the rows of H have no bound, the volume of W has"):
        minvol_nmf(X, 2, penalties=penalties)


def test_what_cannot_be_fitted_is_refused_in_a_sentence():
    for option in ("volume", "delta"):
        for value in (0.0, -1.0, np.nan, "much"):
            with pytest.raises(ValueError, match=f"{option} must be a finite positive number"):
                minvol_nmf(X, 2, **{option: value})
    with pytest.raises(ValueError, match="X is zero: there is nothing"):
        minvol_nmf(0 * X, 2)
    with pytest.raises(ValueError, match="X must be nonnegative"):
        minvol_nmf(X - 0.5, 2)
    with pytest.raises(ValueError, match="rank must be at most"):
        minvol_nmf(X, 8)
    with pytest.raises(TypeError, match="penalties must be a tuple"):
        minvol_nmf(X, 2, penalties=("simplex", None))
