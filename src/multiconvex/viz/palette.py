"""The colours of the book, in a light and in a dark theme.

A figure is drawn once, with the light colours. In a page each of them becomes the CSS variable
``--mbx-<name>``, so the reader's theme decides what it looks like. Text (``ink`` and ``muted``)
has a contrast of at least 4.5:1 with the page in each theme and data colours at least 3:1; the
tests measure both, and how far apart the data colours remain for colour-blind readers.
"""

LIGHT = {
    "ink": "#24292f",
    "muted": "#5b6470",
    "grid": "#d9dde2",
    "surface": "#fffffe",
    "c0": "#2158c9",
    "c1": "#b83408",
    "c2": "#0a6847",
    "c3": "#a1329b",
    "c4": "#b5850b",
    "c5": "#2b97bf",
    "c6": "#41207a",
    "c7": "#6e1c1c",
}

DARK = {
    "ink": "#e3e7ec",
    "muted": "#a3acb8",
    "grid": "#3a4048",
    "surface": "#121212",
    "c0": "#78a6ff",
    "c1": "#e35f38",
    "c2": "#6fe8a4",
    "c3": "#f7b6f2",
    "c4": "#d9aa30",
    "c5": "#2d90b3",
    "c6": "#9360e3",
    "c7": "#b85468",
}

INK = LIGHT["ink"]
MUTED = LIGHT["muted"]
GRID = LIGHT["grid"]
SURFACE = LIGHT["surface"]
CYCLE = tuple(LIGHT[f"c{i}"] for i in range(8))
# Pictures of pixels cannot follow the theme: the colour that is nearly the same in both.
PIXELS = CYCLE[5]

_NOTEBOOK = {"ink": "--jp-content-font-color1", "surface": "--jp-layout-color0"}


def css_color(name):
    """CSS value of a colour: the site's variable, else the notebook's, else the light colour.

    Examples
    --------
    >>> css_color("c0")
    'var(--mbx-c0,#2158c9)'
    >>> css_color("ink")
    'var(--mbx-ink,var(--jp-content-font-color1,#24292f))'
    """
    fallback = LIGHT[name]
    if name in _NOTEBOOK:
        fallback = f"var({_NOTEBOOK[name]},{fallback})"
    return f"var(--mbx-{name},{fallback})"
