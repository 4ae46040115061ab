"""Experiments of the chapter on choices that follow recent rewards."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import linprog

from multiconvex import (
    ForgettingQLearning,
    IndependentLabels,
    KLSmoothness,
    TotalVariation,
    datasets,
)
from multiconvex.models.latent.designs import choice_loss
from multiconvex.studies._mouse_choices import (
    MouseModel,
    Waiting,
    foresee_session,
    measure_bait,
    predict_choices,
)

__all__ = [
    "AgentFit",
    "AgentScore",
    "MouseModel",
    "RidgeFit",
    "SmoothedLabels",
    "StartScore",
    "Waiting",
    "compare_starts",
    "compare_with_program",
    "foresee_session",
    "label_losses",
    "measure_bait",
    "predict_choices",
    "relax_ridge",
    "score_agents",
    "smooth_labels",
    "sweep_weights",
]

fit_agent = partial(ForgettingQLearning, 2, directions=(1, -1), random_state=0)


@dataclass(frozen=True, eq=False)
class SmoothedLabels:
    """Labels of one noisy sequence under two penalties of the same weight.

    Attributes
    ----------
    weight : float
    truth : ndarray of int, shape (m,)
    evidence : ndarray, shape (m,)
        Loss of label 0 minus that of label 1: positive where the trial speaks for label 1.
    smooth, jumping : ndarray, shape (m,)
        Probability of label 1 under ``KLSmoothness`` and ``TotalVariation``.
    """

    weight: float
    truth: np.ndarray
    evidence: np.ndarray
    smooth: np.ndarray
    jumping: np.ndarray

    @property
    def equal_smooth(self):
        """Number of rows equal to the next one, to 1e-8, under the first penalty."""
        return _count_equal(self.smooth)

    @property
    def equal_jumping(self):
        """The same under the second penalty."""
        return _count_equal(self.jumping)


def _count_equal(probability):
    return int((np.abs(np.diff(probability)) < 1e-8).sum())


def smooth_labels(weight, noise=1.2, random_state=0):
    """Label 60 trials, of which the middle 20 are different, from noisy evidence."""
    rng = np.random.default_rng(random_state)
    truth = np.repeat([0, 1, 0], 20)
    evidence = 2.0 * truth - 1.0 + noise * rng.standard_normal(60)
    losses = np.column_stack([evidence, np.zeros(60)])
    start = np.full((60, 2), 0.5)
    return SmoothedLabels(
        weight=weight,
        truth=truth,
        evidence=evidence,
        smooth=KLSmoothness(weight).minimize(losses, start)[:, 1],
        jumping=TotalVariation(weight).minimize(losses, start)[:, 1],
    )


def compare_with_program(trials=60, m=15, random_state=0):
    """Largest difference between the dynamic program and a linear program over the simplex.

    Losses are Gaussian, weights uniform on [0, 3], the number of labels 2 to 4.
    """
    rng = np.random.default_rng(random_state)
    gaps = []
    for trial in range(trials):
        n_labels, weight = 2 + trial % 3, rng.uniform(0.0, 3.0)
        losses, penalty = rng.standard_normal((m, n_labels)), TotalVariation(weight)
        z = penalty.minimize(losses, np.full(losses.shape, 1.0 / n_labels))
        gaps.append(abs(np.vdot(losses, z) + penalty.value(z) - _solve_program(losses, weight)))
    return float(max(gaps))


def _solve_program(losses, weight):
    r"""Minimise over :math:`z` and :math:`u \ge |z_{t+1} - z_t|` with a general solver."""
    m, n_labels = losses.shape
    step = np.kron(np.diff(np.eye(m), axis=0), np.eye(n_labels))
    eye = np.eye(len(step))
    rows = np.kron(np.eye(m), np.ones(n_labels))
    solved = linprog(
        np.concatenate([losses.ravel(), np.full(len(step), weight / 2.0)]),
        A_ub=np.block([[step, -eye], [-step, -eye]]), b_ub=np.zeros(2 * len(step)),
        A_eq=np.hstack([rows, np.zeros((m, len(step)))]), b_eq=np.ones(m),
    )  # fmt: skip
    return solved.fun


def label_losses(agent):
    """Losses (m, K) of an agent's choices under its true parameters."""
    return choice_loss(agent.design, agent.choice).values(agent.parameters)


@dataclass(frozen=True, eq=False)
class AgentFit:
    """One weight of the label penalty, on one simulated agent.

    Attributes
    ----------
    weight : float
    labels : dict of str to ndarray of int, shape (m,)
        The true ones, then those of each penalty.
    parameters : dict of str to ndarray, shape (2, 5)
    accuracy : dict of str to float
    """

    weight: float
    labels: dict
    parameters: dict
    accuracy: dict


def sweep_weights(agent, weights, n_starts=4):
    """Fit an agent under both penalties of labels for each weight."""
    return tuple(_fit_weight(agent, weight, n_starts) for weight in weights)


def _fit_weight(agent, weight, n_starts):
    labels, parameters = {"truth": agent.labels}, {"truth": agent.parameters}
    for name, penalty in (("smooth", KLSmoothness(weight)), ("jumping", TotalVariation(weight))):
        model = fit_agent(factor_penalty=penalty, n_starts=n_starts)
        model.fit(agent.choice, agent.reward)
        labels[name], parameters[name] = model.labels_, model.coef_
    accuracy = {name: float(np.mean(found == agent.labels)) for name, found in labels.items()}
    return AgentFit(weight, labels, parameters, accuracy)


@dataclass(frozen=True)
class AgentScore:
    """Share of trials with the right label, over several agents.

    Attributes
    ----------
    penalty : str
    weight : float
    median, worst : float
        Of the fitted model.
    oracle_median, oracle_worst : float
        Of the label step with the true parameters.
    """

    penalty: str
    weight: float
    median: float
    worst: float
    oracle_median: float
    oracle_worst: float


def score_agents(seeds=10, n_starts=4):
    """Recover the labels of several agents without a penalty and with each of the two."""
    agents = [datasets.make_bandit_agent(random_state=seed) for seed in range(seeds)]
    penalties = (
        ("none", 0.0, IndependentLabels(), None),
        ("KLSmoothness", 1.0, KLSmoothness(1.0), KLSmoothness(1.0)),
        ("TotalVariation", 1.0, TotalVariation(1.0), TotalVariation(1.0)),
        ("TotalVariation", 2.0, TotalVariation(2.0), TotalVariation(2.0)),
    )
    scores = []
    for name, weight, step, penalty in penalties:
        fitted, known = [], []
        for agent in agents:
            model = fit_agent(factor_penalty=penalty, n_starts=n_starts)
            model.fit(agent.choice, agent.reward)
            oracle = step.minimize(label_losses(agent), np.full((len(agent.choice), 2), 0.5))
            fitted.append(np.mean(model.labels_ == agent.labels))
            known.append(np.mean(oracle.argmax(axis=1) == agent.labels))
        scores.append(
            AgentScore(name, weight, *(f(v) for v in (fitted, known) for f in (_median, _least)))
        )
    return tuple(scores)


def _median(values):
    return float(np.median(values))


def _least(values):
    return float(np.min(values))


@dataclass(frozen=True)
class RidgeFit:
    """The first parameter of the first strategy (9.9 in truth) at one weight of the ridge.

    Attributes
    ----------
    ridge : float
    independent, smooth, known : float
        With labels fitted without a penalty, with ``KLSmoothness(1)``, and with the true labels.
    """

    ridge: float
    independent: float
    smooth: float
    known: float


def relax_ridge(agent, ridges=(1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6), n_starts=4):
    """Fit an agent with less and less ridge, with three kinds of labels."""
    known = {"factor_penalty": None, "n_starts": 1, "init": agent.labels, "max_iter": 1, "tol": 0}
    kinds = {
        "independent": {"factor_penalty": None, "n_starts": n_starts},
        "smooth": {"factor_penalty": KLSmoothness(1.0), "n_starts": n_starts},
        "known": known,
    }
    return tuple(
        RidgeFit(
            ridge,
            **{
                name: float(_fitted(agent, ridge=ridge, **options).coef_[0, 0])
                for name, options in kinds.items()
            },
        )
        for ridge in ridges
    )


def _fitted(agent, **options):
    return fit_agent(**options).fit(agent.choice, agent.reward)


@dataclass(frozen=True)
class StartScore:
    """Total variation of weight 4 from one kind of start, over several agents.

    Attributes
    ----------
    start : str
    objective, accuracy : float
        Median over the agents.
    worst : float
        Least accuracy.
    single : int
        Number of agents whose trials all got one label.
    """

    start: str
    objective: float
    accuracy: float
    worst: float
    single: int


def compare_starts(seeds=10, weight=4.0):
    """Fit several agents under a heavy total variation from three kinds of starts."""
    runs = {"random weights": [], "ten of two kinds": [], "labels of KLSmoothness(1)": []}
    for seed in range(seeds):
        agent = datasets.make_bandit_agent(random_state=seed)
        weights = np.random.default_rng(seed).dirichlet(np.ones(2), len(agent.choice))
        smooth = _fitted(agent, factor_penalty=KLSmoothness(1.0), n_starts=1)
        begin = (
            {"n_starts": 1, "init": weights},
            {"n_starts": 10},
            {"n_starts": 1, "init": smooth.labels_},
        )
        for name, options in zip(runs, begin):
            model = _fitted(agent, factor_penalty=TotalVariation(weight), **options)
            labels = model.labels_
            runs[name].append(
                (model.result_.objective, np.mean(labels == agent.labels), np.ptp(labels) == 0)
            )
    return tuple(
        StartScore(name, _median(costs), _median(shares), _least(shares), int(sum(single)))
        for name, (costs, shares, single) in ((n, tuple(zip(*rows))) for n, rows in runs.items())
    )
