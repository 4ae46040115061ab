"""The trained model: layers of the engine, training, and what it refuses."""

import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from multiconvex import MultiplicativeUpdate, UnrolledNMF, factor_match_score, nmf, nnls
from multiconvex.models.unrolled_nmf import _Adam, _normalized, supervision_weights
from multiconvex.unrolled_layers import factor_loss, forward

M, R = 8, 3


def make_triples(count=6, n=20, seed=0, noise=0.01):
    """Mixtures of spectra that vary around three bumps."""
    rng = np.random.default_rng(seed)
    places = np.arange(M)[:, None]
    bumps = np.exp(-0.5 * ((places - [1, 4, 6]) / 1.5) ** 2) + 0.1
    triples = []
    for _ in range(count):
        W = bumps * rng.uniform(0.7, 1.3, bumps.shape)
        H = rng.dirichlet(np.ones(R), n)
        triples.append((W @ H.T + noise * rng.random((M, n)), W, H))
    return triples


@pytest.fixture(scope="module")
def triples():
    return make_triples()


@pytest.fixture(scope="module")
def model(triples):
    return UnrolledNMF(8, random_state=0).fit(triples)


def error(point, W, H):
    scale = W.mean(axis=0)
    return factor_loss(*point, W / scale, H * scale)[0]


class TestPrediction:
    @pytest.mark.parametrize("init", ["uniform", "regression"])
    def test_unit_weights_are_nmf_by_multiplicative_updates(self, triples, init):
        X = triples[0][0]
        plain = UnrolledNMF(12, init=init, max_iter=0).fit(triples)
        result = plain.predict(X)
        start = plain.layers(X)[0]
        reference = nmf(
            X, R, init=start, update=MultiplicativeUpdate(floor=0.0), acceleration=None,
            balancing=None, max_iter=12, tol=0,
        )  # fmt: skip
        np.testing.assert_allclose(
            result.trace.objective, reference.trace.objective, rtol=1e-10, atol=1e-12
        )
        np.testing.assert_allclose(result.reconstruct(), reference.reconstruct(), rtol=1e-10)
        assert result.n_iter == 12 and len(plain.loss_) == 0
        assert np.all(np.diff(result.trace.objective) <= 1e-12)

    def test_the_engine_runs_the_layers_that_are_trained(self, triples, model):
        X = triples[1][0]
        points = model.layers(X)
        run = forward(X, *points[0], model.weights_W_, model.weights_H_)
        for (W, H), W_k, H_k in zip(points, run.W, run.H, strict=True):
            np.testing.assert_allclose(W @ H.T, W_k @ H_k.T, rtol=1e-12)
            assert factor_match_score((W, H), (W_k, H_k)) == pytest.approx(1.0, abs=1e-12)
        for block, end in zip(model.predict(X).factors, points[-1]):
            np.testing.assert_array_equal(block, end)

    def test_spectra_have_the_means_of_the_training_spectra(self, triples, model):
        means = np.mean([W.mean(axis=0) for _, W, _ in triples], axis=0)
        for W, _ in model.layers(triples[0][0]):
            np.testing.assert_allclose(W.mean(axis=0), means)

    def test_the_scale_of_the_data_goes_to_the_amounts(self, triples, model):
        X = triples[2][0]
        one, other = model.predict(X), model.predict(1e3 * X)
        np.testing.assert_allclose(other.W, one.W, rtol=1e-10)
        np.testing.assert_allclose(other.H, 1e3 * one.H, rtol=1e-10)

    def test_any_number_of_columns(self, triples, model):
        wide = np.hstack([X for X, _, _ in triples])
        assert model.predict(wide).H.shape == (120, R)
        assert model.predict(wide[:, :1]).H.shape == (1, R)

    def test_columns_of_the_data_may_come_in_any_order(self, triples, model):
        X = triples[3][0]
        order = np.random.default_rng(0).permutation(X.shape[1])
        np.testing.assert_allclose(
            model.predict(X[:, order]).H, model.predict(X).H[order], rtol=1e-9
        )

    def test_with_a_fixed_factor_only_amounts_move(self, triples):
        regression = UnrolledNMF(6, blocks="H", max_iter=3, random_state=0).fit(triples)
        for W, _ in regression.layers(triples[0][0]):
            np.testing.assert_allclose(W, regression.spectra_)
        assert np.all(regression.weights_W_ == 1) and not np.all(regression.weights_H_ == 1)

    def test_the_better_start_is_the_regression_kept_off_zero(self, triples):
        model = UnrolledNMF(1, init="regression", max_iter=0).fit(triples)
        X = triples[0][0]
        start, exact = model.layers(X)[0][1], nnls(model.spectra_, X).x.T
        positive = exact > 0
        np.testing.assert_allclose(start[positive], exact[positive])
        assert start.min() > 0

    @pytest.mark.parametrize("present", [np.asfortranarray, lambda a: (100 * a).astype(int)])
    def test_layouts_and_integers(self, triples, model, present):
        X = present(triples[0][0])
        X.flags.writeable = False
        before = X.copy()
        expected = model.predict(np.array(X, dtype=float))
        np.testing.assert_allclose(model.predict(X).H, expected.H, rtol=1e-10)
        np.testing.assert_array_equal(X, before)

    def test_single_precision_is_kept(self, triples):
        single = [tuple(array.astype(np.float32) for array in triple) for triple in triples]
        model = UnrolledNMF(4, max_iter=1, random_state=0).fit(single)
        result = model.predict(single[0][0])
        assert result.W.dtype == result.H.dtype == np.float32
        assert all(W.dtype == H.dtype == np.float32 for W, H in model.layers(single[0][0]))

    def test_data_of_zeros_give_no_nan(self, model):
        result = model.predict(np.zeros((M, 4)))
        assert np.isfinite(result.W).all() and np.isfinite(result.H).all()


class TestTraining:
    def test_the_loss_falls_and_a_seed_repeats(self, triples, model):
        assert model.loss_[-1] < 0.8 * model.loss_[0]
        again = clone(model).fit(triples)
        np.testing.assert_array_equal(again.weights_W_, model.weights_W_)
        np.testing.assert_array_equal(again.loss_, model.loss_)

    def test_half_the_layers_reach_the_error_of_plain_steps(self):
        scenes, tests = make_triples(12), make_triples(6, seed=1)
        trained = UnrolledNMF(8, max_iter=80, random_state=0).fit(scenes)
        plain = UnrolledNMF(16, max_iter=0).fit(scenes)
        layers, steps = (
            np.mean([[error(p, W, H) for p in m.layers(X)] for X, W, H in tests], axis=0)
            for m in (trained, plain)
        )
        assert layers[8] < steps[16]

    @pytest.mark.parametrize(
        "option",
        [
            {"n_layers": 5}, {"weights": "tied"}, {"blocks": "H"}, {"init": "regression"},
            {"supervision": "last"}, {"supervision": np.arange(8.0)}, {"learning_rate": 0.003},
            {"max_iter": 3}, {"random_state": 1},
        ],
    )  # fmt: skip
    def test_every_option_changes_something(self, triples, model, option):
        other = clone(model).set_params(**option).fit(triples)
        X = triples[0][0]
        gap = np.abs(other.predict(X).reconstruct() - model.predict(X).reconstruct()).max()
        assert gap > 1e-8

    @pytest.mark.parametrize("weights", ["layers", "tied"])
    def test_the_gradient_of_the_training_loss_agrees_with_differences(self, weights):
        X, W, H = scene = _normalized(*make_triples(1)[0])
        model = UnrolledNMF(4, max_iter=0, weights=weights).fit([scene])
        rng = np.random.default_rng(0)
        shapes = model.weights_W_.shape, model.weights_H_.shape
        assert shapes == (((4, M, R), (4, R)) if weights == "layers" else ((1, M, R), (1, R)))
        logs = [0.3 * rng.standard_normal(shape) for shape in shapes]
        emphasis = supervision_weights("even", 4)

        def loss(logs):
            model.weights_W_, model.weights_H_ = map(np.exp, logs)
            return emphasis @ [error(point, W, H) for point in model.layers(X)[1:]]

        value = loss(logs)
        start = model.spectra_, np.full((len(H), R), 1 / R)
        measured, gradients = model._differentiate(scene, start, emphasis)
        assert measured == pytest.approx(value, rel=1e-12)
        largest = max(np.abs(gradient).max() for gradient in gradients)
        for log, gradient in zip(logs, gradients, strict=True):
            for where in np.ndindex(log.shape):
                middle, values = log[where], []
                for sign in (1, -1):
                    log[where] = middle + 1e-5 * sign
                    values.append(loss(logs))
                log[where] = middle
                assert abs(gradient[where] - (values[0] - values[1]) / 2e-5) < 1e-7 * largest

    def test_renaming_the_components_renames_the_answer(self, triples, model):
        order = [2, 0, 1]
        renamed = clone(model).fit([(X, W[:, order], H[:, order]) for X, W, H in triples])
        X = triples[0][0]
        np.testing.assert_allclose(renamed.predict(X).W, model.predict(X).W[:, order], rtol=1e-6)

    def test_scales_of_the_training_factors_do_not_matter(self, triples, model):
        scaled = [(2.0 * X, 0.5 * W, 4.0 * H) for X, W, H in triples]
        other = clone(model).fit(scaled)
        np.testing.assert_allclose(other.weights_W_, model.weights_W_, rtol=1e-8)
        np.testing.assert_allclose(other.spectra_, 0.5 * model.spectra_)

    def test_scenes_of_different_sizes_and_untouched_inputs(self, triples):
        mixed = [make_triples(1, n=n, seed=n)[0] for n in (5, 30)]
        before = [[array.copy() for array in triple] for triple in mixed]
        UnrolledNMF(3, max_iter=2, random_state=0).fit(mixed)
        for triple, copies in zip(mixed, before):
            for array, copy in zip(triple, copies):
                np.testing.assert_array_equal(array, copy)

    def test_weights_stay_positive_at_any_learning_rate(self, triples):
        wild = UnrolledNMF(4, max_iter=2, learning_rate=1.0, random_state=0).fit(triples)
        assert wild.weights_W_.min() > 0 and np.isfinite(wild.loss_).all()


class TestAdam:
    def test_a_constant_derivative_gives_steps_of_the_falling_rate(self):
        point, gradient = np.zeros(2), np.array([3.0, -0.02])
        adam = _Adam([point], 0.1, 4)
        for done in range(1, 5):
            adam.step([gradient])
            total = 0.1 * sum(1 - k / 4 for k in range(done))
            np.testing.assert_allclose(point, -total * np.sign(gradient), rtol=1e-5)

    def test_a_quadratic_reaches_its_minimum(self):
        point, centre = np.array([4.0, -3.0]), np.array([1.0, 2.0])
        adam = _Adam([point], 0.1, 400)
        for _ in range(400):
            adam.step([np.array([1.0, 30.0]) * (point - centre)])
        np.testing.assert_allclose(point, centre, atol=1e-2)


class TestSupervision:
    @pytest.mark.parametrize("name", ["increasing", "last", "even"])
    def test_named_weights(self, name):
        nu = supervision_weights(name, 6)
        assert nu.sum() == pytest.approx(1.0) and np.all(np.diff(nu) >= 0)
        ratio = {"increasing": 1e-3, "last": 0.0, "even": 1.0}[name]
        assert nu[0] / nu[-1] == pytest.approx(ratio)

    @pytest.mark.parametrize(
        "wrong", [[1.0, 2.0], [0.0, 0.0, 0.0], [1.0, -1.0, 1.0], [1, np.nan, 1]]
    )
    def test_refused(self, wrong):
        with pytest.raises(ValueError, match="supervision must be a name or 3 nonnegative"):
            supervision_weights(wrong, 3)


class TestRefusals:
    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ({"n_layers": 0}, "n_layers must be an integer of at least 1"),
            ({"max_iter": -1}, "max_iter must be an integer of at least 0"),
            ({"weights": "free"}, "weights must be one of 'layers', 'tied'"),
            ({"blocks": "W"}, "blocks must be one of 'WH', 'H'"),
            ({"init": "svd"}, "init must be one of 'uniform', 'regression'"),
            ({"supervision": "first"}, "supervision must be one of"),
            ({"learning_rate": 0.0}, "learning_rate must be a finite positive number"),
        ],
    )
    def test_options(self, triples, option, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            UnrolledNMF(**option).fit(triples)

    def test_training_data(self, triples):
        X, W, H = triples[0]
        fit = UnrolledNMF(2, max_iter=1).fit
        with pytest.raises(TypeError, match=r"data must be a list of triples \(X, W, H\)"):
            fit(X)
        with pytest.raises(TypeError, match=r"data\[1\] must be a triple"):
            fit([triples[0], (X, W)])
        with pytest.raises(ValueError, match=r"W must be \(m, r\) and H \(n, r\)"):
            fit([(X, W, H.T)])
        with pytest.raises(ValueError, match="with the same m and r in all triples"):
            fit([triples[0], (X[1:], W[1:], H)])
        with pytest.raises(ValueError, match="H of data\\[0\\] must be nonnegative"):
            fit([(X, W, -H)])
        with pytest.raises(ValueError, match=r"data\[0\] has a component or data that are zero"):
            fit([(X, W * [1, 0, 1], H)])

    def test_prediction(self, triples, model):
        X = triples[0][0]
        with pytest.raises(ValueError, match="X must have 8 rows, as the training data have"):
            model.predict(X[:-1])
        with pytest.raises(ValueError, match="X must be nonnegative"):
            model.predict(X - 10)
        with pytest.raises(NotFittedError):
            UnrolledNMF().predict(X)
