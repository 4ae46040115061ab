"""Experiments of the chapter on implicit prediction rules."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from multiconvex.implicit_rules.certificates import certify
from multiconvex.implicit_rules.equilibria import equilibrium
from multiconvex.implicit_rules.sets import Intersection, MonotoneSet, SpectralBall
from multiconvex.implicit_rules.weights import ImplicitWeights, feed_forward
from multiconvex.studies._counted_states import (
    CertificateShares,
    Region,
    StateCount,
    compare_certificates,
    count_states,
    list_states,
    map_regions,
)

__all__ = [
    "CertificateShares",
    "Cobweb",
    "Inhibition",
    "LayersAsRule",
    "ProjectionRow",
    "Region",
    "RingResponse",
    "StateCount",
    "StepsRow",
    "compare_certificates",
    "compare_steps",
    "count_states",
    "follow_cobweb",
    "follow_inhibition",
    "list_states",
    "map_regions",
    "project_in_turn",
    "respond_on_a_ring",
    "write_layers",
]

METHODS = ("picard", "peaceman_rachford", "anderson")
_DIGITS = tuple(10.0**-k for k in range(1, 9))


@dataclass(frozen=True)
class Cobweb:
    """Steps of a rule with one unit, and all its states."""

    weight: float
    bias: float
    path: np.ndarray
    states: tuple


def follow_cobweb(weight, bias, steps=12, start=1.6):
    r"""Repeat :math:`x \leftarrow (d x + b)_+` from a start, and list the states.

    Parameters
    ----------
    weight, bias : float
        The numbers d and b.
    steps : int
    start : float

    Returns
    -------
    Cobweb
    """
    path = [start]
    for _ in range(steps):
        path.append(max(weight * path[-1] + bias, 0.0))
    states = list_states(np.array([[weight]]), np.array([bias]))
    return Cobweb(weight, bias, np.array(path), tuple(float(state[0]) for state in states))


@dataclass(frozen=True)
class LayersAsRule:
    """A network of layers written as one rule, and steps of it."""

    rule: ImplicitWeights
    sizes: tuple
    errors: np.ndarray
    norm: float
    proofs: tuple
    steps: int


def write_layers(sizes=(2, 12, 10, 8, 6, 1), samples=200, random_state=0):
    """Write random layers as a rule, and repeat it until it predicts what they do.

    Parameters
    ----------
    sizes : tuple of int
        Inputs, hidden layers, outputs.
    samples : int
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    LayersAsRule
        Errors are the largest over samples, relative to the largest output, after each step.
    """
    rng = np.random.default_rng(random_state)
    weights = [rng.standard_normal((a, b)) * np.sqrt(2 / b) for b, a in pairwise(sizes)]
    biases = [0.3 * rng.standard_normal(a) for a in sizes[1:]]
    U = rng.standard_normal((samples, sizes[0]))
    layer = U
    for W, b in zip(weights[:-1], biases):
        layer = np.maximum(layer @ W.T + b, 0.0)
    target = layer @ weights[-1].T + biases[-1]
    rule = feed_forward(weights, biases)
    X = np.zeros((samples, len(rule.D)))
    errors = []
    for _ in range(len(sizes)):
        errors.append(float(np.abs(rule.readout(X, U) - target).max() / np.abs(target).max()))
        X = np.maximum(X @ rule.D.T + U @ rule.E.T + rule.f, 0.0)
    certificate = certify(rule.D)
    found = equilibrium(rule.D, rule.E, rule.f, U, method="picard", certificate=certificate)
    return LayersAsRule(
        rule, sizes, np.array(errors), certificate.spectral_norm, certificate.proofs,
        int(found.n_iter.max()),
    )  # fmt: skip


@dataclass(frozen=True)
class RingResponse:
    """State of units on a ring, and the steps of each method to each accuracy."""

    kappa: float
    state: np.ndarray
    tolerances: tuple
    steps: dict

    @property
    def reach(self):
        """How many units are above a hundredth of the largest one."""
        return int(np.sum(self.state > 0.01 * self.state.max()))


def respond_on_a_ring(kappas=(0.5, 0.8, 0.9, 0.95, 0.98, 0.99), units=60):
    r"""Drive one unit of a ring whose units listen to their two neighbours.

    D has :math:`\kappa / 2` beside its diagonal, so that its norm is :math:`\kappa`.

    Parameters
    ----------
    kappas : sequence of float
    units : int

    Returns
    -------
    dict of float to RingResponse
    """
    neighbours = 0.5 * (np.roll(np.eye(units), 1, axis=0) + np.roll(np.eye(units), -1, axis=0))
    E = np.eye(units)[:, [units // 2]]
    responses = {}
    for kappa in kappas:
        certificate = certify(kappa * neighbours)

        def solve(method, tol, kappa=kappa, certificate=certificate):
            return equilibrium(
                kappa * neighbours, E, np.zeros(units), np.ones((1, 1)), method=method, tol=tol,
                max_iter=10_000, init=np.zeros((1, units)), certificate=certificate,
            )  # fmt: skip

        steps = {
            method: np.array([int(solve(method, tol).n_iter[0]) for tol in _DIGITS])
            for method in METHODS
        }
        state = solve("auto", 1e-12).states[0]
        responses[kappa] = RingResponse(kappa, state, _DIGITS, steps)
    return responses


@dataclass(frozen=True)
class StepsRow:
    """Steps to eight digits, and what the factors promise."""

    kappa: float
    picard: int
    promised_picard: int
    peaceman_rachford: int
    promised_reflected: int
    anderson: int


def compare_steps(responses):
    r"""Compare the steps with the rates :math:`\kappa` and :math:`\kappa / (2 - \kappa)`.

    What is promised is the number of steps that divides the first error by :math:`10^8`.

    Parameters
    ----------
    responses : dict of float to RingResponse

    Returns
    -------
    tuple of StepsRow
    """
    rows = []
    for kappa, response in responses.items():
        promised = [int(np.ceil(np.log(1e-8) / np.log(f))) for f in (kappa, kappa / (2 - kappa))]
        picard, reflected, anderson = (int(response.steps[name][-1]) for name in METHODS)
        rows.append(StepsRow(kappa, picard, promised[0], reflected, promised[1], anderson))
    return tuple(rows)


@dataclass(frozen=True)
class ProjectionRow:
    """What a way of projecting on two sets leaves."""

    projection: str
    outside_the_ball: float
    outside_the_inequality: float
    distance: float


def project_in_turn(n_matrices=100, hidden=5, random_state=0):
    """Project random matrices on a spectral ball and a monotone set, in turn and together.

    Parameters
    ----------
    n_matrices, hidden : int
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    tuple of ProjectionRow
        Shares of results outside each set, and the mean distance that they moved.
    """
    rng = np.random.default_rng(random_state)
    ball, monotone = SpectralBall(0.95), MonotoneSet(rng.uniform(0.5, 2.0, hidden))
    both = Intersection(ball, monotone)
    matrices = rng.standard_normal((n_matrices, hidden, hidden)) / np.sqrt(hidden)
    ways = {
        "ball, then inequality": lambda D: monotone.prox(ball.prox(D, 1.0), 1.0),
        "inequality, then ball": lambda D: ball.prox(monotone.prox(D, 1.0), 1.0),
        "both (Dykstra)": lambda D: both.prox(D, 1.0),
    }
    rows = []
    for name, way in ways.items():
        results = [way(D) for D in matrices]
        rows.append(
            ProjectionRow(
                name,
                float(np.mean([np.isinf(ball.value(D)) for D in results])),
                float(np.mean([np.isinf(monotone.value(D)) for D in results])),
                float(np.mean([np.linalg.norm(D - A) for D, A in zip(results, matrices)])),
            )
        )
    return tuple(rows)


@dataclass(frozen=True)
class Inhibition:
    """All predictions of an uncertified rule along a line of inputs."""

    inputs: np.ndarray
    counts: np.ndarray
    branches: np.ndarray
    proofs: tuple

    @property
    def last_safe(self):
        """The largest input up to which there is one state."""
        return float(self.inputs[np.argmax(self.counts > 1) - 1])


def follow_inhibition(points=241):
    """List the predictions of two units that inhibit each other, for a line of inputs.

    Parameters
    ----------
    points : int

    Returns
    -------
    Inhibition
        Pairs of input and difference of the two units, one for each state.
    """
    D = np.array([[0.5, -2.0], [-0.5, 0.9]])
    E, f = np.array([1.0, 0.4]), np.array([-0.4, 0.2])
    inputs = np.linspace(-1.0, 3.0, points)
    states = [list_states(D, E * u + f) for u in inputs]
    pairs = [(u, x[0] - x[1]) for u, found in zip(inputs, states) for x in found]
    counts = np.array([len(found) for found in states])
    return Inhibition(inputs, counts, np.array(pairs), certify(D).proofs)
