"""Linear maps with fast algorithms: transforms and what instruments measure."""

from importlib import import_module

_HOMES = {
    "haar": ("HaarWavelets2D",),
    "hadamard": ("hadamard_transform",),
    "spectrogram": ("Spectrogram",),
    "split_hadamard": ("SplitHadamard2D", "coarse_patterns"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name):
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return [*globals(), *__all__]
