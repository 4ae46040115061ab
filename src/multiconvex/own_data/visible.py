"""Data with gaps, and the model that says what stands in them."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from multiconvex.checks import check_array
from multiconvex.losses import Frobenius, KullbackLeibler
from multiconvex.own_data.hidden_fits import predict_factors, predict_slices
from multiconvex.penalties import NonNegative, NoPenalty


class VisibleData(NamedTuple):
    """Data as the fits of own_data take them.

    Attributes
    ----------
    values : ndarray
        With zeros in the gaps; slices stand side by side.
    known : ndarray of bool
        False in the gaps.
    most : int or None
        The largest rank that makes sense, where there is one.
    predict : callable
        From values, hidden entries and a rank to what stands in the hidden entries.
    """

    values: np.ndarray
    known: np.ndarray
    most: int | None
    predict: Callable


def visible_data(X, loss, *, nonnegative):
    """Return checked data that may have gaps: an array, or a list of slices for PARAFAC2."""
    if isinstance(loss, KullbackLeibler) and not nonnegative:
        raise ValueError("The Kullback-Leibler loss needs nonnegative factors: nonnegative=True.")
    penalty = NonNegative() if nonnegative else NoPenalty()
    if is_slices(X):
        values, known, bounds = _side_by_side(X)
        most, allowed = int(np.diff(bounds).min()), Frobenius
        penalties = (penalty, NoPenalty(), penalty)
        predict = partial(predict_slices, bounds=bounds, penalties=penalties)
    else:
        values, known = _with_zeros("X", X, nonnegative=nonnegative)
        if values.ndim < 2:
            raise ValueError(f"X must be a matrix or a tensor, got shape {values.shape}.")
        is_matrix = values.ndim == 2
        most = min(values.shape) if is_matrix else None
        allowed = Frobenius | KullbackLeibler if is_matrix else Frobenius
        predict = partial(predict_factors, penalties=(penalty,) * values.ndim, loss=loss)
    if not isinstance(loss, allowed):
        raise ValueError(
            "loss must be 'frobenius', or 'kullback-leibler' for a matrix, got "
            f"{type(loss).__name__} for data of shape {values.shape}."
        )
    _refuse_empty(known)
    return VisibleData(values, known, most, predict)


def is_slices(X):
    """Whether data are a list of matrices, as PARAFAC2 takes them."""
    return isinstance(X, list | tuple) and bool(X) and all(np.ndim(piece) == 2 for piece in X)


def _with_zeros(name, X, *, nonnegative=False):
    """Return checked data with zeros in the place of NaN, and where there was none."""
    entries = check_array(name, X) if sp.issparse(X) else np.asarray(X)
    known = ~np.isnan(entries) if entries.dtype.kind == "f" else np.ones(entries.shape, bool)
    return check_array(name, np.where(known, entries, 0), nonnegative=nonnegative), known


def _side_by_side(slices):
    """Return slices in one matrix, which of its entries are known, and where slices begin."""
    pairs = [_with_zeros(f"X[{k}]", piece) for k, piece in enumerate(slices)]
    heights = sorted({len(piece) for piece, _ in pairs})
    if len(heights) > 1:
        raise ValueError(f"The matrices of X must have the same number of rows, got {heights}.")
    bounds = np.concatenate([[0], np.cumsum([piece.shape[1] for piece, _ in pairs])])
    X, known = (np.ascontiguousarray(np.hstack(arrays)) for arrays in zip(*pairs))
    return X, known, bounds


def _refuse_empty(known):
    for mode in range(known.ndim):
        rest = tuple(axis for axis in range(known.ndim) if axis != mode)
        empty = np.flatnonzero(~known.any(axis=rest))
        if empty.size:
            raise ValueError(
                f"X has no number at place {empty[0]} of axis {mode}: leave out what was never "
                "measured."
            )
