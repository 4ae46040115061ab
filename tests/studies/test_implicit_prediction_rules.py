"""What the chapter on implicit prediction rules claims."""

import numpy as np
import pytest
from contracts.implicit import solve_by_enumeration

from multiconvex import UncertifiedWarning, equilibrium, viz
from multiconvex.studies import implicit_prediction_rules as study


@pytest.fixture(scope="module")
def rings():
    return study.respond_on_a_ring()


@pytest.fixture(scope="module")
def regions():
    return study.map_regions(points=25)


@pytest.fixture(scope="module")
def shares():
    return study.compare_certificates(n_rules=60)


@pytest.fixture(scope="module")
def inhibition():
    return study.follow_inhibition()


class TestOneUnit:
    @pytest.mark.parametrize(
        ("weight", "bias", "states"),
        [
            (0.5, 1.0, (2.0,)),
            (0.5, -1.0, (0.0,)),
            (1.5, 1.0, ()),
            (1.5, -1.0, (0.0, 2.0)),
            (-3.0, 1.0, (0.25,)),
        ],
    )
    def test_states_are_where_the_rule_meets_the_diagonal(self, weight, bias, states):
        web = study.follow_cobweb(weight, bias)
        np.testing.assert_allclose(web.states, states)
        stepped = np.maximum(weight * web.path[:-1] + bias, 0)
        np.testing.assert_array_equal(web.path[1:], stepped)

    def test_steps_settle_run_away_or_run_in_circles(self):
        assert study.follow_cobweb(0.5, 1.0).path[-1] == pytest.approx(2.0, abs=1e-3)
        assert study.follow_cobweb(1.5, 1.0).path[-1] > 100
        assert set(study.follow_cobweb(-3.0, 1.0).path[2:]) == {0.0, 1.0}


class TestStates:
    def test_enumeration_finds_what_solves_the_equation(self):
        rng = np.random.default_rng(0)
        counts = []
        for _ in range(60):
            D, b = 0.8 * rng.standard_normal((3, 3)), rng.standard_normal(3)
            found = study.list_states(D, b)
            for x in found:
                np.testing.assert_allclose(x, np.maximum(D @ x + b, 0), atol=1e-12)
            if found:
                assert any(np.allclose(x, solve_by_enumeration(D, b)) for x in found)
            counts.append(len(found))
        assert {0, 1, 2} <= set(counts)

    def test_positive_minors_are_the_exact_answer(self):
        positive, other = study.count_states(n_rules=100)
        assert positive.rules + other.rules == 100 and min(positive.rules, other.rules) > 20
        assert (positive.without_a_state, positive.with_several) == (0, 0)
        assert positive.with_one == positive.inputs
        assert other.without_a_state > 0.1 * other.inputs < other.with_several * 2
        assert other.without_a_state + other.with_one + other.with_several == other.inputs


class TestCertificates:
    def test_what_is_proved_is_true_and_monotonicity_proves_most(self, shares):
        for proved in shares.proved.values():
            assert np.all(proved <= shares.exact + 1e-12)
        means = {name: share.mean() for name, share in shares.proved.items()}
        assert means["monotone"] > 0.9 * shares.exact.mean()
        assert means["monotone"] > means["spectral"] > means["perron"] > means["inf_norm"]
        assert shares.proved["spectral"][0] == 1.0 and shares.proved["spectral"][-1] < 0.1

    def test_regions_are_nested_and_monotonicity_is_exact_for_two_families(self, regions):
        for region in regions.values():
            for margin in region.margins.values():
                assert region.exact[margin < -1e-9].all()
            assert np.all(region.margins["perron"] <= region.margins["inf_norm"] + 1e-12)
        for name in ("rotations", "symmetric"):
            margin = regions[name].margins["monotone"]
            clear = np.abs(margin) > 1e-9
            np.testing.assert_array_equal((margin < 0)[clear], regions[name].exact[clear])

    def test_the_perron_radius_knows_triangular_rules(self, regions):
        a, _ = np.meshgrid(regions["triangular"].a, regions["triangular"].b)
        margin = regions["triangular"].margins["perron"]
        np.testing.assert_allclose(margin, np.abs(a) - 1, atol=1e-12)


class TestLayers:
    def test_predictions_are_exact_after_as_many_steps_as_hidden_layers(self):
        layers = study.write_layers()
        depth = len(layers.sizes) - 2
        assert layers.errors[:depth].min() > 0.1
        assert layers.errors[depth:].max() < 1e-14
        assert layers.steps == depth
        assert layers.proofs == ("perron",) and layers.norm > 2


class TestRing:
    def test_the_state_is_that_of_the_linear_system(self, rings):
        """All units are active, so the state solves (I - D) x = e."""
        for kappa, ring in rings.items():
            near = 0.5 * kappa * (np.roll(ring.state, 1) + np.roll(ring.state, -1))
            drive = np.eye(60)[30]
            np.testing.assert_allclose(ring.state, near + drive, atol=1e-10)

    def test_it_widens(self, rings):
        reaches = [ring.reach for ring in rings.values()]
        assert reaches == sorted(reaches) and reaches[0] < 10 and reaches[-1] == 60

    def test_steps_are_those_that_the_factors_promise(self, rings):
        for row in study.compare_steps(rings):
            assert row.picard == pytest.approx(row.promised_picard, rel=0.05)
            assert row.peaceman_rachford == pytest.approx(row.promised_reflected, rel=0.06)
        assert row.anderson < row.peaceman_rachford < 0.55 * row.picard

    def test_more_digits_take_more_steps(self, rings):
        for ring in rings.values():
            for method in ("picard", "peaceman_rachford"):
                assert np.all(np.diff(ring.steps[method]) > 0)


def test_only_dykstra_stays_in_both_sets_and_it_is_nearest():
    first, second, both = study.project_in_turn(n_matrices=30)
    assert first.outside_the_ball > 0.3 and first.outside_the_inequality == 0
    assert second.outside_the_inequality > 0.1 and second.outside_the_ball == 0
    assert both.outside_the_ball == both.outside_the_inequality == 0
    assert both.distance < min(first.distance, second.distance)


class TestInhibition:
    def test_one_state_becomes_three(self, inhibition):
        assert set(inhibition.counts) == {1, 3}
        assert inhibition.proofs == ()
        beyond = inhibition.inputs > inhibition.last_safe
        assert np.all(inhibition.counts[beyond] == 3) and 0.9 < inhibition.last_safe < 1.1

    def test_different_starts_find_different_predictions(self, inhibition):
        D, E, f = [[0.5, -2.0], [-0.5, 0.9]], [[1.0], [0.4]], [-0.4, 0.2]
        predictions = set()
        for init in ([9.0, 0.0], [0.0, 30.0]):
            with pytest.warns(UncertifiedWarning):
                found = equilibrium(D, E, f, [[2.5]], init=[init])
            assert found.status == "converged"
            predictions.add(round(float(found.states[0] @ [1.0, -1.0]), 6))
        branches = inhibition.branches[np.isclose(inhibition.branches[:, 0], 2.5), 1]
        assert len(predictions) == 2
        for value in predictions:
            assert np.abs(branches - value).min() < 1e-5


def test_every_figure_is_drawn_and_described(rings, regions, shares, inhibition):
    figures = viz.implicit_prediction_rules
    pictures = {
        "cobwebs": figures.cobwebs([study.follow_cobweb(1.5, b) for b in (1.0, -1.0)]),
        "layers": figures.layers(study.write_layers()),
        "shares": figures.shares(shares),
        "regions": figures.regions(regions),
        "ring": figures.ring(rings[0.5]),
        "inhibition": figures.inhibition(inhibition),
    }
    for name, picture in pictures.items():
        assert picture.strays() == (), name
        assert len(picture.alt) > 60, name
    assert "no state" in pictures["cobwebs"].alt and "2 states" in pictures["cobwebs"].alt
    assert "plain 26" in pictures["ring"].alt
