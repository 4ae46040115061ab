"""How far codes may be from the truth, for the chapter on mixed sparse coding."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np


@dataclass(frozen=True, eq=False)
class Robustness:
    r"""Distances between two codes, relative to two bounds on them.

    With :math:`a = \sqrt\delta` the misfit of the free factor and :math:`b = \sqrt\varepsilon /
    \sigma_{\min}(H)` that of the data, the bounds are :math:`\sqrt{a^2 + b^2} / \sigma_{2k}(D)` and
    :math:`(a + b) / \sigma_{2k}(D)`.

    Attributes
    ----------
    share : ndarray, shape (trials,)
        The part :math:`b / (a + b)`.
    printed, corrected : ndarray, shape (trials,)
        Distance over each bound, above one where the bound is false.
    aligned : ndarray of bool, shape (trials,)
        Whether the codes differ along the weakest directions of D and H.
    """

    share: np.ndarray
    printed: np.ndarray
    corrected: np.ndarray
    aligned: np.ndarray


def measure_robustness(trials=400, *, shape=(6, 8), columns=5, rank=3, k=2, random_state=0):
    """Draw dictionaries, factors and pairs of codes, and compare distances with both bounds.

    The data lie between the two models, ``X = D ((1 - t) C + t C') H.T`` for a random ``t``. In
    every other trial the difference of the codes is aligned with the weakest directions; in the
    others a random difference on the same atoms is added.
    """
    rng = np.random.default_rng(random_state)
    rows = []
    for trial in range(trials):
        D = rng.standard_normal(shape)
        D /= np.linalg.norm(D, axis=0)
        H = rng.standard_normal((columns, rank))
        _, sizes, directions = np.linalg.svd(H, full_matrices=False)
        weakest, code = weakest_atoms(D, 2 * k)
        gap = np.outer(code, directions[-1])
        aligned = trial % 2 == 0
        if not aligned:
            used = np.flatnonzero(code)
            gap[used] += 0.3 * rng.random() * rng.standard_normal((2 * k, rank))
        t = rng.random()
        a = (1.0 - t) * np.linalg.norm(D @ gap)
        b = t * np.linalg.norm(D @ gap @ H.T) / sizes[-1]
        distance = np.linalg.norm(gap) * weakest
        rows.append((b / (a + b), distance / np.hypot(a, b), distance / (a + b), aligned))
    return Robustness(*map(np.array, zip(*rows)))


def weakest_atoms(D, count):
    """Return the least singular value of ``count`` columns of D, and the code that attains it."""
    chosen = np.array(list(combinations(range(D.shape[1]), count)))
    _, sizes, directions = np.linalg.svd(D[:, chosen].transpose(1, 0, 2), full_matrices=False)
    worst = sizes[:, -1].argmin()
    code = np.zeros(D.shape[1])
    code[chosen[worst]] = directions[worst, -1]
    return float(sizes[worst, -1]), code
