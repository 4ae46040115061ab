"""Tangents, rays and pieces of the border, stated in whole numbers."""

import numpy as np
import pytest

from multiconvex.models.exact_polygons import ExactPolygons
from multiconvex.models.profile_plane import profile_plane


def polygons(seed):
    """Of random factors; every other time data touch the border of the outer polygon."""
    rng = np.random.default_rng(seed)
    W, H = rng.random((6, 3)), rng.random((9, 3))
    if seed % 2:
        W[:3], H[:3] = np.eye(3), np.eye(3)
    return ExactPolygons(profile_plane(W @ H.T, 3, noise=0.0))


def between(ends, share):
    """A point of a piece, `share` of eight parts from its first end."""
    return ends.T @ np.array([8 - share, share], object)


def side(nest, point):
    """Index of the side on which a point of the border lies, up to rounding."""
    return int((nest.borders @ point / float(point[2])).astype(float).argmin())


@pytest.mark.parametrize("seed", range(6))
class TestPolygons:
    def test_tangents_have_all_corners_on_one_side(self, seed):
        nest = polygons(seed)
        for ends in nest.pieces_of_the_border():
            for turn in (1, -1):
                line = np.cross(ends[0], nest.corners[nest.touched(ends[0], turn)])
                # the ends of pieces are rounded: a corner on the line may lie beside it
                assert min(turn * (nest.corners @ line)) >= -abs(line).max()

    def test_rays_leave_where_all_other_sides_are_passed_later(self, seed):
        nest = polygons(seed)
        for ends in nest.pieces_of_the_border():
            middle = between(ends, 4)
            touched, facet = nest.along_tangent(middle)
            reached = np.cross(np.cross(middle, nest.corners[touched]), nest.borders[facet])
            reached = reached * np.sign(reached[2])
            assert min(nest.borders @ reached) >= 0
            assert facet != side(nest, middle)

    def test_pieces_close_the_border_counterclockwise(self, seed):
        nest = polygons(seed)
        pieces = nest.pieces_of_the_border()
        for ends, following in zip(pieces, [*pieces[1:], pieces[0]]):
            assert ends[0][0] * ends[1][1] > ends[0][1] * ends[1][0]
            assert abs(ends[1] - following[0]).max() <= 2**200
        places = np.array([(ends[0][:2] / ends[0][2]).astype(float) for ends in pieces])
        angles = np.unwrap(np.arctan2(places[:, 1], places[:, 0]))
        assert 0 < angles[-1] - angles[0] < 2 * np.pi

    def test_nothing_changes_along_a_piece(self, seed):
        nest = polygons(seed)

        def met(point):
            right, facet = nest.along_tangent(point)
            following = np.cross(np.cross(point, nest.corners[right]), nest.borders[facet])
            following = following * np.sign(following[2])
            return right, facet, nest.touched(point, -1), nest.touched(following)

        for ends in nest.pieces_of_the_border():
            assert len({met(between(ends, share)) for share in range(1, 8)}) == 1
