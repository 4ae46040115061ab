"""Two nested convex polygons in whole numbers of any length, where no digit is lost."""

from fractions import Fraction
from functools import cmp_to_key

import numpy as np

_UNIT = 2**200
_ONE = _UNIT**3  # last coordinate of points of the border
_SAME = _UNIT  # differences below come from the rounding of such points


class ExactPolygons:
    """The polygons of a plane, to decide what rounding hides.

    Where data touch the border of the outer polygon, what happens to tangents while a point moves
    by less than the distance of two floating-point numbers decides which triangles there are.
    Points and lines are homogeneous coordinates; the last coordinate of a point is positive.

    Attributes
    ----------
    corners : ndarray of int, shape (k, 3)
        Of the inner polygon, counterclockwise.
    borders : ndarray of int, shape (f, 3)
        Sides of the outer polygon; products with points inside are positive.
    """

    def __init__(self, plane):
        self.corners = lifted(plane.inner)
        self.borders = _whole(np.column_stack([plane.normals, plane.offsets]))
        heights = np.abs(plane.outer @ plane.normals.T + plane.offsets)
        nearest = (heights / np.linalg.norm(plane.normals, axis=1)).argsort(axis=1)
        self._outer = [_placed(np.cross(self.borders[a], self.borders[b])) for a, b, *_ in nearest]

    def touched(self, point, turn=1):
        """Index of the corner that the tangent from a point outside touches.

        With ``turn=1`` the inner polygon lies on the left of the tangent, with -1 on the right.
        """
        best, lines = 0, turn * np.cross(point, self.corners)
        for k in range(1, len(self.corners)):
            if lines[best] @ self.corners[k] < 0:
                best = k
        return best

    def leave(self, point, direction):
        """Side of the outer polygon through which a ray leaves; directions end in zero."""
        heights, rates = self.borders @ point, -(self.borders @ direction)
        best, *others = np.flatnonzero(rates > 0)
        for k in others:
            if heights[k] * rates[best] < heights[best] * rates[k]:
                best = k
        return best

    def along_tangent(self, point, turn=1):
        """Index of the corner that the tangent from a point touches, and of the side it reaches."""
        touched = self.touched(point, turn)
        corner = self.corners[touched]
        return touched, self.leave(point, corner * point[2] - point * corner[2])

    def pieces_of_the_border(self):
        """Pieces of the outer border along which no tangent of the apex changes its corner.

        Returns
        -------
        list of ndarray, shape (2, 3)
            Their ends, counterclockwise.
        """
        edges = self.corners - np.roll(self.corners, -1, axis=0)
        lines = np.cross(self.corners, np.roll(self.corners, -1, axis=0))
        onward, back = (
            [
                _placed(np.cross(line, self.borders[self.leave(corner, turn * edge)]))
                for corner, edge, line in zip(self.corners, edges, lines)
            ]
            for turn in (1, -1)
        )
        before = []
        for point in [*self._outer, *onward]:
            touched, side = self.along_tangent(point, -1)
            line = np.cross(point, self.corners[touched])
            before.append(_placed(np.cross(line, self.borders[side])))
        points = sorted([*self._outer, *onward, *back, *before], key=cmp_to_key(_turned))
        pairs = zip(points, [*points[1:], points[0]])
        return [np.array(ends) for ends in pairs if np.abs(ends[1] - ends[0]).max() > _SAME]


def lifted(points):
    """Exact homogeneous coordinates of points, one row a point."""
    return _whole(np.column_stack([points, np.ones(len(points))]))


def scaled(numbers):
    """Whole numbers of any length as fractions of the largest."""
    return (numbers / np.abs(numbers).max()).astype(float)


def _whole(numbers):
    """Multiples of one small power of two, as whole numbers."""
    return np.vectorize(lambda number: int(Fraction(number) * _UNIT), otypes=[object])(numbers)


def _placed(point):
    return point * _ONE // point[2]


def _turned(a, b):
    """Compare two directions from the origin by their angles between -π and π."""
    halves = [p[1] > 0 or (p[1] == 0 and p[0] < 0) for p in (a, b)]
    if halves[0] != halves[1]:
        return halves[0] - halves[1]
    return -int(np.sign(a[0] * b[1] - a[1] * b[0]))
