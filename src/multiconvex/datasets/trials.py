"""What the loaders and the simulators of behaviour return: one row a trial, in sessions."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from .types import Dataset


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Trials(Dataset):
    """Trials of one animal in the order they happened, session after session.

    Attributes
    ----------
    session : ndarray of shape (m,)
        The session of each trial.
    choice : ndarray of int, shape (m,)
        0 is left, 1 is right, -1 no response.
    labels : ndarray of int, shape (m,), or None
        The strategy behind each trial of simulated data.
    parameters : ndarray of shape (K, n) or None
        The strategies of simulated data, one a row.
    """

    session: np.ndarray
    choice: np.ndarray
    labels: np.ndarray | None = None
    parameters: np.ndarray | None = None

    by_trial: ClassVar[tuple] = ("session", "choice", "labels")

    @property
    def breaks(self):
        """Indices at which a session after the first begins, a tuple of int.

        No latent label carries over a break: it is what the penalties of labels and
        ``transition_matrix`` take under this name.
        """
        return tuple((np.flatnonzero(self.session[1:] != self.session[:-1]) + 1).tolist())

    @property
    def sessions(self):
        """Names of the sessions, in the order they happened, a tuple."""
        return tuple(self.session[[0, *self.breaks]].tolist())

    def take_session(self, name):
        """The trials of one session, misses included, as the same type.

        Raises
        ------
        ValueError
            When `name` is none of `sessions`.
        """
        if name not in self.sessions:
            first, last = self.sessions[0], self.sessions[-1]
            raise ValueError(
                f"{self.name} has no session {name!r}: choose one of its `sessions`, from "
                f"{first!r} to {last!r}"
            )
        return self._only(self.session == name)

    def _only(self, keep):
        kept = {field: getattr(self, field) for field in self.by_trial}
        return replace(
            self, **{field: value[keep] for field, value in kept.items() if value is not None}
        )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ForagingSessions(Trials):
    """Choices between two sides that pay with probabilities that change without notice.

    Attributes
    ----------
    reward : ndarray of int, shape (m,)
        1 where the choice was rewarded, else 0, and 0 where there was no response.
    probabilities : ndarray of shape (m, 2)
        Probability that a reward is newly put on the left and on the right before the trial.
    """

    reward: np.ndarray
    probabilities: np.ndarray

    by_trial: ClassVar[tuple] = (*Trials.by_trial, "reward", "probabilities")

    @property
    def missed(self):
        """True where the animal did not respond, an ndarray of bool of shape (m,)."""
        return self.choice < 0

    def without_misses(self):
        """The trials with a response, as the same type.

        A model that reads the last few trials then reads the last few *answered* ones: time
        during misses does not count.
        """
        return self._only(~self.missed)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DecisionTrials(Trials):
    """Choices of the side on which a stimulus was seen.

    Attributes
    ----------
    contrast : ndarray of shape (m,)
        Contrast of the stimulus, a fraction: positive on the right, negative on the left.
    previous_choice : ndarray of shape (m,)
        1 after a choice of the right, -1 after the left, 0 in the first trial of a session.
    win_stay_lose_switch : ndarray of shape (m,)
        The side that was right in the previous trial: `previous_choice` where that was rewarded,
        its opposite where it was not, 0 in the first trial of a session.
    transition : ndarray of shape (K, K) or None
        Probabilities of the next strategy in simulated data, rows sum to one.
    """

    contrast: np.ndarray
    previous_choice: np.ndarray
    win_stay_lose_switch: np.ndarray
    transition: np.ndarray | None = None

    by_trial: ClassVar[tuple] = (
        *Trials.by_trial, "contrast", "previous_choice", "win_stay_lose_switch",
    )  # fmt: skip
    columns: ClassVar[tuple] = ("contrast", "previous choice", "win-stay lose-switch", "bias")

    @property
    def design(self):
        """The inputs of a generalised linear model, of shape (m, 4), named by `columns`.

        The last column is one. Contrasts are as shown, between -1 and 1: nothing is standardised.
        """
        inputs = (self.contrast, self.previous_choice, self.win_stay_lose_switch)
        return np.column_stack([*inputs, np.ones(len(self.contrast))])
