"""What the comparison of implicit rules with other methods claims."""

from types import SimpleNamespace

import numpy as np
import pytest
from joblib.externals.loky.backend import context

from multiconvex import viz
from multiconvex.studies import implicit_comparison as study
from multiconvex.studies.training_implicit_models import compare_known_rules

FEW = ("linear", "random features, 100 units", "network, 100 units", "implicit gradient")


@pytest.fixture(scope="module")
def diabetes():
    return study.compare_methods("diabetes", seeds=range(2), steps=10)


@pytest.fixture(scope="module")
def concrete():
    comparison = study.compare_methods("concrete", seeds=range(3), methods=FEW, steps=40)
    if comparison.note:
        pytest.skip(comparison.note)
    return comparison


class Guess:
    """The same answer to everything, which is also what another method starts from."""

    def __init__(self, answer):
        self.answer = answer
        self.result_ = SimpleNamespace(weights=answer)

    def predict(self, U):
        return np.full(len(U), self.answer)


class TestProtocol:
    def test_parts_are_apart_and_differ_from_seed_to_seed(self):
        U, y = np.arange(100.0)[:, None], np.arange(100.0)
        tests = []
        for seed in (0, 1):
            division = study._divide(U, y, seed)
            parts = [part[1] for part in (division.fit, division.choose, division.test)]
            assert [len(part) for part in parts] == [64, 16, 20]
            assert len(np.unique(np.concatenate(parts))) == 100
            assert parts[0].mean() == pytest.approx(0.0, abs=1e-12)
            tests.append(parts[2] * division.scale)
        assert not np.array_equal(*tests)

    def test_errors_are_in_units_of_the_target_or_per_cent(self):
        rng = np.random.default_rng(0)
        U, y = rng.standard_normal((50, 2)), 30.0 * rng.standard_normal(50)

        division = study._divide(U, y, 0)
        expected = np.sqrt(np.mean((division.test[1] * y[[*range(50)]].std()) ** 2))
        assert division.error(Guess(0), division.test) == pytest.approx(expected, rel=0.1)
        division = study._divide(U, np.arange(50) % 5, 0)
        wrong = 100.0 * np.mean(division.test[1] != 0)
        assert division.error(Guess(0), division.test) == wrong

    def test_validation_chooses_and_the_test_part_is_not_asked(self):
        U = np.zeros((4, 1))
        parts = {"fit": (U, U[:, 0]), "choose": (U, U[:, 0] + 1.0), "test": (U, U[:, 0] + 3.0)}
        division = study._Division(**parts, scale=2.0)
        guesses = [Guess(3.0), Guess(1.2), Guess(-1.0)]
        assert study._best(guesses, division) == 1
        assert division.error(guesses[1], division.test) == pytest.approx(3.6)

    def test_a_method_starts_where_validation_says_another_ended(self, monkeypatch):
        starts = []

        def first(division, setting, seed, steps, start):
            assert start is None
            return Guess(setting)

        def second(division, setting, seed, steps, start):
            starts.append(start)
            return Guess(setting)

        monkeypatch.setitem(study.METHODS, "first", study._Method(first, (5.0, 0.0, -5.0)))
        monkeypatch.setitem(study.METHODS, "second", study._Method(second, (4.0, 0.5), "first"))
        comparison = study.compare_methods("diabetes", seeds=[0], methods=["second"])
        (outcome,) = comparison.outcomes
        assert starts == [0.0, 0.0], "the guess nearest to standardised targets"
        assert outcome.setting == 0.5 and outcome.certified is None

    def test_the_same_seed_gives_the_same_errors(self):
        one, other = (
            study.compare_methods("diabetes", seeds=[4], methods=FEW[:2]) for _ in range(2)
        )
        assert [o.error for o in one.outcomes] == [o.error for o in other.outcomes]

    def test_all_networks_have_the_same_penalties(self):
        networks = [name for name in study.METHODS if "network" in name or "implicit" in name]
        assert {study.METHODS[m].settings for m in networks} == {study.RIDGES}

    def test_tuning_starts_from_the_rule_that_validation_chose(self, diabetes):
        seconds = {(o.method, o.seed): o.seconds for o in diabetes.outcomes}
        for seed in range(2):
            assert seconds["biconvex, then gradient", seed] > seconds["biconvex", seed]

    def test_large_tables_have_a_large_test_part(self):
        division = study._divide(np.ones((2000, 1)), np.arange(2000) % 3, 0)
        sizes = [len(part[1]) for part in (division.fit, division.choose, division.test)]
        assert sizes == [600, 150, 1250]


class TestClaims:
    def test_gradients_agree_with_differences(self):
        gaps = study.compare_gradients()
        assert set(gaps) == {"squared", "logistic"}
        assert max(gaps.values()) < 1e-6

    def test_every_fit_is_certified(self, diabetes):
        certified = [o.certified for o in diabetes.outcomes if o.certified is not None]
        assert len(certified) == 2 * 5 and all(certified)
        last = study.summarise([diabetes])[-1]
        assert last["certified fits"] == "2 of 2" and last["diabetes"] == diabetes.ratio(
            "implicit gradient, D = 0"
        )

    def test_on_diabetes_no_network_beats_a_line_by_much(self, diabetes):
        line = np.median(diabetes.errors("linear"))
        for method in diabetes.methods:
            assert np.median(diabetes.errors(method)) > 0.9 * line

    def test_on_concrete_the_implicit_rule_keeps_up_with_the_network(self, concrete):
        assert concrete.ratio("implicit gradient") < 1.15
        assert concrete.ratio("linear") > 1.7
        assert concrete.ratio("random features, 100 units") > 1.2

    def test_rows_hold_what_the_outcomes_say(self, diabetes):
        (row,) = (row for row in diabetes.rows if row["method"] == "linear")
        middle = diabetes.errors("linear").mean()
        assert row["median error (points)"] == pytest.approx(middle)
        assert row["ratio"] == pytest.approx(middle / diabetes.errors(study.NETWORK).mean())
        assert len(diabetes.rows) == len(study.METHODS)


def test_machines_that_hide_their_cores_say_nothing(monkeypatch):
    hidden = "not found", ValueError("found 0 physical cores < 1")
    monkeypatch.setattr(context, "_count_physical_cores", lambda: hidden)
    monkeypatch.setattr(context, "_cpu_count_user", lambda count: count)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    study.compare_methods("diabetes", seeds=[0], methods=("gradient boosting",), steps=1)


@pytest.mark.slow
def test_within_ten_per_cent_of_the_network_on_energy():
    methods = (study.NETWORK, "implicit gradient", "biconvex")
    comparison = study.compare_methods("energy", seeds=range(2), methods=methods)
    if comparison.note:
        pytest.skip(comparison.note)
    assert comparison.ratio("implicit gradient") <= 1.1
    assert comparison.ratio("biconvex") > 1.5


def test_on_data_of_known_rules_gradients_are_better_than_blocks():
    rows = compare_known_rules(range(1), hidden=60)
    (ratio,) = study.compare_with_blocks(rows, hidden=60)
    assert ratio > 1.1


class TestPictures:
    def test_a_dot_for_each_division_and_the_median_in_words(self, diabetes):
        picture = viz.implicit_comparison.errors(diabetes)
        assert picture.strays() == ()
        assert len(picture.svg()) < 120_000
        assert f"linear {np.median(diabetes.errors('linear')):.3g}" in picture.alt
        assert "diabetes in points" in picture.alt
