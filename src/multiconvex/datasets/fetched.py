"""Layer 2: sets that are fetched once and then kept."""

import numpy as np
from scipy.io import loadmat

from ._errors import DataCorrupted
from ._files import FILES, fetch
from .types import Axis, FluorescenceTensor, HyperspectralImage

_SAMSON_RANGE = (401.0, 889.0)


def load_samson():
    """Reflectance of a lakeside, with reference spectra and abundances of three materials.

    Returns
    -------
    HyperspectralImage
        `cube` of shape (95, 95, 156). `wavelengths` are the nominal range of the sensor in equal
        steps. Each reference spectrum is scaled to a maximum of one: compare shapes by the
        spectral angle, not amplitudes.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be fetched.
    """
    names = ("soil", "tree", "water")
    return _unmixing("samson", "Samson", names, np.linspace(*_SAMSON_RANGE, 156))


def load_moffett():
    """Reflectance of a shore, with reference spectra and abundances of three materials.

    Returns
    -------
    HyperspectralImage
        `cube` of shape (50, 50, 184); the file does not tell the wavelengths of its bands.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be fetched.
    """
    return _unmixing("moffett", "Moffett Field", ("water", "soil", "vegetation"), None)


def load_amino_acids():
    """Fluorescence of five mixtures of tryptophan, tyrosine and phenylalanine.

    Returns
    -------
    FluorescenceTensor
        `tensor` of shape (5, 201, 61): sample, emission, excitation. The instrument's noise
        around zero makes 1.4 % of the readings negative; `mask` is False there and `tensor` zero.
        The first three samples contain one analyte each.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be fetched.
    """
    content = _read("amino_acids", {"X": (5, 201, 61), "y": (5, 3), "EmAx": None, "ExAx": None})
    tensor = content["X"]
    mask = tensor >= 0
    return FluorescenceTensor(
        name="amino acids",
        units="intensity, arbitrary",
        **_provenance("amino_acids"),
        tensor=np.where(mask, tensor, 0.0),
        axes=(
            Axis("sample", "", np.arange(1, 6)),
            Axis("emission", "nm", content["EmAx"].ravel().astype(float)),
            Axis("excitation", "nm", content["ExAx"].ravel().astype(float)),
        ),
        mask=mask,
        names=("tryptophan", "tyrosine", "phenylalanine"),
        concentrations=content["y"],
    )


def _unmixing(key, name, names, wavelengths):
    """Read a scene whose pixels are stored column by column."""
    content = _read(key, {"Y": None, "S_GT": None, "GT": None})
    abundances, reference = content["S_GT"], content["GT"]
    rows, cols, _ = abundances.shape
    cube = content["Y"].reshape(len(content["Y"]), rows, cols, order="F").transpose(1, 2, 0)
    return HyperspectralImage(
        name=name,
        units="reflectance, scaled to a maximum of one",
        **_provenance(key),
        cube=np.ascontiguousarray(cube),
        names=names,
        wavelengths=wavelengths,
        spectra=np.ascontiguousarray(reference.T),
        abundances=np.ascontiguousarray(abundances),
    )


def _provenance(key):
    file = FILES[key]
    return {
        "citation": file.citation,
        "licence": file.licence,
        "source": file.url,
        "origin": "fetched",
    }


def _read(key, fields):
    path = fetch(key)
    content = loadmat(path, variable_names=list(fields))
    for field, shape in fields.items():
        if field not in content or shape not in (None, content[field].shape):
            raise DataCorrupted(f"{path} has no array {field!r} of shape {shape}")
    return content
