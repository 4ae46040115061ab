"""What users may pass in: handled, or refused in a sentence that names the argument."""

import numpy as np
import pytest
import scipy.sparse as sp

from multiconvex.checks import (
    check_array,
    check_blocks,
    check_count,
    check_entries,
    check_option,
    check_positive,
    check_rank,
)


@pytest.mark.parametrize("dtype", [int, bool, np.uint8, np.float16, np.longdouble, object])
def test_other_numbers_become_double_precision(dtype):
    out = check_array("X", np.ones((2, 3), dtype))
    assert (out.dtype, out.shape) == (np.float64, (2, 3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floating_point_is_kept(dtype):
    assert check_array("X", np.ones((2, 3), dtype)).dtype == dtype
    assert check_array("X", sp.csc_array(np.eye(3, dtype=dtype)), sparse=True).dtype == dtype


def test_layouts():
    X = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    out = check_array("X", X)
    assert out.flags.c_contiguous
    np.testing.assert_array_equal(out, X)
    np.testing.assert_array_equal(check_array("X", X[::-1, ::2]), X[::-1, ::2])
    np.testing.assert_array_equal(check_array("X", X.tolist()), X)


def test_sparse_data_become_canonical_rows_without_touching_the_input():
    raw = sp.csr_array(([3.0, 1.0, 2.0], [2, 0, 0], [0, 3, 3]), shape=(2, 3))
    before = raw.indices.copy()
    out = check_array("X", raw, sparse=True)
    assert out.format == "csr" and out.has_canonical_format
    np.testing.assert_array_equal(out.toarray(), [[3.0, 0.0, 3.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(raw.indices, before)


@pytest.mark.parametrize(
    ("array", "options", "kind", "sentence"),
    [
        (np.ones(2), {"ndim": 2}, ValueError, "X must have 2 dimensions, got shape \\(2,\\)"),
        (np.ones((2, 2, 2)), {"ndim": (1, 2)}, ValueError, "X must have 1 or 2 dimensions"),
        (np.ones((0, 2)), {}, ValueError, "X is empty: its shape is \\(0, 2\\)"),
        ([[1.0, np.nan]], {}, ValueError, "X has 1 NaN or infinite entries: remove them"),
        ([[1.0, -np.inf, np.inf]], {}, ValueError, "X has 2 NaN or infinite entries"),
        ([[1.0, -2.0]], {"nonnegative": True}, ValueError, "1 negative entries .the lowest is -2"),
        ("word", {}, TypeError, "X must be an array of real numbers"),
        ([[1.0], [1.0, 2.0]], {}, TypeError, "X must be an array of real numbers"),
        (np.ones(2, complex), {}, TypeError, "X must be an array of real numbers"),
        (None, {}, (TypeError, ValueError), "X"),
        (sp.eye_array(2), {}, TypeError, "X is sparse.*pass X.toarray"),
        (sp.csr_array([[np.nan]]), {"sparse": True}, ValueError, "X has 1 NaN"),
        (
            sp.csr_array([[-1.0]]),
            {"sparse": True, "nonnegative": True},
            ValueError,
            "X must be nonn",
        ),
        (sp.csr_array([[1j]]), {"sparse": True}, TypeError, "X must be an array of real numbers"),
    ],
)
def test_refusals_say_what_and_where(array, options, kind, sentence):
    with pytest.raises(kind, match=sentence):
        check_array("X", array, **options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_and_small_numbers_are_finite(dtype):
    limits = np.finfo(dtype)
    check_entries("X", np.array([limits.max, limits.tiny, -limits.max], dtype))
    with pytest.raises(ValueError, match="X has 1 NaN or infinite entries"):
        check_entries("X", np.array([limits.max, np.inf], dtype))


def test_entries_of_an_empty_sparse_matrix_are_fine():
    check_entries("X", np.zeros(0), nonnegative=True)


def test_blocks_are_copied_converted_and_named():
    init = [np.ones((2, 2), int), np.ones((3, 2), np.float32)]
    out = check_blocks(init, [(2, 2), (3, 2)], ("W", "H"))
    assert [block.dtype for block in out] == [np.float64, np.float32]
    assert not any(np.shares_memory(a, b) for a, b in zip(init, out))
    with pytest.raises(
        TypeError, match=r"init must be a name or a tuple of arrays .W, H., got dict"
    ):
        check_blocks({}, [(2, 2)], ("W", "H"))
    with pytest.raises(ValueError, match=r"init of H must have shape \(4, 2\), got \(3, 2\)"):
        check_blocks(init, [(2, 2), (4, 2)], ("W", "H"))


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "3", None])
def test_counts(value):
    with pytest.raises(ValueError, match=f"k must be an integer of at least 1, got {value!r}"):
        check_count("k", value)
    assert check_count("k", np.int64(3)) == 3


def test_ranks():
    assert check_rank(3, (3, 2)) == 3
    with pytest.raises(ValueError, match=r"rank must be at most max\(shape\) = 3 .* got 4"):
        check_rank(4, (3, 2))


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf, "1", None, 1j])
def test_numbers(value):
    with pytest.raises(ValueError, match="l1 must be a finite nonnegative number"):
        check_positive("l1", value, allow_zero=True)


def test_zero_is_a_number_where_allowed():
    check_positive("l1", 0, allow_zero=True)
    with pytest.raises(ValueError, match="l1 must be a finite positive number, got 0"):
        check_positive("l1", 0)


def test_options():
    with pytest.raises(ValueError, match="how must be one of 'a', 'b'; got 'c'"):
        check_option("how", "c", ("a", "b"))
