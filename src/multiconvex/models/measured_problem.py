r"""Factor models seen through a linear operator: what an instrument measures of an image."""

from functools import cached_property

import numpy as np
from scipy.sparse.linalg import aslinearoperator

from multiconvex.divergence import divergence_of
from multiconvex.losses import Frobenius
from multiconvex.memo import IdentityMemo
from multiconvex.problem import Block, MultiblockProblem
from multiconvex.updates.metrics import FlatMetric, GramMetric

_KEPT = 0.1


class _Measured(MultiblockProblem):
    """What both problems below share: a model of the measurements and its two gradients.

    Counts that no pixel can reach say nothing about the image, and an infinite divergence where
    there is no background: they are set aside.
    """

    def __init__(self, Y, operator, loss, gain, background):
        self.loss_function = loss
        self.operator = aslinearoperator(operator)
        self._gain = gain
        self._background = np.broadcast_to(np.asarray(background, Y.dtype), len(Y))
        self._quadratic = isinstance(loss, Frobenius)
        if not self._quadratic and Y[~self._active].any():
            Y = Y * self._active[:, None]
        self._data = divergence_of(Y, loss)
        self._images = IdentityMemo()
        self._values = IdentityMemo()
        self._sums = Y.sum(axis=0, dtype=float)

    def factors(self, x):
        """Return the maps (pixels, rank) and the spectra (bands, rank)."""
        raise NotImplementedError

    def loss(self, x):
        return self._values("loss", x, lambda: self._data.value(*self._rows_and_columns(x)))

    def gradient(self, x, k):
        num, den = self.multiplicative_terms(x, k)
        return den - num

    def multiplicative_terms(self, x, k):
        """Return ``num, den`` with gradient ``den - num``, both nonnegative."""
        halves = self._data.halves(*self._rows_and_columns(x), k)
        shape = (self._data.shape[k], x[k].shape[1])
        num, den = (np.broadcast_to(half[:, : shape[1]], shape) for half in halves)
        return (self._back(num), self._back(den)) if k == 0 else (num, den)

    def lipschitz(self, x, k):
        """Return a bound on the second derivatives, at ``x`` only unless the loss is quadratic."""
        return float(self.curvature_sums(x, k).max())

    def curvature_sums(self, x, k):
        """Return a bound on the row sums of the second derivatives, in the shape of block k."""
        bends = self._data.curvature_sums(*self._rows_and_columns(x), k)[:, : x[k].shape[1]]
        return self._back(self._reach[:, None] * bends) if k == 0 else bends

    def metric(self, x, k):
        """Return a metric that bends like the loss, for :class:`MetricProxGradient`."""
        maps, spectra = self.factors(x)
        rows = self._measured(maps)
        weights = self._band_weights(rows, spectra)
        if k == 1:
            kept = 0.0 if self._quadratic else _KEPT
            return GramMetric(rows.T @ rows, weights.astype(rows.dtype), kept)
        scale, omega = self._gram_bound
        bend = np.linalg.eigvalsh((spectra * weights[:, None]).T @ spectra)[-1]
        return FlatMetric(float(self._gain**2 * scale * bend), omega)

    def _measured(self, maps):
        """Return the noiseless measurements of maps, one column each."""
        return self._images(0, (maps,), lambda: self._gain * self._apply(maps))

    def _apply(self, maps):
        return np.ascontiguousarray(self.operator.matmat(maps), dtype=maps.dtype)

    def _back(self, rows):
        """Return the gradient in the maps of what has this gradient in their measurements."""
        return np.ascontiguousarray(self._gain * self.operator.rmatmat(rows), dtype=rows.dtype)

    def _rows_and_columns(self, x):
        """Return the two factors of the model of the data, the background as the last columns."""
        maps, spectra = self.factors(x)
        rows = self._measured(maps)
        if not self._background.any():
            return rows, spectra
        ones = np.ones((len(spectra), 1), spectra.dtype)
        return np.hstack([rows, self._background[:, None]]), np.hstack([spectra, ones])

    def _band_weights(self, rows, spectra):
        """Return the mean second derivative of the loss in each band, from sums alone."""
        if self._quadratic:
            return np.ones(len(spectra))
        dark = float(self._background[self._active].sum())
        model = np.maximum(rows.sum(axis=0) @ spectra.T + dark, np.finfo(float).tiny ** 0.5)
        data = np.maximum(self._sums, np.finfo(float).eps * model)
        return np.count_nonzero(self._active) * data / model**2

    @cached_property
    def _reach(self):
        """Measurements of an image of ones; those that no pixel reaches are zero."""
        return self._gain * np.asarray(self.operator @ np.ones(self.operator.shape[1]))

    @cached_property
    def _active(self):
        return self._reach > 0

    @cached_property
    def _gram_bound(self):
        bound = getattr(self.operator, "gram_bound", None)
        if bound is not None:
            return bound
        return float(np.max(self.operator.rmatvec(self._reach))) / self._gain, 0.0


class MeasuredFactorProblem(_Measured):
    r"""Nonnegative factor model of an image of which linear combinations are measured.

    .. math:: D\bigl(Y, \alpha A W H^T + b \mathbf 1^T\bigr) + g_W(W) + g_H(H)

    Parameters
    ----------
    Y : ndarray, shape (m, bands)
    operator : LinearOperator or matrix, shape (m, pixels)
        Nonnegative. One that offers ``gram_bound = (c, omega)`` with
        :math:`A^T A \preceq c (I + \omega 1 1^T)` gets a better metric.
    rank : int
    loss : Frobenius or KullbackLeibler
    penalties : pair of Penalty
    gain : float
        The factor :math:`\alpha`.
    background : float or ndarray, shape (m,)
        What is measured without light.
    """

    def __init__(self, Y, operator, rank, loss, penalties, *, gain=1.0, background=0.0):
        super().__init__(Y, operator, loss, gain, background)
        shapes = (self.operator.shape[1], rank), (Y.shape[1], rank)
        self.blocks = tuple(Block(*entry) for entry in zip("WH", shapes, penalties))

    def factors(self, x):
        return x


class MeasuredRegressionProblem(_Measured):
    r"""The same with known spectra: :math:`D(Y, \alpha A W H^T + b \mathbf 1^T) + g(W)`.

    Parameters
    ----------
    spectra : ndarray, shape (bands, rank)
        The matrix :math:`H`; the others are those of :class:`MeasuredFactorProblem`.
    """

    def __init__(self, Y, operator, spectra, loss, penalty, *, gain=1.0, background=0.0):
        super().__init__(Y, operator, loss, gain, background)
        self._spectra = spectra
        self.blocks = (Block("W", (self.operator.shape[1], spectra.shape[1]), penalty),)

    def factors(self, x):
        return x[0], self._spectra

    def flat_start(self):
        """Return constant maps with which the model is as bright as the data."""
        shape, dtype = self.blocks[0].shape, self._spectra.dtype
        dark = len(self._spectra) * float(self._background[self._active].sum())
        light = float(self._reach.sum()) * float(self._spectra.sum(dtype=float))
        found = max(float(self._sums.sum()) - dark, np.finfo(dtype).eps * light)
        return np.full(shape, found / light, dtype)
