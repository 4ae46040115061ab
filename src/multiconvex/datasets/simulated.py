"""Layer 3: data made from known factors."""

import numpy as np

from .types import Axis, FluorescenceTensor, HyperspectralImage, LowRankMatrix, LowRankTensor

PROVENANCE = {"citation": "", "licence": "none needed", "origin": "simulated"}


def make_mixture(
    shape=(40, 40), bands=100, rank=3, *, concentration=1.0, smooth=0.0, pure_pixels=True,
    snr=30.0, counts=None, random_state=None,
):  # fmt: skip
    r"""A scene whose pixels are mixtures of a few materials.

    .. math:: X = W H^\top + \text{noise}, \quad H \mathbf{1} = \mathbf{1}, \; H \ge 0

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the image.
    bands, rank : int
        Wavelengths and materials.
    concentration : float
        Parameter of the symmetric Dirichlet distribution of the abundances; below one most
        pixels are nearly pure.
    smooth : float
        Width in pixels of the Gaussian blur of the abundances; 0 makes pixels independent.
    pure_pixels : bool
        Whether each material fills one pixel by itself.
    snr : float
        Signal to noise ratio of the Gaussian noise in decibels; ``inf`` adds none.
    counts : float, optional
        Mean photon count: the noise is then Poisson and `snr` is not used.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    HyperspectralImage
        Nonnegative `cube`, with the true `spectra` and `abundances`.

    Examples
    --------
    >>> scene = make_mixture((8, 9), bands=20, snr=float("inf"), random_state=0)
    >>> bool(np.allclose(scene.cube, scene.abundances @ scene.spectra.T))
    True
    """
    rng = np.random.default_rng(random_state)
    rows, cols = shape
    _check_at_least("rank", rank, 1)
    _check_at_least("bands", bands, rank)
    _check_at_least("number of pixels", rows * cols, rank)
    wavelengths = np.linspace(400.0, 2500.0, bands)
    spectra = _smooth_spectra(rng, bands, rank)
    abundances = _abundances(rng, rows, cols, rank, concentration, smooth)
    if pure_pixels:
        where = rng.choice(rows * cols, size=rank, replace=False)
        abundances.reshape(-1, rank)[where] = np.eye(rank)
    clean = abundances @ spectra.T
    return HyperspectralImage(
        name="simulated mixture",
        units="reflectance",
        source=f"make_mixture(random_state={random_state!r})",
        **PROVENANCE,
        cube=_noisy(rng, clean, snr) if counts is None else _photons(rng, clean, counts),
        names=tuple(f"material {k + 1}" for k in range(rank)),
        wavelengths=wavelengths,
        spectra=spectra,
        abundances=abundances,
    )


def make_fluorescence(
    samples=10, emission=60, excitation=30, rank=3, *, snr=40.0, random_state=None
):
    """Excitation-emission intensities of mixtures of a few analytes.

    Parameters
    ----------
    samples, emission, excitation : int
        Shape of the tensor.
    rank : int
        Number of analytes.
    snr : float
        Signal to noise ratio in decibels; ``inf`` adds no noise.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    FluorescenceTensor
        With the true `factors` and `concentrations`.

    Examples
    --------
    >>> data = make_fluorescence(samples=4, random_state=0)
    >>> data.tensor.shape, [factor.shape for factor in data.factors]
    ((4, 60, 30), [(4, 3), (60, 3), (30, 3)])
    """
    rng = np.random.default_rng(random_state)
    _check_at_least("rank", rank, 1)
    emitted = np.linspace(280.0, 500.0, emission)
    excited = np.linspace(230.0, 330.0, excitation)
    peaks = np.linspace(0.22, 0.78, rank) + rng.uniform(-0.04, 0.04, rank)
    concentrations = rng.uniform(0.1, 1.0, (samples, rank))
    amplitude = 800.0 * rng.uniform(0.6, 1.0, rank)
    factors = (
        concentrations * amplitude,
        np.column_stack([_band(emitted, 280 + 220 * p, 22, 38) for p in peaks]),
        np.column_stack([_band(excited, 230 + 100 * p, 14, 11) for p in peaks]),
    )
    clean = np.einsum("ir,jr,kr->ijk", *factors)
    return FluorescenceTensor(
        name="simulated fluorescence",
        units="intensity, arbitrary",
        source=f"make_fluorescence(random_state={random_state!r})",
        **PROVENANCE,
        tensor=_noisy(rng, clean, snr),
        axes=(
            Axis("sample", "", np.arange(1, samples + 1)),
            Axis("emission", "nm", emitted),
            Axis("excitation", "nm", excited),
        ),
        mask=np.ones(clean.shape, bool),
        names=tuple(f"analyte {k + 1}" for k in range(rank)),
        concentrations=concentrations,
        factors=factors,
    )


def make_low_rank(m, n, rank, *, density=1.0, snr=np.inf, random_state=None):
    r"""A nonnegative matrix of low rank, :math:`X = W H^\top` plus noise.

    Parameters
    ----------
    m, n, rank : int
    density : float
        Expected fraction of nonzero entries of the factors.
    snr : float
        Signal to noise ratio in decibels; the noisy matrix is cut at zero.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    LowRankMatrix

    Examples
    --------
    >>> data = make_low_rank(6, 5, 2, random_state=0)
    >>> bool(np.allclose(data.X, data.W @ data.H.T))
    True
    """
    rng = np.random.default_rng(random_state)
    _check_at_least("rank", rank, 1)
    W, H = (_sparse_uniform(rng, (size, rank), density) for size in (m, n))
    return LowRankMatrix(_noisy(rng, W @ H.T, snr), W, H)


def make_nonnegative_cp(shape, rank, *, density=1.0, snr=np.inf, random_state=None):
    r"""A nonnegative tensor of low rank, :math:`\sum_q a^{(1)}_q \otimes \dots \otimes a^{(K)}_q`.

    Parameters
    ----------
    shape : tuple of int
    rank : int
    density : float
        Expected fraction of nonzero entries of the factors.
    snr : float
        Signal to noise ratio in decibels; the noisy tensor is cut at zero.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    LowRankTensor

    Examples
    --------
    >>> make_nonnegative_cp((4, 5, 6), 2, random_state=0).X.shape
    (4, 5, 6)
    """
    rng = np.random.default_rng(random_state)
    _check_at_least("rank", rank, 1)
    _check_at_least("order", len(shape), 2)
    factors = tuple(_sparse_uniform(rng, (size, rank), density) for size in shape)
    clean = np.zeros(shape)
    for columns in zip(*(factor.T for factor in factors)):
        term = columns[0]
        for column in columns[1:]:
            term = np.multiply.outer(term, column)
        clean += term
    return LowRankTensor(_noisy(rng, clean, snr), factors)


def _smooth_spectra(rng, bands, rank):
    """Reflectances between 0 and 1: a slow trend and three bumps or dips each."""
    t = np.linspace(0.0, 1.0, bands)
    spectra = np.empty((bands, rank))
    for k in range(rank):
        curve = np.interp(t, [0.0, 0.5, 1.0], rng.uniform(0.1, 0.7, 3))
        for _ in range(3):
            centre, width = rng.uniform(0.0, 1.0), rng.uniform(0.04, 0.16)
            curve += rng.uniform(-0.35, 0.45) * np.exp(-(((t - centre) / width) ** 2))
        spectra[:, k] = curve - min(curve.min(), 0.0) + 0.02
    return spectra / max(1.0, spectra.max())


def _abundances(rng, rows, cols, rank, concentration, smooth):
    weights = rng.standard_gamma(concentration, (rows, cols, rank)) + 1e-12
    if smooth > 0:
        from scipy.ndimage import gaussian_filter

        logs = gaussian_filter(np.log(weights), (smooth, smooth, 0))
        logs = (logs - logs.mean()) / logs.std()
        weights = np.exp(2.0 * logs / np.sqrt(concentration))
    return weights / weights.sum(axis=2, keepdims=True)


def _band(x, centre, left, right):
    width = np.where(x < centre, left, right)
    return np.exp(-0.5 * ((x - centre) / width) ** 2)


def _sparse_uniform(rng, shape, density):
    return rng.uniform(0.0, 1.0, shape) * (rng.random(shape) < density)


def _noisy(rng, clean, snr):
    """Add Gaussian noise of `snr` decibels and cut at zero."""
    if np.isinf(snr):
        return clean
    scale = np.sqrt(np.mean(clean**2)) * 10 ** (-snr / 20)
    return np.maximum(clean + scale * rng.standard_normal(clean.shape), 0.0)


def _photons(rng, clean, counts):
    gain = counts / clean.mean()
    return rng.poisson(gain * clean) / gain


def _check_at_least(name, value, least):
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
