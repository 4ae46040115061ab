"""Figures of the chapter on unrolled multiplicative updates."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, GRID, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, figure, style

_LINES = {
    "multiplicative": 0,
    "multiplicative, better start": 5,
    "tied": 2,
    "trained": 1,
}
_EMPHASES = {"increasing": 1, "last": 0, "even": 2}


def family(training, shown=12):
    """Spectra of training scenes, one panel a material, and their means.

    Parameters
    ----------
    training : Training
    shown : int
        Scenes whose spectra are drawn.
    """
    start = training.free.spectra_
    with style():
        fig, panels = figure(ncols=start.shape[1], height=2.7, sharey=True)
        for q, axes in enumerate(panels):
            for _, W, _ in training.scenes[:shown]:
                axes.plot(W[:, q], color=MUTED, linewidth=0.8, alpha=0.55)
            axes.plot(start[:, q], color=CYCLE[q])
            axes.set(title=f"material {q + 1}", ylim=(0, None))
            axes.margins(x=0)
        panels[0].set_ylabel("reflectance")
        panels[len(panels) // 2].set_xlabel("band")
    return Picture(
        fig,
        f"Spectra of {start.shape[1]} materials in {shown} of {len(training.scenes)} training "
        "scenes, thin, and their means over all of them, thick.",
    )


def costs(measured, shown=30):
    """Two costs along tied weighted updates, from the first layer on.

    Parameters
    ----------
    measured : WeightedCosts
    shown : int
        Runs that are drawn.
    """
    panels = (("derived here", measured.derived), ("as printed", measured.printed))
    with style():
        fig, axes = figure(ncols=2, height=2.8)
        for panel, (title, values), color in zip(axes, panels, CYCLE):
            change = values[:, 1:] - values[:, 1:2]
            change = change / np.abs(change).max(axis=1, keepdims=True)
            layers = np.arange(1, values.shape[1])
            panel.plot(layers, change[:shown].T, color=color, linewidth=0.9, alpha=0.55)
            panel.axhline(0.0, color=INK, linewidth=1.0)
            panel.set(title=title, xlabel="layer", ylim=(-1.08, 1.08))
        axes[0].set_ylabel("change of the cost")
    rises = measured.rises
    return Picture(
        fig,
        f"Change of the cost after the first layer along {shown} of {len(measured.derived)} runs, "
        f"divided by its largest magnitude. The cost derived here rises in {rises[0]} runs, the "
        f"printed one in {rises[1]}.",
    )


def progress(measured):
    """Mean error over test scenes against the number of layers or plain steps.

    Parameters
    ----------
    measured : Progress
    """
    with style():
        fig, axes = figure(height=3.6)
        for name, number in _LINES.items():
            errors = measured.errors[name]
            axes.plot(np.arange(1, len(errors)), errors[1:], color=CYCLE[number])
        for name in ("tied", "trained"):
            errors = measured.errors[name]
            axes.plot(
                len(errors) - 1, errors[-1], "o", color=CYCLE[_LINES[name]], markersize=8,
                markeredgecolor=SURFACE,
            )  # fmt: skip
        axes.axhline(measured.regression, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.annotate(
            "regression on the mean spectra", (1000, measured.regression), xytext=(0, 4),
            textcoords="offset points", color=MUTED, fontsize=9.5, ha="right",
        )  # fmt: skip
        axes.set(
            xscale="log", yscale="log", xlabel="layers or steps", ylabel="error of the factors"
        )
        ticks = [0.03, 0.05, 0.1, 0.2]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        label_lines(axes, ["plain", "plain, better start", "tied", "trained"])
    parts = [
        f"{name} {errors[1]:.3f} after 1 and {errors[-1]:.4f} after {len(errors) - 1}"
        for name, errors in measured.errors.items()
    ]
    return Picture(
        fig,
        f"Mean error of both factors: {'; '.join(parts)}; regression on the mean training spectra "
        f"{measured.regression:.3f}.",
    )


def spectra_after(path, layer):
    """Spectra of one scene after some plain and after as many trained layers.

    Parameters
    ----------
    path : SpectraPath
    layer : int
    """
    panels = (("multiplicative", path.plain), ("trained", path.trained))
    with style():
        fig, axes = figure(ncols=2, height=3.0, sharey=True)
        for panel, (name, points) in zip(axes, panels):
            for q, curve in enumerate(points[layer].T):
                panel.plot(curve, color=CYCLE[q])
                panel.plot(path.truth[:, q], ":", color=INK, linewidth=1.5)
            panel.set(
                title=f"{name}: error {path.errors[name][layer]:.3f}", xlabel="band",
                ylim=(0, 1.15 * path.truth.max()),
            )  # fmt: skip
            panel.margins(x=0)
        axes[0].set_ylabel("spectra (mean one)")
    parts = [f"{name} {errors[layer]:.3f}" for name, errors in path.errors.items()]
    return Picture(
        fig,
        f"After {layer} layers the errors of the factors of one scene are: {', '.join(parts)}. "
        "Solid curves are estimated spectra, dotted ones the true spectra.",
    )


def supervision(records, emphasis):
    """Errors after each layer, and how far its weights moved, for one part in the training loss.

    Parameters
    ----------
    records : dict of str to Supervision
    emphasis : str
        The one that is drawn in colour.
    """
    with style():
        fig, (left, right) = figure(ncols=2, height=3.0)
        ordered = sorted(records, key=lambda name: name == emphasis)
        for name in ordered:
            color, width = (CYCLE[_EMPHASES[name]], 2.2) if name == emphasis else (GRID, 1.6)
            record = records[name]
            left.plot(record.errors, color=color, linewidth=width)
            layers = np.arange(1, len(record.moved) + 1)
            right.plot(
                layers, record.moved, color=color, linewidth=width,
                marker=MARKERS[_EMPHASES[name]] if name == emphasis else "", markersize=4,
            )  # fmt: skip
        left.set(yscale="log", xlabel="layer", title="error of the factors")
        left.set_yticks([0.03, 0.1, 0.3], ["0.03", "0.1", "0.3"])
        left.minorticks_off()
        right.set(xlabel="layer", title="weights: distance from one", ylim=(0, None))
    chosen = records[emphasis]
    return Picture(
        fig,
        f"With supervision {emphasis!r} the error is {chosen.errors[12]:.3f} after 12 layers and "
        f"{chosen.errors[-1]:.4f} after the last; the weights of W of the first layer are "
        f"{chosen.moved[0]:.3f} from one, those of the last {chosen.moved[-1]:.3f}, in mean "
        "magnitude of the logarithm. Grey: the other choices.",
    )
