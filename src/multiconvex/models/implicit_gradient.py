"""Training of an implicit rule by gradients through its equilibrium."""

from functools import singledispatch

import numpy as np
from scipy.optimize import minimize

from multiconvex.implicit_rules.adjoint import TRAINING_LOSSES, gradient_at
from multiconvex.implicit_rules.certificates import unit_weights
from multiconvex.implicit_rules.equilibria import equilibrium
from multiconvex.implicit_rules.sets import Intersection, MonotoneSet, RowL1Ball, SpectralBall
from multiconvex.models.implicit_biconvex import as_blocks
from multiconvex.models.implicit_start import fit_readout
from multiconvex.stopping import RelativeDecrease, warn_unconverged
from multiconvex.trace import Recorder, Result, Sweep

_TOLERANCE = 1e-6
_MOST_STEPS = 10_000
_PAIRS = 20
_PATIENCE = 20


def train(
    weights,
    U,
    Y,
    constraint,
    *,
    loss="squared",
    ridge=1e-3,
    max_iter=300,
    tol=1e-4,
    validation=None,
    recorder=None,
    callback=None,
):
    r"""Minimise the loss at the equilibrium over all weights, D in a well-posed set.

    The set is reached by its gauge: :math:`D = T / \max(1, \gamma(T))` with T free, so that every
    rule on the way is well posed and there is nothing to project. With the squared loss the readout
    is the exact ridge regression on the states and leaves the problem; its gradient is zero there.
    What is left is for a quasi-Newton method (L-BFGS).

    Parameters
    ----------
    weights : ImplicitWeights
        Where to start.
    U, Y : ndarray, shapes (m, n) and (m, p)
    constraint : WellPosedSet
    loss, ridge
        As in :func:`multiconvex.equilibrium_gradient`.
    max_iter : int
    tol : float
        Relative decrease of the objective that ends the training.
    validation : tuple of ndarray, optional
        Inputs and targets whose loss chooses the iterate, and ends the training when it has not
        improved for 20 of them.
    recorder : Recorder, optional
        A trace to go on from.
    callback : callable, optional
        As in :func:`multiconvex.alternate`.

    Returns
    -------
    Result
        With the blocks ``"readout"`` [A B c], ``"weights"`` [D E f] and ``"states"``.
    """
    descent = _Descent(weights, U, Y, constraint, loss, ridge)
    stop = RelativeDecrease(tol)
    watch = _Watch(descent, validation, stop, recorder or Recorder(), callback)
    outcome = minimize(
        descent,
        descent.start,
        jac=True,
        method="L-BFGS-B",
        callback=watch,
        options={
            "maxiter": max_iter,
            "maxfun": 10 * max_iter + 10,
            "maxcor": _PAIRS,
            "ftol": 0.0,
            "gtol": 0.0,
        },
    )
    if watch.status == "max_iter" and outcome.nit < max_iter:
        watch.status = "converged"  # no step along the last direction lowers the objective
    if watch.status == "max_iter" and tol > 0:
        warn_unconverged(stop, max_iter)
    return watch.result()


class _Descent:
    """The objective and its gradient as functions of one vector of free numbers."""

    def __init__(self, weights, U, Y, constraint, loss, ridge):
        self._U, self._Y, self._set, self._ridge, self._loss = U, Y, constraint, ridge, loss
        self._fixed = 3 if loss == "squared" else 6
        self._shapes = [w.shape for w in weights]
        self._first = weights
        self.start = np.concatenate([w.ravel() for w in weights[: self._fixed]])
        self._at = self.point = None

    def __call__(self, free):
        if self._at is None or not np.array_equal(free, self._at):
            self._evaluate(free)
        return self.point.value, self._slope

    def validation_loss(self, U, Y):
        """Return the loss on other data at the latest weights."""
        states = equilibrium(*self.weights[:3], U, tol=_TOLERANCE, max_iter=_MOST_STEPS).states
        return TRAINING_LOSSES[self._loss](self.weights.readout(states, U), Y)[0]

    def blocks(self):
        """Return the latest weights and states as blocks."""
        names = ("readout", "weights", "states")
        return dict(zip(names, as_blocks(self.weights, self.point.states)))

    def _evaluate(self, free):
        parts = self._split(free)
        T = parts[0]
        gauge = max(1.0, self._set.gauge(T))
        weights = self._first._replace(**dict(zip(self._first._fields, [T / gauge, *parts[1:]])))
        start = None if self.point is None else self.point.states
        found = equilibrium(*weights[:3], self._U, tol=_TOLERANCE, max_iter=_MOST_STEPS, init=start)
        if self._loss == "squared":
            weights = fit_readout(weights, found.states, self._U, self._Y, self._ridge)
        self.weights = weights
        self.point = gradient_at(
            weights, found, self._U, self._Y,
            loss=self._loss, ridge=self._ridge, tol=_TOLERANCE, init=self.point,
        )  # fmt: skip
        slopes = list(self.point.gradients[: self._fixed])
        if gauge > 1.0:
            along = np.vdot(slopes[0], T) / gauge
            slopes[0] = (slopes[0] - along * gauge_slope(self._set, T)) / gauge
        self._slope = np.concatenate([slope.ravel() for slope in slopes])
        self._at = free.copy()

    def _split(self, free):
        sizes = [int(np.prod(shape)) for shape in self._shapes[: self._fixed]]
        parts = np.split(free, np.cumsum(sizes)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, self._shapes)]


class _Watch:
    """Records every iterate, and keeps the one that the fit returns."""

    def __init__(self, descent, validation, stop, recorder, callback):
        self._descent, self._validation, self._callback = descent, validation, callback
        self._stop = stop
        self._recorder = recorder
        self._least, self._waited = np.inf, 0
        self.status = "max_iter"
        recorder.clock.resume()
        descent(descent.start)
        self._record("sweep" if recorder.entries else "start")

    def __call__(self, intermediate_result):
        self._descent(intermediate_result.x)
        previous = self._recorder.entries[-1].objective
        entry = self._record("sweep")
        sweep = Sweep(*entry, self._descent.blocks()) if self._callback else None
        if self._waited >= _PATIENCE or (sweep and self._callback(sweep)):
            self.status = "stopped"
        elif self._stop(previous, entry.objective):
            self.status = "converged"
        if self.status != "max_iter":
            raise StopIteration

    def result(self):
        """Return the iterate of least validation loss, the last one without validation."""
        recorder = self._recorder
        recorder.clock.pause()
        if self._waited:
            recorder.add(recorder.entries[-1].iteration, self._objective, "best")
        last = recorder.entries[-1]
        return Result(self._blocks, last.objective, last.iteration, self.status, recorder.trace())

    def _record(self, event):
        recorder = self._recorder
        recorder.clock.pause()
        value = self._descent.point.value
        number = recorder.entries[-1].iteration + 1 if recorder.entries else 0
        entry = recorder.add(number, value, event)
        recorder.clock.resume()
        loss = self._descent.validation_loss(*self._validation) if self._validation else -number
        self._waited += 1
        if loss < self._least:
            self._least, self._waited = loss, 0
            self._blocks, self._objective = self._descent.blocks(), value
        return entry


@singledispatch
def gauge_slope(allowed, x):
    """Return a subgradient of the gauge of a well-posed set at a matrix that is not zero."""
    raise TypeError(f"Training by gradients needs a well-posed set, got {allowed!r}.")


@gauge_slope.register
def _(allowed: SpectralBall, x):
    left, _, right = np.linalg.svd(x)
    return np.outer(left[:, 0], right[0]) / allowed.radius


@gauge_slope.register
def _(allowed: RowL1Ball, x):
    slope = np.zeros_like(x)
    row = np.abs(x).sum(axis=1).argmax()
    slope[row] = np.sign(x[row]) / allowed.radius
    return slope


@gauge_slope.register
def _(allowed: MonotoneSet, x):
    roots = np.sqrt(unit_weights(allowed.lam, len(x)))
    scaled = roots[:, None] * x / roots
    top = np.linalg.eigh(scaled + scaled.T)[1][:, -1]
    return np.outer(roots * top, top / roots) / (1.0 - allowed.modulus)


@gauge_slope.register
def _(allowed: Intersection, x):
    return gauge_slope(max(allowed.first, allowed.second, key=lambda one: one.gauge(x)), x)
