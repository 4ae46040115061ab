"""Two paints side by side and stirred together, as spectra and as colours."""

from dataclasses import dataclass

import numpy as np

from multiconvex.regression import nnls

_WAVELENGTHS = np.arange(400.0, 701.0, 5.0)
_STEEP = {"blue": -0.06, "yellow": 0.08}
_EDGES = {"blue": 530.0, "yellow": 495.0}
_LEAST, _MOST = 0.04, 0.9


@dataclass(frozen=True, eq=False)
class Mixtures:
    """Two paints in all proportions, mixed in two ways.

    Attributes
    ----------
    wavelengths : ndarray, shape (bands,)
        In nanometres.
    names : tuple of str
    paints : ndarray, shape (bands, 2)
        Reflectance.
    shares : ndarray, shape (n,)
        Of the second paint.
    side_by_side, stirred : ndarray, shape (bands, n)
        Reflectance of the mixtures: means of the paints, and their weighted geometric means.
    """

    wavelengths: np.ndarray
    names: tuple
    paints: np.ndarray
    shares: np.ndarray
    side_by_side: np.ndarray
    stirred: np.ndarray

    @property
    def kinds(self):
        """Both families of mixtures by name."""
        return {"side by side": self.side_by_side, "stirred": self.stirred}

    @property
    def rows(self):
        """How far each family is from a model with two components, as it is and in logarithms."""
        return [
            {
                "mixture": name,
                "reflectance (%)": 100 * _outside_rank_two(spectra),
                "absorbance (%)": 100 * _outside_rank_two(-np.log(spectra)),
            }
            for name, spectra in self.kinds.items()
        ]

    def estimated_shares(self, kind):
        """Return the share of the second paint that a linear model reads off the reflectance."""
        fit = nnls(self.paints, self.kinds[kind]).x
        return fit[1] / fit.sum(axis=0)


def mix_paints(steps=20):
    """Mix a blue and a yellow paint in ``steps + 1`` proportions."""
    paints = np.stack(
        [
            _LEAST + (_MOST - _LEAST) / (1 + np.exp(-_STEEP[name] * (_WAVELENGTHS - edge)))
            for name, edge in _EDGES.items()
        ],
        axis=1,
    )
    shares = np.linspace(0.0, 1.0, steps + 1)
    weights = np.stack([1 - shares, shares])
    return Mixtures(
        _WAVELENGTHS, tuple(_EDGES), paints, shares, paints @ weights,
        np.exp(np.log(paints) @ weights),
    )  # fmt: skip


def colours_of(spectra, wavelengths):
    """Return the colours of reflectances under white light, shape (n, 3), in sRGB from 0 to 1.

    The colour matching functions are the sums of Gaussians of Wyman, Sloan and Shirley (2013).
    """
    from skimage.color import xyz2rgb

    eye = _matching_functions(wavelengths)
    white = np.array([0.95047, 1.0, 1.08883])
    return np.clip(xyz2rgb((eye @ spectra).T / eye.sum(axis=1) * white), 0.0, 1.0)


def _matching_functions(wavelengths):
    """Return what the three receptors of the standard observer of 1931 see, shape (3, bands)."""
    lobes = (
        ((1.056, 599.8, 37.9, 31.0), (0.362, 442.0, 16.0, 26.7), (-0.065, 501.1, 20.4, 26.2)),
        ((0.821, 568.8, 46.9, 40.5), (0.286, 530.9, 16.3, 31.1)),
        ((1.217, 437.0, 11.8, 36.0), (0.681, 459.0, 26.0, 13.8)),
    )
    return np.stack([sum(_lobe(wavelengths, *lobe) for lobe in one) for one in lobes])


def _lobe(x, height, centre, left, right):
    return height * np.exp(-0.5 * ((x - centre) / np.where(x < centre, left, right)) ** 2)


def _outside_rank_two(matrix):
    singular = np.linalg.svd(matrix, compute_uv=False)
    return float(np.linalg.norm(singular[2:]) / np.linalg.norm(singular))
