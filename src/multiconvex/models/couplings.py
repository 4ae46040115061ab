r"""Linear couplings: factors of several data sets that are made from one shared factor."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from multiconvex.checks import check_array, check_count
from multiconvex.updates.least_squares import solve_symmetric

_DEPENDENT = 1e-6


class Member(NamedTuple):
    """A factor of a coupled model: the number of its data set, and its mode."""

    dataset: int
    mode: int


@dataclass(frozen=True, eq=False)
class Coupling:
    r"""Factors of several data sets that are linear images of one shared factor :math:`A`.

    .. math:: A_i = A, \qquad A_i = A R_i, \qquad A_i = L_i A, \qquad A_i = L_i A R_i
              \qquad\text{or}\qquad \operatorname{vec}(A_i) = H_i \operatorname{vec}(A),

    where :math:`\operatorname{vec}` runs along rows, as ``A.ravel()`` does. The shared factor must
    be determined by its images: stacked, the maps must have full column rank.

    Parameters
    ----------
    members : sequence of pair of int
        Number of the data set and mode of each coupled factor :math:`A_i`; from each data set
        one at most, since the model would not be linear in the shared factor otherwise.
    left : sequence of ndarray, shapes (n_i, n), optional
        The matrices :math:`L_i`, one for each member.
    right : sequence of ndarray, shapes (r, rank_i), optional
        The matrices :math:`R_i`.
    matrices : sequence of ndarray, shapes (n_i * rank_i, p), optional
        The matrices :math:`H_i`; excludes ``left`` and ``right``.
    shape : pair of int, optional
        Of the shared factor where ``matrices`` are given, by default ``(p / rank, rank)``.

    Raises
    ------
    ValueError
        For fewer than two members or two of one data set, a number of matrices that is not theirs,
        or, when the data are known, shapes that do not fit.

    Notes
    -----
    Guarantee: none of its own; :func:`multiconvex.coupled_factorization` says which couplings hold
    exactly.

    Cost: O(n r) per member where nothing but the shared factor itself is used.

    Chapter: :doc:`/chapters/algorithms/coupled_factorizations`

    References
    ----------
    .. [1] C. Schenker, J. E. Cohen and E. Acar, "A flexible optimization framework for regularized
       matrix-tensor factorizations with linear couplings", IEEE Journal of Selected Topics in
       Signal Processing 15, 2021.

    Examples
    --------
    >>> from multiconvex import Coupling
    >>> Coupling.on_grids([(0, 0), (1, 0)], grid=[0, 1, 2], points=[[0, 2], [0.5]]).left[1]
    array([[0.5, 0.5, 0. ]])
    """

    members: tuple
    left: tuple | None = None
    right: tuple | None = None
    matrices: tuple | None = None
    shape: tuple | None = None

    def __post_init__(self):
        members = tuple(Member(*map(int, pair)) for pair in self.members)
        if len(members) < 2 or len({member.dataset for member in members}) < len(members):
            raise ValueError(
                "members must be at least two pairs (data set, mode) of different data sets, got "
                f"{[tuple(member) for member in members]}."
            )
        object.__setattr__(self, "members", members)
        if self.matrices is not None and (self.left is not None or self.right is not None):
            raise ValueError("Give either matrices, or left and right, not both.")
        for name in ("left", "right", "matrices"):
            given = getattr(self, name)
            if given is None:
                continue
            if len(given) != len(members):
                raise ValueError(
                    f"{name} must hold one matrix for each of the {len(members)} members, "
                    f"got {len(given)}."
                )
            checked = tuple(check_array(f"{name}[{j}]", M, ndim=2) for j, M in enumerate(given))
            object.__setattr__(self, name, checked)

    @classmethod
    def of_columns(cls, members, columns):
        """Return the coupling in which each member has some of the columns of the shared factor.

        Parameters
        ----------
        members : sequence of pair of int
        columns : sequence of sequence of int
            Columns of the shared factor that each member has, in its order.

        Examples
        --------
        Two data sets with two components each, the first of which is common:

        >>> coupling = Coupling.of_columns([(0, 0), (1, 0)], [[0, 1], [0, 2]])
        >>> coupling.right[1].T
        array([[1., 0., 0.],
               [0., 0., 1.]])
        """
        columns = [list(chosen) for chosen in columns]
        identity = np.eye(1 + max(max(chosen, default=0) for chosen in columns))
        return cls(members, right=[identity[:, chosen] for chosen in columns])

    @classmethod
    def on_grids(cls, members, grid, points):
        """Return the coupling in which members sample, at their points, curves on a grid.

        Between the nodes of the grid curves are interpolated linearly.

        Parameters
        ----------
        members : sequence of pair of int
        grid : array, shape (n,)
            Increasing nodes.
        points : sequence of array
            Where each member samples, between the first and the last node.
        """
        grid = check_array("grid", grid, ndim=1)
        if np.any(np.diff(grid) <= 0):
            raise ValueError("grid must be strictly increasing: sort it and drop repeated nodes.")
        return cls(members, left=[_interpolation(grid, places) for places in points])

    @classmethod
    def of_slopes(cls, members, size):
        """Return the coupling in which curves differ by constants: their slopes are shared.

        The shared factor has the ``size - 1`` differences between neighbours in its first rows, and
        below them the first value of the curves of each member.

        Parameters
        ----------
        members : sequence of pair of int
        size : int
            Number of points of each curve.
        """
        size = check_count("size", size, least=2)
        sums = np.tri(size, size - 1, -1)
        places = np.eye(len(members))
        return cls(members, left=[np.hstack([sums, np.tile(row, (size, 1))]) for row in places])

    def link(self, shapes, dtype=float):
        """Return the maps, checked against the shapes of the factors of the members."""
        link = self._maps(shapes, dtype)
        for j, (member, shape) in enumerate(zip(self.members, shapes)):
            if not link.fits(j, shape):
                raise ValueError(
                    f"The coupling cannot make the factor of data set {member.dataset}, mode "
                    f"{member.mode}, of shape {shape}, from a shared factor of shape {link.shape}: "
                    "check its matrices and the ranks."
                )
        if not link.determined():
            raise ValueError(
                "The coupling does not determine its shared factor, because its maps, stacked, "
                "have dependent columns: use a coarser grid or fewer columns."
            )
        return link

    def _maps(self, shapes, dtype):
        left, right, matrices = (
            given and tuple(matrix.astype(dtype, copy=False) for matrix in given)
            for given in (self.left, self.right, self.matrices)
        )
        ranks = [rank for _, rank in shapes]
        if matrices:
            return MatrixLink(matrices, _shared_shape(self, shapes), ranks)
        if left and right:
            matrices = tuple(np.kron(L, R.T) for L, R in zip(left, right))
            return MatrixLink(matrices, (left[0].shape[1], len(right[0])), ranks)
        if left:
            return LeftLink(left, (left[0].shape[1], ranks[0]), ranks)
        return RightLink(right, (shapes[0][0], len(right[0]) if right else ranks[0]), ranks)


class Link(ABC):
    """Linear maps from one shared factor to several factors.

    Parameters
    ----------
    matrices : tuple of ndarray or None
    shape : pair of int
        Of the shared factor.
    ranks : list of int
        Numbers of columns of the factors.
    """

    def __init__(self, matrices, shape, ranks):
        self.matrices = matrices
        self.shape = shape
        self.ranks = ranks

    @property
    def count(self):
        """Number of factors."""
        return len(self.ranks)

    @abstractmethod
    def fits(self, j, shape):
        """Return whether the map of member ``j`` makes factors of that shape."""

    @abstractmethod
    def determined(self):
        """Return whether the images determine the shared factor."""

    @abstractmethod
    def image(self, shared, j):
        """Return the factor of member ``j``."""

    @abstractmethod
    def adjoint(self, factor, j):
        """Apply the adjoint of the map of member ``j``."""

    @abstractmethod
    def normal_solver(self, weights):
        """Return a function that solves ``sum_j weights[j] adjoint_j(A_j) = right`` for ``A``."""

    @abstractmethod
    def minimize(self, grams, rhs):
        """Return the shared factor of least ``sum_j <A_j grams[j], A_j> / 2 - <rhs[j], A_j>``."""

    def norm2(self, j):
        """Return the squared norm of the map of member ``j``."""
        return float(np.linalg.norm(self.matrices[j], 2) ** 2)

    def closest(self, factors, weights):
        """Return the shared factor that minimises ``sum_j weights[j] ||factors[j] - A_j||^2``."""
        solve = self.normal_solver(weights)
        return solve(self.pull_back([w * factor for w, factor in zip(weights, factors)]))

    def pull_back(self, factors):
        """Return the sum of all adjoints."""
        return sum(self.adjoint(factor, j) for j, factor in enumerate(factors))


class RightLink(Link):
    """``A_j = A R_j``, or ``A`` itself where there are no matrices."""

    @property
    def selects(self):
        """Whether every factor consists of columns of the shared one, and each column is used."""
        if self.matrices is None:
            return True
        columns = np.hstack(self.matrices).T
        return bool(np.all((columns == 0) | (columns == 1)) and np.all(columns.sum(axis=1) == 1))

    def fits(self, j, shape):
        if self.matrices is None:
            return shape == self.shape
        return (self.shape[0], *self.matrices[j].shape) == (shape[0], self.shape[1], shape[1])

    def determined(self):
        return self.matrices is None or _independent(np.hstack(self.matrices).T)

    def image(self, shared, j):
        return shared if self.matrices is None else shared @ self.matrices[j]

    def adjoint(self, factor, j):
        return factor if self.matrices is None else factor @ self.matrices[j].T

    def norm2(self, j):
        return 1.0 if self.matrices is None else super().norm2(j)

    def normal_solver(self, weights):
        if self.matrices is None:
            return lambda right: right / sum(weights)
        gram = sum(w * (R @ R.T) for w, R in zip(weights, self.matrices))
        factor = cho_factor(gram)
        return lambda right: cho_solve(factor, right.T, check_finite=False).T

    def summed_gram(self, grams):
        """Return ``sum_j R_j grams[j] R_j^T``."""
        if self.matrices is None:
            return sum(grams)
        return sum(R @ gram @ R.T for R, gram in zip(self.matrices, grams))

    def minimize(self, grams, rhs):
        return solve_symmetric(self.summed_gram(grams), self.pull_back(rhs).T).T


class StackedLink(Link):
    """Maps that mix the rows of the shared factor, alike in all columns or not."""

    @cached_property
    def _grams(self):
        return [matrix.T @ matrix for matrix in self.matrices]

    def determined(self):
        return _independent(np.vstack(self.matrices))

    def normal_solver(self, weights):
        factor = cho_factor(sum(w * gram for w, gram in zip(weights, self._grams)))
        rows = len(factor[0])

        def solve(right):
            columns = right.reshape(rows, -1)
            return cho_solve(factor, columns, check_finite=False).reshape(self.shape)

        return solve

    def minimize(self, grams, rhs):
        right = self.pull_back(rhs)
        return solve_symmetric(self.system(grams), right.reshape(-1, 1)).reshape(self.shape)

    @abstractmethod
    def system(self, grams):
        """Return the matrix of ``sum_j <A_j grams[j], A_j>`` in the entries of ``A``."""


class LeftLink(StackedLink):
    """``A_j = L_j A``."""

    def fits(self, j, shape):
        return (*self.matrices[j].shape, self.shape[1]) == (shape[0], self.shape[0], shape[1])

    def image(self, shared, j):
        return self.matrices[j] @ shared

    def adjoint(self, factor, j):
        return self.matrices[j].T @ factor

    def system(self, grams):
        return sum(np.kron(outer, gram) for outer, gram in zip(self._grams, grams))


class MatrixLink(StackedLink):
    """``A_j.ravel() = H_j @ A.ravel()``."""

    def fits(self, j, shape):
        size = np.prod(shape), np.prod(self.shape)
        return self.matrices[j].shape == size and self.ranks[j] == shape[1]

    def image(self, shared, j):
        return (self.matrices[j] @ shared.ravel()).reshape(-1, self.ranks[j])

    def adjoint(self, factor, j):
        return (self.matrices[j].T @ factor.ravel()).reshape(self.shape)

    def system(self, grams):
        total = 0.0
        for H, gram in zip(self.matrices, grams):
            slabs = H.reshape(-1, len(gram), H.shape[1])
            total = total + H.T @ np.matmul(gram, slabs).reshape(H.shape)
        return total


def _independent(matrix):
    """Return whether the normal equations of the columns can be solved to some digits."""
    return np.linalg.matrix_rank(matrix, rtol=_DEPENDENT) == matrix.shape[1]


def _interpolation(grid, points):
    """Return the matrix that takes values on the grid to values at the points."""
    points = check_array("points", points, ndim=1)
    if points.min() < grid[0] or points.max() > grid[-1]:
        raise ValueError(
            f"points must lie between the ends of the grid, {grid[0]:g} and {grid[-1]:g}, got "
            f"{points.min():g} to {points.max():g}: extend the grid."
        )
    return np.stack([np.interp(points, grid, node) for node in np.eye(len(grid))], axis=1)


def _shared_shape(coupling, shapes):
    """Return the shape of the shared factor of a coupling by matrices."""
    size, ranks = coupling.matrices[0].shape[1], {rank for _, rank in shapes}
    if coupling.shape is not None:
        return tuple(coupling.shape)
    rank = ranks.pop()
    if ranks or size % rank:
        raise ValueError(
            f"shape is needed for a shared factor of {size} entries behind factors of ranks "
            f"{[r for _, r in shapes]}."
        )
    return size // rank, rank
