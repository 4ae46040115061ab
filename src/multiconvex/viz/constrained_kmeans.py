"""Figures of the chapter on constrained k-means."""

import numpy as np
from matplotlib.patches import Polygon

from .labels import label_lines
from .palette import CYCLE, GRID, INK, MUTED, SURFACE
from .picture import Picture
from .styling import figure, style

_LIMITS = (-2.2, 2.2)


def question(data, free, inside):
    """Depots anywhere, and depots inside the polygon.

    Parameters
    ----------
    data : DiamondPoints
    free, inside : ConstrainedKMeans
        Fitted without and with the polygon.
    """
    with style():
        fig, panels = figure(ncols=2, height=3.5, sharex=True, sharey=True)
        for axes, model, title in zip(panels, (free, inside), ("anywhere", "inside the polygon")):
            _draw_clusters(axes, data, model.labels_, model.cluster_centers_)
            axes.set_title(f"{title}: {model.inertia_:.0f}")
    return Picture(
        fig,
        f"{len(data.X)} points on the edge of a diamond, in four clusters. Left, centres at "
        f"{_places(free.cluster_centers_)}, sum of squares {free.inertia_:.1f}. Right, centres in "
        f"the polygon at {_places(inside.cluster_centers_)}, sum of squares {inside.inertia_:.1f}.",
    )


def sweep(data, sweeps, number):
    """Clusters, means and centres after one sweep, and the objective so far.

    Parameters
    ----------
    data : DiamondPoints
    sweeps : sequence of Sweep
    number : int
        From 1.
    """
    shown = sweeps[number - 1]
    with style():
        fig, left, right = _map_beside(data, shown.labels, shown.centres)
        for color, mean, centre in zip(CYCLE, shown.means, shown.centres):
            left.plot(
                *np.stack([mean, centre]).T, color=color, linewidth=1.2, linestyle=(0, (3, 2))
            )
            left.plot(*mean, "o", color=SURFACE, markeredgecolor=color, markersize=7, mew=1.8)
        objectives = [state.objective for state in sweeps]
        counts = [state.number for state in sweeps]
        right.plot(counts, objectives, color=MUTED, marker="o", markersize=4)
        right.plot(number, shown.objective, "o", color=CYCLE[0], markersize=9, mec=SURFACE)
        right.set(xlabel="sweep", title=f"objective: {shown.objective:.1f}", xticks=counts)
    return Picture(
        fig,
        f"Sweep {number}: means of the clusters at {_places(shown.means)}, their projections at "
        f"{_places(shown.centres)}, sum of squares {shown.objective:.1f}.",
    )


def corner_cones(data, model):
    """The region that each corner of the polygon attracts, with the means of the clusters.

    Parameters
    ----------
    data : DiamondPoints
    model : ConstrainedKMeans
        Fitted with four clusters and the constraint of the data.
    """
    colors = {}
    for k, centre in enumerate(model.cluster_centers_):
        colors[int(np.linalg.norm(data.vertices - centre, axis=1).argmin())] = CYCLE[k]
    with style():
        fig, axes = figure(height=4.3)
        for number, corner in enumerate(data.vertices):
            tight = data.A[data.A @ corner > data.b - 1e-9]
            rays = corner + 6.0 * tight / np.linalg.norm(tight, axis=1, keepdims=True)
            wedge = np.array([rays[0], corner, rays[1]])
            color = colors.get(number, MUTED)
            axes.add_patch(Polygon(wedge, facecolor=color, alpha=0.16, linewidth=0))
            axes.plot(*wedge.T, color=color, linewidth=1.0)
        _draw_clusters(axes, data, model.labels_, model.cluster_centers_, alpha=0.45)
        for k, color in zip(range(len(model.cluster_centers_)), CYCLE):
            mean = data.X[model.labels_ == k].mean(axis=0)
            axes.plot(*mean, "o", color=SURFACE, markeredgecolor=color, markersize=8, mew=2.0)
    return Picture(
        fig,
        f"A polygon with {len(data.vertices)} corners and the normal cone at each of them. The "
        f"means of the four clusters lie inside four of the cones, at the corners "
        f"{_places(model.cluster_centers_)}.",
    )


def counts(data, curve, count):
    """The clusters for one number of centres, and the objective for all numbers.

    Parameters
    ----------
    data : DiamondPoints
    curve : CountCurve
    count : int
    """
    model = curve.models[count]
    numbers = list(curve.models)
    inside = [curve.models[number].inertia_ for number in numbers]
    with style():
        fig, _, right = _map_beside(data, model.labels_, model.cluster_centers_)
        right.plot(numbers, inside, color=CYCLE[0], marker="o", markersize=4)
        right.plot(numbers, list(curve.free.values()), color=MUTED, marker="s", markersize=4)
        floor = np.full(len(numbers), curve.floor)
        right.plot(numbers, floor, color=CYCLE[1], linewidth=1.4, linestyle=(0, (4, 3)))
        right.set(xlabel="centres", title=f"objective: {model.inertia_:.1f}", xticks=numbers)
        right.set_ylim(0.0, None)
        label_lines(right, ["inside", "anywhere", "floor"])
        right.plot(count, model.inertia_, "o", color=CYCLE[0], markersize=9, mec=SURFACE)
    return Picture(
        fig,
        f"{count} centres: sum of squares {model.inertia_:.1f} inside the polygon, "
        f"{curve.free[count]:.1f} without it. No number of centres inside falls below "
        f"{curve.floor:.1f}.",
    )


def starts(data, runs, count):
    """The best clustering of some starts, and where each start ended.

    Parameters
    ----------
    data : DiamondPoints
    runs : StartRuns
    count : int
        Number of starts made.
    """
    model, places = runs.models[count], np.arange(1, len(runs.objectives) + 1)
    with style():
        fig, _, right = _map_beside(data, model.labels_, model.cluster_centers_)
        right.plot(places[count:], runs.objectives[count:], "o", color=GRID, markersize=4)
        right.plot(places[:count], runs.objectives[:count], "o", color=MUTED, markersize=4)
        best = np.minimum.accumulate(runs.objectives[:count])
        right.plot(places[:count], best, color=CYCLE[0], drawstyle="steps-post")
        right.plot(places[count - 1], best[-1], "o", color=CYCLE[0], markersize=9, mec=SURFACE)
        right.set(xscale="log", xlabel="start", title=f"best of {count}: {best[-1]:.1f}")
        right.set_xticks([1, 10, 100], ["1", "10", "100"])
        right.minorticks_off()
    return Picture(
        fig,
        f"The best of {count} starts with {len(model.cluster_centers_)} centres has sum of squares "
        f"{best[-1]:.2f}; of all {len(places)} starts the least is {runs.objectives.min():.2f} and "
        f"the largest {runs.objectives.max():.2f}.",
    )


def misreading(data, case):
    """The polygon that was meant and the one that was read, with their centres.

    Parameters
    ----------
    data : DiamondPoints
    case : Misreading
    """
    with style():
        fig, axes = figure(height=4.0)
        axes.plot(*data.X.T, "o", color=MUTED, alpha=0.35, markersize=3, markeredgewidth=0)
        readings = ((data.vertices, case.meant), (case.corners, case.read))
        names = ("as meant", "as read")
        for corners, model, color, marker, name in zip(*zip(*readings), CYCLE, "Ds", names):
            axes.add_patch(Polygon(corners, facecolor=color, alpha=0.13, linewidth=0))
            axes.add_patch(Polygon(corners, fill=False, edgecolor=color, linewidth=1.4))
            axes.plot(
                *model.cluster_centers_.T, marker, color=color, markersize=10,
                markeredgecolor=SURFACE, label=f"{name}: {model.inertia_:.0f}",
            )  # fmt: skip
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        _frame(axes)
    return Picture(
        fig,
        f"The polygon as meant, with centres at {_places(case.meant.cluster_centers_)} and sum of "
        f"squares {case.meant.inertia_:.1f}; and as read, smaller, with centres at "
        f"{_places(case.read.cluster_centers_)} and sum of squares {case.read.inertia_:.1f}.",
    )


def road(case):
    """Customers beside a road: projected centres and constrained ones.

    Parameters
    ----------
    case : Road
    """
    centres = (case.projected, case.constrained.cluster_centers_)
    labels = (case.free.labels_, case.constrained.labels_)
    objectives = (case.projected_objective, case.constrained.inertia_)
    titles = ("projected afterwards", "constrained")
    with style():
        fig, panels = figure(ncols=2, height=3.4, sharex=True, sharey=True)
        for axes, places, groups, value, title in zip(panels, centres, labels, objectives, titles):
            _draw_points(axes, case.X, groups)
            axes.add_patch(Polygon(case.corners, facecolor=INK, alpha=0.5, linewidth=0))
            _draw_centres(axes, places)
            axes.set(title=f"{title}: {value:.0f}", aspect="equal", xlim=(-2.1, 2.1))
    return Picture(
        fig,
        f"Customers on both sides of a road. Centres found without it and projected on it stand at "
        f"{_places(centres[0])}, sum of squares {objectives[0]:.1f}; centres found under the "
        f"constraint at {_places(centres[1])}, sum of squares {objectives[1]:.1f}.",
    )


def _map_beside(data, labels, centres):
    """A figure with the clusters on the left and empty axes on the right."""
    fig, (left, right) = figure(ncols=2, height=3.5, gridspec_kw={"width_ratios": [1.15, 1]})
    _draw_clusters(left, data, labels, centres)
    return fig, left, right


def _draw_clusters(axes, data, labels, centres, *, alpha=0.75):
    """Points in the colours of their clusters, the polygon and the centres."""
    _draw_points(axes, data.X, labels, alpha=alpha)
    axes.add_patch(Polygon(data.vertices, facecolor=MUTED, alpha=0.15, linewidth=0))
    axes.add_patch(Polygon(data.vertices, fill=False, edgecolor=INK, linewidth=1.2))
    _draw_centres(axes, centres)
    _frame(axes)


def _draw_points(axes, X, labels, *, alpha=0.75):
    for k in range(labels.max() + 1):
        axes.plot(
            *X[labels == k].T, "o", color=CYCLE[k], alpha=alpha, markersize=3.2, markeredgewidth=0
        )


def _draw_centres(axes, centres):
    for centre, color in zip(centres, CYCLE):
        axes.plot(
            *centre, "D", color=color, markersize=9, markeredgecolor=SURFACE, mew=1.2, zorder=4
        )


def _frame(axes):
    axes.set(aspect="equal", xlim=_LIMITS, ylim=_LIMITS, xticks=[-2, 0, 2], yticks=[-2, 0, 2])


def _places(points):
    listed = ", ".join(f"({x:.2f}, {y:.2f})" for x, y in points)
    return listed.replace("-", "\N{MINUS SIGN}")
