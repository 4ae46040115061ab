"""Mixtures of logistic regressions: coins, rankings and people who are asked again."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_softmax

from multiconvex import MixtureOfLogisticRegressions, match_labels
from multiconvex.models.latent.links import Logistic
from multiconvex.models.latent.parameter_space import ParameterSpace
from multiconvex.models.latent.problem import LatentFactorProblem, SeparateFactors
from multiconvex.models.latent.sample_losses import AffineLoss
from multiconvex.models.latent.starts import fit_from_starts


@dataclass(frozen=True)
class CoinFlips:
    """Fair coins, explained by features that have nothing to do with them.

    Attributes
    ----------
    components : int
    loss : float
        Mean loss of a flip under its own component.
    heldout : float
        Mean log-likelihood of other flips under the mixture.
    """

    components: int
    loss: float
    heldout: float


def explain_coins(counts=(1, 2), n_samples=300, random_state=0):
    """Fit mixtures of logistic regressions to coin flips, and judge them by other flips."""
    rng = np.random.default_rng(random_state)
    X, unseen = rng.standard_normal((2, n_samples, 2))
    flips, others = rng.integers(0, 2, (2, n_samples))
    rows = []
    for count in counts:
        model = MixtureOfLogisticRegressions(count, random_state=random_state).fit(X, flips)
        loss = model.result_.objective - 0.5 * model.ridge * np.sum(model.result_.parameters**2)
        heldout = model.log_likelihood(unseen, others).mean()
        rows.append(CoinFlips(count, float(loss / n_samples), float(heldout)))
    return rows


@dataclass(frozen=True, eq=False)
class Rankings:
    """Choices of one of three options by two populations.

    Attributes
    ----------
    X : ndarray, shape (m, 2)
    choice, labels : ndarray of int, shape (m,)
    assigned : ndarray of int, shape (m,)
        Estimated population.
    accuracy, oracle : float
        Of the fit, and of the true parameters.
    """

    X: np.ndarray
    choice: np.ndarray
    labels: np.ndarray
    assigned: np.ndarray
    accuracy: float
    oracle: float


def recover_rankings(n_samples=600, ridge=1.0, random_state=0):
    """Fit two populations that prefer different options at the same place.

    Each option has a direction, the three 120 degrees apart; the second population takes every
    option where the first one takes the next.
    """
    rng = np.random.default_rng(random_state)
    angles = np.deg2rad([0.0, 120.0, 240.0])
    first = 4.0 * np.column_stack([np.cos(angles), np.sin(angles)])
    populations = np.stack([first, np.roll(first, -1, axis=0)])
    X = rng.uniform(-1.0, 1.0, (n_samples, 2))
    labels = rng.integers(0, 2, n_samples)
    chances = log_softmax(np.einsum("kcn,in->ikc", populations, X), axis=2)
    own = np.exp(chances[np.arange(n_samples), labels])
    choice = (rng.random(n_samples)[:, None] > own.cumsum(axis=1)[:, :-1]).sum(axis=1)
    model = MixtureOfLogisticRegressions(
        2, fit_intercept=False, ridge=ridge, n_starts=20, random_state=random_state
    ).fit(X, choice)
    match = match_labels(model.labels_, labels, 2)
    likely = chances[np.arange(n_samples), :, choice].argmax(axis=1)
    return Rankings(
        X, choice, labels, match.labels, match.accuracy, float((likely == labels).mean())
    )


@dataclass(frozen=True, eq=False)
class Questionnaire:
    """Share of people put into the right group, by the number of answers each one gives.

    Attributes
    ----------
    answers : tuple of int
    accuracy, oracle : ndarray
        Medians over samples, for the fit and for the true parameters.
    """

    answers: tuple
    accuracy: np.ndarray
    oracle: np.ndarray


def ask_repeatedly(answers=(1, 2, 4, 8, 16), people=200, samples=5, random_state=0):
    """Fit two groups of people whose answers follow two logistic laws, one label for a person."""
    shares = [[_ask(people, count, random_state + s) for s in range(samples)] for count in answers]
    accuracy, oracle = np.median(shares, axis=1).T
    return Questionnaire(tuple(answers), accuracy, oracle)


def _ask(people, answers, random_state):
    """Return the shares of right labels of the fit and of the true parameters."""
    rng = np.random.default_rng(random_state)
    truth = np.array([[2.0, 1.0], [-1.0, 2.0]])
    labels = rng.integers(0, 2, people)
    X = rng.standard_normal((people, answers, 2))
    yes = rng.random((people, answers)) < expit(np.einsum("iqn,in->iq", X, truth[labels]))
    loss = AffineLoss(Logistic(), np.where(yes, -1.0, 1.0)[:, :, None] * X, np.zeros(yes.shape))
    spaces = [ParameterSpace.from_pair(None, 2, ridge=0.01)] * 2
    best, _ = fit_from_starts(
        LatentFactorProblem(SeparateFactors([loss] * 2, spaces)),
        n_starts=5,
        init=None,
        random_state=rng,
        max_iter=200,
        tol=1e-8,
        n_jobs=None,
        callback=None,
    )
    fitted = match_labels(best.blocks["z"].argmax(axis=1), labels, 2).accuracy
    nearest = loss.values(truth).argmin(axis=1)
    return fitted, float((nearest == labels).mean())
