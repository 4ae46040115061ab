"""Gradients through the equilibrium: differences, a direct solution, and what kinks do to them."""

import numpy as np
import pytest
from scipy.special import log_softmax

from multiconvex import (
    ImplicitWeights,
    UncertifiedWarning,
    certify,
    equilibrium,
    equilibrium_gradient,
)
from multiconvex.implicit_rules.adjoint import solve_adjoint

INPUTS, HIDDEN, TARGETS, SAMPLES = 3, 7, 2, 25


def draw(rng, kind):
    """Return a rule that one of the certificates proves, and no stronger one."""
    D = rng.standard_normal((HIDDEN, HIDDEN))
    D = {
        "contraction": lambda: 0.9 * D / np.linalg.norm(D, 2),
        "monotone": lambda: 2.0 * (D - D.T) + 0.3 * np.eye(HIDDEN),
        "triangular": lambda: 3.0 * np.tril(D, -1),
    }[kind]()
    sizes = ((HIDDEN, INPUTS), (HIDDEN,), (TARGETS, HIDDEN), (TARGETS, INPUTS), (TARGETS,))
    return ImplicitWeights(D, *(rng.standard_normal(size) for size in sizes))


def targets(rng, loss):
    if loss == "squared":
        return rng.standard_normal((SAMPLES, TARGETS))
    return np.eye(TARGETS)[rng.integers(TARGETS, size=SAMPLES)]


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def U(rng):
    return rng.standard_normal((SAMPLES, INPUTS))


@pytest.mark.parametrize("kind", ["contraction", "monotone", "triangular"])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_all_gradients_agree_with_differences(kind, loss, rng, U):
    rule, Y = draw(rng, kind), targets(rng, loss)
    options = {"loss": loss, "ridge": 0.3, "tol": 1e-13}
    found = equilibrium_gradient(rule, U, Y, **options)
    for name, block, gradient in zip(rule._fields, rule, found.gradients):
        direction = rng.standard_normal(block.shape)
        ahead, behind = (
            equilibrium_gradient(rule._replace(**{name: block + step * direction}), U, Y, **options)
            for step in (1e-6, -1e-6)
        )
        slope = (ahead.value - behind.value) / 2e-6
        assert np.vdot(gradient, direction) == pytest.approx(slope, rel=1e-6, abs=1e-7), name


def test_values_are_those_of_the_losses(rng, U):
    rule = draw(rng, "contraction")
    outputs = rule.readout(equilibrium(*rule[:3], U, tol=1e-12).states, U)
    size = sum(np.vdot(block, block) for block in (rule.A, rule.B, rule.D, rule.E))
    Y = targets(rng, "squared")
    value = equilibrium_gradient(rule, U, Y, ridge=2.0).value
    assert value == pytest.approx(0.5 * np.mean(np.sum((outputs - Y) ** 2, axis=1)) + size)
    Y = targets(rng, "logistic")
    value = equilibrium_gradient(rule, U, Y, loss="logistic").value
    assert value == pytest.approx(-np.mean(log_softmax(outputs, axis=1)[Y == 1]))


def test_the_adjoint_solves_one_linear_system_a_sample(rng):
    for kind in ("contraction", "monotone", "triangular"):
        D, pull = draw(rng, kind).D, rng.standard_normal((SAMPLES, HIDDEN))
        active = rng.random((SAMPLES, HIDDEN)) < 0.6
        V = solve_adjoint(D, active, pull, certify(D), 1e-13)
        for v, kept, g in zip(V, active, pull):
            P = np.diag(kept.astype(float))
            direct = np.linalg.solve(np.eye(HIDDEN) - P @ D.T, P @ g)
            np.testing.assert_allclose(v, direct, rtol=0, atol=1e-9 * np.abs(V).max())


def test_a_start_nearby_changes_nothing_but_the_way(rng, U):
    rule, Y = draw(rng, "monotone"), targets(rng, "squared")
    nearby = rule._replace(D=1.01 * rule.D, f=rule.f + 0.1)
    start = equilibrium_gradient(nearby, U, Y)
    ours, cold = (equilibrium_gradient(rule, U, Y, tol=1e-12, init=init) for init in (start, None))
    for one, other in zip((ours.states, *ours.gradients), (cold.states, *cold.gradients)):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)


def test_a_unit_that_is_off_in_every_sample_has_no_gradient(rng, U):
    rule, Y = draw(rng, "contraction"), targets(rng, "squared")
    f = rule.f.copy()
    f[2] = -1e3
    gradients = equilibrium_gradient(rule._replace(f=f), U, Y).gradients
    assert not np.any(gradients.D[2]) and not np.any(gradients.E[2]) and gradients.f[2] == 0.0
    assert not np.any(gradients.D[:, 2]) and not np.any(gradients.A[:, 2])


def test_at_a_threshold_the_two_sides_have_different_slopes():
    one, zero = np.eye(1), np.zeros(1)
    rule = ImplicitWeights(0.5 * one, one, zero, one, 0 * one, zero)
    U, Y = np.array([[0.0]]), np.array([[1.0]])
    values = [
        equilibrium_gradient(rule._replace(f=np.array([f])), U, Y).value for f in (-1e-6, 0.0, 1e-6)
    ]
    assert values[0] == values[1]
    assert (values[2] - values[1]) / 1e-6 == pytest.approx(-2.0, rel=1e-3)
    assert equilibrium_gradient(rule, U, Y).gradients.f[0] == 0.0


def test_large_outputs_do_not_overflow(rng, U):
    rule, Y = draw(rng, "contraction"), targets(rng, "logistic")
    found = equilibrium_gradient(rule._replace(c=np.array([2e3, 0.0])), U, Y, loss="logistic")
    assert np.isfinite(found.value)
    assert all(np.isfinite(gradient).all() for gradient in found.gradients)


def test_what_it_refuses(rng, U):
    rule, Y = draw(rng, "contraction"), targets(rng, "squared")
    with pytest.raises(ValueError, match=r"Y must have shape \(25, 2\), one row a sample"):
        equilibrium_gradient(rule, U, Y[:, :1])
    with pytest.raises(ValueError, match="loss must be one of 'squared', 'logistic'"):
        equilibrium_gradient(rule, U, Y, loss="hinge")
    with pytest.raises(ValueError, match="ridge must be a finite nonnegative number"):
        equilibrium_gradient(rule, U, Y, ridge=-1.0)


def test_a_rule_without_proof_is_warned_of(rng, U):
    rule, Y = draw(rng, "contraction"), targets(rng, "squared")
    D, f = 0.5 * rule.D, np.abs(rule.f) + 5.0
    D[0], f[0] = 1.5 * np.eye(HIDDEN)[0], -1e3
    unproved = rule._replace(D=D, f=f)
    with pytest.warns(UncertifiedWarning, match="Nothing proves that this rule has one state"):
        found = equilibrium_gradient(unproved, U, Y)
    assert not np.any(found.states[:, 0])
    assert not np.any(found.gradients.D[0])
