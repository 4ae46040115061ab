"""k-means whose centres obey linear inequalities."""

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from multiconvex.checks import check_array
from multiconvex.estimators.latent_base import LatentFactorEstimator, spaces_for
from multiconvex.models.latent.sample_losses import CentreLoss


@dataclass(eq=False, repr=False)
class ConstrainedKMeans(
    ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin, LatentFactorEstimator
):
    r"""k-means clustering with linear inequalities on the centres.

    .. math:: \min_{\theta, z} \; \sum_i \sum_k z_{ik} \|x_i - \theta_k\|_2^2
              \quad\text{subject to}\quad A \theta_k \le b, \; z_i \in \text{simplex}

    Parameters
    ----------
    n_clusters : int, default 8
    constraint : tuple of ndarray, or list of them, optional
        ``(A, b)`` of shapes (p, n) and (p,): every centre satisfies ``A @ centre <= b``. A list
        of such pairs (None where there is none) gives each cluster its own.
    n_starts : int, default 10
        Random starts; the best is kept.
    init : ndarray, shape (m,) or (m, K), optional
        Labels or weights of the first start.
    max_iter, tol
        Most sweeps of a start, and the relative decrease of the objective below which it stops.
    n_jobs : int, optional
        Starts made at once, as in joblib; one after the other by default.
    callback : callable, optional
        Called after each sweep, as in :func:`multiconvex.alternate`; a true value ends the fit.
    random_state : None, int or numpy.random.Generator

    Attributes
    ----------
    cluster_centers_ : ndarray, shape (n_clusters, n_features)
    labels_ : ndarray of int, shape (n_samples,)
    inertia_ : float
        The objective.
    result_ : LatentFactorFit
    n_iter_, n_features_in_ : int

    Raises
    ------
    ValueError
        For fewer samples than clusters, a constraint of the wrong shape, or one that no point
        satisfies.

    Notes
    -----
    Guarantee: never increases the objective; ends at a blockwise minimiser.

    Cost: O(m K n) and K projections on the polyhedron per sweep.

    Chapter: :doc:`/chapters/latent_structure/constrained_kmeans`

    References
    ----------
    H. Zhu, S. Yan, J. Hoffmann and J. Boedecker, "Multi-convex programming for discrete latent
    factor models prototyping", 2025, problem (6.3).

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import ConstrainedKMeans
    >>> X = np.array([[0.0], [1.0], [8.0], [9.0]])
    >>> below_six = (np.array([[1.0]]), np.array([6.0]))
    >>> model = ConstrainedKMeans(2, constraint=below_six, random_state=0).fit(X)
    >>> np.sort(model.cluster_centers_.ravel())
    array([0.5, 6. ])
    """

    _count: ClassVar[str] = "n_clusters"

    n_clusters: int = 8
    _: KW_ONLY
    constraint: object = None

    def fit(self, X, y=None):
        """Fit the centres to the rows of ``X`` and return the estimator."""
        result, _ = self._fit_problem(X)
        self.cluster_centers_ = result.parameters
        self.inertia_ = result.objective
        return self

    def predict(self, X):
        """Return the nearest centre of each row."""
        return self._distances(X).argmin(axis=1)

    def transform(self, X):
        """Return the Euclidean distances to the centres, (n_samples, n_clusters)."""
        return np.sqrt(self._distances(X))

    def score(self, X, y=None):
        """Return minus the objective on ``X``."""
        return -float(self._distances(X).min(axis=1).sum())

    @property
    def _n_features_out(self):
        return len(self.cluster_centers_)

    def _prepare(self, X):
        plain = type(X) is np.ndarray and X.ndim == 2 and X.dtype == np.float64 and X.size
        if plain and X.flags.c_contiguous and not hasattr(self, "feature_names_in_"):
            self.n_features_in_ = check_array("X", X).shape[1]
        else:
            X = validate_data(self, X, dtype=np.float64, order="C")
        return CentreLoss(X), None

    def _spaces(self, n_factors, loss):
        return spaces_for(self.constraint, n_factors, loss.n_parameters)

    def _distances(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, order="C", reset=False)
        return CentreLoss(X).values(self.cluster_centers_)
