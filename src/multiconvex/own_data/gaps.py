"""Missing entries, filled in by a model of the others."""

import numpy as np

from multiconvex.checks import check_count, check_rank
from multiconvex.losses import as_loss
from multiconvex.own_data.visible import is_slices, visible_data
from multiconvex.progress import SilentProgress
from multiconvex.stopping import RelativeDecrease


def fill_gaps(
    X,
    rank,
    *,
    loss="frobenius",
    nonnegative=True,
    max_iter=1000,
    tol=1e-6,
    random_state=None,
    progress=None,
):
    r"""Fill missing entries with a factor model of the others, so that any fit takes the data.

    With :math:`\Omega` the entries that are no NaN, factors are fitted to

    .. math:: \min_{A^{(k)}} \; \sum_{i \in \Omega} D(X_i, \hat X_i), \qquad
              \hat X = \sum_{q=1}^r A^{(0)}_{:q} \otimes \cdots \otimes A^{(d-1)}_{:q},

    and :math:`\hat X_i` is written where :math:`X_i` is missing.

    Parameters
    ----------
    X : ndarray or list of ndarray
        A matrix, a tensor (under the Frobenius loss), or a list of slices for PARAFAC2, with NaN
        where an entry is missing. Never modified.
    rank : int
        Number of components, such as the one that :func:`held_out_ranks` chooses: with too many,
        what is filled in is noise.
    loss : {"frobenius", "kullback-leibler"}
    nonnegative : bool, default True
        As in :func:`held_out_ranks`.
    max_iter : int, default 1000
    tol : float, default 1e-6
        The fit ends when a sweep lowers its objective by less than this fraction.
    random_state : None, int or numpy.random.Generator
    progress : Progress, optional
        Shows the fit. With or without one, an interrupt fills in what the last sweep says.

    Returns
    -------
    ndarray or list of ndarray
        A copy of X. Entries that are not missing are as they were.

    Raises
    ------
    ValueError
        For data or options out of range, or a row, column or slice without a number.

    Notes
    -----
    Factors that minimise the loss on :math:`\Omega`, block by block, do so on the filled array too,
    where their residual in the gaps is zero: a fit of the same model to the filled array can end
    with them. What is filled in is no measurement. It makes residuals smaller than they are, and
    must not be counted when ranks are compared: give :func:`held_out_ranks` the data with gaps.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import fill_gaps
    >>> X = np.outer([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
    >>> X[0, 1] = np.nan
    >>> fill_gaps(X, 1, random_state=0).round(3)
    array([[ 4.,  5.,  6.],
           [ 8., 10., 12.],
           [12., 15., 18.]])
    """
    rank = check_rank(rank)
    slices = is_slices(X)
    values, known, most, predict = visible_data(X, as_loss(loss), nonnegative=nonnegative)
    if most is not None and rank > most:
        raise ValueError(f"rank must be at most {most} for these data, got {rank}.")
    filled = values.copy()
    if not known.all():
        with progress or SilentProgress() as progress:
            filled[~known] = predict(
                values,
                ~known,
                rank,
                rng=np.random.default_rng(random_state),
                stop=RelativeDecrease(tol),
                max_iter=check_count("max_iter", max_iter),
                callback=progress,
            )
    if not slices:
        return filled
    ends = np.cumsum([np.shape(piece)[1] for piece in X])[:-1]
    return [np.ascontiguousarray(piece) for piece in np.split(filled, ends, axis=1)]
