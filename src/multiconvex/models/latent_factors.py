r"""Discrete latent factor models written as formulas."""

import numpy as np

from multiconvex.chains import IndependentLabels, LabelPenalty
from multiconvex.models.latent.problem import LatentFactorProblem, SeparateFactors, shared
from multiconvex.models.latent.selection import select_factors
from multiconvex.models.latent.starts import LatentFactorFit, fit_from_starts

try:
    import cvxpy as cp

    from multiconvex.models.latent import expressions, programs
    from multiconvex.models.latent.formula_checks import (
        as_factors,
        check_constraints,
        check_losses,
        check_penalty,
        check_variables,
    )
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"Models written as formulas need {error.name}: pip install multiconvex[programs]"
    ) from error


class LatentFactorModel:
    r"""A discrete latent factor model, from its losses as CVXPY expressions.

    .. math:: \min_{\theta, z} \; \sum_i \sum_k z_{ik} f_k(x_i, y_i; \theta_k) + R_\theta(\theta)
              + R_z(z) \quad\text{subject to}\quad \theta \in C, \; z_i \in \text{simplex}

    Parameters
    ----------
    parameters : sequence of cvxpy.Variable, or of lists of them
        One parameter object for each of the K factors.
    losses : sequence of cvxpy.Expression
        One for each factor, convex, of shape (m,): its entries are the losses of the samples.
    parameter_penalty : cvxpy.Expression, optional
        Convex, scalar.
    parameter_constraints : sequence of cvxpy.Constraint, default ()
    factor_penalty : LabelPenalty or callable, optional
        ``KLSmoothness(weight)``, ``TotalVariation(weight)``, or a function that takes the labels
        ``z``, a variable of shape (m, K), to a convex expression.
    factor_constraints : callable, optional
        A function that takes ``z`` to a list of constraints.

    Raises
    ------
    ValueError
        For losses that are not convex, of the wrong shape or not finite, constraints whose sides
        are broadcast against each other, or a number of factors that does not fit.

    Notes
    -----
    Guarantee: never increases the objective; ends at a blockwise minimiser.

    Cost: squares, absolute values, Huber, logistic and log-sum-exp losses of linear predictors
    have their own solvers; for others, a compiled conic problem per sweep.

    Chapter: :doc:`/chapters/latent_structure/discrete_latent_factor_models`

    Without a penalty on the labels the relaxation to the simplex is exact: the step on them is an
    argmin.

    References
    ----------
    H. Zhu, S. Yan, J. Hoffmann and J. Boedecker, "Multi-convex programming for discrete latent
    factor models prototyping", 2025, problems (4.3) and (4.6).

    Examples
    --------
    >>> import cvxpy as cp
    >>> import numpy as np
    >>> from multiconvex import LatentFactorModel
    >>> x = np.array([0.0, 0.1, 4.0, 4.1])
    >>> centres = [cp.Variable() for _ in range(2)]
    >>> model = LatentFactorModel(centres, [cp.square(x - centre) for centre in centres])
    >>> fit = model.fit(random_state=0)
    >>> np.sort(fit.parameters).round(6)
    array([0.05, 4.05])
    """

    def __init__(
        self,
        parameters,
        losses,
        *,
        parameter_penalty=None,
        parameter_constraints=(),
        factor_penalty=None,
        factor_constraints=None,
    ):
        parameters = list(parameters)
        self._factors = as_factors(parameters)
        self._single = all(isinstance(given, cp.Variable) for given in parameters)
        self._losses = check_losses(losses, self._factors)
        self._penalty = check_penalty(parameter_penalty)
        self._constraints = check_constraints(parameter_constraints)
        check_variables([*self._penalty, *self._constraints], self._factors)
        self._factor_penalty = factor_penalty
        self._factor_constraints = factor_constraints

    @property
    def n_factors(self):
        """Number of factors."""
        return len(self._losses)

    def fit(
        self,
        *,
        n_starts=10,
        init=None,
        random_state=None,
        max_iter=200,
        tol=1e-8,
        n_jobs=None,
        callback=None,
    ):
        """Fit from several starts and keep the best.

        Parameters
        ----------
        n_starts : int, default 10
        init : ndarray, shape (m,) or (m, K), optional
            Labels or weights of the first start; the others are random.
        random_state : None, int or numpy.random.Generator
        max_iter : int, default 200
            Most sweeps of a start.
        tol : float, default 1e-8
            Relative decrease of the objective, penalties included, below which a start ends.
        n_jobs : int, optional
            Starts made at once, as in joblib; one after the other by default.
        callback : callable, optional
            As in :func:`multiconvex.alternate`; a true value ends the fit.

        Returns
        -------
        LatentFactorFit
            The variables hold the values of ``parameters`` afterwards.
        """
        emission = self._emission(self._losses)
        best, starts = fit_from_starts(
            LatentFactorProblem(emission, self._label_penalty(emission.n_samples)),
            n_starts=n_starts,
            init=init,
            random_state=random_state,
            max_iter=max_iter,
            tol=tol,
            n_jobs=n_jobs,
            callback=callback,
        )
        for factor, theta, size in zip(self._factors, best.blocks["parameters"], emission.sizes):
            expressions.settle(factor, theta[:size])
        self._fitted = best.blocks["parameters"]
        return LatentFactorFit(**vars(best), parameters=self._values(), starts=starts)

    def select(
        self,
        K_range,
        *,
        criterion="heldout",
        folds=5,
        n_starts=10,
        random_state=None,
        max_iter=200,
        tol=1e-8,
        n_jobs=None,
    ):
        """Compare numbers of factors that are all like the first one.

        Parameters
        ----------
        K_range : iterable of int
        criterion : {"heldout", "bic"}
            Log-likelihood of samples left out, or the Bayesian information criterion. Losses are
            read as negative log-likelihoods, those of residuals up to a scale.
        folds : int, default 5
        n_starts, random_state, max_iter, tol, n_jobs
            As in :meth:`fit`.

        Returns
        -------
        Selection
            With ``.best``, ``.counts`` and ``.values``.
        """
        penalty = self._label_penalty(self._losses[0].size)
        if isinstance(penalty, programs.ProgramLabels):
            raise TypeError("select needs labels with KLSmoothness, TotalVariation or no penalty.")
        return select_factors(
            self._copies,
            None if isinstance(penalty, IndependentLabels) else penalty,
            K_range,
            criterion=criterion,
            folds=folds,
            random_state=random_state,
            n_starts=n_starts,
            max_iter=max_iter,
            tol=tol,
            n_jobs=n_jobs,
        )

    def _copies(self, count):
        """Return the emission of ``count`` factors like the first one."""
        first = {variable.id for variable in self._factors[0]}
        pieces = [p for p in [*self._penalty, *self._constraints] if _ids(p) & first]
        if any(_ids(piece) - first for piece in [*pieces, self._losses[0]]):
            raise ValueError(
                "select copies the first factor, which shares a loss, a penalty or a constraint "
                "with another one: fit models of several sizes and compare their scores."
            )
        copies = [
            expressions.copy_factor(self._factors[0], self._losses[0], pieces) for _ in range(count)
        ]
        factors, losses, pieces = (list(column) for column in zip(*copies))
        terms = [p for mine in pieces for p in mine if isinstance(p, cp.Expression)]
        constraints = [p for mine in pieces for p in mine if not isinstance(p, cp.Expression)]
        model = LatentFactorModel(
            factors,
            losses,
            parameter_penalty=sum(terms) if terms else None,
            parameter_constraints=constraints,
        )
        return model._emission(model._losses)

    def predict(self, losses):
        """Return the labels (m,) of new data.

        Parameters
        ----------
        losses : sequence of cvxpy.Expression
            As given to the model, on the new data, of the same variables. Penalties that are
            :class:`~multiconvex.LabelPenalty` connect the new samples too.

        Returns
        -------
        ndarray of int, shape (m,)
        """
        values = self._new_losses(losses)
        penalty = self._label_penalty(len(values))
        return penalty.minimize(values, np.full(values.shape, 1.0 / self.n_factors)).argmax(axis=1)

    def score(self, losses):
        """Return minus the mean over new samples of the loss under their predicted label."""
        values = self._new_losses(losses)
        return -float(values[np.arange(len(values)), self.predict(losses)].mean())

    def _new_losses(self, losses):
        if not hasattr(self, "_fitted"):
            raise RuntimeError("The model has no parameters yet: call fit first.")
        return self._emission(check_losses(losses, self._factors)).values(self._fitted)

    def _emission(self, losses):
        """Return the losses with their own solvers, or compiled where there are none."""
        alone = self._separate(losses)
        if alone is not None:
            return alone
        return programs.ProgramEmission(self._factors, losses, self._penalty, self._constraints)

    def _separate(self, losses):
        pieces = [*self._penalty, *self._constraints]
        pairs = []
        for factor, loss in zip(self._factors, losses):
            own = {variable.id for variable in factor}
            mine = [piece for piece in pieces if _ids(piece) & own]
            if any(_ids(piece) - own for piece in [*mine, loss]):
                return None
            terms = [piece for piece in mine if isinstance(piece, cp.Expression)]
            constraints = [piece for piece in mine if not isinstance(piece, cp.Expression)]
            loss = expressions.as_sample_loss(loss, factor)
            space = expressions.as_parameter_space(
                constraints, sum(terms) if terms else None, factor
            )
            if loss is None or space is None or not loss.accepts(space):
                return None
            pairs.append((loss, space))
        return SeparateFactors(*(shared(column) for column in zip(*pairs)))

    def _label_penalty(self, m):
        given, constraints = self._factor_penalty, self._factor_constraints
        if constraints is None and (given is None or isinstance(given, LabelPenalty)):
            return given or IndependentLabels()
        if isinstance(given, LabelPenalty):
            raise TypeError(
                "factor_constraints go with a penalty written as a function of z: write the "
                f"penalty with CVXPY instead of {type(given).__name__}."
            )
        return programs.ProgramLabels(given, constraints, (m, self.n_factors))

    def _values(self):
        if not self._single:
            return tuple(tuple(v.value for v in factor) for factor in self._factors)
        values = tuple(factor[0].value for factor in self._factors)
        return np.stack(values) if len({value.shape for value in values}) == 1 else values


def _ids(piece):
    return {variable.id for variable in piece.variables()}
