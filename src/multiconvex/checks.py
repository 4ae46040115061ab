"""Checks of what users pass in: each error says what was wrong, where, and what to do."""

import math

import numpy as np
import scipy.sparse as sp


def is_chunked(array):
    """Return whether an array is a Dask array, without importing Dask."""
    return type(array).__module__.startswith("dask.array")


def check_positive(name, value, *, allow_zero=False):
    """Refuse a number that is not finite and positive (or zero, where allowed)."""
    real = isinstance(value, (int, float, np.number)) and math.isfinite(value)
    if not real or value < 0 or (value == 0 and not allow_zero):
        wanted = "nonnegative" if allow_zero else "positive"
        raise ValueError(f"{name} must be a finite {wanted} number, got {value!r}.")


def check_count(name, value, *, least=1):
    """Refuse what is not an integer of at least ``least``; return it as an int."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}.")
    return int(value)


def check_option(name, value, options):
    """Refuse a value that is not one of the options."""
    if value not in options:
        listed = ", ".join(repr(option) for option in options)
        raise ValueError(f"{name} must be one of {listed}; got {value!r}.")


def check_rank(rank, shape=None):
    """Refuse a rank that is not a positive integer, or larger than both sides of a matrix."""
    rank = check_count("rank", rank)
    if shape is not None and rank > max(shape):
        raise ValueError(
            f"rank must be at most max(shape) = {max(shape)} for data of shape {shape}, "
            f"got {rank}: choose a smaller rank."
        )
    return rank


def check_array(name, array, *, ndim=None, nonnegative=False, sparse=False):
    """Return ``array`` as floating point, checked; never a view that would be written to.

    Integers become float64; float32 is kept. Dense arrays come back C-contiguous, sparse ones
    (where ``sparse`` allows them) in CSR format with sorted indices.
    """
    if sp.issparse(array):
        if not sparse:
            raise TypeError(f"{name} is sparse, which is not handled here: pass {name}.toarray().")
        out = _as_csr(name, array)
        entries = out.data
    else:
        out = _as_dense(name, array)
        entries = out
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if allowed is not None and out.ndim not in allowed:
        expected = " or ".join(map(str, allowed))
        raise ValueError(f"{name} must have {expected} dimensions, got shape {out.shape}.")
    if 0 in out.shape:
        raise ValueError(f"{name} is empty: its shape is {out.shape}.")
    check_entries(name, entries, nonnegative=nonnegative)
    return out


def check_entries(name, entries, *, nonnegative=False):
    """Refuse NaN, infinity and, where asked, negative numbers."""
    # A finite sum of squares, read once, proves them all finite; large numbers may overflow it.
    if not math.isfinite(np.vdot(entries, entries)):
        bad = int(np.count_nonzero(~np.isfinite(entries)))
        if bad:
            raise ValueError(
                f"{name} has {bad} NaN or infinite entries: remove them or fill them in before "
                "fitting."
            )
    if nonnegative and entries.min(initial=0.0) < 0:
        bad = int(np.count_nonzero(entries < 0))
        raise ValueError(
            f"{name} must be nonnegative, got {bad} negative entries (the lowest is "
            f"{entries.min():.3g}): shift or clip the data, or choose a model without "
            "nonnegativity."
        )


def unit_columns(name, matrix):
    """Return a checked matrix with its columns scaled to unit Euclidean norm."""
    columns = check_array(name, matrix, ndim=2)
    norms = np.linalg.norm(columns, axis=0)
    if not norms.all():
        raise ValueError(
            f"Atom {int(norms.argmin())} of {name} is zero: remove it, since it cannot be scaled "
            "to unit norm."
        )
    return columns / norms


def check_blocks(init, shapes, names):
    """Return copies of the initial blocks, of the right number and shapes."""
    if not isinstance(init, tuple | list):
        raise TypeError(
            f"init must be a name or a tuple of arrays ({', '.join(names)}), "
            f"got {type(init).__name__}."
        )
    if len(init) != len(shapes):
        raise ValueError(
            f"init must hold {len(shapes)} arrays ({', '.join(names)}), got {len(init)}."
        )
    blocks = []
    for array, shape, name in zip(init, shapes, names):
        block = array if is_chunked(array) else np.array(array, order="C", copy=True)
        if block.dtype.char not in "fd":
            block = block.astype(float)
        if block.shape != shape:
            raise ValueError(f"init of {name} must have shape {shape}, got {block.shape}.")
        if not is_chunked(block):
            check_entries(f"init of {name}", block)
        blocks.append(block)
    return tuple(blocks)


def _as_csr(name, array):
    out = sp.csr_array(array)
    if out.dtype.kind == "c":
        raise TypeError(f"{name} must be an array of real numbers: its entries are complex.")
    out = out if out.dtype.char in "fd" else out.astype(float)
    if not out.has_canonical_format:
        out = out.copy()
        out.sum_duplicates()
    return out


def _as_dense(name, array):
    if is_chunked(array):
        raise TypeError(
            f"{name} is a Dask array, which is not handled here: pass {name}.compute() where it "
            "fits into memory."
        )
    try:
        out = np.asarray(array)
        if out.dtype.kind == "c":
            raise TypeError("its entries are complex")
        if out.dtype.char not in "fd":
            out = out.astype(float)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be an array of real numbers: {error}.") from error
    return np.ascontiguousarray(out)
