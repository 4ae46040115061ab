r"""Compression of data on their dominant subspaces, and fits that start there."""

import warnings
from dataclasses import dataclass, field

import numpy as np

from multiconvex.acceleration import Extrapolation
from multiconvex.balancing import Balancing, can_balance
from multiconvex.checks import check_count, check_option
from multiconvex.engine import alternate, conclude
from multiconvex.models.factor_problem import FactorProblem
from multiconvex.operands import DenseTensor, TuckerTensor
from multiconvex.stopping import ConvergenceWarning, RelativeDecrease
from multiconvex.trace import Recorder, Sweep

_WORTH_IT = 2.5e5
_FEW_ROWS = 64
_RATIO = 4
_FAITHFUL = 0.5
_SLOW = 3e-5
_UNBALANCED = Balancing(at=())


@dataclass(frozen=True)
class Compression:
    """Iterate first on compressed data, then on the data.

    The data are projected on subspaces of dimension ``rank + oversampling``, one for each mode
    [1]_; sweeps then cost little. The fit goes on with the data themselves, so that the result
    does not depend on what the compression lost.

    Parameters
    ----------
    oversampling : int, default 10
    then : Extrapolation or None
        Acceleration of both phases.

    Notes
    -----
    Guarantee: the recorded objective, always measured on the data, never increases.

    Cost: about four products with the data once; compressed sweeps O((m + n) r^2).

    Chapter: :doc:`/chapters/foundations/alternating_optimization`

    References
    ----------
    .. [1] N. Halko, P.-G. Martinsson and J. A. Tropp, "Finding structure with randomness",
       SIAM Review 53, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nmf
    >>> rng = np.random.default_rng(0)
    >>> X = rng.random((60, 3)) @ rng.random((3, 40))
    >>> result = nmf(X, 3, acceleration=Compression(), random_state=0)
    >>> str(result.trace.event[1])
    'compressed'
    """

    oversampling: int = 10
    then: Extrapolation | None = field(default_factory=Extrapolation)

    def __post_init__(self):
        check_count("oversampling", self.oversampling)


def fit_factors(
    problem, init, update, *, acceleration, balancing, stop, max_iter, callback, rng, recorder
):
    """Run `alternate`, after compressed sweeps where the acceleration asks for them."""
    balancing = _resolve(balancing, problem) if max_iter else _UNBALANCED
    if balancing.at:
        balancing.check(problem)
    init = tuple(block.penalty.prox(x, 0.0) for block, x in zip(problem.blocks, init))
    options = {"stop": stop, "callback": callback, "recorder": recorder}
    if not isinstance(acceleration, Compression):
        return alternate(
            problem,
            init,
            update,
            acceleration=acceleration,
            balancing=balancing,
            max_iter=max_iter,
            **options,
        )
    if not isinstance(getattr(problem, "data", None), DenseTensor):
        raise TypeError(
            "Compression works on dense data under the Frobenius loss: use "
            "acceleration=Extrapolation() for sparse or Tucker data and for other losses."
        )
    rank = problem.blocks[0].shape[1]
    penalties = [block.penalty for block in problem.blocks]
    small = FactorProblem(
        compress(problem.data, rank + acceleration.oversampling, rng), rank, penalties
    )
    init = balancing.first(problem, init)
    watch = _Watch(problem, small, init, callback, recorder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        alternate(
            small,
            init,
            update,
            acceleration=acceleration.then,
            balancing=balancing.during("sweep"),
            stop=RelativeDecrease(0.0),
            max_iter=max_iter * 9 // 10,
            callback=watch,
            recorder=Recorder(clock=recorder.clock),
        )
    watch.measure_last()
    if watch.stopped:
        return conclude(problem, watch.best, "stopped", balancing, recorder)
    remaining = max_iter - recorder.entries[-1].iteration
    return alternate(
        problem,
        watch.best,
        update,
        acceleration=acceleration.then,
        balancing=balancing.during("sweep", "end"),
        max_iter=remaining,
        **options,
    )


def _resolve(balancing, problem):
    """Return when to balance: by default always where the penalties allow it."""
    if not isinstance(balancing, str):
        return balancing or _UNBALANCED
    check_option("balancing", balancing, ("auto",))
    possible = can_balance([block.penalty for block in problem.blocks])
    return Balancing() if possible else _UNBALANCED


def worth_compressing(data, rank):
    """Return whether sweeps on compressed data would be much cheaper than on the data."""
    if not isinstance(data, DenseTensor):
        return False
    core = np.prod([min(n, rank + Compression().oversampling) for n in data.shape], dtype=float)
    size = float(np.prod(data.shape, dtype=float))
    return size * rank >= _WORTH_IT and size >= _RATIO * core


def compress(data, dimension, rng):
    """Project a dense array on random dominant subspaces of each mode in turn.

    ``dimension`` is one number for all modes, or one for each.

    Returns
    -------
    TuckerTensor
        Whose bases have orthonormal columns.
    """
    core, bases = data.array, []
    for mode, wanted in enumerate(np.broadcast_to(dimension, core.ndim)):
        unfolded = np.moveaxis(core, mode, 0).reshape(core.shape[mode], -1)
        basis = _dominant_subspace(unfolded, wanted, rng)
        shape = [basis.shape[1], *np.delete(core.shape, mode)]
        core = np.moveaxis((basis.T @ unfolded).reshape(shape), 0, mode)
        bases.append(basis)
    return TuckerTensor(np.ascontiguousarray(core), bases)


def _dominant_subspace(matrix, dimension, rng):
    """Return an orthonormal basis close to the leading left singular vectors.

    From the Gram matrix where there are few rows, else by randomised subspace iteration with one
    power step.
    """
    rows, columns = matrix.shape
    dimension = min(dimension, rows, columns)
    if rows <= _FEW_ROWS:
        return np.linalg.eigh(matrix @ matrix.T)[1][:, -dimension:]
    probe = rng.standard_normal((columns, dimension)).astype(matrix.dtype, copy=False)
    basis = np.linalg.qr(matrix @ probe)[0]
    return np.linalg.qr(matrix @ (matrix.T @ basis))[0]


class _Watch:
    """Callback of compressed sweeps: measures the data at sweeps 8, 16, 32, ...

    Measuring costs a pass over the data, so it is done at every sweep only for a user's callback.
    The compressed phase ends when, since the last measure, the objective on the data fell by less
    than half of what the compressed objective promised, or by very little per sweep; the best
    point is kept.
    """

    def __init__(self, problem, small, init, callback, recorder):
        self.problem, self.callback, self.recorder = problem, callback, recorder
        self.names = [block.name for block in problem.blocks]
        self.best, self.stopped, self._pending, self._next, self._last = init, False, None, 8, 0
        recorder.clock.pause()
        recorder.add(0, problem.objective(init), "start")
        self._compressed = small.objective(init)
        recorder.clock.resume()

    def __call__(self, sweep):
        if self.callback is None and sweep.iteration < self._next:
            self._pending = sweep
            return False
        self._next = 2 * sweep.iteration
        return self._measure(sweep)

    def measure_last(self):
        """Measure the last sweep where that has not been done."""
        if self._pending is not None:
            self.recorder.clock.pause()
            self._measure(self._pending)
            self.recorder.clock.resume()

    def _measure(self, sweep):
        """Record a sweep that lowered the objective; return whether to end the phase."""
        self._pending = None
        point = tuple(sweep.blocks[name] for name in self.names)
        objective = self.problem.objective(point)
        fell = self.recorder.entries[-1].objective - objective
        promised, self._compressed = self._compressed - sweep.objective, sweep.objective
        sweeps, self._last = sweep.iteration - self._last, sweep.iteration
        if fell <= 0.0:
            return True
        self.best = point
        entry = self.recorder.add(sweep.iteration, objective, "compressed")
        if self.callback is not None:
            self.stopped = bool(self.callback(Sweep(*entry, dict(zip(self.names, point)))))
        return self.stopped or fell < max(_FAITHFUL * promised, _SLOW * sweeps * objective)
