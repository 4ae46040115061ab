"""What models of the visible entries of data say of the hidden ones."""

from multiconvex.acceleration import Extrapolation
from multiconvex.engine import alternate
from multiconvex.losses import Frobenius
from multiconvex.models.factor_problem import as_operand, factor_names
from multiconvex.models.initialization import filled, hosvd, nndsvd, nonnegative_parts
from multiconvex.models.latent.hidden_markov import BlockMinimum
from multiconvex.models.nmf import default_update
from multiconvex.models.parafac2_fits import nearest_profiles, starting_point
from multiconvex.models.parafac2_problem import SliceData, split_rows
from multiconvex.models.parafac2_updates import BestBases
from multiconvex.own_data.filled_problem import FilledProblem, FilledSlices
from multiconvex.penalties import NonNegative, NoPenalty


def predict_factors(X, hidden, rank, penalties, loss, rng, **options):
    """Return the hidden entries according to a factor model of the visible ones.

    Parameters
    ----------
    X : ndarray
        What stands in hidden places does not matter.
    hidden : ndarray of bool
    rank : int
    penalties : sequence of Penalty
    loss : Frobenius or KullbackLeibler
    rng : numpy.random.Generator
    **options
        Of :func:`multiconvex.alternate`.

    Returns
    -------
    ndarray
        In the order of ``X[hidden]``.
    """
    guess = _guessed(X, hidden)
    start = _start(as_operand(guess), rank, penalties, loss, rng)
    updates = dict.fromkeys(factor_names(X.ndim), default_update(loss, penalties))
    problem = FilledProblem(X, hidden, rank, penalties, loss)
    return _fitted(problem, (*start, guess[hidden]), updates, options)


def predict_slices(X, hidden, rank, bounds, penalties, rng, **options):
    """Return the hidden entries according to a PARAFAC2 model of the visible ones.

    Parameters
    ----------
    X : ndarray
        The slices side by side.
    hidden : ndarray of bool
    rank : int
    bounds : sequence of int
        Slice k is in the columns ``bounds[k]`` to ``bounds[k + 1]``.
    penalties : sequence of Penalty
        For A, the profiles, which must be free, and C.
    rng, **options
        As for :func:`predict_factors`.

    Returns
    -------
    ndarray
    """
    guess, data = (
        SliceData([piece.T for piece in split_rows(array.T, bounds)])
        for array in (_guessed(X, hidden), X)
    )
    A, B, C = starting_point("svd", guess, rank, penalties, rng)
    problem = FilledSlices(data, hidden, rank, penalties)
    rest = (A, nearest_profiles(B, data.bounds)[1], C, guess.array[hidden])
    updates = {
        "P": BestBases(),
        "A": default_update(Frobenius(), penalties[:1]),
        "D": default_update(Frobenius(), (NoPenalty(),)),
        "C": default_update(Frobenius(), penalties[2:]),
    }
    return _fitted(problem, (problem.bases((None, *rest)), *rest), updates, options)


def _guessed(X, hidden):
    guess = X.copy()
    guess[hidden] = X[~hidden].mean()
    return guess


def _fitted(problem, start, updates, options):
    updates = {**updates, "hidden": BlockMinimum()}
    fit = alternate(problem, start, updates, acceleration=Extrapolation(), **options)
    return fit.blocks["hidden"]


def _start(operand, rank, penalties, loss, rng):
    if not isinstance(penalties[0], NonNegative):
        return hosvd(operand, rank, rng)
    if len(operand.shape) > 2:
        return nonnegative_parts(operand, hosvd(operand, rank, rng))
    start = nndsvd(operand, rank, rng)
    return start if isinstance(loss, Frobenius) else filled(start)
