"""Strips of labels: what is drawn covers exactly the trials that bear the label."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiconvex import viz
from multiconvex.viz.timelines import _runs

LABELS = np.array([0, 0, 1, 1, 1, -1, 2, 0])
DRAW = {
    "plain": lambda: viz.timeline({"truth": LABELS, "fit": LABELS[::-1]}),
    "named": lambda: viz.timeline({"mouse": LABELS}, names=["left", "right", "none"], breaks=[3]),
    "long": lambda: viz.timeline({str(k): np.arange(5000) // 25 % 3 for k in range(3)}),
}


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(0, 5))
def test_rectangles_cover_the_trials_of_a_label_and_nothing_else(present, row):
    path = _runs(np.array(present), row)
    middles = np.arange(len(present)) + 0.5
    covered = np.zeros(len(present), bool)
    for corners in path.vertices.reshape(-1, 5, 2):
        assert np.ptp(corners[:, 1]) < 1 and corners[:-1, 1].mean() == pytest.approx(row)
        covered |= (corners[:, 0].min() < middles) & (middles < corners[:, 0].max())
    np.testing.assert_array_equal(covered, present)


@pytest.mark.parametrize("name", DRAW)
def test_picture_follows_the_theme_and_is_deterministic(name):
    picture = DRAW[name]()
    assert picture.strays() == ()
    assert picture.svg() == DRAW[name]().svg()
    assert len(picture.svg()) < 60_000


def test_every_label_has_its_colour_in_every_strip():
    axes = DRAW["plain"]().figure.axes[0]
    colors = [patch.get_facecolor() for patch in axes.patches]
    assert len(colors) == 6 and colors[:3] == colors[3:] and len(set(colors)) == 3


def test_description_counts_changes_and_shares():
    alt = viz.timeline({"truth": [0, 0, 1, 1], "fit": [1, 1, 1, 1]}).alt
    assert "truth, 1 change, label 0 50%, label 1 50%" in alt
    assert "fit, 0 changes, label 0 0%, label 1 100%" in alt


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viz.timeline({}), "labels_by_name is empty"),
        (lambda: viz.timeline({"a": [0.5]}), "labels 'a' must be a sequence of integers"),
        (lambda: viz.timeline({"a": [0, 1], "b": [0]}), "labels must be as many"),
        (lambda: viz.timeline({"a": [0, 2]}, names=["x"]), "names must be 3 to 8"),
    ],
)
def test_wrong_input_is_refused_with_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
