"""scikit-learn shells of the latent factor models: their rules, and what they recover."""

import inspect
import warnings

import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from multiconvex import (
    ConstrainedKMeans,
    ForgettingQLearning,
    InputOutputHMM,
    KLSmoothness,
    MixtureOfLinearRegressions,
    MixtureOfLogisticRegressions,
    TotalVariation,
    datasets,
    match_labels,
    transition_matrix,
)
from multiconvex.models.latent.links import Huber, Power

SHELLS = (ConstrainedKMeans, MixtureOfLinearRegressions, MixtureOfLogisticRegressions)
SEQUENCES = (InputOutputHMM, ForgettingQLearning)
RULES = [
    pytest.param(*rule, id=f"{type(rule[0]).__name__}-{rule[1].func.__name__}")
    for estimator in (shell(2, n_starts=2, random_state=0) for shell in SHELLS)
    for rule in estimator_checks_generator(estimator)
    if rule[1].func.__name__ != "check_array_api_input"
]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
Y = X @ [2.0, -1.0] * np.sign(RNG.normal(size=60))
BINARY = (Y > 0).astype(int)


def data_for(estimator):
    """Return data that the estimator can be fitted to."""
    kind = type(estimator)
    if kind is ConstrainedKMeans:
        return (X,)
    if kind is ForgettingQLearning:
        return BINARY, RNG.integers(2, size=60)
    return (X, Y) if kind is MixtureOfLinearRegressions else (X, BINARY)


@pytest.mark.filterwarnings("ignore::multiconvex.ConvergenceWarning")
@pytest.mark.parametrize(("estimator", "check"), RULES)
def test_scikit_learn_rules(estimator, check):
    check(estimator)


@pytest.mark.parametrize("shell", SHELLS + SEQUENCES)
def test_options_are_kept_as_given_and_cloned(shell):
    names = [p.name for p in inspect.signature(shell).parameters.values()]
    positional = inspect.signature(shell).parameters.values()
    assert sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in positional) == 1
    model = shell(3, n_starts=4, init=None, max_iter=7, tol=1e-3, random_state=1)
    assert list(clone(model).get_params()) == sorted(names)
    assert repr(clone(model).get_params()) == repr(model.get_params())
    with pytest.raises(NotFittedError):
        shell().predict(*data_for(shell())[: 1 + (shell in SEQUENCES)])


@pytest.mark.parametrize("shell", SHELLS + SEQUENCES)
def test_fits_are_repeatable_and_restarts_never_worse(shell):
    data = data_for(shell())
    fits = [shell(2, n_starts=count, random_state=3).fit(*data).result_ for count in (2, 2, 5)]
    assert fits[0].parameters.tobytes() == fits[1].parameters.tobytes()
    assert fits[2].objective <= fits[0].objective
    np.testing.assert_array_equal(fits[2].starts[:2], fits[0].starts)
    legacy = np.random.RandomState(3)
    assert shell(2, n_starts=2, random_state=legacy).fit(*data).n_iter_ > 0


@pytest.mark.parametrize("shell", SHELLS + SEQUENCES)
def test_objective_never_increases_and_labels_agree_with_prediction(shell):
    model = shell(2, n_starts=3, random_state=0)
    data = data_for(model)
    model.fit(*data)
    objective = model.result_.trace.objective
    objective = objective[np.isfinite(objective)]
    assert np.diff(objective).max() <= 1e-9 * objective[0]
    assign = model.predict if shell is ConstrainedKMeans or shell in SEQUENCES else model.assign
    agreement = np.mean(assign(*data) == model.labels_)
    assert agreement == 1.0
    assert model.n_iter_ == model.result_.n_iter
    np.testing.assert_array_equal(model.labels_, model.result_.labels)


@pytest.mark.parametrize("shell", SHELLS + SEQUENCES)
def test_options_of_the_fit_arrive(shell):
    data, seen = data_for(shell()), []
    model = shell(2, n_starts=3, callback=lambda sweep: seen.append(sweep) or True)
    result = model.fit(*data).result_
    assert (result.status, result.n_iter, len(seen), len(result.starts)) == ("stopped", 1, 1, 1)
    none = shell(2, n_starts=1, max_iter=0, init=np.arange(60) % 2).fit(*data)
    np.testing.assert_array_equal(none.labels_, np.arange(60) % 2)
    loose = shell(2, n_starts=1, tol=0.9, random_state=0).fit(*data).n_iter_
    assert loose <= shell(2, n_starts=1, tol=1e-9, random_state=0).fit(*data).n_iter_


@pytest.mark.parametrize("shell", SHELLS + SEQUENCES)
def test_data_that_cannot_be_fitted_are_refused(shell):
    data = data_for(shell())
    with pytest.raises(ValueError, match="61 factors need at least as many samples, got 60"):
        shell(61).fit(*data)
    for wrong in (0, 1.5, True):
        with pytest.raises(ValueError, match=f"{shell._count} must be an integer of at least 1"):
            shell(wrong).fit(*data)
    if shell is not ForgettingQLearning:
        with pytest.raises(ValueError, match="NaN"):
            shell(2).fit(np.where(X > 2.0, np.nan, X), *data[1:])


class TestConstrainedKMeans:
    def test_centres_reach_the_vertices_of_the_source(self):
        points = datasets.make_diamond(500, random_state=0)
        model = ConstrainedKMeans(4, constraint=(points.A, points.b), random_state=0).fit(points.X)
        gaps = np.linalg.norm(model.cluster_centers_[:, None] - points.vertices, axis=2)
        assert gaps.min(axis=1).max() < 0.05
        assert (model.cluster_centers_ @ points.A.T - points.b).max() <= 1e-9
        assert len(set(gaps.argmin(axis=1))) == 4

    def test_inertia_is_the_sum_of_squared_distances(self):
        model = ConstrainedKMeans(3, random_state=0).fit(X)
        distances = np.linalg.norm(X[:, None] - model.cluster_centers_, axis=2)
        np.testing.assert_allclose(model.transform(X), distances)
        assert model.inertia_ == pytest.approx(np.sum(distances.min(axis=1) ** 2))
        assert model.score(X) == pytest.approx(-model.inertia_)
        assert model.get_feature_names_out().tolist() == [f"constrainedkmeans{k}" for k in range(3)]

    def test_each_cluster_may_have_its_own_constraint(self):
        left, right = (np.array([[1.0, 0.0]]), np.array([-0.5])), (np.array([[-1.0, 0]]), [-0.5])
        model = ConstrainedKMeans(3, constraint=[left, None, right], random_state=0).fit(X)
        assert model.cluster_centers_[0, 0] <= -0.5 + 1e-9
        assert model.cluster_centers_[2, 0] >= 0.5 - 1e-9
        with pytest.raises(ValueError, match=r"a list of 2 of them .* got a list of 1"):
            ConstrainedKMeans(2, constraint=[None]).fit(X)

    def test_impossible_constraints_are_refused(self):
        nothing = np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([0.0, -1.0])
        with pytest.raises(ValueError, match="No parameter satisfies the constraints together"):
            ConstrainedKMeans(2, constraint=nothing).fit(X)
        with pytest.raises(ValueError, match=r"must have shapes \(p, 2\) and \(p,\)"):
            ConstrainedKMeans(2, constraint=(np.eye(3), np.ones(3))).fit(X)

    def test_in_a_pipeline(self):
        labels = make_pipeline(StandardScaler(), ConstrainedKMeans(2, random_state=0)).fit_predict(
            X
        )
        assert set(labels) == {0, 1}


class TestLinearRegressions:
    @pytest.mark.parametrize("loss", ["square", "absolute", "huber", Power(1.5), Huber(2.0)])
    def test_recovers_the_mixture_of_the_source(self, loss):
        data = datasets.make_regression_mixture(500, random_state=1)
        options = {"fit_intercept": False, "n_starts": 6, "random_state": 0}
        model = MixtureOfLinearRegressions(3, loss=loss, **options).fit(data.X, data.y)
        match = match_labels(model.labels_, data.labels, 3)
        assert match.accuracy > 0.9
        order = np.argsort(match.permutation)
        assert np.abs(model.coef_[order] - data.parameters).max() < 0.15
        np.testing.assert_allclose(model.weights_[order], data.mixing, atol=0.06)
        np.testing.assert_array_equal(model.intercept_, 0.0)

    def test_intercepts_and_predictions(self):
        model = MixtureOfLinearRegressions(2, random_state=0).fit(X, Y + 5.0)
        lines = X @ model.coef_.T + model.intercept_
        np.testing.assert_allclose(model.predict(X), lines @ model.weights_)
        losses = (lines - (Y + 5.0)[:, None]) ** 2
        np.testing.assert_array_equal(model.assign(X, Y + 5.0), losses.argmin(axis=1))
        assert model.result_.objective == pytest.approx(losses.min(axis=1).sum())

    def test_likelihood_is_that_of_gaussian_residuals(self):
        model = MixtureOfLinearRegressions(2, random_state=0).fit(X, Y + 0.3 * X[:, 0] ** 2)
        y = Y + 0.3 * X[:, 0] ** 2
        residuals = X @ model.coef_.T + model.intercept_ - y[:, None]
        variance = np.mean(residuals[np.arange(60), model.labels_] ** 2)
        assert model.scale_ == pytest.approx(2.0 * variance)
        densities = np.exp(-(residuals**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
        expected = np.log(densities @ model.weights_)
        np.testing.assert_allclose(model.log_likelihood(X, y), expected)

    def test_ridge_and_constraints_hold(self):
        model = MixtureOfLinearRegressions(
            2, ridge=5.0, constraint=(-np.eye(3), np.zeros(3)), random_state=0
        ).fit(X, Y)
        assert model.coef_.min() >= -1e-12
        free = MixtureOfLinearRegressions(2, random_state=0).fit(X, Y)
        assert np.linalg.norm(model.coef_) < np.linalg.norm(free.coef_)

    def test_unknown_losses_are_refused(self):
        with pytest.raises(ValueError, match="loss must be one of 'square', 'absolute', 'huber'"):
            MixtureOfLinearRegressions(2, loss="cube").fit(X, Y)
        with pytest.raises(TypeError, match="drop the ridge and the norm"):
            MixtureOfLinearRegressions(2, loss="absolute", ridge=1.0).fit(X, Y)


class TestLogisticRegressions:
    def test_probabilities_are_those_of_the_mixture(self):
        for classes in (2, 3):
            y = np.array(["a", "b", "c"])[np.arange(60) % classes]
            model = MixtureOfLogisticRegressions(2, random_state=0).fit(X, y)
            odds = np.einsum("kcn,mn->mkc", model.coef_, X) + model.intercept_
            if classes == 2:
                odds = np.concatenate([np.zeros_like(odds), odds], axis=2)
            chances = np.exp(odds) / np.exp(odds).sum(axis=2, keepdims=True)
            expected = np.einsum("mkc,k->mc", chances, model.weights_)
            np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-9)
            np.testing.assert_array_equal(model.predict(X), model.classes_[expected.argmax(axis=1)])
            picked = expected[np.arange(60), np.searchsorted(model.classes_, y)]
            np.testing.assert_allclose(model.log_likelihood(X, y), np.log(picked))

    @pytest.mark.parametrize("classes", [2, 3])
    def test_one_component_is_logistic_regression(self, classes):
        y = (np.digitize(X[:, 0] + 0.5 * RNG.normal(size=60), [-0.5, 0.5])) % classes
        model = MixtureOfLogisticRegressions(1, fit_intercept=False, ridge=0.3).fit(X, y)
        peer = LogisticRegression(C=1.0 / 0.3, fit_intercept=False, tol=1e-10, max_iter=1000)
        expected = peer.fit(X, y).coef_
        np.testing.assert_allclose(model.coef_[0], expected, atol=1e-5)
        np.testing.assert_allclose(model.predict_proba(X), peer.predict_proba(X), atol=1e-5)

    @pytest.mark.parametrize("ridge", [0.0, 1e-3])
    def test_separable_classes_do_not_blow_up(self, ridge):
        y = (X[:, 0] > 0).astype(int)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = MixtureOfLogisticRegressions(2, ridge=ridge, n_starts=2, random_state=0)
            model.fit(X, y)
        assert np.isfinite(model.coef_).all()
        assert np.isfinite(model.predict_proba(X)).all()
        alone = MixtureOfLogisticRegressions(1, ridge=ridge).fit(X, y)
        assert alone.score(X, y) == 1.0

    def test_classes_are_checked(self):
        model = MixtureOfLogisticRegressions(2, random_state=0).fit(X, BINARY)
        with pytest.raises(ValueError, match=r"classes that were not fitted: \[2\]"):
            model.assign(X, BINARY + 1)
        with pytest.raises(ValueError, match="at least two classes, got one class"):
            MixtureOfLogisticRegressions(2).fit(X, np.zeros(60, int))


class TestInputOutputHMM:
    def test_recovers_the_strategies_of_the_source(self):
        data = datasets.make_io_hmm(1000, random_state=0)
        constraint = [
            (np.array([[s, 0.0], [0.0, t]]), np.zeros(2)) for s, t in ((1, 0), (-1, -1), (-1, 1))
        ]
        model = InputOutputHMM(
            3, fit_intercept=False, constraint=constraint, n_starts=3, random_state=0
        )
        model.fit(data.X, data.y)
        match = match_labels(model.labels_, data.labels, 3)
        assert match.accuracy > 0.9
        order = np.argsort(match.permutation)
        np.testing.assert_allclose(
            model.transition_[np.ix_(order, order)], data.transition, atol=0.04
        )

    def test_transitions_are_counted_within_sequences(self):
        model = InputOutputHMM(2, random_state=0, n_starts=2)
        model.fit(X, BINARY, breaks=[20, 40])
        expected = transition_matrix(model.labels_, 2, [20, 40])
        np.testing.assert_array_equal(model.transition_, expected)
        np.testing.assert_allclose(model.initial_, np.bincount(model.labels_, minlength=2) / 60)
        apart = InputOutputHMM(2, random_state=0, n_starts=2).fit(X, BINARY)
        assert apart.result_.objective != model.result_.objective
        assert model.factor_penalty == KLSmoothness(1.0)

    @pytest.mark.parametrize("inference", ["labels", "em", "viterbi"])
    def test_likelihood_of_a_choice_given_the_past(self, inference):
        """Forward recursion against the definition, which sums over all earlier labels."""
        model = InputOutputHMM(
            2, inference=inference, fit_intercept=False, n_starts=2, random_state=0
        )
        model.fit(X, BINARY)
        chances = expit(X @ model.coef_.T)
        chances = np.where(BINARY[:, None] == 1, chances, 1.0 - chances)
        belief, expected = model.initial_, []
        for row in chances:
            expected.append(np.log(belief @ row))
            belief = (belief * row / (belief @ row)) @ model.transition_
        np.testing.assert_allclose(model.log_likelihood(X, BINARY), expected, rtol=1e-8)
        assert model.score(X, BINARY) == pytest.approx(np.mean(expected))
        again = model.log_likelihood(np.vstack([X, X]), np.tile(BINARY, 2), breaks=[60])
        np.testing.assert_allclose(again, np.tile(expected, 2))

    def test_a_norm_silences_states(self):
        model = InputOutputHMM(2, norm=1e3, ridge=0.0, n_starts=2, random_state=0).fit(X, BINARY)
        np.testing.assert_array_equal(model.coef_, 0.0)
        np.testing.assert_array_equal(model.intercept_, 0.0)

    def test_choices_and_options_are_checked(self):
        with pytest.raises(ValueError, match="leave out trials without a response"):
            InputOutputHMM(2).fit(X, np.where(BINARY, 2, -1))
        with pytest.raises(ValueError, match="inference must be one of 'labels'"):
            InputOutputHMM(2, inference="guess").fit(X, BINARY)
        with pytest.raises(ValueError, match="break"):
            InputOutputHMM(2).fit(X, BINARY, breaks=[99])


class TestForgettingQLearning:
    def test_recovers_the_agent_of_the_source(self):
        agent = datasets.make_bandit_agent(400, random_state=0)
        model = ForgettingQLearning(2, directions=(1, -1), random_state=0)
        model.fit(agent.choice, agent.reward)
        assert match_labels(model.labels_, agent.labels, 2).accuracy > 0.88
        for sign, theta in zip((1, -1), model.coef_):
            effects = sign * theta
            assert effects.min() >= -1e-9
            assert np.diff(effects).max() <= 1e-9

    def test_is_a_model_of_the_lagged_rewards(self):
        """Without a penalty, labels are independent and the objective is that of a mixture."""
        agent = datasets.make_bandit_agent(120, random_state=1)
        model = ForgettingQLearning(2, factor_penalty=None, ridge=0.1, n_starts=2, random_state=0)
        model.fit(agent.choice, agent.reward)
        values = np.einsum("tij,kj->tki", agent.design, model.coef_)
        losses = np.log(np.exp(values).sum(axis=2)) - values[np.arange(120), :, agent.choice]
        expected = losses.min(axis=1).sum() + 0.05 * np.sum(model.coef_**2)
        assert model.result_.objective == pytest.approx(expected)
        assert model.n_arms_ == 3

    def test_features_add_parameters_and_explain_more(self):
        agent = datasets.make_bandit_agent(120, random_state=1)
        sizes, costs = [], []
        for features in (("reward",), ("reward", "choice"), ("reward", "choice", "bias")):
            model = ForgettingQLearning(1, n_lags=3, features=features, factor_penalty=None)
            model.fit(agent.choice, agent.reward)
            sizes.append(model.coef_.shape[1])
            costs.append(model.result_.objective)
        assert sizes == [3, 6, 8]
        assert costs == sorted(costs, reverse=True)

    def test_sessions_do_not_remember_each_other(self):
        agent = datasets.make_bandit_agent(100, random_state=2)
        model = ForgettingQLearning(
            2, factor_penalty=TotalVariation(1.0), n_starts=2, random_state=0
        )
        model.fit(agent.choice, agent.reward, breaks=[50])
        twice = model.log_likelihood(agent.choice, agent.reward, breaks=[50])
        halves = [model.log_likelihood(agent.choice[h], agent.reward[h])
                  for h in (slice(50), slice(50, None))]  # fmt: skip
        np.testing.assert_allclose(twice, np.concatenate(halves))
        assert model.score(agent.choice, agent.reward, breaks=[50]) == pytest.approx(twice.mean())

    def test_what_does_not_fit_together_is_said(self):
        choice, reward = np.array([0, 1, 1, 0]), np.ones(4)
        for model, sentence in (
            (ForgettingQLearning(2, directions=(1,)), "one entry for each of the 2 strategies"),
            (ForgettingQLearning(1, directions=(3,)), "directions must be 1, -1 or 0"),
            (ForgettingQLearning(2, features=("luck",)), "features must be among 'reward'"),
            (ForgettingQLearning(2, n_lags=0), "n_lags must be an integer of at least 1"),
        ):
            with pytest.raises(ValueError, match=sentence):
                model.fit(choice, reward)
        with pytest.raises(ValueError, match="one entry a trial, got 4 and 3"):
            ForgettingQLearning().fit(choice, reward[:3])
        with pytest.raises(ValueError, match="leave out trials without a response"):
            ForgettingQLearning().fit(np.array([0, -1, 1]), np.ones(3))
        with pytest.raises(ValueError, match="reward has 1 NaN"):
            ForgettingQLearning().fit(choice, np.array([0, 1, np.nan, 1]))
