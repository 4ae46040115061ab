"""Figures of the chapter on Poisson and Gaussian noise."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, INK, MUTED
from .picture import Picture
from .styling import MARKERS, SEQUENTIAL, figure, style

_REFERENCE = "KL, shifted"
_COLOURS = {
    "squares": 0,
    "KL, clipped": 1,
    "stabilised": 2,
    "transform first": 3,
    _REFERENCE: 4,
}


def variance(curves):
    """Variance of transformed counts, and what two inverses are wrong by, against the mean.

    Parameters
    ----------
    curves : Variances
    """
    with style():
        fig, (left, right) = figure(ncols=2, height=2.9)
        places = {
            "counts": (1.85, "right"),
            "square root": (0.9, "right"),
            "Anscombe": (1.6, "left"),
        }
        for k, (name, values) in enumerate(curves.spread.items()):
            left.plot(curves.means, values, color=CYCLE[k])
            mean, side = places[name]
            where = np.argmin(np.abs(curves.means - mean))
            left.annotate(
                name, (curves.means[where], values[where]), color=INK, fontsize=9.5, ha=side,
                xytext=(-6, 6) if side == "right" else (6, -12), textcoords="offset points",
            )  # fmt: skip
        left.set(xscale="log", ylim=(0, 2.2), xlabel="mean count", title="variance")
        middle = np.argmin(np.abs(curves.means - 8.0))
        for k, (name, values) in enumerate(curves.answers.items()):
            gap = values - curves.means
            right.plot(curves.means, gap, color=CYCLE[3 + k])
            right.annotate(
                name, (curves.means[middle], gap[middle]), xytext=(0, 6), ha="center",
                textcoords="offset points", color=INK, fontsize=9.5,
            )  # fmt: skip
        right.set(xscale="log", xlabel="mean count", title="error of the inverse")
        lowest = min((values - curves.means).min() for values in curves.answers.values())
        right.set_ylim(1.35 * lowest, -0.35 * lowest)
    at = [np.argmin(np.abs(curves.means - mean)) for mean in (0.1, 1.0, 10.0)]
    stable = curves.spread["Anscombe"]
    parts = ", ".join(f"{stable[i]:.2f} at a mean of {curves.means[i]:.1f}" for i in at)
    return Picture(
        fig,
        f"Left: the variance of transformed counts is {parts}. Right: the algebraic inverse is up "
        f"to {-lowest:.2f} counts too low, the unbiased one is not.",
    )


def losses(curves):
    """Errors of all methods relative to the shifted divergence, one panel for each read noise.

    Parameters
    ----------
    curves : sequence of LossCurves
    """
    names = [name for name in curves[0].angles if name != _REFERENCE]
    with style():
        fig, (panels,) = figure(ncols=len(curves), height=3.5, sharey=True, squeeze=False)
        for axes, curve in zip(panels, curves):
            best = curve.median(_REFERENCE)
            for k, name in enumerate(names):
                axes.plot(
                    curve.levels, curve.median(name) / best, color=CYCLE[_COLOURS[name]],
                    marker=MARKERS[k], markersize=4,
                )  # fmt: skip
            axes.axhline(1.0, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
            noise = f"read noise {curve.deviation:g}" if curve.deviation else "no read noise"
            axes.set(xscale="log", yscale="log", ylim=(0.8, 10), title=noise)
            axes.set_xticks([0.1, 1, 10, 100, 1000], ["0.1", "1", "10", "100", "1000"])
            axes.set_yticks([1, 2, 4, 8], ["1", "2", "4", "8"])
            axes.minorticks_off()
            axes.set_xlabel("photons an entry", fontsize=10.5)
        panels[0].set_ylabel("error / error of KL, shifted")
        label_lines(panels[-1], names)
    return Picture(
        fig,
        "Median errors of the spectra divided by those of the shifted divergence. "
        + " ".join(_describe(curve, names) for curve in curves),
    )


def fits(shown):
    """Data of one scene, and the spectra that two methods find in them.

    Parameters
    ----------
    shown : Fits
    """
    truth = shown.counts.H / shown.counts.H.max(axis=0)
    with style():
        fig, panels = figure(ncols=1 + len(shown.spectra), height=2.7)
        panels[0].imshow(shown.counts.X, aspect="auto", cmap=SEQUENTIAL)
        panels[0].grid(False)
        panels[0].set(xlabel="band", ylabel="pixel")
        panels[0].set_title("data", fontsize=10.5)
        for axes, (name, H) in zip(panels[1:], shown.spectra.items()):
            for q in range(H.shape[1]):
                axes.plot(H[:, q], color=CYCLE[q], linewidth=1.6)
                axes.plot(truth[:, q], ":", color=MUTED, linewidth=1.3)
            axes.set_title(f"{name}: {shown.angles[name]:.1f}°", fontsize=10.5)
            axes.set(xlabel="band", ylim=(0, 1.1))
            axes.set_yticks([0, 1])
            axes.margins(x=0)
    photons = float(np.mean(shown.counts.W @ shown.counts.H.T))
    parts = [f"{name} {angle:.1f}" for name, angle in shown.angles.items()]
    return Picture(
        fig,
        f"Data with a mean of {photons:.3g} photons and read noise {shown.counts.deviation:g}, and "
        f"spectra found in them. Mean angles to the true spectra in degrees: {', '.join(parts)}.",
    )


def _describe(curve, names):
    ratios = {name: curve.median(name) / curve.median(_REFERENCE) for name in names}
    parts = [
        f"{name} {values[0]:.2f} at {curve.levels[0]:g} photons and {values[-1]:.2f} at "
        f"{curve.levels[-1]:g}"
        for name, values in ratios.items()
    ]
    return f"Read noise {curve.deviation:g}: {'; '.join(parts)}."
