"""Classification tasks named after animals, made from what people say of animals."""

from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from multiconvex import datasets

N_FAMILIES = 5
N_FEATURES = 15
_LENGTH = 3.0
_TEST = 400


@dataclass(frozen=True, eq=False)
class Animals:
    """What is said of animals, in families.

    Attributes
    ----------
    names : tuple of str
    strength : ndarray, shape (animals, attributes)
        Between 0 and 1; 0 where nobody was asked.
    families : ndarray of int, shape (animals,)
    note : str
        Where the numbers come from.
    """

    names: tuple
    strength: np.ndarray
    families: np.ndarray
    note: str


@dataclass(frozen=True, eq=False)
class AnimalTasks:
    """One task for each animal, some with few samples.

    Attributes
    ----------
    X, Y, X_test, Y_test : list of ndarray
    families : ndarray of int
    poor : ndarray of bool
        The tasks with few samples.
    """

    X: list
    Y: list
    X_test: list
    Y_test: list
    families: np.ndarray
    poor: np.ndarray


def load_families(n_families=N_FAMILIES):
    """Group animals by their attributes, with Ward's method."""
    data = datasets.load_or_simulate("animals")
    strength = np.nan_to_num(data.strength) / 100.0
    families = fcluster(linkage(strength, "ward"), n_families, "maxclust") - 1
    return Animals(data.animals, strength, families, data.note or "The table is real.")


def make_family_tasks(animals, n_samples=60, few=20, n_poor=10, directions=1, random_state=0):
    r"""Draw tasks whose weights span few directions in each family.

    Weights of a family are combinations of ``directions`` random directions, by the principal
    coordinates of its attributes, at length 3; labels are Bernoulli with log-odds
    :math:`\langle x, w_t \rangle` and x is Gaussian.
    """
    rng = np.random.default_rng(random_state)
    weights = np.zeros((len(animals.names), N_FEATURES))
    for family in np.unique(animals.families):
        members = animals.families == family
        spread = animals.strength[members] - animals.strength[members].mean(axis=0)
        left, singular, _ = np.linalg.svd(spread, full_matrices=False)
        basis = np.linalg.qr(rng.standard_normal((N_FEATURES, directions)))[0]
        weights[members] = (left * singular)[:, :directions] @ basis.T
    weights *= _LENGTH / np.linalg.norm(weights, axis=1, keepdims=True)
    poor = _some(len(weights), n_poor, rng)

    def draw(counts):
        X = [rng.standard_normal((count, N_FEATURES)) for count in counts]
        odds = [table @ w for table, w in zip(X, weights)]
        return X, [(rng.random(len(z)) < 1.0 / (1.0 + np.exp(-z))).astype(float) for z in odds]

    counts = np.where(poor, few, n_samples)
    return AnimalTasks(*draw(counts), *draw(np.full(len(poor), _TEST)), animals.families, poor)


def make_picture_tasks(animals, n_samples=40, few=8, n_poor=10, random_state=0):
    """Draw pictures in which attributes are seen as often as people name them.

    Task t tells its animal from the others, half and half. Attributes are independent given the
    animal, and their principal coordinates over all animals are the features.
    """
    rng = np.random.default_rng(random_state)
    n_tasks = len(animals.names)
    centred = animals.strength - animals.strength.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:N_FEATURES]
    scale = np.sqrt(np.mean((centred @ axes.T) ** 2, axis=0))
    poor = _some(n_tasks, n_poor, rng)

    def draw(counts):
        X, Y = [], []
        for t, count in enumerate(counts):
            others = rng.choice(np.delete(np.arange(n_tasks), t), count // 2)
            shown = np.concatenate([np.full(count // 2, t), others])
            seen = rng.random((len(shown), len(centred.T))) < animals.strength[shown]
            X.append((seen - animals.strength.mean(axis=0)) @ axes.T / scale)
            Y.append((shown == t).astype(float))
        return X, Y

    counts = np.where(poor, few, n_samples)
    return AnimalTasks(*draw(counts), *draw(np.full(n_tasks, _TEST)), animals.families, poor)


def _some(n_tasks, count, rng):
    return np.isin(np.arange(n_tasks), rng.permutation(n_tasks)[:count])
