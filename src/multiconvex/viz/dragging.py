"""A factorisation of rank three that the reader moves through the set of all of them."""

import html
import json
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from .palette import css_color

_WIDE, _PLANE_HEIGHT, _PANEL, _GAP = 280, 250, 100, 26
_RAYS = 120
_COLORS = ("c0", "c1", "c2")


@dataclass(frozen=True, eq=False)
class FactorDrag:
    """A plane with the set of components, a point in it to drag, and the factors it belongs to.

    It is plain HTML with a script of its own, with a kernel or without one. Two range inputs do
    what the pointer does: the place along the border of the set, and the depth behind it.

    Parameters
    ----------
    solutions : FeasibleSet
        Of rank three.
    alt : str
        What changes when the point is moved.
    """

    solutions: object
    alt: str

    def __post_init__(self):
        if getattr(self.solutions, "rank", None) != 3 or self.solutions.is_empty:
            raise ValueError("solutions must be a feasible set of rank three that is not empty.")
        if not self.alt.strip():
            raise ValueError("alt is empty: say what moving the point changes.")

    def html(self):
        """The picture, its controls and its script."""
        near, far = self._rays()
        start = len(near) // 2
        controls = "".join(
            f'<label style="display:flex;gap:.75em;align-items:center">{name}'
            f'<input type="range" min="0" max="{last}" step="1" value="{value}" autocomplete="off"'
            f' style="flex:1;min-width:6em;min-height:44px;accent-color:{css_color("c0")}">'
            '<output aria-live="off" '
            'style="min-width:5em"></output></label>'
            for name, last, value in (("place", len(near) - 1, start), ("depth", 100, 50))
        )
        script = files("multiconvex.viz").joinpath("_drag.js").read_text(encoding="utf-8")
        data = html.escape(json.dumps(self._numbers(near, far)), quote=True)
        return (
            f'<div class="mbx-drag" role="group" aria-label="{html.escape(self.alt, quote=True)}" '
            f'data-plane="{data}">'
            '<div style="display:flex;flex-wrap:wrap;gap:1em">'
            f"{self._plane_svg()}{self._panels_svg()}</div>{controls}<script>{script}</script></div>"
        )

    def factors_at(self, place, depth):
        """What the picture shows: points ``(3, 2)`` at a place and a depth between 0 and 1."""
        near, far = self._rays()
        return self.solutions.complete((1 - depth) * near[place] + depth * far[place])[0]

    def _rays(self):
        near = np.vstack([part.near for part in self.solutions.parts])
        far = np.vstack([part.far for part in self.solutions.parts])
        kept = np.unique(np.linspace(0, len(near) - 1, _RAYS).round().astype(int))
        return near[kept], far[kept]

    def _numbers(self, near, far):
        plane = self.solutions.plane
        highest = plane.columns(np.vstack([near, far])).max()
        low, scale = self._scale()
        return {
            "normals": plane.normals.tolist(),
            "offsets": plane.offsets.tolist(),
            **{
                name: np.round(values, 9).tolist()
                for name, values in (
                    ("inner", plane.inner), ("near", near), ("far", far),
                    ("centre", plane.centre), ("basis", plane.basis), ("data", plane.data),
                    ("scales", plane.scales),
                )
            },
            "frame": {
                "plane": [8, float(low[0]), scale, _PLANE_HEIGHT - 8, float(low[1])],
                "W": [8, 20, _WIDE - 16, _PANEL, 1.05 * float(highest)],
                "H": [8, 20 + _PANEL + _GAP, _WIDE - 16, _PANEL, float(plane.scales.max())],
            },
        }  # fmt: skip

    def _scale(self):
        """Lowest coordinates of the outer polygon and pixels for one unit."""
        low, high = self.solutions.plane.outer.min(axis=0), self.solutions.plane.outer.max(axis=0)
        return low, float(
            min((_WIDE - 16) / (high - low)[0], (_PLANE_HEIGHT - 16) / (high - low)[1])
        )

    def _on_screen(self, points):
        low, scale = self._scale()
        x, y = (
            8 + scale * (points[:, 0] - low[0]),
            _PLANE_HEIGHT - 8 - scale * (points[:, 1] - low[1]),
        )
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y))

    def _plane_svg(self):
        plane = self.solutions.plane
        outlines = "".join(
            f'<path d="{"".join(f"M{self._on_screen(curve)}Z" for curve in part.outline)}" '
            f'fill-rule="evenodd" {_paint("c3", fill=0.25)}/>'
            for part in self.solutions.parts
        )
        corners = "".join(
            f'<circle class="mbx-corner-{q}" r="{8 if q == 0 else 5}" {_paint(color, fill=1)}/>'
            for q, color in enumerate(_COLORS)
        )
        return _svg(
            "mbx-plane", _PLANE_HEIGHT, "The set of components, and one factorisation.",
            f'<polygon points="{self._on_screen(plane.outer)}" {_paint("muted")}/>{outlines}'
            f'<polygon points="{self._on_screen(plane.inner)}" {_paint("ink", fill=0.2)}/>'
            f'<polygon class="mbx-triangle" {_paint("ink")}/>{corners}',
            "touch-action:none;cursor:grab",
        )  # fmt: skip

    def _panels_svg(self):
        content = ""
        for name, top in (("W", 20), ("H", 20 + _PANEL + _GAP)):
            content += (
                f'<text x="8" y="{top - 6}" font-size="13" style="fill:{css_color("ink")}">columns '
                f'of {name}</text><path d="M8 {top + _PANEL}h{_WIDE - 16}" {_paint("muted")}/>'
            )
            content += "".join(
                f'<polyline class="mbx-{name}-{q}" stroke-width="2" {_paint(color)}/>'
                for q, color in enumerate(_COLORS)
            )
        height = 20 + 2 * _PANEL + _GAP + 4
        return _svg("mbx-panels", height, "Columns of both factors.", content, "")

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html(), "text/plain": self.alt}


def factor_drag(solutions, *, alt):
    """Let the reader drag a component through a feasible set; see :class:`FactorDrag`.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import feasible_set, viz
    >>> rng = np.random.default_rng(0)
    >>> X = (rng.random((8, 3)) + 0.3) @ (rng.random((3, 9)) + 0.3)
    >>> shown = viz.factor_drag(feasible_set(X, 3), alt="The factors follow the point.")
    >>> shown.factors_at(place=0, depth=0.5).shape
    (3, 2)
    """
    return FactorDrag(solutions, alt)


def _svg(name, height, label, content, style):
    return (
        f'<svg class="{name}" viewBox="0 0 {_WIDE} {height}" role="img" aria-label="{label}" '
        f'style="flex:1 1 {_WIDE - 20}px;max-width:24em;{style}">{content}</svg>'
    )


def _paint(color, fill=0):
    inside = f"{css_color(color)};fill-opacity:{fill}" if fill else "none"
    return f'style="stroke:{css_color(color)};fill:{inside}"'
