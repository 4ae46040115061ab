"""Images and stacks of images as arrays."""

import math
from importlib import import_module

import numpy as np

from multiconvex.own_data.binaries import refuse_key
from multiconvex.own_data.limits import check_size


def read_image(path, key):
    """Read (rows, cols) or (rows, cols, 3) from an image, without its transparency."""
    refuse_key(path, key)
    pillow = _imported(path, "PIL.Image", "pillow")
    try:
        with pillow.open(path) as image:
            check_size(path, math.prod(image.size) * len(image.getbands()))
            if image.mode in ("P", "RGBA", "CMYK", "YCbCr", "LAB", "HSV"):
                image = image.convert("RGB")
            elif image.mode in ("LA", "1"):
                image = image.convert("L")
            return np.asarray(image)
    except (pillow.DecompressionBombError, OSError) as error:
        raise ValueError(
            f"{path.name} cannot be read as an image ({error}): save it again as PNG."
        ) from error


def read_tiff(path, key):
    """Read (rows, cols) or (rows, cols, bands) from a TIFF; pages of a stack are bands."""
    refuse_key(path, key)
    tifffile = _imported(path, "tifffile", "tifffile")
    try:
        with tifffile.TiffFile(path) as file:
            series = file.series[0]
            check_size(path, math.prod(series.shape))
            array = series.asarray()
    except (tifffile.TiffFileError, ValueError, IndexError) as error:
        raise ValueError(
            f"{path.name} cannot be read as a TIFF ({error}): save it again without compression."
        ) from error
    first_is_band = array.ndim == 3 and not series.axes.endswith("S")
    return np.moveaxis(array, 0, -1) if first_is_band else array


def _imported(path, module, package):
    try:
        return import_module(module)
    except ImportError as error:
        raise ModuleNotFoundError(
            f"Reading {path.name} needs the package {package}: run pip install {package}."
        ) from error
