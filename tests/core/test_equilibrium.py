"""States of implicit rules: unique, the same for all methods, exact where they can be."""

import numpy as np
import pytest
from contracts.implicit import solve_by_enumeration
from contracts.instances import generators, read_only

from multiconvex import (
    ConvergenceWarning,
    MonotoneSet,
    RowL1Ball,
    SpectralBall,
    UncertifiedWarning,
    certify,
    equilibrium,
    feed_forward,
)

METHODS = ("auto", "anderson", "picard", "peaceman_rachford")


def random_rule(rng, h=20, n=3, m=40, allowed=None):
    D = rng.standard_normal((h, h))
    D = 0.9 * D / np.linalg.norm(D, 2) if allowed is None else allowed.prox(D, 1.0)
    return D, rng.standard_normal((h, n)), rng.standard_normal(h), rng.standard_normal((m, n))


@pytest.mark.parametrize("method", METHODS)
class TestMethods:
    def test_small_states_are_those_found_by_trying_all_supports(self, method):
        for rng in generators(5):
            D, E, f, U = random_rule(rng, h=6, m=5)
            found = equilibrium(D, E, f, U, method=method, tol=1e-12)
            expected = [solve_by_enumeration(D, E @ u + f) for u in U]
            np.testing.assert_allclose(found.states, expected, atol=1e-11)

    def test_every_start_leads_to_the_same_state(self, method):
        D, E, f, U = random_rule(np.random.default_rng(0))
        reference = equilibrium(D, E, f, U, tol=1e-11).states
        for rng in generators(5):
            init = 30 * rng.random((40, 20))
            found = equilibrium(D, E, f, U, method=method, tol=1e-11, init=init)
            np.testing.assert_allclose(found.states, reference, rtol=0, atol=1e-9)

    def test_the_error_is_within_the_bound_and_the_bound_within_the_tolerance(self, method):
        for tol in (1e-2, 1e-5, 1e-8):
            D, E, f, U = random_rule(np.random.default_rng(1))
            exact = equilibrium(D, E, f, U, tol=1e-13).states
            found = equilibrium(D, E, f, U, method=method, tol=tol)
            sizes = np.linalg.norm(found.states, axis=1)
            error = np.linalg.norm(found.states - exact, axis=1)
            assert found.status == "converged"
            assert np.all(error <= found.error_bound + 1e-12 * sizes)
            assert np.all(found.error_bound <= tol * sizes)

    def test_residuals_are_those_of_the_rule(self, method):
        D, E, f, U = random_rule(np.random.default_rng(2))
        found = equilibrium(D, E, f, U, method=method)
        swept = np.maximum(found.states @ D.T + U @ E.T + f, 0)
        residual = np.linalg.norm(found.states - swept, axis=1)
        np.testing.assert_allclose(found.residual, residual, atol=1e-15)
        assert found.states.min() >= 0

    def test_samples_do_not_depend_on_their_batch(self, method):
        D, E, f, U = random_rule(np.random.default_rng(3), m=700)
        together = equilibrium(D, E, f, U, method=method, tol=1e-11)
        alone = [equilibrium(D, E, f, u[None], method=method, tol=1e-11) for u in U[::50]]
        states = np.vstack([one.states for one in alone])
        np.testing.assert_allclose(together.states[::50], states, atol=1e-9)
        steps = np.hstack([one.n_iter for one in alone])
        assert np.abs(together.n_iter[::50] - steps).max() <= 3

    def test_the_scale_of_the_inputs_is_the_scale_of_the_states(self, method):
        D, E, f, U = random_rule(np.random.default_rng(4))
        small = equilibrium(D, E, 0 * f, 1e-6 * U, method=method)
        large = equilibrium(D, E, 0 * f, 1e6 * U, method=method)
        np.testing.assert_allclose(1e12 * small.states, large.states, rtol=1e-7, atol=1e-2)
        assert small.status == large.status == "converged"

    def test_inputs_are_never_written_to_and_any_kind_is_taken(self, method):
        D, E, f, U = random_rule(np.random.default_rng(5))
        states = equilibrium(D, E, f, U, method=method).states
        frozen = equilibrium(*read_only(D, E, f, U), method=method, init=read_only(states)[0])
        np.testing.assert_allclose(frozen.states, states, rtol=1e-7, atol=1e-8)
        fortran = equilibrium(np.asfortranarray(D), E, f, np.asfortranarray(U), method=method)
        np.testing.assert_allclose(fortran.states, states, atol=1e-12)
        lists = equilibrium([[0]], [[1]], [1], [[2], [-3]], method=method)
        np.testing.assert_array_equal(lists.states, [[3.0], [0.0]])


@pytest.mark.parametrize("method", ["auto", "peaceman_rachford"])
def test_monotone_rules_of_any_norm_are_solved(method):
    for rng in generators(5):
        D, E, f, U = random_rule(rng, h=5, m=6, allowed=MonotoneSet())
        D = D + 3 * (D - D.T)
        assert certify(D).spectral_norm > 3
        found = equilibrium(D, E, f, U, method=method, tol=1e-11)
        expected = [solve_by_enumeration(D, E @ u + f) for u in U]
        np.testing.assert_allclose(found.states, expected, atol=1e-9)


def test_steps_of_a_monotone_rule_may_run_in_circles():
    arguments = [[-3.0]], [[1.0]], [0.0], [[2.0]]
    with pytest.warns(ConvergenceWarning, match="1 of 1 samples have no state after 201 steps"):
        found = equilibrium(*arguments, method="picard", max_iter=201)
    assert found.status == "max_iter"
    assert found.states[0, 0] in (0.0, 2.0)
    assert found.residual[0] == 2.0
    for method in ("auto", "anderson", "peaceman_rachford"):
        assert equilibrium(*arguments, method=method).states[0, 0] == pytest.approx(0.5)


def test_the_rate_of_peaceman_and_rachford():
    r"""The contraction factor of the reflected map is at most kappa / (2 - kappa)."""
    for rng in generators(20):
        kappa = rng.uniform(0.1, 0.99)
        D = rng.standard_normal((6, 6))
        D *= kappa / np.linalg.norm(D, 2)
        unit = np.eye(6)
        cayley = np.linalg.solve(2 * unit - D, D)
        assert np.linalg.norm(cayley, 2) <= kappa / (2 - kappa) * (1 + 1e-12)
    symmetric = kappa * unit
    cayley = np.linalg.solve(2 * unit - symmetric, symmetric)
    assert np.linalg.norm(cayley, 2) == pytest.approx(kappa / (2 - kappa))


def test_slow_rules_take_half_the_steps_reflected_and_few_mixed():
    kappa = 0.98
    D = kappa * np.full((10, 10), 0.1)
    arguments = D, np.eye(10), np.ones(10), np.random.default_rng(0).random((5, 10))
    steps = {
        method: equilibrium(*arguments, method=method, max_iter=5000).n_iter.max()
        for method in ("picard", "peaceman_rachford", "anderson")
    }
    assert steps["peaceman_rachford"] == pytest.approx(0.5 * steps["picard"], rel=0.05)
    assert steps["anderson"] < 0.05 * steps["picard"]


def test_samples_that_arrive_leave():
    D = np.array([[0.95, 0.0], [0.0, 0.0]])
    found = equilibrium(D, np.eye(2), np.zeros(2), np.eye(2), method="picard", tol=1e-6)
    assert found.n_iter[1] <= 2 < 100 < found.n_iter[0]


def test_a_warm_start_takes_no_way():
    D, E, f, U = random_rule(np.random.default_rng(6))
    states = equilibrium(D, E, f, U, tol=1e-12).states
    for method in METHODS:
        again = equilibrium(D, E, f, U, method=method, init=states)
        assert again.n_iter.max() <= 2


def test_the_certificate_may_be_passed():
    D, E, f, U = random_rule(np.random.default_rng(7), allowed=RowL1Ball(0.9))
    certificate = certify(D)
    found = equilibrium(D, E, f, U, certificate=certificate)
    assert found.certificate is certificate
    assert found.certificate.certified


@pytest.mark.parametrize("method", ["auto", "anderson", "picard"])
def test_layers_are_reached_in_as_many_steps(method):
    rng = np.random.default_rng(8)
    sizes = (3, 7, 5, 6, 2)
    weights = [2 * rng.standard_normal((a, b)) for a, b in zip(sizes[1:], sizes)]
    biases = [rng.standard_normal(a) for a in sizes[1:]]
    U = rng.standard_normal((30, 3))
    layer = U.T
    for W, b in zip(weights[:-1], biases[:-1]):
        layer = np.maximum(W @ layer + b[:, None], 0)
    expected = (weights[-1] @ layer + biases[-1][:, None]).T
    rule = feed_forward(weights, biases)
    assert np.all(np.triu(rule.D) == 0)
    certificate = certify(rule.D)
    assert "perron" in certificate.proofs
    assert certificate.spectral_norm > 1
    found = equilibrium(rule.D, rule.E, rule.f, U, method=method, tol=1e-12)
    np.testing.assert_allclose(rule.readout(found.states, U), expected, rtol=1e-9, atol=1e-9)
    if method == "picard":
        assert found.n_iter.max() <= len(weights)


class TestRefusals:
    def test_two_states_are_warned_of(self):
        with pytest.warns(UncertifiedWarning, match="Nothing proves .* norm of D is 1.5"):
            found = equilibrium([[1.5]], [[1.0]], [0.0], [[-1.0]], init=[[3.0]], max_iter=5)
        assert found.error_bound[0] == np.inf

    def test_nothing_is_proved_of_an_exact_state_either(self):
        with pytest.warns(UncertifiedWarning):
            found = equilibrium([[1.5]], [[1.0]], [0.0], [[-1.0]])
        assert found.residual[0] == 0.0
        assert found.error_bound[0] == np.inf

    def test_reflection_needs_monotonicity(self):
        D = SpectralBall(3.0).prox(10 * np.eye(2), 1.0)
        with (
            pytest.warns(UncertifiedWarning),
            pytest.raises(ValueError, match=r'method="peaceman_rachford" needs a monotone rule'),
        ):
            equilibrium(D, np.eye(2), np.zeros(2), np.eye(2), method="peaceman_rachford")

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"D": np.ones((2, 3))}, r"D must have shape \(2, 2\) to go with E of shape \(2, 1\)"),
            ({"f": np.ones(3)}, r"f must have shape \(2,\)"),
            ({"U": np.ones((4, 2))}, r"U must have shape \(4, 1\)"),
            ({"U": np.full((4, 1), np.nan)}, "U has 4 NaN or infinite entries"),
            ({"U": np.ones((0, 1))}, r"U is empty: its shape is \(0, 1\)"),
            ({"init": np.ones((4, 3))}, r"init must have shape \(4, 2\), one row a sample"),
            ({"method": "newton"}, "method must be one of 'auto', 'anderson', 'picard'"),
            ({"tol": 0.0}, r"tol must be a finite positive number, got 0\.0"),
            ({"max_iter": 0}, "max_iter must be an integer of at least 1, got 0"),
        ],
    )
    def test_what_does_not_fit(self, change, sentence):
        arguments = {
            "D": np.zeros((2, 2)),
            "E": np.ones((2, 1)),
            "f": np.zeros(2),
            "U": np.ones((4, 1)),
        }
        with pytest.raises(ValueError, match=sentence):
            equilibrium(**(arguments | change))


@pytest.mark.parametrize(
    ("weights", "biases", "sentence"),
    [
        ([np.eye(2)], [np.ones(2)], "needs two or more weights .* got 1 weights and 1 biases"),
        ([np.eye(2), np.eye(2)], [np.ones(2)], "got 2 weights and 1 biases"),
        ([np.eye(2), np.eye(2)], [np.ones(2), np.ones(3)], r"biases\[1\] must have shape \(2,\)"),
        ([np.eye(2), np.eye(3)], [np.ones(2), np.ones(3)], r"weights\[1\] must have 2 columns"),
    ],
)
def test_layers_that_do_not_follow_are_refused(weights, biases, sentence):
    with pytest.raises(ValueError, match=sentence):
        feed_forward(weights, biases)
