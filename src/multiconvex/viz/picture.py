"""A figure with its description, shown as one SVG that follows the theme of the page."""

import io
import os
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from .palette import SURFACE
from .styling import style
from .svg import compact, stray_colors


def static_build():
    """Whether the page is being built for reading without a kernel (``MULTICONVEX_STATIC=1``)."""
    return os.environ.get("MULTICONVEX_STATIC", "") == "1"


@dataclass(frozen=True, eq=False)
class Picture:
    """A matplotlib figure and the sentence that says what it shows.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Drawn inside :func:`multiconvex.viz.style`, with the colours of
        :mod:`multiconvex.viz.palette`.
    alt : str
        What a reader who cannot see the figure should know, with its numbers.

    The layout is settled here, once, so that every drawing of the figure is the same.

    Notes
    -----
    Artists with thousands of elements are drawn with ``rasterized=True``, which embeds them as
    one image and keeps the axes and the text as vectors.
    """

    figure: Figure
    alt: str

    def __post_init__(self):
        if not isinstance(self.figure, Figure):
            raise TypeError(f"figure must be a matplotlib Figure, got {type(self.figure).__name__}")
        if not isinstance(self.alt, str) or not self.alt.strip():
            raise ValueError("alt must be a sentence that says what the figure shows, got nothing")
        with style():
            self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")

    def svg(self):
        """The figure as a self-contained SVG element: same figure, same bytes."""
        return compact(self._drawn("svg").decode(), " ".join(self.alt.split()))

    def png(self, dpi=144):
        """The figure in light colours as PNG bytes."""
        return self._drawn("png", dpi=dpi, facecolor=SURFACE, metadata={"Software": None})

    def save(self, path):
        """Write the figure in light colours to a file; the suffix names the format."""
        path = Path(path)
        content = self._drawn(path.suffix.lstrip(".") or "svg", dpi=200, facecolor=SURFACE)
        path.write_bytes(content)

    def strays(self):
        """Colours of the figure that stay the same in every theme; empty when all follow it."""
        return stray_colors(self.svg())

    def _drawn(self, format, **options):
        buffer = io.BytesIO()
        with style():
            self.figure.savefig(buffer, format=format, **options)
        return buffer.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = {"text/html": self.svg(), "text/plain": self.alt}
        if not static_build():
            bundle["image/png"] = self.png()
        return bundle

    def __repr__(self):
        return f"Picture({self.alt!r})"
