"""Mixtures of regressions."""

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from multiconvex.checks import check_option
from multiconvex.estimators.latent_base import LatentFactorEstimator, spaces_for
from multiconvex.models.latent.designs import choice_loss, with_intercept
from multiconvex.models.latent.likelihood import (
    fit_scale,
    label_weights,
    mixture_log_likelihood,
    negative_log_likelihoods,
)
from multiconvex.models.latent.links import Huber, Link, Power, Square
from multiconvex.models.latent.sample_losses import AffineLoss, SquaredLoss

_LINKS = {"square": Square(), "absolute": Power(1.0), "huber": Huber()}


@dataclass(eq=False, repr=False)
class MixtureOfLinearRegressions(RegressorMixin, LatentFactorEstimator):
    r"""Several linear regressions, each sample belonging to one of them.

    .. math:: \min_{\theta, z} \; \sum_i \sum_k z_{ik} \, \varphi(x_i^T \theta_k - y_i)
              + \sum_k \tfrac{\rho}{2} \|\theta_k\|_2^2
              \quad\text{subject to}\quad A \theta_k \le b, \; z_i \in \text{simplex}

    Parameters
    ----------
    n_components : int, default 2
    loss : {"square", "absolute", "huber"}, Power or Huber
        :math:`\varphi`; ``Power(p)`` is :math:`|u|^p`, ``Huber(delta)`` has its threshold.
    fit_intercept : bool, default True
        Whether a constant is added to the features; its coefficient comes last in constraints.
    ridge : float, default 0
        :math:`\rho`.
    constraint : tuple of ndarray, or list of them, optional
        ``(A, b)`` for all components, or one pair (or None) for each.
    n_starts, init, max_iter, tol, n_jobs, callback, random_state
        As in :class:`multiconvex.ConstrainedKMeans`.

    Attributes
    ----------
    coef_ : ndarray, shape (n_components, n_features)
    intercept_ : ndarray, shape (n_components,)
    weights_ : ndarray, shape (n_components,)
        Share of the samples in each component.
    scale_ : float
        Of the residuals: the density of a residual is proportional to ``exp(-loss / scale_)``.
    labels_ : ndarray of int, shape (n_samples,)
    result_ : LatentFactorFit
    n_iter_, n_features_in_ : int

    Notes
    -----
    Guarantee: never increases the objective; ends at a blockwise minimiser.

    Cost: O(m n^2 + K n^3) for squares, a few times that for other losses, per sweep.

    Chapter: :doc:`/chapters/latent_structure/mixtures_of_regressions`

    References
    ----------
    H. Zhu, S. Yan, J. Hoffmann and J. Boedecker, "Multi-convex programming for discrete latent
    factor models prototyping", 2025, problem (6.5).

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import MixtureOfLinearRegressions
    >>> x = np.linspace(-1.0, 1.0, 20)
    >>> y = np.where(np.arange(20) % 2, 3.0 * x, -x)
    >>> model = MixtureOfLinearRegressions(2, fit_intercept=False, random_state=0)
    >>> np.sort(model.fit(x[:, None], y).coef_.ravel()).round(6)
    array([-1.,  3.])
    """

    _count: ClassVar[str] = "n_components"

    n_components: int = 2
    _: KW_ONLY
    loss: object = "square"
    fit_intercept: bool = True
    ridge: float = 0.0
    constraint: object = None

    def fit(self, X, y):
        """Fit the regressions of ``y`` on the rows of ``X`` and return the estimator."""
        result, loss = self._fit_problem(X, y)
        n = self.n_features_in_
        self.coef_ = result.parameters[:, :n]
        self.intercept_ = result.parameters[:, n:].sum(axis=1)
        self.weights_ = label_weights(result.z)
        self.scale_ = fit_scale(loss, loss.values(result.parameters).min(axis=1))
        return self

    def predict(self, X):
        """Return the mean of the mixture at the rows of ``X``."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return (X @ self.coef_.T + self.intercept_) @ self.weights_

    def assign(self, X, y):
        """Return the component of smallest loss for each sample."""
        return self._checked_loss(X, y).values(self.result_.parameters).argmin(axis=1)

    def log_likelihood(self, X, y):
        """Return the log density of each sample under the mixture."""
        loss = self._checked_loss(X, y)
        losses = loss.values(self.result_.parameters)
        losses = negative_log_likelihoods(loss, losses, self.scale_)
        return mixture_log_likelihood(losses, self.weights_)

    def _prepare(self, X, y):
        return self._loss(*validate_data(self, X, y, dtype=np.float64, y_numeric=True)), None

    def _spaces(self, n_factors, loss):
        return spaces_for(self.constraint, n_factors, loss.n_parameters, ridge=self.ridge)

    def _checked_loss(self, X, y):
        check_is_fitted(self)
        options = {"dtype": np.float64, "y_numeric": True, "reset": False}
        return self._loss(*validate_data(self, X, y, **options))

    def _loss(self, X, y):
        design = with_intercept(X) if self.fit_intercept else X
        link = self._link()
        design, offset = design[:, None, :], -np.asarray(y, float)[:, None]
        if isinstance(link, Square):
            return SquaredLoss(design, offset)
        return AffineLoss(link, design, offset)

    def _link(self):
        if isinstance(self.loss, Link):
            return self.loss
        check_option("loss", self.loss, tuple(_LINKS))
        return _LINKS[self.loss]


@dataclass(eq=False, repr=False)
class MixtureOfLogisticRegressions(ClassifierMixin, LatentFactorEstimator):
    r"""Several logistic regressions, each sample belonging to one of them.

    .. math:: \min_{\theta, z} \; \sum_i \sum_k z_{ik}
              \Bigl(\log \sum_c e^{u_{ic}} - u_{i y_i}\Bigr)
              + \sum_k \tfrac{\rho}{2} \|\theta_k\|_2^2, \qquad u_{ic} = x_i^T \theta_{kc}

    With two classes the first one has :math:`u = 0`. Labels that a component explains perfectly
    would send its parameters to infinity: hence the ridge.

    Parameters
    ----------
    n_components : int, default 2
    fit_intercept : bool, default True
    ridge : float, default 1e-3
        :math:`\rho`.
    constraint : tuple of ndarray, or list of them, optional
        ``(A, b)`` for all components, or one pair (or None) for each; the parameters of a
        component are those of its classes one after the other.
    n_starts, init, max_iter, tol, n_jobs, callback, random_state
        As in :class:`multiconvex.ConstrainedKMeans`.

    Attributes
    ----------
    coef_ : ndarray, shape (n_components, n_predictors, n_features)
        One predictor for two classes, one for each class otherwise.
    intercept_ : ndarray, shape (n_components, n_predictors)
    classes_ : ndarray, shape (n_classes,)
    weights_ : ndarray, shape (n_components,)
    labels_ : ndarray of int, shape (n_samples,)
        Component of each sample.
    result_ : LatentFactorFit
    n_iter_, n_features_in_ : int

    Notes
    -----
    Guarantee: never increases the objective; ends at a blockwise minimiser.

    Cost: a few Newton steps of O(m n^2) for each component per sweep.

    Chapter: :doc:`/chapters/latent_structure/mixtures_of_regressions`

    References
    ----------
    H. Zhu, S. Yan, J. Hoffmann and J. Boedecker, "Multi-convex programming for discrete latent
    factor models prototyping", 2025, equations (3.4) and (3.5).

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import MixtureOfLogisticRegressions
    >>> x = np.linspace(-3.0, 3.0, 40)
    >>> y = np.where(np.arange(40) % 2, x > 0, x < 0)
    >>> model = MixtureOfLogisticRegressions(2, fit_intercept=False, random_state=0)
    >>> np.sign(np.sort(model.fit(x[:, None], y).coef_.ravel()))
    array([-1.,  1.])
    """

    _count: ClassVar[str] = "n_components"

    n_components: int = 2
    _: KW_ONLY
    fit_intercept: bool = True
    ridge: float = 1e-3
    constraint: object = None

    def fit(self, X, y):
        """Fit the regressions of the classes ``y`` on ``X`` and return the estimator."""
        result, loss = self._fit_problem(X, y)
        n = self.n_features_in_
        blocks = result.parameters.reshape(self.n_components, loss.design.shape[1], -1)
        self.coef_ = blocks[:, :, :n]
        self.intercept_ = blocks[:, :, n:].sum(axis=2)
        self.weights_ = label_weights(result.z)
        return self

    def predict_proba(self, X):
        """Return the probabilities of the classes under the mixture."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        codes = range(len(self.classes_))
        chances = [self._likelihood(X, np.full(len(X), code)) for code in codes]
        return np.exp(np.column_stack(chances))

    def predict(self, X):
        """Return the most probable class of each row."""
        chosen = self.predict_proba(X).argmax(axis=1)
        return self.classes_[chosen]

    def assign(self, X, y):
        """Return the component of smallest loss for each sample."""
        X, codes = self._check_pair(X, y)
        return self._losses(X, codes).argmin(axis=1)

    def log_likelihood(self, X, y):
        """Return the log probability of each class label under the mixture."""
        return self._likelihood(*self._check_pair(X, y))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # the component of a new sample is unknown: classes that it explains are not predicted
        tags.classifier_tags.poor_score = True
        return tags

    def _prepare(self, X, y):
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("y must have at least two classes, got one class.")
        return choice_loss(self._predictors(X), codes), None

    def _spaces(self, n_factors, loss):
        return spaces_for(self.constraint, n_factors, loss.n_parameters, ridge=self.ridge)

    def _check_pair(self, X, y):
        check_is_fitted(self)
        X, y = validate_data(self, X, y, dtype=np.float64, reset=False)
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y has classes that were not fitted: {unknown}.")
        return X, np.searchsorted(self.classes_, y)

    def _likelihood(self, X, codes):
        return mixture_log_likelihood(self._losses(X, codes), self.weights_)

    def _losses(self, X, codes):
        return choice_loss(self._predictors(X), codes).values(self.result_.parameters)

    def _predictors(self, X):
        features = with_intercept(X) if self.fit_intercept else X
        count = len(self.classes_)
        if count == 2:
            return features[:, None, :]
        m, n = features.shape
        design = np.zeros((m, count, count * n))
        for c in range(count):
            design[:, c, c * n : (c + 1) * n] = features
        return design
