"""A mouse that forages: how rewards are laid out, and how well its next choice is predicted."""

from dataclasses import dataclass, replace

import numpy as np

from multiconvex import ForgettingQLearning, KLSmoothness

_LAGS, _RIDGE, _TOL = 10, 1.0, 1e-5
_WEIGHTS = (10.0, 30.0)
_INPUTS = {"rewards": ("reward",), "rewards, choices, side": ("reward", "choice", "bias")}


@dataclass(frozen=True)
class Waiting:
    """How often a side pays after it has not been taken for some trials.

    Attributes
    ----------
    trials : int
        Since the side was last taken, 1 for a choice that is repeated.
    paid : float
        Share of rewarded choices.
    unbaited, baited : float
        What a fresh draw in each trial, and a reward that waits, would give.
    choices : int
    """

    trials: int
    paid: float
    unbaited: float
    baited: float
    choices: int


def measure_bait(data, probability=0.4, longest=4):
    """Compare the rewards of a side with both laws, where its probability has this value."""
    waits, paid = [], []
    since = np.zeros(2, int)
    starts = set(data.breaks)
    for t, (side, reward, chances) in enumerate(zip(data.choice, data.reward, data.probabilities)):
        since = np.zeros(2, int) if t in starts else since
        since = np.where(np.isclose(chances, probability), since + 1, 0)
        if side < 0:
            continue
        if since[side]:
            waits.append(since[side])
            paid.append(reward)
        since[side] = 0
    waits, paid = np.array(waits), np.array(paid)
    return tuple(
        Waiting(
            trials=t,
            paid=float(paid[waits == t].mean()),
            unbaited=probability,
            baited=1.0 - (1.0 - probability) ** t,
            choices=int((waits == t).sum()),
        )
        for t in range(1, longest + 1)
    )


@dataclass(frozen=True, eq=False)
class MouseModel:
    """A model of the choices of a mouse, scored on sessions it has not seen.

    Attributes
    ----------
    inputs : str
        What a choice may depend on.
    strategies : int
    weight : float or None
        Of the label penalty, chosen on training sessions.
    nats : ndarray, shape (sessions,)
        Mean log-probability of a choice given the past, in each session that was left out.
    trials : ndarray of int, shape (sessions,)
    coef : ndarray, shape (strategies, n), or None
    changes : tuple of int
        Changes of label within sessions and between sessions, in the training data.
    borders, trained : int
        Number of borders between sessions, and of trials, in the training data.
    """

    inputs: str
    strategies: int
    weight: float | None
    nats: np.ndarray
    trials: np.ndarray
    coef: np.ndarray | None = None
    changes: tuple = (0, 0)
    borders: int = 0
    trained: int = 0

    @property
    def mean(self):
        """Mean over all the trials that were left out."""
        return float(self.nats @ self.trials / self.trials.sum())

    def gain(self, other):
        """Mean difference over sessions to another model, its standard error, and sessions won."""
        gains = self.nats - other.nats
        return (
            float(gains.mean()),
            float(gains.std(ddof=1) / np.sqrt(len(gains))),
            int((gains > 0).sum()),
        )

    def row(self):
        """What the table of the chapter shows."""
        return {
            "inputs": self.inputs,
            "strategies": self.strategies,
            "λ": self.weight,
            "nats per trial": self.mean,
            "median session": float(np.median(self.nats)),
            "worst session": float(self.nats.min()),
        }


def predict_choices(data, counts=(1, 2, 3)):
    """Train on every other session, score on those between.

    The weight of the penalty is chosen by fitting two thirds of the training sessions and scoring
    the last third. All else is the same for every model.

    Returns
    -------
    dict of (str, int) to MouseModel
        By inputs and number of strategies; the first is ``("side", 1)``, a constant preference.
    """
    answered = data.without_misses()
    names = answered.sessions
    training, held_out = names[::2], names[1::2]
    sets = {
        "training": _take(answered, training),
        "fitted": _take(answered, [name for k, name in enumerate(training) if k % 3 < 2]),
        "validation": _take(answered, training[2::3]),
        "held out": _take(answered, held_out),
    }
    models = {("side", 1): _constant(sets["training"], sets["held out"])}
    for inputs in _INPUTS:
        for count in counts:
            models[inputs, count] = _score(inputs, count, sets)
    return models


def _score(inputs, count, sets):
    validation = {
        weight: _scored(_fit(sets["fitted"], inputs, count, weight), sets["validation"])
        for weight in (_WEIGHTS if count > 1 else (0.0,))
    }
    weight = max(validation, key=validation.get)
    model = _fit(sets["training"], inputs, count, weight)
    left_out, training = sets["held out"], sets["training"]
    logs = model.log_likelihood(left_out.choice, left_out.reward, left_out.breaks)
    changed = np.diff(model.labels_) != 0
    between = changed[np.array(training.breaks) - 1].sum()
    return MouseModel(
        inputs=inputs,
        strategies=count,
        weight=weight if count > 1 else None,
        **_by_session(logs, left_out),
        coef=model.coef_,
        changes=(int(changed.sum() - between), int(between)),
        borders=len(training.breaks),
        trained=len(training.choice),
    )


def _fit(sessions, inputs, count, weight):
    model = ForgettingQLearning(
        count, n_lags=_LAGS, features=_INPUTS[inputs], factor_penalty=KLSmoothness(weight),
        ridge=_RIDGE, n_starts=1, tol=_TOL, random_state=0,
    )  # fmt: skip
    return model.fit(sessions.choice, sessions.reward, sessions.breaks)


def _scored(model, sessions):
    return model.score(sessions.choice, sessions.reward, sessions.breaks)


def _constant(training, left_out):
    right = training.choice.mean()
    logs = np.log(np.where(left_out.choice == 1, right, 1.0 - right))
    return MouseModel("side", 1, None, **_by_session(logs, left_out))


def _by_session(logs, sessions):
    starts = np.array([0, *sessions.breaks])
    trials = np.diff([*starts, len(logs)])
    return {"nats": np.add.reduceat(logs, starts) / trials, "trials": trials}


def _take(data, names):
    keep = np.isin(data.session, names)
    kept = {field: getattr(data, field) for field in data.by_trial}
    return replace(data, **{field: v[keep] for field, v in kept.items() if v is not None})


def foresee_session(session, trained=300, count=2):
    """Fit the first trials of one session and score the others.

    Returns
    -------
    dict of int to float
        Mean log-probability of the later choices, with one strategy and with ``count``.
    """
    answered = session.without_misses()
    begin, end = slice(trained), slice(trained, None)
    nats = {}
    for strategies in (1, count):
        model = ForgettingQLearning(
            strategies, n_lags=_LAGS, features=_INPUTS["rewards, choices, side"],
            factor_penalty=KLSmoothness(_WEIGHTS[0]), ridge=_RIDGE, n_starts=4, random_state=0,
        )  # fmt: skip
        model.fit(answered.choice[begin], answered.reward[begin])
        nats[strategies] = model.score(answered.choice[end], answered.reward[end])
    return nats
