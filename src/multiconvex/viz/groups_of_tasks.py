"""Figures of the chapter on groups of tasks."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, GRID, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, SEQUENTIAL, figure, style

_METHODS = {"each alone": 7, "one group": 4, "learned groups": 0, "known families": 2}


def alone(accuracy, animals, tasks):
    """Test accuracy of each task by itself, in order; tasks with few samples have names.

    Parameters
    ----------
    accuracy : ndarray, shape (T,)
    animals : Animals
    tasks : AnimalTasks
    """
    poor = np.flatnonzero(tasks.poor)
    poor = poor[np.argsort(accuracy[poor])]
    others = 100 * accuracy[~tasks.poor]
    with style():
        fig, axes = figure(height=3.4)
        axes.plot(
            100 * accuracy[poor], np.arange(len(poor)), "D", color=CYCLE[1], markeredgecolor=SURFACE
        )
        axes.plot(
            others, np.full(len(others), len(poor)), "o", color=CYCLE[0], markeredgecolor=SURFACE,
            alpha=0.6,
        )  # fmt: skip
        axes.axvline(50, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.set_yticks(
            np.arange(len(poor) + 1), [animals.names[t] for t in poor] + [f"{len(others)} others"]
        )
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("right answers (%)")
    few = np.median([len(y) for y, rare in zip(tasks.Y, tasks.poor) if rare])
    return Picture(
        fig,
        f"Accuracy of {len(accuracy)} classifiers fitted alone, from {100 * accuracy.min():.0f} to "
        f"{100 * accuracy.max():.0f}%. The {len(poor)} with {few:.0f} samples, one a row, have a "
        f"mean of {100 * accuracy[poor].mean():.0f}%, the others {others.mean():.0f}%.",
    )


def penalty(path, number):
    """Singular values of the weights of each family for one weight of the trace norms.

    Parameters
    ----------
    path : PenaltyPath
    number : int
        Which of its shares.
    """
    values, top = path.singular[number], path.singular.max()
    with style():
        fig, axes = figure(height=2.7)
        count, width = values.shape[1], 0.8 / len(values)
        places = np.arange(1, count + 1)
        for family, bars in enumerate(values):
            axes.bar(
                places + width * (family - (len(values) - 1) / 2), bars, width,
                color=CYCLE[family % 8], edgecolor=SURFACE, linewidth=0.6,
            )  # fmt: skip
        axes.set(
            ylim=(0, 1.05 * top), xlabel="singular value of the weights of a family",
            title=f"poor tasks: {100 * path.accuracy[number, 1]:.1f}% right",
        )  # fmt: skip
        axes.grid(visible=False, axis="x")
    shares = values[:, 0].sum() / max(values.sum(), np.finfo(float).tiny)
    return Picture(
        fig,
        f"With {path.shares[number]:g} times the default weight the first singular values are "
        f"{100 * shares:.0f}% of the sum of all; {100 * path.accuracy[number, 1]:.1f}% of the "
        f"answers are right in poor tasks, {100 * path.accuracy[number, 0]:.1f}% in all.",
    )


def memberships(path, animals, tasks, step):
    """Memberships after one outer step, tasks sorted by family.

    Parameters
    ----------
    path : MembershipPath
    animals : Animals
    tasks : AnimalTasks
    step : int
        From 1 on.
    """
    theta, last = path.thetas[step - 1], path.thetas[-1]
    order = np.lexsort((last.argmax(axis=1), tasks.poor, animals.families))
    # Columns from the top in the order of the families that they end with.
    columns = np.argsort(np.arange(len(order)) @ last[order] / (last.sum(axis=0) + 1e-9))
    with style():
        fig, axes = figure(height=2.9)
        shown = theta[np.ix_(order, columns)].T
        axes.imshow(shown, cmap=SEQUENTIAL, vmin=0.0, vmax=1.0, aspect="auto")
        for edge in np.flatnonzero(np.diff(animals.families[order])) + 0.5:
            axes.axvline(edge, color=CYCLE[1], linewidth=2.0)
        axes.grid(visible=False)
        poor = np.flatnonzero(tasks.poor[order])
        axes.set_xticks(poor, ["\N{BLACK DIAMOND}"] * len(poor))
        axes.tick_params(axis="x", length=0)
        axes.set(yticks=[], ylabel="group", xlabel="animals, family by family")
    others, rare = path.rand[step - 1]
    return Picture(
        fig,
        f"Memberships of {len(theta)} animals in {theta.shape[1]} groups after {step} steps, light "
        f"where they are one. Adjusted Rand index {others:.2f} for the animals with many samples "
        f"and {rare:.2f} for those with few.",
    )


def learning(path):
    """Validation loss and agreement with the families along the outer steps.

    Parameters
    ----------
    path : MembershipPath
    """
    trace = path.fit.trace
    with style():
        fig, (left, right) = figure(ncols=2, height=2.9)
        left.plot(trace.iteration, trace.objective, color=CYCLE[0])
        left.set(xlabel="outer step", title="validation loss")
        steps = np.arange(1, len(path.rand) + 1)
        for column, color, marker in ((0, CYCLE[0], "o"), (1, CYCLE[1], "D")):
            right.plot(
                steps, path.rand[:, column], color=color, marker=marker, markevery=5,
                markeredgecolor=SURFACE,
            )  # fmt: skip
        right.set(xlabel="outer step", title="adjusted Rand index", ylim=(-0.1, 1.02))
        label_lines(right, ["many", "few"])
    others, rare = path.rand[-1]
    return Picture(
        fig,
        f"The validation loss falls from {trace.objective[0]:.3f} to {trace.objective[-1]:.3f} in "
        f"{trace.iteration[-1]} steps; the adjusted Rand index ends at {others:.2f} for tasks with "
        f"many samples and at {rare:.2f} for those with few.",
    )


def methods(compared):
    """Accuracy on poor tasks of all methods, a line for each seed.

    Parameters
    ----------
    compared : Comparison
    """
    names = list(compared.accuracies)
    poor = 100 * np.stack([compared.accuracies[name][:, 1] for name in names])
    with style():
        fig, axes = figure(height=3.0)
        places = np.arange(len(names))
        axes.plot(places, poor, color=GRID, linewidth=1.4)
        for place, name, values in zip(places, names, poor):
            number = _METHODS[name]
            axes.plot(
                np.full(len(values), place), values, MARKERS[number % 8], color=CYCLE[number],
                markeredgecolor=SURFACE, markersize=7,
            )  # fmt: skip
            middle = np.median(values)
            axes.plot([place - 0.22, place + 0.22], [middle, middle], color=INK, linewidth=2)
        axes.set_xticks(places, names)
        axes.set(ylabel="poor tasks: right (%)", xlim=(-0.5, len(names) - 0.5))
        axes.grid(visible=False, axis="x")
    parts = [f"{name} {np.median(values):.1f}" for name, values in zip(names, poor)]
    return Picture(
        fig,
        f"Median accuracy in per cent on poor tasks over {poor.shape[1]} draws: "
        f"{', '.join(parts)}.",
    )
