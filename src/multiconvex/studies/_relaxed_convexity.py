"""Where the relaxed training of an implicit rule is convex, seen along segments."""

from dataclasses import dataclass

import numpy as np

from multiconvex.implicit_rules.certificates import certify
from multiconvex.implicit_rules.fenchel import FenchelDivergence, preactivations

_STEP = 1e-3


@dataclass(frozen=True, eq=False)
class Curvatures:
    """Curvatures of the divergence in the states, for matrices D of growing size.

    Attributes
    ----------
    eigenvalues : ndarray
        Smallest eigenvalue of the matrix inequality.
    along_random : ndarray
        Least curvature along random segments.
    along_worst : ndarray
        Curvature along the eigenvector, where all units are silent.
    """

    eigenvalues: np.ndarray
    along_random: np.ndarray
    along_worst: np.ndarray


@dataclass(frozen=True)
class InequalityRow:
    """Both inequalities for one hidden unit and one output, and the printed block matrix."""

    a: float
    d: float
    inequality_a: float
    inequality_b: float
    printed_block: float


def measure_curvatures(hidden=8, scales=(0.2, 2.2, 21), segments=300, random_state=0):
    """Return the least curvature along segments of states, D being scaled up."""
    rng = np.random.default_rng(random_state)
    direction = rng.standard_normal((hidden, hidden)) / np.sqrt(hidden)
    rows = [_row(scale * direction, segments, rng) for scale in np.linspace(*scales)]
    return Curvatures(*map(np.array, zip(*rows)))


def _row(D, segments, rng):
    hidden = len(D)
    certificate = certify(D)
    worst = np.linalg.eigh(np.eye(hidden) - D - D.T)[1][:, 0]
    silent = np.full(hidden, -1e3)
    least = min(
        _curvature(
            D, 3.0 * rng.standard_normal(hidden), rng.random(hidden), _unit_vector(hidden, rng)
        )
        for _ in range(segments)
    )
    return certificate.lmi_eigenvalue, least, _curvature(D, silent, np.ones(hidden), worst)


def _curvature(D, f, middle, direction):
    """Return the second difference of the divergence of one sample along a segment."""
    divergence, no_input = FenchelDivergence(), np.zeros((1, 1))
    E = np.zeros((len(D), 1))

    def value(shift):
        X = (middle + shift * direction)[None]
        return divergence.value(X, preactivations(X, D, E, f, no_input))

    return (value(_STEP) - 2.0 * value(0.0) + value(-_STEP)) / _STEP**2


def _unit_vector(size, rng):
    vector = rng.standard_normal(size)
    return vector / np.linalg.norm(vector)


def compare_inequalities(points=((2.0, 0.9), (-2.0, 0.9), (0.0, 0.9), (0.0, 0.4))):
    """Return both inequalities at points (a, d), with one hidden unit and lambda one."""
    rows = []
    for a, d in points:
        block = -np.array([[1.0, a], [a, 2.0 * d - 1.0]])
        least = float(np.linalg.eigvalsh(block)[0])
        rows.append(InequalityRow(a, d, 1.0 - 2.0 * d, 1.0 + a * a - 2.0 * d, least))
    return rows
