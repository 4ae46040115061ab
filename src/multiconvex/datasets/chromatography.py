"""Simulated runs of a liquid chromatograph with a diode-array detector."""

import numpy as np

from .simulated import PROVENANCE, _check_at_least, _noisy, _smooth_spectra
from .types import Chromatograms

_STEP = 0.02


def make_chromatograms(
    samples=4, times=121, wavelengths=60, rank=3, *, drift=0.1, scatter=0.0, baseline=0.0,
    snr=30.0, random_state=None,
):  # fmt: skip
    r"""Absorbance by wavelength and time, in runs whose peaks come sooner or later.

    .. math:: X_k = A \operatorname{diag}(C_{k:}) B_k^T + \text{noise}

    Peaks are exponentially modified Gaussians, which rise faster than they fall, about a tenth of
    a minute wide and closer than that. The runs are sampled every 0.02 minutes from 10 minutes on.

    Parameters
    ----------
    samples : int
    times : int or sequence of int
        Instants of each run.
    wavelengths, rank : int
        Wavelengths from 200 to 320 nm, and compounds.
    drift : float
        Largest common shift of the peaks of a run, in minutes.
    scatter : float
        Largest further shift of each peak on its own: profiles that overlap then have cross
        products that differ from run to run, as a PARAFAC2 model forbids.
    baseline : float
        Height of a constant background relative to the highest peak; it counts as one more
        compound.
    snr : float
        Signal to noise ratio in decibels; ``inf`` adds no noise.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    Chromatograms
        With the true `spectra`, `profiles` and `amounts`.

    Examples
    --------
    >>> runs = make_chromatograms(times=(121, 101, 121), samples=3, random_state=0)
    >>> [piece.shape for piece in runs.slices]
    [(60, 121), (60, 101), (60, 121)]
    """
    rng = np.random.default_rng(random_state)
    _check_at_least("rank", rank, 1)
    _check_at_least("samples", samples, 1)
    if np.ndim(times) and len(times) != samples:
        raise ValueError(f"times must hold one number for each of {samples} runs, got {times}")
    lengths = np.broadcast_to(times, samples)
    _check_at_least("times", int(lengths.min()), rank)
    clocks = tuple(10.0 + _STEP * np.arange(length) for length in lengths)
    spectra = _smooth_spectra(rng, wavelengths, rank)
    middle = 10.0 + 0.5 * _STEP * (lengths.min() - 1)
    centres = middle + 0.18 * (np.arange(rank) - 0.5 * (rank - 1)) + rng.uniform(-0.02, 0.02, rank)
    widths, tails = rng.uniform(0.04, 0.06, rank), rng.uniform(0.03, 0.09, rank)
    profiles = []
    for clock in clocks:
        shift = rng.uniform(-drift, drift) + rng.uniform(-scatter, scatter, rank)
        profiles.append(_peaks(clock, centres + shift - tails, widths, tails))
    amounts = rng.uniform(0.3, 1.0, (samples, rank)) * 500.0
    names = [f"compound {q + 1}" for q in range(rank)]
    if baseline > 0:
        spectra = np.column_stack([spectra, np.linspace(1.0, 0.3, wavelengths)])
        profiles = [np.column_stack([p, np.ones(len(p))]) for p in profiles]
        amounts = np.column_stack([amounts, np.full(samples, baseline * amounts.max())])
        names.append("background")
    slices = [(spectra * row) @ profile.T for row, profile in zip(amounts, profiles)]
    return Chromatograms(
        name="simulated chromatograms",
        units="absorbance, arbitrary",
        source=f"make_chromatograms(random_state={random_state!r})",
        **PROVENANCE,
        slices=tuple(_noisy(rng, piece, snr) for piece in slices),
        times=clocks,
        wavelengths=np.linspace(200.0, 320.0, wavelengths),
        samples=tuple(f"run {k + 1}" for k in range(samples)),
        names=tuple(names),
        spectra=spectra,
        profiles=tuple(profiles),
        amounts=amounts,
    )


def _peaks(clock, centres, widths, tails):
    """Exponentially modified Gaussians with the area of Gaussians of height one, as columns."""
    from scipy.stats import exponnorm

    curves = exponnorm.pdf(clock[:, None], tails / widths, loc=centres, scale=widths)
    return np.sqrt(2.0 * np.pi) * widths * curves
