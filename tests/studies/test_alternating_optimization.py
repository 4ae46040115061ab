"""What the chapter on alternating optimisation claims."""

from fractions import Fraction

import numpy as np
import pytest

from multiconvex import (
    HALS,
    ActiveSet,
    ColumnSparse,
    Compression,
    FactorProblem,
    LeastSquares,
    NonNegative,
    NoPenalty,
    ProxGradient,
    Trace,
    alternate,
    nmf,
    nnls,
    viz,
)
from multiconvex.datasets import load_indian_pines
from multiconvex.studies import alternating_optimization as study

figures = viz.alternating_optimization


@pytest.fixture(scope="module")
def corner():
    return study.corner(load_indian_pines().cube)


@pytest.fixture(scope="module")
def race(corner):
    return study.inner_passes(corner, repeats=1)


@pytest.fixture(scope="module")
def momentum(corner):
    return study.extrapolated(corner)


@pytest.fixture(scope="module")
def walk():
    return study.powell()


def monotone(trace):
    return np.all(np.diff(trace.objective) <= 1e-12 * trace.objective[0])


# --- A question, and how exact a block should be


def test_the_corner_is_a_nonnegative_matrix_with_one_column_a_pixel(corner):
    assert corner.X.shape == (200, 60 * 60)
    assert corner.X.min() >= 0
    assert corner.X.max() == 1
    np.testing.assert_array_equal(corner.X[:, 61], corner.cube[1, 1])
    again = study.corner(load_indian_pines().cube)
    for one, other in zip(corner.start, again.start):
        np.testing.assert_array_equal(one, other)
        assert one.min() >= 0


def test_every_run_goes_down_and_none_below_the_best(race):
    for name, trace in race.traces.items():
        assert monotone(trace)
        assert race.gap(name)[-1] >= 0


def test_the_more_exact_the_blocks_the_better_a_hundred_sweeps(race):
    finals = [race.gap(name)[-1] for name in race.traces]
    assert list(race.traces) == [*map(str, study.PASSES), "exact"]
    assert np.all(np.diff(finals) < 0)
    assert finals[-1] < 0.01 * finals[0]


def test_the_quickest_run_is_the_one_that_comes_close_first():
    def trace(seconds, objective):
        return Trace(np.arange(3), np.array(seconds), np.array(objective), np.full(3, "sweep"))

    race = study.Race({"slow": trace([0, 2, 4], [9.0, 1.5, 1.0]),
                       "fast": trace([0, 1, 3], [9.0, 2.0, 1.1]),
                       "never": trace([0, 0, 0], [9.0, 9.0, 9.0])}, best=1.0)  # fmt: skip
    assert [race.seconds_to(name, 0.5) for name in race.traces] == [2, 3, np.inf]
    assert race.quickest(0.5) == "slow"
    assert race.quickest(1.0) == "fast"


def test_a_few_dozen_passes_cost_as_much_as_the_products():
    assert study.passes_worth_a_product(200, 3600, 5) == pytest.approx(
        2 * 200 * 3600 / (3800 * 5), rel=1e-12
    )
    assert 24 <= study.passes_worth_a_product(200, 3600, 5) <= 96


# --- The loop, by hand


def test_the_loop_by_hand_gives_the_trace_of_alternate(corner):
    X, (W, H) = corner.X, corner.start
    by_hand = [0.5 * np.linalg.norm(X - W @ H.T) ** 2]
    for _ in range(25):
        W = nnls(H, X.T).x.T
        H = nnls(W, X).x.T
        by_hand.append(0.5 * np.linalg.norm(X - W @ H.T) ** 2)
    result = alternate(corner.problem(), corner.start, ActiveSet(), stop=study.NEVER, max_iter=25)
    np.testing.assert_allclose(result.trace.objective, by_hand, rtol=1e-10)


def test_the_loop_over_any_number_of_blocks_gives_the_trace_of_alternate():
    rng = np.random.default_rng(0)
    problem = FactorProblem(rng.random((7, 6, 5)), 2, (NonNegative(),) * 3)
    x = tuple(rng.random(block.shape) for block in problem.blocks)
    expected = alternate(problem, x, HALS(), max_iter=10, stop=study.NEVER).trace.objective
    objectives = [problem.objective(x)]
    for _ in range(10):
        for k in range(3):
            block, _ = HALS()(problem, x, k, None)
            x = (*x[:k], block, *x[k + 1 :])
        objectives.append(problem.objective(x))
    np.testing.assert_array_equal(objectives, expected)


# --- Two blocks: majorisation


@pytest.mark.parametrize("seed", range(5))
def test_two_exact_blocks_majorise_the_marginal_cost(seed):
    rng = np.random.default_rng(seed)
    X, (V, W) = rng.random((12, 9)), rng.random((2, 12, 3))
    H = nnls(V, X).x.T

    def marginal(W):
        return nnls(W, X).objective

    def majorant(W):
        return 0.5 * np.linalg.norm(X - W @ H.T) ** 2

    problem = FactorProblem(X, 3, (NonNegative(), NonNegative()))
    new = alternate(problem, (V, H), ActiveSet(), stop=study.NEVER, max_iter=1).blocks["W"]
    assert majorant(W) >= marginal(W) - 1e-12
    assert majorant(V) == pytest.approx(marginal(V), rel=1e-12)
    assert majorant(new) <= min(majorant(W), majorant(V), majorant(1.001 * new))


def test_the_scalar_majorant_touches_covers_and_is_minimised():
    run, grid = study.majorized(), np.linspace(0, 2, 4001)
    for k in range(6):
        assert np.all(run.majorant(grid, k) >= run.marginal(grid) - 1e-15)
        assert run.majorant(run.w[k], k) == pytest.approx(run.marginal(run.w[k]), rel=1e-14)
        assert run.w[k + 1] == pytest.approx(grid[run.majorant(grid, k).argmin()], abs=5e-4)
    marginal = study.swamp(0.3).marginal
    assert grid[marginal(grid).argmin()] == pytest.approx(np.sqrt(0.7), abs=5e-4)


# --- Extrapolation and compression


def test_no_weight_makes_a_trace_rise(momentum):
    assert all(monotone(trace) for trace in momentum.traces.values())


def test_weight_zero_is_plain_alternation(momentum):
    np.testing.assert_array_equal(
        momentum.traces["0"].objective, momentum.traces["plain"].objective
    )


def test_moderate_weights_gain_threefold_and_bold_ones_restart(momentum):
    restarts = {name: np.sum(t.event == "restart") for name, t in momentum.traces.items()}
    assert restarts["0.2"] == restarts["0.4"] == 0
    assert 0 < restarts["0.6"] < min(restarts["0.8"], restarts["0.95"])
    assert momentum.gap("0.4")[-1] < momentum.gap("plain")[-1] / 3
    assert momentum.gap("adaptive")[-1] < momentum.gap("plain")[-1] / 3


@pytest.mark.parametrize("seed", [1, 2])
def test_from_other_starts_moderate_weights_gain_as_much(seed):
    start = study.corner(load_indian_pines().cube, random_state=seed)
    other = study.extrapolated(start, weights=(0.4, 0.95))
    assert other.gap("0.4")[-1] < other.gap("plain")[-1] / 3
    assert all(monotone(trace) for trace in other.traces.values())


def test_falling_back_on_the_factors_before_extrapolation_can_raise_the_objective():
    """The restart as it is printed in the habilitation: X := Y where the error of X rose."""
    rises = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        problem = FactorProblem(rng.random((15, 12)), 3, (NonNegative(), NonNegative()))
        x = old = tuple(rng.random(block.shape) for block in problem.blocks)
        beta, last = 0.5, problem.objective(x)
        for _ in range(60):
            x, y = list(x), []
            for k in range(2):
                y.append(ActiveSet()(problem, tuple(x), k, None)[0])
                x[k] = np.maximum(y[k] + beta * (y[k] - old[k]), 0)
            if problem.objective(tuple(x)) > last:
                x, beta = list(y), beta / 1.5
            else:
                beta = min(1.0, 1.05 * beta)
            old, x = tuple(y), tuple(x)
            rises += problem.objective(x) > last * (1 + 1e-10)
            last = problem.objective(x)
    assert rises > 0


def test_compressed_sweeps_come_first_and_the_data_have_the_last_word(corner):
    trace = nmf(
        corner.X,
        corner.rank,
        init=corner.start,
        acceleration=Compression(),
        tol=1e-5,
        random_state=0,
    ).trace
    compressed = np.flatnonzero(trace.event == "compressed")
    np.testing.assert_array_equal(compressed, np.arange(1, len(compressed) + 1))
    assert trace.event[-1] in ("sweep", "restart")
    assert monotone(trace)
    assert (
        "compressed"
        in nmf(corner.X, corner.rank, init=corner.start, tol=1e-3, random_state=0).trace.event
    )


# --- Powell's cube


def test_the_walk_is_free_of_rounding(walk):
    point = [Fraction(-3, 2), Fraction(5, 4), Fraction(-9, 8)]
    for update, computed in enumerate(walk.points[1:]):
        k = update % 3
        total = point[k - 1] + point[k - 2]
        point[k] = (1 + abs(total) / 2) * (1 if total > 0 else -1)
        assert tuple(map(float, point)) == tuple(computed)


def test_the_walk_visits_six_corners_forever(walk):
    corners = [tuple(np.sign(point)) for point in walk.points]
    assert len(set(corners)) == 6
    assert corners[6:] == corners[:-6]
    assert np.abs(np.abs(walk.points[-6:]) - 1).max() < 1e-9
    assert np.abs(walk.points).max() < 2
    assert np.linalg.norm(np.diff(walk.points, axis=0), axis=1).min() > 2


def test_each_update_flips_one_sign(walk):
    flips = np.diff(np.sign(walk.points), axis=0) != 0
    np.testing.assert_array_equal(flips.argmax(axis=1), np.arange(36) % 3)
    assert np.all(flips.sum(axis=1) == 1)


def test_the_objective_converges_to_one_while_the_gradient_stays_long(walk):
    assert np.all(np.diff(walk.objective) < 0)
    assert 0 < walk.objective[-1] - 1 < 1e-10
    assert walk.slope.min() >= 2
    assert walk.slope[-1] == pytest.approx(2)


def test_each_exact_update_is_the_unique_minimiser_in_its_unknown(walk):
    problem, grid = study.Powell(), np.linspace(-2, 2, 4001)
    for update, point in enumerate(walk.points[1:13]):
        k = update % 3
        values = [
            problem.loss(tuple(np.array([t if i == k else point[i]]) for i in range(3)))
            for t in grid
        ]
        assert grid[np.argmin(values)] == pytest.approx(point[k], abs=1e-3)
        assert np.sum(np.diff(values) > 0) == np.sum(grid[:-1] >= grid[np.argmin(values)])


def test_at_the_corners_minimisers_fill_an_edge_and_another_block_would_go_down(walk):
    problem, exact = study.Powell(), study.ExactPowell()
    for corner in {tuple(np.sign(point)) for point in walk.points}:
        x = tuple(np.array([value]) for value in corner)
        level = problem.loss(x)
        assert level == 1
        flat = [k for k in range(3) if problem.others(x, k)[0] == 0]
        for k in flat:
            edge = [(*x[:k], np.array([t]), *x[k + 1 :]) for t in np.linspace(-1, 1, 9)]
            assert [problem.loss(point) for point in edge] == [1] * 9
        (k,) = set(range(3)) - set(flat)
        assert problem.loss((*x[:k], exact(problem, x, k, None)[0], *x[k + 1 :])) < level - 1


def test_powell_is_smooth_and_convex_in_each_block():
    rng, problem, h = np.random.default_rng(0), study.Powell(), 1e-6
    for point in rng.uniform(-2, 2, (40, 3, 1)):
        for k in range(3):
            shifted = [(*point[:k], point[k] + s, *point[k + 1 :]) for s in (-h, h, -0.3, 0.0, 0.3)]
            low, high, left, middle, right = map(problem.loss, shifted)
            slope = problem.gradient(tuple(point), k)[0]
            assert (high - low) / (2 * h) == pytest.approx(slope, abs=1e-6)
            assert -1e-12 <= left + right - 2 * middle <= problem.lipschitz(None, k) * 0.3**2 + 1e-9


def test_the_objective_stops_the_walk_at_a_point_that_is_not_stationary():
    problem = study.Powell()
    result = alternate(problem, study.powell_start(), study.ExactPowell())
    assert result.status == "converged"
    assert problem.residual(tuple(result.blocks.values())) > 0.5


def test_gradient_steps_leave_the_cube_and_find_the_minimum():
    problem, side = study.Powell(), np.linspace(-2, 2, 21)
    result = alternate(problem, study.powell_start(), ProxGradient())
    grid = np.array(np.meshgrid(side, side, side)).reshape(3, -1)
    pairs = -(grid.sum(0) ** 2 - (grid**2).sum(0)) / 2
    least = np.min(pairs + np.sum(np.maximum(np.abs(grid) - 1, 0) ** 2, axis=0))
    assert result.objective == least == -9
    assert problem.residual(tuple(result.blocks.values())) == 0


# --- A kink that couples the blocks


@pytest.mark.parametrize("weight", [0.5, 2.0])
def test_the_coordinatewise_minima_are_a_piece_of_the_diagonal(weight):
    moves = np.linspace(-1, 1, 201)
    for t in np.linspace(-2, 4, 61):
        here = study.kinked(t, t, weight)
        along = np.minimum(
            study.kinked(t + moves, t, weight).min(), study.kinked(t, t + moves, weight).min()
        )
        assert (along >= here - 1e-12) == (abs(t - 1) <= weight + 1e-9)


def test_runs_stop_where_they_meet_the_diagonal():
    for path in study.stuck(2.0):
        x, y = path[-1]
        assert x == y
        assert abs(x - 1) <= 2
        np.testing.assert_array_equal(path[3:], path[3] * np.ones((len(path) - 3, 1)))
        assert study.kinked(x, y, 2.0) > study.kinked(1, 1, 2.0) == 0


def test_the_kinked_function_is_strictly_convex():
    a, b = np.random.default_rng(0).uniform(-3, 3, (2, 2, 100))
    middle = study.kinked(*(a + b) / 2, 2.0)
    assert np.all(middle < (study.kinked(*a, 2.0) + study.kinked(*b, 2.0)) / 2)


def test_the_example_of_beck_is_stuck_at_ten():
    moves = np.linspace(-5, 5, 1001)
    for x, y in ((-4 + moves, 3), (-4, 3 + moves)):
        assert np.min(np.abs(3 * x + 4 * y) + np.abs(x - 2 * y)) == pytest.approx(10)


# --- Scale


@pytest.mark.parametrize("seed", range(10))
def test_balanced_nonnegative_factors_are_bounded(seed):
    rng = np.random.default_rng(seed)
    X, W, H = rng.random((8, 7)), rng.random((8, 3)), rng.random((7, 3)) * 10.0 ** rng.integers(3)
    scale = np.sqrt(np.linalg.norm(H, axis=0) / np.linalg.norm(W, axis=0))
    U, V = W * scale, H / scale
    np.testing.assert_allclose(U @ V.T, W @ H.T, rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(U, axis=0), np.linalg.norm(V, axis=0))
    bound = np.linalg.norm(X) + np.linalg.norm(X - W @ H.T)
    assert np.all(np.linalg.norm(U, axis=0) ** 2 <= bound)


@pytest.mark.parametrize("weight", [0.3, 0.1, 0.03, 0.01])
def test_the_swamp_has_the_predicted_rate(weight):
    run = study.swamp(weight, sweeps=2000)
    assert run.measured_rate == pytest.approx(run.predicted_rate, abs=1e-3)
    assert run.w[-1] == pytest.approx(np.sqrt(1 - weight), abs=1e-9)
    assert run.h[-1] == pytest.approx(run.solution, abs=1e-9)
    assert run.trace.objective[-1] == pytest.approx(run.best, rel=1e-12)


def test_a_factor_of_e_takes_a_quarter_of_y_over_lambda():
    assert -1 / np.log(study.swamp(0.01).predicted_rate) == pytest.approx(1 / 0.04, rel=0.03)


def test_the_swamp_reproduces_the_published_iterates():
    run = study.swamp(1e-3)
    assert run.w[-1] == pytest.approx(0.642558430874947, rel=1e-12)
    assert run.h[-1] == pytest.approx(1.5525184957484308, rel=1e-12)
    assert run.w[-1] * run.h[-1] == pytest.approx(1, abs=0.01)


def test_a_sparse_block_is_stuck_where_a_free_one_is_not():
    X, start = np.diag([1.0, 2.0]), (np.array([[1.0], [0.0]]), np.array([[1.0], [0.1]]))
    sparse = FactorProblem(X, 1, (ColumnSparse(1), NoPenalty()))
    free = FactorProblem(X, 1, (NoPenalty(), NoPenalty()))
    stuck = alternate(sparse, start, {"W": ProxGradient(), "H": LeastSquares()})
    ratios = []
    found = alternate(
        free, start, LeastSquares(), callback=lambda sweep: ratios.append(sweep.blocks["H"])
    )
    assert stuck.objective == pytest.approx(2.0)
    assert found.objective == pytest.approx(0.5)
    ratios = [(h[1] / h[0]).item() for h in ratios[:4]]
    np.testing.assert_allclose(np.divide(ratios[1:], ratios[:-1]), 4, rtol=1e-9)


# --- Figures


def test_every_picture_follows_the_theme_and_says_what_it_shows(corner, race, momentum, walk):
    swamps = [study.swamp(weight, sweeps=150) for weight in (0.3, 0.01)]
    pictures = {
        "ends at": figures.question(corner, race),
        "touches the marginal objective at w = 0.200": figures.majorant(study.majorized(), 0),
        "gradient 2.0": figures.powell(walk, 8),
        "from (0.4, -1.6) to (-1, -1)": figures.stuck(study.stuck(2.0), 2.0),
        "10 passes over each block": figures.inner_passes(race, "10"),
        "predicted 0.160, measured 0.160": figures.swamps(swamps),
        "Weight 0.95 held": figures.extrapolation(momentum, 0.95),
    }
    for words, picture in pictures.items():
        assert words in picture.alt
        assert picture.strays() == ()
