"""How far apart two colours are for a reader: the contrast ratio of WCAG 2."""

import numpy as np

BACKGROUND = {"light": "#ffffff", "dark": "#121212"}


def linear(color):
    """Linear RGB of ``#rrggbb``, or of an array of bytes whose last axis holds red, green, blue."""
    if isinstance(color, str):
        color = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    c = np.asarray(color) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """Contrast ratio of two colours, or of one with each pixel of an image."""
    one, other = (linear(color) @ [0.2126, 0.7152, 0.0722] + 0.05 for color in (a, b))
    return np.maximum(one, other) / np.minimum(one, other)
