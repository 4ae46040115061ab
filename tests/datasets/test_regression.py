"""Tables for regression: the rule behind simulated ones, and what measured ones contain."""

import numpy as np
import pytest

from multiconvex import certify, datasets


@pytest.mark.parametrize("make", [datasets.make_implicit_data, datasets.make_noisy_sine])
def test_same_seed_same_numbers(make):
    first = make(50, noise=0.1, random_state=0)
    for again in (0, np.random.default_rng(0)):
        np.testing.assert_array_equal(
            first.targets, make(50, noise=0.1, random_state=again).targets
        )
    assert not np.array_equal(first.targets, make(50, noise=0.1, random_state=1).targets)
    assert first.origin == "simulated"
    assert first.inputs.shape == (50, len(first.features))
    assert first.targets.shape == first.clean.shape == (50, len(first.names))
    assert (first.targets - first.clean).std() == pytest.approx(0.1, rel=0.4)


@pytest.mark.parametrize("options", [{}, {"directions": 2}, {"density": 0.05}], ids=str)
def test_targets_follow_the_rule_they_are_said_to_follow(options):
    data = datasets.make_implicit_data(
        200, inputs=4, hidden=30, outputs=2, random_state=3, **options
    )
    rule = data.truth
    states = np.zeros((200, 30))
    for _ in range(400):
        states = np.maximum(states @ rule.D.T + data.inputs @ rule.E.T + rule.f, 0)
    np.testing.assert_allclose(rule.readout(states, data.inputs), data.clean, atol=1e-9)
    np.testing.assert_array_equal(data.clean, data.targets)
    np.testing.assert_allclose(data.clean.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(data.clean.std(axis=0), 1)
    assert certify(rule.D).spectral_norm == pytest.approx(0.9)
    assert np.linalg.matrix_rank(rule.E) == options.get("directions", 4)


def test_sparse_rules_are_sparse_nonnegative_and_connected():
    rule = datasets.make_implicit_data(5, density=0.01, random_state=0).truth
    assert np.mean(rule.D > 0) == pytest.approx(0.01, rel=0.3)
    assert min(rule.D.min(), rule.E.min(), rule.A.min()) >= 0
    assert np.all((rule.E > 0).any(axis=0))
    assert np.all((rule.A > 0).any(axis=1))


def test_the_sine_is_one_period():
    data = datasets.make_noisy_sine(5000, noise=0.0, random_state=0)
    assert data.inputs.min() == pytest.approx(-np.pi, abs=0.01)
    assert data.inputs.max() == pytest.approx(np.pi, abs=0.01)
    np.testing.assert_array_equal(data.targets, np.sin(data.inputs))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"contraction": 1.0}, r"contraction must be below 1, got 1\.0"),
        ({"hidden": 0}, "hidden must be an integer of at least 1, got 0"),
        ({"directions": 0}, "directions must be an integer of at least 1, got 0"),
        ({"density": 0.0}, r"density must be a finite positive number, got 0\.0"),
        ({"noise": -1.0}, r"noise must be a finite nonnegative number, got -1\.0"),
    ],
)
def test_impossible_options_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        datasets.make_implicit_data(10, **options)


def test_energy(shared):
    """Low buildings with large roofs need half the heat of high ones."""
    data = datasets.load_energy()
    assert data.inputs.shape == (768, 8) and data.targets.shape == (768, 1)
    assert data.names == ("heating load",) and data.origin == "fetched" and data.citation
    columns = dict(zip(data.features, data.inputs.T))
    np.testing.assert_allclose(data.inputs.mean(axis=0), 0, atol=1e-3)
    assert len(np.unique(columns["relative compactness"].round(6))) == 12
    high = columns["height"] > 0
    assert high.sum() == 384
    assert np.ptp(columns["height"]) == pytest.approx(3.5)
    loads = data.targets[:, 0] - data.targets.min() + 6.01
    assert loads[~high].mean() < 0.5 * loads[high].mean()
    walls = columns["surface area"] - columns["wall area"] - 2 * columns["roof area"]
    np.testing.assert_allclose(walls, 0, atol=0.01)


def test_concrete(shared):
    """Concrete hardens with age and cement, and water weakens it."""
    data = datasets.load_concrete()
    assert data.inputs.shape == (1030, 8) and data.targets.shape == (1030, 1)
    assert data.names == ("compressive strength",) and data.origin == "fetched"
    columns = dict(zip(data.features, data.inputs.T))
    assert np.ptp(columns["age"]) == pytest.approx(364, abs=0.01)
    assert np.ptp(columns["cement"]) == pytest.approx(438, abs=0.01)
    strength = {name: np.corrcoef(x, data.targets[:, 0])[0, 1] for name, x in columns.items()}
    assert strength["cement"] > 0.45 and strength["age"] > 0.3 and strength["water"] < -0.2


@pytest.mark.parametrize(("name", "rows"), [("energy", 768), ("concrete", 1030)])
def test_stand_ins_have_the_shape_and_say_so(name, rows, tmp_path, monkeypatch):
    from dataclasses import replace

    from multiconvex.datasets import _files

    monkeypatch.delenv("MULTICONVEX_DATA", raising=False)
    monkeypatch.setattr(_files, "cache_folder", lambda: tmp_path)
    away = replace(_files.FILES[name], url="http://127.0.0.1:9/data.csv.gz")
    monkeypatch.setitem(_files.FILES, name, away)
    data = datasets.load_or_simulate(name, random_state=0)
    assert data.inputs.shape == (rows, 8) and data.targets.shape == (rows, 1)
    assert data.origin == "simulated" and f"The {name} data could not be fetched" in data.note
