r"""Exact nonnegative least squares on one block whose rows have few nonzero entries."""

from dataclasses import dataclass
from typing import ClassVar

from multiconvex.checks import check_count, check_option
from multiconvex.penalties import RowSparse
from multiconvex.sparse_search import ORDERS, UNLIMITED, search
from multiconvex.updates.base import Update


@dataclass(frozen=True)
class BranchAndBound(Update):
    r"""The exact minimiser over nonnegative rows with at most k nonzero entries.

    .. math:: \min_{X \ge 0,\ \|X_{i:}\|_0 \le k} \; \tfrac12 \langle X G, X\rangle
              - \langle B, X\rangle,

    where ``G, B = problem.normal_equations(x, k)``. A tree of supports is searched for each row
    [1]_. A node allows some columns :math:`A` and keeps some of them for good; the nonnegative
    problem in the columns of :math:`A` bounds all supports below the node, and the node is dropped
    where that bound is no better than the best row found so far. Where more than :math:`k`
    columns are in use, child :math:`c` removes the :math:`c`-th of them and keeps those before,
    the costliest first: removing column :math:`p` from a fit in the columns :math:`S` costs

    .. math:: \frac{x_p^2}{2\, (G_{SS}^{-1})_{pp}}

    or more, so that children that give up a column that matters die at once. The current row is
    the first upper bound.

    Parameters
    ----------
    order : {"depth_first", "best_first"}, default "depth_first"
        Which node to divide: the newest, which costs least memory and time, or that of the least
        bound, which needs the fewest nodes and knows most when it is stopped.
    most_nodes : int, optional
        Largest number of nodes for each row, at least 2. By default the search ends with a proof.

    Raises
    ------
    ValueError
        At the start of a fit, where the rows need not be nonnegative.

    Notes
    -----
    Guarantee: exact over all supports, so never increases the objective; with ``most_nodes`` it
    never increases the objective of a feasible block.

    Cost: one product with the data per block, then O(r) to O(r^2) for each node of each row, of
    which there are at most :math:`\sum_{p \ge k} \binom{r}{p}` and often fewer than 2r.

    Chapter: :doc:`/chapters/algorithms/exact_sparse_nnls`

    References
    ----------
    .. [1] N. Nadisic, A. Vandaele, N. Gillis and J. E. Cohen, "Exact sparse nonnegative least
       squares", ICASSP 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import BranchAndBound, FactorProblem, NonNegative, RowSparse
    >>> W = np.array([[1.0, 0.0, 0.9], [0.0, 1.0, 0.9]])
    >>> penalties = NonNegative(), RowSparse(1, nonnegative=True)
    >>> problem = FactorProblem(W @ [[1.0, 2.0], [1.0, 0.0], [0.0, 0.0]], 3, penalties)
    >>> BranchAndBound()(problem, (W, np.zeros((2, 3))), 1, None)[0].round(3)
    array([[0.   , 0.   , 1.111],
           [2.   , 0.   , 0.   ]])
    """

    order: str = "depth_first"
    most_nodes: int | None = None
    requires: ClassVar[tuple[str, ...]] = ("normal_equations",)
    handles: ClassVar[tuple[type, ...]] = (RowSparse,)

    def __post_init__(self):
        check_option("order", self.order, ORDERS)
        if self.most_nodes is not None:
            check_count("most_nodes", self.most_nodes, least=2)

    @property
    def exact(self):
        """Whether one call solves the block."""
        return self.most_nodes is None

    def start(self, problem, x, k):
        block = problem.blocks[k]
        if not block.penalty.nonnegative:
            raise ValueError(
                f"BranchAndBound solves for nonnegative rows but block {block.name!r} may have "
                "both signs: use RowSparse(k, nonnegative=True), or SupportEnumeration()."
            )

    def __call__(self, problem, x, k, memory):
        gram, rhs = problem.normal_equations(x, k)
        size = min(problem.blocks[k].penalty.k, len(gram))
        most_nodes = UNLIMITED if self.exact else self.most_nodes
        points, _, _ = search(gram, rhs, x[k], range(size, size + 1), most_nodes, self.order)
        return points[0], memory
