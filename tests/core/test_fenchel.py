"""The Fenchel divergence: zero at equilibria only, its gradients, and where it is convex."""

from itertools import product

import numpy as np
import pytest
from contracts.instances import generators
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from multiconvex import FenchelDivergence, MonotoneSet, certify, equilibrium
from multiconvex.implicit_rules.fenchel import preactivations

entries = hnp.arrays(float, (3, 4), elements=st.floats(-1e3, 1e3))


@given(entries, entries)
def test_nonnegative_and_what_the_identity_says(X, Z):
    X = np.abs(X)
    lam = np.array([0.5, 1.0, 2.0, 4.0])
    rectified = np.maximum(Z, 0)
    identity = 0.5 * (X - rectified) ** 2 + X * np.maximum(-Z, 0)
    value = FenchelDivergence(lam).value(X, Z)
    assert value == pytest.approx((identity @ lam).sum() / 3, rel=1e-9, abs=1e-9)
    assert value >= -1e-9


def test_zero_exactly_at_the_rectified():
    divergence = FenchelDivergence()
    Z = np.random.default_rng(0).standard_normal((20, 6))
    X = np.maximum(Z, 0)
    assert divergence.value(X, Z) == pytest.approx(0, abs=1e-15)
    for i, j in ((0, 0), (3, 2), (7, 5)):
        other = X.copy()
        other[i, j] += 1e-3
        assert divergence.value(other, Z) >= 0.5e-6 / 20 * (1 - 1e-6)


def random_model(rng, m=6, h=4, n=3):
    return (
        rng.random((m, h)),
        rng.standard_normal((h, h)),
        rng.standard_normal((h, n)),
        rng.standard_normal(h),
        rng.standard_normal((m, n)),
    )


def test_zero_at_the_equilibrium():
    _, D, E, f, U = random_model(np.random.default_rng(1))
    D = MonotoneSet().prox(D, 1.0)
    states = equilibrium(D, E, f, U, tol=1e-12).states
    divergence = FenchelDivergence()
    assert divergence.value(states, preactivations(states, D, E, f, U)) < 1e-14
    moved = states + 0.1
    assert divergence.value(moved, preactivations(moved, D, E, f, U)) > 1e-4


@pytest.mark.parametrize("k", range(4), ids="XDEf")
def test_gradients_agree_with_differences(k):
    for rng in generators(5):
        *blocks, U = random_model(rng)
        divergence = FenchelDivergence(rng.uniform(0.5, 2.0, 4))

        def value(array, k=k, blocks=tuple(blocks), U=U, divergence=divergence):
            point = (*blocks[:k], array, *blocks[k + 1 :])
            return divergence.value(point[0], preactivations(*point, U))

        gradient = divergence.gradients(*blocks, U)[k]
        assert gradient.shape == blocks[k].shape
        direction = rng.standard_normal(blocks[k].shape)
        ahead, behind = value(blocks[k] + 1e-5 * direction), value(blocks[k] - 1e-5 * direction)
        assert (ahead - behind) / 2e-5 == pytest.approx(np.vdot(gradient, direction), rel=1e-6)


def test_the_curvature_is_the_hessian_in_the_state():
    rng = np.random.default_rng(2)
    X, D, E, f, U = random_model(rng, m=1)
    divergence = FenchelDivergence(rng.uniform(0.5, 2.0, 4))
    active = preactivations(X, D, E, f, U)[0] > 0
    assert 0 < active.sum() < 4
    step = 1e-6
    columns = [
        (
            divergence.gradients(X + step * unit, D, E, f, U).X
            - divergence.gradients(X - step * unit, D, E, f, U).X
        )[0]
        / (2 * step)
        for unit in np.eye(4)
    ]
    np.testing.assert_allclose(divergence.curvature(D, active), columns, atol=1e-7)


def test_convex_in_the_states_exactly_where_the_certificate_says():
    """Over all activity patterns the least curvature is the eigenvalue of the certificate."""
    signs = {True: 0, False: 0}
    for case, rng in enumerate(generators(60)):
        D = rng.standard_normal((4, 4)) * (0.1, 0.25, 0.5)[case % 3]
        lam = rng.uniform(0.5, 2.0, 4)
        divergence = FenchelDivergence(lam)
        least = min(
            np.linalg.eigvalsh(divergence.curvature(D, np.array(pattern)))[0]
            for pattern in product([False, True], repeat=4)
        )
        certificate = certify(D, lam).lmi_eigenvalue
        assert least == pytest.approx(certificate, abs=1e-12)
        signs[certificate >= 0] += 1
    assert min(signs.values()) > 10


def along_segments(value, start, end, points=41):
    """Return second differences of a function along a segment."""
    return np.diff([value((1 - t) * start + t * end) for t in np.linspace(0, 1, points)], 2)


def in_states(divergence, D, E, f, U):
    return lambda X: divergence.value(X, preactivations(X, D, E, f, U))


def test_random_segments_of_states_are_convex_with_the_inequality():
    divergence = FenchelDivergence()
    for rng in generators(100):
        _, D, E, f, U = random_model(rng)
        value = in_states(divergence, MonotoneSet().prox(2 * D, 1.0), E, f, U)
        assert along_segments(value, *rng.exponential(size=(2, 6, 4))).min() > -1e-9


def test_without_the_inequality_some_segment_of_states_is_not_convex():
    divergence = FenchelDivergence()
    for rng in generators(30):
        _, D, E, f, U = random_model(rng, m=1)
        values, vectors = np.linalg.eigh(np.eye(4) - D - D.T)
        assert values[0] < -0.1
        value = in_states(divergence, D, E, f - 1000, U)
        middle = np.full((1, 4), 5.0)
        bends = along_segments(value, middle - vectors[:, 0], middle + vectors[:, 0])
        np.testing.assert_allclose(bends, values[0] * 0.05**2, atol=1e-9)


def test_segments_of_weights_are_always_convex():
    rng = np.random.default_rng(0)
    divergence = FenchelDivergence()
    for _ in range(50):
        X, *_, U = random_model(rng)
        ends = [np.hstack([w.reshape(4, -1) for w in random_model(rng)[1:4]]) for _ in range(2)]

        def value(weights, X=X, U=U):
            D, E, f = weights[:, :4], weights[:, 4:7], weights[:, 7]
            return divergence.value(X, preactivations(X, D, E, f, U))

        assert along_segments(value, *ends).min() > -1e-9


def test_weights_of_units_are_their_scales():
    """Scaling units by the roots of lambda turns the weighted divergence into the plain one."""
    rng = np.random.default_rng(4)
    X, D, E, f, U = random_model(rng)
    lam = rng.uniform(0.2, 5.0, 4)
    roots = np.sqrt(lam)
    scaled = X * roots, roots[:, None] * D / roots, roots[:, None] * E, roots * f
    plain = FenchelDivergence().value(scaled[0], preactivations(*scaled, U))
    weighted = FenchelDivergence(lam).value(X, preactivations(X, D, E, f, U))
    assert plain == pytest.approx(weighted, rel=1e-12)


def test_impossible_weights_are_refused():
    with pytest.raises(ValueError, match="lam must be a finite positive number, got 0"):
        FenchelDivergence(0.0)
    with pytest.raises(ValueError, match=r"lam must be a number or have shape \(2,\)"):
        FenchelDivergence(np.ones(3)).value(np.ones((1, 2)), np.ones((1, 2)))
