"""Trees of supports, grown node by node so that they can be looked at.

Relaxations are solved from nothing by scipy: slow, and independent of the compiled search.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
from scipy.optimize import nnls as solve_one

from multiconvex.sparse_regression import sparse_nnls

_TIED = 1e-13
ORDERS = ("no bounds", "weakest first", "strongest first")
"""Ways of growing a tree; the second is that of the source, the third that of the package."""


@dataclass(frozen=True)
class TreeNode:
    """One node in the order of the visits.

    Attributes
    ----------
    allowed : tuple of int
        Columns that may be used.
    parent : int
        Position of its parent among the nodes, -1 for the root.
    value : float
        Least objective in the allowed columns.
    used : int
        How many of them the minimiser uses.
    verdict : str
        ``"divided"``, ``"pruned"`` (no better than the best support) or ``"answer"`` (few enough
        columns, so that there is nothing to divide).
    best : float
        Objective of the best support after the visit.
    """

    allowed: tuple
    parent: int
    value: float
    used: int
    verdict: str
    best: float


@dataclass(frozen=True)
class SupportTree:
    """All nodes that were visited for one right-hand side.

    Attributes
    ----------
    order : str
    k, rank : int
    nodes : tuple of TreeNode
    """

    order: str
    k: int
    rank: int
    nodes: tuple

    @property
    def best(self):
        """Position of the best answer."""
        return min(range(len(self.nodes)), key=self._rating)

    def _rating(self, place):
        node = self.nodes[place]
        return (node.used > self.k, node.value)


def small_regression(random_state=3):
    """Return five columns and one right-hand side that mixes four of them, with noise."""
    rng = np.random.default_rng(random_state)
    W = rng.random((8, 5))
    return W, W @ np.array([0.9, 0.0, 0.5, 0.7, 0.25]) + 0.05 * rng.standard_normal(8)


def grow_tree(W, y, k, order):
    """Visit supports depth first until the best one with ``k`` columns is known."""
    grower = _Grower(W, y, k, order)
    grower.grow()
    return SupportTree(order, k, W.shape[1], tuple(grower.nodes))


class _Grower:
    def __init__(self, W, y, k, order):
        self.W, self.y, self.k, self.order = W, y, k, order
        self.nodes, self.best = [], 0.5 * float(y @ y)
        self.tied = _TIED * self.best

    def grow(self):
        columns = tuple(int(q) for q in np.flatnonzero(self.W.any(axis=0)))
        x, value = self.relax(columns)
        if self.order == "strongest first":
            self.divide(self.visit(columns, -1, x, value), x, kept=())
        else:
            ranked = tuple(sorted(columns, key=lambda q: x[q]))
            self.divide_in_turn(self.visit(columns, -1, x, value), ranked, 0)

    def relax(self, allowed):
        """Return the nonnegative solution in some columns, 0 elsewhere, and its objective."""
        x = np.zeros(self.W.shape[1])
        x[list(allowed)], distance = solve_one(self.W[:, list(allowed)], self.y)
        return x, 0.5 * distance**2

    def visit(self, allowed, parent, x, value):
        """Record a node; return its position, None where it is not divided."""
        used = int(np.count_nonzero(x))
        bounded = self.order != "no bounds"
        verdict = "divided"
        if bounded and parent >= 0 and value >= self.best - self.tied:
            verdict = "pruned"
        elif used <= self.k and (bounded or len(allowed) == self.k):
            verdict = "answer"
        if used <= self.k:
            self.best = min(self.best, value)
        self.nodes.append(TreeNode(allowed, parent, value, used, verdict, self.best))
        return len(self.nodes) - 1 if verdict == "divided" else None

    def divide_in_turn(self, place, ranked, first):
        """Remove one of the columns after the last removed one, in the order of the root."""
        if place is None or len(self.nodes[place].allowed) == self.k:
            return
        for turn in range(first, len(ranked)):
            if self.order != "no bounds" and self.nodes[place].value >= self.best - self.tied:
                return
            allowed = tuple(q for q in self.nodes[place].allowed if q != ranked[turn])
            self.divide_in_turn(self.visit(allowed, place, *self.relax(allowed)), ranked, turn + 1)

    def divide(self, place, x, kept):
        """Remove one of the columns in use and keep the costlier ones; the cheapest goes first."""
        if place is None:
            return
        allowed, value = self.nodes[place].allowed, self.nodes[place].value
        support = np.flatnonzero(x)
        inverse = np.linalg.inv(self.W[:, support].T @ self.W[:, support])
        costs = dict(zip(support.tolist(), x[support] ** 2 / np.diag(inverse)))
        removable = sorted(set(costs) - set(kept), key=lambda q: -costs[q])
        last = min(len(removable) - 1, self.k - len(kept))
        for turn in range(last, -1, -1):
            if value >= self.best - self.tied:
                return
            keeping = (*kept, *removable[:turn])
            smaller = tuple(q for q in allowed if q != removable[turn])
            if len(keeping) == self.k:
                smaller = tuple(sorted(keeping))
            left, bound = self.relax(smaller)
            self.divide(self.visit(smaller, place, left, bound), left, keeping)


@dataclass(frozen=True)
class OrderCount:
    """Mean number of nodes over some right-hand sides.

    Attributes
    ----------
    truth : str
        How many columns the right-hand sides combine, and with what noise.
    supports : int
        Supports of k columns.
    no_bounds, weakest, strongest, path : float
        Nodes in each order, and with every sparsity from k on.
    """

    truth: str
    supports: int
    no_bounds: int
    weakest: float
    strongest: float
    path: float

    @property
    def row(self):
        """What the table of the chapter says."""
        return {
            "truth": self.truth,
            "supports": self.supports,
            "no bounds": self.no_bounds,
            "weakest first": self.weakest,
            "strongest first": self.strongest,
            "all sizes": self.path,
        }


def compare_orders(k=3, rank=10, count=20, random_state=0):
    """Count nodes where the truth is sparse, noisy, and not sparse at all."""
    rng = np.random.default_rng(random_state)
    rows = []
    for nonzeros, noise in ((k, 0.01), (k, 0.2), (rank, 0.01)):
        W, Y = plant(rng, rank, nonzeros, count, noise)
        turns = [len(grow_tree(W, y, k, "weakest first").nodes) for y in Y.T]
        rows.append(
            OrderCount(
                f"{nonzeros} columns, {100 * noise:.0f}% noise",
                comb(rank, k),
                count_supports(rank, k),
                float(np.mean(turns)),
                float(sparse_nnls(W, Y, k).nodes.mean()),
                float(sparse_nnls(W, Y, k, path=True).nodes.mean()),
            )
        )
    return rows


def count_supports(rank, k):
    """Return the number of sets of at least ``k`` of ``rank`` columns: the most nodes of a tree."""
    return sum(comb(rank, p) for p in range(k, rank + 1))


def plant(rng, rank, nonzeros, count, noise, rows=50):
    """Return a uniform W and right-hand sides that combine some columns of it, with noise."""
    W = rng.random((rows, rank))
    Y = W @ plant_codes(rng, rank, nonzeros, count)
    return W, Y + noise * np.sqrt(np.mean(Y**2)) * rng.standard_normal(Y.shape)


def plant_codes(rng, rank, nonzeros, count):
    """Return columns with some entries between 0.1 and 1.1, the others 0."""
    x = np.zeros((rank, count))
    for column in x.T:
        column[rng.permutation(rank)[:nonzeros]] = 0.1 + rng.random(nonzeros)
    return x
