"""Simulated animals: sessions of trials with strategies that are known."""

import numpy as np

from multiconvex.checks import check_count

from . import _agents as agents
from .simulated import PROVENANCE
from .trials import DecisionTrials, ForagingSessions

_FORAGERS = ((3.0, 1.8, 1.1, 0.65, 0.4), (0.6, 0.5, 0.4, 0.3, 0.25))
_PAIRS = np.array(
    [(0.4, 0.05), (0.386, 0.064), (0.338, 0.113), (0.225, 0.225), (0.113, 0.338), (0.064, 0.386),
     (0.05, 0.4)]
)  # fmt: skip
_BLOCK_LENGTHS = (40, 111)
_OBSERVERS = ((12.0, 0.2, 0.2, 0.0), (5.0, 0.4, 0.3, -1.0), (5.0, 0.4, 0.3, 1.0))
_STICKY = ((0.96, 0.02, 0.02), (0.02, 0.96, 0.02), (0.02, 0.02, 0.96))
_CONTRASTS = (-1.0, -0.25, -0.125, -0.0625, 0.0, 0.0625, 0.125, 0.25, 1.0)


def make_foraging(
    sessions=50, trials=520, *, parameters=_FORAGERS, stay=0.99, missed=0.18, random_state=None
):
    """Sessions of a two-armed bandit with bait, played by a forgetting Q-learner.

    The probabilities of reward are redrawn every 40 to 110 trials. A reward that is not collected
    waits on its side. The agent follows one of its strategies and changes it now and then; what it
    remembers are its last answered trials (as in :func:`make_bandit_agent`).

    Parameters
    ----------
    sessions : int
    trials : int or sequence of int
        Length of every session, or of each.
    parameters : array of shape (K, n)
        Weight of the rewards of the last n answered trials, one strategy a row, K at least 2.
    stay : float
        Probability of the same strategy in the next trial; the others share the rest.
    missed : float
        Probability that a trial gets no response, independent of everything else.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    ForagingSessions
        With the true `labels` and `parameters`. Sessions are named from 1.

    Examples
    --------
    >>> data = make_foraging(sessions=3, trials=(100, 80, 120), random_state=0)
    >>> data.sessions, data.breaks
    ((1, 2, 3), (100, 180))
    """
    parameters = agents.check_parameters(parameters)
    n_labels = check_count("the number of strategies", len(parameters), least=2)
    stay, missed = agents.check_probabilities("stay and missed", (stay, missed), ndim=1)
    rng = np.random.default_rng(random_state)
    lengths = _lengths(sessions, trials)
    transition = np.full((n_labels, n_labels), (1.0 - stay) / (n_labels - 1))
    np.fill_diagonal(transition, stay)
    played = []
    for m in lengths:
        labels = _chain(rng, transition, m)
        probabilities = _blocks(rng, m)
        idle = rng.random(m) < missed
        choice, reward, _ = agents.forage(
            rng, parameters, labels, probabilities, missed=idle, baited=True
        )
        played.append(
            {"labels": labels, "probabilities": probabilities, "choice": choice, "reward": reward}
        )
    return ForagingSessions(
        name="simulated foraging",
        units="choices: 0 left, 1 right, -1 none",
        source=f"make_foraging(random_state={random_state!r})",
        **PROVENANCE,
        parameters=parameters,
        **_joined(played),
    )


def make_decisions(
    sessions=56, trials=90, *, parameters=_OBSERVERS, transition=_STICKY, random_state=None
):
    """Sessions of a visual decision task, by strategies that follow each other as a Markov chain.

    The probability of a choice of the right is logistic in the inputs of
    :attr:`DecisionTrials.design`; without contrast the rewarded side is drawn.

    Parameters
    ----------
    sessions : int
    trials : int or sequence of int
        Length of every session, or of each.
    parameters : array of shape (K, 4)
        Weights of contrast, previous choice, win-stay lose-switch and bias, one strategy a row. By
        default one looks, two prefer a side.
    transition : array of shape (K, K)
        Rows sum to one. Every strategy is as likely to start a session.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    DecisionTrials
        With the true `labels`, `parameters` and `transition`. Sessions are named from 1.

    Examples
    --------
    >>> data = make_decisions(sessions=2, trials=50, random_state=0)
    >>> data.design.shape, data.breaks
    ((100, 4), (50,))
    """
    parameters = agents.check_parameters(parameters)
    if parameters.shape[1] != 4:
        raise ValueError(
            f"parameters must have 4 columns, one for each of {DecisionTrials.columns}, got "
            f"{parameters.shape[1]}."
        )
    n_labels = len(parameters)
    transition = agents.check_distribution("transition", transition, (n_labels, n_labels))
    rng = np.random.default_rng(random_state)
    lengths = _lengths(sessions, trials)
    played = []
    for m in lengths:
        labels = _chain(rng, transition, m)
        played.append({"labels": labels, **_decide(rng, parameters[labels])})
    return DecisionTrials(
        name="simulated decisions",
        units="contrast: fraction, positive on the right; choices: 0 left, 1 right",
        source=f"make_decisions(random_state={random_state!r})",
        **PROVENANCE,
        parameters=parameters,
        transition=transition,
        **_joined(played),
    )


def _chain(rng, transition, m):
    """Labels of one session, which every strategy is as likely to start."""
    n_labels = len(transition)
    return agents.hidden_states(rng, transition, np.full(n_labels, 1.0 / n_labels), m)


def _joined(played):
    """The arrays of all sessions one after the other, with the number of the session."""
    lengths = [len(arrays["choice"]) for arrays in played]
    joined = {name: np.concatenate([arrays[name] for arrays in played]) for name in played[0]}
    return {"session": np.repeat(np.arange(1, len(played) + 1), lengths), **joined}


def _decide(rng, weights):
    """Contrasts of one session and the choices made on them, trial by trial."""
    m = len(weights)
    contrast = rng.choice(_CONTRASTS, size=m)
    side = np.where(contrast == 0, rng.choice((-1.0, 1.0), size=m), np.sign(contrast))
    before, advice = np.zeros(m), np.zeros(m)
    choice = np.zeros(m, int)
    chance = rng.random(m)
    for t in range(m):
        if t > 0:
            before[t] = 2.0 * choice[t - 1] - 1.0
            advice[t] = side[t - 1]
        inputs = np.array([contrast[t], before[t], advice[t], 1.0])
        choice[t] = chance[t] < agents.logistic(weights[t] @ inputs)
    return {
        "contrast": contrast,
        "previous_choice": before,
        "win_stay_lose_switch": advice,
        "choice": choice,
    }


def _blocks(rng, m):
    """Probabilities of reward of `m` trials, constant over blocks."""
    lengths = rng.integers(*_BLOCK_LENGTHS, size=m // _BLOCK_LENGTHS[0] + 1)
    pairs = rng.integers(len(_PAIRS), size=len(lengths))
    return np.repeat(_PAIRS[pairs], lengths, axis=0)[:m]


def _lengths(sessions, trials):
    """The length of each session."""
    sessions = check_count("sessions", sessions)
    lengths = [trials] * sessions if np.ndim(trials) == 0 else list(trials)
    if len(lengths) != sessions:
        raise ValueError(
            f"trials must be one number or {sessions} of them, one a session, got {len(lengths)}."
        )
    return [check_count("trials", m) for m in lengths]
