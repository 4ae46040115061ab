"""Sound as a sum of short notes of all frequencies: the short-time Fourier transform."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from multiconvex.checks import check_array, check_count, check_entries


@dataclass(frozen=True)
class Spectrogram:
    r"""Short-time Fourier transform with Hann windows, and its inverse.

    .. math:: S_{ft} = \frac{1}{\sum_j w_j} \sum_j w_j\, s_{t h + j}\, e^{-2 \pi i f j / N},
              \qquad -N/2 \le j < N/2,

    for windows of :math:`N` samples every :math:`h` samples. Frame 0 of the formula is centred on
    the first sample; the frames before and after it that still touch the sound are kept too, so
    that :meth:`inverse` gives the sound back.

    Parameters
    ----------
    rate : int, default 44100
        Samples per second.
    window : int, default 4096
    hop : int, default 882
        The defaults are those of Cheng et al. [1]_: 93 ms every 20 ms, 10.8 Hz apart.

    Raises
    ------
    ValueError
        For numbers below one, and a hop so long that samples fall between the windows.

    Notes
    -----
    Guarantee: ``inverse(forward(samples), len(samples))`` is ``samples`` to rounding; linear.

    Cost: one fast Fourier transform of the window per frame.

    Chapter: :doc:`/chapters/applications/music_transcription`

    References
    ----------
    .. [1] T. Cheng, M. Mauch, E. Benetos and S. Dixon, "An attack/decay model for piano
       transcription", ISMIR 2016.

    Examples
    --------
    >>> import numpy as np
    >>> spectrogram = Spectrogram(rate=8000, window=512, hop=128)
    >>> samples = np.sin(2 * np.pi * 1000 * np.arange(4000) / 8000)
    >>> magnitude = spectrogram.magnitude(samples)
    >>> magnitude.shape, float(spectrogram.frequencies[magnitude.sum(axis=1).argmax()])
    ((257, 35), 1000.0)
    """

    rate: int = 44100
    window: int = 4096
    hop: int = 882

    def __post_init__(self):
        check_count("rate", self.rate)
        check_count("window", self.window, least=4)
        check_count("hop", self.hop)
        if 2 * self.hop > self.window:
            raise ValueError(
                f"hop must be at most half of window = {self.window} so that windows overlap, "
                f"got {self.hop}."
            )

    @cached_property
    def _transform(self):
        from scipy.signal import ShortTimeFFT
        from scipy.signal.windows import hann

        return ShortTimeFFT(hann(self.window, sym=False), self.hop, self.rate, scale_to="magnitude")

    @property
    def frequencies(self):
        """Frequency of each row, in Hz, of shape (window // 2 + 1,)."""
        return self._transform.f

    def times(self, length):
        """Return the centres of the frames of so many samples, in seconds from the first one."""
        return self._transform.t(length)

    def forward(self, samples):
        """Return the complex spectra.

        Parameters
        ----------
        samples : ndarray, shape (..., length)
            Never modified.

        Returns
        -------
        ndarray, shape (..., window // 2 + 1, frames)
        """
        samples = check_array("samples", samples)
        if samples.shape[-1] < self.window:
            raise ValueError(
                f"samples must hold at least one window of {self.window}, got "
                f"{samples.shape[-1]}: use a shorter window, or add silence."
            )
        spectra = self._transform.stft(samples)
        return spectra.astype(np.result_type(samples.dtype, np.complex64), copy=False)

    def magnitude(self, samples):
        """Return the magnitudes of the spectra, as :meth:`forward` does."""
        return np.abs(self.forward(samples))

    def inverse(self, spectra, length):
        """Return the sound of so many samples whose spectra are closest to these."""
        frames = self._transform.p_num(length)
        expected = (len(self.frequencies), frames)
        if spectra.shape[-2:] != expected:
            raise ValueError(
                f"spectra must end in {expected[0]} frequencies and the {frames} frames of "
                f"{length} samples, got shape {spectra.shape}."
            )
        return self._transform.istft(spectra, k1=length)

    def split(self, samples, parts):
        r"""Share a sound among models of its parts.

        Part q gets the fraction :math:`Y_q / \sum_p Y_p` of every spectral value, with the phase
        of the whole.

        Parameters
        ----------
        samples : ndarray, shape (length,)
        parts : ndarray, shape (q, window // 2 + 1, frames)
            Nonnegative. Where all are zero, all get the same.

        Returns
        -------
        ndarray, shape (q, length)
            The sum of the parts is the sound.
        """
        parts = np.asarray(parts)
        check_entries("parts", parts, nonnegative=True)
        whole = parts.sum(axis=0)
        shares = np.full(parts.shape, 1.0 / len(parts))
        np.divide(parts, whole, out=shares, where=whole > 0)
        return self.inverse(shares * self.forward(samples), np.shape(samples)[-1])
