"""What the chapter on hidden strategies claims."""

from itertools import pairwise, product

import numpy as np
import pytest
from scipy.optimize import minimize

from multiconvex import InputOutputHMM, datasets, transition_matrix, viz
from multiconvex.chain_kernels import forward_backward, sequence_bounds
from multiconvex.studies import hidden_strategies as study

DRAW = viz.hidden_strategies


@pytest.fixture(scope="module")
def recoveries():
    return study.repeat_recoveries()


@pytest.fixture(scope="module")
def counted():
    return study.count_true_labels(datasets.make_io_hmm(2, random_state=0).transition)


@pytest.fixture(scope="module")
def weighted():
    sequence = datasets.make_io_hmm(1000, random_state=0)
    return {w: study.recover(sequence, weight=w) for w in (0, 0.1, 1, 10, 100)}


@pytest.fixture(scope="module")
def small():
    """Twelve simulated sessions, for what must hold whatever the animal."""
    return datasets.make_decisions(12, 60, random_state=0)


@pytest.fixture(scope="module")
def small_held(small):
    return study.hold_out(small, study.split_sessions(small)["every other session"], (1, 3))


@pytest.fixture(scope="module")
def mouse():
    data = datasets.load_or_simulate("ibl_mouse")
    if data.origin != "fetched":
        pytest.skip("the sessions of the real mouse are not on this machine: set MULTICONVEX_DATA")
    return data


@pytest.fixture(scope="module")
def held(mouse):
    splits = study.split_sessions(mouse)
    return {name: study.hold_out(mouse, fitted) for name, fitted in splits.items()}


@pytest.fixture(scope="module")
def found(mouse, held):
    left = ~study.split_sessions(mouse)["every other session"]
    models = held["every other session"].models
    return {key: study.describe_states(mouse, model, left) for key, model in models.items()}


class TestKnownRules:
    def test_settings_are_those_of_the_source(self):
        sequence = datasets.make_io_hmm(500, random_state=0)
        np.testing.assert_array_equal(sequence.parameters, [[-2, 0], [2, 6], [3, -5]])
        np.testing.assert_array_equal(
            sequence.transition, [[0.9, 0.05, 0.05], [0.01, 0.98, 0.01], [0.03, 0.02, 0.95]]
        )
        assert np.abs(sequence.X[:, 0]).max() <= 5 and np.all(sequence.X[:, 1] == 1)
        for (A, b), theta in zip(study.sign_constraints(), sequence.parameters):
            assert np.all(A @ theta <= b)

    def test_nineteen_labels_of_twenty_are_right(self, recoveries):
        for m, least in ((500, 0.93), (1000, 0.95)):
            accuracy = [fit.accuracy for fit in recoveries[m, "labels"]]
            assert len(accuracy) == 10 and np.median(accuracy) >= 0.95 and min(accuracy) >= least

    def test_likelihood_is_a_little_better(self, recoveries):
        for m in (500, 1000):
            accuracy, nats = (
                [
                    np.median([getattr(fit, name) for fit in recoveries[m, kind]])
                    for kind in study.METHODS
                ]
                for name in ("accuracy", "nats")
            )
            assert accuracy[1] > accuracy[0] and nats[1] < nats[0] + 1e-3

    def test_estimates_obey_the_signs(self, recoveries):
        for fits in recoveries.values():
            for fit in fits:
                assert np.sum(fit.parameters[:, 0] <= 1e-9) >= 1
                assert np.sum(fit.parameters[:, 0] >= -1e-9) >= 2

    def test_knowing_the_labels_is_not_enough_for_the_matrix(self, recoveries):
        """Within 0.02 entrywise at 1000 trials: neither by the fit nor by counting the truth."""
        fitted = [fit.error for fit in recoveries[1000, "labels"]]
        truth = [
            np.abs(transition_matrix(fit.sequence.labels, 3) - fit.sequence.transition).max()
            for fit in recoveries[1000, "labels"]
        ]
        assert np.median(truth) > 0.02 and np.median(fitted) > 0.02
        assert abs(np.median(truth) - np.median(fitted)) < 0.005
        assert sum(error <= 0.02 for error in fitted) <= 3

    def test_the_table_has_the_truth_as_a_row(self, recoveries):
        rows = study.summarise_recoveries(recoveries)
        assert [row["fit"] for row in rows] == [*study.METHODS, "true labels"] * 2
        row = rows[4]
        errors = [fit.error for fit in recoveries[1000, "labels"]]
        assert row["trials"] == 1000 and row["fit"] == "labels"
        assert row["error of P"] == f"{np.median(errors):.3f}"
        assert row["worst error"] == f"{max(errors):.3f}"

    def test_products_of_labels_shorten_states(self, recoveries):
        stays = study.mean_stays(recoveries, 1000)
        assert stays["products"] < stays["labels"] - 0.01 < stays["true labels"]
        assert stays["truth"] == pytest.approx((0.9 + 0.98 + 0.95) / 3)
        fewer = study.mean_stays(recoveries, 500)
        bias = [each["products"] - each["true labels"] for each in (fewer, stays)]
        assert max(bias) < -0.02 and abs(bias[1] - bias[0]) < 0.01, "no number of trials repairs it"
        for fit in recoveries[1000, "labels"]:
            assert np.diag(fit.soft_transition).mean() < np.diag(fit.transition).mean()

    def test_products_count_like_labels_where_these_are_sure(self):
        labels = np.array([0, 0, 1, 2, 2, 0, 1])
        np.testing.assert_allclose(
            study.count_softly(np.eye(3)[labels]), transition_matrix(labels, 3)
        )

    def test_names_switch(self, recoveries):
        raw = [fit.raw_accuracy for fit in recoveries[1000, "labels"]]
        assert 3 <= sum(value < 0.5 for value in raw) <= 9
        assert all(fit.accuracy > 0.9 for fit in recoveries[1000, "labels"])

    def test_accuracy_is_best_near_weight_one(self, weighted):
        accuracy = {weight: fit.accuracy for weight, fit in weighted.items()}
        assert max(accuracy, key=accuracy.get) == 1
        assert accuracy[0] < 0.7 and accuracy[100] < 0.7
        assert np.bincount(weighted[0].labels, minlength=3).min() == 0

    def test_a_single_path_gets_stuck_where_likelihood_does_not(self):
        unlucky = datasets.make_io_hmm(500, random_state=2)
        stuck, lucky = (
            study.recover(unlucky, "Viterbi", n_starts=10, random_state=seed) for seed in (2, 0)
        )
        free = study.recover(unlucky, "EM", n_starts=10, random_state=2)
        assert stuck.accuracy < 0.8 < 0.95 < min(lucky.accuracy, free.accuracy)
        assert stuck.objective > lucky.objective + 50
        assert lucky.best_starts < 0.2 and free.best_starts == 1

    def test_viterbi_starts_agree_least(self, recoveries):
        share = {
            kind: np.mean([f.best_starts for m in (500, 1000) for f in recoveries[m, kind]])
            for kind in study.METHODS
        }
        assert share["Viterbi"] < 0.85 < min(share["labels"], share["EM"])


class TestCounting:
    def test_errors_shrink_like_one_over_the_root(self, counted):
        ratio = counted.median[2] / counted.median[6]
        assert counted.sizes[6] == 16 * counted.sizes[2] and 3 < ratio < 5.5

    def test_most_chains_of_a_thousand_miss_two_hundredths(self, counted):
        within = dict(zip(counted.sizes, counted.within))
        assert 0.2 < within[1000] < 0.5 and within[4000] < 0.95 <= within[8000]

    def test_the_spread_is_binomial(self, counted):
        """One entry alone: the standard error of the leaving probability of the first state."""
        errors = []
        for seed in range(100):
            labels = datasets.make_io_hmm(1000, random_state=seed).labels
            visits = np.sum(labels[:-1] == 0)
            errors.append((transition_matrix(labels, 3)[0, 0] - 0.9) * np.sqrt(visits / 0.09))
        assert 0.8 < np.std(errors) < 1.25

    def test_the_printed_matrix_is_within_the_tolerance(self):
        printed = [[0.92, 0.044, 0.036], [0.003, 0.978, 0.019], [0.03, 0.03, 0.94]]
        truth = datasets.make_io_hmm(2, random_state=0).transition
        assert np.abs(printed - truth).max() <= 0.02 + 1e-12


class TestExpectation:
    def test_the_trace_is_the_likelihood_and_never_rises(self):
        sequence = datasets.make_io_hmm(400, random_state=1)
        run = study.run_expectation(sequence, random_state=3)
        assert len(run.likelihoods) == run.result.n_iter > 5
        assert run.gap < 1e-9 and np.diff(run.result.trace.objective).max() <= 1e-9

    def test_path_likelihood_sums_over_all_paths(self):
        rng = np.random.default_rng(0)
        losses, P, start = (
            rng.random((6, 3)),
            rng.dirichlet(np.ones(3), 3),
            rng.dirichlet(np.ones(3)),
        )
        total = 0.0
        for path in product(range(3), repeat=6):
            chance = start[path[0]] * np.exp(-losses[range(6), path].sum())
            for i, j in pairwise(path):
                chance *= P[i, j]
            total += chance
        value = study.path_likelihood(losses, P, start)
        assert value == pytest.approx(-np.log(total), rel=1e-12)
        kernel = forward_backward(losses, P, start, sequence_bounds((), 6))[0]
        assert value == pytest.approx(-kernel, rel=1e-12)

    def test_free_energy_is_above_the_likelihood_for_other_paths(self):
        """Over all distributions of four trials and two states, the least is the likelihood."""
        rng = np.random.default_rng(1)
        losses, P, start = rng.random((4, 2)), rng.dirichlet(np.ones(2), 2), np.full(2, 0.5)
        paths = np.array(list(product(range(2), repeat=4)))
        joint = np.log(start[paths[:, 0]]) - losses[np.arange(4), paths].sum(axis=1)
        joint += np.log(P[paths[:, :-1], paths[:, 1:]]).sum(axis=1)

        def energy(u):
            log_q = u - np.logaddexp.reduce(u)
            return float(np.exp(log_q) @ (log_q - joint))

        least = minimize(energy, np.zeros(len(paths)), tol=1e-12).fun
        assert least == pytest.approx(study.path_likelihood(losses, P, start), abs=1e-8)

    def test_a_norm_above_the_slope_at_zero_returns_zero(self):
        sequence = datasets.make_io_hmm(200, random_state=0)
        edge = np.linalg.norm((0.5 - sequence.y) @ sequence.X)
        for factor, vanishes in ((1.01, True), (0.9, False)):
            model = InputOutputHMM(1, norm=factor * edge, ridge=0.0, fit_intercept=False)
            model.fit(sequence.X, sequence.y)
            assert (np.abs(model.coef_).max() < 1e-6) == vanishes


class TestAnyAnimal:
    def test_curves_and_accuracy_are_those_of_the_trials(self, small):
        view = study.describe_sessions(small)
        one = small.take_session(small.sessions[3])
        answered = one.contrast != 0
        good = (one.choice[answered] == 1) == (one.contrast[answered] > 0)
        assert view.accuracy[3] == pytest.approx(good.mean())
        assert view.rightward[3] == pytest.approx(one.choice.mean())
        top = one.choice[one.contrast == view.levels[-1]]
        assert view.session_curves[3, -1] == pytest.approx(top.mean())
        assert view.accuracy[view.best] == view.accuracy.max()

    def test_splits_are_whole_sessions(self, small):
        for fitted in study.split_sessions(small).values():
            for piece in np.split(fitted, small.breaks):
                assert piece.all() or not piece.any()
        mixed = study.split_sessions(small)["every other session"]
        assert mixed[:60].all() and not mixed[60:120].any() and mixed.mean() == 0.5

    def test_one_state_is_logistic_regression(self, small, small_held):
        model = small_held.models["EM", 1]
        fitted = study.split_sessions(small)["every other session"]
        X, y = small.design[fitted], small.choice[fitted]

        def cost(theta):
            return np.logaddexp(0, X @ theta).sum() - y @ X @ theta + 0.05 * theta @ theta

        theta = minimize(cost, np.zeros(4), tol=1e-10).x
        np.testing.assert_allclose([*model.coef_[0], *model.intercept_], theta, atol=1e-4)
        scores = [small_held.nats(method)[0] for method in ("labels", "EM")]
        assert scores[0] == pytest.approx(scores[1], abs=1e-4)

    def test_sessions_left_out_average_to_the_score(self, small, small_held):
        left = ~study.split_sessions(small)["every other session"]
        breaks = tuple(range(60, left.sum(), 60))
        X, y = small.design[left, :3], small.choice[left]
        score = small_held.models["EM", 3].score(X, y, breaks)
        assert small_held.nats("EM")[1] == pytest.approx(-score)
        gain, error = small_held.gain(1, 3)
        assert gain == pytest.approx(small_held.nats("EM")[0] + score) and error > 0
        rate = small.choice[~left].mean()
        expected = -np.mean(np.log(np.where(y == 1, rate, 1 - rate)))
        assert small_held.bias == pytest.approx(expected)

    def test_states_are_in_order_and_keep_their_names(self, small, small_held):
        model = small_held.models["EM", 3]
        found = study.describe_states(small, model, np.ones(len(small.choice), bool))
        assert found.weights[0, 0] == model.coef_.max()
        assert found.weights[1, 3] <= found.weights[2, 3]
        decoded = model.predict(small.design[:, :3], small.choice, small.breaks)
        np.testing.assert_array_equal(found.labels == 0, decoded == model.coef_[:, 0].argmax())
        np.testing.assert_allclose(found.shares.sum(axis=1), 1)
        k = int(np.flatnonzero(model.coef_[:, 0] == found.weights[1, 0])[0])
        assert found.dwell[1] == pytest.approx(1 / (1 - model.transition_[k, k]))
        assert [row["state"] for row in found.rows()] == list(found.names)

    def test_the_leak_gives_the_first_answer_away(self, small):
        told = study.leak_answers(small)
        first = np.array([0, *small.breaks])
        np.testing.assert_array_equal(told.previous_choice[first] > 0, small.choice[first] == 1)
        assert not small.previous_choice[first].any()
        later = np.setdiff1d(np.arange(len(small.choice)), first)
        np.testing.assert_array_equal(told.design[later], small.design[later])

    def test_one_row_for_each_weight(self, small):
        fitted = study.split_sessions(small)["every other session"]
        rows = study.weigh_labels(small, fitted, weights=(1.0, 10.0))
        assert [row["weight"] for row in rows] == [1.0, 10.0]
        assert rows[0]["looking lasts (trials)"] < rows[1]["looking lasts (trials)"]


class TestMouse:
    def test_poor_sessions_are_those_with_a_side(self, mouse):
        view = study.describe_sessions(mouse)
        side = np.abs(view.rightward - 0.5)
        assert np.corrcoef(side, view.accuracy)[0, 1] < -0.5
        assert (view.best, view.leftmost, view.rightmost) == (33, 44, 53)
        assert view.accuracy[-16:].mean() < view.accuracy[:40].mean() - 0.08

    def test_three_states_are_enough(self, held):
        mixed = held["every other session"]
        nats = mixed.nats("EM")
        assert mixed.bias > 0.69 > nats[0] > nats[1] > nats[2] and nats[2] < 0.4
        for one in (1, 2):
            gain, error = mixed.gain(one, 3)
            assert gain > 2.5 * error
        assert mixed.gain(3, 4)[0] < 0
        assert mixed.nats("labels").argmin() == 2

    def test_late_sessions_are_not_foreseen_by_three_states(self, held):
        late = held["the first 40 sessions"]
        gain, error = late.gain(3, 4)
        assert gain > 0.04 and gain > 3 * error
        assert late.nats("EM")[0] > held["every other session"].nats("EM")[0] + 0.1

    def test_labels_promise_more_than_they_keep(self, held):
        mixed = held["every other session"]
        assert mixed.nats("labels")[2] - mixed.claimed("labels", 3) > 0.08
        assert abs(mixed.nats("EM")[2] - mixed.claimed("EM", 3)) < 0.02
        assert mixed.claimed("labels", 4) < mixed.claimed("labels", 3)
        assert mixed.nats("labels")[3] > mixed.nats("labels")[2]

    def test_one_state_looks_and_two_prefer_a_side(self, found):
        three = found["EM", 3]
        assert three.names == ("looks", "prefers left", "prefers right")
        assert three.weights[0, 0] > 4 * three.weights[1:, 0].max()
        assert abs(three.weights[0, 3]) < 0.2 < 1.5 < np.abs(three.weights[1:, 3]).min()
        assert np.all(three.dwell > 10)

    def test_the_habit_of_two_states_vanishes_with_three(self, found):
        assert found["EM", 2].weights[1, 1] > 1.5 and abs(found["EM", 2].weights[1, 3]) < 0.2
        assert np.abs(found["EM", 3].weights[1:, 1]).max() < 0.5

    def test_states_of_labels_are_shorter(self, found):
        assert found["labels", 3].dwell[0] < 0.5 * found["EM", 3].dwell[0]

    def test_a_heavier_penalty_brings_labels_level(self, mouse, held):
        fitted = study.split_sessions(mouse)["every other session"]
        nats = [row["nats left out"] for row in study.weigh_labels(mouse, fitted)]
        assert np.argmin(nats) == 2
        assert abs(nats[2] - held["every other session"].nats("EM")[2]) < 0.002

    def test_the_leak_helps_first_trials(self, mouse):
        fitted = study.split_sessions(mouse)["every other session"]
        starts = np.array([0, *mouse.breaks])
        first, scores = starts[~fitted[starts]], []
        for told in (mouse, study.leak_answers(mouse)):
            model = InputOutputHMM(1, ridge=0.1).fit(told.design[fitted, :3], told.choice[fitted])
            scores.append(model.log_likelihood(told.design[first, :3], told.choice[first]).mean())
        assert scores[1] > scores[0] + 0.05


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, recoveries, counted, small, small_held
    ):
        fits = {name: recoveries[500, name][0] for name in ("labels", "EM")}
        everything = np.ones(len(small.choice), bool)
        found = {
            name: study.describe_states(small, small_held.models[name, 3], everything)
            for name in ("EM", "labels")
        }
        pictures = [
            DRAW.sessions(study.describe_sessions(small)),
            DRAW.strips(fits),
            DRAW.decision_curves(fits),
            DRAW.weighted_strip(fits["labels"]),
            DRAW.counting(counted, recoveries),
            DRAW.held_out({"some": small_held, "others": small_held}),
            DRAW.states(found["EM"]),
            DRAW.session_strips(small, {"EM": found["EM"]}, 2, 4),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 100_000

    def test_descriptions_state_the_numbers(self, counted, recoveries, small_held):
        assert (
            "True weights: (-2, 0), (2, 6), (3, -5)"
            in DRAW.decision_curves(
                {name: recoveries[500, name][0] for name in ("labels", "EM")}
            ).alt
        )
        assert "8000 trials" in DRAW.counting(counted, recoveries).alt
        assert f"{small_held.bias:.3f}" in DRAW.held_out({"a": small_held, "b": small_held}).alt
