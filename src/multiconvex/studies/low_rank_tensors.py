"""Tensor models and how they fail, for the chapter on low-rank models."""

from dataclasses import dataclass, replace

import numpy as np

from multiconvex.acceleration import Extrapolation
from multiconvex.diagnostics import factor_match_score, match_components
from multiconvex.models.cp import cp
from multiconvex.models.jennrich import jennrich
from multiconvex.models.nmf import nmf
from multiconvex.penalties import NoPenalty

_FREE = (NoPenalty(), NoPenalty())


@dataclass(frozen=True)
class Recovery:
    """Smallest cosine between a planted factor and its estimate, for two formulas for B.

    Attributes
    ----------
    A, B, C : float
        By Jennrich's algorithm.
    B_printed : float
        From the eigenvectors of ``pinv(T_a) @ T_b``.
    """

    A: float
    B: float
    C: float
    B_printed: float


def recover(shape=(7, 6, 5), rank=3, *, random_state=0):
    """Plant a CP model without noise and recover its factors."""
    rng = np.random.default_rng(random_state)
    planted = [rng.standard_normal((n, rank)) for n in shape]
    X = np.einsum("iq,jq,kq->ijk", *planted)
    found = jennrich(X, rank, random_state=rng)
    first, second = (X @ weights for weights in rng.standard_normal((2, shape[2])))
    values, vectors = np.linalg.eig(np.linalg.pinv(first) @ second)
    printed = np.real(vectors[:, np.argsort(-np.abs(values))[:rank]])
    worst = [_worst_cosine(a, b) for a, b in zip([*found, printed], [*planted, planted[1]])]
    return Recovery(*worst)


def _worst_cosine(estimated, reference):
    return float(match_components(estimated, reference)[1].min())


def complete_samples(data, *, missing=0.02):
    """Leave out the samples that the authors of a set put aside, and those with many gaps.

    Parameters
    ----------
    data : FluorescenceTensor
    missing : float
        Largest fraction of missing entries in a sample that is kept.
    """
    gaps = 1.0 - data.mask.reshape(len(data.mask), -1).mean(axis=1)
    keep = np.setdiff1d(np.flatnonzero(gaps <= missing), data.outliers)
    samples = data.axes[0]._replace(values=data.axes[0].values[keep])
    return replace(
        data,
        tensor=data.tensor[keep],
        mask=data.mask[keep],
        axes=(samples, *data.axes[1:]),
        outliers=np.array([], dtype=int),
    )


def unit_peaks(factors):
    """Divide each column of each factor by its largest entry."""
    return tuple(factor / factor.max(axis=0) for factor in factors)


@dataclass(frozen=True)
class Agreement:
    """How much fits of one model from different starts agree.

    Attributes
    ----------
    model : str
    error : float
        Largest relative error of the fits.
    similarity : float
        Smallest similarity of the sample factors of a fit with those of the first fit.
    """

    model: str
    error: float
    similarity: float


def agreement(tensor, rank, *, starts=4):
    """Fit a tensor, and the matrix of its unfolding, without constraints from several starts.

    Returns
    -------
    tuple of Agreement
    """
    matrix = tensor.reshape(len(tensor), -1)
    options = [{"init": "random", "tol": 1e-8, "random_state": seed} for seed in range(starts)]
    fits = {
        "matrix, two modes": [nmf(matrix, rank, penalties=_FREE, **each) for each in options],
        "tensor, four modes": [
            cp(tensor, rank, max_iter=2000, acceleration=Extrapolation(), **each)
            for each in options
        ],
    }
    return tuple(
        _compare(model, results, np.linalg.norm(tensor)) for model, results in fits.items()
    )


def _compare(model, results, norm):
    samples = [next(iter(result.blocks.values())) for result in results]
    return Agreement(
        model=model,
        error=max(float(np.sqrt(2.0 * result.objective) / norm) for result in results),
        similarity=min(factor_match_score(other, samples[0]) for other in samples[1:]),
    )


@dataclass(frozen=True)
class Compressed:
    """A Tucker model of a tensor, and the CP model fitted to it.

    Attributes
    ----------
    ranks : str
    numbers : int
        Stored by the Tucker model.
    tucker_error, cp_error : float
        Relative errors, measured on the tensor.
    similarity : float
        Of the CP factors with those fitted to the tensor.
    """

    ranks: str
    numbers: int
    tucker_error: float
    cp_error: float
    similarity: float


def compress_then_decompose(tensor, rank, ranks):
    """Fit CP models to Tucker models of several multilinear ranks.

    Returns
    -------
    tuple of Compressed
    """
    from tensorly import tucker_to_tensor
    from tensorly.decomposition import tucker

    options = {"init": "random", "tol": 1e-8, "max_iter": 2000, "random_state": 0}
    direct, norm = cp(tensor, rank, **options), np.linalg.norm(tensor)
    rows = []
    for multilinear in ranks:
        core, factors = tucker(tensor, multilinear, n_iter_max=20)
        fit = cp((core, factors), rank, **options)
        rows.append(
            Compressed(
                ranks=" × ".join(map(str, multilinear)),
                numbers=core.size + sum(factor.size for factor in factors),
                tucker_error=_distance(tensor, tucker_to_tensor((core, factors)), norm),
                cp_error=_distance(tensor, fit.reconstruct(), norm),
                similarity=factor_match_score(fit.factors, direct.factors),
            )
        )
    return tuple(rows)


def _distance(tensor, model, norm):
    return float(np.linalg.norm(tensor - model) / norm)


def _border_tensor():
    """The border tensor, ``a⊗a⊗b + a⊗b⊗a + b⊗a⊗a`` with ``a, b`` the axes of the plane."""
    a, b = np.eye(2)
    return sum(np.einsum("i,j,k", *term) for term in ((a, a, b), (a, b, a), (b, a, a)))


@dataclass(frozen=True, eq=False)
class BorderPair:
    """Two rank-one terms whose sum comes close to the border tensor.

    Attributes
    ----------
    step : float
        The terms are ``(a + step b)⊗³ / step`` and ``-a⊗³ / step``.
    vectors : ndarray, shape (2, 2)
        The columns whose third tensor powers are the terms.
    error : float
        Relative distance of the sum from the border tensor.
    size : float
        Norm of the larger term.
    """

    step: float
    vectors: np.ndarray
    error: float
    size: float


def border_pair(step):
    """Approach the border tensor by a difference quotient with the given step."""
    scale = step ** (-1.0 / 3.0)
    vectors = scale * np.array([[1.0, -1.0], [step, 0.0]])
    target = _border_tensor()
    model = np.einsum("iq,jq,kq->ijk", vectors, vectors, vectors)
    return BorderPair(
        step=step,
        vectors=vectors,
        error=_distance(target, model, np.linalg.norm(target)),
        size=float(np.linalg.norm(vectors, axis=0).max() ** 3),
    )


@dataclass(frozen=True, eq=False)
class Degeneracy:
    """A CP fit of rank two to the border tensor, sweep by sweep.

    Attributes
    ----------
    iteration : ndarray of int
    error : ndarray
        Relative.
    size : ndarray
        Norm of the larger rank-one term.
    """

    iteration: np.ndarray
    error: np.ndarray
    size: np.ndarray


def degeneracy(*, nonnegative, sweeps=1000, random_state=0):
    """Run alternating least squares for a fixed number of sweeps and watch the terms."""
    target, rows = _border_tensor(), []

    def watch(sweep):
        lengths = [np.linalg.norm(factor, axis=0) for factor in sweep.blocks.values()]
        rows.append((sweep.iteration, sweep.objective, np.prod(lengths, axis=0).max()))

    cp(
        target, 2, nonnegative=nonnegative, init="random", random_state=random_state,
        acceleration=None, tol=0, max_iter=sweeps, callback=watch,
    )  # fmt: skip
    iteration, objective, size = map(np.array, zip(*rows))
    error = np.sqrt(2.0 * objective) / np.linalg.norm(target)
    return Degeneracy(iteration=iteration, error=error, size=size)
