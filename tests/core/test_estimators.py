"""scikit-learn shells: their rules, and nothing beyond the model functions."""

import inspect

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import separable_matrix
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from multiconvex import (
    HALS,
    L2,
    NMF,
    BetaDivergence,
    NonNegative,
    NoPenalty,
    ScalarNewton,
    SeparableNMF,
    nmf,
    separable_nmf,
)

PAIRS = [(NMF, nmf), (SeparableNMF, separable_nmf)]
X = np.random.default_rng(0).random((15, 8))
RULES = [
    pytest.param(*rule, id=f"{rule[0]}-{rule[1].func.__name__}")
    for estimator in (NMF(), SeparableNMF())
    for rule in estimator_checks_generator(estimator)
    if rule[1].func.__name__ != "check_array_api_input"
]


@pytest.mark.filterwarnings("ignore::multiconvex.ConvergenceWarning")
@pytest.mark.parametrize(("estimator", "check"), RULES)
def test_scikit_learn_rules(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("estimator", "function"), PAIRS)
def test_parameters_are_those_of_the_function(estimator, function):
    ours, theirs = (inspect.signature(f).parameters.values() for f in (estimator, function))
    keyword = {p.name: p.default for p in theirs if p.kind is p.KEYWORD_ONLY}
    assert {p.name: p.default for p in ours if p.kind is p.KEYWORD_ONLY} == keyword
    positional = [p.name for p in ours if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == ["n_components"]
    assert set(estimator().get_params()) == {"n_components", *keyword}


@pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler"])
def test_fits_what_the_function_fits(loss):
    model = NMF(3, loss=loss, random_state=0, max_iter=50, tol=0).fit(X)
    result = nmf(X, 3, loss=loss, random_state=0, max_iter=50, tol=0)
    np.testing.assert_array_equal(model.components_, result.H.T)
    np.testing.assert_array_equal(model.result_.trace.objective, result.trace.objective)
    assert model.n_iter_ == 50
    assert model.get_feature_names_out().tolist() == ["nmf0", "nmf1", "nmf2"]


@pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler"])
def test_weights_are_the_best_for_the_components(loss):
    model = NMF(3, loss=loss, random_state=0).fit(X)
    weights = model.transform(X)
    problem = nmf(X, 3, loss=loss, init=(weights, model.components_.T.copy()), max_iter=0)
    again = nmf(X, 3, loss=loss, init=(1.01 * weights, model.components_.T.copy()), max_iter=0)
    assert problem.objective <= min(again.objective, model.result_.objective * (1 + 1e-9))
    np.testing.assert_allclose(model.inverse_transform(weights), weights @ model.components_)
    np.testing.assert_allclose(model.fit_transform(X), weights, rtol=1e-6, atol=1e-9)


def test_weighted_penalties_enter_the_transform():
    heavy = NMF(3, penalties=(NonNegative(l1=0.5), NonNegative()), random_state=0).fit(X)
    heavy.set_params(penalties=(NonNegative(), NonNegative()))
    light = heavy.transform(X)
    heavy.set_params(penalties=(NonNegative(l1=0.5), NonNegative()))
    assert heavy.transform(X).sum() < light.sum()


@pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler"])
def test_sparse_samples(loss):
    sparse = sp.csr_array(X * (X > 0.4))
    options = {"loss": loss, "init": "random", "random_state": 0, "max_iter": 20, "tol": 0}
    options["update"] = HALS() if loss == "frobenius" else ScalarNewton()
    one, other = (NMF(3, **options).fit(data) for data in (sparse, sparse.toarray()))
    np.testing.assert_allclose(one.components_, other.components_, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(
        one.transform(sparse), other.transform(sparse.toarray()), rtol=1e-4, atol=1e-6
    )


def test_separable_components_are_samples():
    data, pure = separable_matrix(8, 25, 3)
    model = SeparableNMF(3).fit(data.T)
    assert set(model.indices_.tolist()) == pure
    np.testing.assert_array_equal(model.components_, data.T[model.indices_])
    np.testing.assert_allclose(model.inverse_transform(model.transform(data.T)), data.T, atol=1e-9)


def test_in_a_pipeline_and_cloned():
    pipeline = make_pipeline(MaxAbsScaler(), NMF(2, random_state=0))
    assert clone(pipeline).fit_transform(X).shape == (15, 2)


def test_legacy_random_states_are_accepted():
    one, other = (
        NMF(2, init="random", random_state=np.random.RandomState(0), max_iter=3, tol=0).fit(X)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.components_, other.components_)


def test_what_transform_cannot_do_is_said():
    free = NMF(2, penalties=(NoPenalty(), L2(0.1)), random_state=0).fit
    with pytest.raises(TypeError, match="transform needs a NonNegative penalty on the weights"):
        free(X)
    with pytest.raises(TypeError, match="transform is not available for BetaDivergence"):
        NMF(2, loss=BetaDivergence(1.5), random_state=0).fit(X)
    with pytest.raises(NotFittedError):
        NMF().transform(X)


@pytest.mark.parametrize("estimator", [NMF(2), SeparableNMF(2)])
def test_negative_samples_are_refused(estimator):
    with pytest.raises(ValueError, match="Negative values in data passed to"):
        estimator.fit(X - 0.5)
