"""States of small implicit rules, counted by brute force, and what certificates see of them."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from multiconvex.implicit_rules.certificates import certify

PROOFS = ("spectral", "inf_norm", "perron", "monotone")


def list_states(D, b):
    r"""Return all solutions of :math:`x = (D x + b)_+` by trying every set of active units.

    Parameters
    ----------
    D : ndarray, shape (h, h)
        Without singular principal submatrices of :math:`I - D`.
    b : ndarray, shape (h,)

    Returns
    -------
    list of ndarray, shape (h,)
    """
    h = len(b)
    found = []
    for size in range(h + 1):
        for active in map(list, combinations(range(h), size)):
            x = np.zeros(h)
            x[active] = np.linalg.solve(np.eye(size) - D[np.ix_(active, active)], b[active])
            waiting = np.setdiff1d(np.arange(h), active)
            solves = x.min() >= 0 and np.all(D[waiting] @ x + b[waiting] <= 0)
            if solves and not any(np.allclose(x, other) for other in found):
                found.append(x)
    return found


def has_positive_minors(rules):
    r"""Tell for each matrix D of a stack whether all principal minors of I - D are positive."""
    h = rules.shape[-1]
    shifted = np.eye(h) - rules
    answer = np.ones(len(rules), dtype=bool)
    for size in range(1, h + 1):
        for kept in map(list, combinations(range(h), size)):
            answer &= np.linalg.det(shifted[:, kept][:, :, kept]) > 0
    return answer


@dataclass(frozen=True)
class StateCount:
    """How many states random rules have, over random inputs."""

    principal_minors: str
    rules: int
    inputs: int
    without_a_state: int
    with_one: int
    with_several: int


def count_states(n_rules=150, n_inputs=20, hidden=3, random_state=0):
    r"""Count the states of rules of a few units by brute force.

    Rules are apart by whether all principal minors of :math:`I - D` are positive.

    Parameters
    ----------
    n_rules, n_inputs, hidden : int
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    tuple of StateCount
    """
    rng = np.random.default_rng(random_state)
    rules = 0.8 * rng.standard_normal((n_rules, hidden, hidden))
    positive = has_positive_minors(rules)
    rows = []
    for name, kept in (("all positive", positive), ("not all positive", ~positive)):
        counts = [
            min(len(list_states(D, b)), 2)
            for D in rules[kept]
            for b in rng.standard_normal((n_inputs, hidden))
        ]
        rows.append(
            StateCount(name, int(kept.sum()), len(counts), *(counts.count(k) for k in range(3)))
        )
    return tuple(rows)


@dataclass(frozen=True)
class CertificateShares:
    """Shares of random rules that have one state for every input, and that are proved to."""

    sizes: np.ndarray
    exact: np.ndarray
    proved: dict


def compare_certificates(hidden=6, n_rules=200, random_state=0):
    """Compare what each proof recognises with the exact answer, for rules of growing weights.

    Parameters
    ----------
    hidden, n_rules : int
        Units, and random Gaussian matrices for each size of their entries.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    CertificateShares
    """
    rng = np.random.default_rng(random_state)
    sizes = np.linspace(0.05, 1.0, 20)
    shapes = rng.standard_normal((n_rules, hidden, hidden)) / np.sqrt(hidden)
    proved = {name: np.zeros(len(sizes)) for name in PROOFS}
    exact = np.zeros(len(sizes))
    for k, size in enumerate(sizes):
        exact[k] = has_positive_minors(size * shapes).mean()
        for D in size * shapes:
            for name in certify(D).proofs:
                proved[name][k] += 1
    proved = {name: count / n_rules for name, count in proved.items()}
    return CertificateShares(sizes, exact, proved)


@dataclass(frozen=True)
class Region:
    """Which matrices of a plane are well posed, and how far proofs are from holding.

    Margins are below zero where a proof holds.
    """

    a: np.ndarray
    b: np.ndarray
    exact: np.ndarray
    margins: dict


def map_regions(points=49):
    """Return the regions of three families of 2 x 2 matrices with two parameters.

    Parameters
    ----------
    points : int
        Values of each parameter.

    Returns
    -------
    dict of str to Region
        For rotations [a b; -b a], symmetric [a b; b a] and triangular [a b; 0 a] matrices.
    """
    a = np.linspace(-2.0, 2.0, points)
    p, q = np.meshgrid(a, a)
    families = {"rotations": (-q, p), "symmetric": (q, p), "triangular": (0.0 * q, p)}
    return {name: _region(a, p, q, *lower) for name, lower in families.items()}


def _region(a, p, q, left, right):
    matrices = np.stack([p, q, left, right], axis=-1).reshape(-1, 2, 2)
    certificates = [certify(D) for D in matrices]
    margins = {
        "spectral": [one.spectral_norm - 1.0 for one in certificates],
        "inf_norm": [one.inf_norm - 1.0 for one in certificates],
        "perron": [one.perron_radius - 1.0 for one in certificates],
        "monotone": [-one.monotonicity for one in certificates],
    }
    return Region(
        a,
        a,
        has_positive_minors(matrices).reshape(p.shape),
        {name: np.reshape(margin, p.shape) for name, margin in margins.items()},
    )
