"""What the chapter on extrapolation claims."""

import numpy as np
import pytest

from multiconvex import ActiveSet, Extrapolation, LeastSquares, ProxGradient, alternate, cp, viz
from multiconvex.studies import extrapolation as study
from multiconvex.studies._counted_sweeps import _collinear_tensor
from multiconvex.studies.alternating_optimization import NEVER

draw = viz.extrapolation


@pytest.fixture(scope="module")
def reaction():
    return study.follow_reaction()


@pytest.fixture(scope="module", params=(10, 100, 1000, 10000))
def bowl(request):
    return study.race_on_bowl(request.param)


@pytest.fixture(scope="module")
def push():
    return study.push_weights()


@pytest.fixture(scope="module")
def rules():
    return {row.rule: row for row in study.compare_rules()}


@pytest.fixture(scope="module")
def speedups():
    return study.count_speedups()


@pytest.fixture(scope="module")
def scan():
    return study.turn_knobs()


@pytest.fixture(scope="module")
def swamps():
    return study.wade_swamps()


class TestQuestion:
    def test_the_plain_fit_waits_on_a_plateau(self, reaction):
        error = reaction.relative_error(reaction.plain)
        assert error[300] - error[1000] > 3e-4 > error[200] - error[300]
        np.testing.assert_allclose(
            error[-1] ** 2 / 2,
            reaction.plain.objective[-1] / np.sum(reaction.data.tensor**2),
            rtol=1e-9,
        )

    def test_the_extrapolated_fit_leaves_it_early(self, reaction):
        cost = study.cost_to(reaction.fast, reaction.plain.objective[300])
        assert cost.sweeps <= cost.work < 30
        assert reaction.plain.objective[0] == reaction.fast.objective[0]
        assert study.count_rises(reaction.plain.objective) == 0
        assert study.count_rises(reaction.fast.objective) == 0

    def test_costs_count_the_sweeps_that_were_undone(self, reaction):
        trace = reaction.fast
        last = study.cost_to(trace, trace.objective[-1])
        before = np.sum(trace.event[: last.sweeps + 1] == "restart")
        assert before > 0
        assert last.work == last.sweeps + before
        assert study.cost_to(trace, trace.objective[0]) == study.Cost(0, 0)
        assert study.cost_to(trace, 0.0) == study.Cost(None, None)

    def test_fits_stop_at_a_target(self):
        instance = study.draw_instance((12, 10), 2, 0)
        ends = instance.run(sweeps=20).trace.objective
        found = alternate(
            instance.problem, instance.start, ActiveSet(), callback=study.stop_at(ends[7])
        )
        assert (found.n_iter, found.status) == (7, "stopped")


class TestOneBlock:
    def test_guarantees_hold_and_the_restarted_method_descends(self, bowl):
        for name, bound in bowl.bounds().items():
            assert np.all(bowl.traces[name].objective[1:] <= bound)
        root = np.sqrt(bowl.condition)
        steps = np.arange(len(bowl.traces["constant"]))
        bound = 2.0 * (1.0 - 1.0 / root) ** steps * bowl.traces["constant"].objective[0]
        assert np.all(bowl.traces["constant"].objective <= bound)
        assert study.count_rises(bowl.traces["restarted"].objective) == 0

    def test_the_restarted_method_beats_growing_weights_without_knowing_anything(self, bowl):
        ends = {name: trace.objective[-1] for name, trace in bowl.traces.items()}
        assert ends["restarted"] < ends["Nesterov"]

    def test_growing_weights_ripple(self):
        assert study.count_rises(study.race_on_bowl(100).traces["Nesterov"].objective) > 20

    def test_growing_weights_are_those_of_the_textbook(self):
        problem = study.Bowl(np.geomspace(1.0, 1e-2, 7))
        seen = []
        alternate(
            problem,
            (np.ones(7),),
            ProxGradient(),
            acceleration=study.Nesterov(),
            stop=NEVER,
            max_iter=12,
            callback=lambda sweep: seen.append(sweep.blocks["x"]),
        )
        x = y = np.ones(7)
        for k, found in enumerate(seen, start=1):
            new = y - problem.curvatures * y
            y, x = new + (k - 1) / (k + 2) * (new - x), new
            np.testing.assert_allclose(found, x, rtol=1e-12, atol=1e-15)

    def test_on_one_block_a_held_weight_is_the_momentum_method(self):
        problem = study.Bowl(np.geomspace(1.0, 1e-2, 7))
        found = alternate(
            problem,
            (np.ones(7),),
            ProxGradient(),
            acceleration=study.Held(0.6),
            stop=NEVER,
            max_iter=15,
        )
        x = y = np.ones(7)
        for k in range(15):
            new = y - problem.curvatures * y
            y, x = new + (0.6 * (new - x) if k else 0.0), new
        np.testing.assert_allclose(found.blocks["x"], x, rtol=1e-12)


class TestTwoNumbers:
    @pytest.mark.parametrize("rho", [0.2, 0.5, 0.9, 0.99])
    @pytest.mark.parametrize("beta", [0.0, 0.1, 0.3, 0.5, 0.7, 1.0])
    def test_the_cubic_is_the_spectral_radius(self, rho, beta):
        roots = np.roots([1.0, -rho * (1.0 + beta), 0.0, rho * beta])
        factor = study.factor_per_sweep(study.pair(rho), beta)
        assert np.abs(roots).max() ** 2 == pytest.approx(factor, rel=1e-6)
        if abs(beta * (1 + 2 * beta) - rho**-2) > 1e-6:
            assert (factor < 1) == (beta * (1 + 2 * beta) < rho**-2)

    @pytest.mark.parametrize("rho", [0.2, 0.5, 0.9, 0.95, 0.99])
    def test_the_best_weight_is_the_best(self, rho):
        best = study.best_weight(rho)
        grid = np.linspace(0.0, 1.0, 2001)
        factors = np.array([study.factor_per_sweep(study.pair(rho), beta) for beta in grid])
        assert 0.0 < best < 0.5
        assert grid[factors.argmin()] == pytest.approx(best, abs=1e-3)
        assert study.best_factor(rho) <= factors.min() + 1e-12
        assert study.factor_per_sweep(study.pair(rho), best) == pytest.approx(
            study.best_factor(rho), rel=1e-5
        )
        assert study.factor_per_sweep(study.pair(rho), 0.0) == pytest.approx(rho**2)

    @pytest.mark.parametrize("rho", [0.5, 0.9, 0.99])
    def test_smaller_correlations_shrink_faster_at_the_best_weight(self, rho):
        best = study.best_weight(rho)
        smaller = [
            study.factor_per_sweep(study.pair(other), best) for other in np.linspace(0, rho, 40)
        ]
        assert np.all(np.diff(smaller) >= -1e-5)

    def test_the_square_root_law(self):
        for epsilon in (1e-3, 1e-5):
            factor = study.best_factor(np.sqrt(1.0 - 2.0 * epsilon))
            gain = (1.0 - factor) / np.sqrt(8.0 * epsilon / 3.0)
            assert gain == pytest.approx(1.0, abs=2.0 * np.sqrt(epsilon))

    @pytest.mark.parametrize("beta", [0.0, 0.1, 0.28, 0.35, 0.5, 0.6])
    def test_the_engine_runs_at_the_predicted_rate(self, beta):
        run = study.follow_pair(beta)
        assert run.predicted == study.factor_per_sweep(study.pair(0.95), beta)
        assert run.measured == pytest.approx(run.predicted, rel=0.02)

    def test_a_sweep_at_the_best_weight_does_the_work_of_four(self):
        assert np.log(study.best_factor(0.95)) / np.log(0.95**2) == pytest.approx(4.0, abs=0.1)
        assert study.follow_pair(0.55).predicted > 1 > study.follow_pair(0.5).predicted

    def test_limits_of_scales(self):
        assert study.largest_weight(2) == pytest.approx(0.5, abs=1e-5)
        assert study.largest_weight(3) == pytest.approx(np.sqrt(0.5), abs=1e-5)

    @pytest.mark.parametrize("seed", range(3))
    def test_blocks_of_several_numbers_decouple_into_pairs(self, seed):
        """Every two-block quadratic has the rate of its largest canonical correlation."""
        rng = np.random.default_rng(seed)
        root = rng.standard_normal((9, 7))
        hessian = root.T @ root
        one, other, cross = hessian[:3, :3], hessian[3:, 3:], hessian[:3, 3:]
        left, right = (np.linalg.cholesky(np.linalg.inv(block)) for block in (one, other))
        rho = np.linalg.svd(left.T @ cross @ right, compute_uv=False).max()
        beta, x, y = study.best_weight(rho), rng.standard_normal(3), rng.standard_normal(4)
        before, hat, sizes = (x, y), y, []
        for _ in range(400):
            x = -np.linalg.solve(one, cross @ hat)
            y = -np.linalg.solve(other, cross.T @ (x + beta * (x - before[0])))
            hat, before = y + beta * (y - before[1]), (x, y)
            sizes.append(np.linalg.norm(np.concatenate([x, y])))
        last = np.flatnonzero(np.array(sizes) > 1e-250)[-1]
        rate = (sizes[last] / sizes[last // 2]) ** (1.0 / (last - last // 2))
        assert rate == pytest.approx(study.best_factor(rho), rel=0.06)


class TestFactors:
    def test_one_plain_run_predicts_the_extrapolated_one(self):
        for row in study.predict_fits():
            assert 0.2 < row.weight < 0.4
            assert row.predicted == pytest.approx(
                study.factor_per_sweep(study.pair(row.plain**0.25), row.weight) ** 2, rel=1e-4
            )
            assert abs(row.measured - row.predicted) < 0.08
            assert row.measured < row.plain - 0.2

    def test_matrices_break_at_one_half_and_tensors_later(self, push):
        three = np.median(push.excess[3], axis=1)
        assert np.all(push.excess[2][push.weights < 0.5] < 1.01)
        assert np.all(push.excess[2][push.weights > 0.5] > 5)
        assert np.all(push.excess[3][push.weights < 0.6] < 1.01)
        assert np.all(three[push.weights > np.sqrt(0.5)] > 10)
        assert np.all(three[push.weights < np.sqrt(0.5)] < 2)

    def test_the_adaptive_weight_is_refused_about_one_half(self):
        assert study.measure_refusals() == pytest.approx(0.5, abs=0.03)

    def test_replayed_weights_are_those_of_the_engine(self):
        instance, rule = study.draw_instance((24, 20), 4, 5), Extrapolation(beta=0.8)
        state = rule.start(instance.problem, instance.start, (None, None))
        weights, events = [], []
        for _ in range(40):
            weights.append(state.momentum.weights.beta)
            state, event = rule.sweep(instance.problem, (ActiveSet(), ActiveSet()), state)
            events.append(event)
        assert "restart" in events
        np.testing.assert_array_equal(study.replay_weights(events, rule), weights)


class TestRestart:
    def test_only_two_rules_never_rise(self, rules):
        never, text, listing, block, redone = rules.values()
        assert never.rises > 200 and never.above == 12
        assert text.rises > 20 and text.rises_bold > 100
        assert listing.rises == 0 < listing.rises_bold
        assert block.rises == block.rises_bold == 0
        assert redone.rises == redone.rises_bold == 0

    def test_only_the_redone_sweep_never_ends_above_plain_alternation(self, rules):
        assert rules["the sweep is redone"].above_bold == 0
        assert rules["the sweep is redone"].above == 0
        assert min(row.above_bold for row in list(rules.values())[:4]) > 0

    def test_the_picture_shows_the_wrong_fallback_far_above(self):
        traces = study.follow_rules()
        ends = {name: trace.objective[-1] for name, trace in traces.items()}
        assert (
            ends["all fall back, once a sweep"]
            > 10 * ends["plain"]
            > 10 * ends["the sweep is redone"]
        )
        assert study.count_rises(traces["the sweep is redone"].objective) == 0
        assert study.count_rises(traces["no restart"].objective) > 10

    def test_the_printed_rule_step_by_step(self):
        """An independent transcription: extrapolate, check once a sweep, X := Y."""
        instance = study.draw_instance((24, 20), 4, [3, 17])
        problem, update = instance.problem, ActiveSet()
        x, y, beta = list(instance.start), list(instance.start), 0.9
        last = problem.objective(tuple(x))
        expected = [last]
        for _ in range(30):
            for k in range(2):
                old = y[k]
                y[k] = update(problem, tuple(x), k, None)[0]
                x[k] = np.maximum(y[k] + beta * (y[k] - old), 0.0)
            if problem.objective(tuple(x)) > last:
                x, beta = list(y), beta / 1.5
            else:
                beta = min(1.0, beta * 1.2)
            last = problem.objective(tuple(x))
            expected.append(last)
        found = instance.run(study.PrintedRestart(**study.BOLD), sweeps=30).trace.objective
        np.testing.assert_allclose(found, expected, rtol=1e-9)
        assert study.count_rises(found) > 0

    def test_taking_back_one_block_cannot_rise_and_taking_back_all_can(self):
        instance = study.draw_instance((12, 10, 8), 4, [1, 17])
        block, listed = (
            instance.run(rule(**study.BOLD), sweeps=60).trace
            for rule in (study.BlockRestart, study.ListedRestart)
        )
        assert study.count_rises(block.objective) == 0 < study.count_rises(listed.objective)
        assert "restart" in block.event

    def test_an_unchecked_weight_grows_to_one(self):
        instance, rule = study.draw_instance((12, 10), 3, 0), study.Unchecked(beta=0.5, gamma=1.05)
        state = rule.start(instance.problem, instance.start, (None, None))
        for _ in range(20):
            state, _ = rule.sweep(instance.problem, (ActiveSet(), ActiveSet()), state)
        assert state.momentum.weights.beta == 1.0


class TestGains:
    def test_three_models_gain_at_least_threefold_in_the_median(self, speedups):
        assert tuple(speedups.costs) == study.MODELS
        for model in study.MODELS:
            assert len(speedups.costs[model]) == 20
            assert speedups.missed(model) == 0
            assert speedups.median(model, "sweeps") > speedups.median(model, "work") > 3.0
            assert speedups.ratios(model, "work").min() > 2.0

    def test_no_reasonable_setting_loses_much(self, scan):
        assert scan.ratio[1:, :, 2:].min() > 1.5
        assert scan.ratio[0, :, 0].max() < 1.1
        default = scan.ratio[scan.beta.index(0.5), scan.eta.index(1.5), scan.gamma.index(1.05)]
        assert default > 0.85 * scan.ratio.max()
        severe, usual = (scan.ratio[3:, scan.eta.index(eta), 0] for eta in (5.0, 1.5))
        assert np.all(severe < usual)
        assert severe.mean() < 0.75 * usual.mean()

    def test_a_square_root_of_the_sweeps_remains(self, swamps):
        deep = swamps.plain > 80
        ratio = swamps.work[deep] / swamps.predicted(swamps.plain[deep])
        assert np.all((ratio > 0.7) & (ratio < 1.6))
        assert np.all(swamps.work[deep] < 0.5 * swamps.plain[deep])
        deepest = swamps.cosine == 0.9
        assert np.median(swamps.plain[deepest] / swamps.work[deepest]) > 7

    def test_easy_problems_lose(self, swamps):
        slower = swamps.work > swamps.plain
        assert slower.any() and swamps.cosine[slower].max() <= 0.3
        assert (swamps.work / swamps.plain).max() > 10
        assert swamps.work.argmax() == 3 == (swamps.work / swamps.plain).argmax()
        gain = study.factor_per_sweep(study.pair(0.2), study.best_weight(0.2))
        assert gain < 0.2**2 < study.factor_per_sweep(study.pair(0.2), 0.5)

    def test_the_worst_loss_is_a_plateau_that_the_plain_path_leaves(self):
        X = _collinear_tensor(12, 3, 0.1, 1e-2, np.random.default_rng([3, 47]))
        plain, fast = (
            cp(
                X, 3, acceleration=rule, init="random", tol=0, max_iter=300, random_state=3
            ).trace.objective
            for rule in (None, Extrapolation())
        )
        assert plain[20] < 1e-3 * plain[10] < 1e-3 * plain[2]
        assert np.ptp(fast[10:301]) < 1e-3 * fast[10]

    def test_the_digits_follow_from_the_rate(self):
        """If a plain sweep shrinks by 1 - 2 eps and the best by 1 - sqrt(8 eps / 3)."""
        digits, epsilon = 12.0, 1e-4
        found = study.Swamps(np.zeros(1), np.zeros(1), np.zeros(1), digits)
        plain = digits / (2.0 * epsilon)
        assert found.predicted(plain) == pytest.approx(digits / np.sqrt(8.0 * epsilon / 3.0))

    def test_starts_differ(self):
        count = study.compare_starts()
        assert count.earlier > count.starts / 2
        assert count.earlier < count.starts
        assert count.better > count.worse


class TestProblems:
    def test_numbers_have_the_gradient_of_their_loss(self):
        problem = study.CoupledNumbers([[1.0, 0.3, -0.2], [0.3, 1.0, 0.5], [-0.2, 0.5, 1.0]])
        x = tuple(np.array([[value]]) for value in (0.7, -1.1, 0.4))
        for k in range(3):
            shifted = [
                (*x[:k], x[k] + h, *x[k + 1 :]) for h in (1e-6, -1e-6)
            ]  # central differences
            slope = (problem.loss(shifted[0]) - problem.loss(shifted[1])) / 2e-6
            assert problem.gradient(x, k).item() == pytest.approx(slope, abs=1e-8)
            gram, rhs = problem.normal_equations(x, k)
            assert (x[k] @ gram - rhs).item() == pytest.approx(slope, abs=1e-8)
        solved = alternate(problem, x, LeastSquares(), stop=NEVER, max_iter=100)
        assert solved.objective < 1e-12 * problem.objective(x)


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, reaction, bowl, push, speedups, scan, swamps
    ):
        pictures = {
            "relative error of two fits along 1000 sweeps": draw.question(reaction),
            f"Condition number {bowl.condition:g}": draw.bowl(bowl),
            "The best weight is 0.281": draw.two_numbers(study.follow_pair(0.3)),
            "the limit in theory is 0.500": draw.threshold(push),
            "0 rises": draw.rules(study.follow_rules()),
            "on 20 data sets a model": draw.speedups(speedups),
            "First weight 0.5": draw.knobs(scan, 0.5),
            "cosine 0.9": draw.swamps(swamps),
        }
        for words, picture in pictures.items():
            assert words in picture.alt
            assert picture.strays() == ()
            assert len(picture.svg()) < 120_000
