"""Linear maps with fast algorithms: transforms and what instruments measure."""

from multiconvex.lazy import load_on_use

_HOMES = {
    "haar": ("HaarWavelets2D",),
    "hadamard": ("hadamard_transform",),
    "spectrogram": ("Spectrogram",),
    "split_hadamard": ("SplitHadamard2D", "coarse_patterns"),
}

__getattr__, __dir__, __all__ = load_on_use(__name__, _HOMES)
