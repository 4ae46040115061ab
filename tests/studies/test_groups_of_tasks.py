"""What the chapter on groups of tasks claims."""

import numpy as np
import pytest

from multiconvex import viz
from multiconvex.studies import groups_of_tasks as study


@pytest.fixture(scope="module")
def animals():
    return study.load_families()


@pytest.fixture(scope="module")
def tasks(animals):
    return study.make_family_tasks(animals)


@pytest.fixture(scope="module")
def families(animals):
    return study.compare_families(animals, seeds=2)


@pytest.fixture(scope="module")
def pictures(animals):
    return study.compare_pictures(animals, seeds=2, n_groups=5, max_iter=5)


@pytest.fixture(scope="module")
def learned(tasks):
    return study.follow_memberships(tasks)


@pytest.fixture(scope="module")
def path(tasks):
    return study.vary_penalty(tasks)


class TestTasks:
    def test_families_have_one_direction_each(self, animals):
        tasks = study.make_family_tasks(animals, n_samples=4000, few=4000)
        slopes = np.array([(X.T @ (y - y.mean())) / len(y) for X, y in zip(tasks.X, tasks.Y)])
        for family in np.unique(tasks.families):
            values = np.linalg.svd(slopes[tasks.families == family], compute_uv=False)
            assert values[1] < 0.15 * values[0]

    def test_some_tasks_are_poor(self, tasks):
        counts = np.array([len(y) for y in tasks.Y])
        assert tasks.poor.sum() == 10
        assert set(counts[tasks.poor]) == {20} and set(counts[~tasks.poor]) == {60}

    def test_pictures_are_half_of_the_animal_and_centred(self, animals):
        tasks = study.make_picture_tasks(animals, n_samples=400, few=400)
        assert all(y.mean() == 0.5 for y in tasks.Y)
        others = np.concatenate([X[y == 0] for X, y in zip(tasks.X, tasks.Y)])
        assert np.abs(others.mean(axis=0)).max() < 0.1


def test_the_run_that_is_looked_at_is_the_first_of_the_comparison(animals, families, learned):
    given = study.compare_families(animals, seeds=1, first=learned.fit)
    for method, accuracies in given.accuracies.items():
        np.testing.assert_array_equal(accuracies[0], families.accuracies[method][0])


class TestLowerLevel:
    def test_poor_tasks_alone_are_worse_than_the_others(self, tasks):
        alone = study.fit_alone(tasks)
        assert alone[tasks.poor].mean() < alone[~tasks.poor].mean() - 0.05

    def test_a_heavier_penalty_leaves_one_direction_then_none(self, path):
        shares = path.singular[:, :, 0].sum(axis=1) / np.maximum(
            path.singular.sum(axis=(1, 2)), 1e-12
        )
        assert shares[0] < 0.7 and shares[2] > 0.85
        assert path.singular[-1].max() < 0.1 * path.singular[0].max()
        assert path.accuracy[1:3, 0].min() > path.accuracy[[0, -1], 0].max()

    def test_the_derivative_agrees_with_differences(self):
        assert study.check_derivative() < 1e-6


class TestGroups:
    def test_families_are_found_where_samples_are_many(self, learned):
        assert learned.rand[-1, 0] > 0.6
        assert learned.fit.trace.objective[-1] < 0.9 * learned.fit.trace.objective[0]

    def test_sharing_helps_poor_tasks_and_knowing_families_helps_more(self, families):
        poor = {name: values[:, 1].mean() for name, values in families.accuracies.items()}
        assert poor["one group"] > poor["each alone"] + 0.03
        assert poor["known families"] > poor["one group"] + 0.01
        everything = {name: values[:, 0].mean() for name, values in families.accuracies.items()}
        assert everything["learned groups"] > everything["one group"]

    def test_memberships_of_poor_tasks_are_harder_to_tell(self, families):
        assert families.rand[:, 2].mean() < families.rand[:, 1].mean() + 0.05
        assert families.rand.shape == (2, 3) and families.in_use.max() <= 8

    def test_learned_groups_are_no_gain_on_pictures(self, pictures):
        poor = {name: values[:, 1].mean() for name, values in pictures.accuracies.items()}
        assert poor["learned groups"] < poor["each alone"] + 0.02
        assert np.abs(pictures.rand[:, 0]).max() < 0.5

    def test_rows_are_percentages_of_all_methods(self, families):
        assert tuple(row.method for row in families.rows) == study.METHODS
        for row, values in zip(families.rows, families.accuracies.values()):
            assert row.all_tasks == pytest.approx(100 * np.median(values[:, 0]))
            assert row.lowest <= row.poor_tasks <= row.highest

    def test_digits_share_nothing(self):
        alone, one, learned = study.compare_digits(seeds=2, max_iter=3)
        assert max(abs(row.all_tasks - alone.all_tasks) for row in (one, learned)) < 2.0


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, animals, tasks, learned, path, families
    ):
        draw = viz.groups_of_tasks
        drawn = [
            draw.alone(study.fit_alone(tasks), animals, tasks),
            draw.penalty(path, 2),
            draw.memberships(learned, animals, tasks, 1),
            draw.learning(learned),
            draw.methods(families),
        ]
        for picture in drawn:
            assert picture.strays() == ()
            assert len(picture.svg()) < 120_000

    def test_descriptions_state_the_numbers(self, animals, tasks, learned, families):
        draw = viz.groups_of_tasks
        described = draw.memberships(learned, animals, tasks, 25).alt
        assert f"{learned.rand[24, 0]:.2f} for the animals with many samples" in described
        assert f"known families {families.rows[-1].poor_tasks:.1f}" in draw.methods(families).alt
