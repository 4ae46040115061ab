"""What the loaders and the simulators return."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np


class Axis(NamedTuple):
    """One axis of a tensor: what varies along it, in which unit, and where it was sampled."""

    name: str
    unit: str
    values: np.ndarray

    @property
    def label(self):
        """Name and unit, for the axis of a picture."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


class Sample:
    """Arrays that are shown by their shapes."""

    def __repr__(self):
        return f"{type(self).__name__}({_shapes(self)})"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Dataset(Sample):
    """What every set says about itself.

    Attributes
    ----------
    name : str
    units : str
        Unit of the measured numbers.
    citation, licence : str
    source : str
        Where the numbers come from: a package, an address, or a simulator.
    origin : {"bundled", "fetched", "simulated"}
    note : str
        A sentence that a page must show, such as that the data are simulated in place of others.
    """

    name: str
    units: str
    citation: str
    licence: str
    source: str
    origin: str
    note: str = ""

    def __repr__(self):
        return f"{type(self).__name__}({self.name!r}, {self.origin}, {_shapes(self)})"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class HyperspectralImage(Dataset):
    """A spectrum in each pixel, and what is known of the materials.

    Attributes
    ----------
    cube : ndarray of shape (rows, cols, bands)
    names : tuple of str
        Materials, or classes of `labels`.
    wavelengths : ndarray of shape (bands,) or None
        In nanometres.
    spectra : ndarray of shape (bands, r) or None
        Reference spectra of the materials.
    abundances : ndarray of shape (rows, cols, r) or None
        Reference fractions of the materials.
    labels : ndarray of shape (rows, cols) or None
        Class of each pixel, an index of `names`.
    """

    cube: np.ndarray
    names: tuple
    wavelengths: np.ndarray | None = None
    spectra: np.ndarray | None = None
    abundances: np.ndarray | None = None
    labels: np.ndarray | None = None

    @property
    def matrix(self):
        """The data as a matrix ``X`` of shape (bands, pixels): one column a pixel, row by row."""
        return np.ascontiguousarray(self.cube.reshape(-1, self.cube.shape[2]).T)

    def maps(self, H):
        """Rows of a factor ``H`` of shape (pixels, r) as images of shape (rows, cols, r)."""
        return _maps(H, self.cube.shape[:2])

    def preview(self, bands=None):
        """Three bands as an image of shape (rows, cols, 3) in [0, 1] to look at.

        By default the bands nearest to red, green and blue light; where the wavelengths are not
        known, bands at the places they have in a sensor from 400 to 2500 nm.
        """
        if bands is None and self.wavelengths is None:
            bands = [int(place * self.cube.shape[2]) for place in (0.115, 0.07, 0.03)]
        elif bands is None:
            bands = [int(np.argmin(np.abs(self.wavelengths - nm))) for nm in (640, 550, 460)]
        chosen = self.cube[..., bands].astype(float)
        low, high = np.quantile(chosen, [0.01, 0.99], axis=(0, 1))
        return np.clip((chosen - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FluorescenceTensor(Dataset):
    """Fluorescence of mixtures: intensity by sample and wavelengths.

    Attributes
    ----------
    tensor : ndarray
        Missing entries hold zero.
    axes : tuple of Axis
    mask : ndarray of bool
        True where the intensity was measured.
    names : tuple of str
        Analytes, as far as they are known.
    concentrations : ndarray of shape (samples, analytes) or None
        In moles per litre.
    factors : tuple of ndarray or None
        The factors of simulated data.
    outliers : ndarray of int
        Samples that the authors of the data set aside.
    """

    tensor: np.ndarray
    axes: tuple
    mask: np.ndarray
    names: tuple
    concentrations: np.ndarray | None = None
    factors: tuple | None = None
    outliers: np.ndarray = ()

    def at_time(self, minutes):
        """The tensor without its last axis, at the sampled time closest to `minutes`."""
        if self.axes[-1].name != "time":
            raise ValueError(f"the last axis of {self.name} is {self.axes[-1].name}, not time")
        instant = int(np.argmin(np.abs(self.axes[-1].values - minutes)))
        return replace(
            self,
            name=f"{self.name} at {self.axes[-1].values[instant]:.3g} min",
            tensor=self.tensor[..., instant].copy(),
            mask=self.mask[..., instant].copy(),
            axes=self.axes[:-1],
        )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StainImage(Dataset):
    """A stained tissue seen in transmitted light.

    Attributes
    ----------
    rgb : ndarray of shape (rows, cols, 3), uint8
    optical_density : ndarray of shape (rows, cols, 3)
        Minus the logarithm of the transmitted fraction of light, nonnegative, additive in the
        amounts of the stains.
    names : tuple of str
        Stains.
    vectors : ndarray of shape (3, stains)
        Published optical densities of the stains, columns of length one.
    """

    rgb: np.ndarray
    optical_density: np.ndarray
    names: tuple
    vectors: np.ndarray

    @property
    def matrix(self):
        """The optical density as a matrix ``X`` of shape (3, pixels), pixels row by row."""
        return np.ascontiguousarray(self.optical_density.reshape(-1, 3).T)

    def maps(self, H):
        """Rows of a factor ``H`` of shape (pixels, r) as images of shape (rows, cols, r)."""
        return _maps(H, self.rgb.shape[:2])


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Chromatograms(Dataset):
    """Runs of a chromatograph: absorbance by wavelength and time, one matrix a run.

    Attributes
    ----------
    slices : tuple of ndarray, shapes (wavelengths, n_k)
    times : tuple of ndarray, shapes (n_k,)
        In minutes.
    wavelengths : ndarray
        In nanometres.
    samples : tuple of str
        Names of the runs.
    names : tuple of str
        Compounds, as far as they are known.
    spectra : ndarray of shape (wavelengths, compounds) or None
    profiles : tuple of ndarray, shapes (n_k, compounds), or None
    amounts : ndarray of shape (runs, compounds) or None
        What simulated runs were made from.
    """

    slices: tuple
    times: tuple
    wavelengths: np.ndarray
    samples: tuple
    names: tuple = ()
    spectra: np.ndarray | None = None
    profiles: tuple | None = None
    amounts: np.ndarray | None = None

    def between(self, first, last):
        """The same runs from one minute to another."""
        kept = [(clock >= first) & (clock <= last) for clock in self.times]
        if not all(rows.any() for rows in kept):
            raise ValueError(f"{self.name} has no instants between {first} and {last} min")
        profiles = self.profiles
        if profiles is not None:
            profiles = tuple(profile[rows] for profile, rows in zip(profiles, kept))
        return replace(
            self,
            slices=tuple(piece[:, rows].copy() for piece, rows in zip(self.slices, kept)),
            times=tuple(clock[rows] for clock, rows in zip(self.times, kept)),
            profiles=profiles,
        )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GreyImage(Dataset):
    """An image without colours.

    Attributes
    ----------
    image : ndarray of shape (rows, cols)
    """

    image: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SinglePixelAcquisition(Dataset):
    """What a camera with one pixel measured: coefficients of an image in a basis of patterns.

    Attributes
    ----------
    coefficients : ndarray of shape (n, n)
        Zero where nothing was measured.
    shown : ndarray of bool, shape (n, n)
        Which coefficients were measured.
    levels : int
        Levels of Haar wavelets.
    reference : ndarray of shape (n, n)
        The same object seen by an ordinary camera.
    """

    coefficients: np.ndarray
    shown: np.ndarray
    levels: int
    reference: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class LowRankMatrix(Sample):
    """A matrix ``X ≈ W Hᵀ`` with the factors it was made from."""

    X: np.ndarray
    W: np.ndarray
    H: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class LowRankTensor(Sample):
    """A tensor with the factors it was made from."""

    X: np.ndarray
    factors: tuple


def _shapes(data):
    return ", ".join(
        f"{field}={value.shape}"
        for field, value in vars(data).items()
        if isinstance(value, np.ndarray)
    )


def _maps(H, shape):
    H = np.asarray(H)
    if H.ndim != 2 or len(H) != shape[0] * shape[1]:
        raise ValueError(
            f"H must have shape ({shape[0] * shape[1]}, r), one row a pixel, got {H.shape}"
        )
    return H.reshape(*shape, H.shape[1])
