"""Tables for regression: measured ones, and those made by a known rule."""

import gzip
from dataclasses import dataclass

import numpy as np

from multiconvex.checks import check_count, check_positive
from multiconvex.implicit_rules.fixed_points import iterate, plain_map
from multiconvex.implicit_rules.weights import ImplicitWeights

from ._errors import DataCorrupted
from ._files import fetch
from .fetched import _provenance
from .simulated import PROVENANCE
from .types import Dataset

_ENERGY = (
    "relative compactness", "surface area", "wall area", "roof area", "height", "orientation",
    "glazing area", "distribution of glazing",
)  # fmt: skip
_CONCRETE = (
    "cement", "blast furnace slag", "fly ash", "water", "superplasticizer", "coarse aggregate",
    "fine aggregate", "age",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RegressionTable(Dataset):
    """Inputs and targets, one sample a row.

    Attributes
    ----------
    inputs : ndarray of shape (m, n)
    targets : ndarray of shape (m, p)
    features : tuple of str
        Names of the inputs.
    names : tuple of str
        Names of the targets.
    clean : ndarray of shape (m, p) or None
        Simulated targets without their noise.
    truth : ImplicitWeights or None
        The rule that simulated targets come from.
    """

    inputs: np.ndarray
    targets: np.ndarray
    features: tuple
    names: tuple
    clean: np.ndarray | None = None
    truth: ImplicitWeights | None = None


def load_energy():
    """Heating loads of simulated buildings of twelve shapes.

    Returns
    -------
    RegressionTable
        768 buildings, eight inputs. All columns are centred; the target is in kilowatt hours per
        square metre.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be fetched.
    """
    return _table("energy", 768, _ENERGY, "heating load")


def load_concrete():
    """Compressive strengths of mixtures of concrete, by ingredients and age.

    Returns
    -------
    RegressionTable
        1030 mixtures, eight inputs: kilograms per cubic metre, and days. All columns are centred;
        the target is in megapascals.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be fetched.
    """
    return _table("concrete", 1030, _CONCRETE, "compressive strength")


def make_implicit_data(
    m=1000, inputs=10, hidden=300, outputs=1, *, contraction=0.9, directions=None, density=None,
    noise=0.0, random_state=None,
):  # fmt: skip
    r"""Targets that a known implicit rule gives to random inputs.

    .. math:: x_i = (D x_i + E u_i + f)_+, \qquad y_i = A x_i + B u_i + c + \text{noise}.

    D has the spectral norm `contraction`; B is zero. Inputs are standard normal; targets are scaled
    to unit variance before the noise. The weights are Gaussian, and the inputs act on the state
    through a few random directions of their space; or, with a `density`, only so many weights are
    not zero, and these are uniform on [0, 1), with f zero.

    Parameters
    ----------
    m, inputs, hidden, outputs : int
        Samples, and sizes of u, x and y.
    contraction : float
        Spectral norm of D, below one.
    directions : int, optional
        Rank of Gaussian weights E, by default `inputs`.
    density : float, optional
        Fraction of the entries of D, E and A that are not zero.
    noise : float
        Standard deviation of the noise.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    RegressionTable
        With the weights in `truth`.

    Examples
    --------
    >>> data = make_implicit_data(50, inputs=3, hidden=20, random_state=0)
    >>> data.inputs.shape, data.targets.shape, data.truth.D.shape
    ((50, 3), (50, 1), (20, 20))
    """
    for name, count in (("m", m), ("inputs", inputs), ("hidden", hidden), ("outputs", outputs)):
        check_count(name, count)
    check_positive("noise", noise, allow_zero=True)
    check_positive("contraction", contraction, allow_zero=True)
    if contraction >= 1:
        raise ValueError(f"contraction must be below 1, got {contraction!r}.")
    rng = np.random.default_rng(random_state)
    if density is None:
        rank = inputs if directions is None else check_count("directions", directions)
        D, E, f, A = _gaussian_rule(rng, inputs, hidden, outputs, rank)
    else:
        D, E, f, A = _sparse_rule(rng, inputs, hidden, outputs, density)
    D = D * contraction / max(np.linalg.norm(D, 2), np.finfo(float).tiny)
    U = rng.standard_normal((m, inputs))
    drive = U @ E.T + f
    points = drive.copy()
    iterate(plain_map(D, drive), points, 1e-13, 10_000, 0)
    raw = np.maximum(points, 0.0) @ A.T
    center, scale = raw.mean(axis=0), raw.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    B = np.zeros((outputs, inputs))
    truth = ImplicitWeights(D, E, f, A / scale[:, None], B, -center / scale)
    return _simulated("implicit rule", U, (raw - center) / scale, noise, rng, truth)


def _gaussian_rule(rng, inputs, hidden, outputs, rank):
    D = rng.standard_normal((hidden, hidden))
    E = rng.standard_normal((hidden, rank)) @ rng.standard_normal((rank, inputs))
    f = 0.5 * rng.standard_normal(hidden)
    return D, E / np.sqrt(rank * inputs), f, rng.standard_normal((outputs, hidden))


def _sparse_rule(rng, inputs, hidden, outputs, density):
    """Draw nonnegative weights at random places; each output and each input has one at least."""
    check_positive("density", density)
    D, E, A = (
        rng.random(shape) * (rng.random(shape) < density)
        for shape in ((hidden, hidden), (hidden, inputs), (outputs, hidden))
    )
    E[rng.integers(hidden, size=inputs), np.arange(inputs)] = rng.random(inputs)
    A[np.arange(outputs), rng.integers(hidden, size=outputs)] = rng.random(outputs)
    return D, E, np.zeros(hidden), A


def make_noisy_sine(m=1000, *, noise=0.1, random_state=None):
    r"""Noisy values of a sine at random places of one period.

    .. math:: y_i = \sin u_i + \sigma \epsilon_i, \qquad u_i \sim \mathcal U[-\pi, \pi].

    Parameters
    ----------
    m : int
        Number of samples.
    noise : float
        The standard deviation :math:`\sigma`.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    RegressionTable

    Examples
    --------
    >>> data = make_noisy_sine(200, random_state=0)
    >>> float((data.targets - data.clean).std().round(2))
    0.1
    """
    check_count("m", m)
    check_positive("noise", noise, allow_zero=True)
    rng = np.random.default_rng(random_state)
    U = rng.uniform(-np.pi, np.pi, (m, 1))
    return _simulated("noisy sine", U, np.sin(U), noise, rng, None)


def _simulated(name, inputs, clean, noise, rng, truth):
    return RegressionTable(
        name=name,
        units="none",
        source="simulated by a formula",
        **PROVENANCE,
        inputs=inputs,
        targets=clean + noise * rng.standard_normal(clean.shape),
        features=tuple(f"input {k + 1}" for k in range(inputs.shape[1])),
        names=tuple(f"target {k + 1}" for k in range(clean.shape[1])),
        clean=clean,
        truth=truth,
    )


def _table(key, rows, features, target):
    """Read a compressed table whose last column is the target."""
    path = fetch(key)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        numbers = np.loadtxt(file, delimiter=",", ndmin=2)
    if numbers.shape != (rows, len(features) + 1):
        raise DataCorrupted(f"{path} has no table of shape {(rows, len(features) + 1)}")
    return RegressionTable(
        name=key,
        units="as in the columns, centred",
        **_provenance(key),
        inputs=numbers[:, :-1].copy(),
        targets=numbers[:, -1:].copy(),
        features=features,
        names=(target,),
    )
