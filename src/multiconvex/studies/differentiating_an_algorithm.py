r"""Experiments of the chapter on differentiating an algorithm.

Losses are means over tasks of half the squared residual on validation samples, and derivatives are
those in the memberships :math:`\theta` unless others are named.
"""

from multiconvex.studies._ball_maps import BallMaps, StepGap, check_bregman_step, compare_maps
from multiconvex.studies._soft_groups import (
    Setting,
    Slice,
    StartRow,
    compare_starts,
    follow_slice,
    fresh_loss,
    make_setting,
    validation_loss,
)
from multiconvex.studies._unrolled_duals import (
    Memory,
    ModeRow,
    ShortcutRow,
    Truncation,
    compare_modes,
    follow_memory,
    follow_truncation,
    forward_mode,
    reverse_mode,
    try_shortcut,
)

__all__ = [
    "BallMaps",
    "Memory",
    "ModeRow",
    "Setting",
    "ShortcutRow",
    "Slice",
    "StartRow",
    "StepGap",
    "Truncation",
    "check_bregman_step",
    "compare_maps",
    "compare_modes",
    "compare_starts",
    "follow_memory",
    "follow_slice",
    "follow_truncation",
    "forward_mode",
    "fresh_loss",
    "make_setting",
    "reverse_mode",
    "try_shortcut",
    "validation_loss",
]
