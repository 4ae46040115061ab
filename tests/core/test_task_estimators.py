"""Shells of the models of many tasks: their options, and nothing beyond the model functions."""

import inspect

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from multiconvex import GroupLasso, GroupStructureLasso, group_lasso, learn_groups

T, N, P = 40, 10, 6
LABELS = np.array([0, 0, 0, 1, 1, 1])
PAIRS = [(GroupLasso, group_lasso, "groups"), (GroupStructureLasso, learn_groups, "n_groups")]
QUICK = {"n_inner": 40, "max_iter": 40, "random_state": 0}


@pytest.fixture(scope="module")
def tasks():
    rng = np.random.default_rng(0)
    W = rng.standard_normal((T, P)) * np.equal(rng.integers(2, size=T)[:, None], LABELS)
    X = rng.standard_normal((T, N, P))
    return X, np.einsum("tnp,tp->tn", X, W)


@pytest.mark.parametrize(("estimator", "function", "first"), PAIRS)
def test_parameters_are_those_of_the_function(estimator, function, first):
    ours, theirs = (inspect.signature(f).parameters.values() for f in (estimator, function))
    keyword = {p.name: p.default for p in theirs if p.kind is p.KEYWORD_ONLY}
    assert {p.name: p.default for p in ours if p.kind is p.KEYWORD_ONLY} == keyword
    assert [p.name for p in ours if p.kind is p.POSITIONAL_OR_KEYWORD] == [first]
    model = estimator(lam=0.3, tol=1e-5)
    assert repr(clone(model).get_params()) == repr(model.get_params())


def test_known_groups_are_fitted_as_the_function_does(tasks):
    model = GroupLasso(LABELS, lam=0.5, ridge=0.0).fit(*tasks)
    result = group_lasso(*tasks, LABELS, lam=0.5, ridge=0.0)
    np.testing.assert_array_equal(model.coef_, result.coef)
    np.testing.assert_array_equal(model.active_, result.active)
    np.testing.assert_array_equal(model.theta_, np.eye(2)[LABELS])
    assert (model.n_features_in_, model.n_iter_) == (P, result.n_iter)


def test_learned_groups_are_learned_as_the_function_does(tasks):
    model = GroupStructureLasso(2, **QUICK).fit(*tasks)
    result = learn_groups(*tasks, 2, **QUICK)
    np.testing.assert_array_equal(model.theta_, result.theta)
    np.testing.assert_array_equal(model.coef_, result.coef)
    np.testing.assert_array_equal(model.groups_, result.groups)
    assert (model.n_groups_, model.n_iter_, model.n_features_in_) == (2, result.n_iter, P)


def test_learned_groups_predict_better_than_none(tasks):
    X, Y = tasks
    model = GroupStructureLasso(2, **QUICK).fit(X[:, :6], Y[:, :6])
    alone = GroupLasso("singletons").fit(X[:, :6], Y[:, :6])
    known = GroupLasso(model.groups_).fit(X[:, :6], Y[:, :6])
    assert alone.score(X[:, 6:], Y[:, 6:]) < model.score(X[:, 6:], Y[:, 6:]) <= 1.0
    assert known.score(X[:, 6:], Y[:, 6:]) > alone.score(X[:, 6:], Y[:, 6:])


def test_predictions_have_the_form_of_the_data(tasks):
    X, Y = tasks
    model = GroupLasso(LABELS).fit(X, Y)
    expected = np.einsum("tnp,tp->tn", X, model.coef_)
    np.testing.assert_allclose(model.predict(X), expected)
    np.testing.assert_allclose(model.predict(X[0]), model.coef_ @ X[0].T)
    lists = model.predict([x[: 3 + t % 2] for t, x in enumerate(X)])
    assert [len(prediction) for prediction in lists] == [3 + t % 2 for t in range(T)]
    np.testing.assert_allclose(lists[1], expected[1, :4])


def test_legacy_random_states_are_accepted(tasks):
    fits = [
        GroupStructureLasso(2, **(QUICK | {"random_state": np.random.RandomState(0)})).fit(*tasks)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(fits[0].theta_, fits[1].theta_)


def test_what_cannot_be_predicted_is_said(tasks):
    X, Y = tasks
    with pytest.raises(NotFittedError):
        GroupLasso().predict(X)
    model = GroupLasso().fit(X, Y)
    with pytest.raises(ValueError, match=r"as many tasks and features as in fit, \(40, 6\)"):
        model.predict(X[1:])
    with pytest.raises(ValueError, match=r"as many tasks and features as in fit, \(40, 6\)"):
        model.predict(X[:, :, 1:])
