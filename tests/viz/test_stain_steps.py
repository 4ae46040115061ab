"""The film of the first page draws half-sweeps of a real fit, and tells them apart."""

from types import SimpleNamespace

import numpy as np
import pytest

from multiconvex import nmf, viz
from multiconvex.viz.stain_steps import _alone


@pytest.fixture(scope="module")
def slide():
    rng = np.random.default_rng(0)
    density = rng.random((8 * 8, 2)) @ [[0.9, 0.4, 0.1], [0.1, 0.5, 0.7]]
    rgb = np.round(255 * 10.0**-density).astype(np.uint8).reshape(8, 8, 3)
    return SimpleNamespace(rgb=rgb, matrix=density.T)


@pytest.fixture(scope="module")
def turns(slide):
    plain = {"acceleration": None, "balancing": None}
    start = nmf(slide.matrix, 2, init="random", max_iter=0, random_state=0, **plain)
    found = [start]
    options = {"init": start.factors, "max_iter": 3, "tol": 0, "callback": found.append}
    nmf(slide.matrix, 2, **options, **plain)
    return found


def misfit(picture):
    return float(picture.alt.rsplit(" is ", 1)[1].removesuffix("%."))


def test_every_step_of_an_exact_turn_lowers_the_misfit(slide, turns):
    pictures = [viz.stain_step(slide, turns, step) for step in range(2 * len(turns) - 1)]
    misfits = [misfit(picture) for picture in pictures]
    assert misfits == sorted(misfits, reverse=True)
    W, H = turns[-1].blocks["W"], turns[-1].blocks["H"]
    last = np.linalg.norm(slide.matrix - W @ H.T) / np.linalg.norm(slide.matrix)
    assert misfits[-1] == pytest.approx(100 * last, abs=0.05)


def test_a_step_says_which_block_was_solved(slide, turns):
    said = [viz.stain_step(slide, turns, step).alt.split(".")[0] for step in range(3)]
    assert said == [
        "The start: random colours, random amounts",
        "Step 1: amounts fixed, colours solved",
        "Step 2: colours fixed, amounts solved",
    ]


def test_the_picture_follows_the_theme_and_is_deterministic(slide, turns):
    picture = viz.stain_step(slide, turns, 2)
    assert picture.strays() == ()
    assert picture.svg() == viz.stain_step(slide, turns, 2).svg()


def test_pictures_of_one_stain_multiply_to_the_slide():
    w = np.array([[0.3, 0.1], [0.1, 0.3], [0.2, 0.2]])
    h = np.linspace(0.0, 1.0, 39).reshape(-1, 1) * [1.0, 1.0]
    first, second = (_alone(w[:, k], h[:, k], (39, 1)) / 255.0 for k in (0, 1))
    slide = (10.0 ** -(h @ w.T)).reshape(39, 1, 3)
    assert np.abs(first * second - slide).max() < 0.05


@pytest.mark.parametrize("step", [-1, 7])
def test_a_step_that_was_not_taken_is_refused(slide, turns, step):
    with pytest.raises(ValueError, match=f"step must be between 0 and 6, .* got {step}"):
        viz.stain_step(slide, turns, step)
