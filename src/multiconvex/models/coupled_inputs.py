"""What users pass to coupled factorisations: each error says which data set is wrong, and how."""

import numpy as np

from multiconvex.checks import check_array, check_entries, check_positive, check_rank
from multiconvex.losses import Frobenius, as_loss
from multiconvex.models.couplings import Coupling
from multiconvex.models.dataset_terms import dataset_term
from multiconvex.penalties import NoPenalty, Penalty


def check_datasets(datasets, rank, losses):
    """Return the problem of each data set alone, without penalties."""
    if isinstance(datasets, np.ndarray) or not len(datasets):
        raise ValueError("datasets must be a list of at least one array, got one array or nothing.")
    count = len(datasets)
    ranks = _for_each("rank", rank, count, int | np.integer)
    losses = [as_loss(loss) for loss in _for_each("losses", losses, count, str)]
    terms = []
    for i, (data, loss) in enumerate(zip(datasets, losses)):
        X, observed = _checked_data(f"datasets[{i}]", data, nonnegative=loss != Frobenius())
        penalties = (NoPenalty(),) * X.ndim
        terms.append(dataset_term(X, observed, check_rank(ranks[i]), loss, penalties))
    if len({term.data.dtype for term in terms}) > 1:
        raise ValueError("All data sets must have one precision: convert them to float64.")
    return terms


def check_penalties(penalties, terms):
    """Return one penalty for each mode of each data set."""
    orders = [len(term.blocks) for term in terms]
    if penalties is None or isinstance(penalties, Penalty):
        nested = [(penalties or NoPenalty(),) * order for order in orders]
    else:
        nested = [tuple(row) for row in penalties]
    if [len(row) for row in nested] != orders:
        raise ValueError(
            f"penalties must hold one penalty for each factor, {orders} for the data sets, got "
            f"{[len(row) for row in nested]}."
        )
    wrong = [penalty for row in nested for penalty in row if not isinstance(penalty, Penalty)]
    if wrong:
        raise TypeError(f"penalties must be penalties such as NonNegative(), got {wrong[0]!r}.")
    for i, (term, row) in enumerate(zip(terms, nested)):
        positive = [forbids_negatives(p, block.shape) for p, block in zip(row, term.blocks)]
        if not hasattr(term, "normal_equations") and not all(positive):
            raise TypeError(
                f"The counts of data set {i} need factors that cannot be negative: give it "
                "penalties such as NonNegative()."
            )
    return nested


def forbids_negatives(penalty, shape):
    """Return whether a penalty is infinite at small negative entries."""
    return not np.isfinite(penalty.value(np.full(shape, -1e-6)))


def check_couplings(couplings):
    """Return a tuple of couplings."""
    if isinstance(couplings, Coupling) or not all(isinstance(c, Coupling) for c in couplings):
        raise TypeError(f"couplings must be a list of Coupling objects, got {couplings!r}.")
    return tuple(couplings)


def check_weights(weights, count):
    """Return positive weights, one for each data set."""
    weights = list(weights)
    if len(weights) != count:
        raise ValueError(f"weights must hold one number for each of {count} data sets.")
    for i, weight in enumerate(weights):
        check_positive(f"weights[{i}]", weight)
    return weights


def _for_each(name, value, count, single):
    """Return one value for each data set: the same for all, or as many as were given."""
    if isinstance(value, single) or not hasattr(value, "__len__"):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"{name} must be one value or one for each of the {count} data sets, got {len(value)}."
        )
    return list(value)


def _checked_data(name, data, *, nonnegative):
    """Return an array without NaN, and where it was observed."""
    raw = np.asarray(data)
    observed = ~np.isnan(raw) if raw.dtype.kind == "f" else np.ones(raw.shape, bool)
    X = check_array(name, data if observed.all() else np.where(observed, raw, raw.dtype.type(0)))
    if X.ndim < 2:
        raise ValueError(f"{name} must have at least 2 dimensions, got shape {X.shape}.")
    if not observed.any():
        raise ValueError(f"{name} has no observed entry: leave it out.")
    check_entries(name, X, nonnegative=nonnegative)
    return X, observed
