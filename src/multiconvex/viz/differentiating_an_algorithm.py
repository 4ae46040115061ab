"""Figures of the chapter on differentiating an algorithm."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, INK, MUTED
from .picture import Picture
from .styling import MARKERS, figure, style

_GROUPS = {"vague": 0, "blurred": 2, "hard": 1}


def loss_along(path, every=5):
    """The exact loss while a feature changes its group, with tangents from its derivative.

    Parameters
    ----------
    path : Slice
    every : int
        Points between two tangents.
    """
    values, slopes = path.values[0], path.slopes[0]
    with style():
        fig, axes = figure(height=3.2)
        axes.plot(path.share, values, color=CYCLE[0])
        for t, value, slope in zip(path.share[::every], values[::every], slopes[::every]):
            ends = np.clip([t - 0.07, t + 0.07], 0.0, 1.0)
            axes.plot(ends, value + slope * (ends - t), color=CYCLE[1], linewidth=1.6)
            axes.plot(t, value, "o", color=CYCLE[1], markersize=4)
        axes.set(xlabel="membership in the wrong group", ylabel="validation loss")
    return Picture(
        fig,
        f"The validation loss rises from {values[0]:.4f} to {values[-1]:.4f} as the membership of "
        f"one feature in a wrong group grows. Tangents touch the curve, with slopes from "
        f"{slopes[::every].min():.3f} to {slopes[::every].max():.3f}.",
    )


def slice_after(path, inner_steps):
    """Loss and derivative after some inner steps, with those of the exact lower level.

    Parameters
    ----------
    path : Slice
    inner_steps : int
    """
    with style():
        fig, panels = figure(ncols=2, height=3.0)
        for axes, curves in zip(panels, (path.values, path.slopes)):
            axes.plot(path.share, curves[0], color=MUTED, linestyle=(0, (4, 3)), linewidth=1.6)
            axes.plot(path.share, curves[inner_steps], color=CYCLE[0])
            axes.set_xlabel("membership in the wrong group")
        panels[0].set_title("validation loss")
        panels[1].set_title("its derivative")
        panels[1].axhline(0.0, color=INK, linewidth=0.8)
    value, slope = path.values[inner_steps], path.slopes[inner_steps]
    return Picture(
        fig,
        f"After {inner_steps} steps the loss goes from {value[0]:.3f} to {value[-1]:.3f} and its "
        f"derivative from {slope[0]:.3f} to {slope[-1]:.3f}; for the exact lower level the loss "
        f"goes from {path.values[0][0]:.3f} to {path.values[0][-1]:.3f} (dashed).",
    )


def maps(curves):
    """Projection and Bregman step on a line, and their derivatives.

    Parameters
    ----------
    curves : BallMaps
    """
    pairs = {"projection": curves.projection, "Bregman step": curves.bregman}
    with style():
        fig, panels = figure(ncols=2, height=3.3)
        for number, both in enumerate(pairs.values()):
            for axes, curve in zip(panels, both):
                axes.plot(
                    curves.v, curve, color=CYCLE[number], marker=MARKERS[number], markevery=30,
                    markersize=4, drawstyle="steps-mid" if curve.max() > curve[-2] == 0 else None,
                )  # fmt: skip
        for axes, title in zip(panels, ("where a point goes", "derivative")):
            axes.set(xlabel="from the centre", title=title)
        fig.legend(panels[0].lines, list(pairs), loc="outside lower center", ncols=2, frameon=False)
    return Picture(
        fig,
        f"Both maps send a line into a ball of radius {curves.lam:g}. The projection is the "
        "identity inside and constant outside, its derivative jumps from one to zero. The Bregman "
        "step bends smoothly and never reaches the boundary: at a distance of "
        f"{curves.v[-1]:g} it goes to {curves.bregman[0, -1]:.3f}, with derivative "
        f"{curves.bregman[1, -1]:.3f}.",
    )


def truncation(record, groups):
    """Errors of the derivative against the number of inner steps, for both kinds of steps.

    Parameters
    ----------
    record : Truncation
    groups : str
    """
    curves = {"Bregman": record.bregman[groups], "projection": record.projection[groups]}
    with style():
        fig, axes = figure(height=3.3)
        for number, errors in zip((1, 0), curves.values()):
            axes.plot(
                record.counts, errors, color=CYCLE[number], marker=MARKERS[number], markersize=4
            )
        axes.set(
            xscale="log", yscale="log", xlabel="inner steps", ylabel="error of the derivative",
            ylim=(1e-7, 5),
        )  # fmt: skip
        label_lines(axes, list(curves))
    parts = [
        f"{name} {errors[4]:.1e} after {record.counts[4]} and {errors[-1]:.1e} after "
        f"{record.counts[-1]} steps"
        for name, errors in curves.items()
    ]
    return Picture(fig, f"Relative error of the derivative at {groups} groups: {'; '.join(parts)}.")


def memory(record):
    """Error of a reverse pass over the last iterates only.

    Parameters
    ----------
    record : Memory
    """
    with style():
        fig, axes = figure(height=3.3)
        for name, errors in record.errors.items():
            number = _GROUPS[name]
            axes.plot(
                record.kept[:-1], errors[:-1], color=CYCLE[number], marker=MARKERS[number],
                markersize=4,
            )  # fmt: skip
        axes.axhline(1.0, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.annotate(
            "a gradient of zero", (record.kept[0], 1.0), xytext=(0, -12), color=MUTED,
            textcoords="offset points", fontsize=9.5,
        )  # fmt: skip
        axes.set(
            xscale="log", yscale="log", xlabel="iterates kept", ylabel="error of the derivative"
        )
        label_lines(axes, list(record.errors))
    parts = [
        f"{name} {errors[0]:.2f} with {record.kept[0]} iterate and {errors[-2]:.3f} with "
        f"{record.kept[-2]}"
        for name, errors in record.errors.items()
    ]
    return Picture(
        fig,
        f"Error relative to the whole reverse pass of {record.kept[-1]} steps: {'; '.join(parts)}.",
    )
