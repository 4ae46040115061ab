"""One array from one file."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from multiconvex.own_data.binaries import (
    envi_header,
    read_envi,
    read_mat,
    read_npy,
    read_npz,
    refuse_key,
)
from multiconvex.own_data.pictures import read_image, read_tiff
from multiconvex.own_data.tables import read_table

_TABLES = (".csv", ".tsv", ".tab", ".txt")
_INSTEAD = {
    (".pkl", ".pickle", ".joblib"): "can run code when it is opened: save the array with np.save",
    (".xls", ".xlsx", ".ods"): "is a workbook: save the sheet as CSV",
    (".h5", ".hdf5", ".nc"): "holds many data sets: save the one to factorise with np.save",
    (".zip", ".gz", ".7z"): "is compressed: unpack it first",
}


class Labels(NamedTuple):
    """Names that a file gives to the rows and columns of its array.

    Attributes
    ----------
    rows : tuple of str
        Empty where there are none.
    columns : tuple of str
        For a cube, the names of its bands.
    """

    rows: tuple
    columns: tuple


def read_array(path, key=None):
    """Read an array of numbers from a file.

    Parameters
    ----------
    path : str or pathlib.Path
        The suffix says what the file is:

        - ``.csv``, ``.tsv``, ``.txt``: a table separated by commas, semicolons, tabs or blanks,
          with or without a heading and names of rows (see :func:`read_labels`). Empty cells and
          ``NA`` become NaN.
        - ``.npy``, ``.npz``: of NumPy. Pickled objects are never read.
        - ``.mat``: of MATLAB, up to ``-v7``.
        - ``.png``, ``.jpg``, ``.tif``: an image of shape (rows, cols) or (rows, cols, bands); the
          pages of a TIFF are its bands.
        - ``.hdr``: an ENVI header, with the hyperspectral cube (rows, cols, bands) beside it.
    key : str, optional
        Name of the array, for ``.npz`` and ``.mat``. Not needed where a single array has two or
        more axes.

    Returns
    -------
    ndarray
        Of floating-point numbers, in double precision unless the file is in single precision.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        For an unknown format, lines of different lengths, text where a number should be (with its
        line and column), an array that is not named, complex numbers, or more than two gigabytes.
    ModuleNotFoundError
        For an image where the package that reads it is not installed.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from multiconvex import read_array
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "table.csv"
    ...     _ = path.write_text("time,red,blue\\n0,1.5,2\\n1,,3\\n")
    ...     read_array(path)
    array([[0. , 1.5, 2. ],
           [1. , nan, 3. ]])
    """
    path = _existing(path)
    suffix = path.suffix.lower()
    if suffix in _TABLES:
        refuse_key(path, key)
        return read_table(path).values
    if suffix not in _READERS:
        raise ValueError(_unknown(path))
    array = np.asarray(_READERS[suffix](path, key))
    if array.dtype.kind == "c":
        raise ValueError(f"{path.name} holds complex numbers: save their real parts or moduli.")
    if array.dtype.kind not in "buif":
        raise ValueError(f"{path.name} holds {array.dtype}, no numbers: save an array of floats.")
    if array.size == 0:
        raise ValueError(f"{path.name} is empty: its array has shape {array.shape}.")
    return array.astype(np.float32 if array.dtype.str[1:] == "f4" else float)


def read_labels(path):
    """Read the names that a file gives to rows and columns.

    A table has names of columns where its first line is text, and names of rows where its first
    column is. An ENVI header may name the wavelengths of its bands. Other formats have no names.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    Labels
        With ``.rows`` and ``.columns``, tuples of str.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`read_array`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from multiconvex import read_labels
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "table.csv"
    ...     _ = path.write_text("sample,red,blue\\nlake,1.5,2\\nshore,2.5,3\\n")
    ...     read_labels(path)
    Labels(rows=('lake', 'shore'), columns=('red', 'blue'))
    """
    path = _existing(path)
    suffix = path.suffix.lower()
    if suffix in _TABLES:
        _, rows, columns = read_table(path)
        return Labels(rows, columns)
    if suffix == ".hdr":
        listed = envi_header(path).get("wavelength", "").strip("{}")
        return Labels((), tuple(name.strip() for name in listed.split(",") if name.strip()))
    if suffix not in _READERS:
        raise ValueError(_unknown(path))
    return Labels((), ())


_READERS = {
    ".npy": read_npy,
    ".npz": read_npz,
    ".mat": read_mat,
    ".png": read_image,
    ".jpg": read_image,
    ".jpeg": read_image,
    ".tif": read_tiff,
    ".tiff": read_tiff,
    ".hdr": read_envi,
}


def _existing(path):
    path = Path(path)
    if path.is_dir():
        raise FileNotFoundError(f"{path.absolute()} is a folder: give the name of a file in it.")
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {path.name} in {path.absolute().parent}: check the name and the "
            "folder."
        )
    if not path.stat().st_size:
        raise ValueError(f"{path.name} is empty: it has not a single byte. Save it again.")
    return path


def _unknown(path):
    for suffixes, reason in _INSTEAD.items():
        if path.suffix.lower() in suffixes:
            return f"{path.name} {reason}."
    known = ", ".join((*_TABLES, *_READERS))
    return f"The format of {path.name} is not known: use one of {known}."
