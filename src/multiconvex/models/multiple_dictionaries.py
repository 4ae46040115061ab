r"""Nonnegative matrix models whose left factor is made of atoms of several dictionaries."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from multiconvex.acceleration import KeepBest
from multiconvex.checks import (
    check_array,
    check_count,
    check_entries,
    check_option,
    check_rank,
)
from multiconvex.engine import alternate
from multiconvex.models.factor_problem import FactorProblem
from multiconvex.models.multistart import best_of_starts
from multiconvex.models.nmf import MatrixFactorization
from multiconvex.penalties import NonNegative
from multiconvex.picked_atoms import PickedAtoms
from multiconvex.regression import nnls
from multiconvex.stopping import Patience
from multiconvex.trace import Recorder
from multiconvex.updates import ActiveSet, AtomTransport

_UPDATES = {"W": AtomTransport(), "H": ActiveSet()}


@dataclass(frozen=True, repr=False, kw_only=True)
class MultipleDictionaries(MatrixFactorization):
    """A model ``W @ H.T`` whose columns of ``W`` are atoms; see :class:`MatrixFactorization`.

    Attributes
    ----------
    indices : ndarray of int, shape (rank, 2)
        The dictionary of each component and the number of its atom there.
    picks : tuple of ndarray of int
        Numbers of the atoms picked in each dictionary.
    starts : ndarray
        Final objective of each start, in the order they were made.
    """

    indices: np.ndarray
    picks: tuple
    starts: np.ndarray


def multiple_dictionaries(
    X,
    dictionaries,
    counts,
    *,
    rank=None,
    init="random",
    n_starts=10,
    max_iter=100,
    tol=1e-6,
    callback=None,
    random_state=None,
):
    r"""Factorise ``X ≈ W Hᵀ`` with the columns of ``W`` picked in several dictionaries.

    .. math:: \min_{K, H \ge 0} \; \tfrac12 \bigl\| X - [D_1[:, K_1], \dots, D_p[:, K_p]] \, H^T
              \bigr\|_F^2 \quad\text{subject to}\quad \# K_i \le d_i, \; \sum_i \# K_i = r,

    where the columns of every :math:`D_i` are scaled to unit norm. A dictionary may hold the
    pixels of a region in which an expert expects a material; :math:`d_i` is how many materials.

    Each sweep regresses a free nonnegative :math:`W`, replaces its columns by the closest distinct
    atoms that the limits allow (:class:`AtomTransport`), and solves for :math:`H` exactly. A start
    ends after three sweeps without progress. The first choice decides much: starts are random
    atoms, which differ more than random abundances do, and the best of several is kept.

    Parameters
    ----------
    X : ndarray or scipy.sparse array, shape (m, n)
    dictionaries : sequence of ndarray, shapes (m, n_i)
        Nonnegative, atoms as columns. One atom may stand in several of them.
    counts : sequence of int
        Largest number :math:`d_i` of atoms of each dictionary.
    rank : int, optional
        By default the sum of ``counts``.
    init : "random" or ndarray of int, shape (rank, 2)
        Atoms of the first start as pairs (dictionary, atom); the other starts are random.
    n_starts : int, default 10
    max_iter : int
        Largest number of sweeps of a start.
    tol : float
        A sweep makes progress when it lowers the objective by more than this fraction of it; with
        0 all sweeps are made.
    callback : callable, optional
        See :func:`alternate`; called in every start.
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    MultipleDictionaries
        With ``.W`` (m, rank), ``.H`` (n, rank), ``.indices``, ``.picks``, ``.starts``.

    Raises
    ------
    ValueError
        For data that are empty or not finite, dictionaries that are negative, have a zero atom or
        other numbers of rows, and counts that do not go with them or allow fewer than ``rank``
        atoms.

    Notes
    -----
    Guarantee: the recorded objective never increases and belongs to the best choice seen; exact
    data are a fixed point at the true atoms where these are independent and so are the columns of
    ``H``. Which choice the sweeps reach depends on the start.

    Cost: two products with the data and one with all atoms per sweep, O(m n r + m N r), and an
    exact regression of all columns.

    Chapter: :doc:`/chapters/theory/several_dictionaries`

    References
    ----------
    .. [1] J. E. Cohen and N. Gillis, "Spectral unmixing with multiple dictionaries", IEEE
       Geoscience and Remote Sensing Letters 15, 2018.
    .. [2] J. E. Cohen, "Regularized low-rank approximations", 2026, section 12.3.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import multiple_dictionaries
    >>> rng = np.random.default_rng(0)
    >>> dictionaries = rng.random((8, 20)), rng.random((8, 30))
    >>> W = np.column_stack([dictionaries[0][:, 5], dictionaries[1][:, [2, 7]]])
    >>> X = W @ rng.random((3, 50))
    >>> result = multiple_dictionaries(X, dictionaries, (1, 2), random_state=0)
    >>> [sorted(numbers.tolist()) for numbers in result.picks]
    [[5], [2, 7]]
    """
    X = check_array("X", X, ndim=2, sparse=True)
    atoms = PickedAtoms(dictionaries, counts)
    _check_dictionaries(atoms.dictionaries, X)
    rank = atoms.check_rank(check_rank(sum(atoms.counts) if rank is None else rank))
    problem = FactorProblem(X, rank, (atoms, NonNegative()))
    rng = np.random.default_rng(random_state)
    starts = _starts(atoms, rank, init, check_count("n_starts", n_starts), rng)
    fit = partial(_fit_once, problem, X, max_iter=max_iter, tol=tol, callback=callback)
    best, objectives = best_of_starts(fit, starts, max_iter=max_iter, tol=tol, n_jobs=None)
    indices = atoms.picks(best.blocks["W"])
    return MultipleDictionaries(
        **vars(best),
        indices=indices,
        picks=tuple(indices[indices[:, 0] == i, 1] for i in range(len(atoms.counts))),
        starts=objectives,
    )


def _fit_once(problem, X, W, *, max_iter, tol, callback):
    recorder = Recorder()
    W = W.astype(X.dtype, copy=False)
    H = np.ascontiguousarray(nnls(W, X).x.T)
    return alternate(
        problem,
        (W, H),
        _UPDATES,
        acceleration=KeepBest(),
        stop=Patience(tol),
        max_iter=max_iter,
        callback=callback,
        recorder=recorder,
    )


def _starts(atoms, rank, init, n_starts, rng):
    """Yield the left factors to start from."""
    given = []
    if isinstance(init, str):
        check_option("init", init, ("random",))
    else:
        given = [atoms.atoms(_checked_picks(atoms, rank, init))]
    return given + [
        atoms.atoms(_random_picks(atoms, rank, rng)) for _ in range(n_starts - len(given))
    ]


def _random_picks(atoms, rank, rng):
    """Draw distinct atoms within the limits, in the order of the dictionaries."""
    allowed = [
        (i, number)
        for i, (entries, count) in enumerate(zip(atoms.dictionaries, atoms.counts))
        for number in rng.permutation(entries.shape[1])[:count]
    ]
    return [allowed[place] for place in np.sort(rng.permutation(len(allowed))[:rank])]


def _checked_picks(atoms, rank, init):
    picks = np.asarray(init)
    if picks.shape != (rank, 2) or picks.dtype.kind not in "iu":
        raise ValueError(
            f"init must be 'random' or integers of shape ({rank}, 2), one pair (dictionary, atom) "
            f"for each component; got {picks.dtype} of shape {picks.shape}."
        )
    sizes = [entries.shape[1] for entries in atoms.dictionaries]
    for i, number in picks:
        if not (0 <= i < len(sizes) and 0 <= number < sizes[i]):
            raise ValueError(
                f"init asks for atom {number} of dictionary {i}, but the dictionaries have "
                f"{', '.join(map(str, sizes))} atoms: number them from 0."
            )
    used = np.bincount(picks[:, 0], minlength=len(sizes))
    if len(np.unique(picks, axis=0)) < rank or np.any(used > atoms.counts):
        raise ValueError(
            "init must name distinct atoms, no more of a dictionary than counts allow; it takes "
            f"{', '.join(map(str, used))} where counts are {', '.join(map(str, atoms.counts))}."
        )
    return picks


def _check_dictionaries(dictionaries, X):
    for i, entries in enumerate(dictionaries):
        if len(entries) != X.shape[0]:
            raise ValueError(
                f"Atoms must be as long as the columns of X: dictionaries[{i}] has {len(entries)} "
                f"rows and X has {X.shape[0]}."
            )
        check_entries(f"dictionaries[{i}]", entries, nonnegative=True)
