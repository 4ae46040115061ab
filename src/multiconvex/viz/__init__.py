"""Every figure of the book: one style, light and dark, each with its description.

Generic pictures are functions of this module; the figures of a chapter are in the submodule that
bears the chapter's stem. Both are imported when they are first used.
"""

from multiconvex.lazy import load_on_use

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
    "stain_steps": ("stain_step",),
    "tables": ("Table", "table"),
    "timelines": ("timeline",),
}

__getattr__, __dir__, __all__ = load_on_use(__name__, _HOMES)
