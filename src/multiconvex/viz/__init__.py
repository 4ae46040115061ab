"""Every figure of the book: one style, light and dark, each with its description.

Generic pictures are functions of this module; the figures of a chapter are in the submodule that
bears the chapter's stem. Both are imported when they are first used.
"""

from importlib import import_module
from importlib.util import find_spec

_HOMES = {
    "audio": ("Players", "players"),
    "palette": ("CYCLE", "DARK", "GRID", "INK", "LIGHT", "MUTED", "SURFACE"),
    "styling": ("DIVERGING", "MARKERS", "SEQUENTIAL", "WIDTH", "figure", "style"),
    "picture": ("Picture",),
    "sliders": ("Knob", "knob"),
    "dragging": ("FactorDrag", "factor_drag"),
    "labels": ("label_lines",),
    "convergence": ("traces",),
    "images": ("abundance_maps", "image_grid"),
    "profiles": ("spectra",),
    "modes": ("factors",),
    "cones": ("cone",),
    "simplices": ("simplex",),
    "tables": ("Table", "table"),
    "timelines": ("timeline",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name):
    if name in _HOME_OF:
        value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
        globals()[name] = value
        return value
    if not name.startswith("_") and find_spec(f"{__name__}.{name}"):
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return [*globals(), *__all__]
