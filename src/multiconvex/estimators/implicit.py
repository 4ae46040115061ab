"""Implicit prediction rules behind the interface of scikit-learn."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from multiconvex.estimators.factorizations import as_generator
from multiconvex.models.implicit import implicit_network


class _ImplicitEstimator(BaseEstimator):
    """What both estimators share: standardised inputs, and one fit of an implicit network."""

    def __init__(
        self,
        hidden=100,
        *,
        method="biconvex",
        well_posed="spectral",
        lam=0.01,
        ridge=None,
        training_ridge=1.0,
        tether=100.0,
        dual_steps=0,
        loss="squared",
        init=None,
        early_stopping=False,
        max_iter=None,
        tol=None,
        callback=None,
        random_state=None,
    ):
        self.hidden = hidden
        self.method = method
        self.well_posed = well_posed
        self.lam = lam
        self.ridge = ridge
        self.training_ridge = training_ridge
        self.tether = tether
        self.dual_steps = dual_steps
        self.loss = loss
        self.init = init
        self.early_stopping = early_stopping
        self.max_iter = max_iter
        self.tol = tol
        self.callback = callback
        self.random_state = random_state

    def _fit_network(self, X, Y):
        """Fit the network to standardised inputs, and keep it."""
        self.input_mean_, self.input_scale_ = X.mean(axis=0), _scale(X)
        options = self.get_params(deep=False) | {"random_state": as_generator(self.random_state)}
        self.result_ = implicit_network(self._standardised(X), Y, **options)
        self.certificate_ = self.result_.certificate
        self.n_iter_ = max(1, self.result_.n_iter)

    def _standardised(self, X):
        return (X - self.input_mean_) / self.input_scale_

    def _outputs(self, X):
        """Return what the readout says at the equilibrium."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self.result_.predict(self._standardised(X))


class ImplicitRegressor(MultiOutputMixin, RegressorMixin, _ImplicitEstimator):
    r"""Regression by a rule whose hidden states solve an equation.

    .. math:: \hat y = A x + B u + c, \qquad x = (D x + E u + f)_+ .

    Inputs and targets are standardised before the fit; weights of penalties are for those.

    Parameters
    ----------
    hidden : int, default 100
        Number of hidden units, the size of x.
    method, well_posed, lam, ridge, training_ridge, tether, dual_steps, loss, init, early_stopping,
    max_iter, tol, callback, random_state
        As in :func:`multiconvex.implicit_network`.

    Attributes
    ----------
    result_ : ImplicitNetwork
        Of the fit, on standardised inputs and targets, trace included.
    certificate_ : Certificate
        What proves that every input has one state.
    input_mean_, input_scale_ : ndarray, shape (n_features,)
    n_iter_ : int
        Sweeps or steps; one for random features.
    n_features_in_ : int

    Notes
    -----
    Guarantee: as :func:`multiconvex.implicit_network`; predictions are those of the equilibrium.

    Cost: as :func:`multiconvex.implicit_network`; O(h (h + n)) a step and sample to predict.

    Chapter: :doc:`/chapters/learning/training_implicit_models`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import ImplicitRegressor
    >>> x = np.linspace(-3.0, 3.0, 100)[:, None]
    >>> model = ImplicitRegressor(20, method="implicit_gradient", random_state=0)
    >>> model.fit(x, np.abs(x[:, 0])).score(x, np.abs(x[:, 0])) > 0.99
    True
    """

    def fit(self, X, y):
        """Fit the rule to the rows of ``X`` and their targets and return the estimator."""
        X, y = validate_data(
            self, X, y, dtype=np.float64, y_numeric=True, multi_output=True, ensure_min_samples=2
        )
        targets = np.asarray(y, float)
        self._single = targets.ndim == 1
        targets = targets.reshape(len(targets), -1)
        self._target_mean, self._target_scale = targets.mean(axis=0), _scale(targets)
        self._fit_network(X, (targets - self._target_mean) / self._target_scale)
        return self

    def predict(self, X):
        """Return the targets that the rule predicts for the rows of ``X``."""
        predictions = self._outputs(X) * self._target_scale + self._target_mean
        return predictions[:, 0] if self._single else predictions


class ImplicitClassifier(ClassifierMixin, _ImplicitEstimator):
    r"""Classification by a rule whose hidden states solve an equation.

    .. math:: \hat y = A x + B u + c, \qquad x = (D x + E u + f)_+ ,

    with one output for each class; the largest decides. Inputs are standardised before the fit.

    Parameters
    ----------
    hidden : int, default 100
        Number of hidden units, the size of x.
    loss : {"squared", "logistic"}
        Squared error to the indicators of the classes, or the negative log-likelihood of the
        classes under probabilities proportional to :math:`e^{\hat y}`, which
        ``method="implicit_gradient"`` can minimise.
    method, well_posed, lam, ridge, training_ridge, tether, dual_steps, init, early_stopping,
    max_iter, tol, callback, random_state
        As in :func:`multiconvex.implicit_network`.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    result_, certificate_, input_mean_, input_scale_, n_iter_, n_features_in_
        As in :class:`multiconvex.ImplicitRegressor`; targets are the indicators of the classes.

    Notes
    -----
    Guarantee: as :func:`multiconvex.implicit_network`.

    Cost: as :class:`multiconvex.ImplicitRegressor`, with one output a class.

    Chapter: :doc:`/chapters/learning/training_implicit_models`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import ImplicitClassifier
    >>> X = np.random.default_rng(0).uniform(-1.0, 1.0, (200, 2))
    >>> inside = (X**2).sum(axis=1) < 0.5
    >>> model = ImplicitClassifier(20, method="implicit_gradient", loss="logistic", random_state=0)
    >>> model.fit(X, inside).score(X, inside) > 0.95
    True
    """

    def fit(self, X, y):
        """Fit the rule to the rows of ``X`` and their classes and return the estimator."""
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("y must have at least two classes, got one class.")
        self._fit_network(X, np.eye(len(self.classes_))[codes])
        return self

    def decision_function(self, X):
        """Return the outputs (n_samples, n_classes); with two classes, their difference."""
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if len(self.classes_) == 2 else outputs

    def predict(self, X):
        """Return the class of the largest output for the rows of ``X``."""
        chosen = self._outputs(X).argmax(axis=1)
        return self.classes_[chosen]


def _scale(columns):
    """Return the standard deviation of each column, one where it is constant."""
    deviation = columns.std(axis=0)
    return np.where(deviation > 1e-12 * np.abs(columns).max(axis=0), deviation, 1.0)
