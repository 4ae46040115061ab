"""Choices in sequence: strategies that are switched, and hidden states."""

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from multiconvex.checks import check_array, check_count
from multiconvex.estimators.latent_base import spaces_for
from multiconvex.estimators.sequence_base import SequenceEstimator
from multiconvex.models.latent.designs import (
    check_choices,
    choice_loss,
    lagged_design,
    monotone_constraint,
    with_intercept,
)


@dataclass(eq=False, repr=False)
class InputOutputHMM(SequenceEstimator):
    r"""Binary choices by one of several logistic rules, the rule being switched in time.

    .. math:: \min_{\theta, z} \; \sum_t \sum_k z_{tk} \bigl(\log(1 + e^{x_t^T \theta_k})
              - y_t x_t^T \theta_k\bigr) + \sum_k \bigl(\nu \|\theta_k\|_2
              + \tfrac{\rho}{2} \|\theta_k\|_2^2\bigr) + R_z(z)

    over labels in the simplex. The transition matrix is counted on the labels afterwards; it is
    no part of the objective, which is therefore not the likelihood of a hidden Markov model: the
    other two ways of inference fit that one.

    Parameters
    ----------
    n_states : int, default 2
    factor_penalty : LabelPenalty or None, default KLSmoothness(1.0)
        :math:`R_z`; None for labels that are independent.
    inference : {"labels", "em", "viterbi"}
        What is minimised: the problem above; the negative log-likelihood of a hidden Markov model,
        as :func:`multiconvex.hidden_markov_em`; or that of its best path, as
        :func:`multiconvex.viterbi_training`. The last two do without :math:`R_z`, and count each
        transition and each first state once more than the data show it.
    fit_intercept : bool, default True
        Whether a constant is added to the features; its coefficient comes last in constraints.
    ridge, norm : float, default 1e-3 and 0
        :math:`\rho` and :math:`\nu`.
    constraint : tuple of ndarray, or list of them, optional
        ``(A, b)`` for all states, or one pair (or None) for each.
    n_starts, init, max_iter, tol, n_jobs, callback, random_state
        As in :class:`multiconvex.ConstrainedKMeans`.

    Attributes
    ----------
    coef_ : ndarray, shape (n_states, n_features)
    intercept_ : ndarray, shape (n_states,)
    transition_ : ndarray, shape (n_states, n_states)
    initial_ : ndarray, shape (n_states,)
        Share of the trials in each state.
    labels_ : ndarray of int, shape (n_trials,)
    result_ : LatentFactorFit
    n_iter_, n_features_in_ : int

    Notes
    -----
    Guarantee: never increases the objective; ends at a blockwise minimiser.

    Cost: a few Newton steps of O(m n^2) for each state, and the step on the labels, per sweep.

    Chapter: :doc:`/chapters/latent_structure/hidden_strategies`

    References
    ----------
    H. Zhu, S. Yan, J. Hoffmann and J. Boedecker, "Multi-convex programming for discrete latent
    factor models prototyping", 2025, problem (6.13).

    Examples
    --------
    >>> from multiconvex import InputOutputHMM, KLSmoothness
    >>> from multiconvex.datasets import make_io_hmm
    >>> data = make_io_hmm(300, random_state=0)
    >>> model = InputOutputHMM(3, factor_penalty=KLSmoothness(1.0), fit_intercept=False)
    >>> model.fit(data.X, data.y).transition_.shape
    (3, 3)
    """

    _count: ClassVar[str] = "n_states"

    n_states: int = 2
    _: KW_ONLY
    fit_intercept: bool = True
    ridge: float = 1e-3
    norm: float = 0.0
    constraint: object = None

    def fit(self, X, y, breaks=()):
        """Fit the rules of the choices ``y`` (0 or 1) on the rows of ``X``, in order of time.

        ``breaks`` lists the rows where a new sequence begins.
        """
        result = self._fit_sequence(X, y, breaks=breaks)
        n = self.n_features_in_
        self.coef_ = result.parameters[:, :n]
        self.intercept_ = result.parameters[:, n:].sum(axis=1)
        return self

    def predict(self, X, y, breaks=()):
        """Return the most probable state of each trial, given all of them."""
        return self._assign(self._checked_loss(X, y), breaks)

    def log_likelihood(self, X, y, breaks=()):
        """Return the log probability of each choice given its features and the trials before."""
        return self._predicted(self._checked_loss(X, y), breaks)[1]

    def score(self, X, y, breaks=()):
        """Return the mean log probability of a choice given its features and the past."""
        return float(self.log_likelihood(X, y, breaks).mean())

    def _prepare(self, X, y, breaks=()):
        loss = self._loss(*validate_data(self, X, y, dtype=np.float64))
        return loss, self._connected(breaks)

    def _spaces(self, n_factors, loss):
        weights = {"ridge": self.ridge, "norm": self.norm}
        return spaces_for(self.constraint, n_factors, loss.n_parameters, **weights)

    def _checked_loss(self, X, y):
        check_is_fitted(self)
        return self._loss(*validate_data(self, X, y, dtype=np.float64, reset=False))

    def _loss(self, X, y):
        codes = check_choices("y", y, 2)
        return choice_loss((with_intercept(X) if self.fit_intercept else X)[:, None, :], codes)


@dataclass(eq=False, repr=False)
class ForgettingQLearning(SequenceEstimator):
    r"""Choices that follow recent rewards, by one of several strategies that are switched.

    .. math:: \min_{\theta, z} \; -\sum_t \sum_k z_{tk} \log
              \frac{e^{(X_t \theta_k)_{y_t}}}{\sum_i e^{(X_t \theta_k)_i}}
              + \sum_k \tfrac{\rho}{2} \|\theta_k\|_2^2 + R_z(z)

    over labels in the simplex. Column :math:`j` of :math:`X_t` marks the arm that was rewarded
    :math:`j` trials ago: a value that forgets, :math:`v \leftarrow \gamma v + \alpha u`, has
    :math:`\theta_j = \alpha \gamma^j`.

    Parameters
    ----------
    n_strategies : int, default 2
    n_lags : int, default 5
        Trials remembered.
    features : tuple of {"reward", "choice", "bias"}, default ("reward",)
        What the value of an arm depends on: rewards it gave, that it was chosen (habit), and the
        arm itself, against arm 0. Parameters come in this order.
    directions : sequence of {1, -1, 0}, optional
        For each strategy: 1 for effects of rewards that are nonnegative and fade, -1 for effects
        that are nonpositive and fade, 0 for free ones.
    factor_penalty : LabelPenalty or None, default KLSmoothness(1.0)
    inference : {"labels", "em", "viterbi"}
        As in :class:`multiconvex.InputOutputHMM`.
    ridge : float, default 1e-3
        :math:`\rho`; choices that a strategy explains perfectly need it.
    n_starts, init, max_iter, tol, n_jobs, callback, random_state
        As in :class:`multiconvex.ConstrainedKMeans`.

    Attributes
    ----------
    coef_ : ndarray, shape (n_strategies, n_parameters)
    n_arms_ : int
    transition_ : ndarray, shape (n_strategies, n_strategies)
    initial_ : ndarray, shape (n_strategies,)
        Share of the trials under each strategy.
    labels_ : ndarray of int, shape (n_trials,)
    result_ : LatentFactorFit
    n_iter_ : int

    Notes
    -----
    Guarantee: never increases the objective; ends at a blockwise minimiser.

    Cost: a few Newton steps of O(m p n^2) for each strategy, and the step on the labels, per
    sweep.

    Chapter: :doc:`/chapters/latent_structure/choices_that_forget`

    References
    ----------
    H. Zhu, S. Yan, J. Hoffmann and J. Boedecker, "Multi-convex programming for discrete latent
    factor models prototyping", 2025, problem (6.10).

    Examples
    --------
    >>> from multiconvex import ForgettingQLearning
    >>> from multiconvex.datasets import make_bandit_agent
    >>> agent = make_bandit_agent(random_state=0)
    >>> model = ForgettingQLearning(2, directions=(1, -1), random_state=0)
    >>> model.fit(agent.choice, agent.reward).coef_.shape
    (2, 5)
    """

    _count: ClassVar[str] = "n_strategies"

    n_strategies: int = 2
    _: KW_ONLY
    n_lags: int = 5
    features: tuple = ("reward",)
    directions: object = None
    ridge: float = 1e-3

    def fit(self, choice, reward, breaks=()):
        """Fit the strategies to choices (arms from 0) and rewards, in order of time.

        ``breaks`` lists the trials where a new session begins: nothing is remembered over them.
        """
        self.coef_ = self._fit_sequence(choice, reward, breaks=breaks).parameters
        return self

    def predict(self, choice, reward, breaks=()):
        """Return the strategy of each trial, given all of them."""
        check_is_fitted(self)
        return self._assign(self._loss(choice, reward, breaks), breaks)

    def log_likelihood(self, choice, reward, breaks=()):
        """Return the log probability of each choice given the trials before."""
        check_is_fitted(self)
        return self._predicted(self._loss(choice, reward, breaks), breaks)[1]

    def score(self, choice, reward, breaks=()):
        """Return the mean log probability of a choice given the past."""
        return float(self.log_likelihood(choice, reward, breaks).mean())

    def _prepare(self, choice, reward, breaks=()):
        self.n_arms_ = max(int(np.max(choice)) + 1, 2)
        return self._loss(choice, reward, breaks), self._connected(breaks)

    def _spaces(self, n_factors, loss):
        constraint = self._constraints(n_factors, loss.n_parameters)
        return spaces_for(constraint, n_factors, loss.n_parameters, ridge=self.ridge)

    def _loss(self, choice, reward, breaks):
        codes = check_choices("choice", choice, self.n_arms_)
        reward = check_array("reward", reward, ndim=1)
        if len(reward) != len(codes):
            raise ValueError(
                f"choice and reward must have one entry a trial, got {len(codes)} and "
                f"{len(reward)}."
            )
        n_lags = check_count("n_lags", self.n_lags)
        design = lagged_design(codes, reward, self.n_arms_, n_lags, self.features, breaks)
        return choice_loss(design, codes)

    def _constraints(self, n_strategies, size):
        if self.directions is None:
            return None
        if len(self.directions) != n_strategies or "reward" not in self.features:
            raise ValueError(
                f"directions must have one entry for each of the {n_strategies} strategies, and "
                f"'reward' among the features; got {self.directions} and {self.features}."
            )
        return [monotone_constraint(sign, self.n_lags, size) for sign in self.directions]
