"""Smooth spectra from noisy fluorescence, for the chapter on mixed sparse coding."""

from dataclasses import dataclass

import numpy as np

from multiconvex import bspline_dictionary, cp, dictionary_lra, match_components, nnls
from multiconvex.pursuit import pursue

WIDTHS = (5, 7, 10, 14, 20, 28, 40, 57, 70)
METHODS = {
    "Trick-OMP": "trick_omp",
    "HOMP": "homp",
    "IHT": "iht",
    "Block-FISTA": "block_fista",
}
RANK = 3


@dataclass(frozen=True, eq=False)
class NoisyFluorescence:
    """A fluorescence tensor with added noise, and what it was before.

    Attributes
    ----------
    clean, noisy : ndarray, shape (samples, emission, excitation)
        The largest entry of `clean` is one.
    wavelengths : ndarray, shape (emission,)
    dictionary : ndarray, shape (emission, 251)
        B-splines of nine widths.
    before, after : TensorFactorization
        Nonnegative CP models of the clean and of the noisy tensor.
    names : tuple of str
        Of the components of `before`.
    """

    clean: np.ndarray
    noisy: np.ndarray
    wavelengths: np.ndarray
    dictionary: np.ndarray
    before: object
    after: object
    names: tuple

    @property
    def reference(self):
        """Emission spectra of the clean tensor, with peaks of one."""
        return self.before.factors[1] / self.before.factors[1].max(axis=0)

    def error(self, factors):
        """Mean squared error of a model against the clean tensor."""
        model = np.einsum("iq,jq,kq->ijk", *factors)
        return float(np.mean((model - self.clean) ** 2))

    def spectra(self, model):
        """Emission spectra of a model, in the order and on the scale of the reference."""
        order, scales = self._match(model)
        return model.factors[1][:, order] * scales

    def parts(self, model):
        """Atoms times their codes, one matrix for each spectrum of a dictionary model."""
        order, scales = self._match(model)
        codes = model.codes[:, order] * scales
        return tuple(
            self.dictionary[:, used] * column[used]
            for used, column in ((np.flatnonzero(column), column) for column in codes.T)
        )

    def _match(self, model):
        """Return the order of the components of a model, and what multiplies its spectra."""
        order, _ = match_components(model.factors, self.before.factors)
        found = model.factors[1][:, order]
        return order, (found * self.reference).sum(axis=0) / (found**2).sum(axis=0)


def add_noise(data, *, level=0.2, random_state=0):
    """Scale a fluorescence tensor to a maximum of one and add Gaussian noise.

    Parameters
    ----------
    data : FluorescenceTensor
    level : float
        Standard deviation of the noise.
    random_state : int
    """
    clean = data.tensor / data.tensor.max()
    noise = np.random.default_rng(random_state).standard_normal(clean.shape)
    noisy = clean + level * noise
    before = cp(clean, RANK, nonnegative=True)
    order, _ = match_components(before.factors[0], data.concentrations)
    return NoisyFluorescence(
        clean,
        noisy,
        data.axes[1].values,
        bspline_dictionary(clean.shape[1], WIDTHS),
        before,
        cp(noisy, RANK, nonnegative=True),
        tuple(data.names[q] for q in np.argsort(order)),
    )


def fit_splines(case, atoms, *, method="block_fista", init="random", n_starts=3):
    """Fit spectra made of a few splines each to the noisy tensor; keep the best of the starts."""
    return dictionary_lra(
        case.noisy,
        RANK,
        case.dictionary,
        sparsity=atoms,
        method=method,
        tensor=True,
        mode=1,
        init=init,
        n_starts=n_starts,
        random_state=0,
    )


@dataclass(frozen=True, eq=False)
class AtomCounts:
    """Fits with more and more splines in each component.

    Attributes
    ----------
    spectra : dict of int to ndarray, shape (emission, 3)
        By Block-FISTA.
    errors : dict of str to ndarray
        Mean squared error of each method, one entry for each number of splines.
    objectives : dict of str to ndarray
        What the methods minimise.
    """

    spectra: dict
    errors: dict
    objectives: dict

    @property
    def counts(self):
        """Numbers of splines, in order."""
        return tuple(self.spectra)


def fit_atom_counts(case, counts=(1, 2, 4, 6, 10)):
    """Fit each number of splines with each method."""
    fits = {
        name: [fit_splines(case, count, method=method) for count in counts]
        for name, method in METHODS.items()
    }
    return AtomCounts(
        {count: case.spectra(fit) for count, fit in zip(counts, fits["Block-FISTA"])},
        {name: np.array([case.error(fit.factors) for fit in row]) for name, row in fits.items()},
        {name: np.array([fit.objective for fit in row]) for name, row in fits.items()},
    )


def compare_smoothers(data, *, draws=4, atoms=6):
    """Remove noise in several ways, for several draws of the noise.

    Returns
    -------
    dict of str to ndarray, shape (draws,)
        Mean squared error of each way against the clean tensor.
    """
    rows = [_smooth(add_noise(data, random_state=seed), atoms) for seed in range(draws)]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def tabulate_smoothers(errors):
    """One row for each way: mean and worst error on each data set, in units of 1e-5.

    Parameters
    ----------
    errors : dict of str to dict
        From the name of a data set to what :func:`compare_smoothers` returns.
    """
    ways = next(iter(errors.values()))
    rows = []
    for way in ways:
        row = {"way": way}
        for name, of_set in errors.items():
            row[f"{name}, mean"] = float(1e5 * of_set[way].mean())
            row["worst" if len(row) == 2 else "worst "] = float(1e5 * of_set[way].max())
        rows.append(row)
    return rows


def _smooth(case, atoms):
    D = case.dictionary
    samples, spectra, excitation = case.after.factors
    fitted = D @ nnls(D, spectra).x
    sparse = D @ pursue(D.T @ D, D.T @ spectra, atoms, nonnegative=True)
    singles = [_fit_projected(case, (width,)) for width in WIDTHS]
    return {
        "nonnegative CP": case.error(case.after.factors),
        "CP of the data projected on all 251 splines": _fit_projected(case, WIDTHS),
        "CP of the data projected on the worst width": max(singles),
        "CP of the data projected on the best width": min(singles),
        "CP, then nonnegative splines": case.error((samples, fitted, excitation)),
        "CP, then six splines by pursuit": case.error((samples, sparse, excitation)),
    } | {
        f"dictionary model, {name}": case.error(fit_splines(case, atoms, method=method).factors)
        for name, method in METHODS.items()
    }


def _fit_projected(case, widths):
    """Error of the nonnegative CP of data projected on the span of splines."""
    basis = np.linalg.qr(bspline_dictionary(len(case.wavelengths), widths))[0]
    smooth = np.einsum("ja,ba,ibk->ijk", basis, basis, case.noisy, optimize=True)
    return case.error(cp(smooth, RANK, nonnegative=True).factors)
