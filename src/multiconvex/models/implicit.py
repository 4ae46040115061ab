"""Implicit networks: rules that predict with the solution of an equation, and their training."""

from dataclasses import dataclass

import numpy as np

from multiconvex.checks import check_array, check_count, check_option, check_positive
from multiconvex.implicit_rules.certificates import Certificate, certify
from multiconvex.implicit_rules.equilibria import equilibrium
from multiconvex.implicit_rules.sets import MonotoneSet, RowL1Ball, SpectralBall, WellPosedSet
from multiconvex.implicit_rules.weights import ImplicitWeights
from multiconvex.models import implicit_biconvex, implicit_gradient
from multiconvex.models.implicit_biconvex import as_blocks, rule_from, settled
from multiconvex.models.implicit_problem import check_pairs
from multiconvex.models.implicit_start import random_weights
from multiconvex.trace import Recorder, Result

METHODS = ("biconvex", "implicit_gradient", "random_features")
_SETS = {
    "spectral": SpectralBall(0.95),
    "inf_norm": RowL1Ball(0.95),
    "lmi": MonotoneSet(),
}
_HELD_OUT = 0.2
_GRADIENT_RIDGE = 1e-3


@dataclass(frozen=True, repr=False, kw_only=True)
class ImplicitNetwork(Result):
    """A trained implicit rule.

    Attributes
    ----------
    weights : ImplicitWeights
        The rule that predicts.
    certificate : Certificate
        What proves that it has one state for every input.
    gap : float
        Distance of the trained states from those of the rule D, E, f that was trained with them,
        relative to the latter; zero for methods that train on the equilibrium.
    lam : ndarray, shape (h,), or None
        Weights of the units in the divergence; None where there is no divergence.
    eigenvalues : ndarray or None
        Smallest eigenvalue of :math:`\\Lambda - (\\Lambda D + D^T \\Lambda)` at each entry of the
        trace; None where there is no divergence.
    """

    weights: ImplicitWeights
    certificate: Certificate
    gap: float = 0.0
    lam: np.ndarray | None = None
    eigenvalues: np.ndarray | None = None

    def predict(self, U):
        """Return the predictions (m, p) for inputs (m, n), by the equilibrium."""
        U = check_array("U", U, ndim=2).astype(float, copy=False)
        if U.shape[1] != self.weights.E.shape[1]:
            raise ValueError(
                f"U must have {self.weights.E.shape[1]} columns, as the training inputs have, "
                f"got {U.shape[1]}."
            )
        found = equilibrium(*self.weights[:3], U, certificate=self.certificate)
        return self.weights.readout(found.states, U)


def implicit_network(
    U, Y, hidden=100, *, method="biconvex", well_posed="spectral", lam=0.01, ridge=None,
    training_ridge=1.0, tether=100.0, dual_steps=0, loss="squared", init=None,
    early_stopping=False, max_iter=None, tol=None, callback=None, random_state=None,
):  # fmt: skip
    r"""Train a rule that predicts with the solution of an equation.

    .. math:: x = (D x + E u + f)_+, \qquad y = A x + B u + c,

    for one input u in a column; samples are rows of U and Y. D stays in a set on which there is
    exactly one state for every input.

    Parameters
    ----------
    U : array_like, shape (m, n)
        Inputs, best with mean zero and unit variance.
    Y : array_like, shape (m, p)
        Targets, likewise.
    hidden : int, default 100
        Number h of hidden units.
    method : {"biconvex", "implicit_gradient", "random_features"}
        Block by block on the relaxed problem (:class:`~multiconvex.ImplicitProblem`), by gradients
        through the equilibrium, or the start with a fitted readout.
    well_posed : {"spectral", "inf_norm", "lmi"} or WellPosedSet
        Where D must be: spectral norm or largest row sum of magnitudes at most 0.95, the matrix
        inequality alone, or a set of one's own. ``"biconvex"`` keeps the inequality besides.
    lam : float, default 0.01
        Weight of the divergence, for ``"biconvex"``. Noisy targets ask for more.
    ridge : float, optional
        Ridge weight of the readout on the equilibrium. By default generalised cross-validation
        chooses it; ``"implicit_gradient"``, where it acts on D and E as well, takes 0.001.
    training_ridge : float, default 1.0
        Ridge weight of the readout while ``"biconvex"`` moves the states.
    tether : float, default 100.0
        How firmly ``"biconvex"`` holds D at its start; less of it makes the fit slower, as D
        meets the boundary of its set.
    dual_steps : int, default 0
        How often ``"biconvex"`` raises `lam`, unit by unit, and goes on.
    loss : {"squared", "logistic"}
        ``"logistic"`` for indicators of classes in Y, by ``"implicit_gradient"`` only.
    init : ImplicitWeights, optional
        Where to start; random by default.
    early_stopping : bool, default False
        Let a fifth of the samples, held out, choose the sweep.
    max_iter : int, optional
        Sweeps of each run (20) or steps of the gradient method (300).
    tol : float, optional
        Relative decrease of the objective that ends the fit: 0 (never) for ``"biconvex"``, 1e-4
        for ``"implicit_gradient"``.
    callback : callable, optional
        As in :func:`~multiconvex.alternate`.
    random_state : int, numpy.random.Generator or None
        Draws the start and the samples held out.

    Returns
    -------
    ImplicitNetwork

    Raises
    ------
    ValueError
        For data that do not agree, or options that do not exist or do not go together.

    Warns
    -----
    ConvergenceWarning
        If a `tol` above zero was not reached.

    Notes
    -----
    Guarantee: the rule has one state for every input, by its certificate. ``"biconvex"`` never
    raises its objective between two dual steps, which says nothing of the error of predictions:
    those come from the equilibrium, not from the trained states.

    Cost: O(m h (h + n + p)) a step; a sweep of ``"biconvex"`` is some twenty of them.

    Chapter: :doc:`/chapters/learning/training_implicit_models`

    References
    ----------
    B. Travacca, L. El Ghaoui and S. Moura, "Implicit optimization: models and methods", IEEE
    Conference on Decision and Control, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import implicit_network
    >>> U = np.random.default_rng(0).uniform(-2.0, 2.0, (200, 1))
    >>> network = implicit_network(U, np.abs(U), hidden=20, random_state=0)
    >>> bool(np.abs(network.predict(U) - np.abs(U)).max() < 0.1)
    True
    """
    U, Y = check_pairs(U, Y)
    check_count("hidden", hidden)
    check_option("method", method, METHODS)
    check_option("loss", loss, ("squared", "logistic"))
    if loss == "logistic" and method != "implicit_gradient":
        raise ValueError(
            f"method {method!r} minimises squared errors: use loss='squared' on indicators of the "
            "classes, or method='implicit_gradient'."
        )
    if ridge is not None:
        check_positive("ridge", ridge, allow_zero=True)
    rng = np.random.default_rng(random_state)
    constraint = _constraint(well_posed)
    start = init or random_weights(U.shape[1], hidden, Y.shape[1], rng)
    start = start._replace(D=constraint.prox(start.D, 0.0))
    validation = None
    data = U, Y
    if early_stopping:
        data, validation = _split(U, Y, rng)
    shared = {"validation": validation, "callback": callback}
    shared |= {k: v for k, v in (("max_iter", max_iter), ("tol", tol)) if v is not None}
    if method == "implicit_gradient":
        ridge = _GRADIENT_RIDGE if ridge is None else ridge
        fit = implicit_gradient.train(start, *data, constraint, loss=loss, ridge=ridge, **shared)
        return _network(fit, rule_from(fit.blocks))
    if method == "biconvex":
        fit = implicit_biconvex.train(
            start,
            *data,
            constraint,
            lam=lam,
            ridge=training_ridge,
            readout_ridge=ridge,
            tether=tether,
            dual_steps=dual_steps,
            **shared,
        )
        return _relaxed_network(fit, U, Y, ridge)
    return _random_network(start, U, Y, ridge)


def _constraint(well_posed):
    if isinstance(well_posed, WellPosedSet):
        return well_posed
    check_option("well_posed", well_posed, tuple(_SETS))
    return _SETS[well_posed]


def _split(U, Y, rng):
    """Return training data and data to validate on."""
    held = int(_HELD_OUT * len(U))
    if not held:
        raise ValueError(f"early_stopping needs five samples or more, got {len(U)}.")
    order = rng.permutation(len(U))
    kept, held = order[held:], order[:held]
    return (U[kept], Y[kept]), (U[held], Y[held])


def _relaxed_network(fit, U, Y, ridge):
    """Fit the readout again, on all samples."""
    weights, _ = settled(fit.weights, U, Y, ridge)
    return _network(fit, weights, fit.lam, gap=fit.gap, lam=fit.lam, eigenvalues=fit.eigenvalues)


def _random_network(start, U, Y, ridge):
    recorder = Recorder()
    weights, states = settled(start, U, Y, ridge)
    recorder.clock.pause()
    misfit = weights.readout(states, U) - Y
    recorder.add(0, 0.5 * float(np.vdot(misfit, misfit)) / len(U), "start")
    blocks = dict(zip(("readout", "weights", "states"), as_blocks(weights, states)))
    objective = recorder.entries[-1].objective
    return _network(Result(blocks, objective, 0, "converged", recorder.trace()), weights)


def _network(fit, weights, metric=None, **relaxation):
    return ImplicitNetwork(
        blocks=fit.blocks,
        objective=fit.objective,
        n_iter=fit.n_iter,
        status=fit.status,
        trace=fit.trace,
        weights=weights,
        certificate=certify(weights.D, metric),
        **relaxation,
    )
