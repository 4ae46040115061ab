"""Regressions of many tasks that use features in groups, known or learned."""

from abc import abstractmethod
from dataclasses import KW_ONLY, dataclass

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from multiconvex.estimators.factorizations import as_generator
from multiconvex.models.group_structure import learn_groups
from multiconvex.nested.group_regression import group_lasso
from multiconvex.nested.group_tasks import stack_tasks


class _TaskRegressor(BaseEstimator):
    """What both estimators share: one linear prediction for each task."""

    @abstractmethod
    def _solve(self, X, Y, options):
        """Return the result of the model function."""

    def fit(self, X, Y):
        """Fit the weights of all tasks and return the estimator.

        Parameters
        ----------
        X : ndarray of shape (T, N, P) or (N, P), or list of T arrays (N_t, P)
        Y : ndarray of shape (T, N), or list of T arrays (N_t,)
        """
        self.result_ = self._solve(X, Y, self.get_params(deep=False))
        self.coef_, self.theta_ = self.result_.coef, self.result_.theta
        self.n_iter_, self.n_features_in_ = self.result_.n_iter, self.coef_.shape[1]
        return self

    def predict(self, X):
        """Return the predictions of each task.

        Parameters
        ----------
        X : ndarray of shape (T, N, P) or (N, P), or list of T arrays (N_t, P)

        Returns
        -------
        ndarray of shape (T, N), or list of T arrays where ``X`` is a list
        """
        check_is_fitted(self)
        shared = isinstance(X, np.ndarray) and X.ndim == 2
        tables = [X] * len(self.coef_) if shared else list(X)
        stacked, _, rows = stack_tasks(tables, [np.zeros(len(table)) for table in tables])
        if stacked.shape[::2] != self.coef_.shape:
            raise ValueError(
                f"X must have as many tasks and features as in fit, {self.coef_.shape}, got "
                f"{stacked.shape[::2]}."
            )
        predictions = np.einsum("tnp,tp->tn", stacked, self.coef_)
        if isinstance(X, np.ndarray):
            return predictions
        return [prediction[:count] for prediction, count in zip(predictions, rows)]

    def score(self, X, Y):
        """Return the mean over tasks of the coefficient of determination."""
        return float(np.mean([r2_score(y, p) for y, p in zip(Y, self.predict(X), strict=True)]))


@dataclass(eq=False, repr=False)
class GroupLasso(_TaskRegressor):
    r"""Regressions of many tasks whose features are in groups that are known.

    .. math:: \min_{w_t} \; \tfrac12 \|y_t - X_t w_t\|_2^2 + \tfrac{\mu}{2} \|w_t\|_2^2
              + \lambda \sum_{l=1}^L \|\theta_l * w_t\|_2

    Parameters
    ----------
    groups : "singletons", array of int (P,), array (P, L) or list of index arrays
        As in :func:`multiconvex.group_lasso`; singletons are the lasso, and lists may overlap.
    lam, ridge, tol, max_iter
        As in :func:`multiconvex.group_lasso`.

    Attributes
    ----------
    coef_ : ndarray, shape (T, P)
    theta_ : ndarray, shape (P, L)
    active_ : ndarray of bool, shape (T, L)
        Which task uses which group.
    result_ : GroupRegression
        Duality gaps included.
    n_iter_, n_features_in_ : int

    Notes
    -----
    Guarantee: as :func:`multiconvex.group_lasso`.

    Cost: as :func:`multiconvex.group_lasso`.

    Chapter: :doc:`/chapters/learning/groups_of_features`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import GroupLasso
    >>> X = np.random.default_rng(0).standard_normal((3, 20, 4))
    >>> Y = X[:, :, 0] - X[:, :, 1]
    >>> GroupLasso([0, 0, 1, 1], lam=2.0).fit(X, Y).active_.all(axis=0)
    array([ True, False])
    """

    groups: object = "singletons"
    _: KW_ONLY
    lam: object = "auto"
    ridge: object = "auto"
    tol: float = 1e-8
    max_iter: int = 10_000

    @property
    def active_(self):
        """Which task uses which group."""
        return self.result_.active

    def _solve(self, X, Y, options):
        return group_lasso(X, Y, options.pop("groups"), **options)


@dataclass(eq=False, repr=False)
class GroupStructureLasso(_TaskRegressor):
    r"""Regressions of many tasks whose features are in groups that are learned.

    .. math:: \min_{\theta \in \Delta^P} \; \frac1T \sum_{t=1}^T \frac{1}{2 N_t'}
              \|y_t' - X_t' \hat w_t(\theta)\|_2^2

    with :math:`\hat w_t(\theta)` the solution of :class:`multiconvex.GroupLasso` on the other rows
    of the task.

    Parameters
    ----------
    n_groups : int, default 5
        Largest number of groups.
    lam, ridge, n_inner, outer, hypergradient, validation, memberships, candidates, parsimony
        As in :func:`multiconvex.learn_groups`.
    init, n_starts, max_iter, tol, callback, random_state
        As in :func:`multiconvex.learn_groups`.

    Attributes
    ----------
    theta_ : ndarray, shape (P, L)
        Memberships in the groups that were kept.
    groups_ : ndarray of int, shape (P,)
    n_groups_ : int
        Number of groups in use.
    coef_ : ndarray, shape (T, P)
    result_ : GroupStructure
    n_iter_, n_features_in_ : int

    Notes
    -----
    Guarantee: as :func:`multiconvex.learn_groups`.

    Cost: as :func:`multiconvex.learn_groups`.

    Chapter: :doc:`/chapters/learning/groups_of_features`

    References
    ----------
    J. Frecon, S. Salzo and M. Pontil, "Bilevel learning of the group Lasso structure", NeurIPS
    2018.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import GroupStructureLasso
    >>> rng = np.random.default_rng(0)
    >>> used = np.kron(np.eye(2)[rng.integers(2, size=40)], np.ones(3))
    >>> X = rng.standard_normal((40, 8, 6))
    >>> Y = np.einsum("tnp,tp->tn", X, used * rng.standard_normal((40, 6)))
    >>> model = GroupStructureLasso(2, n_inner=50, random_state=0).fit(X, Y)
    >>> model.n_groups_, bool(model.score(X, Y) > 0.9)
    (2, True)
    """

    n_groups: int = 5
    _: KW_ONLY
    lam: object = "auto"
    ridge: object = "auto"
    n_inner: int = 200
    outer: object = "saga"
    hypergradient: str = "reverse"
    validation: object = 0.5
    memberships: str = "simplex"
    candidates: int | None = None
    parsimony: float | None = 1.0
    init: object = "random"
    n_starts: int = 1
    max_iter: int = 500
    tol: float = 1e-3
    callback: object = None
    random_state: object = None

    @property
    def groups_(self):
        """The group of each feature."""
        return self.result_.groups

    @property
    def n_groups_(self):
        """Number of groups in use."""
        return self.result_.n_groups

    def _solve(self, X, Y, options):
        options["random_state"] = as_generator(self.random_state)
        return learn_groups(X, Y, options.pop("n_groups"), **options)
