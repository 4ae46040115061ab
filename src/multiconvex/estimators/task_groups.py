"""A classifier whose classes are tasks that share directions in groups."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from multiconvex.estimators.factorizations import as_generator
from multiconvex.models.task_groups import learn_task_groups


class MultiTaskGroups(ClassifierMixin, BaseEstimator):
    r"""One logistic regression for each class against the rest, in groups of classes.

    .. math:: \min_{w, b} \; \sum_{t=1}^T \Bigl[ \sum_i \bigl( \log(1 + e^{z_{ti}}) - y_{ti} z_{ti}
              \bigr) + \tfrac\mu2 \|w_t\|^2 \Bigr]
              + \lambda \sum_{l=1}^L \|w \operatorname{diag}(\theta_l)\|_{\mathrm{tr}},
              \qquad z_{ti} = \langle x_i, w_t \rangle + b_t,

    where :math:`y_{ti}` is 1 where sample i is of class t, and memberships :math:`\theta` are
    learned from samples kept from the fit. Classes of a group share directions of their weights: a
    class with few samples borrows those of its relatives.

    Parameters
    ----------
    n_groups : int, default 3
        Largest number of groups.
    lam, ridge, n_inner, outer, folds, init, n_starts
        As in :func:`multiconvex.learn_task_groups`.
    max_iter, tol, callback, random_state
        As in :func:`multiconvex.learn_task_groups`.

    Attributes
    ----------
    classes_ : ndarray, shape (T,)
    theta_ : ndarray, shape (T, L)
        Memberships of the classes.
    groups_ : ndarray of int, shape (T,)
    n_groups_ : int
        Number of groups in use.
    coef_ : ndarray, shape (T, n_features)
    intercept_ : ndarray, shape (T,)
    result_ : TaskGroups
    n_iter_, n_features_in_ : int

    Raises
    ------
    ValueError
        For one class only, a class with fewer samples than parts, or options out of range.

    Notes
    -----
    Guarantee: as :func:`multiconvex.learn_task_groups`.

    Cost: as :func:`multiconvex.learn_task_groups`.

    Chapter: :doc:`/chapters/learning/groups_of_tasks`

    References
    ----------
    J. Frecon, S. Salzo and M. Pontil, "Unveiling groups of related tasks in multi-task learning",
    ICPR 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from multiconvex import MultiTaskGroups
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MultiTaskGroups(2, n_inner=20, max_iter=5, random_state=0).fit(X - X.mean(0), y)
    >>> bool(model.score(X - X.mean(0), y) > 0.8)
    True
    """

    def __init__(
        self,
        n_groups=3,
        *,
        lam="auto",
        ridge="auto",
        n_inner=60,
        outer="adaptive",
        folds=2,
        init="random",
        n_starts=1,
        max_iter=50,
        tol=1e-4,
        callback=None,
        random_state=None,
    ):
        self.n_groups = n_groups
        self.lam = lam
        self.ridge = ridge
        self.n_inner = n_inner
        self.outer = outer
        self.folds = folds
        self.init = init
        self.n_starts = n_starts
        self.max_iter = max_iter
        self.tol = tol
        self.callback = callback
        self.random_state = random_state

    def fit(self, X, y):
        """Learn the groups, fit the classifiers to all samples, and return the estimator."""
        X, y = validate_data(self, X, y, dtype=np.float64, order="C")
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has {len(self.classes_)} class: one class cannot be told from others, give "
                "samples of two at least."
            )
        options = self.get_params(deep=False)
        options["random_state"] = as_generator(self.random_state)
        tasks = (y == self.classes_[:, None]).astype(float)
        self.result_ = learn_task_groups(X, tasks, options.pop("n_groups"), **options)
        self.theta_, self.groups_ = self.result_.theta, self.result_.groups
        self.n_groups_, self.n_iter_ = self.result_.n_groups, self.result_.n_iter
        self.coef_, self.intercept_ = self.result_.coef, self.result_.intercept
        return self

    def decision_function(self, X):
        """Return the log-odds of each class against the rest, (n_samples, T).

        With two classes, half the difference of the two: one number for each sample.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        scores = X @ self.coef_.T + self.intercept_
        return 0.5 * (scores[:, 1] - scores[:, 0]) if len(self.classes_) == 2 else scores

    def predict(self, X):
        """Return the class of largest log-odds of each sample."""
        scores = self.decision_function(X)
        best = scores > 0 if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[np.asarray(best, int)]
