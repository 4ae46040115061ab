"""A figure that the reader moves, with a kernel or without one."""

import hashlib
import html
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Number
from typing import Any

from .picture import Picture, static_build

_PURPOSE = {"label": "turns", "alt": "changes in the figure"}

_SCRIPT = """
(() => {
  const knob = document.currentScript.parentElement;
  const range = knob.querySelector("input");
  const shown = knob.querySelector("output");
  const stage = knob.querySelector(".mbx-knob-frames");
  const {labels, frames} = JSON.parse(range.dataset.knob);
  const held = {[frames[range.value]]: stage.firstElementChild};
  for (const hidden of knob.querySelectorAll("template"))
    held[hidden.dataset.frame] = hidden.content.firstElementChild;
  range.addEventListener("input", () => {
    shown.value = labels[range.value];
    range.setAttribute("aria-valuetext", labels[range.value]);
    stage.replaceChildren(held[frames[range.value]]);
  });
})();
"""


@dataclass(frozen=True, eq=False)
class Knob:
    """A picture for each value of one parameter, and a control that chooses among them.

    In a page built without a kernel it is plain HTML: the frames are drawn beforehand and a
    native range input exchanges them. In a live notebook it is an ``ipywidgets`` slider that
    draws a frame when it is first asked for.

    Parameters
    ----------
    draw : callable
        ``draw(value) -> Picture``.
    label : str
        Name of the parameter, shown beside the control.
    values : sequence of numbers or strings
    alt : str
        What changes when the knob is moved.
    start : optional
        The value shown first, by default the first one.
    """

    draw: Callable[[Any], Picture]
    label: str
    values: tuple
    alt: str
    start: Any = None
    _frames: dict = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "values", tuple(self.values))
        self._check()
        for index in range(len(self.values)) if static_build() else [self._first]:
            self.frame(index)

    def frame(self, index):
        """SVG of the frame of ``values[index]``, drawn once."""
        if index not in self._frames:
            value = self.values[index]
            picture = self.draw(value)
            if not isinstance(picture, Picture):
                raise TypeError(
                    f"draw({value!r}) must return a Picture, got {type(picture).__name__}"
                )
            self._frames[index] = picture.svg()
        return self._frames[index]

    def html(self):
        """The control and all its frames as HTML that needs no kernel and no library."""
        frames = [self.frame(index) for index in range(len(self.values))]
        labels = [_text(value) for value in self.values]
        distinct = list(dict.fromkeys(frames))
        first = self._first
        data = {"labels": labels, "frames": [distinct.index(frame) for frame in frames]}
        digest = hashlib.sha256("".join([self.label, *labels, *frames]).encode()).hexdigest()[:8]
        templates = "".join(
            f'<template data-frame="{number}">{frame}</template>'
            for number, frame in enumerate(distinct)
            if frame != frames[first]
        )
        return (
            f'<div class="mbx-knob" role="group" aria-label="{_escape(self.alt)}">'
            '<div class="mbx-knob-control" style="display:flex;gap:.75em;align-items:center">'
            f'<label for="knob-{digest}">{_escape(self.label)}</label>'
            f'<input type="range" id="knob-{digest}" min="0" max="{len(labels) - 1}" step="1" '
            f'value="{first}" autocomplete="off" aria-valuetext="{_escape(labels[first])}" '
            f'data-knob="{_escape(json.dumps(data))}" style="flex:1;min-width:6em">'
            f'<output for="knob-{digest}" aria-live="off" style="min-width:4em">'
            f"{_escape(labels[first])}</output></div>"
            f'<div class="mbx-knob-frames">{frames[first]}</div>'
            f"{templates}<script>{_SCRIPT}</script></div>"
        )

    def widget(self):
        """The control and the chosen frame as an ``ipywidgets`` box."""
        import ipywidgets

        slider = ipywidgets.SelectionSlider(
            options=[(_text(value), index) for index, value in enumerate(self.values)],
            value=self._first,
            description=self.label,
            style={"description_width": "initial"},
            layout={"width": "100%", "max_width": "576px"},
        )
        stage = ipywidgets.HTML(self.frame(self._first))
        slider.observe(lambda change: setattr(stage, "value", self.frame(change["new"])), "value")
        return ipywidgets.VBox([slider, stage])

    @property
    def _first(self):
        return 0 if self.start is None else self.values.index(self.start)

    def _check(self):
        if not self.values:
            raise ValueError("values is empty: a knob needs at least one value")
        wrong = [v for v in self.values if not isinstance(v, (Number, str)) or v != v]
        if wrong:
            raise TypeError(f"values must be numbers or strings, got {wrong[0]!r}")
        texts = [_text(value) for value in self.values]
        if len(set(texts)) < len(texts):
            raise ValueError(f"values must be shown by different texts, got {texts}")
        if self.start is not None and self.start not in self.values:
            raise ValueError(f"start must be one of values {self.values}, got {self.start!r}")
        for name in ("label", "alt"):
            if not str(getattr(self, name)).strip():
                raise ValueError(f"{name} is empty: say what the knob {_PURPOSE[name]}")

    def _repr_mimebundle_(self, include=None, exclude=None):
        if static_build():
            return {"text/html": self.html(), "text/plain": self.alt}
        return self.widget()._repr_mimebundle_(include=include, exclude=exclude)


def knob(draw, *, label, values, alt, start=None):
    """Let the reader choose `value` and see ``draw(value)``; see :class:`Knob`.

    Examples
    --------
    >>> from multiconvex import viz
    >>> def draw(rank):
    ...     with viz.style():
    ...         fig, axes = viz.figure(height=2)
    ...         _ = axes.plot([0, 1], [0, rank])
    ...     return viz.Picture(fig, alt=f"A line of slope {rank}.")
    >>> viz.knob(draw, label="rank", values=[1, 2, 3], alt="The slope is the rank.").values
    (1, 2, 3)
    """
    return Knob(draw, label, tuple(values), alt, start)


def _text(value):
    return value if isinstance(value, str) else f"{value:g}".replace("-", "\N{MINUS SIGN}")


def _escape(text):
    return html.escape(str(text), quote=True)
