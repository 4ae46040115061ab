"""Figures of the chapter on nonnegative regression."""

import numpy as np
from matplotlib.patches import Wedge

from .images import image_grid
from .labels import label_lines
from .palette import CYCLE, GRID, INK, MUTED, SURFACE
from .picture import Picture
from .styling import DIVERGING, MARKERS, figure, style

_BAR = 0.62


def crop_maps(crops, name):
    """Where the survey saw a crop, and how much of it two regressions see.

    Parameters
    ----------
    crops : CropUnmixing
    name : str
        One of ``crops.names``.
    """
    k = crops.names.index(name)
    drawn = image_grid(
        {
            "survey": crops.member[..., k].astype(float),
            "least squares": crops.unconstrained[..., k],
            "nonnegative": crops.nonnegative[..., k],
        },
        limits=(-1.0, 1.0), cmap=DIVERGING, colorbar=f"amount of {name}",
    )  # fmt: skip
    free, kept = crops.unconstrained[..., k], crops.nonnegative[..., k]
    return Picture(
        drawn.figure,
        f"Three maps of {name}. The survey: {crops.member[..., k].mean():.0%} of the pixels, in "
        f"compact regions. Least squares: amounts from {free.min():.1f} to {free.max():.1f}, "
        f"negative in {(free < 0).mean():.0%} of the pixels. Nonnegative least squares: from "
        f"{kept.min():.1f} to {kept.max():.1f}, zero in {(kept == 0).mean():.0%} of the pixels.",
    )


def projection(planar):
    """A point, its projection on a cone of the plane, and the four regions of the answer.

    Parameters
    ----------
    planar : PlanarProjection
    """
    first, second = np.degrees(np.arctan2(planar.generators[1], planar.generators[0]))
    regions = (
        (first, second, r"$\{1, 2\}$", 0),
        (first - 90, first, r"$\{1\}$", 1),
        (second, second + 90, r"$\{2\}$", 2),
        (second + 90, first + 270, r"$\varnothing$", 3),
    )
    with style():
        fig, axes = figure(height=4.2)
        for start, stop, name, color in regions:
            axes.add_patch(Wedge((0, 0), 1.3, start, stop, color=CYCLE[color], alpha=0.14, lw=0))
            middle = np.deg2rad((start + stop) / 2)
            axes.text(1.17 * np.cos(middle), 1.17 * np.sin(middle), name, ha="center", va="center")
        for q, tip in enumerate(planar.generators.T):
            axes.annotate(
                "", tip, (0, 0),
                arrowprops={"arrowstyle": "-|>", "color": CYCLE[0], "lw": 2.0, "shrinkA": 0,
                            "shrinkB": 0},
            )  # fmt: skip
            axes.annotate(
                f"$w_{q + 1}$", tip, xytext=(8 * (1, -1)[q], 9 * (-1, 1)[q]),
                textcoords="offset points", ha="center", va="center", fontsize=13,
            )  # fmt: skip
        foot, point = planar.projection, planar.point
        axes.plot(
            [point[0], foot[0]], [point[1], foot[1]],
            color=CYCLE[1], linewidth=1.4, linestyle=(0, (4, 2)),
        )  # fmt: skip
        axes.plot(*foot, "D", color=CYCLE[2], markeredgecolor=SURFACE, markersize=8)
        axes.plot(*point, "o", color=CYCLE[1], markeredgecolor=SURFACE, markersize=9)
        x, slopes = planar.x, np.abs(planar.multipliers.round(9))
        axes.set_title(
            f"$x = ({x[0]:.2f},\\ {x[1]:.2f})$,   $g = ({slopes[0]:.2f},\\ {slopes[1]:.2f})$",
            loc="center",
        )
        axes.set(xlim=(-1.32, 1.32), ylim=(-1.32, 1.32), aspect="equal")
        axes.axis("off")
    support = np.flatnonzero(x > 0) + 1
    return Picture(
        fig,
        f"A point at {np.degrees(np.arctan2(*point[::-1])):.0f} degrees and a cone between "
        f"{first:.0f} and {second:.0f} degrees: the support is "
        f"{{{', '.join(map(str, support))}}}, the coefficients are {x[0]:.2f} and {x[1]:.2f}, the "
        f"distance to the cone is {np.linalg.norm(point - foot):.2f}.",
    )


def stain_cone(stains):
    """Pixels in the plane of two dyes, and their projections on the cone between the dyes.

    Parameters
    ----------
    stains : StainProjection
    """
    first, second = stains.vectors.T
    across = second - (second @ first) * first
    plane = np.stack([first, across / np.linalg.norm(across)])
    arrows, pixels, feet = (plane @ v for v in (stains.vectors, stains.pixels, stains.projections))
    outside = np.linalg.norm(pixels - feet, axis=0) > 1e-9
    spread = np.degrees(np.arctan2(*arrows[::-1, 1]))
    with style():
        fig, axes = figure(height=3.6)
        axes.add_patch(Wedge((0, 0), 3, 0, spread, color=CYCLE[0], alpha=0.14, lw=0))
        axes.plot(*pixels[:, ~outside], "o", color=CYCLE[0], markersize=4, alpha=0.7)
        axes.plot(
            np.stack([pixels[0, outside], feet[0, outside]]),
            np.stack([pixels[1, outside], feet[1, outside]]),
            color=CYCLE[1], linewidth=1.2,
        )  # fmt: skip
        axes.plot(*pixels[:, outside], "o", color=CYCLE[1], markersize=4)
        for tip, name in zip(arrows.T, stains.names):
            axes.annotate(
                "", tip, (0, 0),
                arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.8, "shrinkA": 0,
                            "shrinkB": 0},
            )  # fmt: skip
            axes.annotate(
                name, tip, xytext=(6, 0), textcoords="offset points", va="center",
                bbox={"facecolor": SURFACE, "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
            )  # fmt: skip
        axes.set(
            aspect="equal", xlim=(-0.05, 1.3), ylim=(-0.1, 0.85),
            xlabel="optical density along haematoxylin", ylabel="across",
        )  # fmt: skip
    return Picture(
        fig,
        f"{pixels.shape[1]} pixels in the plane of two dyes that are {spread:.0f} degrees apart; "
        f"{outside.sum()} of them lie outside the cone and are projected on its edge.",
    )


def sky(reconstruction):
    """Counts on the detectors, and the stars that two regressions see.

    Parameters
    ----------
    reconstruction : Reconstruction
    """
    data = reconstruction.sky
    detectors = np.arange(len(data.counts)) + 0.5
    with style():
        fig, axes = figure(nrows=3, height=5.2, sharex=True)
        axes[0].bar(detectors, data.counts, width=0.86, color=MUTED, alpha=0.45)
        axes[0].plot(detectors, data.blur @ reconstruction.least_squares, color=CYCLE[0])
        axes[0].plot(
            detectors, data.blur @ reconstruction.kullback_leibler,
            color=CYCLE[1], linestyle=(0, (4, 2)),
        )  # fmt: skip
        axes[0].set(ylabel="photons", title="counts and both fits")
        for panel, (name, x, color) in zip(axes[1:], _answers(reconstruction)):
            _draw_stars(panel, data, x, color)
            panel.set(title=name, ylabel="brightness")
        axes[2].set_xlabel("position")
    stars, spikes = int((data.truth > 0).sum()), int((reconstruction.least_squares > 0).sum())
    return Picture(
        fig,
        f"{data.counts.sum():.0f} photons on {len(data.counts)} detectors, in blurred groups. Of "
        f"{len(data.positions)} candidate stars {stars} are real; nonnegative least squares "
        f"answers with {spikes} isolated spikes near them, and Kullback-Leibler regression with "
        f"{_count(reconstruction.kullback_leibler)} above one per cent of its largest.",
    )


def _answers(reconstruction):
    return (
        ("least squares", reconstruction.least_squares, CYCLE[0]),
        ("Kullback-Leibler", reconstruction.kullback_leibler, CYCLE[1]),
    )


def _draw_stars(axes, data, x, color):
    """The true stars as broad bars, the entries of `x` above one percent as spikes."""
    real, seen = data.truth > 0, x > 0.01 * x.max()
    axes.vlines(data.positions[real], 0, data.truth[real], color=MUTED, alpha=0.35, linewidth=7)
    axes.vlines(data.positions[seen], 0, x[seen], color=color, linewidth=1.6)
    axes.plot(
        data.positions[seen], x[seen], "o", color=color, markeredgecolor=SURFACE, markersize=5
    )
    axes.set(xlim=(0, data.positions[-1]), ylim=(0, 1.2 * data.truth.max()))


def _count(x):
    return int((x > 0.01 * x.max()).sum())


def active_set_step(steps, number):
    """One step of an active-set method: coefficients on the left, multipliers on the right.

    Parameters
    ----------
    steps : tuple of Step
    number : int
    """
    step = steps[number]
    index = np.arange(1, len(step.x) + 1)
    inside = [CYCLE[0] if kept else GRID for kept in step.support]
    low = min(0.0, *(s.candidate.min() for s in steps))
    high = max(*(s.candidate.max() for s in steps), *(s.x.max() for s in steps))
    slopes = np.concatenate([s.multipliers for s in steps])
    reach = np.ptp(slopes)
    with style():
        fig, axes = figure(ncols=2, height=3.2)
        axes[0].bar(index, step.x, width=_BAR, color=CYCLE[0], alpha=0.55)
        axes[0].plot(
            index[step.support], step.candidate[step.support], "D", color=CYCLE[1],
            markeredgecolor=SURFACE, markersize=8,
        )  # fmt: skip
        axes[0].set(ylim=(low - 0.15, high + 0.15), xlabel="coefficient")
        axes[0].set_title(f"{step.action}: objective {step.objective:.2f}")
        axes[1].bar(index, step.multipliers, width=_BAR, color=inside, edgecolor=MUTED)
        for place, value in zip(index, step.multipliers.round(1) + 0.0):
            axes[1].annotate(
                f"{value:.1f}".replace("-", "\N{MINUS SIGN}"), (place, min(value, 0)),
                xytext=(0, -4), textcoords="offset points", ha="center", va="top", fontsize=10,
            )  # fmt: skip
        axes[1].set(
            ylim=(slopes.min() - 0.14 * reach, slopes.max() + 0.06 * reach), xlabel="multiplier"
        )
        for panel in axes:
            panel.axhline(0, color=INK, linewidth=0.9)
            panel.set_xticks(index)
            panel.grid(axis="x", visible=False)
    support = np.flatnonzero(step.support) + 1
    return Picture(
        fig,
        f"Step {number} of {len(steps) - 1}, {step.action}. Support "
        f"{{{', '.join(map(str, support))}}}, objective {step.objective:.2f}. Coefficients "
        f"{_numbers(step.x)}; least squares on the support {_numbers(step.candidate)}; multipliers "
        f"{_numbers(step.multipliers)}.",
    )


def _numbers(values):
    return ", ".join(f"{value:.2f}" for value in values.round(9) + 0.0)


def divergences(profiles):
    """The Kullback-Leibler divergence and its curvature against the model.

    Parameters
    ----------
    profiles : Divergences
    """
    with style():
        fig, axes = figure(ncols=2, height=3.2)
        for color, (y, values) in zip(CYCLE, profiles.values.items()):
            axes[0].plot(profiles.model, values, color=color, label=f"$y = {y:g}$")
            if y:
                axes[0].plot(y, 0, "o", color=color, markeredgecolor=SURFACE)
                axes[1].plot(profiles.model, profiles.curvatures[y], color=color)
        axes[0].set(xlabel="model $z$", ylim=(-0.3, 8), title="divergence")
        axes[0].legend(loc="upper center")
        axes[1].set(xlabel="model $z$", xscale="log", yscale="log", title="curvature $y / z^2$")
    bends = profiles.curvatures[max(profiles.curvatures)]
    return Picture(
        fig,
        "Left: for positive data the divergence falls steeply from infinity at a zero model to "
        "zero at the data and then grows almost linearly; for zero data it is the line z. Right: "
        f"its curvature, from {bends.max():.0f} at the smallest model shown to {bends.min():.2f} "
        "at the largest for the largest data value, a line of slope minus two in logarithms.",
    )


def majorants(sliced):
    """A loss along one coordinate, two majorants and where three rules go.

    Parameters
    ----------
    sliced : Majorants
    """
    curves = (
        ("loss", sliced.cost, INK),
        ("Burg majorant", sliced.burg, CYCLE[1]),
        ("MU majorant", sliced.multiplicative, CYCLE[0]),
    )
    styles = zip((CYCLE[1], CYCLE[0], CYCLE[2]), MARKERS)
    with style():
        fig, axes = figure(height=3.9)
        for name, values, color in curves:
            axes.plot(sliced.grid, values, color=color, label=name)
        axes.plot(sliced.point, sliced.value, "o", color=INK, markersize=9, markeredgecolor=SURFACE)
        for (name, goal), (color, marker) in zip(sliced.next_points.items(), styles):
            axes.plot(
                goal, -0.16, marker, color=color, markersize=9, markeredgecolor=SURFACE,
                label=f"{name} step", linestyle="none",
            )  # fmt: skip
        axes.axvline(sliced.minimum, color=MUTED, linewidth=1.0, linestyle=":")
        axes.set(xlabel="$x_1$", xlim=(0, 5), ylim=(-0.35, 3.2))
        axes.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    ways = ", ".join(f"{name} to {goal:.2f}" for name, goal in sliced.next_points.items())
    return Picture(
        fig,
        f"From the point {sliced.point:.2f}, where the loss is {sliced.value:.2f} and the minimum "
        f"lies at {sliced.minimum:.2f}, the rules go: {ways}. The Burg majorant lies above the "
        "multiplicative one, which lies above the loss.",
    )


def ridge_rules(rules):
    """Gap to the least penalised objective under three multiplicative rules.

    Parameters
    ----------
    rules : RidgeRules
    """
    with style():
        fig, axes = figure(height=3.3)
        for number, gap in enumerate(rules.gaps.values()):
            axes.plot(
                np.arange(len(gap)), gap, color=CYCLE[(1, 4, 0)[number]],
                linestyle=("-", "-", (0, (4, 2)))[number], marker=MARKERS[number],
                markevery=(7 * number, 30), markeredgecolor=SURFACE,
            )  # fmt: skip
        axes.set(yscale="log", xlabel="sweep", ylabel="relative gap")
        label_lines(axes, list(rules.gaps))
    parts = [
        f"{name} from {gap[0]:.2g} by way of {gap.min():.1e} to {gap[-1]:.1e}"
        for name, gap in rules.gaps.items()
    ]
    return Picture(fig, f"Relative gap to the least objective, logarithmic: {'; '.join(parts)}.")


def shrinkage(result):
    """The stars that two regressions see under an l1 weight.

    Parameters
    ----------
    result : Shrinkage
    """
    answers = _answers(result.reconstruction)
    with style():
        fig, axes = figure(ncols=2, height=3.1, sharey=True)
        for panel, (name, x, color), loss in zip(axes, answers, result.losses):
            _draw_stars(panel, result.reconstruction.sky, x, color)
            panel.set_title(f"{name}\nsupport {_count(x)}, loss × {loss:.3g}")
            panel.set_xlabel("position")
        axes[0].set_ylabel("brightness")
    parts = [
        f"{name}: {_count(x)} spikes, total brightness {x.sum():.0f}, loss {loss:.2f} times that "
        "at weight zero"
        for (name, x, _), loss in zip(answers, result.losses)
    ]
    return Picture(fig, f"At weight {result.fraction:g}, {'; '.join(parts)}.")
