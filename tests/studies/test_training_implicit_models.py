"""What the chapter on training implicit models block by block claims."""

import numpy as np
import pytest

from multiconvex import viz
from multiconvex.models.implicit_biconvex import rule_from
from multiconvex.studies import training_implicit_models as study

SMALL = {"training": 400, "test": 1000}


@pytest.fixture(scope="module")
def paths():
    variants = {"recommended": {}, "no ridge on A": {"training_ridge": 1e-8}}
    return study.follow_variants(variants, hidden=50, max_iter=10, **SMALL)


@pytest.fixture(scope="module")
def curves():
    return study.fit_relaxed((0.001, 10.0), hidden=50)


@pytest.fixture(scope="module")
def sines():
    return study.compare_sines(range(2))


@pytest.fixture(scope="module")
def known():
    return study.compare_known_rules(range(2))


@pytest.fixture(scope="module")
def raised():
    return study.raise_weights(hidden=50, dual_steps=2, max_iter=4, **SMALL)


class TestConvexity:
    def test_the_worst_segment_has_the_curvature_of_the_eigenvalue(self):
        measured = study.measure_curvatures(segments=60)
        np.testing.assert_allclose(measured.along_worst, measured.eigenvalues, atol=1e-5)
        assert np.all(measured.along_random >= measured.eigenvalues - 1e-5)
        assert measured.eigenvalues[0] > 0 > measured.eigenvalues[-1]

    def test_random_segments_miss_what_the_eigenvalue_sees(self):
        measured = study.measure_curvatures(segments=60)
        missed = (measured.eigenvalues < -0.1) & (measured.along_random > 0)
        assert missed.sum() >= 3

    def test_the_second_inequality_is_not_convex_and_its_block_never_holds(self):
        left, right, middle, inside = study.compare_inequalities()
        assert left.inequality_b == right.inequality_b == pytest.approx(3.2)
        assert middle.inequality_b == pytest.approx(-0.8)
        assert (left.a + right.a) / 2 == middle.a
        assert inside.inequality_a == pytest.approx(0.2)
        assert max(row.printed_block for row in (left, right, middle, inside)) <= -1


class TestTraining:
    def test_only_a_ridge_makes_the_features_learn(self, paths):
        recommended, free = paths["recommended"], paths["no ridge on A"]
        assert recommended.test[-1] < 0.6 * recommended.test[0]
        assert free.test[-1] > 0.9 * free.test[0]
        assert free.relaxed[-1] < 0.1 * recommended.relaxed[-1]
        assert free.exact[-1] > 10 * free.relaxed[-1]

    def test_known_rules_are_learned_on_every_seed(self, known):
        for row in known:
            assert row.after_refit < 0.5 * min(row.random_features, row.linear)
            assert row.certified

    def test_a_rule_that_hears_all_inputs_is_harder(self, known):
        (dense,) = study.compare_known_rules([0], directions=10)
        gain = known[0].random_features / known[0].after_refit
        assert 1.0 < dense.random_features / dense.after_refit < gain

    def test_a_sine_improves_at_its_ridge_and_has_nothing_more_to_teach(self, sines):
        for row in sines:
            assert row.after < row.before
            assert row.after_refit < 1.05
            assert row.after_refit < 1.02 * row.random_features
            assert row.certified

    def test_small_weights_let_the_states_follow_the_noise(self, curves):
        loose, tight = curves[0.001], curves[10.0]
        assert study.root_mean_square(loose.relaxed - loose.targets) < 0.05
        assert study.root_mean_square(tight.relaxed - tight.targets) > 0.09
        assert loose.gap > 10 * tight.gap

    def test_dual_steps_raise_every_weight_and_keep_the_inequality(self, raised):
        network, error = raised
        assert (network.trace.event == "dual step").sum() == 2
        assert network.lam.min() >= 0.01 and network.lam.max() > 0.02
        assert network.eigenvalues.min() > -1e-12
        objective = network.trace.objective
        falls = np.diff(objective)[network.trace.event[1:] != "dual step"]
        assert falls.max() <= 1e-12 * objective[0]
        assert error < 0.6

    def test_data_are_split_and_the_noise_is_that_of_the_test_set(self):
        (U, Y, test_U, test_Y), noise = study.draw_sine(0, training=50, test=5000)
        assert len(U) == len(Y) == 50 and len(test_U) == len(test_Y) == 5000
        assert noise == pytest.approx(0.1, rel=0.05)
        U, Y, test_U, test_Y = study.draw_known_rule(0, training=50, test=30)
        assert U.shape == (50, 10) and test_Y.shape == (30, 1)

    def test_the_path_ends_at_the_network(self, paths):
        path = paths["recommended"]
        U, Y, test_U, test_Y = study.draw_known_rule(0, **SMALL)
        rule = rule_from(path.network.blocks)
        relaxed = rule.readout(path.network.blocks["states"], U) - Y
        assert study.root_mean_square(relaxed) == pytest.approx(path.relaxed[-1])
        predicted = path.network.predict(test_U) - test_Y
        assert study.root_mean_square(predicted) == pytest.approx(path.test[-1], rel=1e-6)


class TestFigures:
    def test_every_figure_describes_its_finding(self, paths, curves, sines, raised):
        figures = viz.training_implicit_models
        names = {"before": "before", "after": "after"}
        pictures = {
            "worst segment": figures.curvatures(study.measure_curvatures(segments=20)),
            "no ridge on A": figures.variants(paths),
            "Weight of the divergence 0.001": figures.relaxed(curves, 0.001),
            "2 dual steps": figures.dual_steps(raised[0]),
            "Medians over 2 seeds": figures.seeds(sines, names, ylabel="error"),
        }
        for phrase, picture in pictures.items():
            assert phrase in picture.alt
