r"""Matrix and tensor models one factor of which is made of atoms of a known dictionary."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from multiconvex.acceleration import Extrapolation, KeepBest
from multiconvex.checks import check_array, check_blocks, check_count, check_option, check_rank
from multiconvex.engine import alternate
from multiconvex.models.dictionary_problem import DictionaryProblem
from multiconvex.models.factor_problem import FactorProblem
from multiconvex.models.factorization import Factorization
from multiconvex.models.initialization import random_factors
from multiconvex.models.multistart import best_of_starts
from multiconvex.operands import factors_to_array
from multiconvex.penalties import ColumnSparse, NonNegative, NoPenalty
from multiconvex.stopping import Patience, RelativeDecrease
from multiconvex.trace import Recorder
from multiconvex.updates import (
    HALS,
    HOMP,
    IHT,
    ActiveSet,
    AtomAssignment,
    BlockFISTA,
    LeastSquares,
    TrickOMP,
)

_METHODS = {
    "assignment": AtomAssignment(),
    "trick_omp": TrickOMP(),
    "homp": HOMP(),
    "block_fista": BlockFISTA(),
    "iht": IHT(),
}
_FREE_SWEEPS = 100


@dataclass(frozen=True, repr=False, kw_only=True)
class DictionaryFactorization(Factorization):
    """A factor model with ``dictionary @ codes`` for one factor; see :class:`Result`.

    Attributes
    ----------
    dictionary : ndarray, shape (n_mode, n_atoms)
        With atoms of unit norm, to which the codes refer.
    mode : int
        The mode that has the codes.
    starts : ndarray
        Final objective of each start, in the order they were made.
    """

    dictionary: np.ndarray
    mode: int
    starts: np.ndarray

    @property
    def codes(self):
        """Coefficients of the atoms, of shape (n_atoms, rank)."""
        return self.blocks["codes"]

    @property
    def support(self):
        """Numbers of the atoms that each component uses, one array for each."""
        return tuple(np.flatnonzero(column) for column in self.codes.T)

    @property
    def indices(self):
        """Number of the atom of each component, shape (rank,), where each has one."""
        sizes = [len(atoms) for atoms in self.support]
        if set(sizes) != {1}:
            raise ValueError(
                "indices are for models with one atom for each component, and these have "
                f"{', '.join(map(str, sizes))} atoms: read support instead."
            )
        return np.concatenate(self.support)

    @property
    def factors(self):
        """All factor matrices, with ``dictionary @ codes`` in its place."""
        factors = list(self.blocks.values())
        factors[self.mode] = self.dictionary @ self.codes
        return tuple(factors)

    def reconstruct(self):
        """Return the model as an array."""
        return factors_to_array(self.factors)


def dictionary_lra(
    X,
    rank,
    dictionary,
    *,
    sparsity=1,
    method="auto",
    nonnegative=True,
    tensor=False,
    mode=0,
    init="auto",
    n_starts=1,
    max_iter=200,
    tol=1e-6,
    callback=None,
    random_state=None,
):
    r"""Factorise ``X ≈ D C Hᵀ`` with few atoms of a dictionary in each component.

    .. math:: \min_{C, H} \; \tfrac12 \|X - D C H^T\|_F^2 \quad\text{subject to}\quad
              \|C_{:q}\|_0 \le k \quad\text{for each } q,

    with :math:`C, H \ge 0` unless told otherwise, and the columns of :math:`D` scaled to unit norm.
    For tensors :math:`H^T` becomes the product of the factors of all other modes,

    .. math:: \min_{C, A^{(1)}, \dots} \; \tfrac12 \Bigl\| X - \sum_{q=1}^{r} (D C)_{:q} \otimes
              A^{(1)}_{:q} \otimes \cdots \Bigr\|_F^2 .

    With one atom for each component the model picks ``rank`` columns of the dictionary; with the
    data as dictionary these are pure pixels [1]_.

    Parameters
    ----------
    X : ndarray or scipy.sparse array
        May have negative entries: noise has.
    rank : int
    dictionary : ndarray, shape (n_mode, n_atoms)
        Atoms as columns.
    sparsity : int, default 1
        Largest number :math:`k` of atoms in a component.
    method : {"auto", "assignment", "trick_omp", "homp", "block_fista", "iht"}
        How codes are improved: :class:`AtomAssignment` (distinct atoms, sparsity 1 only),
        :class:`TrickOMP`, :class:`HOMP`, :class:`BlockFISTA` or :class:`IHT`. ``"auto"`` is
        ``"assignment"`` where the sparsity is 1 and ``"homp"`` elsewhere.
    nonnegative : bool, default True
        Of codes and other factors.
    tensor : bool, default False
        Whether ``X`` has three modes or more.
    mode : int, default 0
        Which factor is made of atoms.
    init : {"auto", "atoms", "random", "free"} or tuple of ndarray
        ``"atoms"`` draws one atom for each component, distinct where there are enough, and fits the
        other factors to them. ``"random"`` draws the other factors and codes the best factor for
        them; ``"free"`` first improves them in 100 sweeps without the dictionary. ``"auto"`` is
        ``"atoms"`` where the sparsity is 1, since such starts differ most, and ``"free"``
        elsewhere. Arrays are the codes and the other factors, one for each mode, in order.
    n_starts : int, default 1
        Random starts, of which the best is kept; a given ``init`` is the first of them.
    max_iter : int
        Largest number of sweeps of a start.
    tol : float
        Stop when a sweep lowers the objective by less than this fraction; with ``"assignment"``,
        after three such sweeps.
    callback : callable, optional
        See :func:`alternate`; called in every start.
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    DictionaryFactorization
        With ``.codes`` (n_atoms, rank), ``.indices`` (sparsity 1), ``.support``, ``.factors``,
        ``.reconstruct()``, ``.starts``.

    Raises
    ------
    ValueError
        For data that are empty or not finite, an order that ``tensor`` does not announce, a
        dictionary with a zero atom or the wrong number of rows, and ``"assignment"`` with another
        sparsity or fewer atoms than components.

    Notes
    -----
    Guarantee: the objective never increases; with ``"assignment"`` it is that of the best choice
    seen. Which codes the sweeps reach depends on the start.

    Cost: one product with the data for each mode, and what the method costs, per sweep.

    Chapter: :doc:`/chapters/theory/one_sparse_dictionaries`

    References
    ----------
    .. [1] J. E. Cohen and N. Gillis, "Dictionary-based tensor canonical polyadic decomposition",
       IEEE Transactions on Signal Processing 66, 2018.
    .. [2] J. E. Cohen, "Dictionary-based low-rank approximations and the mixed sparse coding
       problem", Frontiers in Applied Mathematics and Statistics 8, 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import dictionary_lra
    >>> rng = np.random.default_rng(0)
    >>> D = rng.random((10, 50))
    >>> X = D[:, [7, 31]] @ rng.random((2, 20))
    >>> result = dictionary_lra(X, 2, D, n_starts=5, random_state=0)
    >>> sorted(result.indices.tolist())
    [7, 31]
    """
    check_option("method", method, ("auto", *_METHODS))
    X = _checked_data(X, tensor)
    sparsity = check_count("sparsity", sparsity)
    others = NonNegative() if nonnegative else NoPenalty()
    penalties = [others] * X.ndim
    if mode in range(X.ndim):
        penalties[mode] = ColumnSparse(sparsity, nonnegative)
    problem = DictionaryProblem(X, check_rank(rank), dictionary, penalties, mode=mode)
    rng = np.random.default_rng(random_state)
    starts = _starts(problem, init, check_count("n_starts", n_starts), rng)
    if method == "auto":
        method = "assignment" if sparsity == 1 else "homp"
    fit = partial(_fit_once, problem, method=method, max_iter=max_iter, tol=tol, callback=callback)
    best, objectives = best_of_starts(fit, starts, max_iter=max_iter, tol=tol, n_jobs=None)
    return DictionaryFactorization(
        **vars(best), dictionary=problem.dictionary, mode=problem.mode, starts=objectives
    )


def _checked_data(X, tensor):
    X = check_array("X", X, sparse=True)
    if tensor and X.ndim < 3:
        raise ValueError(
            f"tensor=True is for three modes or more, and X has shape {X.shape}: leave it out."
        )
    if not tensor and X.ndim != 2:
        raise ValueError(
            f"X must be a matrix, got shape {X.shape}: pass tensor=True for three modes or more."
        )
    return X


def _fit_once(problem, start, *, method, max_iter, tol, callback):
    recorder = Recorder()
    chooses_atoms = method == "assignment"
    exact = {NonNegative: ActiveSet()} if chooses_atoms else {}
    return alternate(
        problem,
        start,
        _updates(problem, {ColumnSparse: _METHODS[method], **exact}),
        acceleration=KeepBest() if chooses_atoms else None,
        stop=Patience(tol) if chooses_atoms else RelativeDecrease(tol),
        max_iter=max_iter,
        callback=callback,
        recorder=recorder,
    )


def _updates(problem, rules):
    """Return the rule of each block by name: that of its penalty."""
    rules = {NonNegative: HALS(), NoPenalty: LeastSquares(), **rules}
    return {block.name: rules[type(block.penalty)] for block in problem.blocks}


def _starts(problem, init, n_starts, rng):
    """Return the blocks to start from, one tuple for each start."""
    if isinstance(init, str):
        check_option("init", init, ("auto", *_DRAWS))
        given = []
    else:
        blocks = problem.blocks
        given = [check_blocks(init, [b.shape for b in blocks], [b.name for b in blocks])]
        init = "auto"
    if init == "auto":
        init = "atoms" if problem.blocks[problem.mode].penalty.k == 1 else "free"
    return given + [_DRAWS[init](problem, rng) for _ in range(n_starts - len(given))]


def _atoms_start(problem, rng):
    """Draw one atom for each component and fit the other factors to them, one after the other."""
    x = list(_drawn_factors(problem, rng))
    n_atoms, rank = problem.blocks[problem.mode].shape
    atoms = rng.choice(n_atoms, rank, replace=n_atoms < rank)
    x[problem.mode] = np.zeros((n_atoms, rank), problem.data.dtype)
    x[problem.mode][atoms, np.arange(rank)] = 1.0
    rules = {NonNegative: ActiveSet(), NoPenalty: LeastSquares()}
    for k, block in enumerate(problem.blocks):
        if k != problem.mode:
            x[k], _ = rules[type(block.penalty)](problem, tuple(x), k, None)
    return tuple(x)


def _random_start(problem, rng):
    return _coded(problem, _drawn_factors(problem, rng))


def _free_start(problem, rng):
    return _coded(problem, _free_factors(problem, rng))


_DRAWS = {"atoms": _atoms_start, "random": _random_start, "free": _free_start}


def _drawn_factors(problem, rng):
    codes = problem.blocks[problem.mode]
    nonnegative = codes.penalty.nonnegative
    return random_factors(problem.data, codes.shape[1], rng, nonnegative=nonnegative)


def _free_factors(problem, rng):
    """Fit the model without the dictionary."""
    codes = problem.blocks[problem.mode]
    penalties = [block.penalty for block in problem.blocks]
    signed = not codes.penalty.nonnegative or problem.dictionary.min() < 0
    penalties[problem.mode] = NoPenalty() if signed else NonNegative()
    free = FactorProblem(problem.data, codes.shape[1], penalties)
    fit = alternate(
        free,
        _drawn_factors(problem, rng),
        _updates(free, {}),
        acceleration=Extrapolation(),
        stop=RelativeDecrease(0.0),
        max_iter=_FREE_SWEEPS,
    )
    return tuple(fit.blocks.values())


def _coded(problem, factors):
    """Replace the factor of the dictionary by codes of the one that is best for the others."""
    k = problem.mode
    x = list(factors)
    x[k] = np.zeros(problem.blocks[k].shape, problem.data.dtype)
    n_atoms, rank = problem.blocks[k].shape
    distinct = problem.blocks[k].penalty.k == 1 and n_atoms >= rank
    rule = AtomAssignment() if distinct else TrickOMP()
    x[k], _ = rule(problem, tuple(x), k, None)
    return tuple(x)
