"""Simulated scenes in which no pixel is purer than a limit."""

from dataclasses import dataclass, replace

import numpy as np

from multiconvex.datasets import make_mixture
from multiconvex.studies._unmixing_report import report

_METHODS = ("separable", "NMF", "minimum volume, sum to one", "pixels")


@dataclass(frozen=True, eq=False)
class PurityRecord:
    """Errors of several methods on scenes of several purities.

    Attributes
    ----------
    limits : tuple of float
        Largest abundance in a pixel.
    angles, rmse : dict of str to ndarray, shape (limits, seeds)
        Mean spectral angle in degrees, and root mean square error of the abundances.
    """

    limits: tuple
    angles: dict
    rmse: dict

    def rows(self, limit):
        """Rows of a table: mean and standard deviation over the seeds, for one purity."""
        place = self.limits.index(limit)
        return [
            {
                "method": method,
                "angle": float(self.angles[method][place].mean()),
                "± angle": float(self.angles[method][place].std(ddof=1)),
                "RMSE of shares": float(self.rmse[method][place].mean()),
                "± RMSE": float(self.rmse[method][place].std(ddof=1)),
            }
            for method in self.angles
        ]


def compare_purities(limits=(1.0, 0.9, 0.8, 0.7, 0.6, 0.5), n_seeds=5, snr=40.0, side=16):
    """Unmix scenes of three materials, some for each limit.

    With three materials, minimum volume is known to identify scenes whose pixels fill the simplex
    up to a limit of two thirds: the largest coordinate on the circle inscribed in the triangle.
    """
    made = [[_unmix(limit, seed, snr, side) for seed in range(n_seeds)] for limit in limits]
    pick = {
        measure: {
            method: np.array([[measured[method][measure] for measured in row] for row in made])
            for method in _METHODS
        }
        for measure in (0, 1)
    }
    return PurityRecord(tuple(limits), pick[0], pick[1])


def _unmix(limit, seed, snr, side):
    made = report(make_limited_scene(limit, seed, snr, side), 3, methods=_METHODS)
    return {name: (float(r.angles.mean()), r.rmse) for name, r in made.results.items()}


def make_limited_scene(limit, random_state=0, snr=40.0, side=16):
    """Simulate a scene of three materials whose abundances are uniform below a limit."""
    rng = np.random.default_rng([3, random_state])
    scene = make_mixture((side, side), bands=60, rank=3, snr=np.inf, random_state=random_state)
    shares = rng.dirichlet(np.ones(3), 100 * side * side)
    shares = shares[shares.max(axis=1) <= limit][: side * side]
    clean = shares @ scene.spectra.T
    noise = 10 ** (-snr / 20) * np.sqrt(np.mean(clean**2)) * rng.standard_normal(clean.shape)
    return replace(
        scene,
        cube=np.maximum(clean + noise, 0.0).reshape(scene.cube.shape),
        abundances=shares.reshape(side, side, 3),
    )
