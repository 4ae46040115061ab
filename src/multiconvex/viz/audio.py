"""Sounds that a page plays by itself."""

import base64
import hashlib
import html
import io
from dataclasses import dataclass

import numpy as np

from multiconvex.checks import check_array, check_count
from multiconvex.datasets.music import import_soundfile

_COMPRESSION = 0.8


@dataclass(frozen=True, eq=False)
class Players:
    """Named sounds with the controls of the browser; nothing plays by itself.

    Parameters
    ----------
    names : tuple of str
    encoded : tuple of bytes
        MP3.
    seconds : tuple of float
    alt : str
        What the group of players is.
    """

    names: tuple
    encoded: tuple
    seconds: tuple
    alt: str

    def html(self):
        """The players as HTML that needs no kernel, no file and no network."""
        group = hashlib.sha256(b"".join(self.encoded)).hexdigest()[:8]
        players = "".join(
            self._player(f"sound-{group}-{k}", *entry)
            for k, entry in enumerate(zip(self.names, self.encoded))
        )
        return (
            f'<div class="mbx-sounds" role="group" aria-label="{html.escape(self.alt)}" '
            'style="display:grid;gap:.75em;'
            'grid-template-columns:repeat(auto-fill,minmax(min(100%,15em),1fr))">'
            f"{players}</div>"
        )

    def _player(self, label, name, encoded):
        address = f"data:audio/mpeg;base64,{base64.b64encode(encoded).decode()}"
        return (
            f'<div><div id="{label}">{html.escape(name)}</div>'
            f'<audio controls preload="none" aria-labelledby="{label}" src="{address}" '
            'style="width:100%"></audio></div>'
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html(), "text/plain": repr(self)}

    def __repr__(self):
        parts = (f"{name} ({length:.1f} s)" for name, length in zip(self.names, self.seconds))
        return f"Players({', '.join(parts)})"


def players(sounds, rate, *, alt):
    """Let the reader hear sounds, all at one scale.

    Parameters
    ----------
    sounds : dict of str to ndarray
        Samples of one channel, by name; the loudest sample of all becomes 0.9.
    rate : int
        Samples per second, one that MP3 knows: 8000, 11025, 12000, 16000, 22050, 24000, 32000,
        44100 or 48000.
    alt : str
        What the sounds are, together.

    Returns
    -------
    Players

    Examples
    --------
    >>> import numpy as np
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(11025) / 22050)
    >>> players({"A4": tone}, 22050, alt="A tone.")
    Players(A4 (0.5 s))
    """
    rate = check_count("rate", rate)
    if not sounds:
        raise ValueError("sounds is empty: give at least one sound")
    if not alt.strip():
        raise ValueError("alt is empty: say what the sounds are")
    checked = {name: check_array(name, samples, ndim=1) for name, samples in sounds.items()}
    loudest = max(float(np.abs(samples).max()) for samples in checked.values())
    scale = 0.9 / loudest if loudest > 0 else 1.0
    encoded = tuple(_mp3(scale * samples, rate) for samples in checked.values())
    seconds = tuple(len(samples) / rate for samples in checked.values())
    return Players(tuple(checked), encoded, seconds, alt)


def _mp3(samples, rate):
    soundfile, buffer = import_soundfile(), io.BytesIO()
    options = {"bitrate_mode": "CONSTANT", "compression_level": _COMPRESSION}
    soundfile.write(buffer, samples, rate, format="MP3", **options)
    return buffer.getvalue()
