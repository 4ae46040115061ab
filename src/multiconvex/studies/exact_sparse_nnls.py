r"""Experiments of the chapter on exact sparse nonnegative least squares.

All of them minimise :math:`\tfrac12 \|y - W x\|^2` over nonnegative x with at most k nonzeros.
"""

from multiconvex.studies._sparse_scenes import (
    ShortCut,
    SparseEnds,
    SparseFit,
    SparsePixels,
    SparseScene,
    factorize_scene,
    measure_short_cuts,
    restart_factorization,
    unmix_pixels,
)
from multiconvex.studies._support_trees import (
    ORDERS,
    OrderCount,
    SupportTree,
    TreeNode,
    compare_orders,
    count_supports,
    grow_tree,
    plant,
    small_regression,
)
from multiconvex.studies._tree_sizes import (
    Recovery,
    StoppedSearch,
    TreeSizes,
    column_costs,
    compare_heuristics,
    heuristics,
    measure_trees,
    stop_early,
)

__all__ = [
    "ORDERS",
    "OrderCount",
    "Recovery",
    "ShortCut",
    "SparseEnds",
    "SparseFit",
    "SparsePixels",
    "SparseScene",
    "StoppedSearch",
    "SupportTree",
    "TreeNode",
    "TreeSizes",
    "column_costs",
    "compare_heuristics",
    "compare_orders",
    "count_supports",
    "factorize_scene",
    "grow_tree",
    "heuristics",
    "measure_short_cuts",
    "measure_trees",
    "plant",
    "restart_factorization",
    "small_regression",
    "stop_early",
    "unmix_pixels",
]
