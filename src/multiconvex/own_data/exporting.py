"""The arrays of a result as files that other programs read."""

import csv
import io
import re
from pathlib import Path

import numpy as np

from multiconvex.models.parafac2 import Parafac2Factorization
from multiconvex.trace import Result


def export_factors(path, result, *, names=None):
    """Write the factors of a fit to files.

    Parameters
    ----------
    path : str or pathlib.Path
        A name that ends with ``.npz`` for one file of NumPy, otherwise a folder for one CSV file a
        factor, with its components in columns, and ``trace.csv``. Folders are made where they are
        missing; files of the same names are replaced.
    result : Result
        Of any fit.
    names : dict of str to sequence of str, optional
        Names of the rows of a factor, such as ``{"H": labels.columns}``, for the CSV files.

    Returns
    -------
    tuple of pathlib.Path
        The files.

    Raises
    ------
    TypeError
        For what is not the result of a fit.
    ValueError
        For names of a factor that the result does not have, or of the wrong number.

    Notes
    -----
    A factor of more than two axes becomes a table of its first axis, the others in columns, the
    last one running fastest. The profiles of PARAFAC2 are one table a slice.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from multiconvex import export_factors, nmf
    >>> result = nmf(np.ones((3, 4)), 1, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     [file.name for file in export_factors(folder, result)]
    ['W.csv', 'H.csv', 'trace.csv']
    """
    arrays = factor_arrays(result)
    names = check_names(names, arrays)
    path = Path(path)
    if path.suffix.lower() == ".npz":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_npz(arrays))
        return (path,)
    path.mkdir(parents=True, exist_ok=True)
    texts = {name: as_csv(array, names.get(name)) for name, array in arrays.items()}
    texts["trace"] = trace_csv(result.trace)
    files = tuple(path / f"{name}.csv" for name in texts)
    for file, text in zip(files, texts.values()):
        file.write_text(text, encoding="utf-8", newline="")
    return files


def factor_arrays(result):
    """The arrays of a result under names that can be names of files."""
    if not isinstance(result, Result):
        raise TypeError(
            f"result must be the result of a fit, got {type(result).__name__}: pass what nmf, cp "
            "or another model returned."
        )
    blocks = dict(result.blocks)
    if isinstance(result, Parafac2Factorization):
        slices = {f"B_{k + 1}": profiles for k, profiles in enumerate(result.B)}
        blocks = {"A": result.A, **slices, "C": result.C}
    return {_as_name(name): np.asarray(array) for name, array in blocks.items()}


def check_names(names, arrays):
    """Return names of rows, checked against the arrays they belong to."""
    names = {} if names is None else {_as_name(name): tuple(rows) for name, rows in names.items()}
    for name, rows in names.items():
        if name not in arrays:
            raise ValueError(f"names has {name!r}, but the factors are {', '.join(arrays)}.")
        if len(rows) != len(arrays[name]):
            raise ValueError(
                f"names[{name!r}] must have {len(arrays[name])} names, one for each row, got "
                f"{len(rows)}."
            )
    return names


def as_csv(array, rows=None):
    """The text of a table with a heading, every number with all its digits."""
    table = array.reshape(len(array), -1)
    heading = [f"component_{q + 1}" for q in range(table.shape[1])]
    lines = [[str(value) for value in line] for line in table]
    if rows is not None:
        heading, lines = ["", *heading], [[name, *line] for name, line in zip(rows, lines)]
    return _text([heading, *lines])


def as_npz(arrays):
    """The bytes of a compressed file of NumPy."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def trace_csv(trace):
    """The text of the history of a fit."""
    columns = (trace.iteration, trace.seconds, trace.objective, trace.event)
    return _text([("sweep", "seconds", "objective", "event"), *zip(*columns)])


def _text(lines):
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(lines)
    return buffer.getvalue()


def _as_name(block):
    return re.sub(r"\W+", "_", str(block)).strip("_")
