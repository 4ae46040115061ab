"""Block-by-block training of an implicit rule, with a dual step for each hidden unit."""

from dataclasses import dataclass

import numpy as np

from multiconvex.acceleration import Extrapolation
from multiconvex.engine import alternate
from multiconvex.implicit_rules.certificates import certify
from multiconvex.implicit_rules.equilibria import equilibrium
from multiconvex.implicit_rules.weights import ImplicitWeights
from multiconvex.models.implicit_problem import READOUT, STATES, WEIGHTS, ImplicitProblem
from multiconvex.models.implicit_start import choose_ridge, fit_readout
from multiconvex.stopping import RelativeDecrease
from multiconvex.trace import Recorder, Result
from multiconvex.updates.accelerated_prox import AcceleratedProxGradient, WeightRegression
from multiconvex.updates.least_squares import LeastSquares

_PATIENCE = 8
_STEEPEST = 3.0
_TINY = np.finfo(float).tiny
_UPDATES = {
    "readout": LeastSquares(),
    "weights": WeightRegression(),
    "states": AcceleratedProxGradient(),
}


@dataclass(frozen=True, repr=False, kw_only=True)
class RelaxedFit(Result):
    """Blocks of a relaxed fit, with what proves them convex and the rule they lead to.

    Attributes
    ----------
    weights : ImplicitWeights
        The rule D, E, f of the blocks, or of the sweep that validation chose, with a readout that
        is fitted to its equilibrium.
    lam : ndarray, shape (h,)
        Weights of the units after the last dual step.
    eigenvalues : ndarray
        Smallest eigenvalue of the matrix inequality at each entry of the trace.
    gap : float
        Distance of the states from those of the D, E and f in the blocks, relative to the latter.
    """

    weights: ImplicitWeights
    lam: np.ndarray
    eigenvalues: np.ndarray
    gap: float


def train(
    weights,
    U,
    Y,
    constraint,
    *,
    lam=0.01,
    ridge=1.0,
    readout_ridge=None,
    tether=100.0,
    dual_steps=0,
    max_iter=20,
    tol=0.0,
    validation=None,
    callback=None,
):
    r"""Run :func:`~multiconvex.alternate` on an :class:`~multiconvex.ImplicitProblem`.

    After each run but the last, a dual step raises the weights of the units by their divergences,

    .. math:: \lambda_j \leftarrow \lambda_j \bigl(1 + \min(F_j / \bar F, 3)\bigr),

    where :math:`F_j` is the part of the divergence that belongs to unit j, without its weight.
    Between two dual steps the objective never rises.

    Parameters
    ----------
    weights : ImplicitWeights
        The start.
    U, Y : ndarray, shapes (m, n) and (m, p)
    constraint : WellPosedSet
        Where D must be besides the set of the matrix inequality.
    lam, ridge, tether
        As in :class:`~multiconvex.ImplicitProblem`.
    readout_ridge : float, optional
        Ridge weight of the last readout; by generalised cross-validation where it is not given.
    dual_steps : int
    max_iter, tol
        Of each of the ``dual_steps + 1`` runs.
    validation : tuple of ndarray, optional
        Inputs and targets whose error chooses the sweep, and ends the fit when it has not improved
        for 8 of them.
    callback : callable, optional

    Returns
    -------
    RelaxedFit
    """
    recorder = Recorder()
    states = equilibrium(*weights[:3], U).states
    weights = fit_readout(weights, states, U, Y, ridge)
    blocks = as_blocks(weights, states)
    lam = np.full(len(weights.D), float(lam))
    watch = _Watch(weights, (U, Y, readout_ridge), validation, callback)
    for number in range(dual_steps + 1):
        problem = ImplicitProblem(
            U, Y, weights.D, lam=lam, ridge=ridge, tether=tether, allowed=constraint
        )
        if number:
            blocks = _record_dual_step(problem, blocks, recorder)
        watch.enter(lam, blocks[WEIGHTS])
        result = alternate(
            problem,
            blocks,
            _UPDATES,
            acceleration=Extrapolation(),
            stop=RelativeDecrease(tol),
            max_iter=max_iter,
            callback=watch,
            recorder=recorder,
        )
        blocks = tuple(result.blocks.values())
        if result.status == "stopped":
            break
        if number < dual_steps:
            lam = raised(lam, blocks, problem.inputs)
    return RelaxedFit(
        **vars(result),
        weights=watch.chosen(blocks[WEIGHTS]),
        lam=lam,
        eigenvalues=np.array(watch.eigenvalues),
        gap=_gap(rule_of(weights, blocks[WEIGHTS]), U, blocks[STATES]),
    )


def as_blocks(weights, states):
    """Return a rule and its states as the blocks of an :class:`~multiconvex.ImplicitProblem`."""
    D, E, f, A, B, c = weights
    return np.hstack([A, B, c[:, None]]), np.hstack([D, E, f[:, None]]), states


def rule_from(blocks):
    """Return the weights of a rule from the blocks ``"readout"`` and ``"weights"``."""
    readout, block = blocks["readout"], blocks["weights"]
    hidden = len(block)
    none = ImplicitWeights(
        None, None, None, readout[:, :hidden], readout[:, hidden:-1], readout[:, -1]
    )
    return rule_of(none, block)


def rule_of(weights, block):
    """Return the weights with D, E and f from a block [D E f]."""
    hidden = len(block)
    return weights._replace(
        D=block[:, :hidden].copy(), E=block[:, hidden:-1].copy(), f=block[:, -1].copy()
    )


def settled(weights, U, Y, readout_ridge):
    """Return the weights with a readout fitted to the equilibrium, and its states."""
    states = equilibrium(*weights[:3], U).states
    if readout_ridge is None:
        readout_ridge = choose_ridge(states, U, Y)
    return fit_readout(weights, states, U, Y, readout_ridge), states


def raised(lam, blocks, inputs):
    """Return the weights of the units after a dual step."""
    _, block, X = blocks
    Z = np.hstack([X, inputs]) @ block.T
    parts = np.mean(0.5 * X * X + 0.5 * np.maximum(Z, 0.0) ** 2 - X * Z, axis=0)
    return lam * (1.0 + np.minimum(parts / max(parts.mean(), _TINY), _STEEPEST))


def _gap(rule, U, X):
    exact = equilibrium(*rule[:3], U).states
    return float(np.linalg.norm(X - exact) / max(np.linalg.norm(exact), _TINY))


def _record_dual_step(problem, blocks, recorder):
    """Move D into the set of the new weights, and record what the objective has become."""
    recorder.clock.pause()
    block = problem.blocks[WEIGHTS].penalty.prox(blocks[WEIGHTS], 0.0)
    blocks = (blocks[READOUT], block, blocks[STATES])
    recorder.add(recorder.entries[-1].iteration, problem.objective(blocks), "dual step")
    recorder.clock.resume()
    return blocks


class _Watch:
    """Certifies every sweep, and judges it by the equilibrium where there are data to judge by."""

    def __init__(self, weights, data, validation, callback):
        self._weights, self._data = weights, data
        self._validation, self._callback = validation, callback
        self._least, self._waited, self._best = np.inf, 0, None
        self.eigenvalues = []

    def enter(self, lam, block):
        """Start a run with these weights of the units."""
        self._lam = lam
        self._judge(block)

    def __call__(self, sweep):
        block = sweep.blocks["weights"]
        stop = self._callback is not None and self._callback(sweep)
        return self._judge(block) or stop

    def chosen(self, block):
        """Return the rule of the best sweep, or of these weights without validation."""
        return self._best or settled(rule_of(self._weights, block), *self._data)[0]

    def _judge(self, block):
        rule = rule_of(self._weights, block)
        self.eigenvalues.append(certify(rule.D, self._lam).lmi_eigenvalue)
        if self._validation is None:
            return False
        inputs, targets = self._validation
        rule, _ = settled(rule, *self._data)
        states = equilibrium(*rule[:3], inputs).states
        error = float(np.linalg.norm(rule.readout(states, inputs) - targets))
        self._waited += 1
        if error < self._least:
            self._least, self._waited, self._best = error, 0, rule
        return self._waited >= _PATIENCE
