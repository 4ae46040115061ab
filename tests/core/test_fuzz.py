"""Arbitrary inputs: each works, with finite results and inputs untouched, or is refused by name."""

import re
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from multiconvex import ConvergenceWarning, cp, nmf, nnkl, nnls, separable_nmf

DTYPES = (np.float64, np.float32, np.int64, np.uint8, np.bool_)
PRESENT = {
    "as it is": lambda a: a,
    "Fortran": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=0)[::2],
    "list": lambda a: a.tolist(),
    "sparse": lambda a: sp.csr_array(a) if a.ndim == 2 else a,
    "columns": lambda a: sp.csc_array(a) if a.ndim == 2 else a,
}
SPOILT = ("nothing", "nothing", "nothing", "nan", "inf", "negative", "huge", "tiny")


@st.composite
def arrays(draw, orders, longest=5, shortest=0):
    """Draw small arrays with zero rows and columns, odd layouts, and sometimes a spoilt entry."""
    order = draw(st.sampled_from(orders))
    shape = tuple(draw(st.integers(shortest, longest)) for _ in range(order))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    array = rng.integers(0, 4, shape) * rng.choice([1.0, 0.37])
    for axis in range(order):
        if draw(st.booleans()) and shape[axis]:
            array[(slice(None),) * axis + (rng.integers(shape[axis]),)] = 0.0
    spoilt = draw(st.sampled_from(SPOILT))
    if array.size:
        entry = {"nan": np.nan, "inf": np.inf, "negative": -1.0}
        if spoilt in entry:
            array.flat[rng.integers(array.size)] = entry[spoilt]
    dtype = draw(st.sampled_from(DTYPES))
    if np.isfinite(array).all() and (spoilt != "negative" or dtype != np.uint8):
        array = array.astype(dtype)
    if spoilt in ("huge", "tiny") and array.dtype == np.float64:
        array = array * (1e100 if spoilt == "huge" else 1e-100)
    if draw(st.booleans()):
        array.flags.writeable = False
    return PRESENT[draw(st.sampled_from(sorted(PRESENT)))](array)


def snapshot(data):
    return data.toarray() if sp.issparse(data) else np.array(data)


def works_or_is_refused(function, arguments, options, names):
    """Run, and return the result or None after a refusal that names one of the arguments."""
    before = [snapshot(a) for a in arguments if not np.isscalar(a)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            result = function(*arguments, **options)
    except (ValueError, TypeError) as error:
        assert re.search(rf"\b({'|'.join(names)})\b", str(error)), error
        result = None
    for array, copy in zip((a for a in arguments if not np.isscalar(a)), before):
        np.testing.assert_array_equal(snapshot(array), copy)
    return result


def assert_sound(result, shapes, data):
    assert np.isfinite(result.objective)
    assert [block.shape for block in result.blocks.values()] == shapes
    for block in result.blocks.values():
        assert np.isfinite(block).all()
    entries = snapshot(data).astype(float)
    rounding = 1e-12 * np.sum(entries**2)
    assert result.trace.objective[-1] <= result.trace.objective[0] * (1 + 1e-6) + rounding


def usable(array, nonnegative=False):
    entries = snapshot(array)
    fine = entries.size and np.isfinite(entries.astype(float)).all()
    return fine and not (nonnegative and entries.min() < 0)


@pytest.mark.parametrize(
    ("solver", "update"),
    [(nnls, u) for u in ("active_set", "hals", "multiplicative")]
    + [(nnkl, u) for u in ("multiplicative", "scalar_newton", "nolips")],
)
@settings(max_examples=60)
@given(data=st.data())
def test_regressions(solver, update, data):
    W = data.draw(arrays([1, 2]))
    rows = np.shape(snapshot(W))[0]
    Y = data.draw(st.one_of(arrays([1, 2]), arrays([1, 2], rows, rows)))
    options = {"update": update, "max_iter": 20}
    result = works_or_is_refused(solver, (W, Y), options, ["W", "Y"])
    if result is not None:
        n = np.shape(snapshot(Y))[1:] or (1,)
        assert_sound(result, [(*n, np.shape(snapshot(W))[1])], Y)
        assert result.x.min() >= 0


@pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler"])
@pytest.mark.parametrize("init", ["nndsvd", "random"])
@settings(max_examples=60)
@given(X=arrays([1, 2, 2, 2]), rank=st.integers(0, 6))
def test_nmf(loss, init, X, rank):
    options = {"loss": loss, "init": init, "random_state": 0, "max_iter": 15}
    result = works_or_is_refused(nmf, (X, rank), options, ["X", "rank"])
    shape = np.shape(snapshot(X))
    accepted = len(shape) == 2 and usable(X, nonnegative=True) and 1 <= rank <= max(shape)
    assert (result is not None) == bool(accepted)
    if result is not None:
        assert_sound(result, [(n, rank) for n in shape], X)
        assert min(result.W.min(), result.H.min()) >= 0


@pytest.mark.parametrize("nonnegative", [True, False])
@pytest.mark.parametrize("init", ["hosvd", "random"])
@settings(max_examples=60)
@given(X=arrays([2, 3, 3, 3, 4], longest=4), rank=st.integers(0, 5))
def test_cp(nonnegative, init, X, rank):
    options = {"nonnegative": nonnegative, "init": init, "random_state": 0, "max_iter": 15}
    result = works_or_is_refused(cp, (X, rank), options, ["X", "rank"])
    shape = np.shape(snapshot(X))
    accepted = len(shape) > 2 and usable(X) and rank >= 1
    assert (result is not None) == bool(accepted)
    if result is not None:
        assert_sound(result, [(n, rank) for n in shape], X)


@pytest.mark.parametrize("method", ["snpa", "spa"])
@settings(max_examples=60)
@given(X=arrays([1, 2, 2, 2]), rank=st.integers(0, 6))
def test_separable_nmf(method, X, rank):
    result = works_or_is_refused(separable_nmf, (X, rank), {"method": method}, ["X", "rank"])
    if result is not None:
        assert_sound(result, [(n, rank) for n in np.shape(snapshot(X))], X)
        assert len(set(result.indices.tolist())) == rank
        np.testing.assert_array_equal(result.W, np.asarray(X)[:, result.indices])
