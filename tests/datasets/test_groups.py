"""Simulated tasks, proteins and animals have the groups they name; real tables are read right."""

import numpy as np
import pytest

from multiconvex import datasets
from multiconvex.datasets import listing


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (datasets.make_grouped_tasks, "Y"),
        (datasets.make_proteins, "levels"),
        (datasets.make_animals, "strength"),
    ],
)
def test_same_seed_same_numbers(make, field):
    first = getattr(make(random_state=0), field)
    np.testing.assert_array_equal(first, getattr(make(random_state=0), field))
    generator = np.random.default_rng(0)
    np.testing.assert_array_equal(first, getattr(make(random_state=generator), field))
    assert not np.array_equal(first, getattr(make(random_state=generator), field), equal_nan=True)


class TestGroupedTasks:
    def test_outputs_are_what_the_coefficients_say_plus_noise(self):
        tasks = datasets.make_grouped_tasks(200, noise=0.3, random_state=0)
        for X, Y in ((tasks.X, tasks.Y), (tasks.X_val, tasks.Y_val), (tasks.X_test, tasks.Y_test)):
            np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1)
            error = Y - np.einsum("tnp,tp->tn", X, tasks.coef)
            assert error.std() == pytest.approx(0.3, rel=4 / np.sqrt(2 * error.size))
        assert np.abs(np.sum(tasks.X * tasks.X_val, axis=1)).max() < 1, "the sets differ"

    def test_noise_in_the_unit_of_the_signal(self):
        tasks = datasets.make_grouped_tasks(
            50, 2000, noise=0.2, noise_unit="signal", random_state=0
        )
        clean = np.einsum("tnp,tp->tn", tasks.X, tasks.coef)
        ratio = (tasks.Y - clean).std(axis=1) / clean.std(axis=1)
        np.testing.assert_allclose(ratio, 0.2, rtol=0.1)
        np.testing.assert_allclose(tasks.noise, 0.2 * clean.std(axis=1))

    @pytest.mark.parametrize("active", [1, 3])
    def test_whole_groups_are_active(self, active):
        tasks = datasets.make_grouped_tasks(400, active=active, random_state=0)
        present = (tasks.coef != 0).astype(float) @ tasks.theta
        np.testing.assert_array_equal(np.unique(present), [0, 10])
        np.testing.assert_array_equal(np.sum(present > 0, axis=1), active)
        share = np.mean(present > 0, axis=0)
        np.testing.assert_allclose(share, active / 5, atol=4 * np.sqrt(0.25 / 400))
        assert tasks.coef[tasks.coef != 0].std() == pytest.approx(1, abs=0.06)

    def test_groups_are_as_equal_as_they_can_be(self):
        sizes = datasets.make_grouped_tasks(2, 3, 11, 4).theta.sum(axis=0)
        assert sizes.sum() == 11 and set(sizes) == {2, 3}


def test_proteins_of_a_pathway_move_together():
    data = datasets.make_proteins(missing=0.05, random_state=0)
    assert np.isnan(data.levels).mean() == pytest.approx(0.05, abs=0.005)
    logs = np.log(data.levels)
    logs = np.where(np.isnan(logs), np.nanmean(logs, axis=0), logs)
    own = np.stack([logs[data.mouse == mouse].mean(axis=0) for mouse in data.mouse])
    correlation = np.corrcoef((logs - own).T)
    same = data.pathways[:, None] == data.pathways
    assert correlation[same & ~np.eye(77, dtype=bool)].min() > 0.5
    assert np.abs(correlation[~same]).max() < 0.2
    assert all(len(set(data.labels[data.mouse == mouse])) == 1 for mouse in set(data.mouse))


def test_animals_of_a_family_are_alike():
    data = datasets.make_animals(random_state=0)
    agree = np.mean(data.binary[:, None] == data.binary, axis=2)
    same = data.families[:, None] == data.families
    assert agree[same].mean() > agree[~same].mean() + 0.15
    assert np.median(data.strength[data.binary == 1]) > 70
    assert np.median(data.strength[data.binary == 0]) < 30


def test_mice(shared):
    data = datasets.load_mice_protein()
    assert data.levels.shape == (1080, 77) and np.isnan(data.levels).sum() == 1396
    assert data.origin == "fetched" and data.pathways is None and data.note == ""
    names, counts = np.unique(data.mouse, return_counts=True)
    assert len(names) == 72 and set(counts) == {15}
    assert all(len(set(data.labels[data.mouse == name])) == 1 for name in names)
    found = dict(zip(data.names, np.bincount(data.labels)))
    assert found["t-CS-s"] == 105 and found["c-SC-m"] == found["c-CS-m"] == 150
    column = dict(zip(data.proteins, data.levels.T))
    assert column["DYRK1A"][0] == 0.503643884 and column["CaNA"].min() > 0


def test_animals(shared):
    data = datasets.load_animals()
    assert data.binary.shape == data.strength.shape == (50, 85)
    assert len(data.animals) == 50 and len(data.attributes) == 85
    assert set(np.unique(data.binary)) == {0, 1} and np.nanmax(data.strength) == 100
    np.testing.assert_array_equal(np.unique(np.nonzero(np.isnan(data.strength))[0]), [0])
    has = dict(zip(data.attributes, data.binary.T.astype(bool)))
    swim = np.array(data.animals)[has["swims"]]
    assert {"blue whale", "dolphin", "seal"} <= set(swim) and "tiger" not in swim
    known = ~np.isnan(data.strength)
    yes, no = data.strength[known & (data.binary == 1)], data.strength[known & (data.binary == 0)]
    assert np.median(yes) > 4 * np.median(no)


@pytest.mark.parametrize("key", ["mice_protein", "animals.strength"])
def test_a_table_of_another_size_is_refused(shared, monkeypatch, key):
    files = datasets._files.FILES
    monkeypatch.setitem(files, "mice_protein", files["animals.classes"])
    monkeypatch.setitem(files, "animals.strength", files["animals.classes"])
    monkeypatch.setattr(np, "loadtxt", lambda path: np.zeros((3, 2)))
    with pytest.raises(datasets.DataCorrupted, match=r"1080 rows|of shape \(50, 85\)"):
        datasets.load_mice_protein() if key == "mice_protein" else datasets.load_animals()


@pytest.mark.parametrize("name", ["mice_protein", "animals"])
def test_what_stands_in_has_the_same_fields(shared, monkeypatch, name):
    real = getattr(datasets, f"load_{name}")()
    monkeypatch.setitem(listing._STAND_INS, name, (unavailable, listing._STAND_INS[name][1]))
    made = datasets.load_or_simulate(name)
    assert type(made) is type(real) and made.origin == "simulated" and "simulated" in made.note
    for field, value in vars(real).items():
        if isinstance(value, np.ndarray):
            assert getattr(made, field).shape == value.shape
            assert getattr(made, field).dtype.kind == value.dtype.kind


def unavailable():
    raise datasets.DataUnavailable


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: datasets.make_grouped_tasks(n_features=3), "n_features must be an .* least 5"),
        (lambda: datasets.make_grouped_tasks(active=6), "active must be at most n_groups = 5"),
        (lambda: datasets.make_grouped_tasks(noise=-1), "noise must be a finite nonnegative"),
        (lambda: datasets.make_grouped_tasks(noise_unit="db"), "noise_unit must be one of"),
        (lambda: datasets.make_proteins(n_proteins=3), "n_proteins must be an .* at least 8"),
        (lambda: datasets.make_animals(0), "n_animals must be an integer of at least 6"),
    ],
)
def test_impossible_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
