"""Pictures of fits to data of one's own draw what they are given and say it in numbers."""

import numpy as np
import pytest

from multiconvex import HeldOutRanks, Result, Stability, Starts, Trace, viz

LARGE, SMALL = (np.random.default_rng(0).random(shape) for shape in ((3000, 60), (8, 3)))


def fell(*objective):
    n = len(objective)
    trace = Trace(np.arange(n), np.zeros(n), np.array(objective), np.array(["sweep"] * n))
    return Result({}, objective[-1], n - 1, "converged", trace)


STARTS = Starts(
    (fell(11.0, 3.0, 1.0), fell(11.0, 6.0, 1.001), fell(11.0, 4.0, 2.0)), (0, 1, 2), False
)
RANKS = HeldOutRanks((1, 2, 3), np.array([[0.9, 0.8], [0.2, 0.3], [0.21, 0.27]]))
ALIKE = Stability(np.array([[0.9, 0.4], [1.0, 0.2]]), np.array([0.001, 0.3]))
DATA = np.outer(np.arange(1.0, 7.0), np.arange(1.0, 5.0))
MODEL = DATA * np.where(np.arange(6) == 4, 0.0, 1.0)[:, None]
PICTURES = {
    "objectives": lambda: viz.own_data.objectives(STARTS),
    "held_out": lambda: viz.own_data.held_out(RANKS),
    "similarity": lambda: viz.own_data.similarity(ALIKE),
    "residuals": lambda: viz.own_data.residuals(DATA, MODEL),
    "many residuals": lambda: viz.own_data.residuals(LARGE, 0.5 + 0.0 * LARGE),
    "signed entries": lambda: viz.own_data.entries(
        np.array([[1.0, -2.0]]), rows=["bias"], columns=["a", "b"], label="weight"
    ),
    "entries": lambda: viz.own_data.entries(
        SMALL, rows="abcdefgh", columns="123", label="membership", xlabel="group"
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_follow_the_theme_are_described_and_deterministic(name):
    picture = PICTURES[name]()
    assert picture.strays() == ()
    assert picture.svg() == PICTURES[name]().svg()
    assert len(picture.svg()) < 80_000
    assert picture.alt.endswith(".") and any(map(str.isdigit, picture.alt))


def lines(picture, panel):
    return [line.get_xydata() for line in picture.figure.axes[panel].lines]


def test_objectives_are_shares_of_the_descent():
    drawn = lines(PICTURES["objectives"](), 0)
    np.testing.assert_allclose(drawn[1], [[0, 1], [1, 0.5], [2, 1e-4]])
    np.testing.assert_allclose(drawn[2][-1], [2, 0.1])
    assert "2 of them" in PICTURES["objectives"]().alt


def test_held_out_marks_the_choice():
    picture = PICTURES["held_out"]()
    assert any(np.allclose(line, [[2, 0.25]]) for line in lines(picture, 0) if len(line) == 1)
    assert "0.25 at 2" in picture.alt
    assert picture.figure.axes[0].get_xlabel() == "rank"


def test_similarity_parts_good_starts_from_others():
    good, others = lines(PICTURES["similarity"](), 0)
    np.testing.assert_allclose(good[:, 0], [0.9, 0.4])
    np.testing.assert_allclose(others[:, 0], [1.0, 0.2])


def test_residuals_find_the_row_that_is_missed():
    picture = PICTURES["residuals"]()
    share = lines(picture, 0)[0]
    np.testing.assert_allclose(share[:, 0], np.arange(6))
    np.testing.assert_allclose(share[:, 1], np.where(np.arange(6) == 4, 100.0, 0.0))
    assert "row 4 (100%)" in picture.alt


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="arrays of one shape"):
        viz.own_data.residuals(DATA, DATA.T)
    with pytest.raises(ValueError, match="one row for each"):
        viz.own_data.entries(DATA, rows=["a"], columns=["b"], label="weight")
