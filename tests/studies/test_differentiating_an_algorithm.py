"""What the chapter on differentiating an algorithm claims."""

import numpy as np
import pytest

from multiconvex import Simplex, hypergradient, viz
from multiconvex.studies import differentiating_an_algorithm as study

figures = viz.differentiating_an_algorithm


@pytest.fixture(scope="module")
def setting():
    return study.make_setting()


@pytest.fixture(scope="module")
def path(setting):
    return study.follow_slice(setting)


@pytest.fixture(scope="module")
def memory(setting):
    return study.follow_memory(setting)


@pytest.fixture(scope="module")
def truncation(setting):
    return study.follow_truncation(setting)


def test_the_setting_is_the_experiment_of_the_source(setting):
    assert setting.data.X.shape == (40, 25, 50) and setting.data.theta.shape == (50, 5)
    for theta in setting.theta.values():
        assert Simplex().value(theta) == 0


class TestSteps:
    def test_maps_meet_in_the_centre_and_far_away(self):
        curves = study.compare_maps(lam=0.5)
        assert np.abs(curves.bregman[0]).max() < 0.5 == curves.projection[0].max()
        for image, derivative in (curves.projection, curves.bregman):
            smooth = np.gradient(image, curves.v)
            off_corners = np.abs(np.abs(curves.v) - 0.5) > 0.05
            np.testing.assert_allclose(smooth[off_corners], derivative[off_corners], atol=1e-3)

    def test_the_norm_is_that_of_each_group(self):
        own, everything = study.check_bregman_step()
        assert (own.norm, everything.norm) == ("of the group", "of all groups")
        assert own.distance < 1e-6 and everything.distance > 0.1


class TestSlice:
    def test_slopes_are_slopes(self, path):
        for count, values in path.values.items():
            middle = np.gradient(values, path.share, edge_order=2)[2:-2]
            span = np.ptp(values) / np.ptp(path.share)
            np.testing.assert_allclose(path.slopes[count][2:-2], middle, atol=0.2 * span)

    def test_the_wrong_group_costs_and_few_steps_do_not_see_it(self, path):
        assert np.all(np.diff(path.values[0]) > 0)
        late = path.share > 0.7
        assert np.all(path.slopes[10][late] < 0) and np.all(path.slopes[0][late] > -1e-3)
        gaps = [np.abs(path.values[k] - path.values[0]).max() for k in (3, 10, 30, 100, 300, 1000)]
        assert np.all(np.diff(gaps) < 0) and gaps[-1] < 1e-3


class TestModes:
    def test_all_ways_agree_with_differences(self, setting):
        rows = {row.mode: row for row in study.compare_modes(setting, n_tasks=2, n_inner=30)}
        for row in rows.values():
            assert row.relative_gap is None or row.relative_gap < 1e-6
        kept = [rows[f"reverse, {name}"].numbers_kept for name in ("all mirror variables",
                "one vector", "checkpoints")]  # fmt: skip
        assert kept == [30 * 50 * 6, 30 * 50, (5 + 6) * 50]
        assert rows["forward"].runs_of_the_algorithm == 2 * 250

    def test_forward_mode_at_every_step(self, setting):
        theta = setting.theta["vague"]
        direction = np.random.default_rng(1).standard_normal(theta.shape)
        slopes = study.forward_mode(setting, theta, direction, 40, slice(3))
        for count in (1, 7, 40):
            found = hypergradient(
                setting.problems, theta, setting.lam, n_inner=count, tasks=range(3)
            )
            expected = np.vdot(found.theta.mean(axis=0), direction)
            assert slopes[count] == pytest.approx(expected, rel=1e-8)

    def test_the_whole_reverse_pass_is_the_gradient(self, setting):
        theta = setting.theta["blurred"]
        sums = study.reverse_mode(setting, theta, 60)
        assert len(sums) == 61
        found = hypergradient(setting.problems, theta, setting.lam, n_inner=60)
        np.testing.assert_allclose(sums[-1], found.theta.mean(axis=0), rtol=1e-7, atol=1e-12)

    def test_a_tenth_of_a_reverse_pass_is_worse_than_none(self, memory):
        tenth = list(memory.kept).index(46)
        for errors in memory.errors.values():
            assert errors[tenth] > 1 and errors[-1] == 0 and np.all(np.diff(errors) < 0)


class TestTruncation:
    def test_projection_overtakes_the_bregman_step(self, truncation):
        for name, smooth in truncation.bregman.items():
            rough = truncation.projection[name]
            assert smooth[-1] < smooth[0] / 3
            assert smooth[0] > 0.2 and rough[-1] < smooth[-1] / 100

    def test_derivatives_off_the_corners_arrive_at_the_exact_one(self, truncation):
        assert truncation.projection["vague"][-1] < 1e-9

    def test_hard_groups_are_the_slow_ones(self, truncation):
        assert truncation.bregman["hard"][-1] > 10 * truncation.bregman["vague"][-1]

    def test_the_last_iterate_is_no_fixed_point(self, setting):
        rows = study.try_shortcut(setting)
        assert rows[-1].reverse_pass < 0.02 < 0.1 < rows[-1].frozen_at_the_last_iterate
        lengths = np.array([row.length_of_z / row.inner_steps for row in rows])
        np.testing.assert_allclose(lengths, lengths[-1], rtol=0.05)


def test_equal_groups_and_zeros_are_traps(setting):
    equal, noisy, hard = study.compare_starts(setting)
    assert equal.difference_between_groups < 1e-9 < 1e-2 < noisy.difference_between_groups
    assert equal.at_zeros is None and hard.at_zeros == 0 and hard.at_zeros_of_squares > 0.5


def test_one_step_helps_on_fresh_samples(setting):
    vague = setting.theta["vague"]
    slope = hypergradient(setting.problems, vague, setting.lam).theta.mean(axis=0)
    after = Simplex().prox(vague - slope, 1.0)
    assert study.fresh_loss(setting, after) < study.fresh_loss(setting, vague)
    assert study.validation_loss(setting, after) < study.validation_loss(setting, vague)
    assert study.fresh_loss(setting, setting.theta["hard"]) < study.fresh_loss(setting, after)


def test_pictures_follow_the_theme_and_tell_numbers(path, truncation, memory):
    pictures = (
        figures.loss_along(path),
        figures.slice_after(path, 10),
        figures.maps(study.compare_maps()),
        figures.truncation(truncation, "hard"),
        figures.memory(memory),
    )
    for picture in pictures:
        assert picture.strays() == () and picture.alt.endswith(".")
        assert any(character.isdigit() for character in picture.alt)
