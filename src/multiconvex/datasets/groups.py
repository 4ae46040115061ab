"""Many tasks whose variables come in groups: what the sets hold, and simulated ones."""

from dataclasses import dataclass

import numpy as np

from multiconvex.checks import check_count, check_option, check_positive

from .simulated import PROVENANCE
from .types import Dataset, Sample

_MISSING = 0.017
_SCATTER = {"pathway": 0.5, "class": 0.4, "mouse": 0.6, "protein": 0.5, "repeat": 0.3}
_AGREEMENT = 0.85


@dataclass(frozen=True, eq=False, repr=False)
class GroupedTasks(Sample):
    r"""Regressions that share the groups of their features, :math:`y_t = X_t w_t + \varepsilon_t`.

    Attributes
    ----------
    X, X_val, X_test : ndarray of shape (T, N, P)
        Inputs for training, for the choice of hyperparameters, and for a last judgement.
    Y, Y_val, Y_test : ndarray of shape (T, N)
    coef : ndarray of shape (T, P)
        The true coefficients, zero outside the groups that are active in a task.
    groups : ndarray of int, shape (P,)
        The group of each feature, from 0.
    noise : ndarray of shape (T,)
        Standard deviation of the noise of each task in the training set.
    """

    X: np.ndarray
    Y: np.ndarray
    X_val: np.ndarray
    Y_val: np.ndarray
    X_test: np.ndarray
    Y_test: np.ndarray
    coef: np.ndarray
    groups: np.ndarray
    noise: np.ndarray

    @property
    def theta(self):
        """Membership of features in groups as zeros and ones, of shape (P, L)."""
        return np.eye(self.groups.max() + 1)[self.groups]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ProteinExpression(Dataset):
    """Levels of proteins in the brains of mice, measured several times in each mouse.

    Attributes
    ----------
    levels : ndarray of shape (m, P)
        NaN where a level is missing. Rows of one mouse are not independent.
    proteins : tuple of str
    mouse : ndarray of str, shape (m,)
    labels : ndarray of int, shape (m,)
        Class of the mouse, an index of `names`.
    names : tuple of str
        Classes: genotype (c control, t trisomic), behaviour (CS stimulated to learn, SC not) and
        treatment (m memantine, s saline), as in "c-CS-m".
    pathways : ndarray of int, shape (P,), or None
        The group of each protein of simulated data.
    """

    levels: np.ndarray
    proteins: tuple
    mouse: np.ndarray
    labels: np.ndarray
    names: tuple
    pathways: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class AnimalAttributes(Dataset):
    """Animals and what people say of them.

    Attributes
    ----------
    binary : ndarray of shape (animals, attributes)
        One where an animal has an attribute, else zero.
    strength : ndarray of shape (animals, attributes)
        From 0 to 100, NaN where nobody was asked.
    animals, attributes : tuple of str
    families : ndarray of int, shape (animals,), or None
        The group of each animal of simulated data.
    """

    binary: np.ndarray
    strength: np.ndarray
    animals: tuple
    attributes: tuple
    families: np.ndarray | None = None


def make_grouped_tasks(
    n_tasks=500, n_samples=25, n_features=50, n_groups=5, *, active=1, noise=0.1,
    noise_unit="output", random_state=None,
):  # fmt: skip
    r"""Regression tasks in which whole groups of features are active or not.

    .. math:: y_t = X_t w_t + \varepsilon_t, \qquad
              w_t = \sum_{l \in A_t} \theta_l * g_t, \quad g_t \sim \mathcal{N}(0, I_P),

    where :math:`\theta_l` is the mask of group l and :math:`A_t` holds `active` groups at random.
    Entries of :math:`X_t` are Gaussian, its columns have length one. Groups are as equal in size as
    they can be. The defaults are the experiment of J. Frecon, S. Salzo, M. Pontil, "Bilevel
    learning of the group Lasso structure", NeurIPS 2018; the program its authors published draws
    20 samples with ``noise=0.2, noise_unit="signal"``.

    Parameters
    ----------
    n_tasks, n_samples, n_features, n_groups : int
        Samples of each task in each of the three sets (training, validation, test).
    active : int
        Groups that are not zero in a task.
    noise : float
        Standard deviation of the noise in units of `noise_unit`.
    noise_unit : {"output", "signal"}
        Whether `noise` is in the unit of the outputs, the same for all tasks, or a fraction of the
        standard deviation of :math:`X_t w_t`, which gives all tasks the same ratio.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    GroupedTasks

    Examples
    --------
    >>> tasks = make_grouped_tasks(4, 6, 10, 5, random_state=0)
    >>> tasks.groups.tolist(), tasks.X.shape, tasks.theta.shape
    ([0, 0, 1, 1, 2, 2, 3, 3, 4, 4], (4, 6, 10), (10, 5))
    """
    n_tasks, n_samples = check_count("n_tasks", n_tasks), check_count("n_samples", n_samples)
    n_groups = check_count("n_groups", n_groups)
    n_features = check_count("n_features", n_features, least=n_groups)
    if check_count("active", active) > n_groups:
        raise ValueError(f"active must be at most n_groups = {n_groups}, got {active}.")
    check_positive("noise", noise, allow_zero=True)
    check_option("noise_unit", noise_unit, ("output", "signal"))
    rng = np.random.default_rng(random_state)
    groups = np.arange(n_features) * n_groups // n_features
    chosen = rng.random((n_tasks, n_groups)).argsort(axis=1)[:, :active]
    present = np.any(chosen[:, :, None] == groups, axis=1)
    coef = present * rng.standard_normal((n_tasks, n_features))
    sets = [_regressions(rng, coef, n_samples, noise, noise_unit) for _ in range(3)]
    (X, Y, scatter), (X_val, Y_val, _), (X_test, Y_test, _) = sets
    return GroupedTasks(X, Y, X_val, Y_val, X_test, Y_test, coef, groups, scatter)


def make_proteins(
    mice=72, repeats=15, n_proteins=77, n_pathways=8, *, missing=_MISSING, random_state=None
):
    """Protein levels of mice of eight classes, in which whole pathways move together.

    The logarithm of a level is the sum of effects of the pathway in a repeat, of the pathway in a
    class (zero in half of the pathways), of the mouse, of the protein and of the measurement.

    Parameters
    ----------
    mice, repeats, n_proteins, n_pathways : int
    missing : float
        Fraction of levels that are missing at random.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    ProteinExpression
        With the true `pathways`.

    Examples
    --------
    >>> data = make_proteins(8, 3, 10, 2, random_state=0)
    >>> data.levels.shape, data.pathways.tolist()
    ((24, 10), [0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    """
    mice, repeats = check_count("mice", mice), check_count("repeats", repeats)
    n_pathways = check_count("n_pathways", n_pathways)
    n_proteins = check_count("n_proteins", n_proteins, least=n_pathways)
    check_positive("missing", missing, allow_zero=True)
    rng = np.random.default_rng(random_state)
    names = tuple(f"{g}-{b}-{t}" for g in "ct" for b in ("CS", "SC") for t in "ms")
    pathways = np.arange(n_proteins) * n_pathways // n_proteins
    owner = np.repeat(np.arange(mice), repeats)
    labels = owner % len(names)
    by_class = _SCATTER["class"] * rng.standard_normal((len(names), n_pathways))
    by_class[:, rng.permutation(n_pathways)[: n_pathways // 2]] = 0.0
    moving = by_class[labels] + _SCATTER["pathway"] * rng.standard_normal((len(owner), n_pathways))
    logs = moving[:, pathways]
    logs += _SCATTER["mouse"] * rng.standard_normal((mice, n_proteins))[owner]
    logs += _SCATTER["protein"] * rng.standard_normal(n_proteins)
    logs += _SCATTER["repeat"] * rng.standard_normal(logs.shape)
    return ProteinExpression(
        name="simulated proteins",
        units="expression, arbitrary",
        source=f"make_proteins(random_state={random_state!r})",
        **PROVENANCE,
        levels=np.where(rng.random(logs.shape) < missing, np.nan, np.exp(logs)),
        proteins=tuple(f"protein {p + 1}" for p in range(n_proteins)),
        mouse=np.array([f"mouse {k + 1}" for k in owner]),
        labels=labels,
        names=names,
        pathways=pathways,
    )


def make_animals(n_animals=50, n_attributes=85, n_families=6, *, random_state=None):
    """Animals of a few families that share most of their attributes.

    Parameters
    ----------
    n_animals, n_attributes, n_families : int
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    AnimalAttributes
        With the true `families`.

    Examples
    --------
    >>> data = make_animals(6, 20, 2, random_state=0)
    >>> data.binary.shape, data.families.tolist()
    ((6, 20), [0, 0, 0, 1, 1, 1])
    """
    n_attributes = check_count("n_attributes", n_attributes)
    n_families = check_count("n_families", n_families)
    n_animals = check_count("n_animals", n_animals, least=n_families)
    rng = np.random.default_rng(random_state)
    families = np.arange(n_animals) * n_families // n_animals
    typical = rng.random((n_families, n_attributes)) < 0.4
    agrees = rng.random((n_animals, n_attributes)) < _AGREEMENT
    binary = (typical[families] == agrees).astype(float)
    return AnimalAttributes(
        name="simulated animals",
        units="attributes: yes or no, and strength from 0 to 100",
        source=f"make_animals(random_state={random_state!r})",
        **PROVENANCE,
        binary=binary,
        strength=100.0 * rng.beta(1.0 + 4.0 * binary, 5.0 - 4.0 * binary),
        animals=tuple(f"animal {k + 1}" for k in range(n_animals)),
        attributes=tuple(f"attribute {k + 1}" for k in range(n_attributes)),
        families=families,
    )


def _regressions(rng, coef, n_samples, noise, unit):
    """Inputs with columns of length one, outputs, and the scatter of the noise of each task."""
    X = rng.standard_normal((len(coef), n_samples, coef.shape[1]))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    clean = np.einsum("tnp,tp->tn", X, coef)
    scatter = noise * (clean.std(axis=1) if unit == "signal" else np.ones(len(coef)))
    return X, clean + scatter[:, None] * rng.standard_normal(clean.shape), scatter
