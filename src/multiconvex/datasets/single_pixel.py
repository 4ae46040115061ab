"""Images for cameras with one pixel, and what a real one has measured."""

import numpy as np

from ._errors import DataCorrupted
from ._files import FILES, fetch
from .simulated import PROVENANCE
from .types import GreyImage, HyperspectralImage, SinglePixelAcquisition

_SIDE, _LEVELS, _ACQUIRED = 128, 4, 64


def load_cat(side=64):
    """A cat, as a square grey image of a size that suits Hadamard patterns.

    Parameters
    ----------
    side : int
        Rows and columns.

    Returns
    -------
    GreyImage
        `image` of shape (side, side), from 0 to 1.

    Examples
    --------
    >>> load_cat(32).image.shape
    (32, 32)
    """
    from skimage.data import chelsea
    from skimage.transform import resize

    grey = chelsea()[:, 76:376].mean(axis=2)
    image = resize(grey, (side, side), anti_aliasing=True)
    return GreyImage(
        name="cat",
        units="intensity, scaled to a maximum of one",
        citation="S. van der Walt (2012). Chelsea the cat, in scikit-image.",
        licence="CC0",
        source="skimage.data.chelsea",
        origin="bundled",
        image=image / image.max(),
    )


def load_jaszczak():
    """Wavelet coefficients of a resolution target, acquired by a camera with one pixel.

    Returns
    -------
    SinglePixelAcquisition
        `coefficients` of shape (128, 128), of which the 64 by 64 coarsest were acquired, four
        levels of orthonormal Haar wavelets; `reference` is the picture of an ordinary camera.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be fetched.

    Notes
    -----
    The data are distributed under CC-BY-SA 4.0: what is made of them and published carries the
    same licence and names their authors.
    """
    from scipy.io import loadmat

    path = fetch("jaszczak")
    content = loadmat(path, variable_names=["W", "F"])
    for field in ("W", "F"):
        if field not in content or content[field].shape != (_SIDE, _SIDE):
            raise DataCorrupted(f"{path} has no array {field!r} of shape {(_SIDE, _SIDE)}")
    file = FILES["jaszczak"]
    return SinglePixelAcquisition(
        name="Jaszczak target",
        units="photon counts, differences of two patterns",
        citation=file.citation,
        licence=file.licence,
        source=file.url,
        origin="fetched",
        coefficients=content["W"].astype(float),
        shown=_acquired(_SIDE),
        levels=_LEVELS,
        reference=content["F"].astype(float),
    )


def make_acquisition(side=128, *, noise=0.01, random_state=None):
    r"""Wavelet coefficients of a disc with round holes, as a camera with one pixel sees it.

    Parameters
    ----------
    side : int
        Rows and columns, a power of two of at least 16.
    noise : float
        Standard deviation of a coefficient, relative to the largest.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    SinglePixelAcquisition
        With the coarsest quarter of the coefficients in `shown`; `reference` is the target itself.

    Examples
    --------
    >>> acquisition = make_acquisition(32, random_state=0)
    >>> acquisition.coefficients.shape, int(acquisition.shown.sum())
    ((32, 32), 256)
    """
    from multiconvex.operators import HaarWavelets2D

    if side < 16:
        raise ValueError(f"side must be at least 16, got {side}")
    rng = np.random.default_rng(random_state)
    target = _target(side)
    shown = _acquired(side)
    coefficients = HaarWavelets2D(side, _LEVELS, shown=shown).forward(target)
    coefficients += noise * coefficients.max() * rng.standard_normal(target.shape) * shown
    return SinglePixelAcquisition(
        name="simulated target",
        units="arbitrary",
        source=f"make_acquisition(random_state={random_state!r})",
        **PROVENANCE,
        coefficients=coefficients,
        shown=shown,
        levels=_LEVELS,
        reference=target,
    )


def make_filtered_scene(image, *, bands=128, overlap=0):
    r"""An image lit by a white lamp and covered by a red filter and a green one.

    .. math:: X = W H^T, \qquad W_{iq} = \text{image}_i \text{ where filter } q \text{ covers
              pixel } i .

    Parameters
    ----------
    image : ndarray of shape (rows, cols)
        Nonnegative intensities.
    bands : int
        Wavelengths from 420 to 720 nm.
    overlap : int
        Columns in the middle that both filters cover. Light is filtered twice there, so that its
        spectrum is a product, not a sum: the scene is no longer a mixture of two spectra.

    Returns
    -------
    HyperspectralImage
        With `spectra` of the two filters and `abundances`; pixels that both cover have none.

    Examples
    --------
    >>> scene = make_filtered_scene(np.ones((4, 4)), bands=6)
    >>> bool(np.allclose(scene.cube, scene.abundances @ scene.spectra.T))
    True
    """
    image = np.asarray(image, float)
    if image.ndim != 2 or image.min() < 0:
        raise ValueError("image must be a nonnegative array of two dimensions")
    cols = image.shape[1]
    if not 0 <= overlap <= cols:
        raise ValueError(f"overlap must be from 0 to {cols} columns, got {overlap}")
    wavelengths = np.linspace(420.0, 720.0, bands)
    lamp = 0.9 * _bump(wavelengths, 450, 10) + _bump(wavelengths, 560, 50)
    red = 1.0 / (1.0 + np.exp(-(wavelengths - 575.0) / 10.0))
    green = 0.8 * _bump(wavelengths, 535, 28)
    first, last = (cols - overlap) // 2, (cols + overlap + 1) // 2
    abundances = np.zeros((*image.shape, 2))
    abundances[:, :first, 0] = image[:, :first]
    abundances[:, last:, 1] = image[:, last:]
    spectra = np.stack([lamp * red, lamp * green], axis=1)
    cube = abundances @ spectra.T
    cube[:, first:last] = image[:, first:last, None] * (lamp * red * green)
    return HyperspectralImage(
        name="two filters",
        units="intensity",
        source=f"make_filtered_scene(bands={bands}, overlap={overlap})",
        **PROVENANCE,
        cube=cube,
        names=("red filter", "green filter"),
        wavelengths=wavelengths,
        spectra=spectra,
        abundances=abundances,
    )


def _bump(x, centre, width):
    return np.exp(-0.5 * ((x - centre) / width) ** 2)


def _acquired(side):
    coarse = np.arange(side) < side // 2
    return coarse[:, None] & coarse


def _target(side):
    """Return a dark disc on a bright field, with six bright holes of different sizes."""
    y, x = (np.mgrid[:side, :side] + 0.5) / side - 0.5
    image = np.where(np.hypot(x, y) < 0.41, 0.25, 0.8)
    for number, radius in enumerate((0.085, 0.07, 0.055, 0.045, 0.035, 0.03)):
        angle = np.pi * (0.3 + number / 3.0)
        hole = np.hypot(x - 0.22 * np.cos(angle), y - 0.22 * np.sin(angle)) < radius
        image[hole] = 0.9
    return image
