"""What the chapter on unrolled multiplicative updates claims."""

import numpy as np
import pytest

from multiconvex import datasets, viz
from multiconvex.datasets import DataUnavailable
from multiconvex.studies import unrolled_updates as study


@pytest.fixture(scope="module")
def training():
    return study.train_layers()


@pytest.fixture(scope="module")
def progress(training):
    return study.follow_errors(training)


@pytest.fixture(scope="module")
def path(training):
    return study.follow_spectra(training)


@pytest.fixture(scope="module")
def records(training):
    return study.compare_supervision(training)


@pytest.fixture(scope="module")
def transfer(training):
    return {row.scenes: row for row in study.measure_transfer(training)}


@pytest.fixture(scope="module")
def regressions():
    rows = study.compare_regressions(study.make_regression_toy())
    return {row.method: row for row in rows}


@pytest.fixture(scope="module", params=("samson", "moffett"))
def half(request):
    try:
        getattr(datasets, f"load_{request.param}")()
    except DataUnavailable as reason:
        pytest.skip(f"the scene is not here: {reason}")
    return request.param, {row.method: row for row in study.unmix_half(request.param).rows}


class TestWeights:
    def test_the_derived_cost_never_rises_and_the_printed_one_always(self):
        costs = study.compare_costs()
        assert len(costs.derived) == 200
        assert costs.rises == (0, 200)

    def test_one_weight_scales_the_answer(self):
        for row in study.follow_tied_weights():
            assert row.amount == pytest.approx(row.weight, abs=1e-6)
            assert row.residual == pytest.approx(abs(1 - row.weight), abs=1e-5)

    def test_the_gradient_agrees_with_differences(self):
        assert study.check_gradient() < 1e-7


class TestToy:
    def test_the_draws_are_what_they_are_said_to_be(self):
        toy = study.make_regression_toy(n_columns=2000)
        means = [H.mean(axis=0) for _, _, H in (toy.training, toy.fresh, toy.moved)]
        assert np.abs(means[0] - means[1]).max() < 0.2 < np.abs(means[0] - means[2]).max()
        X, W, H = toy.moved
        assert W is toy.training[1] and np.abs(X - W @ H.T).std() < 0.1

    def test_trained_layers_beat_plain_steps_on_their_own_kind_only(self, regressions):
        trained, plain = regressions["trained layers"], regressions["multiplicative, 20 steps"]
        assert trained.fresh < plain.fresh / 100
        assert trained.moved > 2 * plain.moved

    def test_all_that_was_learned_is_the_mean(self, regressions):
        mean = regressions["multiplicative, 20 steps from the training mean"]
        trained = regressions["trained layers"]
        assert trained.fresh == pytest.approx(mean.fresh, rel=0.05)
        assert trained.moved == pytest.approx(mean.moved, rel=0.05)

    def test_the_last_layer_alone_is_as_good_and_tied_weights_are_worse(self, regressions):
        last = regressions["trained layers, last layer supervised"]
        assert last.fresh == pytest.approx(regressions["trained layers"].fresh, rel=0.05)
        assert regressions["trained layers, tied"].fresh > 1.3 * last.fresh

    def test_the_exact_regression_beats_all(self, regressions):
        *others, exact = regressions.values()
        assert exact.moved < 0.1 * min(row.moved for row in others)
        assert exact.fresh < 0.1 * min(row.fresh for row in others)


class TestScenes:
    def test_scenes_are_mixtures_of_varied_spectra(self):
        family = study.make_family()
        scenes = study.make_scenes(family, 3, snr=60.0, variation=0.0, side=4)
        for X, W, H in scenes:
            np.testing.assert_array_equal(W, family)
            np.testing.assert_allclose(H.sum(axis=1), 1.0)
            assert np.linalg.norm(X - W @ H.T) < 2e-3 * np.linalg.norm(X)
        varied = study.make_scenes(family, 200, variation=0.3)
        logs = np.log([W / family for _, W, _ in varied])
        assert np.abs(logs.mean(axis=0)).max() < 0.1
        assert 0.2 < logs.std() < 0.3

    def test_the_training_loss_falls(self, training):
        for model in (training.tied, training.free):
            assert model.loss_[-1] < 0.75 * model.loss_[0]

    def test_25_layers_replace_hundreds_of_plain_steps(self, progress):
        for end in ("tied", "trained"):
            assert progress.steps_to("multiplicative", end) is None
        assert 200 < progress.steps_to("multiplicative, better start", "tied") < 400
        assert progress.steps_to("multiplicative, better start", "trained") is None
        assert len(progress.errors["multiplicative"]) == 1001

    def test_trained_layers_begin_slower(self, progress):
        assert progress.errors["trained"][5] > progress.errors["multiplicative"][5]

    def test_steps_are_counted_from_the_start(self, progress):
        assert progress.steps_to("trained", "trained") == 25
        assert progress.errors["tied"][0] == progress.errors["multiplicative"][0]

    def test_a_regression_halves_the_error_of_trained_layers_only(self, progress):
        finished = progress.finished
        assert finished["trained"] < 0.55 * progress.errors["trained"][-1]
        for name in ("multiplicative", "multiplicative, better start"):
            assert finished[name] > 0.95 * progress.errors[name][-1]
            assert finished[name] > 1.9 * finished["trained"]

    def test_rows_of_the_tables(self, progress):
        same, better = progress.step_rows
        assert list(same.values()) == ["the same start", "more than 1000", "more than 1000"]
        assert better["25 tied layers"] == progress.steps_to("multiplicative, better start", "tied")
        last = progress.rows[-1]
        assert last["method"] == "trained, 25"
        assert last["last layer"] == progress.errors["trained"][-1]

    def test_plain_steps_fit_better_and_are_farther_from_the_truth(self, path):
        assert path.residuals["multiplicative"] < 0.8 * path.residuals["trained"]
        assert path.errors["multiplicative"][-1] > 1.5 * path.errors["trained"][-1]

    def test_the_layers_have_learned_more_than_a_start(self, training, progress):
        weights = training.free.weights_W_, training.free.weights_H_
        copies = [w.copy() for w in weights]
        for w in weights:
            w[1:] = 1.0
        error = study.mean_errors(training.free, training.tests)[-1]
        for w, copy in zip(weights, copies):
            w[:] = copy
        assert error > progress.errors["multiplicative"][25]

    def test_the_error_of_the_truth_is_zero_at_any_scale(self, training):
        _, W, H = training.tests[0]
        assert study.scene_error((3.0 * W, H / 3.0), W, H) == pytest.approx(0.0, abs=1e-25)


@pytest.mark.slow
def test_another_family_tells_the_same():
    training = study.train_layers(random_state=4)
    progress = study.follow_errors(training)
    trained = progress.errors["trained"][-1]
    assert trained < progress.errors["tied"][-1] < progress.errors["multiplicative"][25]
    assert progress.steps_to("multiplicative", "trained") is None
    steps = progress.steps_to("multiplicative, better start", "trained")
    assert steps is None or steps > 200


class TestSupervision:
    def test_the_end_depends_little_on_it_and_the_way_much(self, records):
        ends = [record.errors[-1] for record in records.values()]
        assert max(ends) < 1.1 * min(ends)
        middle = {name: record.errors[12] for name, record in records.items()}
        assert middle["even"] < middle["increasing"] < middle["last"]

    def test_late_weights_stay_near_one_where_early_layers_count(self, records):
        for name in ("increasing", "even"):
            moved = records[name].moved
            assert moved[-1] < 0.5 * moved[0]


class TestTransfer:
    def test_more_pixels_and_more_noise_change_nothing_in_the_order(self, transfer):
        for name in ("like the training scenes", "nine times", "noise of 15"):
            row = next(row for scenes, row in transfer.items() if scenes.startswith(name))
            assert row.trained < row.tied < row.multiplicative
            assert row.trained < row.long < row.regression

    def test_nearly_pure_pixels(self, transfer):
        row = transfer["nearly pure pixels"]
        assert row.trained < 1.05 * row.long < row.multiplicative

    def test_strong_mixing_is_worse_than_no_training(self, transfer):
        row = transfer["strong mixing"]
        assert row.trained > 1.1 * row.multiplicative > row.long

    def test_little_variation_is_best_left_to_the_mean_spectra(self, transfer):
        row = transfer["a third of the variation"]
        assert row.regression < row.trained < row.long

    def test_much_variation_is_best_left_to_plain_steps(self, transfer):
        row = transfer["twice the variation"]
        assert row.long < 0.8 * row.trained

    def test_other_materials_defeat_all(self, transfer):
        row = transfer["other materials"]
        assert min(row.trained, row.tied, row.multiplicative, row.long) > 0.5

    def test_the_residual_warns_of_strangers(self, training):
        residuals = study.compare_residuals(training)
        assert np.median(residuals.strange) > 1.2 * residuals.known.max()
        assert residuals.strange.min() > residuals.known.max()


class TestPixels:
    def test_the_library_has_the_best_abundances(self, half):
        _, rows = half
        best = min(rows.values(), key=lambda row: row.rmse)
        assert best.method == "the library itself"

    def test_training_helps_from_the_poor_start_on_one_scene(self, half):
        name, rows = half
        if name == "samson":
            trained, plain = rows["trained, 25"], rows["multiplicative, 300"]
            assert trained.angle < 0.5 * plain.angle and trained.rmse < 0.5 * plain.rmse
        else:
            assert rows["trained, 25"].rmse > rows["multiplicative, 25"].rmse

    def test_from_the_better_start_training_changes_little(self, half):
        _, rows = half
        trained, plain = rows["trained, 25, better start"], rows["multiplicative, 25, better start"]
        assert abs(trained.rmse - plain.rmse) < 0.02
        assert trained.rmse > rows["the library itself"].rmse


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, training, progress, path, records
    ):
        draw = viz.unrolled_updates
        pictures = [
            draw.family(training),
            draw.costs(study.compare_costs(n_runs=30)),
            draw.progress(progress),
            draw.spectra_after(path, 7),
            draw.supervision(records, "last"),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 120_000

    def test_descriptions_state_the_numbers(self, path, records):
        draw = viz.unrolled_updates
        assert f"trained {path.errors['trained'][7]:.3f}" in draw.spectra_after(path, 7).alt
        assert f"{records['even'].errors[-1]:.4f} after the last" in (
            draw.supervision(records, "even").alt
        )
