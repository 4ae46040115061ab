"""Both maps have the states of a rule as fixed points."""

import numpy as np
import pytest
from contracts.implicit import solve_by_enumeration
from contracts.instances import generators

from multiconvex import MonotoneSet
from multiconvex.implicit_rules.fixed_points import iterate, mix, plain_map, reflected_map


@pytest.mark.parametrize("step", [None, 0.3, 1.0, 4.0])
def test_states_are_fixed_points(step):
    for rng in generators(10):
        D = MonotoneSet(modulus=0.2).prox(rng.standard_normal((5, 5)), 1.0)
        drive = rng.standard_normal((7, 5))
        states = np.array([solve_by_enumeration(D, b) for b in drive])
        fixed = plain_map(D, drive) if step is None else reflected_map(D, drive, step)
        points = fixed.start(states, D, drive)
        np.testing.assert_allclose(np.maximum(points, 0), states, atol=1e-12)
        active = np.maximum(points, fixed.slope * points)
        np.testing.assert_allclose(active @ fixed.matrix.T + fixed.shift, points, atol=1e-11)


@pytest.mark.parametrize("window", [0, 1, 3, 8])
def test_any_number_of_rows_and_differences_leads_to_the_states(window):
    rng = np.random.default_rng(0)
    D = 0.8 * np.linalg.qr(rng.standard_normal((4, 4)))[0]
    for rows in (1, 2, 255, 256, 257, 600):
        drive = rng.standard_normal((rows, 4))
        points = drive.copy()
        counts = iterate(plain_map(D, drive), points, 1e-12, 500, window)
        states = np.maximum(points, 0)
        np.testing.assert_allclose(states, np.maximum(states @ D.T + drive, 0), atol=1e-10)
        assert counts.shape == (rows,) and 1 <= min(counts) <= max(counts) < 500


def test_the_number_of_steps_is_limited_and_counted():
    drive = np.ones((3, 2))
    points = drive.copy()
    counts = iterate(plain_map(0.99 * np.eye(2), drive), points, 1e-12, 7, 0)
    np.testing.assert_array_equal(counts, 7)
    np.testing.assert_allclose(points, (1 - 0.99**8) / 0.01)


@pytest.mark.parametrize(("last", "undone"), [(1e-3, True), (1e3, False)])
def test_a_combination_that_raised_the_residual_is_undone(last, undone):
    """The row goes back to the plain step before it, and forgets; otherwise it goes on."""
    rng = np.random.default_rng(0)
    image, u, before, residuals = rng.standard_normal((4, 1, 3))
    plain, window = before.copy(), 2
    images, changes = rng.standard_normal((2, 1, window, 3))
    gram = np.einsum("nik,njk->nij", changes, changes)
    sizes, held = np.array([last]), np.array([window])
    origin = np.zeros(1, dtype=np.int64)
    mix(image, u, origin, 1, before, residuals, images, changes, gram, sizes, held)
    assert np.array_equal(u, plain) == undone
    assert held[0] == (0 if undone else window + 1)
    assert np.isinf(sizes[0]) == undone
