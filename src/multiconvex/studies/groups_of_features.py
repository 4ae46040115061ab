r"""Experiments of the chapter on groups of features.

Groups that were found are compared with true ones by the adjusted Rand index of the largest
memberships, which is 1 for equal partitions and 0 on average for unrelated ones, in any order.
"""

from multiconvex.studies._grouped_proteins import (
    ProteinGroups,
    Proteins,
    learn_protein_groups,
    load_proteins,
)
from multiconvex.studies._grouped_tasks import (
    Discovery,
    DiscoveryRow,
    FormulationRow,
    GroupSplit,
    Recovery,
    RemedyRow,
    TaskCountRow,
    agreement,
    compare_formulations,
    compare_remedies,
    discover,
    discover_numbers,
    learn,
    make_tasks,
    mean_error,
    measure_test_error,
    recover_groups,
    scan_candidates,
    split_groups,
    vary_tasks,
)
from multiconvex.studies._overlapping_groups import (
    OverlappingTasks,
    OverlapRow,
    compare_overlaps,
    learn_overlaps,
    make_overlapping_tasks,
    share_right,
)

__all__ = [
    "Discovery",
    "DiscoveryRow",
    "FormulationRow",
    "GroupSplit",
    "OverlapRow",
    "OverlappingTasks",
    "ProteinGroups",
    "Proteins",
    "Recovery",
    "RemedyRow",
    "TaskCountRow",
    "agreement",
    "compare_formulations",
    "compare_overlaps",
    "compare_remedies",
    "discover",
    "discover_numbers",
    "learn",
    "learn_overlaps",
    "learn_protein_groups",
    "load_proteins",
    "make_overlapping_tasks",
    "make_tasks",
    "mean_error",
    "measure_test_error",
    "recover_groups",
    "scan_candidates",
    "share_right",
    "split_groups",
    "vary_tasks",
]
