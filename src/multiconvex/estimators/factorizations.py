"""scikit-learn estimators: thin shells around the model functions.

Their parameters are the keyword-only parameters of the functions, with ``n_components`` for the
rank; ``X`` has one sample per row, and ``components_`` is the transpose of the right factor.
"""

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from multiconvex.losses import Frobenius, KullbackLeibler, as_loss
from multiconvex.models.nmf import nmf
from multiconvex.models.separable_nmf import separable_nmf
from multiconvex.penalties import NonNegative
from multiconvex.regression import nnkl, nnls


class _Factorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """What both estimators share: checked input, ``fit`` through ``fit_transform``."""

    _accept_sparse = False

    def fit(self, X, y=None):
        """Fit the model to the rows of ``X`` and return the estimator."""
        self.fit_transform(X)
        return self

    def inverse_transform(self, X):
        """Return the data modelled by the weights ``X``, of shape (n_samples, n_features)."""
        check_is_fitted(self)
        return np.asarray(X) @ self.components_

    @property
    def _n_features_out(self):
        return self.components_.shape[0]

    def _validate(self, X, *, reset):
        X = validate_data(
            self,
            X,
            reset=reset,
            dtype=[np.float64, np.float32],
            accept_sparse="csr" if self._accept_sparse else False,
        )
        entries = X.data if hasattr(X, "tocsr") else X
        if entries.size and entries.min() < 0:
            raise ValueError(f"Negative values in data passed to {type(self).__name__}.")
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.input_tags.sparse = self._accept_sparse
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class NMF(_Factorizer):
    r"""Nonnegative matrix factorisation of samples in rows.

    .. math:: \min_{W \ge 0, H \ge 0} \; D(X, W H^T) + g_W(W) + g_H(H), \qquad
              \text{components} = H^T

    Parameters
    ----------
    n_components : int, default 2
    loss, penalties, update, init, acceleration, balancing, max_iter, tol, callback, random_state
        As in :func:`multiconvex.nmf`.

    Attributes
    ----------
    components_ : ndarray, shape (n_components, n_features)
    result_ : MatrixFactorization
        Of the fit, trace included.
    n_iter_ : int
    n_features_in_ : int

    Notes
    -----
    Guarantee: as :func:`multiconvex.nmf`.

    Cost: as :func:`multiconvex.nmf` per sweep.

    Chapter: :doc:`/chapters/foundations/low_rank_models`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import NMF
    >>> X = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]])
    >>> model = NMF(2, random_state=0).fit(X)
    >>> bool(np.abs(model.inverse_transform(model.transform(X)) - X).max() < 1e-3)
    True
    """

    _accept_sparse = True

    def __init__(
        self,
        n_components=2,
        *,
        loss="frobenius",
        penalties=(NonNegative(), NonNegative()),
        update=None,
        init="nndsvd",
        acceleration="auto",
        balancing="auto",
        max_iter=500,
        tol=1e-6,
        callback=None,
        random_state=None,
    ):
        self.n_components = n_components
        self.loss = loss
        self.penalties = penalties
        self.update = update
        self.init = init
        self.acceleration = acceleration
        self.balancing = balancing
        self.max_iter = max_iter
        self.tol = tol
        self.callback = callback
        self.random_state = random_state

    def fit_transform(self, X, y=None):
        """Fit the model and return the weights of the samples, (n_samples, n_components)."""
        X = self._validate(X, reset=True)
        options = {
            name: value
            for name, value in self.get_params(deep=False).items()
            if name != "n_components"
        }
        options["random_state"] = as_generator(self.random_state)
        self.result_ = nmf(X, self.n_components, **options)
        self.components_ = self.result_.H.T.copy()
        self.n_iter_ = self.result_.n_iter
        return self.transform(X)

    def transform(self, X):
        """Return the weights that fit the samples best for the fitted components."""
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        weights = self.penalties[0]
        if not isinstance(weights, NonNegative):
            raise TypeError(
                f"transform needs a NonNegative penalty on the weights, got "
                f"{type(weights).__name__}: read result_.W instead."
            )
        loss = as_loss(self.loss)
        solve = {Frobenius: nnls, KullbackLeibler: nnkl}.get(type(loss))
        if solve is None:
            raise TypeError(f"transform is not available for {type(loss).__name__}.")
        rule = {} if solve is nnls else {"update": "scalar_newton"}
        design = np.ascontiguousarray(self.components_.T, X.dtype)
        fit = solve(design, X.T, l1=weights.l1, l2=weights.l2, **rule)
        return np.ascontiguousarray(fit.x.T)


class SeparableNMF(_Factorizer):
    r"""Factorisation whose components are samples of the data.

    .. math:: X \approx W \, X_{\text{indices}}, \qquad W \ge 0

    Parameters
    ----------
    n_components : int, default 2
    method : {"snpa", "spa", "rank2"}
        As in :func:`multiconvex.separable_nmf`.

    Attributes
    ----------
    components_ : ndarray, shape (n_components, n_features)
        Rows of the training data.
    indices_ : ndarray of int, shape (n_components,)
        Which rows.
    n_features_in_ : int

    Notes
    -----
    Guarantee: as :func:`multiconvex.separable_nmf`.

    Cost: as :func:`multiconvex.separable_nmf` per sweep.

    Chapter: :doc:`/chapters/foundations/low_rank_models`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import SeparableNMF
    >>> X = np.array([[1.0, 0.0], [0.4, 0.6], [0.0, 3.0]])
    >>> SeparableNMF(2).fit(X).indices_.tolist()
    [0, 2]
    """

    def __init__(self, n_components=2, *, method="snpa"):
        self.n_components = n_components
        self.method = method

    def fit_transform(self, X, y=None):
        """Fit the model and return the weights of the samples, (n_samples, n_components)."""
        X = self._validate(X, reset=True)
        self.result_ = separable_nmf(X.T, self.n_components, method=self.method)
        self.indices_ = self.result_.indices
        self.components_ = X[self.indices_]
        return self.result_.H

    def transform(self, X):
        """Return the weights that fit the samples best for the selected components."""
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        return np.ascontiguousarray(nnls(np.ascontiguousarray(self.components_.T), X.T).x.T)


def as_generator(random_state):
    """Accept what scikit-learn accepts: an integer, None or a legacy RandomState."""
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    return random_state
