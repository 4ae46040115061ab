r"""Coupled factorisations: models of several data sets that share factors."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from multiconvex.acceleration import Extrapolation
from multiconvex.checks import check_count, check_option
from multiconvex.engine import alternate
from multiconvex.models.coupled_inputs import (
    check_couplings,
    check_datasets,
    check_penalties,
    check_weights,
)
from multiconvex.models.coupled_problem import CoupledProblem, Split, wire_factors
from multiconvex.models.coupled_starts import draw_starts
from multiconvex.models.couplings import RightLink
from multiconvex.models.dataset_terms import count_observed
from multiconvex.models.multistart import best_of_starts
from multiconvex.operands import factors_to_array
from multiconvex.penalties import L2, NonNegative, NoPenalty
from multiconvex.stopping import RelativeDecrease, Settled
from multiconvex.trace import Recorder, Result
from multiconvex.updates import (
    ADMM,
    HALS,
    CoupledADMM,
    CoupledLeastSquares,
    LeastSquares,
    MultiplicativeUpdate,
    ProxGradient,
)

_CLOSING = {"steps": 2000, "inner_tol": 1e-11}
_CLOSING_SWEEPS = 3
_NOISE_SWEEPS = 200
_NOISE_FLOOR = 1e-12


@dataclass(frozen=True, repr=False, kw_only=True)
class CoupledFactorization(Result):
    """Factor models of several data sets; see :class:`Result` for the other attributes.

    Attributes
    ----------
    factors : tuple of tuple of ndarray
        ``factors[i][mode]`` of each data set, of shape (n, rank_i). All penalties hold exactly.
    shared : tuple of ndarray
        The shared factor of each coupling, where it was split the nearest one.
    weights : ndarray
        Of the losses of the data sets.
    coupling_gap : float
        Largest relative distance of the factors of a coupling from the images of its shared factor;
        0 where the shared factor itself was fitted.
    starts : ndarray
        Final objective of each start.
    """

    factors: tuple
    shared: tuple
    weights: np.ndarray
    coupling_gap: float
    starts: np.ndarray

    def reconstruct(self):
        """Return the model of each data set, a list of arrays."""
        return [factors_to_array(factors) for factors in self.factors]


def coupled_factorization(
    datasets,
    rank,
    *,
    couplings=(),
    losses="frobenius",
    penalties=None,
    weights="auto",
    update=None,
    init="random",
    n_starts=1,
    acceleration="auto",
    max_iter=1000,
    tol=1e-6,
    callback=None,
    random_state=None,
):
    r"""Factorise several matrices and tensors whose factors are coupled by linear maps.

    .. math:: \min \; \sum_i w_i\, D_i\Bigl( X_i, \sum_{q=1}^{r_i} A^{(0)}_{i,:q} \otimes
              A^{(1)}_{i,:q} \otimes \cdots \Bigr) + \sum_{i, d} g_i^{(d)}(A_i^{(d)})
              \quad\text{subject to}\quad \operatorname{vec}(A_i^{(d)}) = H_i \operatorname{vec}(A)

    for the members :math:`(i, d)` of each coupling, with :math:`D_i` half the squared distance or
    the Kullback-Leibler divergence, summed over observed entries. A factor that several data sets
    share as it is has one penalty, which is paid once.

    Parameters
    ----------
    datasets : sequence of ndarray of order 2 or more
        NaN marks a missing entry.
    rank : int or sequence of int
        One for all data sets, or one for each.
    couplings : sequence of Coupling
        Without any, every data set is factorised for itself.
    losses : str or sequence of str
        ``"frobenius"`` or ``"kullback-leibler"``. Counts need nonnegative factors and couplings
        that hold exactly.
    penalties : Penalty or nested sequence, optional
        One for all factors, or ``penalties[i][mode]``. By default none.
    weights : "auto" or sequence of float
        Of the losses. ``"auto"`` is :math:`1 / \sigma_i^2` with the variance of the residuals of
        separate fits, and 1 for counts, whose noise has a known size [1]_.
    update : Update or dict of str to Update, optional
        Instead of the default rules, one for all blocks that are not split, or rules by block
        name: ``factors[i][mode]``, ``shared[c]``, and ``coupled[c]`` where a coupling is split.
    init : "random" or nested sequence of ndarray
        ``init[i][mode]``, from which shared factors start as near as they can be.
    n_starts : int, default 1
        Random starts, of which the best is kept; a given ``init`` is the first of them.
    acceleration : "auto", None or Extrapolation
        ``"auto"`` extrapolates where all couplings hold exactly.
    max_iter : int
        Largest number of sweeps of a start.
    tol : float
        Stop when a sweep lowers the objective by less than this fraction; where couplings are
        split, after three sweeps that change it by less.
    callback : callable, optional
        See :func:`alternate`; called in every start.
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    CoupledFactorization
        With ``.factors[i][mode]``, ``.shared[c]``, ``.weights``, ``.coupling_gap`` and
        ``.reconstruct()``.

    Raises
    ------
    ValueError
        For data that are empty or infinite, couplings that fit neither each other nor the data or
        do not determine their shared factor, and weights that are not positive; for
        ``weights="auto"`` where a model has as many parameters as its data.
    TypeError
        For sparse data, and for counts behind a split coupling or a factor that may be negative.

    Notes
    -----
    Guarantee: the objective never increases, and couplings hold exactly, where factors are shared
    as they are or by columns under one penalty, or by any map without penalties. Other couplings
    are split: penalties hold exactly, the coupling up to ``coupling_gap``, and the objective may
    rise on the way.

    Cost: one product with each data set for each of its modes, and the updates, per sweep;
    O((n r)^3) for maps of rows without penalties.

    Chapter: :doc:`/chapters/algorithms/coupled_factorizations`

    Missing entries are handled by majorisation, as if they had been observed where the model is
    now. Couplings that are split are swept with few steps of :class:`CoupledADMM`, in the last
    three sweeps with steps until the copies agree.

    References
    ----------
    .. [1] R. Cabral Farias, J. E. Cohen and P. Comon, "Exploring multimodal data fusion through
       joint decompositions with flexible couplings", IEEE Transactions on Signal Processing 64,
       2016.
    .. [2] C. Schenker, J. E. Cohen and E. Acar, "A flexible optimization framework for regularized
       matrix-tensor factorizations with linear couplings", IEEE Journal of Selected Topics in
       Signal Processing 15, 2021.

    Examples
    --------
    A tensor and a matrix with the same factor in their first modes:

    >>> import numpy as np
    >>> from multiconvex import Coupling, coupled_factorization
    >>> rng = np.random.default_rng(0)
    >>> A, B, C, D = (rng.standard_normal((n, 2)) for n in (8, 5, 4, 9))
    >>> data = [np.einsum("iq,jq,kq->ijk", A, B, C), A @ D.T]
    >>> fit = coupled_factorization(
    ...     data, 2, couplings=[Coupling([(0, 0), (1, 0)])], weights=(1, 1), random_state=0
    ... )
    >>> fit.factors[0][0] is fit.factors[1][0], fit.coupling_gap
    (True, 0.0)
    >>> bool(max(abs(X - model).max() for X, model in zip(data, fit.reconstruct())) < 1e-2)
    True
    """
    terms = check_datasets(datasets, rank, losses)
    penalties = check_penalties(penalties, terms)
    wires = wire_factors(terms, check_couplings(couplings), penalties)
    rng = np.random.default_rng(random_state)
    if isinstance(weights, str):
        check_option("weights", weights, ("auto",))
        weights = [1.0 / _noise_variance(term, penalties[i], rng) for i, term in enumerate(terms)]
    problem = CoupledProblem(terms, check_weights(weights, len(terms)), wires)
    updates = _updates(problem, update)
    acceleration = _acceleration(problem, acceleration)
    fit = partial(
        _fit_once,
        problem,
        updates=updates,
        acceleration=acceleration,
        max_iter=max_iter,
        tol=tol,
        callback=callback,
    )
    starts = draw_starts(problem, init, check_count("n_starts", n_starts), rng)
    best, objectives = best_of_starts(fit, starts, max_iter=max_iter, tol=tol, n_jobs=None)
    return _result(problem, best, objectives)


def _fit_once(problem, start, *, updates, acceleration, max_iter, tol, callback):
    """Run the engine, at the end of split couplings with steps until the copies agree."""
    options = {"callback": callback, "recorder": Recorder()}
    split = [block.name for block, wire in zip(problem.blocks, problem.wires) if _is_split(wire)]
    if not split:
        return alternate(
            problem,
            start,
            updates,
            acceleration=acceleration,
            stop=RelativeDecrease(tol),
            max_iter=max_iter,
            **options,
        )
    closing = min(_CLOSING_SWEEPS, max_iter)
    rough = alternate(
        problem, start, updates, stop=Settled(tol), max_iter=max_iter - closing, **options
    )
    if rough.status == "stopped":
        return rough
    until_copies_agree = {name: replace(updates[name], **_CLOSING) for name in split}
    result = alternate(
        problem,
        tuple(rough.blocks.values()),
        {**updates, **until_copies_agree},
        stop=RelativeDecrease(0.0),
        max_iter=closing,
        **options,
    )
    return result if result.status == "stopped" else replace(result, status=rough.status)


def _is_split(wire):
    return isinstance(wire, Split)


def _updates(problem, given):
    """Return the rule of each block by name: what was given, else the default one."""
    names = [block.name for block in problem.blocks]
    rules = {name: _default_rule(problem, k) for k, name in enumerate(names)}
    split = [name for name, wire in zip(names, problem.wires) if _is_split(wire)]
    if given is None:
        return rules
    if not isinstance(given, dict):
        return {name: rules[name] if name in split else given for name in names}
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise ValueError(
            f"update has rules for {', '.join(unknown)}, which are no blocks: use names among "
            f"{', '.join(names)}."
        )
    for name in split:
        if not isinstance(given.get(name, rules[name]), CoupledADMM):
            raise TypeError(
                f"Block {name!r} holds factors of a split coupling, which only CoupledADMM() "
                f"brings together, got {given[name]!r}."
            )
    return {**rules, **given}


def _default_rule(problem, k):
    wire, penalty = problem.wires[k], problem.blocks[k].penalty
    if _is_split(wire):
        return CoupledADMM()
    if not all(hasattr(problem.terms[i], "normal_equations") for i, _ in wire.members):
        alike = hasattr(problem, "loss_function") and isinstance(penalty, NonNegative)
        return MultiplicativeUpdate() if alike else ProxGradient(steps=3)
    if not isinstance(wire.link, RightLink):
        return CoupledLeastSquares()
    if isinstance(penalty, NonNegative):
        return HALS()
    return LeastSquares() if isinstance(penalty, NoPenalty | L2) else ADMM()


def _acceleration(problem, given):
    split = any(map(_is_split, problem.wires))
    if isinstance(given, str):
        check_option("acceleration", given, ("auto",))
        return None if split else Extrapolation()
    if given is not None and split:
        raise TypeError(
            "Extrapolation needs an objective that never rises, and a coupling of this model is "
            "split: leave acceleration out."
        )
    return given


def _noise_variance(term, penalties, rng):
    """Return the variance of the residuals of a data set fitted for itself.

    As many degrees of freedom are taken off as the model has parameters: its nonzero entries
    without the scales of its components, and without a change of basis where nothing else fixes
    the basis of a matrix.
    """
    if not hasattr(term, "normal_equations"):
        return 1.0
    signs = [NonNegative() if isinstance(p, NonNegative) else NoPenalty() for p in penalties]
    problem = CoupledProblem([term], [1.0], wire_factors([term], (), [signs]))
    run = partial(
        _fit_once,
        problem,
        updates=_updates(problem, None),
        acceleration=Extrapolation(),
        max_iter=_NOISE_SWEEPS,
        tol=1e-6,
        callback=None,
    )
    best, _ = best_of_starts(
        run, draw_starts(problem, "random", 3, rng), max_iter=0, tol=0.0, n_jobs=None
    )
    factors = list(best.blocks.values())
    rank, order = factors[0].shape[1], len(factors)
    redundant = rank**2 if order == 2 and signs == [NoPenalty()] * 2 else rank * (order - 1)
    parameters = sum(np.count_nonzero(factor) for factor in factors) - redundant
    seen = count_observed(term)
    if parameters >= seen:
        raise ValueError(
            f"A data set of {seen} entries tells nothing of its noise after a fit with "
            f"{parameters} parameters: give weights, or lower its rank."
        )
    floor = _NOISE_FLOOR * term.data.norm2 / seen
    return max(2.0 * best.objective / (seen - parameters), floor)


def _result(problem, best, objectives):
    x = tuple(best.blocks.values())
    coupled = [(wire, block) for wire, block in zip(problem.wires, x) if len(wire.members) > 1]
    return CoupledFactorization(
        **vars(best),
        factors=problem.factors(x),
        shared=tuple(wire.shared(block) for wire, block in coupled),
        weights=np.array(problem.weights),
        coupling_gap=problem.coupling_gap(x),
        starts=objectives,
    )
