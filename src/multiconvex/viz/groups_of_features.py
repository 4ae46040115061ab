"""Figures of the chapter on groups of features."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, INK, MUTED
from .picture import Picture
from .styling import DIVERGING, MARKERS, SEQUENTIAL, figure, style

_COMPARED = ("lasso", "learned", "oracle")


def coefficients(tasks, shown=60, random_state=0):
    """True coefficients of some tasks, features in any order and sorted by group.

    Parameters
    ----------
    tasks : GroupedTasks
    shown : int
        Tasks that are drawn.
    random_state : int
        Of the order on the left.
    """
    coef = tasks.coef[:shown].T
    anyhow = np.random.default_rng(random_state).permutation(len(coef))
    orders = {"in the order of the table": anyhow, "sorted by group": np.argsort(tasks.groups)}
    with style():
        fig, panels = figure(ncols=2, height=3.2, sharey=True)
        for panel, (title, order) in zip(panels, orders.items()):
            drawn = panel.imshow(coef[order], cmap=DIVERGING, vmin=-2.5, vmax=2.5, aspect="auto")
            panel.set(title=title, xlabel="task")
            panel.grid(visible=False)
        panels[0].set_ylabel("feature")
        bar = fig.colorbar(drawn, ax=list(panels), aspect=24, pad=0.02)
        bar.set_label("coefficient")
        bar.outline.set_visible(False)
    active = np.mean(tasks.coef != 0.0)
    return Picture(
        fig,
        f"Coefficients of {coef.shape[0]} features in {shown} tasks. On the left nonzero entries, "
        f"{100 * active:.0f}% of all, look scattered; sorted by group, on the right, each task "
        "has one solid block.",
    )


def split(measured):
    """Validation error when true groups are shared unevenly, for weights of the penalty.

    Parameters
    ----------
    measured : GroupSplit
    """
    with style():
        fig, axes = figure(height=3.1)
        for number, changes in enumerate(measured.changes.values()):
            axes.plot(
                measured.unevenness, 100.0 * changes, color=CYCLE[number],
                marker=MARKERS[number], markersize=5,
            )  # fmt: skip
        axes.axhline(0.0, color=INK, linewidth=1.0)
        axes.set(
            xlabel="memberships differ from one half by",
            ylabel="change of the\nvalidation error (%)",
        )
        label_lines(
            axes,
            [
                "the usual weight" if factor == 1.0 else f"{factor:g} times the weight"
                for factor in measured.changes
            ],
        )
    parts = [
        f"{100 * changes[2]:+.1f}% and {100 * changes[-1]:+.1f}% with {factor:g} times the weight"
        for factor, changes in measured.changes.items()
    ]
    return Picture(
        fig,
        "Change of the validation error when memberships in two columns differ from one half by "
        f"{measured.unevenness[2]:.1f} and by {measured.unevenness[-1]:.1f}: {', '.join(parts)}.",
    )


def recovery(measured):
    """Agreement with the true groups along the outer steps, and test errors.

    Parameters
    ----------
    measured : sequence of Recovery
    """
    with style():
        fig, (left, right) = figure(ncols=2, height=3.2)
        for number, one in enumerate(measured):
            color, marker = CYCLE[number], MARKERS[number]
            left.plot(one.steps, one.index.T, color=color, linewidth=1.2, alpha=0.7)
            left.plot(
                one.steps, np.median(one.index, axis=0), color=color, marker=marker, markersize=5
            )
            points = np.array([one.errors[name] for name in _COMPARED])
            right.plot(points, color=color, linewidth=0.9, alpha=0.6)
            right.plot(points, marker, color=color, markersize=5, linestyle="")
            right.annotate(
                one.setting, (0.3, np.median(points[:2])), xytext=(12, 8),
                textcoords="offset points", color=color,
            )  # fmt: skip
        left.set(xlabel="outer step", title="Rand index", ylim=(None, 1.02))
        right.set(title="test error", ylim=(0, None), xlim=(-0.2, len(_COMPARED) - 0.8))
        right.set_xticks(range(len(_COMPARED)), _COMPARED)
    parts = []
    for one in measured:
        medians = ", ".join(f"{name} {np.median(one.errors[name]):.4f}" for name in _COMPARED)
        parts.append(
            f"{one.setting}: lowest final index {one.index[:, -1].min():.2f}; median test errors "
            f"{medians}"
        )
    return Picture(fig, f"{len(one.index)} draws a setting. {'. '.join(parts)}.")


def path(tasks, found):
    """Memberships before any merger, and the validation error along the path of mergers.

    Parameters
    ----------
    tasks : GroupedTasks
    found : Discovery
    """
    entries = found.fitted.path
    counts = [entry.n_groups for entry in entries]
    errors = [entry.objective for entry in entries]
    with style():
        fig, (left, right) = figure(ncols=2, height=3.4)
        _draw_memberships(left, tasks, entries[0].theta)
        left.set(title="before mergers", ylabel="feature, by true group")
        right.errorbar(
            counts, errors, yerr=[entry.standard_error for entry in entries], color=CYCLE[0],
            marker="o", markersize=5, linewidth=1.6, capsize=2.5,
        )  # fmt: skip
        kept = counts.index(found.fitted.theta.shape[1])
        right.plot(
            counts[kept], errors[kept], "o", markersize=13, markerfacecolor="none", color=CYCLE[1]
        )
        right.annotate(
            "chosen", (counts[kept], errors[kept]), xytext=(0, -18), textcoords="offset points",
            color=CYCLE[1], ha="center",
        )  # fmt: skip
        right.set(xlabel="groups that are left", title="validation error", ylim=(0, None))
        right.invert_xaxis()
    return Picture(
        fig,
        f"On the left memberships of {len(entries[0].theta)} features in {counts[0]} candidates; "
        "features of one true group share the same few columns. On the right the validation error: "
        f"{errors[0]:.4f} with {counts[0]} groups, {errors[kept]:.4f} with {counts[kept]}, "
        f"{errors[kept + 1]:.4f} with {counts[kept + 1]}.",
    )


def candidates(tasks, found, count):
    """Memberships learned with some number of candidates, before and after mergers.

    Parameters
    ----------
    tasks : GroupedTasks
    found : dict of int to Discovery
    count : int
        The number of candidates that is drawn.
    """
    one = found[count]
    panels = zip(("before", "after"), (one.fitted.path[0].theta, one.fitted.theta), one.index)
    with style():
        fig, axes = figure(ncols=2, height=3.2, sharey=True)
        for panel, (when, theta, index) in zip(axes, panels):
            _draw_memberships(panel, tasks, theta)
            panel.set_title(f"{when} mergers: index {index:.2f}")
        axes[0].set_ylabel("feature, by true group")
    return Picture(
        fig,
        f"With {count} candidates {one.in_use[0]} are in use before mergers and {one.in_use[1]} "
        f"groups are left after them; the adjusted Rand index is {one.index[0]:.2f} before and "
        f"{one.index[1]:.2f} after.",
    )


def proteins(measured):
    """Errors on unseen mice for every split, and how far groups of two splits agree.

    Parameters
    ----------
    measured : ProteinGroups
    """
    names = list(measured.errors)
    errors = 100.0 * np.array(list(measured.errors.values()))
    rng = np.random.default_rng(0)
    with style():
        fig, (left, right) = figure(ncols=2, height=3.4, width_ratios=(3, 2))
        left.plot(errors, color=MUTED, linewidth=0.9, alpha=0.7)
        left.plot(np.median(errors, axis=1), color=CYCLE[0], marker="o")
        left.set_xticks(range(len(names)), [name.replace(", ", ",\n") for name in names])
        left.tick_params(axis="x", labelsize=8.5, rotation=35)
        left.set(title="wrong class (%)", ylim=(0, None))
        for place, values in enumerate((measured.chance, measured.stability)):
            jitter = place + 0.12 * rng.uniform(-1.0, 1.0, len(values))
            right.plot(
                jitter, values, MARKERS[place], color=(MUTED, CYCLE[1])[place], markersize=4,
                alpha=0.7, linestyle="",
            )  # fmt: skip
        right.set_xticks((0, 1), ("shuffled", "learned"))
        right.set(title="index of two splits", xlim=(-0.5, 1.5), ylim=(None, 1.0))
    parts = [f"{name} {np.median(row):.1f}%" for name, row in zip(names, errors)]
    return Picture(
        fig,
        f"Median share of wrong classes over {errors.shape[1]} splits of the mice: "
        f"{', '.join(parts)}. Median adjusted Rand index of the groups of two splits "
        f"{np.median(measured.stability):.2f}, of shuffled ones {np.median(measured.chance):.2f}.",
    )


def _draw_memberships(axes, tasks, theta):
    """Memberships with features sorted by true group, columns by the group they serve."""
    rows = np.argsort(tasks.groups, kind="stable")
    centers = (theta * tasks.groups[:, None]).sum(axis=0) / np.maximum(theta.sum(axis=0), 1e-12)
    columns = np.argsort(centers)
    axes.imshow(theta[np.ix_(rows, columns)], cmap=SEQUENTIAL, vmin=0.0, vmax=1.0, aspect="auto")
    for edge in np.flatnonzero(np.diff(tasks.groups[rows])):
        axes.axhline(edge + 0.5, color=MUTED, linewidth=0.8)
    axes.set_xticks(range(len(columns)), range(1, len(columns) + 1), fontsize=8.5)
    axes.set_xlabel("candidate")
    axes.grid(visible=False)
