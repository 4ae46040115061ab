"""Delayed copies follow their definition, and folding is their adjoint."""

import numpy as np
import pytest
from contracts.instances import generators

from multiconvex.operators.lags import folded, lagged


@pytest.mark.parametrize("width", [1, 2, 5, 9])
def test_copies_are_delayed_and_nothing_comes_round(width):
    for rng in generators(3):
        H = rng.standard_normal((6, 2))
        copies = lagged(H, width)
        assert copies.shape == (6, 2 * width)
        for t in range(6):
            for lag in range(width):
                for q in range(2):
                    expected = H[t - lag, q] if t >= lag else 0.0
                    assert copies[t, lag * 2 + q] == expected


@pytest.mark.parametrize("width", [1, 3, 9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_folding_is_the_adjoint(width, dtype):
    for rng in generators(5):
        H = rng.standard_normal((6, 3)).astype(dtype)
        copies = rng.standard_normal((6, 3 * width)).astype(dtype)
        assert lagged(H, width).dtype == folded(copies, width).dtype == dtype
        np.testing.assert_allclose(
            np.vdot(lagged(H, width), copies), np.vdot(H, folded(copies, width)), rtol=1e-4
        )


def test_inputs_stay_as_they_are():
    copies = np.ones((4, 4))
    folded(copies, 2)
    np.testing.assert_array_equal(copies, 1.0)
