r"""Complete dictionary learning: no more atoms than rows, and codes with few nonzero entries."""

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from multiconvex.acceleration import Extrapolation
from multiconvex.checks import check_array, check_blocks, check_count, check_option
from multiconvex.engine import alternate
from multiconvex.models.factor_problem import FactorProblem
from multiconvex.models.multistart import best_of_starts
from multiconvex.models.nmf import MatrixFactorization
from multiconvex.penalties import NoPenalty, RowSparse
from multiconvex.stopping import RelativeDecrease
from multiconvex.trace import Recorder
from multiconvex.updates import ADMM, LeastSquares, ProxGradient, SupportEnumeration, Update

_UPDATES = {"enumeration": SupportEnumeration(), "admm": ADMM(), "iht": ProxGradient()}
_WARM = {"stop": RelativeDecrease(1e-4), "max_iter": 200}


@dataclass(frozen=True, repr=False, kw_only=True)
class DictionaryLearning(MatrixFactorization):
    """A model ``dictionary @ codes``; see :class:`MatrixFactorization`.

    Attributes
    ----------
    starts : ndarray
        Final objective of each start, in the order they were made.
    """

    starts: np.ndarray

    @property
    def dictionary(self):
        """Atoms as columns of unit norm, shape (m, rank); an atom that is never used may be 0."""
        return self.W

    @property
    def codes(self):
        """Weights of the atoms, with at most ``sparsity`` nonzero ones in a column (rank, n)."""
        return self.H.T


class IdentifiabilityBound(NamedTuple):
    """How many samples make a dictionary the only one.

    Attributes
    ----------
    per_facet : int
        On each of the r facets, any r - 1 of them independent.
    samples : int
        The least number of samples that can put so many on every facet.
    """

    per_facet: int
    samples: int


def identifiability_bound(rank, sparsity):
    r"""How many samples make a complete dictionary the only one, whatever their codes.

    The facets of a dictionary are the spans of all its atoms but one. A sample with k nonzero
    weights among r lies on r - k of them, and a factorisation is unique up to order and scale when
    each facet holds at least

    .. math:: b = \Bigl\lfloor \frac{r (r - 2)}{r - k} \Bigr\rfloor + 1

    samples of which any r - 1 are independent [1]_. That takes at least :math:`b\, r / (r - k)`
    samples, reached where they are spread evenly.

    Parameters
    ----------
    rank : int
        Number r of atoms, at least 2.
    sparsity : int
        Number k of nonzero weights, below the rank.

    Returns
    -------
    IdentifiabilityBound
        With fields `per_facet` and `samples`.

    Raises
    ------
    ValueError
        For a sparsity that is not between 1 and the rank minus 1.

    Notes
    -----
    Guarantee: sufficient, not necessary; in the noiseless model, for deterministic samples.

    Cost: O(1).

    Chapter: :doc:`/chapters/theory/complete_dictionary_learning`

    References
    ----------
    .. [1] J. E. Cohen and N. Gillis, "Identifiability of complete dictionary learning", SIAM
       Journal on Mathematics of Data Science 1, 2019, theorem 1.

    Examples
    --------
    >>> identifiability_bound(8, 3)
    IdentifiabilityBound(per_facet=10, samples=16)
    """
    rank = check_count("rank", rank, least=2)
    sparsity = check_count("sparsity", sparsity)
    if sparsity >= rank:
        raise ValueError(
            f"sparsity must be below rank={rank}, got {sparsity}: with as many nonzero weights as "
            "atoms every basis is a dictionary."
        )
    per_facet = rank * (rank - 2) // (rank - sparsity) + 1
    return IdentifiabilityBound(per_facet, -(-per_facet * rank // (rank - sparsity)))


def complete_dictionary(
    X,
    rank,
    sparsity,
    *,
    update="enumeration",
    init="whitened",
    n_starts=10,
    max_iter=500,
    tol=1e-6,
    callback=None,
    random_state=None,
):
    r"""Factorise ``X ≈ D B`` with few nonzero entries in each column of ``B``.

    .. math:: \min_{D, B} \; \tfrac12 \|X - D B\|_F^2 \quad\text{subject to}\quad
              \|B_{:i}\|_0 \le k \text{ for every sample } i,

    where the dictionary :math:`D` has no more atoms than rows. Atoms come back with unit norm.

    Least squares for the dictionary alternate with an update of the codes, with extrapolation. The
    problem has many local minima, hence several starts. Each is a random rotation of the principal
    axes of the data; by default it is first fitted to whitened data, in which the atoms are nearly
    orthogonal and good solutions are much easier to reach.

    Parameters
    ----------
    X : ndarray, shape (m, n)
        Samples as columns.
    rank : int
        Number r of atoms, at most m and n.
    sparsity : int
        Largest number k of nonzero entries in a column of the codes.
    update : {"enumeration", "admm", "iht"} or Update
        Of the codes: exact over all supports (:class:`SupportEnumeration`); or, where these are too
        many, :class:`ADMM` or iterative hard thresholding (:class:`ProxGradient`).
    init : {"whitened", "random"} or pair of ndarray, shapes (m, rank) and (rank, n)
        Rotations fitted to whitened data first or not; or the dictionary and the codes of the
        first start, where all but the k largest entries of each code are set to zero.
    n_starts : int, default 10
    max_iter : int
        Largest number of sweeps of a start.
    tol : float
        Stop when a sweep lowers the objective by less than this fraction.
    callback : callable, optional
        See :func:`alternate`; called in every start.
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    DictionaryLearning
        With ``.dictionary`` (m, rank), ``.codes`` (rank, n), ``.starts``, ``.reconstruct()``.

    Raises
    ------
    ValueError
        For data that are empty or not finite, more atoms than rows or columns, a sparsity that is
        not between 1 and the rank, or more supports than enumeration visits.

    Notes
    -----
    Guarantee: the objective never increases. Where every facet holds enough samples
    (:func:`multiconvex.identifiability_bound`) only the true dictionary fits exact data; a start
    may still end in a local minimum.

    Cost: two products with the data per sweep, O(m n r), and the update of the codes.

    Chapter: :doc:`/chapters/theory/complete_dictionary_learning`

    References
    ----------
    .. [1] J. E. Cohen and N. Gillis, "Identifiability of complete dictionary learning", SIAM
       Journal on Mathematics of Data Science 1, 2019.
    .. [2] J. E. Cohen, "Regularized low-rank approximations", 2026, chapter 11.
    .. [3] J. Sun, Q. Qu and J. Wright, "Complete dictionary recovery over the sphere I", IEEE
       Transactions on Information Theory 63, 2017 (whitening).

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import complete_dictionary, factor_match_score
    >>> rng = np.random.default_rng(0)
    >>> D, B = rng.standard_normal((3, 3)), rng.standard_normal((3, 40))
    >>> B[np.arange(40) % 3, np.arange(40)] = 0.0
    >>> result = complete_dictionary(D @ B, 3, 2, random_state=1)
    >>> round(factor_match_score(result.dictionary, D), 6)
    1.0
    """
    X = check_array("X", X, ndim=2)
    rank = _check_rank(rank, X.shape)
    sparsity = _check_sparsity(sparsity, rank)
    n_starts = check_count("n_starts", n_starts)
    rng = np.random.default_rng(random_state)
    problem = FactorProblem(X, rank, (NoPenalty(), RowSparse(sparsity)))
    updates = {"W": LeastSquares(), "H": _as_update(update)}
    given, draw = [], _whitened
    if isinstance(init, str):
        check_option("init", init, tuple(_DRAWS))
        draw = _DRAWS[init]
    else:
        given = [_as_given(problem, init)]
    axes = _principal_axes(X, rank)
    rotations = [_rotation(rank, rng, X.dtype) for _ in range(n_starts - len(given))]
    starts = given + [partial(draw, problem, updates, axes, rotation) for rotation in rotations]
    fit = partial(_fit_once, problem, updates, max_iter=max_iter, tol=tol, callback=callback)
    best, objectives = best_of_starts(fit, starts, max_iter=max_iter, tol=tol, n_jobs=None)
    W, H = best.blocks.values()
    norms = np.linalg.norm(W, axis=0)
    norms = np.where(norms > 0, norms, 1.0).astype(W.dtype)
    best = replace(best, blocks={"W": W / norms, "H": H * norms})
    return DictionaryLearning(**vars(best), starts=objectives)


def _fit_once(problem, updates, start, *, max_iter, tol, callback):
    recorder = Recorder()
    return alternate(
        problem,
        start(),
        updates,
        acceleration=Extrapolation(),
        stop=RelativeDecrease(tol),
        max_iter=max_iter,
        callback=callback,
        recorder=recorder,
    )


def _principal_axes(X, rank):
    """Return the leading singular triplets: scaled left vectors, and right vectors as rows."""
    left, singular, right = np.linalg.svd(X, full_matrices=False)
    return left[:, :rank] * singular[:rank], np.ascontiguousarray(right[:rank])


def _rotation(rank, rng, dtype):
    return np.linalg.qr(rng.standard_normal((rank, rank)))[0].astype(dtype)


def _random(problem, updates, axes, rotation):
    """Rotate the principal axes, and cut the coordinates of the data to their largest entries."""
    scaled, coordinates = axes
    return scaled @ rotation, problem.blocks[1].penalty.prox(coordinates.T @ rotation, 0.0)


def _whitened(problem, updates, axes, rotation):
    """Fit the coordinates of the data along their principal axes first."""
    scaled, coordinates = axes
    penalties = [block.penalty for block in problem.blocks]
    white = FactorProblem(coordinates, len(rotation), penalties)
    start = rotation, _random(problem, updates, axes, rotation)[1]
    W, H = alternate(white, start, updates, acceleration=Extrapolation(), **_WARM).blocks.values()
    return scaled @ W, H


_DRAWS = {"whitened": _whitened, "random": _random}


def _as_update(update):
    if isinstance(update, Update):
        return update
    check_option("update", update, tuple(_UPDATES))
    return _UPDATES[update]


def _as_given(problem, init):
    """Return, as a start, a dictionary and codes that the user gives."""
    (m, rank), (n, _) = (block.shape for block in problem.blocks)
    dictionary, codes = check_blocks(init, [(m, rank), (rank, n)], ["dictionary", "codes"])
    start = dictionary, problem.blocks[1].penalty.prox(np.ascontiguousarray(codes.T), 0.0)
    return lambda: start


def _check_rank(rank, shape):
    rank = check_count("rank", rank)
    if rank > min(shape):
        raise ValueError(
            f"rank must be at most {min(shape)} for data of shape {shape}, got {rank}: a complete "
            "dictionary has no more atoms than rows, and needs as many samples."
        )
    return rank


def _check_sparsity(sparsity, rank):
    sparsity = check_count("sparsity", sparsity)
    if sparsity > rank:
        raise ValueError(f"sparsity must be at most rank={rank}, got {sparsity}.")
    return sparsity
