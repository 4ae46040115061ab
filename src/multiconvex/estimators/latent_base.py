"""What the estimators of latent factors share."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from sklearn.base import BaseEstimator

from multiconvex.checks import check_count
from multiconvex.estimators.factorizations import as_generator
from multiconvex.models.latent.parameter_space import ParameterSpace
from multiconvex.models.latent.problem import LatentFactorProblem, SeparateFactors
from multiconvex.models.latent.selection import select_factors
from multiconvex.models.latent.starts import LatentFactorFit, fit_from_starts


@dataclass(eq=False, repr=False, kw_only=True)
class LatentFactorEstimator(BaseEstimator):
    """Factors that share one loss, and the options of their fit.

    Attributes
    ----------
    _count : str
        Name of the parameter that is the number of factors.
    """

    _count: ClassVar[str]

    n_starts: int = 10
    init: object = None
    max_iter: int = 200
    tol: float = 1e-8
    n_jobs: int | None = None
    callback: object = None
    random_state: object = None

    @abstractmethod
    def _prepare(self, *data):
        """Check the data of a fit; return their loss and the penalty of the labels."""

    @abstractmethod
    def _spaces(self, n_factors, loss):
        """Return one parameter space for each factor."""

    def select(self, K_range, *data, criterion="heldout", folds=5):
        """Compare numbers of factors, all else as this estimator says.

        Parameters
        ----------
        K_range : iterable of int
        *data
            What ``fit`` takes.
        criterion : {"heldout", "bic"}
            Log-likelihood of samples left out, or the Bayesian information criterion. Samples in
            sequence are left out in runs, and predicted from those before them.
        folds : int, default 5

        Returns
        -------
        Selection
            With ``.best``, ``.counts`` and ``.values``.
        """
        loss, penalty = self._prepare(*data)
        return select_factors(
            lambda count: self._emission(count, loss),
            penalty,
            K_range,
            criterion=criterion,
            folds=folds,
            random_state=as_generator(self.random_state),
            **self._fit_options,
        )

    @property
    def _fit_options(self):
        names = ("n_starts", "max_iter", "tol", "n_jobs")
        return {name: getattr(self, name) for name in names}

    def _emission(self, n_factors, loss):
        return SeparateFactors([loss] * n_factors, self._spaces(n_factors, loss))

    def _fit_problem(self, *data):
        """Fit, keep ``result_``, ``labels_`` and ``n_iter_``; return the result and the loss."""
        loss, penalty = self._prepare(*data)
        n_factors = check_count(self._count, getattr(self, self._count))
        best, starts = fit_from_starts(
            LatentFactorProblem(self._emission(n_factors, loss), penalty),
            init=self.init,
            random_state=as_generator(self.random_state),
            callback=self.callback,
            **self._fit_options,
        )
        self.result_ = LatentFactorFit(
            **vars(best), parameters=best.blocks["parameters"], starts=starts
        )
        self.labels_ = self.result_.labels
        self.n_iter_ = best.n_iter
        return self.result_, loss


def spaces_for(constraint, n_factors, size, **weights):
    """Return one parameter space for each factor, the same object where they are alike."""
    if not isinstance(constraint, list):
        return [ParameterSpace.from_pair(constraint, size, **weights)] * n_factors
    if len(constraint) != n_factors:
        raise ValueError(
            f"constraint must be one pair (A, b), or a list of {n_factors} of them (None where "
            f"there is none), got a list of {len(constraint)}."
        )
    return [ParameterSpace.from_pair(pair, size, **weights) for pair in constraint]
