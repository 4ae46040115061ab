"""Hidden chains whose states are known: what three ways of fitting recover."""

import time
import warnings
from dataclasses import dataclass

import numpy as np

from multiconvex import InputOutputHMM, KLSmoothness, datasets, hidden_markov_em
from multiconvex.diagnostics import match_labels, transition_matrix
from multiconvex.models.latent.designs import choice_loss
from multiconvex.models.latent.parameter_space import ParameterSpace
from multiconvex.models.latent.problem import SeparateFactors
from multiconvex.stopping import ConvergenceWarning

METHODS = {"labels": "labels", "EM": "em", "Viterbi": "viterbi"}
NORM = 0.5
_TOLERANCE = 0.02
_SIGNS = (1.0, -1.0, -1.0)


@dataclass(frozen=True, eq=False)
class Recovery:
    """What a fit of three states says of a chain whose states are known.

    Attributes
    ----------
    sequence : HiddenDecisions
    labels : ndarray of int, shape (m,)
        Renamed to agree with the true ones.
    raw_accuracy, accuracy : float
        Fraction of right labels, before and after they were renamed.
    parameters : ndarray, shape (3, n)
    transition, soft_transition : ndarray, shape (3, 3)
        The estimate, and what sums of products of label weights give instead.
    nats : float
        Mean negative log-likelihood of a trial of another, longer sequence.
    objective : float
        The least of all starts.
    best_starts : float
        Fraction of the starts that end within 1e-4 of it.
    seconds : float
        For all starts.
    """

    sequence: object
    labels: np.ndarray
    raw_accuracy: float
    accuracy: float
    parameters: np.ndarray
    transition: np.ndarray
    soft_transition: np.ndarray
    nats: float
    objective: float
    best_starts: float
    seconds: float

    @property
    def error(self):
        """The largest error of an entry of the transition matrix."""
        return float(np.abs(self.transition - self.sequence.transition).max())


def sign_constraints():
    """The first weight is at most zero in state 0 and at least zero in states 1 and 2."""
    return [(np.array([[sign, 0.0]]), np.zeros(1)) for sign in _SIGNS]


def recover(sequence, method="labels", *, weight=1.0, n_starts=2, random_state=0):
    """Fit three states to a simulated sequence, as the source does or by likelihood."""
    model = InputOutputHMM(
        3,
        inference=METHODS[method],
        factor_penalty=KLSmoothness(weight),
        norm=NORM,
        ridge=0.0,
        fit_intercept=False,
        constraint=sign_constraints(),
        n_starts=n_starts,
        tol=1e-6,
        random_state=random_state,
    )
    clock = time.perf_counter()
    model.fit(sequence.X, sequence.y)
    seconds = time.perf_counter() - clock
    match = match_labels(model.labels_, sequence.labels, 3)
    order = np.argsort(match.permutation)
    fresh = datasets.make_io_hmm(2000, random_state=1000 + random_state)
    objectives = model.result_.starts
    close = objectives <= objectives.min() + 1e-4 * (1.0 + abs(objectives.min()))
    return Recovery(
        sequence=sequence,
        labels=match.labels,
        raw_accuracy=float(np.mean(model.labels_ == sequence.labels)),
        accuracy=match.accuracy,
        parameters=model.coef_[order],
        transition=model.transition_[np.ix_(order, order)],
        soft_transition=count_softly(model.result_.z)[np.ix_(order, order)],
        nats=-model.score(fresh.X, fresh.y),
        objective=float(objectives.min()),
        best_starts=float(close.mean()),
        seconds=seconds,
    )


def count_softly(z):
    """Return rows of summed products of consecutive label weights, which are no transitions."""
    counts = z[:-1].T @ z[1:]
    counts[counts.sum(axis=1) == 0.0] = 1.0
    return counts / counts.sum(axis=1, keepdims=True)


def repeat_recoveries(sizes=(500, 1000), n_seeds=10):
    """Fit simulated sequences of each size in three ways.

    Returns
    -------
    dict of (int, str) to tuple of Recovery
    """
    return {
        (m, method): tuple(
            recover(datasets.make_io_hmm(m, random_state=seed), method, random_state=seed)
            for seed in range(n_seeds)
        )
        for m in sizes
        for method in METHODS
    }


def mean_stays(recoveries, size):
    """Return the mean probability to stay in a state, as a median over sequences of one size.

    Returns
    -------
    dict of str to float
        By counting the true labels; by counting the estimated ones; from products of label
        weights; by likelihood; and the truth.
    """
    fits, exact = recoveries[size, "labels"], recoveries[size, "EM"]
    matrices = {
        "true labels": [transition_matrix(fit.sequence.labels, 3) for fit in fits],
        "labels": [fit.transition for fit in fits],
        "products": [fit.soft_transition for fit in fits],
        "EM": [fit.transition for fit in exact],
        "truth": [fits[0].sequence.transition],
    }
    return {
        name: float(np.median([np.diag(matrix).mean() for matrix in each]))
        for name, each in matrices.items()
    }


def summarise_recoveries(recoveries):
    """Return one row for each size and way of fitting, and one for the true labels, counted."""
    rows = []
    for (m, method), fits in recoveries.items():
        errors = [fit.error for fit in fits]
        rows.append(
            {
                "trials": m,
                "fit": method,
                "accuracy": _three(np.median([fit.accuracy for fit in fits])),
                "worst": _three(min(fit.accuracy for fit in fits)),
                "error of P": _three(np.median(errors)),
                "worst error": _three(max(errors)),
                "new data (nats)": _three(np.mean([fit.nats for fit in fits])),
                "best starts": f"{np.mean([fit.best_starts for fit in fits]):.0%}",
                "ms": round(1000 * float(np.median([fit.seconds for fit in fits]))),
            }
        )
        if method == list(METHODS)[-1]:
            rows.append(_row_of_truth(m, [fit.sequence for fit in fits]))
    return rows


def _row_of_truth(m, sequences):
    errors = [_counting_error(sequence) for sequence in sequences]
    truth = {"fit": "true labels", "accuracy": "1", "worst": "1"}
    spread = {"error of P": _three(np.median(errors)), "worst error": _three(max(errors))}
    nothing = {"new data (nats)": None, "best starts": None, "ms": None}
    return {"trials": m, **truth, **spread, **nothing}


def _three(value):
    return f"{value:.3f}"


def _counting_error(sequence):
    counted = transition_matrix(sequence.labels, len(sequence.transition))
    return float(np.abs(counted - sequence.transition).max())


@dataclass(frozen=True, eq=False)
class CountingErrors:
    """Largest error of a transition matrix that is counted on the true labels.

    Attributes
    ----------
    sizes : ndarray of int
        Numbers of trials.
    low, median, high : ndarray
        Quantiles 0.05, 0.5 and 0.95 over chains.
    within : ndarray
        Fraction of the chains in which no entry is wrong by more than 0.02.
    tolerance : float
    """

    sizes: np.ndarray
    low: np.ndarray
    median: np.ndarray
    high: np.ndarray
    within: np.ndarray
    tolerance: float = _TOLERANCE


def count_true_labels(transition, n_chains=400, n_doublings=7, random_state=0):
    """Simulate chains from state 0 and count their transitions after 250, 500, ... trials."""
    rng = np.random.default_rng(random_state)
    sizes = 250 * 2 ** np.arange(n_doublings + 1)
    ladder = np.cumsum(transition, axis=1)[:, :-1]
    K, chains = len(transition), np.arange(n_chains)
    counts = np.zeros((n_chains, K, K))
    state = np.zeros(n_chains, dtype=int)
    errors = []
    for t in range(1, sizes[-1]):
        after = (rng.random(n_chains)[:, None] > ladder[state]).sum(axis=1)
        counts[chains, state, after] += 1.0
        state = after
        if t + 1 in sizes:
            totals = np.maximum(counts.sum(axis=2, keepdims=True), 1.0)
            errors.append(np.abs(counts / totals - transition).max(axis=(1, 2)))
    low, median, high = np.quantile(errors, [0.05, 0.5, 0.95], axis=1)
    within = np.mean(np.array(errors) <= _TOLERANCE, axis=1)
    return CountingErrors(sizes, low, median, high, within)


@dataclass(frozen=True, eq=False)
class ExpectationRun:
    """Expectation-maximisation from one start, through the engine.

    Attributes
    ----------
    result : Result
    likelihoods : ndarray
        Negative log-likelihood plus the norms of the parameters after each sweep, computed
        from the parameters alone.
    """

    result: object
    likelihoods: np.ndarray

    @property
    def gap(self):
        """Largest difference of the recorded objective and the likelihood."""
        return float(np.abs(self.result.trace.objective[1:] - self.likelihoods).max())


def run_expectation(sequence, random_state=0, max_iter=400):
    """Fit a simulated sequence by ``hidden_markov_em``; watch the likelihood from outside."""
    rng = np.random.default_rng(random_state)
    loss = choice_loss(sequence.X[:, None, :], sequence.y)
    spaces = [ParameterSpace.from_pair(pair, 2, norm=NORM) for pair in sign_constraints()]
    emission = SeparateFactors([loss] * 3, spaces)
    theta = emission.fit(rng.dirichlet(np.ones(3), len(sequence.y)), np.zeros(emission.shape))
    stay = 0.85 * np.eye(3) + 0.05
    seen = []

    def watch(sweep):
        theta, transition, initial = list(sweep.blocks.values())[:3]
        seen.append(
            path_likelihood(emission.values(theta), transition, initial)
            + NORM * np.linalg.norm(theta, axis=1).sum()
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = hidden_markov_em(
            emission, theta, stay, np.full(3, 1 / 3), max_iter=max_iter, tol=1e-10, callback=watch
        )
    return ExpectationRun(result, np.array(seen))


def path_likelihood(losses, transition, initial):
    """Return the negative log-likelihood by products of matrices, rescaled at each trial.

    Independent of the compiled recursions of the package.
    """
    mass, total = initial, 0.0
    for t, row in enumerate(losses):
        mass = (mass if t == 0 else mass @ transition) * np.exp(-row)
        total -= np.log(mass.sum())
        mass = mass / mass.sum()
    return float(total)
