"""Factorisations of Dask arrays do what those in memory do, and leave the data where they are."""

import dask
import dask.array as da
import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import planted_matrix, scipy_nnls
from contracts.problem import QuadraticContract
from contracts.update import UpdateContract

from multiconvex import (
    ADMM,
    HALS,
    L1,
    L2,
    ActiveSet,
    Box,
    ChunkedMatrix,
    Compression,
    FactorProblem,
    GroupL2,
    LeastSquares,
    MultiplicativeUpdate,
    NonNegative,
    NoPenalty,
    ProxGradient,
    RowSparse,
    Simplex,
    SubSimplex,
    UnitBall,
    nmf,
)
from multiconvex.models.chunked import ByChunks, ByRows, ChunkedFactorProblem
from multiconvex.models.chunked_starts import uniform_rows

POSITIVE = (NonNegative(), NonNegative())
HEIGHTS = (64, 128, 64, 44)
pytestmark = pytest.mark.filterwarnings("ignore:The fit used all")


@pytest.fixture(autouse=True)
def in_this_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def noisy_matrix(m=300, n=20, seed=0):
    X, _ = planted_matrix((m, n), 4, seed=seed)
    return X + 0.1 * np.random.default_rng(seed + 1).random(X.shape)


def cut(array, heights=HEIGHTS):
    return da.from_array(array, chunks=(heights, array.shape[1]))


class InMemory(ChunkedFactorProblem):
    """The chunked problem for points that are local arrays, as the contracts have them."""

    def __init__(self, X, rank, penalties):
        heights = (64,) * (len(X) // 64) + ((len(X) % 64,) if len(X) % 64 else ())
        super().__init__(ChunkedMatrix(cut(X, heights)), rank, penalties)

    def _in_chunks(self, x):
        if isinstance(x[0], da.Array):
            return x
        return da.from_array(x[0], chunks=(self.data.array.chunks[0], -1)), x[1]

    def objective(self, x):
        return super().objective(self._in_chunks(x))

    def residual(self, x):
        return FactorProblem(self.data.array.compute(), 3, POSITIVE).residual(x)

    def loss(self, x):
        return super().loss(self._in_chunks(x))

    def gradient(self, x, k):
        return np.asarray(super().gradient(self._in_chunks(x), k))

    def multiplicative_terms(self, x, k):
        return tuple(map(np.asarray, super().multiplicative_terms(self._in_chunks(x), k)))

    def normal_equations(self, x, k):
        return tuple(map(np.asarray, super().normal_equations(self._in_chunks(x), k)))

    def map_rows(self, call, x):
        return super().map_rows(call, self._in_chunks(x))


class TestChunkedFactorProblem(QuadraticContract):
    X = np.random.default_rng(4).poisson(2.0, (80, 5)).astype(float)

    def problem(self):
        return InMemory(self.X, 3, (NonNegative(0.3, 0.1), L2(0.2)))

    def documented_loss(self, x):
        return 0.5 * np.sum((self.X - x[0] @ x[1].T) ** 2)

    def minimiser(self):
        X, factors = planted_matrix((80, 5), 3, zeros=0.0)
        return InMemory(X, 3, POSITIVE), factors


class TestByChunks(UpdateContract):
    update = ByChunks(HALS())
    settle = 60
    slack = 1e-11

    def problems(self, scale=1.0):
        def build(rng, dtype=np.float64):
            X = (scale * rng.random((100, 5))).astype(dtype)
            problem = InMemory(X, 3, POSITIVE)
            return problem, tuple(
                (0.1 + rng.random(block.shape)).astype(dtype) for block in problem.blocks
            )

        return [build]

    def fixed_point(self):
        X, factors = planted_matrix((80, 5), 3, zeros=0.0)
        return InMemory(X, 3, POSITIVE), factors

    def step(self, problem, x, k):
        rule = self.update if k == 0 else self.update.rule
        return np.asarray(rule(problem, x, k, None)[0])


@pytest.mark.parametrize(
    ("seed", "options"),
    [
        (0, {}),
        (1, {}),
        (2, {"init": "random"}),
        (2, {"acceleration": None}),
        (2, {"update": HALS(sweeps=3)}),
        (2, {"update": ActiveSet()}),
        (2, {"update": MultiplicativeUpdate(), "init": "random"}),
        (2, {"update": {"W": ActiveSet(), "H": ProxGradient()}}),
        (2, {"penalties": (NonNegative(l2=0.1), NonNegative(l1=0.3))}),
        (2, {"penalties": (NonNegative(), NonNegative(l1=0.3))}),
        (2, {"penalties": (L2(0.1), L2(0.1))}),
        (2, {"penalties": (Simplex(), NonNegative()), "update": ProxGradient(), "init": "random"}),
        (2, {"penalties": (RowSparse(2, nonnegative=True), NonNegative())}),
    ],
    ids=str,
)
def test_the_trace_is_that_of_the_fit_in_memory(seed, options):
    X = noisy_matrix(seed=seed)
    fit = {"max_iter": 12, "tol": 0, "random_state": seed} | options
    local, chunked = nmf(X, 4, **fit), nmf(cut(X), 4, **fit)
    assert chunked.trace.event.tolist() == local.trace.event.tolist()
    np.testing.assert_allclose(chunked.trace.objective, local.trace.objective, rtol=1e-10)
    np.testing.assert_allclose(chunked.W.compute(), local.W, atol=1e-6 * local.W.max())
    assert isinstance(chunked.W, da.Array) and isinstance(chunked.H, np.ndarray)


@pytest.mark.parametrize("heights", [(300,), (64,) * 4 + (44,), (100,) * 3, (7,) * 42 + (6,)])
def test_chunks_do_not_matter(heights):
    X = noisy_matrix()
    local = nmf(X, 4, max_iter=10, tol=0, random_state=0)
    chunked = nmf(cut(X, heights), 4, max_iter=10, tol=0, random_state=0)
    np.testing.assert_allclose(chunked.trace.objective, local.trace.objective, rtol=1e-10)


def test_a_grid_of_chunks_becomes_chunks_of_rows():
    X = noisy_matrix()
    chunked = nmf(da.from_array(X, chunks=(64, 7)), 4, max_iter=3, tol=0, random_state=0)
    local = nmf(X, 4, max_iter=3, tol=0, random_state=0)
    np.testing.assert_allclose(chunked.trace.objective, local.trace.objective, rtol=1e-10)


def test_sparse_chunks_are_never_filled_in():
    X = noisy_matrix()
    X[np.quantile(X, 0.9) > X] = 0.0
    lazy = cut(X).map_blocks(Unfillable, dtype=float, meta=Unfillable((0, 0)))
    fit = {"max_iter": 12, "tol": 0, "random_state": 0}
    local, chunked = nmf(sp.csr_array(X), 4, **fit), nmf(lazy, 4, **fit)
    np.testing.assert_allclose(chunked.trace.objective, local.trace.objective, rtol=1e-10)


class Unfillable(sp.csr_array):
    """A sparse array that refuses to become dense."""

    def toarray(self, *args, **kwargs):
        raise AssertionError("a chunk was filled in")

    todense = toarray


def test_integers_and_single_precision():
    X = np.random.default_rng(0).integers(0, 9, (130, 6))
    fit = {"max_iter": 8, "tol": 0, "random_state": 0}
    whole = nmf(cut(X, (64, 66)), 2, **fit)
    np.testing.assert_allclose(whole.objective, nmf(X, 2, **fit).objective, rtol=1e-10)
    single = nmf(cut(X.astype(np.float32), (64, 66)), 2, **fit)
    assert single.H.dtype == single.W.dtype == single.W.compute().dtype == np.float32
    np.testing.assert_allclose(single.objective, whole.objective, rtol=1e-4)


def test_data_of_low_rank_are_started_and_fitted():
    """Components beyond the rank of the data are filled with random numbers, as in memory."""
    X, _ = planted_matrix((200, 12), 2)
    chunked = nmf(cut(X, (64, 136)), 4, max_iter=40, tol=0, random_state=0)
    assert chunked.objective < 1e-4 * np.sum(X**2)


def test_a_start_may_be_in_memory_or_in_chunks():
    X = noisy_matrix()
    rng = np.random.default_rng(3)
    W, H = rng.random((300, 4)), rng.random((20, 4))
    fit = {"max_iter": 4, "tol": 0}
    objectives = [
        nmf(X, 4, init=(W, H), **fit).objective,
        nmf(cut(X), 4, init=(W, H), **fit).objective,
        nmf(cut(X), 4, init=(cut(W, (100, 200)), H), **fit).objective,
    ]
    np.testing.assert_allclose(objectives, objectives[0], rtol=1e-12)
    W[5, 1] = np.nan
    with pytest.raises(ValueError, match="init of W has NaN or infinite entries"):
        nmf(cut(X), 4, init=(cut(W), H), **fit)


def test_no_array_with_as_many_rows_is_ever_local():
    """What the scheduler returns to the caller has the size of H or of a chunk's statistics."""
    X = noisy_matrix(m=640)
    brought = []
    original = da.Array.compute

    def compute(array, **options):
        value = original(array, **options)
        brought.append(np.shape(value))
        return value

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(da.Array, "compute", compute)
        nmf(cut(X, (64,) * 10), 4, max_iter=5, tol=0, random_state=0)
    assert brought
    assert max(np.prod(shape) for shape in brought) <= (20 + 4) * 14


@pytest.mark.parametrize("heights", [(300,), (100, 7, 193)])
def test_uniform_rows_are_those_of_one_draw(heights):
    X = ChunkedMatrix(cut(np.ones((300, 2)), heights))
    rng, peer = np.random.default_rng(5), np.random.default_rng(5)
    np.testing.assert_array_equal(uniform_rows(X, 3, rng).compute(), peer.random((300, 3)))
    assert rng.random() == peer.random()


def test_random_starts_need_a_generator_that_can_skip():
    rng = np.random.Generator(np.random.MT19937(0))
    with pytest.raises(TypeError, match="skip ahead, which MT19937 cannot: pass random_state"):
        nmf(cut(noisy_matrix()), 2, init="random", random_state=rng)


@pytest.mark.parametrize(
    "penalty",
    [
        NoPenalty(), NonNegative(0.2, 0.3), L1(0.4), L2(0.5), Box(), SubSimplex(), Simplex(),
        RowSparse(2),
    ],
    ids=str,
)  # fmt: skip
def test_a_penalty_on_chunks_is_the_penalty(penalty):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 4))
    on_chunks = ByRows(penalty)
    moved = on_chunks.prox(cut(x), 0.3)
    np.testing.assert_array_equal(moved.compute(), penalty.prox(x, 0.3))
    for point in (x, penalty.prox(x, 0.3)):
        np.testing.assert_allclose(on_chunks.value(cut(point)), penalty.value(point), rtol=1e-12)
    assert (on_chunks.degree, on_chunks.columnwise) == (penalty.degree, penalty.columnwise)


@pytest.mark.parametrize("penalty", [GroupL2(0.1), UnitBall(), Simplex(axis=0)], ids=str)
def test_penalties_that_couple_rows_are_refused_for_W_only(penalty):
    X = cut(noisy_matrix())
    with pytest.raises(TypeError, match="penalty of W must be a sum over rows where X is a Dask"):
        nmf(X, 2, penalties=(penalty, NonNegative()), update=ProxGradient())
    nmf(X, 2, penalties=(NonNegative(), penalty), update=ProxGradient(), max_iter=2, tol=0)


def test_what_cannot_be_done_in_chunks_is_refused():
    X = noisy_matrix()
    with pytest.raises(TypeError, match="factorised under loss='frobenius'"):
        nmf(cut(X), 2, loss="kullback-leibler")
    with pytest.raises(TypeError, match="Compression works on dense data"):
        nmf(cut(X), 2, acceleration=Compression())
    with pytest.raises(TypeError, match="ADMM remembers what it did to W"):
        nmf(cut(X), 2, update=ADMM())
    with pytest.raises(TypeError, match="LeastSquares honours NoPenalty, L2 but block 'W'"):
        nmf(cut(X), 2, update=LeastSquares())
    with pytest.raises(ValueError, match="rank must be at most"):
        nmf(cut(X), 301)
    with pytest.raises(ValueError, match=r"longer side, the columns, .* pass the transpose"):
        nmf(da.from_array(X.T, chunks=(20, 100)), 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (np.nan, "X has 1 NaN or infinite entries"),
        (np.inf, "X has 1 NaN or infinite entries"),
        (-1.0, "X must be nonnegative, got 1 negative entries"),
    ],
)
def test_bad_entries_are_refused(change, message):
    X = noisy_matrix()
    X[150, 3] = change
    with pytest.raises(ValueError, match=message):
        nmf(cut(X), 2)


def test_arrays_that_are_no_matrices_are_refused():
    with pytest.raises(TypeError, match="needs a Dask array, got ndarray"):
        ChunkedMatrix(np.ones((3, 3)))
    with pytest.raises(TypeError, match="real numbers: their entries are complex"):
        ChunkedMatrix(da.ones((3, 3), dtype=complex))
    with pytest.raises(ValueError, match="must have 2 dimensions"):
        ChunkedMatrix(da.ones((3, 3, 3)))
    with pytest.raises(ValueError, match="is empty"):
        ChunkedMatrix(da.ones((0, 3)))
    rows = da.ones((30, 3), chunks=(10, 3))
    with pytest.raises(ValueError, match="sizes of the chunks are unknown"):
        ChunkedMatrix(rows[rows[:, 0] > 0.5])


def test_other_functions_refuse_dask_arrays_in_a_sentence():
    from multiconvex import cp, nnls

    with pytest.raises(TypeError, match="X is a Dask array, which is not handled here"):
        cp(da.ones((3, 3, 3)), 1)
    with pytest.raises(TypeError, match=r"pass Y.compute\(\) where it fits"):
        nnls(np.ones((3, 1)), da.ones((3, 2)))


def test_products_norms_and_distances_agree_with_their_definitions():
    rng = np.random.default_rng(0)
    X, W, H = rng.standard_normal((300, 6)), rng.random((300, 2)), rng.random((6, 2))
    data = ChunkedMatrix(cut(X, (100, 200)))
    assert data.array.chunks[0] == (128, 172)
    W_chunks = data.map_rows(lambda rows, H: rows @ H, 2, others=(np.eye(6)[:, :2],)) * 0.0
    W_chunks = W_chunks + da.from_array(W, chunks=W_chunks.chunks)
    np.testing.assert_allclose(data.norm2, np.sum(X**2), rtol=1e-13)
    np.testing.assert_allclose(data.mttkrp((W_chunks, H), 0).compute(), X @ H, rtol=1e-12)
    np.testing.assert_allclose(data.mttkrp((W_chunks, H), 1), X.T @ W, rtol=1e-12)
    gram, products = data.row_sums(W_chunks)
    np.testing.assert_allclose(gram, W.T @ W, rtol=1e-12)
    np.testing.assert_allclose(products, X.T @ W, rtol=1e-12)
    distance2 = np.sum((X - W @ H.T) ** 2)
    np.testing.assert_allclose(data.distance2((W_chunks, H)), distance2, rtol=1e-12)


@pytest.mark.parametrize("heights", [(300,), (64,) * 4 + (44,), (8,) * 37 + (4,)])
def test_the_triangle_has_the_inner_products_of_the_columns(heights):
    X = noisy_matrix()
    data = ChunkedMatrix(cut(X, heights))
    R = data.triangle()
    assert R.shape == (20, 20)
    np.testing.assert_allclose(R.T @ R, X.T @ X, rtol=1e-12)
    np.testing.assert_allclose(R, np.triu(R), atol=0)
    some = np.random.default_rng(0).random((20, 3))
    R = data.triangle(some)
    np.testing.assert_allclose(R.T @ R, some.T @ X.T @ X @ some, rtol=1e-12)


def test_regression_of_each_row_is_exact():
    X = noisy_matrix()
    fit = nmf(cut(X), 3, update={"W": ActiveSet(), "H": HALS()}, max_iter=1, tol=0, init="random",
              random_state=0, acceleration=None)  # fmt: skip
    start = nmf(X, 3, init="random", max_iter=0, random_state=0)
    np.testing.assert_allclose(fit.W.compute(), scipy_nnls(start.H, X.T).T, atol=1e-9)
