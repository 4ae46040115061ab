"""Arrays in the files of NumPy, MATLAB and ENVI."""

import math
import re
import zipfile
import zlib
from contextlib import contextmanager

import numpy as np
import scipy.io
import scipy.sparse as sp
from scipy.io.matlab import MatReadError

from multiconvex.own_data.limits import check_size

_KINDS = {
    "double", "single", "logical", "sparse", "int8", "int16", "int32", "int64", "uint8", "uint16",
    "uint32", "uint64",
}  # fmt: skip
_ENVI_TYPES = {
    1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 12: "u2", 13: "u4", 14: "i8", 15: "u8",
}  # fmt: skip
_OF_SPARSE = {"format", "shape", "data"}
_ENVI_FILES = ("", ".img", ".raw", ".dat", ".bin", ".bsq", ".bil", ".bip")
_INTERLEAVES = {"bsq": (1, 2, 0), "bil": (0, 2, 1), "bip": (0, 1, 2)}
_ENTRY = re.compile(r"^\s*([\w ]+?)\s*=\s*(\{.*?\}|[^\n]*)", re.MULTILINE | re.DOTALL)


def read_npy(path, key):
    refuse_key(path, key)
    with path.open("rb") as file:
        _check_npy(path, file)
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path.name} is cut short ({error}): copy or save it again.") from error


def read_npz(path, key):
    try:
        with zipfile.ZipFile(path) as archive:
            headers = {}
            for name in archive.namelist():
                with archive.open(name) as file:
                    found = _npy_header(f"{name} in {path.name}", file)
                    headers[name.removesuffix(".npy")] = found
            if headers.keys() >= _OF_SPARSE:
                return _read_sparse(path, key)
            numeric = {
                name: shape for name, (shape, dtype) in headers.items() if dtype.kind in "buifc"
            }
            chosen = choose(path, key, numeric)
            check_size(path, math.prod(numeric[chosen]))
            with np.load(path, allow_pickle=False) as arrays:
                return arrays[chosen]
    except (zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path.name} is damaged ({error}): save it again.") from error


def _read_sparse(path, key):
    """Read what scipy.sparse.save_npz wrote, filled in."""
    refuse_key(path, key)
    matrix = sp.load_npz(path)
    check_size(path, math.prod(matrix.shape))
    return matrix.toarray()


def read_mat(path, key):
    """Read a variable of a MATLAB file up to version 7; sparse matrices are filled in."""
    with _refusing_damage(path):
        listed = scipy.io.whosmat(path)
    shapes = {name: shape for name, shape, kind in listed if kind in _KINDS}
    chosen = choose(path, key, shapes)
    check_size(path, math.prod(shapes[chosen]))
    with _refusing_damage(path):
        array = scipy.io.loadmat(path, variable_names=[chosen])[chosen]
    return array.toarray() if sp.issparse(array) else array


@contextmanager
def _refusing_damage(path):
    """Say in a sentence what SciPy found wrong with a MATLAB file."""
    try:
        yield
    except NotImplementedError as error:
        raise ValueError(
            f"{path.name} was saved by MATLAB with -v7.3: save it with save(file, '-v7')."
        ) from error
    except (MatReadError, ValueError, TypeError, OSError, zlib.error) as error:
        raise ValueError(f"{path.name} is not a MATLAB file ({error}): save it again.") from error


def read_envi(path, key):
    """Read the cube (rows, cols, bands) that an ENVI header describes."""
    refuse_key(path, key)
    header = envi_header(path)
    try:
        shape = tuple(int(header[name]) for name in ("lines", "samples", "bands"))
        dtype = np.dtype(_ENVI_TYPES[int(header["data type"])])
        order = _INTERLEAVES[header["interleave"].lower()]
        offset = int(header.get("header offset", 0))
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{path.name} lacks or misspells {error.args[0]!r}: an ENVI header of real numbers has "
            "lines, samples, bands, data type and interleave."
        ) from error
    check_size(path, math.prod(shape))
    dtype = dtype.newbyteorder(">" if header.get("byte order", "0") == "1" else "<")
    data = next(
        (file for suffix in _ENVI_FILES if (file := path.with_suffix(suffix)).is_file()), None
    )
    if data is None:
        raise FileNotFoundError(
            f"The numbers that {path.name} describes are missing: put {path.stem}.img (or .raw, "
            ".dat) beside it."
        )
    expected = offset + math.prod(shape) * dtype.itemsize
    if data.stat().st_size < expected:
        raise ValueError(
            f"{data.name} has {data.stat().st_size} bytes where its header promises {expected}: "
            "copy the file again."
        )
    stored = tuple(shape[axis] for axis in np.argsort(order))
    flat = np.fromfile(data, dtype, math.prod(shape), offset=offset)
    return np.ascontiguousarray(flat.reshape(stored).transpose(order))


def envi_header(path):
    """The entries of an ENVI header, names in lower case."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if not text.lstrip().startswith("ENVI"):
        raise ValueError(f"{path.name} is not an ENVI header: its first line must be ENVI.")
    return {name.lower(): value.strip() for name, value in _ENTRY.findall(text)}


def choose(path, key, shapes):
    """The array that is asked for, or the only one of two or more axes."""
    if not shapes:
        raise ValueError(
            f"{path.name} has no array of numbers: save one by itself, outside any structure."
        )
    listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    if key is not None:
        if key in shapes:
            return key
        raise ValueError(f"{path.name} has no array {key!r}. Its arrays of numbers are: {listed}.")
    large = [name for name, shape in shapes.items() if sum(side > 1 for side in shape) > 1]
    candidates = large if len(large) == 1 else list(shapes)
    if len(candidates) != 1:
        raise ValueError(
            f"{path.name} must say which array to read: choose with key=. Its arrays of numbers "
            f"are: {listed}."
        )
    return candidates[0]


def refuse_key(path, key):
    """Refuse a key for a file that holds one array."""
    if key is not None:
        raise ValueError(f"{path.name} holds a single array: leave out key={key!r}.")


def _check_npy(path, file):
    shape, dtype = _npy_header(path.name, file)
    if dtype.hasobject:
        raise ValueError(
            f"{path.name} holds Python objects, which could run code when they are read: save an "
            "array of numbers."
        )
    check_size(path, math.prod(shape))


def _npy_header(name, file):
    try:
        version = np.lib.format.read_magic(file)
        reader = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = reader(file)
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"{name} is not an array of NumPy ({error}): save it again with np.save."
        ) from error
    return shape, dtype
