"""Samples of discrete latent factor models whose labels are known.

Sizes and parameters are those of section 6 of H. Zhu, S. Yan, J. Hoffmann and J. Boedecker,
"Multi-convex programming for discrete latent factor models prototyping", 2025, unless others are
given.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from multiconvex.checks import check_count, check_positive

from ._agents import (
    check_distribution,
    check_parameters,
    check_probabilities,
    forage,
    hidden_states,
    logistic,
)
from .types import Sample

_POLYHEDRON = ((0.8, 0.6), (-0.7, 0.9), (-1.0, -0.5), (1.0, -1.0), (0.3, 0.9))
_BOUNDS = (1.0, 0.8, 0.6, 0.7, 0.8)
_REGRESSIONS = (
    (-1.47, 0.07, 0.16, -2.02, 0.14, 0.33, 0.71, 0.80, 1.53, -0.26),
    (-0.12, 1.38, -1.25, 0.88, -0.80, 1.33, -1.43, -0.42, 0.90, -0.47),
    (1.14, -1.33, 0.16, 0.23, -1.20, -0.90, 1.40, 0.98, -1.11, 0.60),
)
_MIXING = (0.4, 0.3, 0.3)
_FORGETTING = ((9.9, 9.9e-2, 9.9e-4, 9.9e-6, 9.9e-8), (-4.0, -0.8, -0.16, -0.032, -0.0064))
_ARMS = (0.1, 0.2, 0.7)
_DECISIONS = ((-2.0, 0.0), (2.0, 6.0), (3.0, -5.0))
_TRANSITION = ((0.90, 0.05, 0.05), (0.01, 0.98, 0.01), (0.03, 0.02, 0.95))
_INITIAL = (1.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False, repr=False)
class DiamondPoints(Sample):
    r"""Points near a diamond, and the polyhedron ``A x <= b`` their centres must lie in.

    Attributes
    ----------
    X : ndarray of shape (m, 2)
    clean : ndarray of shape (m, 2)
        The points before noise, of l1 norm 2.
    A : ndarray of shape (5, 2)
    b : ndarray of shape (5,)
    """

    X: np.ndarray
    clean: np.ndarray
    A: np.ndarray
    b: np.ndarray

    @property
    def vertices(self):
        """Corners of the polyhedron in counter-clockwise order, of shape (5, 2)."""
        pairs = combinations(range(len(self.b)), 2)
        crossings = np.array([np.linalg.solve(self.A[[i, j]], self.b[[i, j]]) for i, j in pairs])
        corners = crossings[np.all(crossings @ self.A.T <= self.b + 1e-9, axis=1)]
        around = corners - corners.mean(axis=0)
        return corners[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]


@dataclass(frozen=True, eq=False, repr=False)
class RegressionMixture(Sample):
    """Samples of several linear models, and which model made each.

    Attributes
    ----------
    X : ndarray of shape (m, n)
    y : ndarray of shape (m,)
    labels : ndarray of int, shape (m,)
    parameters : ndarray of shape (K, n)
    mixing : ndarray of shape (K,)
        Probability of each model.
    """

    X: np.ndarray
    y: np.ndarray
    labels: np.ndarray
    parameters: np.ndarray
    mixing: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class BanditAgent(Sample):
    """Choices of an agent among arms that pay, and the parameters behind each.

    Attributes
    ----------
    choice : ndarray of int, shape (m,)
        The arm, from 0.
    reward : ndarray of int, shape (m,)
        1 where it paid, else 0.
    labels : ndarray of int, shape (m,)
    parameters : ndarray of shape (K, n)
        Weight of the rewards of the last n trials, the last one first.
    design : ndarray of shape (m, arms, n)
        What the agent sees: ``design[t, i, j]`` is the reward of arm i in trial t-1-j.
    probabilities : ndarray of shape (arms,)
        Probability that each arm pays.
    """

    choice: np.ndarray
    reward: np.ndarray
    labels: np.ndarray
    parameters: np.ndarray
    design: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class HiddenDecisions(Sample):
    """Binary decisions on inputs, by strategies that follow each other as a Markov chain.

    Attributes
    ----------
    X : ndarray of shape (m, n)
        The last column is one.
    y : ndarray of int, shape (m,)
        0 or 1.
    labels : ndarray of int, shape (m,)
    parameters : ndarray of shape (K, n)
    transition : ndarray of shape (K, K)
        ``transition[i, j]`` is the probability of label j after label i.
    initial : ndarray of shape (K,)
    """

    X: np.ndarray
    y: np.ndarray
    labels: np.ndarray
    parameters: np.ndarray
    transition: np.ndarray
    initial: np.ndarray


def make_diamond(n_samples=500, *, noise=0.05, random_state=None):
    r"""Points around a diamond for constrained k-means, and the constraint on the centres.

    .. math:: x_i = \bar x_i + v_i, \quad \|\bar x_i\|_1 = 2, \quad v_i \sim
              \mathcal{N}(0, \text{noise}^2 I)

    with :math:`\bar x_i` uniform along the four edges (equations 6.1 and 6.2 of the source).

    Parameters
    ----------
    n_samples : int
    noise : float
        Standard deviation.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    DiamondPoints

    Examples
    --------
    >>> import numpy as np
    >>> points = make_diamond(100, random_state=0)
    >>> bool(np.allclose(np.abs(points.clean).sum(axis=1), 2))
    True
    >>> points.vertices.shape
    (5, 2)
    """
    m = check_count("n_samples", n_samples)
    check_positive("noise", noise, allow_zero=True)
    rng = np.random.default_rng(random_state)
    corners = 2.0 * np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0]])
    place = rng.uniform(0.0, 4.0, m)
    clean = np.column_stack([np.interp(place, np.arange(5), corners[:, i]) for i in range(2)])
    return DiamondPoints(
        X=clean + noise * rng.standard_normal((m, 2)),
        clean=clean,
        A=np.array(_POLYHEDRON),
        b=np.array(_BOUNDS),
    )


def make_regression_mixture(
    n_samples=500, *, parameters=_REGRESSIONS, mixing=_MIXING, bound=10.0, noise=1.5,
    random_state=None,
):  # fmt: skip
    r"""Samples of a mixture of linear regressions.

    .. math:: x_i \sim \mathcal{U}(-\text{bound}, \text{bound})^n, \quad
              \hat z_i \sim \mathrm{Cat}(\text{mixing}), \quad
              y_i \sim \mathcal{N}(x_i^\top \theta_{\hat z_i}, \text{noise}^2)

    Parameters
    ----------
    n_samples : int
    parameters : array of shape (K, n)
        Coefficients of each model; by default the three of the source (section 6.2).
    mixing : array of shape (K,)
        Probability of each model.
    bound : float
    noise : float
        Standard deviation.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    RegressionMixture

    Examples
    --------
    >>> make_regression_mixture(random_state=0)
    RegressionMixture(X=(500, 10), y=(500,), labels=(500,), parameters=(3, 10), mixing=(3,))
    """
    m = check_count("n_samples", n_samples)
    parameters = check_parameters(parameters)
    n_labels, n = parameters.shape
    mixing = check_distribution("mixing", mixing, (n_labels,))
    check_positive("bound", bound)
    check_positive("noise", noise, allow_zero=True)
    rng = np.random.default_rng(random_state)
    X = rng.uniform(-bound, bound, (m, n))
    labels = rng.choice(n_labels, size=m, p=mixing)
    clean = np.sum(X * parameters[labels], axis=1)
    y = clean + noise * rng.standard_normal(m)
    return RegressionMixture(X, y, labels, parameters, mixing)


def make_bandit_agent(
    n_samples=200, *, parameters=_FORGETTING, probabilities=_ARMS, period=20, random_state=None
):
    r"""Choices of a forgetting Q-learner that changes its parameters every `period` trials.

    Before trial t the agent values arm i at

    .. math:: v_i(t) = \sum_{j=0}^{n-1} u_i(t-1-j) \, \theta_{\hat z(t), j},
              \qquad \mathrm{prob}(i) \propto e^{v_i(t)},

    where :math:`u_i(t)` is one if arm i was taken in trial t and paid, else zero (equations 6.7 to
    6.9 of the source, with the time of a reward that of its choice).

    Parameters
    ----------
    n_samples : int
    parameters : array of shape (K, n)
        By default the two of the source: one exploits the arm that has paid, one avoids it.
    probabilities : array of shape (arms,)
        Probability that each arm pays.
    period : int
        Trials between two changes; labels run through 0, ..., K-1 in turn.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    BanditAgent

    Examples
    --------
    >>> agent = make_bandit_agent(random_state=0)
    >>> agent.design.shape, agent.labels[[0, 19, 20, 40]].tolist()
    ((200, 3, 5), [0, 0, 1, 0])
    """
    m, period = check_count("n_samples", n_samples), check_count("period", period)
    parameters = check_parameters(parameters)
    probabilities = check_probabilities("probabilities", probabilities, ndim=1)
    rng = np.random.default_rng(random_state)
    labels = np.arange(m) // period % len(parameters)
    choice, reward, design = forage(
        rng,
        parameters,
        labels,
        np.tile(probabilities, (m, 1)),
        missed=np.zeros(m, bool),
        baited=False,
    )
    return BanditAgent(choice, reward, labels, parameters, design, probabilities)


def make_io_hmm(
    n_samples=500, *, parameters=_DECISIONS, transition=_TRANSITION, initial=_INITIAL, bound=5.0,
    random_state=None,
):  # fmt: skip
    r"""One sequence of an input-output hidden Markov model with logistic outputs.

    .. math:: \hat z(0) \sim \mathrm{Cat}(\text{initial}), \quad
              \hat z(t) \sim \mathrm{Cat}(\text{transition}_{\hat z(t-1)}), \quad
              \mathrm{prob}(y(t) = 1) = \frac{1}{1 + e^{-x(t)^\top \theta_{\hat z(t)}}}

    with :math:`x(t)` uniform in a box and a last entry one (section 6.4 of the source).

    Parameters
    ----------
    n_samples : int
    parameters : array of shape (K, n)
        The last column is the bias; by default the three strategies of the source.
    transition : array of shape (K, K)
        Rows sum to one.
    initial : array of shape (K,)
        Probabilities of the first label.
    bound : float
        Inputs lie between ``-bound`` and ``bound``.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    HiddenDecisions

    Examples
    --------
    >>> sequence = make_io_hmm(random_state=0)
    >>> sequence.X.shape, int(sequence.labels[0])
    ((500, 2), 0)
    """
    m = check_count("n_samples", n_samples)
    parameters = check_parameters(parameters)
    n_labels, n = parameters.shape
    transition = check_distribution("transition", transition, (n_labels, n_labels))
    initial = check_distribution("initial", initial, (n_labels,))
    check_positive("bound", bound)
    rng = np.random.default_rng(random_state)
    X = np.column_stack([rng.uniform(-bound, bound, (m, n - 1)), np.ones(m)])
    labels = hidden_states(rng, transition, initial, m)
    right = logistic(np.sum(X * parameters[labels], axis=1))
    y = (rng.random(m) < right).astype(int)
    return HiddenDecisions(X, y, labels, parameters, transition, initial)
