"""Discrete latent factor models: ready-made models against alternating compiled CVXPY problems.

The peer is the listing of the source, written anew: a problem over the parameters and a problem
over the labels, each compiled once with the other's outcome as its data, solved in turns until
their objectives agree to 1e-6.
"""

import warnings
from functools import partial

import cvxpy as cp
import numpy as np
from harness import Case
from scipy.special import kl_div

from multiconvex import (
    ConstrainedKMeans,
    ForgettingQLearning,
    InputOutputHMM,
    KLSmoothness,
    LatentFactorModel,
    MixtureOfLinearRegressions,
    datasets,
)

_MAX_SWEEPS = 200


def alternate_compiled(losses, constraints, z, *, penalty=0, smoothness=0.0):
    """Alternate between the two problems from the labels ``z``; return the final objective."""
    m, K = z.shape
    weights = cp.Parameter((m, K), nonneg=True, value=z)
    fitted = cp.sum(cp.multiply(weights, cp.vstack(losses).T))
    parameters = cp.Problem(cp.Minimize(fitted + penalty), constraints)
    costs = cp.Parameter((K, m))
    labels = cp.Variable((m, K))
    assigned = cp.sum(cp.multiply(labels, costs.T))
    roughness = smoothness * cp.sum(cp.kl_div(labels[:-1], labels[1:])) if smoothness else 0.0
    simplex = [labels >= 0, labels <= 1, cp.sum(labels, axis=1) == 1]
    factors = cp.Problem(cp.Minimize(assigned + roughness), simplex)
    for _ in range(_MAX_SWEEPS):
        parameters.solve()
        costs.value = cp.vstack(losses).value
        factors.solve()
        if abs(fitted.value - assigned.value) < 1e-6:
            break
        weights.value = np.abs(labels.value)
    # the solver leaves entries of -1e-12, where the divergence is infinite
    z = np.maximum(labels.value, 1e-10)
    z /= z.sum(axis=1, keepdims=True)
    rough = smoothness * kl_div(z[:-1], z[1:]).sum()
    return float(np.vdot(z, costs.value.T) + rough) + (penalty.value if penalty else 0.0)


def started(data, K, seed=0):
    """Return the data and the labels both sides start from."""
    m = len(data.X) if hasattr(data, "X") else len(data.choice)
    return data, np.random.default_rng(seed).dirichlet(np.ones(K), size=m)


def kmeans_ours(given):
    data, z = given
    model = ConstrainedKMeans(z.shape[1], constraint=(data.A, data.b), n_starts=1, init=z)
    return model.fit(data.X).inertia_


def kmeans_peer(given):
    data, z = given
    centres = [cp.Variable((1, 2)) for _ in z.T]
    losses = [cp.sum(cp.square(data.X - centre), axis=1) for centre in centres]
    return alternate_compiled(losses, [data.b[:, None] >= data.A @ c.T for c in centres], z)


def regressions_ours(given):
    data, z = given
    model = MixtureOfLinearRegressions(z.shape[1], fit_intercept=False, n_starts=1, init=z)
    return model.fit(data.X, data.y).result_.objective


def regressions_peer(given):
    data, z = given
    thetas = [cp.Variable(data.X.shape[1]) for _ in z.T]
    return alternate_compiled([cp.square(data.X @ theta - data.y) for theta in thetas], [], z)


def learning_ours(given):
    data, z = given
    model = ForgettingQLearning(
        2, directions=(1, -1), factor_penalty=KLSmoothness(1.0), ridge=0.0, n_starts=1, init=z
    )
    return model.fit(data.choice, data.reward).result_.objective


def learning_peer(given):
    data, z = given
    thetas = [cp.Variable(5) for _ in z.T]
    chosen = np.eye(3)[data.choice]
    values = [cp.vstack([data.design[:, a] @ theta for a in range(3)]).T for theta in thetas]
    losses = [cp.log_sum_exp(v, axis=1) - cp.sum(cp.multiply(chosen, v), axis=1) for v in values]
    first, second = thetas
    shapes = [first >= 0, cp.diff(first) <= 0, second <= 0, cp.diff(second) >= 0]
    return alternate_compiled(losses, shapes, z, smoothness=1.0)


def states_ours(given):
    data, z = given
    falling, rising = (np.array([[sign, 0.0]]) for sign in (1.0, -1.0))
    model = InputOutputHMM(
        3,
        factor_penalty=KLSmoothness(1.0),
        constraint=[(row, np.zeros(1)) for row in (falling, rising, rising)],
        fit_intercept=False,
        ridge=0.0,
        norm=0.5,
        n_starts=1,
        init=z,
    )
    return model.fit(data.X, data.y).result_.objective


def states_peer(given):
    data, z = given
    thetas = [cp.Variable(2) for _ in z.T]
    scores = [data.X @ theta for theta in thetas]
    losses = [cp.logistic(score) - cp.multiply(data.y, score) for score in scores]
    signs = [thetas[0][0] <= 0, thetas[1][0] >= 0, thetas[2][0] >= 0]
    penalty = 0.5 * sum(cp.norm(theta) for theta in thetas)
    return alternate_compiled(losses, signs, z, penalty=penalty, smoothness=1.0)


def one_sweep_formulas(given):
    data, z = given
    thetas = [cp.Variable(data.X.shape[1]) for _ in z.T]
    losses = [cp.square(data.X @ theta - data.y) for theta in thetas]
    model = LatentFactorModel(thetas, losses)
    return model.fit(n_starts=1, init=z, max_iter=1, tol=0).objective


def one_sweep_compiled(given):
    data, z = given
    thetas = [cp.Variable(data.X.shape[1]) for _ in z.T]
    losses = cp.vstack([cp.square(data.X @ theta - data.y) for theta in thetas])
    weights = cp.Parameter(z.shape, nonneg=True, value=z)
    cp.Problem(cp.Minimize(cp.sum(cp.multiply(weights, losses.T)))).solve()
    return float(losses.value.min(axis=0).sum())


def relative_gap(ours, peer):
    return abs(ours - peer) / abs(peer)


def quiet(peer):
    """Return the peer without the warnings of its solver, which repeat on every solve."""

    def run(given):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return peer(given)

    return run


def case(name, simulate, K, ours, peer, target, **options):
    return Case(
        name=name,
        setup=lambda: started(simulate(random_state=0), K),
        ours=ours,
        peer=quiet(peer),
        peer_name="alternating compiled CVXPY problems",
        target=target,
        gap=relative_gap,
        largest_gap=1e-6,
        **{"repetitions": 3, **options},
    )


CASES = (
    case(
        "constrained k-means, m = 500, K = 4",
        partial(datasets.make_diamond, 500), 4, kmeans_ours, kmeans_peer, 1000,
        calls=100, peer_calls=3,
    ),
    case(
        "mixture of regressions, m = 500, n = 10, K = 3",
        partial(datasets.make_regression_mixture, 500), 3, regressions_ours, regressions_peer, 100,
        calls=100, peer_calls=3,
    ),
    case(
        "forgetting Q-learning, m = 200, K = 2, KL smoothness",
        partial(datasets.make_bandit_agent, 200), 2, learning_ours, learning_peer, 20,
    ),
    case(
        "input-output HMM, m = 1000, K = 3, KL smoothness",
        partial(datasets.make_io_hmm, 1000), 3, states_ours, states_peer, 20,
    ),
    case(
        "one sweep from formulas, m = 2000, n = 10, K = 3",
        partial(datasets.make_regression_mixture, 2000), 3,
        one_sweep_formulas, one_sweep_compiled, 20,
    ),
)  # fmt: skip
