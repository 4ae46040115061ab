"""Whole fits: descent, restarts, callbacks, errors, and that nothing is compiled twice."""

import re
import subprocess
import sys

import cvxpy as cp
import numpy as np
import pytest
from cvxpy.reductions.dcp2cone.cone_matrix_stuffing import ConeMatrixStuffing

from multiconvex import ConvergenceWarning, nmf
from multiconvex.programming import (
    BlockFailure,
    NotMultiConvex,
    ProgramResult,
    solve_blockwise,
)

rng = np.random.default_rng(3)
X = rng.random((8, 3)) @ rng.random((3, 7)) + 0.05 * rng.random((8, 7))


def factorisation(rank=2):
    W = cp.Variable((8, rank), name="W", nonneg=True)
    H = cp.Variable((rank, 7), name="H", nonneg=True)
    return cp.Problem(cp.Minimize(cp.sum_squares(X - W @ H))), W, H


def clusters():
    """Labels of points times their squared distances to two centres inside a box."""
    points = np.vstack([rng.normal(-1, 0.1, (15, 2)), rng.normal(1, 0.1, (15, 2))])
    z = cp.Variable((30, 2), name="z")
    centres = [cp.Variable((1, 2), name=f"centre{k}") for k in range(2)]
    distances = [cp.sum(cp.square(points - centre), axis=1) for centre in centres]
    constraints = [z >= 0, cp.sum(z, axis=1) == 1, *(cp.norm(centre) <= 3 for centre in centres)]
    loss = cp.sum(cp.multiply(z, cp.vstack(distances).T))
    return cp.Problem(cp.Minimize(loss), constraints), points


def product(sign=1.0):
    x, y = cp.Variable(name="x"), cp.Variable(name="y")
    expression = cp.square(x * y - 2) + 0.1 * (cp.square(x) + cp.square(y))
    objective = cp.Minimize(expression) if sign > 0 else cp.Maximize(-expression)
    return cp.Problem(objective), x, y


def test_objective_never_increases_and_ends_in_the_variables():
    problem, W, H = factorisation()
    result = solve_blockwise(problem, random_state=0, max_iter=500)
    assert isinstance(result, ProgramResult) and result.status == "converged"
    assert np.diff(result.trace.objective).max() <= 0.0
    assert result.trace.objective[-1] == result.objective
    assert list(result.blocks) == ["W", "H"]
    np.testing.assert_array_equal(result.blocks["W"], W.value)
    assert min(W.value.min(), H.value.min()) >= 0.0
    assert problem.objective.value == pytest.approx(result.objective, rel=1e-12)
    direct = np.sum((X - result.blocks["W"] @ result.blocks["H"]) ** 2)
    assert result.objective == pytest.approx(direct, rel=1e-12)


def test_reaches_the_objective_of_nmf_from_the_same_start():
    problem, W, H = factorisation()
    W.value, H.value = rng.random((8, 2)), rng.random((2, 7))
    ours = nmf(X, 2, init=(W.value, H.value.T.copy()), tol=1e-13, max_iter=20_000)
    result = solve_blockwise(problem, tol=1e-10, max_iter=2000)
    assert result.objective == pytest.approx(2.0 * ours.objective, rel=1e-5)


def test_the_first_start_is_the_users():
    problem, W, H = factorisation()
    W.value, H.value = rng.random((8, 2)), rng.random((2, 7))
    expected = problem.objective.value
    start = W.value.copy()
    result = solve_blockwise(problem, max_iter=0)
    assert result.objective == pytest.approx(expected, rel=1e-12)
    assert (result.n_iter, result.status, len(result.trace)) == (0, "max_iter", 1)
    np.testing.assert_array_equal(result.blocks["W"], start)


def test_drawn_starts_satisfy_joint_constraints_and_attributes():
    problem, _ = clusters()
    result = solve_blockwise(problem, random_state=5, max_iter=0)
    assert np.isfinite(result.objective)
    np.testing.assert_allclose(result.blocks["z"].sum(axis=1), 1.0, atol=1e-6)
    P = cp.Variable((3, 3), name="P", PSD=True)
    u = cp.Variable(4, name="u", bounds=[2, 3])
    s = cp.Variable((3, 3), name="S", symmetric=True)
    n = cp.Variable(2, name="n", nonpos=True)
    term = cp.sum(u) * cp.trace(P) + cp.sum_squares(s) - cp.sum(n)
    blocks = solve_blockwise(cp.Problem(cp.Minimize(term)), max_iter=0, random_state=0).blocks
    assert np.linalg.eigvalsh(blocks["P"]).min() >= 0.0
    assert blocks["u"].min() >= 2.0 and blocks["u"].max() <= 3.0
    np.testing.assert_array_equal(blocks["S"], blocks["S"].T)
    assert blocks["n"].max() <= 0.0


def test_clusters_are_found():
    problem, points = clusters()
    result = solve_blockwise(problem, n_starts=3, random_state=0)
    labels = result.blocks["z"].argmax(axis=1)
    means = [points[labels == k].mean(axis=0) for k in range(2)]
    for k in range(2):
        np.testing.assert_allclose(result.blocks[f"centre{k}"].ravel(), means[k], atol=1e-5)
    assert len(set(labels[:15])) == len(set(labels[15:])) == 1 and labels[0] != labels[-1]


def test_restarts_are_never_worse():
    finals = []
    for n_starts in (1, 3, 6):
        problem, _, _ = factorisation()
        result = solve_blockwise(problem, n_starts=n_starts, random_state=1, max_iter=500)
        assert result.starts.shape == (n_starts,)
        assert result.objective == result.starts.min()
        finals.append(result.starts)
    np.testing.assert_array_equal(finals[2][:3], finals[1])
    np.testing.assert_array_equal(finals[1][:1], finals[0])


def test_same_seed_same_bytes():
    runs = [solve_blockwise(factorisation()[0], n_starts=2, random_state=4) for _ in range(2)]
    assert runs[0].trace.objective.tobytes() == runs[1].trace.objective.tobytes()
    assert runs[0].blocks["W"].tobytes() == runs[1].blocks["W"].tobytes()
    other = solve_blockwise(factorisation()[0], random_state=5)
    assert not np.array_equal(other.blocks["W"], runs[0].blocks["W"])


def test_maximisation_is_reported_in_its_own_sense():
    problem, x, y = product()
    x.value, y.value = 1.0, 0.5
    low = solve_blockwise(problem)
    mirror, x, y = product(-1.0)
    x.value, y.value = 1.0, 0.5
    seen = []
    high = solve_blockwise(mirror, callback=lambda sweep: seen.append(sweep.objective))
    assert high.objective == pytest.approx(-low.objective)
    np.testing.assert_allclose(high.trace.objective, -low.trace.objective, rtol=1e-6)
    assert seen == high.trace.objective[1:].tolist()
    # With w = x y at the optimum |x| = |y|: (w - 2)^2 + 0.2 w is least at w = 1.9.
    assert high.objective == pytest.approx(-0.39, abs=1e-4)


def test_proximal_terms_shorten_the_steps_and_keep_the_limit():
    starts, steps = [], []
    for proximal in (0.0, 10.0):
        problem, x, y = product()
        x.value, y.value = 1.0, 0.5
        first = solve_blockwise(problem, proximal=proximal, max_iter=1, tol=0)
        steps.append(abs(first.blocks["x"] - 1.0))
        x.value, y.value = 1.0, 0.5
        result = solve_blockwise(problem, proximal=proximal, max_iter=5000, tol=1e-12)
        assert np.diff(result.trace.objective).max() <= 0.0
        starts.append(result.objective)
    # Block x from (1, 0.5): minimise (x/2 - 2)^2 + x^2/10 + proximal/2 (x - 1)^2.
    expected = [(1.0 + 0.5 * mu) / (0.35 + 0.5 * mu) for mu in (0.0, 10.0)]
    np.testing.assert_allclose(steps, np.abs(np.array(expected) - 1.0), rtol=1e-6)
    np.testing.assert_allclose(starts, 0.39, atol=1e-4)


def test_a_convex_problem_takes_one_sweep_but_not_with_proximal_terms():
    x = cp.Variable(3, name="x")
    problem = cp.Problem(cp.Minimize(cp.sum_squares(x - np.arange(3.0))), [cp.sum(x) == 0])
    result = solve_blockwise(problem, random_state=0)
    assert (result.n_iter, result.status) == (1, "converged")
    np.testing.assert_allclose(x.value, [-1.0, 0.0, 1.0], atol=1e-7)
    x.value = np.zeros(3)
    damped = solve_blockwise(problem, proximal=2.0, max_iter=500)
    assert damped.n_iter > 5
    np.testing.assert_allclose(x.value, [-1.0, 0.0, 1.0], atol=1e-3)


def test_callback_sees_variables_and_stops_everything():
    problem, _, _ = factorisation()
    seen = []

    def watch(sweep):
        seen.append(sweep)
        return sweep.iteration == 3

    result = solve_blockwise(problem, n_starts=4, random_state=0, callback=watch)
    assert [sweep.iteration for sweep in seen] == [1, 2, 3]
    assert (result.status, result.n_iter) == ("stopped", 3)
    assert np.isfinite(result.starts).tolist() == [True, False, False, False]
    assert list(seen[-1].blocks) == ["W", "H"]
    np.testing.assert_array_equal(seen[-1].blocks["H"], result.blocks["H"])


def test_nothing_is_compiled_twice(monkeypatch):
    compiled = []
    apply = ConeMatrixStuffing.apply
    monkeypatch.setattr(
        ConeMatrixStuffing, "apply", lambda self, one: compiled.append(1) or apply(self, one)
    )
    counts = []
    for max_iter, n_starts in ((1, 1), (12, 1), (12, 3)):
        compiled.clear()
        problem, _, _ = factorisation()
        solve_blockwise(problem, max_iter=max_iter, n_starts=n_starts, tol=0, random_state=0)
        counts.append(len(compiled))
    assert counts == [2, 2, 2]


def test_blocks_of_the_user():
    problem, W, H = factorisation()
    result = solve_blockwise(problem, blocks=[[H], [W]], random_state=0, max_iter=3, tol=0)
    assert list(result.blocks) == ["W", "H"]
    with pytest.raises(NotMultiConvex, match=r"block \(W, H\) is not convex.*W is multiplied with"):
        solve_blockwise(problem, blocks=[[W, H]])
    with pytest.raises(ValueError, match=r"must be a partition.*missing: H"):
        solve_blockwise(problem, blocks=[[W]])
    with pytest.raises(ValueError, match="some variable is in two blocks"):
        solve_blockwise(problem, blocks=[[W], [H, W]])
    with pytest.raises(ValueError, match="is not a variable of the problem"):
        solve_blockwise(problem, blocks=[[W], [H], [cp.Variable(name="other")]])


def test_sweeps_that_run_out_warn():
    problem, _, _ = factorisation()
    with pytest.warns(ConvergenceWarning, match="The fit used all 2 sweeps"):
        solve_blockwise(problem, random_state=0, max_iter=2)


def test_infeasible_blocks_are_explained_and_variables_left_alone():
    x, y = cp.Variable(name="x", nonneg=True), cp.Variable(name="y", nonneg=True)
    problem = cp.Problem(cp.Minimize(x + y), [x * y >= 1])
    x.value, y.value = 1.0, 0.0
    sentence = "The problem of block x is infeasible.*set .value of the variables"
    with pytest.raises(BlockFailure, match=sentence):
        solve_blockwise(problem)
    assert (x.value, y.value) == (1.0, 0.0)
    result = solve_blockwise(problem, n_starts=3, random_state=0)
    assert np.isinf(result.starts[0]) and np.isfinite(result.objective)


def test_unbounded_blocks_are_explained():
    x, y = cp.Variable(name="x"), cp.Variable(name="y")
    problem = cp.Problem(cp.Minimize(x * y))
    with pytest.raises(BlockFailure, match=r"block x is unbounded.*add bounds or a penalty"):
        solve_blockwise(problem, random_state=0)


def test_impossible_joint_constraints_are_explained():
    x, y = cp.Variable(name="x"), cp.Variable(name="y")
    problem = cp.Problem(cp.Minimize(cp.abs(x * y)), [x + y >= 1, x <= 0, y <= 0])
    with pytest.raises(BlockFailure, match="The search for a start is infeasible"):
        solve_blockwise(problem, random_state=0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_data_that_are_not_finite_are_refused(bad):
    x, y = cp.Variable(2, name="x"), cp.Variable(2, name="y")
    data = np.array([1.0, bad])
    problem = cp.Problem(cp.Minimize(cp.sum_squares(cp.multiply(x, y) - data)))
    with pytest.raises(ValueError, match="A constant of the problem has 1 NaN or infinite"):
        solve_blockwise(problem)


def test_other_arguments_are_checked():
    x, y = cp.Variable(name="x"), cp.Variable(name="y")
    level = cp.Parameter(name="level")
    problem = cp.Problem(cp.Minimize(cp.square(x * y - level)))
    with pytest.raises(ValueError, match=r"parameter level has no value: set its \.value"):
        solve_blockwise(problem)
    problem, _, _ = product()
    for options, sentence in (
        ({"n_starts": 0}, "n_starts must be an integer of at least 1"),
        ({"proximal": -1.0}, "proximal must be a finite nonnegative"),
        ({"max_iter": -1}, "max_iter must be an integer"),
        ({"tol": -1.0}, "tol must be a finite nonnegative"),
        ({"solver": "NOSUCH"}, "solver.*NOSUCH.*not installed"),
    ):
        with pytest.raises((ValueError, BlockFailure), match=re.compile(sentence, re.IGNORECASE)):
            solve_blockwise(problem, **options)
    twins = cp.Variable(name="x") * cp.Variable(name="x")
    with pytest.raises(ValueError, match="Several variables are called 'x'"):
        solve_blockwise(cp.Problem(cp.Minimize(cp.abs(twins))))
    with pytest.raises(TypeError, match=r"problem must be a cvxpy\.Problem, got str"):
        solve_blockwise("x * y")


def test_without_cvxpy_the_import_says_what_to_install():
    code = (
        "import sys; sys.modules['cvxpy'] = None\n"
        "import multiconvex\n"
        "try:\n    import multiconvex.programming\n"
        "except ModuleNotFoundError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install multiconvex[programs]" in done.stdout
