"""The rule that says when a fit has converged."""

import numpy as np
import pytest

from multiconvex import RelativeDecrease
from multiconvex.stopping import Settled


def test_fires_when_the_relative_decrease_is_small():
    rule = RelativeDecrease(0.1)
    assert not rule(10.0, 8.9)
    assert rule(10.0, 9.1)
    assert rule(10.0, 10.0)
    assert rule(10.0, 11.0)
    assert rule(0.0, 0.0)


def test_does_not_depend_on_the_scale():
    rule = RelativeDecrease(1e-3)
    for c in (1e-30, 1.0, 1e30):
        assert rule(c * 1.0, c * 0.9995)
        assert not rule(c * 1.0, c * 0.998)


def test_zero_never_fires():
    assert not RelativeDecrease(0.0)(1.0, 1.0)


def test_coming_from_infinity_is_not_convergence():
    assert not RelativeDecrease(1e-6)(np.inf, 3.0)


@pytest.mark.parametrize("tol", [-1.0, np.nan, np.inf, "small"])
def test_impossible_tolerances_are_refused(tol):
    with pytest.raises(ValueError, match="tol must be a finite nonnegative number"):
        RelativeDecrease(tol)


def test_settled_ignores_rises_and_counts_sweeps_that_change_little():
    rule = Settled(0.1, sweeps=2)
    assert not rule(10.0, 20.0)
    assert not rule(20.0, 19.0)
    assert not rule(19.0, 25.0)
    assert not rule(25.0, 26.0)
    assert rule(26.0, 25.0)


def test_settled_with_zero_never_fires():
    rule = Settled(0.0, sweeps=1)
    assert not any(rule(1.0, 1.0) for _ in range(5))
