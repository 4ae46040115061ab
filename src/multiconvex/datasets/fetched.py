"""Layer 2: sets that are fetched once and then kept."""

import numpy as np
from scipy.io import loadmat

from ._errors import DataCorrupted
from ._files import FILES, fetch
from .trials import DecisionTrials, ForagingSessions
from .types import Axis, Chromatograms, FluorescenceTensor, HyperspectralImage

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
        around zero makes 1.4% of the readings negative; `mask` is False there and `tensor` zero.
        The first three samples contain one analyte each.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be fetched.
    """
    content = _read_mat("amino_acids", {"X": (5, 201, 61), "y": (5, 3), "EmAx": None, "ExAx": None})
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


def load_foraging():
    """Choices of one mouse between two sides that pay with changing probabilities.

    Returns
    -------
    ForagingSessions
        25,959 trials in 50 sessions, named 4 to 53, of 112 to 1098 trials. In 4701 trials (18%)
        the mouse did not respond: their `choice` is -1 and their `reward` 0, and they gather in
        the last tenth of the sessions. The pairs of `probabilities` sum to 0.45 and hold for a
        median of 76 trials.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be fetched.

    Notes
    -----
    The file codes no response, left and right as 0, 1, 2 and a reward by its side. It does not say
    so, but a reward that is not collected waits: a side with probability p that was last taken t
    trials ago, misses included, pays with a frequency near :math:`1 - (1 - p)^t`.
    """
    fields = ("choice", "reward", "p1", "p2", "session")
    content = _read_npz("foraging", dict.fromkeys(fields, (25_959,)))
    return ForagingSessions(
        name="foraging mouse",
        units="choices: 0 left, 1 right, -1 none",
        **_provenance("foraging"),
        session=content["session"].astype(int),
        choice=content["choice"].astype(int) - 1,
        reward=(content["reward"] > 0).astype(int),
        probabilities=np.column_stack([content["p1"], content["p2"]]),
    )


def load_goldenrod():
    """Four extracts of goldenrod roots, with a detector of 60 wavelengths, after preprocessing.

    Returns
    -------
    Chromatograms
        Four slices of shape (60, 434), from 10 to 18.66 minutes and from 200 to 318 nm. Those who
        published them smoothed the runs, subtracted a baseline and cut at zero; they did not align
        them. The highest peak comes at 12.08, 12.34, 12.2 and 12.32 minutes.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be fetched.
    """
    return _chromatograms("goldenrod", "Sa_pr", "goldenrod", (434, 60))


def load_goldenrod_raw():
    """The same four extracts as the detector recorded them.

    Returns
    -------
    Chromatograms
        Four slices of shape (60, 1301), every 0.4 seconds, with a baseline that moves; a fifth of
        the readings are below zero, down to -8 where intensities reach 1794. Each run has its own
        `times`.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be fetched.
    """
    return _chromatograms("goldenrod_raw", "Sa", "goldenrod, raw", (1301, 60))


def load_ibl_mouse():
    """Choices of one mouse about the side of a grating, with nine contrasts.

    Returns
    -------
    DecisionTrials
        5040 trials in 56 sessions of 90, from March to August 2019: the first part of each
        session, where both sides are equally likely. No response is missing. Where there was
        contrast, 80% of the choices are right; by session it is between 55 and 94%, and the
        late sessions are among the lowest.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be fetched.

    Notes
    -----
    In the first trial of a session, the file repeats the choice and the outcome of that same trial
    as those before it, which gives the answer away. Here `previous_choice` and
    `win_stay_lose_switch` are 0 there. Sessions with ten or more missed trials were left out by
    those who prepared the file. Where there was no contrast, the reward was drawn by the
    apparatus: it shows only in the next `win_stay_lose_switch`.
    """
    content = _read_npz("ibl_mouse", {"arr_0": (5040, 3), "arr_1": (5040, 1), "arr_2": (5040,)})
    inputs, session = content["arr_0"], content["arr_2"]
    first = np.append(True, session[1:] != session[:-1])
    contrast, previous, advice = inputs.T
    return DecisionTrials(
        name="IBL mouse CSHL_008",
        units="contrast: fraction, positive on the right; choices: 0 left, 1 right",
        **_provenance("ibl_mouse"),
        session=session,
        choice=content["arr_1"].ravel(),
        contrast=contrast.copy(),
        previous_choice=np.where(first, 0.0, previous),
        win_stay_lose_switch=np.where(first, 0.0, advice),
    )


def _unmixing(key, name, names, wavelengths):
    """Read a scene whose pixels are stored column by column."""
    content = _read_mat(key, {"Y": None, "S_GT": None, "GT": None})
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


def _chromatograms(key, field, name, shape):
    """Read R matrices of one shape, whose row names are minutes and column names nanometres."""
    import rdata

    path = fetch(key)
    runs = rdata.read_rda(path).get(field, {})
    if not runs or any(run.shape != shape for run in runs.values()):
        raise DataCorrupted(f"{path} has no list {field!r} of matrices of shape {shape}")
    wavelengths = next(iter(runs.values())).coords["dim_1"]
    return Chromatograms(
        name=name,
        units="absorbance, arbitrary",
        **_provenance(key),
        slices=tuple(np.ascontiguousarray(run.values.T) for run in runs.values()),
        times=tuple(run.coords["dim_0"].values.astype(float) for run in runs.values()),
        wavelengths=wavelengths.values.astype(float),
        samples=tuple(f"sample {label}" for label in runs),
    )


def _provenance(key):
    file = FILES[key]
    return {
        "citation": file.citation,
        "licence": file.licence,
        "source": file.url,
        "origin": "fetched",
    }


def _read_mat(key, fields):
    path = fetch(key)
    return _checked(path, loadmat(path, variable_names=list(fields)), fields)


def _read_npz(key, fields):
    path = fetch(key)
    with np.load(path, allow_pickle=False) as file:
        return _checked(path, dict(file), fields)


def _checked(path, content, fields):
    for field, shape in fields.items():
        if field not in content or shape not in (None, content[field].shape):
            raise DataCorrupted(f"{path} has no array {field!r} of shape {shape}")
    return content
