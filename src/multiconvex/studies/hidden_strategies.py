"""Experiments of the chapter on hidden strategies: one real mouse, and chains that are known."""

from dataclasses import dataclass, replace

import numpy as np

from multiconvex import InputOutputHMM, KLSmoothness
from multiconvex.models.latent.selection import breaks_within
from multiconvex.studies._hidden_chains import (
    METHODS,
    CountingErrors,
    ExpectationRun,
    Recovery,
    count_softly,
    count_true_labels,
    mean_stays,
    path_likelihood,
    recover,
    repeat_recoveries,
    run_expectation,
    sign_constraints,
    summarise_recoveries,
)

__all__ = [
    "METHODS",
    "CountingErrors",
    "ExpectationRun",
    "HeldOut",
    "Recovery",
    "Sessions",
    "States",
    "count_softly",
    "count_true_labels",
    "describe_sessions",
    "describe_states",
    "hold_out",
    "leak_answers",
    "mean_stays",
    "path_likelihood",
    "recover",
    "repeat_recoveries",
    "run_expectation",
    "sign_constraints",
    "split_sessions",
    "summarise_recoveries",
    "weigh_labels",
]

RIDGE = 0.1


@dataclass(frozen=True, eq=False)
class Sessions:
    """How often a mouse chose the right, session by session.

    Attributes
    ----------
    levels : ndarray
        The contrasts, positive on the right.
    curve : ndarray, shape (levels,)
        Fraction of choices of the right at each contrast.
    session_curves : ndarray, shape (sessions, levels)
    rightward, accuracy : ndarray, shape (sessions,)
        Fraction of choices of the right, and of right answers where there was contrast.
    """

    levels: np.ndarray
    curve: np.ndarray
    session_curves: np.ndarray
    rightward: np.ndarray
    accuracy: np.ndarray

    @property
    def best(self):
        """The session of highest accuracy."""
        return int(self.accuracy.argmax())

    @property
    def leftmost(self):
        """The session with the fewest choices of the right."""
        return int(self.rightward.argmin())

    @property
    def rightmost(self):
        """The session with the most choices of the right."""
        return int(self.rightward.argmax())


def describe_sessions(data):
    """Measure psychometric curves and accuracy of all sessions."""
    levels = np.unique(data.contrast)
    sides = [data.take_session(name) for name in data.sessions]
    shown = [one.contrast != 0.0 for one in sides]
    right = [(one.contrast > 0.0) == (one.choice == 1) for one in sides]
    return Sessions(
        levels=levels,
        curve=_psychometric(data.contrast, data.choice, levels),
        session_curves=np.array([_psychometric(s.contrast, s.choice, levels) for s in sides]),
        rightward=np.array([one.choice.mean() for one in sides]),
        accuracy=np.array([good[seen].mean() for good, seen in zip(right, shown)]),
    )


def _psychometric(contrast, choice, levels):
    """Return the mean of `choice` at each contrast, NaN where there is no trial."""
    return np.array(
        [choice[contrast == c].mean() if np.any(contrast == c) else np.nan for c in levels]
    )


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Nats per trial in sessions that were not fitted: lower is better.

    Attributes
    ----------
    counts : tuple of int
        Numbers of states.
    models : dict of (str, int) to InputOutputHMM
        By way of fitting and number of states.
    by_session : dict of str to ndarray, shape (counts, sessions left out)
        Mean negative log-likelihood of a trial given the past.
    bias : float
        Of the rate of choices of the right in the sessions that were fitted.
    """

    counts: tuple
    models: dict
    by_session: dict
    bias: float

    def nats(self, method):
        """Mean over sessions, for each number of states."""
        return self.by_session[method].mean(axis=1)

    def gain(self, one, other, method="EM"):
        """How much `other` states are better than `one`: mean over sessions, standard error."""
        values = self.by_session[method]
        gains = values[self.counts.index(one)] - values[self.counts.index(other)]
        return float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(len(gains)))

    def claimed(self, method, count):
        """Objective of the fit divided by the number of its trials."""
        result = self.models[method, count].result_
        return float(result.objective / len(result.labels))


def split_sessions(data):
    """Return which trials to fit: those of every other session, and those of the first 40."""
    number = np.searchsorted(np.array(data.breaks), np.arange(len(data.choice)), side="right")
    return {"every other session": number % 2 == 0, "the first 40 sessions": number < 40}


def hold_out(data, fitted, counts=(1, 2, 3, 4), methods=("labels", "EM"), weight=1.0):
    """Fit the trials marked in `fitted`, predict the others one at a time.

    Parameters
    ----------
    data : DecisionTrials
    fitted : ndarray of bool
        Whole sessions.
    counts : tuple of int
    methods : tuple of str
        Among the keys of ``METHODS``.
    weight : float
        Of the penalty of labels.
    """
    left = np.flatnonzero(~fitted)
    breaks = breaks_within(data.breaks, left)
    starts = np.array([0, *breaks])
    lengths = np.diff([*starts, len(left)])
    models = {
        (method, count): _fit(data, np.flatnonzero(fitted), method, count, weight)
        for method in methods
        for count in counts
    }
    scores = {}
    for method in methods:
        each = [
            models[method, count].log_likelihood(data.design[left, :3], data.choice[left], breaks)
            for count in counts
        ]
        scores[method] = -np.add.reduceat(np.array(each), starts, axis=1) / lengths
    rate = data.choice[fitted].mean()
    bias = -np.mean(np.log(np.where(data.choice[left] == 1, rate, 1.0 - rate)))
    return HeldOut(tuple(counts), models, scores, float(bias))


def _fit(data, rows, method, n_states, weight):
    model = InputOutputHMM(
        n_states,
        inference=METHODS[method],
        factor_penalty=KLSmoothness(weight),
        ridge=RIDGE,
        n_starts=2,
        max_iter=1000,
        tol=1e-6,
        random_state=0,
    )
    return model.fit(data.design[rows, :3], data.choice[rows], breaks_within(data.breaks, rows))


@dataclass(frozen=True, eq=False)
class States:
    """The states of a mouse: the one that looks most first, then by side, left to right.

    Attributes
    ----------
    weights : ndarray, shape (K, 4)
        Of contrast, previous choice, win-stay lose-switch and bias.
    transition : ndarray, shape (K, K)
    labels : ndarray of int, shape (m,)
        The most probable state of every trial, of sessions that were fitted or not.
    shares : ndarray, shape (sessions, K)
        Fraction of each session in each state.
    levels : ndarray
    observed, predicted : ndarray, shape (K, levels)
        Fraction of choices of the right at each contrast among the trials shown, and the mean
        probability that the state gives those trials.
    """

    weights: np.ndarray
    transition: np.ndarray
    labels: np.ndarray
    shares: np.ndarray
    levels: np.ndarray
    observed: np.ndarray
    predicted: np.ndarray

    @property
    def dwell(self):
        """Mean number of trials that a state lasts."""
        with np.errstate(divide="ignore"):
            return 1.0 / (1.0 - np.diag(self.transition))

    @property
    def names(self):
        """What the states do, in words, such as to look or to prefer a side."""
        sides = ["left" if bias < 0.0 else "right" for bias in self.weights[1:, 3]]
        numbers = [
            f" {sides[: k + 1].count(side)}" if sides.count(side) > 1 else ""
            for k, side in enumerate(sides)
        ]
        return ("looks", *(f"prefers {side}{number}" for side, number in zip(sides, numbers)))

    def rows(self):
        """Rows of a table of weights."""
        columns = ("contrast", "previous choice", "win-stay lose-switch", "bias")
        return [
            {
                "state": name,
                **{
                    column: f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
                    for column, value in zip(columns, weights)
                },
                "share": f"{np.mean(self.labels == k):.0%}",
                "lasts (trials)": f"{self.dwell[k]:.0f}",
            }
            for k, (name, weights) in enumerate(zip(self.names, self.weights))
        ]


def describe_states(data, model, shown):
    """Describe the states of a fitted model; the curves are over the trials marked in `shown`."""
    weights = np.column_stack([model.coef_, model.intercept_])
    looks = int(weights[:, 0].argmax())
    order = np.array([looks, *(k for k in np.argsort(weights[:, 3]) if k != looks)])
    weights, K = weights[order], len(order)
    labels = np.argsort(order)[model.predict(data.design[:, :3], data.choice, data.breaks)]
    chances = 1.0 / (1.0 + np.exp(-data.design @ weights.T))
    levels = np.unique(data.contrast)
    states = [shown & (labels == k) for k in range(K)]
    sessions = np.split(labels, data.breaks)
    return States(
        weights=weights,
        transition=model.transition_[np.ix_(order, order)],
        labels=labels,
        shares=np.array([np.bincount(s, minlength=K) / len(s) for s in sessions]),
        levels=levels,
        observed=np.array(
            [_psychometric(data.contrast[s], data.choice[s], levels) for s in states]
        ),
        predicted=np.array(
            [_psychometric(data.contrast[s], chances[s, k], levels) for k, s in enumerate(states)]
        ),
    )


def weigh_labels(data, fitted, weights=(0.3, 1.0, 3.0, 10.0)):
    """Return one row for each weight of the penalty: what three states by labels are worth."""
    rows = []
    for weight in weights:
        held = hold_out(data, fitted, (3,), ("labels",), weight=weight)
        states = describe_states(data, held.models["labels", 3], ~fitted)
        rows.append(
            {
                "weight": weight,
                "nats left out": float(held.nats("labels")[0]),
                "looking lasts (trials)": float(states.dwell[0]),
                "weight of contrast": float(states.weights[0, 0]),
            }
        )
    return rows


def leak_answers(data):
    """Put into first trials what the published file says: the trial's own choice and outcome.

    Returns
    -------
    DecisionTrials
    """
    first = np.array([0, *data.breaks])
    own = 2.0 * data.choice[first] - 1.0
    side = np.where(data.contrast[first] == 0.0, own, np.sign(data.contrast[first]))
    previous, advice = data.previous_choice.copy(), data.win_stay_lose_switch.copy()
    previous[first], advice[first] = own, side
    return replace(data, previous_choice=previous, win_stay_lose_switch=advice)
