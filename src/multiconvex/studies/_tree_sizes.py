"""How large trees grow, what a stopped search knows, and what noise does to supports."""

from dataclasses import dataclass

import numpy as np

from multiconvex.pursuit import pursue
from multiconvex.regression import nnls
from multiconvex.sparse_regression import sparse_nnls
from multiconvex.sparse_search import search
from multiconvex.studies._support_trees import count_supports, plant, plant_codes


@dataclass(frozen=True, eq=False)
class TreeSizes:
    """Numbers of nodes against the number of columns that the truth combines.

    Attributes
    ----------
    k, rank : int
    nonzeros : tuple of int
    nodes : ndarray, shape (len(nonzeros), problems)
    most : int
        Sets of at least k columns, which no tree can exceed.
    """

    k: int
    rank: int
    nonzeros: tuple
    nodes: np.ndarray
    most: int


def measure_trees(k=5, rank=20, count=40, random_state=0):
    """Plant truths of more and more columns, and always ask for the best ``k``."""
    rng = np.random.default_rng(random_state)
    nonzeros = (1, 3, 5, 7, 9, 12, 16, 20)
    nodes = [sparse_nnls(*plant(rng, rank, number, count, 0.05), k).nodes for number in nonzeros]
    return TreeSizes(k, rank, nonzeros, np.array(nodes), count_supports(rank, k))


@dataclass(frozen=True, eq=False)
class StoppedSearch:
    """What is known of one hard problem after some nodes.

    Attributes
    ----------
    order : str
        Which node was divided next.
    k, rank : int
    nodes : ndarray of int
        Visited before each stop.
    objective, bound : ndarray
        Of the best support found, and below which no support goes.
    """

    order: str
    k: int
    rank: int
    nodes: np.ndarray
    objective: np.ndarray
    bound: np.ndarray


def stop_early(k=8, rank=26, random_state=0):
    """Stop the search for the best ``k`` of many columns, all of them needed, ever later.

    Returns one record for each order of the search.
    """
    W, Y = plant(np.random.default_rng(random_state), rank, rank, 1, 0.05)
    gram, rhs, start = W.T @ W, Y.T @ W, np.zeros((1, rank))
    records = []
    for order in ("depth_first", "best_first"):
        stops = []
        for limit in 2 ** np.arange(1, 19):
            points, nodes, gap = search(gram, rhs, start, range(k, k + 1), limit, order)
            objective = column_costs(W, Y, points[0].T)[0]
            stops.append((int(nodes[0]), objective, objective - gap[0]))
            if gap[0] == 0.0:
                break
        records.append(StoppedSearch(order, k, rank, *map(np.array, zip(*stops))))
    return tuple(records)


@dataclass(frozen=True)
class Recovery:
    """How three methods do at one level of noise.

    Attributes
    ----------
    snr : float
        Decibel.
    method : str
    optimal : float
        Share of right-hand sides with the least objective.
    support : float
        Share of right-hand sides with the support that was planted.
    """

    snr: float
    method: str
    optimal: float
    support: float


def compare_heuristics(k=3, rank=8, count=400, random_state=0):
    """Mix ``k`` of some overlapping bumps, add noise, and look for them in three ways."""
    rng = np.random.default_rng(random_state)
    W = overlapping_bumps(rank)
    rows = []
    for snr in (10.0, 20.0, 30.0, 40.0, 50.0):
        x = plant_codes(rng, rank, k, count)
        Y = W @ x
        Y = Y + 10.0 ** (-snr / 20.0) * np.sqrt(np.mean(Y**2)) * rng.standard_normal(Y.shape)
        exact = sparse_nnls(W, Y, k).x
        least = column_costs(W, Y, exact)
        for method, found in {"exact": exact, **heuristics(W, Y, k)}.items():
            optimal = column_costs(W, Y, found) <= (1.0 + 1e-9) * least
            same = ((found > 0) == (x > 0)).all(axis=0)
            rows.append(Recovery(snr, method, float(optimal.mean()), float(same.mean())))
    return rows


def overlapping_bumps(rank, width=0.2, points=60):
    """Return smooth spectra that resemble their neighbours, as columns."""
    grid, centres = np.linspace(0.0, 1.0, points), np.linspace(0.0, 1.0, rank)
    return np.exp(-0.5 * ((grid[:, None] - centres) / width) ** 2)


def heuristics(W, Y, k):
    """Return the coefficients of pursuit, and of the k largest of all, fitted again."""
    norms = np.linalg.norm(W, axis=0)
    unit = W / norms
    pursued = pursue(unit.T @ unit, unit.T @ Y, k, nonnegative=True) / norms[:, None]
    return {"pursuit": pursued, "truncation": truncate(W, Y, k)}


def truncate(W, Y, k):
    """Keep the ``k`` largest coefficients of nonnegative least squares and fit them again."""
    dense = nnls(W, Y).x
    supports = np.sort(np.argsort(-dense, axis=0, kind="stable")[:k], axis=0)
    out = np.zeros_like(dense)
    for support in np.unique(supports, axis=1).T:
        columns = np.flatnonzero((supports == support[:, None]).all(axis=0))
        out[np.ix_(support, columns)] = nnls(W[:, support], Y[:, columns]).x
    return out


def column_costs(W, Y, x):
    """Return the objective of each column."""
    gaps = Y - W @ x
    return 0.5 * np.einsum("ij,ij->j", gaps, gaps)
