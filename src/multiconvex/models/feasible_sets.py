r"""All nonnegative factorisations of a matrix, as a set of points."""

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module

import numpy as np

from multiconvex.checks import check_array, check_count, check_positive
from multiconvex.models import nested_simplices, nested_triangles
from multiconvex.models.profile_plane import ProfilePlane, profile_plane

_STARTS = 8
_SWEEPS = 30
_WALKERS, _LEGS, _LEG = 64, 4, 60


@dataclass(frozen=True, eq=False, repr=False)
class FeasibleSet:
    """All exact nonnegative factorisations of one rank; see :func:`~multiconvex.feasible_set`.

    A factorisation is a simplex of ``rank`` points in the plane of columns with sum one; its
    points are the columns of ``W``.

    Attributes
    ----------
    rank : int
    plane : ProfilePlane
        Coordinates, and the two polytopes between which the simplices lie.
    resolution : float
        Parts smaller than this fraction of the data count as one point.
    """

    rank: int
    plane: ProfilePlane
    resolution: float

    @cached_property
    def is_empty(self):
        """Whether there is no factorisation; at rank four, whether none was found."""
        return len(self._starts) == 0

    @cached_property
    def factors(self):
        """One factorisation ``(W, H)``, to which :attr:`is_unique` and :attr:`spread` refer."""
        return self.plane.factors(self._reference())

    @property
    def spread(self):
        """How far each component of :attr:`factors` can be from where it is, of shape (rank,).

        In distances between columns with sum one. At rank four it is a lower bound, over the
        factorisations that were met.
        """
        return self.spread_from(self._reference())

    @property
    def is_unique(self):
        """Which components of :attr:`factors` are in all factorisations, of shape (rank,).

        Up to ``resolution``. At rank four ``True`` says that no other was met.
        """
        return self.spread <= self.resolution * self.plane.diameter

    def spread_from(self, corners):
        """How far each corner of a simplex of the set can be from where it is, of shape (rank,)."""
        reached = zip(corners, self.extents(corners))
        return np.array(
            [np.linalg.norm(points - corner, axis=1).max() for corner, points in reached]
        )

    def contains(self, W, tol=1e-6):
        """Whether the columns of `W` are the left factor of an exact nonnegative factorisation.

        Parameters
        ----------
        W : array_like, shape (m, rank)
            The scale of columns does not matter.
        tol : float
            How far columns with sum one may leave the plane or the outer polytope, in units of
            the size of the data, and how negative the shares of a column of the data may be.
        """
        W = check_array("W", W, ndim=2)
        if W.shape != (len(self.plane.centre), self.rank):
            expected = (len(self.plane.centre), self.rank)
            raise ValueError(f"W must have shape {expected}, got {W.shape}.")
        if (W.sum(axis=0) <= 0).any():
            return False
        columns, points = W / W.sum(axis=0), self.plane.points(W)
        if columns.min() < self.plane.lowest - tol * columns.max():
            return False
        gap = np.linalg.norm(columns - self.plane.columns(points), axis=0).max()
        on_the_plane = gap <= tol * self.plane.diameter + self.plane.thickness
        return bool(on_the_plane and nested_simplices.is_between(self.plane, points, tol))

    def sample(self, n, random_state=None):
        """Draw `n` factorisations from all parts of the set.

        Parameters
        ----------
        n : int
        random_state : int, numpy.random.Generator or None

        Returns
        -------
        list of (ndarray, ndarray)
            Pairs ``(W, H)`` with nonnegative entries whose product is the data, up to the noise;
            columns of ``W`` sum to one.
        """
        n = check_count("n", n)
        if self.is_empty:
            raise ValueError(
                f"The set is empty: X has no nonnegative factorisation of rank {self.rank} that "
                "could be drawn. Choose a higher rank."
            )
        rng = np.random.default_rng(random_state)
        return [self.plane.factors(corners) for corners in self._draw(n, rng)]

    def plot(self):
        """Picture of the set in its plane: both polytopes, and where components may lie."""
        # Figures stand above the models: they are looked up when one is asked for.
        return import_module("multiconvex.viz").unique_factors.feasible(self)

    def __repr__(self):
        m, n = len(self.plane.centre), len(self.plane.data)
        return f"FeasibleSet(rank {self.rank} of a {m} × {n} matrix; {self._in_words()})"

    def _draw(self, n, rng):
        """Walk from the starts."""
        starts = np.array(self._starts)[np.arange(n) % len(self._starts)]
        return nested_simplices.walk(self.plane, starts, _SWEEPS, rng)


class FeasibleIntervals(FeasibleSet):
    """Rank two: two intervals, one for each component, in closed form."""

    @cached_property
    def parts(self):
        """The two intervals as arrays ``[low, high]``."""
        low, high = self.plane.outer[:, 0]
        first, last = self.plane.inner[:, 0]
        return np.array([low, first]), np.array([last, high])

    @property
    def _starts(self):
        return (self._reference(),)

    def slack(self, points):
        """How far points lie inside their interval, negative outside, of shape (k,)."""
        points = np.atleast_2d(points)
        return np.max([np.minimum(points - a, b - points)[:, 0] for a, b in self.parts], axis=0)

    def extents(self, corners):
        """For each corner of a simplex, points whose hull holds all places where it may be."""
        return [self.parts[int(corner[0] > 0)][:, None] for corner in corners]

    def complete(self, points):
        """The longest segment from each point on, of shape (k, 2, 1)."""
        points = np.atleast_2d(points)
        ends = np.where(points < 0, self.parts[1][1], self.parts[0][0])
        return np.stack([points, ends], axis=1)

    def _reference(self):
        return np.array([[part.mean()] for part in self.parts])

    def _draw(self, n, rng):
        draws = [rng.uniform(*part, n) for part in self.parts]
        return np.stack(draws, axis=1)[:, :, None]

    def _in_words(self):
        return "two intervals of length " + " and ".join(f"{np.ptp(p):.3g}" for p in self.parts)


class FeasibleRegions(FeasibleSet):
    """Rank three: parts of the plane whose borders are arcs of conics."""

    @cached_property
    def parts(self):
        """The connected parts, as a tuple of :class:`~multiconvex.models.nested_triangles.Part`."""
        return nested_triangles.parts(self.plane)

    @property
    def area(self):
        """Area of the set of components, in squared distances between columns with sum one."""
        return sum(part.area for part in self.parts)

    @cached_property
    def _starts(self):
        middles = [part.near[len(part.near) // 2] for part in self.parts]
        return tuple(self.complete(middles)) if middles else ()

    def slack(self, points):
        """Not negative where a point is a component of some factorisation, of shape (k,).

        It is the distance by which the triangle of two tangents and the line that closes it passes
        the data, and minus the distance from the border outside the outer polygon or among the
        data.
        """
        return nested_triangles.slack(self.plane, points)

    def extents(self, corners):
        """For each corner of a triangle, points whose hull holds all places where it may be."""
        outlines = [np.vstack(part.outline) for part in self.parts]
        everywhere = np.vstack(outlines)
        extents = []
        for corner in corners:
            gaps = [np.linalg.norm(outline - corner, axis=1).min() for outline in outlines]
            home = int(np.argmin(gaps))
            elsewhere = nested_triangles.avoidable(self.plane, self.parts, home)
            extents.append(everywhere if elsewhere else outlines[home])
        return extents

    def complete(self, points):
        """The largest triangle from each point on, of shape (k, 3, 2)."""
        return nested_triangles.triangles(self.plane, points)

    def _reference(self):
        return self._starts[0]

    def _draw(self, n, rng):
        """Start at points in all directions and depths, and walk from there."""
        near, far = (np.vstack([getattr(p, side) for p in self.parts]) for side in ("near", "far"))
        chosen = rng.integers(len(near), size=n)
        depth = rng.uniform(1e-3, 1.0 - 1e-3, (n, 1))
        starts = (1 - depth) * near[chosen] + depth * far[chosen]
        return nested_simplices.walk(self.plane, self.complete(starts), _SWEEPS, rng)

    def _in_words(self):
        if not self.parts:
            return "empty"
        if self.parts[0].encloses:
            return f"a ring of area {self.area:.3g}"
        return f"{len(self.parts)} parts of area {self.area:.3g}"


@dataclass(frozen=True, eq=False, repr=False)
class FeasibleCloud(FeasibleSet):
    """Rank four and above: factorisations met by walks from several starts.

    Attributes
    ----------
    known : tuple of ndarray, shapes (rank, rank - 1)
        Simplices of the set to walk from; others are found where there is none.
    """

    known: tuple = ()

    @cached_property
    def _starts(self):
        rng = np.random.default_rng(0)
        return self.known or nested_simplices.find(self.plane, _STARTS, rng)

    @cached_property
    def met(self):
        """Factorisations met by long walks, as points, of shape (k, rank, rank - 1)."""
        rng = np.random.default_rng(0)
        legs = [np.array(self._starts)[np.arange(_WALKERS) % len(self._starts)]]
        for _ in range(_LEGS):
            legs.append(nested_simplices.walk(self.plane, legs[-1], _LEG, rng))
        return np.concatenate(legs)

    def extents(self, corners):
        """For each corner of a simplex, the nearest corners of all simplices that were met."""
        gaps = np.linalg.norm(self.met[:, :, None] - corners, axis=3)
        nearest = gaps.argmin(axis=1)
        return [self.met[np.arange(len(self.met)), column] for column in nearest.T]

    def _reference(self):
        return self._starts[0]

    def _in_words(self):
        return f"{len(self._starts)} starts of walks" if self._starts else "none found"


_BY_RANK = {2: FeasibleIntervals, 3: FeasibleRegions, 4: FeasibleCloud}


def feasible_set(X, rank, *, noise="auto", tol=1e-5, resolution=1e-3):
    r"""Describe all nonnegative factorisations of a matrix.

    Finds the set of all pairs

    .. math:: W \ge 0, \quad H \ge 0, \quad X = W H^T,

    up to order and scale, where ``X`` is first replaced by its best approximation of this rank.
    With columns scaled to sum one, ``W`` is a simplex that contains the columns of the data and
    lies among the nonnegative columns of their range [1]_ [2]_.

    - Rank 2: each component has an interval, in closed form.
    - Rank 3: the set of components is bounded by arcs of conics, which are found exactly.
    - Rank 4: factorisations are drawn; they are exact, and the set is at least as large.

    Parameters
    ----------
    X : array_like, shape (m, n)
        Nonnegative up to the noise; noise that was clipped at zero is not noise of mean zero any
        more. For the right factor pass ``X.T``.
    rank : int
        2, 3 or 4, and at most the rank of ``X``.
    noise : float or "auto"
        Standard deviation of the noise in the entries of ``X``. Bounds give way by the largest
        error to expect among so many entries, so that the factors without noise stay inside.
        ``"auto"`` measures what the best approximation leaves.
    tol : float
        How far all bounds give way even without noise, relative to the data. At rank 3 smaller
        values may lose parts of the set where data touch the bounds; without zeros, 1e-9 will do.
    resolution : float
        Parts smaller than this fraction of the data count as one point.

    Returns
    -------
    FeasibleSet

    Raises
    ------
    ValueError
        For data that are empty or not finite, a rank other than 2, 3 and 4 or above that of the
        data, or data whose best approximation is negative beyond the noise.

    Notes
    -----
    Guarantee: at ranks 2 and 3 the set is complete, to `tol` of the size of the data; every
    factorisation that is drawn is exact to the same tolerance.

    Cost: a singular value decomposition; then at rank 3 O(k²) for k corners of both polygons, and
    at rank 4 O(k) for each move of a corner.

    Chapter: :doc:`/chapters/open_problems/unique_factors`

    References
    ----------
    .. [1] O. S. Borgen and B. R. Kowalski, "An extension of the multivariate component-resolution
       method to three components", Analytica Chimica Acta, 1985.
    .. [2] K. Neymeyr and M. Sawall, "On the set of solutions of the nonnegative matrix
       factorization problem", SIAM Journal on Matrix Analysis and Applications, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import feasible_set
    >>> W = np.array([[3.0, 0, 1], [0, 3, 1], [1, 1, 0], [0, 0, 2]])
    >>> H = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    >>> solutions = feasible_set(W @ H.T, 3)
    >>> solutions.contains(W)
    True
    >>> solutions.is_unique
    array([ True,  True,  True])
    """
    rank = check_count("rank", rank, least=2)
    check_positive("tol", tol)
    check_positive("resolution", resolution)
    if rank > max(_BY_RANK):
        raise ValueError(
            f"rank must be 2, 3 or 4, got {rank}: pass an nmf result to uniqueness_report, which "
            "explores the surroundings of one factorisation of any rank."
        )
    if isinstance(noise, str) and noise != "auto":
        raise ValueError(f"noise must be 'auto' or a number, got {noise!r}.")
    plane = profile_plane(X, rank, noise=noise, tol=tol)
    return _BY_RANK[rank](rank=rank, plane=plane, resolution=resolution)
