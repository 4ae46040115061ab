"""scikit-learn shells of implicit networks: their rules, and nothing beyond the model function."""

import inspect

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import estimator_checks_generator

from multiconvex import (
    ImplicitClassifier,
    ImplicitRegressor,
    SpectralBall,
    equilibrium,
    implicit_network,
)

SHELLS = (ImplicitRegressor, ImplicitClassifier)
QUICK = (
    {"method": "biconvex", "max_iter": 2},
    {"method": "implicit_gradient", "max_iter": 20},
    {"method": "random_features"},
)
RULES = [
    pytest.param(*rule, id=f"{type(rule[0]).__name__}-{rule[0].method}-{rule[1].func.__name__}")
    for estimator in (shell(8, **options) for shell in SHELLS for options in QUICK)
    for rule in estimator_checks_generator(estimator)
    if rule[1].func.__name__ != "check_array_api_input"
]
quiet = pytest.mark.filterwarnings("ignore::multiconvex.ConvergenceWarning")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((120, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, -3.0]
    return X, 100.0 + 7.0 * np.abs(X[:, 0]) + X[:, 1]


@quiet
@pytest.mark.parametrize(("estimator", "check"), RULES)
def test_scikit_learn_rules(estimator, check):
    check(estimator)


@pytest.mark.parametrize("shell", SHELLS)
def test_parameters_are_those_of_the_function(shell):
    ours, theirs = (inspect.signature(f).parameters for f in (shell, implicit_network))
    keyword = {p.name: p.default for p in theirs.values() if p.kind is p.KEYWORD_ONLY}
    assert {p.name: p.default for p in ours.values() if p.kind is p.KEYWORD_ONLY} == keyword
    assert ours["hidden"].default == theirs["hidden"].default
    assert set(shell().get_params()) == {"hidden", *keyword}


@quiet
@pytest.mark.parametrize("options", QUICK, ids=lambda options: options["method"])
def test_fits_what_the_function_fits(options, data):
    X, y = data
    model = ImplicitRegressor(10, **options, random_state=3).fit(X, y)
    U, Y = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    network = implicit_network(U, Y[:, None], 10, **options, random_state=3)
    for one, other in zip(model.result_.weights, network.weights):
        np.testing.assert_array_equal(one, other)
    outputs = network.predict(U)[:, 0] * y.std() + y.mean()
    np.testing.assert_allclose(model.predict(X), outputs, rtol=1e-12)
    assert model.certificate_.certified
    assert model.n_iter_ == max(1, network.n_iter)


@quiet
def test_units_of_inputs_and_targets_do_not_matter(data):
    X, y = data
    options = {"method": "implicit_gradient", "max_iter": 15, "random_state": 0}
    one = ImplicitRegressor(6, **options).fit(X, y).predict(X)
    scaled = ImplicitRegressor(6, **options).fit(64.0 * X, 0.5 * y).predict(64.0 * X)
    np.testing.assert_allclose(scaled, 0.5 * one, rtol=1e-9)


@quiet
def test_one_target_and_several_targets(data):
    X, y = data
    model = ImplicitRegressor(6, method="random_features", random_state=0)
    assert model.fit(X, y).predict(X).shape == (120,)
    assert model.fit(X, y[:, None]).predict(X).shape == (120, 1)
    both = model.fit(X, np.column_stack([y, np.full(120, 2.5)])).predict(X)
    np.testing.assert_allclose(both[:, 1], 2.5)


@quiet
def test_it_learns_what_a_line_cannot(data):
    X, y = data
    line = Ridge().fit(X[:80], y[:80]).score(X[80:], y[80:])
    for options in ({"max_iter": 10}, {"method": "implicit_gradient", "max_iter": 50}):
        model = ImplicitRegressor(20, **options, random_state=0).fit(X[:80], y[:80])
        assert 1 - model.score(X[80:], y[80:]) < 0.2 * (1 - line)


@quiet
@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("count", [2, 3])
def test_classes_in_rings(loss, count):
    rng = np.random.default_rng(1)
    X = rng.uniform(-1.0, 1.0, (400, 2))
    radius = np.hypot(*X.T)
    names = np.array(["inner", "middle", "outer"])[:count]
    y = names[np.digitize(radius, [0.5, 0.9][: count - 1])]
    model = ImplicitClassifier(
        20, method="implicit_gradient", loss=loss, max_iter=60, random_state=0
    ).fit(X[:300], y[:300])
    assert model.classes_.tolist() == names.tolist()
    assert model.score(X[300:], y[300:]) > 0.9
    scores = model.decision_function(X[300:])
    assert scores.shape == ((100,) if count == 2 else (100, 3))
    chosen = (scores > 0).astype(int) if count == 2 else scores.argmax(axis=1)
    np.testing.assert_array_equal(names[chosen], model.predict(X[300:]))


@quiet
def test_fine_tuning_from_the_weights_of_another_fit(data):
    X, y = data
    allowed = SpectralBall(0.5)
    first = ImplicitRegressor(8, well_posed=allowed, max_iter=3, random_state=0).fit(X, y)
    second = ImplicitRegressor(
        8, method="implicit_gradient", well_posed=allowed, init=first.result_.weights, max_iter=40
    ).fit(X, y)
    assert second.score(X, y) > first.score(X, y)


@quiet
def test_early_stopping_holds_samples_out(data):
    X, y = data
    noisy = y + np.random.default_rng(0).normal(scale=20.0, size=len(y))
    options = {"method": "implicit_gradient", "ridge": 1e-6, "max_iter": 150, "random_state": 0}
    stopped = ImplicitRegressor(20, early_stopping=True, **options).fit(X, noisy)
    full = ImplicitRegressor(20, **options).fit(X, noisy)
    assert stopped.result_.blocks["states"].shape == (96, 20)
    assert stopped.score(X, y) > full.score(X, y)


def test_predictions_are_those_of_the_equilibrium(data):
    X, y = data
    model = ImplicitRegressor(8, max_iter=2, random_state=0).fit(X, y)
    rule, U = model.result_.weights, (X - model.input_mean_) / model.input_scale_
    outputs = rule.readout(equilibrium(*rule[:3], U, tol=1e-12).states, U)[:, 0]
    np.testing.assert_allclose(model.predict(X), outputs * y.std() + y.mean(), rtol=1e-7)


def test_a_constant_input_changes_nothing(data):
    X, y = data
    wide = np.column_stack([X, np.full(len(X), 7.0)])
    model = ImplicitRegressor(8, method="random_features", random_state=0).fit(wide, y)
    moved = wide + np.array([0.0, 0.0, 0.0, 0.0])
    assert np.isfinite(model.predict(moved)).all()
    assert model.input_scale_[-1] == 1.0


@quiet
def test_in_a_grid_search_and_cloned(data):
    model = ImplicitRegressor(5, method="implicit_gradient", max_iter=5, random_state=0)
    search = GridSearchCV(model, {"ridge": [1e-3, 1e-1]}, cv=2).fit(*data)
    assert clone(search.best_estimator_).get_params()["ridge"] in (1e-3, 1e-1)


def test_what_is_refused(data):
    X, y = data
    with pytest.raises(NotFittedError):
        ImplicitRegressor().predict(X)
    with pytest.raises(ValueError, match="y must have at least two classes, got one class"):
        ImplicitClassifier().fit(X, np.zeros(len(X), int))
    with pytest.raises(ValueError, match="method must be one of"):
        ImplicitRegressor(method="adam").fit(X, y)
