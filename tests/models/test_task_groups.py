"""Classifiers whose tasks are in groups, known or learned."""

import inspect

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import estimator_checks_generator

from multiconvex import (
    ConvergenceWarning,
    MultiTaskGroups,
    ProjectedGradient,
    Simplex,
    grouped_logistic,
    learn_task_groups,
)
from multiconvex.models.task_folds import deal_tasks, labelled_tasks

QUICK = {"n_inner": 10, "max_iter": 4}
RULES = [
    pytest.param(*rule, id=rule[1].func.__name__)
    for rule in estimator_checks_generator(MultiTaskGroups(2, random_state=0, **QUICK))
    if rule[1].func.__name__ != "check_array_api_input"
]


def plant(n_tasks=12, n_features=6, n_samples=40, seed=0):
    """Tasks in two groups, each along a direction of its own."""
    rng = np.random.default_rng(seed)
    groups = np.arange(n_tasks) % 2
    directions = np.linalg.qr(rng.standard_normal((n_features, 2)))[0].T
    weights = 4.0 * directions[groups] * rng.choice([-1.0, 1.0], (n_tasks, 1))
    X = rng.standard_normal((n_tasks, n_samples, n_features))
    odds = np.einsum("tnp,tp->tn", X, weights)
    return X, (rng.random(odds.shape) < 1.0 / (1.0 + np.exp(-odds))).astype(float), groups


X, Y, GROUPS = plant()


def objective(fit, X, Y):
    z = np.einsum("tnp,tp->tn", X, fit.coef) + fit.intercept[:, None]
    value = np.sum(np.logaddexp(0, z) - Y * z) + 0.5 * fit.ridge * np.sum(fit.coef**2)
    norms = [np.linalg.svd(column[:, None] * fit.coef, compute_uv=False) for column in fit.theta.T]
    return value + fit.lam * np.sum(norms)


class TestKnownGroups:
    def test_without_trace_norm_each_task_is_a_ridge_regression(self):
        fit = grouped_logistic(X, Y, lam=0.0, ridge=0.5)
        for table, y, coef, intercept in zip(X, Y, fit.coef, fit.intercept):
            alone = LogisticRegression(C=2.0, tol=1e-10).fit(table, y)
            np.testing.assert_allclose(coef, alone.coef_[0], atol=1e-5)
            assert intercept == pytest.approx(alone.intercept_[0], abs=1e-5)

    def test_the_gap_bounds_what_is_left(self):
        rough = grouped_logistic(X, Y, GROUPS, lam=4.0, ridge=1.0, tol=1e-2)
        fine = grouped_logistic(X, Y, GROUPS, lam=4.0, ridge=1.0, tol=1e-5, max_iter=20_000)
        excess = objective(rough, X, Y) - objective(fine, X, Y)
        assert -fine.gap <= excess <= rough.gap
        assert fine.gap <= 1e-5 * objective(fine, X, Y) < rough.gap

    def test_it_stops_where_the_gap_is_small_against_the_whole_objective(self):
        options = {"lam": 4.0, "ridge": 8.0}
        for tol in (1e-3, 1e-4, 1e-5, 1e-6):
            fit = grouped_logistic(10.0 * X, Y, GROUPS, tol=tol, **options)
            assert fit.gap <= tol * objective(fit, 10.0 * X, Y)
            with pytest.warns(ConvergenceWarning):
                before = grouped_logistic(
                    10.0 * X, Y, GROUPS, tol=tol, max_iter=fit.n_iter - 10, **options
                )
            assert before.gap > tol * objective(before, 10.0 * X, Y)

    def test_one_task_to_a_group_is_a_norm_for_each(self):
        fit = grouped_logistic(X[:2], Y[:2], np.arange(2), lam=3.0, ridge=1.0, tol=1e-6)
        for t in range(2):

            def value(p, t=t):
                z = X[t] @ p[:-1] + p[-1]
                norm = np.sqrt(np.sum(p[:-1] ** 2) + 1e-18)
                return np.sum(np.logaddexp(0, z) - Y[t] * z) + 0.5 * norm**2 + 3.0 * norm

            found = np.append(fit.coef[t], fit.intercept[t])
            assert value(found) <= minimize(value, found).fun + 1e-3

    def test_heavier_norms_leave_one_direction_in_each_group(self):
        shares = []
        for lam in (0.5, 8.0, 16.0):
            fit = grouped_logistic(X, Y, GROUPS, lam=lam, ridge=1.0, tol=1e-4)
            values = [
                np.linalg.svd(fit.coef[group == GROUPS], compute_uv=False) for group in (0, 1)
            ]
            shares.append(max(s[1] / s[0] for s in values))
        assert shares[0] > 0.2 and shares[1] < 0.5 * shares[0] and shares[2] < 0.01

    def test_weights_vanish_from_the_spectral_norm_of_the_slopes_on(self):
        slopes = np.einsum("tnp,tn->tp", X, Y - Y.mean(axis=1, keepdims=True))
        most = np.linalg.norm(slopes, 2)
        below, above = (
            grouped_logistic(X, Y, lam=f * most, ridge=1.0, tol=1e-4, max_iter=9000)
            for f in (0.8, 1.05)
        )
        # The ridge makes the objective strongly convex: the gap bounds the distance to zero.
        assert np.linalg.norm(above.coef) <= np.sqrt(2.0 * above.gap)
        assert np.linalg.norm(below.coef) > 2.0 * np.sqrt(2.0 * below.gap)
        assert labelled_tasks(X, Y, "auto", 1.0)[1] == pytest.approx(0.2 * most)

    def test_columns_and_labels_are_the_same_groups(self):
        options = {"lam": 4.0, "ridge": 1.0}
        one = grouped_logistic(X, Y, GROUPS, **options)
        other = grouped_logistic(list(X), list(Y), np.eye(2)[GROUPS], **options)
        np.testing.assert_array_equal(one.coef, other.coef)

    def test_too_few_steps_are_reported(self):
        with pytest.warns(ConvergenceWarning, match="The duality gap is still"):
            grouped_logistic(X, Y, lam=4.0, tol=1e-9, max_iter=10)

    def test_what_is_wrong_is_said(self):
        with pytest.raises(ValueError, match="12 nonnegative integers, one for each task"):
            grouped_logistic(X, Y, [0, 1])
        with pytest.raises(ValueError, match="lam must be a finite nonnegative number"):
            grouped_logistic(X, Y, lam=-1.0)
        with pytest.raises(ValueError, match="lam must be one of 'auto'"):
            grouped_logistic(X, Y, lam="much")


class TestParts:
    @pytest.mark.parametrize("folds", [2, 3])
    def test_every_sample_judges_once_and_classes_have_their_share(self, folds):
        deals = deal_tasks(X, Y, folds, np.random.default_rng(0))
        for t in range(len(Y)):
            judged = np.concatenate([judging[0][t] for _, judging in deals])
            np.testing.assert_array_equal(np.sort(judged, axis=0), np.sort(X[t], axis=0))
            for training, judging in deals:
                assert len(training[1][t]) + len(judging[1][t]) == len(Y[t])
                assert abs(judging[1][t].sum() - Y[t].sum() / folds) < 1.0

    def test_a_shared_table_stays_shared(self):
        classes = np.repeat(np.arange(3), 8)
        tasks = (classes == np.arange(3)[:, None]).astype(float)
        for training, judging in deal_tasks(X[0, :24], tasks, 2, np.random.default_rng(0)):
            for tables, labels in (training, judging):
                assert all(table is tables[0] for table in tables)
                np.testing.assert_array_equal(np.sum(labels, axis=0), 1.0)

    def test_a_class_too_small_for_the_parts_is_refused(self):
        scarce = Y.copy()
        scarce[3] = np.arange(Y.shape[1]) == 5
        with pytest.raises(ValueError, match="Task 3 has too few samples with label 1 for 2 parts"):
            learn_task_groups(X, scarce, 2)


class TestLearnedGroups:
    def test_planted_groups_are_found(self):
        fit = learn_task_groups(X, Y, 2, n_inner=40, max_iter=30, random_state=0)
        assert adjusted_rand_score(GROUPS, fit.groups) == 1.0
        assert fit.n_groups == 2
        assert fit.trace.objective[-1] < fit.trace.objective[0]
        assert Simplex().value(fit.theta) == 0.0
        assert fit.coef.shape == (12, 6) and fit.intercept.shape == (12,)

    def test_whole_gradients_never_raise_the_validation_loss(self):
        fit = learn_task_groups(
            X, Y, 2, outer=ProjectedGradient(), tol=0, random_state=0, n_inner=20, max_iter=8
        )
        assert np.all(np.diff(fit.trace.objective) <= 1e-12)
        named = learn_task_groups(
            X, Y, 2, outer="gradient", tol=0, random_state=0, n_inner=20, max_iter=8
        )
        np.testing.assert_array_equal(named.theta, fit.theta)

    def test_equal_memberships_are_told_apart(self):
        start = np.full((12, 2), 0.5)
        fit = learn_task_groups(X, Y, 2, init=start, random_state=0, n_inner=40, max_iter=30)
        assert adjusted_rand_score(GROUPS, fit.groups) == 1.0
        np.testing.assert_array_equal(start, 0.5)

    def test_no_steps_return_the_start(self):
        start = Simplex().prox(np.random.default_rng(0).random((12, 3)), 1.0)
        fit = learn_task_groups(X, Y, 3, init=start, n_inner=10, max_iter=0, random_state=0)
        np.testing.assert_allclose(fit.theta, start)
        assert fit.n_iter == 0

    def test_the_same_seed_gives_the_same_fit(self):
        one, other = (learn_task_groups(X, Y, 3, random_state=5, **QUICK) for _ in range(2))
        np.testing.assert_array_equal(one.coef, other.coef)
        assert not np.array_equal(
            one.theta, learn_task_groups(X, Y, 3, random_state=6, **QUICK).theta
        )

    def test_the_best_start_is_kept(self):
        fit = learn_task_groups(X, Y, 3, n_starts=3, random_state=0, **QUICK)
        assert len(fit.starts) == 3 and fit.objective == fit.starts.min()

    def test_a_callback_sees_the_objective_and_stops(self):
        seen = []

        def stop_at_two(sweep):
            seen.append(sweep.objective)
            return len(seen) == 2

        fit = learn_task_groups(X, Y, 2, callback=stop_at_two, random_state=0, n_inner=10)
        assert fit.status == "stopped" and fit.n_iter == 2
        np.testing.assert_array_equal(seen, fit.trace.objective[1:3])

    @pytest.mark.parametrize(
        "changed", [{"lam": 1.0}, {"ridge": 2.0}, {"n_inner": 5}, {"folds": 3}, {"tol": 0.9}]
    )
    def test_options_change_the_fit(self, changed):
        options = {"n_inner": 10, "max_iter": 6, "random_state": 0}
        plain = learn_task_groups(X, Y, 2, **options)
        assert not np.array_equal(learn_task_groups(X, Y, 2, **options | changed).coef, plain.coef)

    def test_what_is_wrong_is_said(self):
        with pytest.raises(ValueError, match="n_groups must be an integer"):
            learn_task_groups(X, Y, 0)
        with pytest.raises(ValueError, match="outer must be one of 'adaptive', 'gradient'"):
            learn_task_groups(X, Y, 2, outer="saga")
        with pytest.raises(ValueError, match="init must be one of 'random'"):
            learn_task_groups(X, Y, 2, init="uniform")
        with pytest.raises(ValueError, match="folds must be an integer of at least 2"):
            learn_task_groups(X, Y, 2, folds=1)


class TestMultiTaskGroups:
    features, species = load_iris(return_X_y=True)
    centred = features - features.mean(axis=0)

    @pytest.mark.parametrize(("estimator", "check"), RULES)
    def test_scikit_learn_rules(self, estimator, check):
        check(estimator)

    def test_parameters_are_those_of_the_function(self):
        ours, theirs = (
            {
                name: p.default
                for name, p in inspect.signature(f).parameters.items()
                if p.kind is p.KEYWORD_ONLY
            }
            for f in (MultiTaskGroups, learn_task_groups)
        )
        assert ours == theirs

    def test_it_fits_what_the_function_fits(self):
        model = MultiTaskGroups(2, random_state=0, **QUICK).fit(self.centred, self.species)
        tasks = (self.species == np.arange(3)[:, None]).astype(float)
        fit = learn_task_groups(self.centred, tasks, 2, random_state=0, **QUICK)
        np.testing.assert_array_equal(model.coef_, fit.coef)
        np.testing.assert_array_equal(model.theta_, fit.theta)
        scores = self.centred @ fit.coef.T + fit.intercept
        np.testing.assert_array_equal(model.predict(self.centred), scores.argmax(axis=1))

    def test_two_classes_have_one_score(self):
        kept = self.species < 2
        names = np.array(["setosa", "versicolor"])[self.species[kept]]
        model = MultiTaskGroups(2, random_state=0, **QUICK).fit(self.centred[kept], names)
        assert model.decision_function(self.centred[kept]).shape == (100,)
        assert model.score(self.centred[kept], names) == 1.0

    def test_what_is_wrong_is_said(self):
        with pytest.raises(NotFittedError):
            MultiTaskGroups().predict(self.centred)
        with pytest.raises(ValueError, match="one class cannot be told from others"):
            MultiTaskGroups().fit(self.centred, np.zeros(150, int))
