"""Certificates are proofs: checked against all principal minors, and against each other."""

import numpy as np
import pytest
from contracts.implicit import has_positive_minors, solve_by_enumeration
from contracts.instances import generators

from multiconvex import certify


def random_rules(count):
    """Yield matrices of several sizes and scales, with weights for their units."""
    for case, rng in enumerate(generators(count)):
        h = 1 + case % 5
        yield rng.standard_normal((h, h)) * (0.2, 0.5, 1.0, 2.0)[case % 4], rng.uniform(0.3, 3.0, h)


def test_whatever_is_certified_has_one_state():
    certified = uncertified = 0
    for D, lam in random_rules(400):
        alone = has_positive_minors(np.eye(len(D)) - D)
        if certify(D, lam).proofs:
            certified += 1
            assert alone
        elif alone:
            uncertified += 1
    assert certified > 150
    assert uncertified > 10, "conditions are sufficient, not necessary"


@pytest.mark.parametrize(
    ("D", "proofs"),
    [
        ([[0.9, 0.0], [0.0, -0.9]], ("spectral", "inf_norm", "perron", "monotone")),
        ([[0.0, 5.0], [0.0, 0.0]], ("perron",)),
        ([[0.3, 5.0], [-5.0, 0.3]], ("monotone",)),
        ([[0.7, 0.7], [-0.7, 0.0]], ("monotone",)),
        ([[0.6, 0.3], [0.7, 0.2]], ("spectral", "inf_norm", "perron", "monotone")),
        ([[0.45, 0.45, 0.0], [0.9, 0.0, 0.0], [0.9, 0.0, 0.0]], ("inf_norm", "perron")),
        ([[1.5]], ()),
        ([[-3.0]], ("monotone",)),
    ],
)
def test_each_proof_has_its_example(D, proofs):
    assert certify(D).proofs == proofs


def test_numbers_are_what_they_are_called():
    for D, lam in random_rules(40):
        certificate, h = certify(D, lam), len(D)
        roots = np.sqrt(lam)
        scaled = np.diag(roots) @ D @ np.diag(1 / roots)
        assert certificate.spectral_norm == pytest.approx(np.linalg.norm(scaled, 2))
        assert certificate.inf_norm == pytest.approx(np.linalg.norm(D, np.inf))
        radius = max(abs(np.linalg.eigvals(abs(D))))
        assert certificate.perron_radius == pytest.approx(radius)
        coupling = np.diag(lam) @ D
        inequality = np.diag(lam) - coupling - coupling.T
        assert certificate.lmi_eigenvalue == pytest.approx(np.linalg.eigvalsh(inequality)[0])
        monotone = 0.5 * (np.diag(lam) + inequality) - certificate.monotonicity * np.diag(lam)
        assert np.linalg.eigvalsh(monotone)[0] == pytest.approx(0, abs=1e-12)
        assert (certificate.lmi_eigenvalue >= 0) == (certificate.monotonicity >= 0.5)
        weights = certificate.perron_weights
        assert (weights is not None) == (radius < 1)
        if weights is not None:
            np.testing.assert_allclose(abs(D) @ weights, weights - 1, atol=1e-9 * weights.max())
            factor = certificate.contraction["perron"]
            assert np.max(abs(D) @ weights / weights) == pytest.approx(factor, abs=1e-9)
        assert repr(certificate).startswith(f"Certificate({h} units; norm ")


def test_every_radius_below_one_is_monotone_in_some_metric():
    """The weights are quotients of the Perron weights of the transpose and of the matrix."""
    tried = 0
    for D, scales in random_rules(200):
        D = scales[:, None] ** 3 * D / scales**3
        below, left = certify(D).perron_weights, certify(D.T).perron_weights
        if below is not None:
            tried += not certify(D).monotonicity > 0
            assert certify(D, left / below).monotonicity > 0
    assert tried > 3


def test_residuals_bound_distances():
    """From any point, for every certified rule: amplification times the residual is enough."""
    tight = []
    for D, lam in random_rules(400):
        certificate, h = certify(D, lam), len(D)
        if not certificate.certified:
            continue
        rng = np.random.default_rng(0)
        b = rng.standard_normal(h)
        state = solve_by_enumeration(D, b)
        for size in (1e-3, 1.0, 100.0):
            x = state + size * rng.standard_normal(h)
            residual = np.linalg.norm(x - np.maximum(D @ x + b, 0))
            distance = np.linalg.norm(x - state)
            assert distance <= certificate.amplification * residual * (1 + 1e-9) + 1e-12
            tight.append(distance / residual / certificate.amplification)
    assert max(tight) > 0.6


def test_the_bound_of_layers_is_attained():
    """Where all units are active, an error is the inverse of I - D times its residual."""
    D, b = np.array([[0.0, 5.0], [0.0, 0.0]]), np.array([10.0, 10.0])
    inverse = np.linalg.inv(np.eye(2) - D)
    residual = 0.1 * np.linalg.svd(inverse)[2][0]
    state = np.array([60.0, 10.0])
    moved = state + inverse @ residual
    np.testing.assert_allclose(moved - np.maximum(D @ moved + b, 0), residual, atol=1e-12)
    ratio = np.linalg.norm(moved - state) / np.linalg.norm(residual)
    assert certify(D).proofs == ("perron",)
    assert certify(D).amplification == pytest.approx(ratio)


def test_nothing_is_certified_where_there_are_two_states():
    certificate = certify([[1.5]])
    assert not certificate.certified
    assert certificate.amplification == np.inf
    for state in (0.0, 2.0):
        assert max(1.5 * state - 1.0, 0.0) == state
    assert "one state by nothing" in repr(certificate)


@pytest.mark.parametrize(
    ("D", "lam", "sentence"),
    [
        (np.ones((2, 3)), None, r"D must be square, .* got shape \(2, 3\)"),
        (np.eye(2), np.ones(3), r"lam must be a number or have shape \(2,\), .* got shape \(3,\)"),
        (np.eye(2), [1.0, -1.0], "lam must be positive, got -1"),
        (np.eye(2), [1.0, np.nan], "lam has 1 NaN or infinite entries"),
        (np.full((2, 2), np.nan), None, "D has 4 NaN or infinite entries"),
    ],
)
def test_what_cannot_be_certified_is_refused(D, lam, sentence):
    with pytest.raises(ValueError, match=sentence):
        certify(D, lam)
