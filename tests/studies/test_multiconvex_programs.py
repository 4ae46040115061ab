"""What the chapter on multi-convex programs claims."""

import cvxpy as cp
import numpy as np
import pytest

from multiconvex import (
    ActiveSet,
    BlockSolve,
    FactorProblem,
    NonNegative,
    Program,
    RelativeDecrease,
    alternate,
    fixed_sets,
    is_multiconvex,
    nmf,
    solve_blockwise,
    viz,
)
from multiconvex.studies import multiconvex_programs as study

WEIGHTS = [0, 0.01, 0.1, 1, 3, 10]


@pytest.fixture(scope="module")
def reactions():
    return study.load_reactions()


@pytest.fixture(scope="module")
def factors():
    return study.draw_matrix()


@pytest.fixture(scope="module")
def traces(factors):
    return study.race_solvers(factors, repeats=1)


@pytest.fixture(scope="module")
def corner():
    x, y = cp.Variable(name="x"), cp.Variable(name="y")
    return cp.Problem(cp.Minimize(cp.abs(x * y)), [x + y >= 1])


@pytest.fixture(scope="module")
def runs():
    x, y, z = (cp.Variable(name=name, bounds=[-2, 2]) for name in "xyz")
    hill = sum(cp.square(cp.pos(cp.abs(t) - 1)) for t in (x, y, z))
    cube = cp.Problem(cp.Minimize(hill - x * y - y * z - z * x))
    start = {"x": -1.5, "y": 1.25, "z": -1.125}
    return study.damp(cube, start, WEIGHTS, sweeps=14)


def minimise(expression, constraints=()):
    return cp.Problem(cp.Minimize(expression), list(constraints))


class TestReaction:
    def test_the_most_even_mixtures_come_first_and_the_products_are_in_order(self, reactions):
        assert len({reaction.sample for reaction in reactions}) == len(reactions) == 8
        for reaction in reactions:
            assert reaction.X.shape == (12, 60) and reaction.X.max() == 1
            fading, growing = reaction.courses[-1] / reaction.courses.max(axis=0)
            assert fading < 0.9 < growing

    def test_the_whole_record_peaks_where_the_first_product_is_said_to(self, reactions):
        reaction = reactions[0]
        peak = reaction.minutes[reaction.courses[:, 0].argmax()]
        assert 4 < peak < 6
        np.testing.assert_array_equal(reaction.late, reaction.minutes > 5)

    def test_a_fan_matches_products_and_measures_angles(self, reactions):
        reaction = reactions[0]
        swapped = reaction.in_order(3 * reaction.spectra[:, ::-1], reaction.courses[:, ::-1])
        fan = reaction.fan([(reaction.spectra, reaction.courses), swapped])
        np.testing.assert_allclose(fan.angles, 0, atol=1e-5)
        np.testing.assert_allclose(fan.courses[0], fan.courses[1])
        np.testing.assert_allclose(fan.spectra.max(axis=1), 1)

    def test_nonnegativity_fits_well_and_disagrees(self, reactions):
        fan = study.fit_without_knowledge(reactions[0])
        assert fan.misfit.max() < 0.01
        assert np.median(fan.angles[:, 2]) > 15
        assert np.ptp(fan.courses[:, :, 0], axis=0).max() > 0.1

    @pytest.mark.parametrize("known", study.KNOWLEDGE[1:])
    def test_courses_obey_what_was_written(self, reactions, known):
        reaction = reactions[0]
        courses = study.fit_with_knowledge(reaction, known, n_starts=1).courses[0]
        late = reaction.late
        if known != "the second grows":
            assert np.diff(courses[~late, 0]).min() > -1e-6
            assert np.diff(courses[late, 0]).max() < 1e-6
        if known != "the first rises, then fades":
            assert np.diff(courses[:, 1]).min() > -1e-6

    def test_only_both_lines_bring_all_factors_near_the_whole_record(self, reactions):
        rows = {row["known"]: row for row in study.compare_on_samples(reactions)}
        plain, first, second, both = (rows[known] for known in study.KNOWLEDGE)
        assert plain["course 1"] > 20 and first["course 1"] > 20
        assert second["spectrum 2"] > 30 and second["course 2"] > 12
        assert both["course 1"] < 5 and both["spectrum 1"] < 5
        assert max(both["course 2"], both["spectrum 2"]) < 8
        assert plain["residual (%)"] < both["residual (%)"] < 1.5 * plain["residual (%)"]

    def test_nothing_known_is_the_factorisation_itself(self, reactions):
        both = [
            study.fit_with_knowledge(reactions[0], "nothing"),
            study.fit_without_knowledge(reactions[0]),
        ]
        np.testing.assert_array_equal(both[0].angles, both[1].angles)


class TestGrammar:
    def test_expressions_are_as_convex_as_the_table_says(self):
        functions = {
            "square(x)": np.square,
            "exp(2 * x - 1)": lambda x: np.exp(2 * x - 1),
            "square(exp(x))": lambda x: np.exp(x) ** 2,
            "square(sqrt(x))": lambda x: np.sqrt(np.abs(x)) ** 2,
            "sqrt(1 + square(x))": lambda x: np.sqrt(1 + x**2),
            "norm(hstack([1, x]))": lambda x: np.hypot(1, x),
            "log(1 + exp(x))": lambda x: np.log1p(np.exp(x)),
            "logistic(x)": lambda x: np.log1p(np.exp(x)),
        }
        rows = {row["expression"]: row for row in study.read_expressions()}
        assert set(rows) == {*functions, "x * y"}
        grid = np.linspace(0, 3, 61)
        for text, function in functions.items():
            assert rows[text]["in truth"] == "convex"
            assert np.diff(function(grid), 2).min() > -1e-12
        assert rows["x * y"]["in truth"] == "neither"
        hessian = np.linalg.eigvalsh([[0.0, 1.0], [1.0, 0.0]])
        assert hessian[0] < 0 < hessian[1]

    def test_the_rules_are_sufficient_but_not_necessary(self):
        rows = study.read_expressions()
        unseen = {row["expression"] for row in rows if row["by the rules"] == "unknown"}
        assert unseen == {"square(sqrt(x))", "sqrt(1 + square(x))", "log(1 + exp(x))", "x * y"}
        assert all(row["by the rules"] in ("convex", "unknown") for row in rows)

    def test_programs_are_answered_with_sets_or_sentences(self):
        answers = {row["minimise"]: row["fix"] for row in study.read_programs()}
        assert answers["square(x - y)"] == "nothing"
        assert answers["abs(x * y)"] == "{x} or {y}"
        assert answers["square(x) * u, with u nonnegative"] == "{x} or {u}"
        refusals = {
            "square(x) * y": "sign is not known",
            "x * x + abs(x * y)": "multiplied with itself",
            "x / y": "denominator",
            "abs(x * y) + sqrt(u)": "concave in u",
            "abs(x * n), with n an integer": "integer",
        }
        for text, words in refusals.items():
            assert words in answers[text]
        assert len(answers) == 3 + len(refusals)

    def test_one_set_for_convex_programs_and_two_for_biconvex_ones(self):
        x, y, z = (cp.Variable(name=name) for name in "xyz")
        assert fixed_sets(minimise(cp.square(x - y))) == ((),)
        assert len(fixed_sets(minimise(cp.abs(x * y)))) == 2
        assert len(fixed_sets(minimise(cp.abs(x * y * z)))) == 3
        assert [len(fixed) for fixed in fixed_sets(minimise(x * y + y * z))] == [2, 1]

    def test_gains_on_the_data_are_convex_and_on_the_model_biconvex(self, reactions):
        reaction = reactions[0]
        g = cp.Variable(12, nonneg=True, name="g")
        H = cp.Variable((60, 2), nonneg=True, name="H")
        bent = cp.sum_squares(reaction.X - cp.diag(g) @ reaction.spectra @ H.T)
        straight = cp.sum_squares(cp.diag(g) @ reaction.X - reaction.spectra @ H.T)
        assert len(fixed_sets(minimise(bent, [cp.sum(g) == 12]))) == 2
        assert fixed_sets(minimise(straight, [cp.sum(g) == 12])) == ((),)

    @pytest.mark.parametrize(
        ("fixed", "verdict"),
        [("", "unknown"), ("W", "unknown"), ("Ws", "convex"), ("WH", "convex"), ("sH", "convex")],
    )
    def test_the_root_of_the_tree_is_convex_with_two_factors_fixed(self, fixed, verdict):
        factors = {
            "W": cp.Variable((4, 2), nonneg=True, name="W"),
            "s": cp.Variable(2, nonneg=True, name="s"),
            "H": cp.Variable((3, 2), nonneg=True, name="H"),
        }
        X = cp.Constant(np.ones((4, 3)), name="X")
        product = factors["W"] @ cp.diag(factors["s"]) @ factors["H"].T
        nodes = study.grow_tree(cp.sum_squares(X - product), [factors[name] for name in fixed])
        assert nodes[0].verdict == verdict and nodes[0].parent is None
        leaves = {node.text: node.verdict for node in nodes if node.text in ("W", "s", "H", "X")}
        free = {name: "affine" for name in factors if name not in fixed}
        assert leaves == {"X": "fixed"} | dict.fromkeys(fixed, "fixed") | free
        for node in nodes[1:]:
            assert node.depth == nodes[node.parent].depth + 1

    def test_failures_are_answered(self):
        answers = {row["mistake"]: row["answer"] for row in study.collect_failures()}
        expected = ("infeasible", "unbounded", "has no value", "NaN", "x is multiplied with y")
        for answer, words in zip(answers.values(), expected):
            assert words in answer
        assert len(answers) == 6 and "missing: y" in answers["a block for x only"]


class TestEngine:
    def test_the_language_and_the_engine_make_the_same_trace(self, factors):
        W, H = (cp.Variable((30, 5), nonneg=True, name=name) for name in "WH")
        written = minimise(0.5 * cp.sum_squares(factors.X - W @ H.T))
        W.value, H.value = factors.start
        by_name = solve_blockwise(written, max_iter=10, tol=0)
        by_engine = alternate(
            Program(written), factors.start, BlockSolve(), stop=RelativeDecrease(0), max_iter=10
        )
        np.testing.assert_array_equal(by_name.trace.objective, by_engine.trace.objective)
        exact = alternate(
            FactorProblem(factors.X, 5, (NonNegative(), NonNegative())),
            factors.start, ActiveSet(), stop=RelativeDecrease(0), max_iter=10,
        )  # fmt: skip
        np.testing.assert_allclose(by_name.trace.objective, exact.trace.objective, rtol=1e-5)

    def test_the_program_ends_where_nmf_does(self, factors):
        W, H = (cp.Variable((30, 5), nonneg=True, name=name) for name in "WH")
        W.value, H.value = factors.start
        program = minimise(0.5 * cp.sum_squares(factors.X - W @ H.T))
        ours = nmf(factors.X, 5, init=factors.start, tol=1e-8, max_iter=2000)
        assert solve_blockwise(program, max_iter=500).objective == pytest.approx(
            ours.objective, rel=1e-4
        )

    def test_three_routes_and_one_path(self, traces):
        exact = traces["active sets"].objective
        for trace in traces.values():
            np.testing.assert_allclose(trace.objective, exact, rtol=1e-4)
            assert (np.diff(trace.objective) <= 1e-6 * trace.objective[:-1]).all()
            assert (np.diff(trace.seconds) > 0).all()

    def test_amounts_add_up_and_are_not_determined(self, reactions):
        X = reactions[0].X
        W = cp.Variable((12, 2), nonneg=True, name="W")
        H = cp.Variable((60, 2), nonneg=True, name="H")
        s = cp.Variable(2, nonneg=True, name="s")
        sized = [cp.sum(W, axis=0) == 1, cp.sum(H, axis=0) == 1]
        program = minimise(cp.sum_squares(X - W @ cp.diag(s) @ H.T), sized)
        totals, shares = [], []
        for seed in range(3):
            W.value = H.value = s.value = None
            result = solve_blockwise(program, max_iter=40, tol=0, random_state=seed)
            totals.append(s.value.sum())
            shares.append(s.value.max() / s.value.sum())
        plain = nmf(X, 2, init="random", random_state=0, tol=1e-8, max_iter=5000)
        assert result.objective == pytest.approx(2 * plain.objective, rel=1e-4)
        assert np.ptp(totals) < 1e-4 * totals[0] and np.ptp(shares) > 0.1

    def test_a_sum_of_magnitudes_ignores_corrupted_readings(self, reactions):
        X = reactions[0].X
        broken = X.copy()
        broken.flat[np.random.default_rng(0).choice(X.size, 20, replace=False)] = 1.0
        errors = []
        for loss in (cp.sum_squares, cp.norm1):
            W = cp.Variable((12, 2), nonneg=True, name="W")
            H = cp.Variable((60, 2), nonneg=True, name="H")
            program = minimise(loss(cp.vec(broken - W @ H.T, order="F")))
            solve_blockwise(program, max_iter=20, tol=0, random_state=0)
            errors.append(np.linalg.norm(X - W.value @ H.value.T))
        assert errors[1] < 0.5 * errors[0]


class TestProximal:
    def test_exact_alternation_lingers_and_a_proximal_term_does_not(self, runs):
        exact = runs.objectives[0]
        assert exact[3] == pytest.approx(1, abs=0.05)
        sweeps = runs.sweeps_to(-8.99)
        assert all(sweeps[weight] < sweeps[0] for weight in (0.01, 0.1, 1))
        assert sweeps[10] > sweeps[3] > sweeps[1]

    def test_no_run_increases_and_all_end_at_the_corner(self, runs):
        for values in runs.objectives.values():
            assert (np.diff(values) <= 1e-7).all()
            assert values[-1] == pytest.approx(-9, abs=1e-5)


class TestStuck:
    @pytest.mark.parametrize("second", [-1, -0.5, 0, 0.2, 0.5, 0.8, 1, 1.2, 2])
    def test_where_it_stops_is_decided_by_the_second_number(self, corner, second):
        path = study.walk(corner, (2, second))
        expected = second * (1 - second) if 0 < second < 1 else 0
        assert path.objective == pytest.approx(expected, abs=1e-6)
        np.testing.assert_array_equal(path.points[0], [2, second])
        for before, after in zip(path.points, path.points[1:]):
            assert np.sum(before != after) <= 1

    def test_a_proximal_term_cannot_leave_the_segment(self, corner):
        x, y = corner.variables()
        x.value, y.value = 0.5, 0.5
        assert solve_blockwise(corner, proximal=1.0).objective == pytest.approx(0.25, abs=1e-6)

    def test_starts_escape_now_and_then(self, corner):
        for variable in corner.variables():
            variable.value = None
        starts = solve_blockwise(corner, n_starts=30, random_state=0).starts
        assert 0 < np.sum(starts < 1e-6) < 30
        assert 0.1 < starts.max() <= 0.25 + 1e-6
        assert is_multiconvex(corner)

    def test_a_smooth_penalty_has_one_trap_left(self):
        x, y = cp.Variable(name="x"), cp.Variable(name="y")
        soft = minimise(cp.abs(x * y) + 10 * cp.square(cp.pos(1 - x - y)))
        for second, stays in ((0.2, False), (0.5, False), (0.8, False), (20 / 41, True)):
            x.value, y.value = 2.0, second
            assert (solve_blockwise(soft).objective > 0.2) == stays
        y = 0.4
        grid = np.linspace(0, 1, 100_001)
        best = grid[(y * grid + 10 * np.maximum(1 - grid - y, 0) ** 2).argmin()]
        assert best == pytest.approx(1 - 1.05 * y, abs=1e-4)


class TestPictures:
    def test_every_figure_states_its_numbers_and_follows_the_theme(
        self, reactions, traces, runs, corner
    ):
        figures = viz.multiconvex_programs
        x, y = corner.variables()
        fan = study.fit_without_knowledge(reactions[0])
        pictures = [
            figures.reaction(reactions[0], fan, "nothing"),
            figures.tree(study.grow_tree(cp.abs(x * y), [x]), "x"),
            figures.clocks(traces),
            figures.damping(runs, 1),
            figures.stuck(study.walk(corner, (2, 0.5))),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 100_000
        words = ("courses 22 and", "abs convex", "after sweep 25", "after 3 sweeps", "is 0.25")
        for picture, word in zip(pictures, words):
            assert word in picture.alt
