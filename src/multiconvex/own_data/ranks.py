"""How many components, judged by entries that no fit has seen."""

import warnings
from dataclasses import dataclass
from itertools import compress

import numpy as np

from multiconvex.checks import check_count, check_positive, check_rank
from multiconvex.losses import KullbackLeibler, as_loss
from multiconvex.own_data.visible import visible_data
from multiconvex.progress import SilentProgress
from multiconvex.stopping import ConvergenceWarning, RelativeDecrease

_LARGEST_SHARE = 0.5
_LEAST = 1e-2


@dataclass(frozen=True, eq=False)
class HeldOutRanks:
    """Errors of prediction of entries that were hidden from the fits.

    Attributes
    ----------
    ranks : tuple of int
        In increasing order.
    errors : ndarray, shape (n_ranks, n_draws)
        Loss on the hidden entries, divided by that of predicting each of them by the mean of the
        visible ones: 0 is perfect, 1 is of no use.
    """

    ranks: tuple
    errors: np.ndarray

    @property
    def mean(self):
        """Mean error of each rank."""
        return self.errors.mean(axis=1)

    @property
    def standard_error(self):
        """Standard error of what the mean error of each rank is above the lowest one.

        All ranks have the same hidden entries to predict. What makes a draw hard for all of them
        alike is no uncertainty of their comparison, and cancels. Not a number after a single draw.
        """
        n_draws = self.errors.shape[1]
        if n_draws == 1:
            return np.full(len(self.ranks), np.nan)
        above = self.errors - self.errors[self.mean.argmin()]
        return above.std(axis=1, ddof=1) / np.sqrt(n_draws)

    @property
    def best(self):
        """The rank of lowest mean error."""
        return self.ranks[int(self.mean.argmin())]

    @property
    def chosen(self):
        """The smallest rank whose mean error is within a standard error of the lowest."""
        limits = self.mean.min() + np.nan_to_num(self.standard_error)
        return self.ranks[int(np.flatnonzero(self.mean <= limits)[0])]

    def __repr__(self):
        shown = ", ".join(f"{rank}: {error:.3g}" for rank, error in zip(self.ranks, self.mean))
        return f"HeldOutRanks({shown}; best {self.best}, chosen {self.chosen})"


def held_out_ranks(
    X,
    ranks,
    *,
    share=0.1,
    n_draws=3,
    loss="frobenius",
    nonnegative=True,
    max_iter=200,
    tol=1e-4,
    random_state=None,
    progress=None,
):
    r"""Compare ranks of a factor model by how well they predict hidden entries.

    In every draw a random set :math:`\bar\Omega` of entries is hidden, a model of each rank is
    fitted to the others,

    .. math:: \min_{A^{(k)}} \; \sum_{i \in \Omega} D(X_i, \hat X_i), \qquad
              \hat X = \sum_{q=1}^r A^{(0)}_{:q} \otimes \cdots \otimes A^{(d-1)}_{:q},

    and the loss is taken on what was hidden. It falls with the rank as long as components are in
    the data, and rises once they are in the noise.

    Parameters
    ----------
    X : ndarray or list of ndarray
        A matrix, or a tensor under the Frobenius loss. A list of matrices with the same number of
        rows are the slices of a PARAFAC2 model, see Notes. Entries that are NaN are missing: they
        stay hidden from all fits, and are not predicted. Never modified.
    ranks : iterable of int
    share : float, default 0.1
        Of the entries that are hidden, at most one half. A row, column or slice that would have
        nothing left stays visible.
    n_draws : int, default 3
    loss : {"frobenius", "kullback-leibler"}
    nonnegative : bool, default True
        Whether the factors are nonnegative, but for the profiles of PARAFAC2. The Kullback-Leibler
        loss needs it.
    max_iter : int, default 200
        Largest number of sweeps of a fit.
    tol : float, default 1e-4
        A fit ends when a sweep lowers its objective by less than this fraction.
    random_state : None, int or numpy.random.Generator
    progress : Progress, optional
        Shows the fits. With or without one, an interrupt keeps the draws that are complete; in the
        first draw, the ranks that are.

    Returns
    -------
    HeldOutRanks
        With ``.ranks``, ``.errors``, ``.mean``, ``.standard_error``, ``.best`` and ``.chosen``.

    Raises
    ------
    ValueError
        For data or options out of range, a row, column or slice without a number, or hidden entries
        that do not vary.
    TypeError
        For sparse data: are the zeros that are not stored measurements, or missing?
    KeyboardInterrupt
        If it is interrupted in the first fit.

    Notes
    -----
    Cost: one fit for each rank and draw; a sweep is that of complete data, once more for filling
    in.

    A list is fitted by PARAFAC2 with ``update="reparametrized"``: A and C are nonnegative where
    that is asked for, and the profiles are free. Pass ``list(X)`` for a tensor whose slices
    ``X[k]`` may drift, and compare its error with that of ``X`` itself.

    Under the Kullback-Leibler loss a count where the model is zero would cost infinitely much, and
    one such entry decide: predictions are taken as a hundredth of the mean at least.

    Entries must not repeat each other: where neighbours are copies (an image that was enlarged,
    columns that are sums of others), hidden entries are known from visible ones at any rank.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import held_out_ranks
    >>> rng = np.random.default_rng(0)
    >>> X = rng.random((30, 3)) @ rng.random((3, 25)) + 0.05 * rng.random((30, 25))
    >>> held_out_ranks(X, range(1, 6), random_state=0).chosen
    3
    """
    loss = as_loss(loss)
    X, known, most, predict = visible_data(X, loss, nonnegative=nonnegative)
    ranks = _checked_ranks(ranks, most)
    check_positive("share", share)
    if share > _LARGEST_SHARE:
        raise ValueError(
            f"share must be at most {_LARGEST_SHARE}, got {share}: hide fewer entries."
        )
    rng = np.random.default_rng(random_state)
    errors = np.full((len(ranks), check_count("n_draws", n_draws)), np.nan)
    options = {"stop": RelativeDecrease(tol), "max_iter": check_count("max_iter", max_iter)}
    with progress or SilentProgress() as progress:
        options["callback"] = progress
        for draw in range(n_draws):
            drawn = _draw_hidden(known, share, rng)
            hidden = drawn | ~known
            for row, rank in enumerate(ranks):
                progress.describe(f"rank {rank}, draw {draw + 1} of {n_draws}")
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    found = predict(X, hidden, rank, rng=rng, **options)
                if progress.interrupted:
                    return complete(ranks, errors)
                errors[row, draw] = _relative_loss(X, drawn, hidden, found, loss)
    return HeldOutRanks(ranks, errors)


def complete(ranks, errors):
    """Return the draws that an interrupt left complete, or the ranks of the first one.

    Parameters
    ----------
    ranks : tuple of int
    errors : ndarray, shape (n_ranks, n_draws)
        NaN where no fit has ended.

    Returns
    -------
    HeldOutRanks
    """
    done = ~np.isnan(errors)
    if done[:, 0].all():
        return HeldOutRanks(ranks, errors[:, done.all(axis=0)])
    if not done.any():
        raise KeyboardInterrupt("No fit is complete yet, so there is nothing to compare.")
    reached = done[:, 0]
    return HeldOutRanks(tuple(compress(ranks, reached)), errors[reached, :1])


def _checked_ranks(ranks, most):
    ranks = tuple(sorted({check_rank(rank) for rank in ranks}))
    if not ranks:
        raise ValueError("ranks is empty: give at least one, such as range(1, 8).")
    if most is not None and ranks[-1] > most:
        raise ValueError(f"Each rank must be at most {most} for these data, got {ranks[-1]}.")
    return ranks


def _draw_hidden(known, share, rng):
    """Return which entries are hidden: a share of those known, but never a whole slice of them."""
    places = np.flatnonzero(known)
    hidden = np.zeros(known.shape, bool)
    count = max(1, round(share * places.size))
    hidden.flat[places[rng.choice(places.size, count, replace=False)]] = True
    for mode in range(hidden.ndim):
        slices, visible = (np.moveaxis(one, mode, 0) for one in (hidden, known & ~hidden))
        slices[~visible.any(axis=tuple(range(1, hidden.ndim)))] = False
    if not hidden.any():
        raise ValueError(
            f"X of shape {known.shape} is too small to hide entries: compare ranks on more data."
        )
    return hidden


def _relative_loss(X, drawn, hidden, predicted, loss):
    """Return the loss on the drawn entries over that of the mean of the visible ones."""
    truth, mean = X[drawn], X[~hidden].mean()
    predicted = predicted[drawn[hidden]]
    useless = loss.value(truth, np.full_like(truth, mean))
    if useless <= 0.0:
        raise ValueError("The hidden entries of X are all equal: there is nothing to predict.")
    if isinstance(loss, KullbackLeibler):
        predicted = np.maximum(predicted, _LEAST * mean)
    return loss.value(truth, predicted) / useless
