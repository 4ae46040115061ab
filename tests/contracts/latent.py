"""Seeded losses of latent factor models, and their convex optima by a general solver."""

from itertools import product

import cvxpy as cp
import numpy as np
from scipy.optimize import nnls

from multiconvex.models.latent.designs import choice_loss
from multiconvex.models.latent.links import Huber, Logistic, LogSumExp, Power, Square
from multiconvex.models.latent.parameter_space import ParameterSpace
from multiconvex.models.latent.problem import SeparateFactors
from multiconvex.models.latent.sample_losses import AffineLoss, CentreLoss, SquaredLoss
from multiconvex.models.latent.starts import fit_from_starts

ATOMS = {
    Square: lambda u, link: cp.square(u),
    Power: lambda u, link: cp.power(cp.abs(u), link.p, approx=False),
    Huber: lambda u, link: cp.huber(u, link.delta),
    Logistic: lambda u, link: cp.logistic(u),
}
CLOSE = {"solver": "CLARABEL", "tol_gap_abs": 1e-8, "tol_gap_rel": 1e-8, "tol_feas": 1e-8}


def draw_loss(link, rng, *, m=40, q=1, n=3, linear=True):
    """Return a loss of random predictors, with the linear term that makes choices of it."""
    design, offset = rng.standard_normal((m, q, n)), rng.standard_normal((m, q))
    if isinstance(link, Square):
        return SquaredLoss(design, offset)
    if not linear:
        return AffineLoss(link, design, offset)
    chosen = -design[np.arange(m), rng.integers(q, size=m)]
    return AffineLoss(link, design, offset, rng.integers(2, size=(m, 1)) * chosen, rng.random(m))


def as_expression(loss, theta):
    """Return the loss of each sample as a convex expression of a variable."""
    predictors = [
        loss.design[:, j] @ theta + loss.offset[:, j] for j in range(loss.design.shape[1])
    ]
    if isinstance(loss.link, LogSumExp):
        total = cp.log_sum_exp(cp.vstack(predictors), axis=0)
    else:
        total = sum(ATOMS[type(loss.link)](u, loss.link) for u in predictors)
    if loss.linear is not None:
        total = total + loss.linear @ theta
    return total if loss.constant is None else total + loss.constant


def convex_fit(loss, weights, space):
    """Return the optimal value of a weighted fit over a parameter space."""
    theta = cp.Variable(loss.n_parameters)
    cost = weights @ as_expression(loss, theta) + 0.5 * space.ridge * cp.sum_squares(theta)
    cost = cost + space.norm * cp.norm(theta, 2)
    constraints = [] if space.free else [space.matrix @ theta <= space.bound]
    return cp.Problem(cp.Minimize(cost), constraints).solve(**CLOSE)


def stationarity(loss, weights, space, theta):
    """Return how far the pull at ``theta`` is from the normals of tight constraints, relatively.

    0 at a minimiser of a differentiable cost.
    """
    gradient = loss.derivatives(weights, theta)[0]
    size = np.abs(weights) @ np.linalg.norm(loss.design, axis=(1, 2)) + np.linalg.norm(gradient)
    gradient = gradient + space.ridge * theta
    if space.norm:
        gradient = gradient + space.norm * theta / np.linalg.norm(theta)
    tight = space.matrix[space.matrix @ theta >= space.bound - 1e-8 * (1.0 + np.abs(space.bound))]
    left = nnls(tight.T, -gradient)[1] if tight.size else np.linalg.norm(gradient)
    return left / size


def simulated(name, rng, *, m=30, n_factors=3):
    """Return the emission of one kind of model on random data."""
    space = ParameterSpace.from_pair(None, 3)
    if name == "centres":
        loss = CentreLoss(rng.normal(size=(m, 3)))
    elif name == "bounded centres":
        loss, space = CentreLoss(rng.normal(size=(m, 3))), ParameterSpace(np.eye(3), np.zeros(3))
    elif name == "squares":
        loss = draw_loss(Square(), rng, m=m)
    elif name == "bounded squares":
        loss = draw_loss(Square(), rng, m=m)
        space = ParameterSpace(rng.normal(size=(3, 3)), rng.random(3), ridge=0.5)
    elif name in RESIDUALS:
        loss = draw_loss(RESIDUALS[name], rng, m=m, linear=False)
    else:
        loss = choice_loss(rng.normal(size=(m, CHOICES[name], 3)), rng.integers(2, size=m))
        space = ParameterSpace.from_pair(None, 3, ridge=1e-2, norm=0.5 * (CHOICES[name] > 1))
    return SeparateFactors([loss] * n_factors, [space] * n_factors)


RESIDUALS = {"absolute": Power(1.0), "power": Power(1.5), "huber": Huber(0.3)}
CHOICES = {"logistic": 1, "softmax": 3}
KINDS = ("centres", "bounded centres", "squares", "bounded squares", *RESIDUALS, *CHOICES)


def fit_problem(problem, **options):
    """Fit from starts with the defaults of the models."""
    defaults = {"n_starts": 3, "init": None, "random_state": 0, "max_iter": 200, "tol": 1e-10}
    return fit_from_starts(problem, **{**defaults, "n_jobs": None, "callback": None, **options})


def best_of_all_labels(emission, penalty=None):
    """Return the least objective over all one-hot labels, the parameters being fitted to each."""
    m, n_factors = emission.n_samples, emission.n_factors
    costs = []
    for labels in product(range(n_factors), repeat=m):
        z = np.eye(n_factors)[list(labels)]
        thetas = emission.fit(z, np.zeros(emission.shape))
        cost = np.vdot(z, emission.values(thetas)) + emission.penalty(thetas)
        costs.append(cost + (0.0 if penalty is None else penalty.value(z)))
    return min(costs)
