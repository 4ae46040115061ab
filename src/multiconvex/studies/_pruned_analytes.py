"""How many analytes a fluorescence tensor holds, for the chapter on implicit regularisation."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from multiconvex import NonNegative, cp

_FIT = {"init": "random", "tol": 1e-6, "max_iter": 3000}


def known_spectra(data):
    """Emission and excitation spectra of the analytes, with peaks of one.

    Those of pure samples, as leading singular vectors; where the data are simulated, the true ones.

    Parameters
    ----------
    data : FluorescenceTensor

    Returns
    -------
    pair of ndarray, shapes (n_emission, analytes) and (n_excitation, analytes)
    """
    if data.factors is not None:
        return tuple(_unit_peaks(factor) for factor in data.factors[1:])
    present = data.concentrations > 0
    pure = [
        int(np.flatnonzero(present[:, k] & (present.sum(axis=1) == 1))[0])
        for k in range(present.shape[1])
    ]
    pairs = [np.linalg.svd(data.tensor[sample], full_matrices=False) for sample in pure]
    emission = np.stack([np.abs(left[:, 0]) for left, _, _ in pairs], axis=1)
    excitation = np.stack([np.abs(right[0]) for _, _, right in pairs], axis=1)
    return _unit_peaks(emission), _unit_peaks(excitation)


@dataclass(frozen=True, eq=False)
class RankSelection:
    """Ridge CP fits of one tensor for many weights, all from the same random start.

    Attributes
    ----------
    weights : ndarray, shape (n,)
        For data of norm one.
    fits : tuple of TensorFactorization
    errors : ndarray, shape (n,)
        Relative error of each model.
    """

    weights: np.ndarray
    fits: tuple
    errors: np.ndarray

    @property
    def sizes(self):
        """Norms of the components in decreasing order, shape (n, rank)."""
        return -np.sort([-fit.component_sizes for fit in self.fits], axis=1)

    @property
    def counts(self):
        """Number of components at each weight."""
        return np.array([fit.n_active for fit in self.fits])

    def at(self, weight):
        """The fit of one of the weights."""
        return self.fits[int(np.abs(self.weights - weight).argmin())]

    def plateau(self, count):
        """The smallest and the largest weight at which `count` components are left."""
        kept = self.weights[self.counts == count]
        return float(kept.min()), float(kept.max())


def select_rank(data, weights, *, rank=6, random_state=1):
    """Fit more components than there are analytes under ridge weights on all three factors."""
    X = data.tensor / np.linalg.norm(data.tensor)
    fits = tuple(_ridge_fit(X, rank, weight, random_state) for weight in weights)
    errors = np.array([np.linalg.norm(X - fit.reconstruct()) for fit in fits])
    return RankSelection(np.asarray(weights, float), fits, errors)


@dataclass(frozen=True)
class StartsRow:
    """Fits under one weight from several random starts.

    Attributes
    ----------
    weight : float
    components : str
        How many fits end with how many components.
    similarity : float
        Smallest similarity of a known pair of spectra with the closest component, over all fits.
    concentrations : float
        Largest relative error (%) of the concentrations of an analyte after the best scaling.
    """

    weight: float
    components: str
    similarity: float
    concentrations: float


def repeat_selection(data, weights, *, rank=6, starts=6):
    """Compare fits from several starts with what is known of the analytes.

    Returns
    -------
    tuple of StartsRow
    """
    X, known = data.tensor / np.linalg.norm(data.tensor), known_spectra(data)
    rows = []
    for weight in weights:
        fits = [_ridge_fit(X, rank, weight, seed) for seed in range(starts)]
        tally = Counter(fit.n_active for fit in fits)
        scores = [identify(fit, known) for fit in fits]
        rows.append(
            StartsRow(
                weight=weight,
                components=", ".join(f"{count} ({n}×)" for count, n in sorted(tally.items())),
                similarity=min(float(similarity.min()) for _, similarity in scores),
                concentrations=max(
                    _concentration_error(fit.pruned()[0][:, order], data.concentrations)
                    for fit, (order, _) in zip(fits, scores)
                ),
            )
        )
    return tuple(rows)


def identify(fit, known):
    """Return the component closest to each pair of known spectra, and how similar they are.

    Returns
    -------
    order : ndarray of int, shape (analytes,)
        Columns of ``fit.pruned()``.
    similarity : ndarray, shape (analytes,)
        Product of the cosines of both spectra.
    """
    _, emission, excitation = fit.pruned()
    table = _cosines(known[0], emission) * _cosines(known[1], excitation)
    return table.argmax(axis=1), table.max(axis=1)


def _ridge_fit(X, rank, weight, random_state):
    penalties = (NonNegative(l2=weight),) * 3
    return cp(X, rank, penalties=penalties, random_state=random_state, **_FIT)


def _concentration_error(found, true):
    scale = (found * true).sum(axis=0) / (found**2).sum(axis=0)
    errors = np.linalg.norm(true - scale * found, axis=0) / np.linalg.norm(true, axis=0)
    return 100 * float(errors.max())


def _cosines(first, second):
    first, second = (m / np.linalg.norm(m, axis=0) for m in (first, second))
    return first.T @ second


def _unit_peaks(matrix):
    return matrix / matrix.max(axis=0)
