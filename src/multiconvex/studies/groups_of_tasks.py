"""Experiments of the chapter on groups of tasks.

Accuracies are shares of test samples that are labelled rightly. Every method gets all training
samples, and weights of penalties are chosen on halves of them.
"""

from multiconvex.studies._animal_tasks import (
    Animals,
    AnimalTasks,
    load_families,
    make_family_tasks,
    make_picture_tasks,
)
from multiconvex.studies._digit_tasks import compare_digits
from multiconvex.studies._task_methods import (
    METHODS,
    Comparison,
    MethodRow,
    compare_families,
    compare_pictures,
)
from multiconvex.studies._task_paths import (
    MembershipPath,
    PenaltyPath,
    check_derivative,
    fit_alone,
    follow_memberships,
    vary_penalty,
)

__all__ = [
    "METHODS",
    "AnimalTasks",
    "Animals",
    "Comparison",
    "MembershipPath",
    "MethodRow",
    "PenaltyPath",
    "check_derivative",
    "compare_digits",
    "compare_families",
    "compare_pictures",
    "fit_alone",
    "follow_memberships",
    "load_families",
    "make_family_tasks",
    "make_picture_tasks",
    "vary_penalty",
]
