"""Figures of the chapter on spectral unmixing."""

import numpy as np
from matplotlib.colors import to_rgb

from multiconvex.studies.spectral_unmixing import colours_of

from .palette import CYCLE, INK, MUTED, PIXELS, SURFACE
from .picture import Picture
from .styling import MARKERS, SEQUENTIAL, WIDTH, figure, style

_SHORT = {"minimum volume, sum to one": "min. volume, Σ = 1", "minimum volume": "min. volume"}
_UNKNOWN = (0.82, 0.84, 0.86)


def paints(mixtures, share):
    """Two paints, and their mixtures with one share of the second, as spectra and as colours.

    Parameters
    ----------
    mixtures : Mixtures
    share : float
        One of ``mixtures.shares``.
    """
    place = int(np.argmin(np.abs(mixtures.shares - share)))
    made = {name: spectra[:, place] for name, spectra in mixtures.kinds.items()}
    colours = {
        name: colours_of(spectrum[:, None], mixtures.wavelengths)[0]
        for name, spectrum in made.items()
    }
    with style():
        fig, (left, right) = figure(ncols=2, height=2.9, width_ratios=(3, 1.5))
        for name, paint, color in zip(mixtures.names, mixtures.paints.T, (CYCLE[0], CYCLE[4])):
            left.plot(mixtures.wavelengths, paint, color=color, linewidth=1.1, linestyle="--")
            at = -1 if paint[-1] > paint[0] else 0
            left.annotate(
                name, (mixtures.wavelengths[at], paint[at]), xytext=(4 if at == 0 else -4, 5),
                textcoords="offset points", ha="left" if at == 0 else "right", color=INK,
                fontsize=9.5,
            )  # fmt: skip
        for (name, spectrum), color, dash in zip(made.items(), (CYCLE[1], CYCLE[2]), ("-", ":")):
            left.plot(mixtures.wavelengths, spectrum, color=color, linestyle=dash, label=name)
        left.set(xlabel="wavelength (nm)", ylabel="reflectance", ylim=(0, 1.05))
        left.margins(x=0)
        left.legend(loc="center", bbox_to_anchor=(0.78, 0.68), fontsize=9.5)
        patches = np.repeat(np.stack(list(colours.values()))[:, None], 2, axis=1)
        right.imshow(patches, aspect="auto")
        right.grid(False)
        right.set_xticks([])
        right.set_yticks(range(len(made)), list(made), rotation=90, va="center")
        right.tick_params(length=0)
        right.set_title(f"{100 * share:.0f}% {mixtures.names[1]}")
    parts = [
        f"{name}: mean reflectance {spectrum.mean():.2f}, colour {_hex(colours[name])}"
        for name, spectrum in made.items()
    ]
    return Picture(
        fig,
        f"Spectra of a {mixtures.names[0]} and a {mixtures.names[1]} paint, and of mixtures with "
        f"{100 * share:.0f}% of the second. {'; '.join(parts)}.",
    )


def maps(report, methods):
    """Abundances of every material, one row for the references and one for each method.

    Parameters
    ----------
    report : UnmixingReport
    methods : sequence of str
    """
    rows = {} if report.abundances is None else {"reference": report.abundances}
    rows |= {_SHORT.get(method, method): report[method].abundances for method in methods}
    n = len(report.names)
    with style():
        fig, axes = figure(
            n, len(rows), height=0.4 + len(rows) * WIDTH / (n + 0.9) * 0.86, squeeze=False
        )
        for line, (name, images) in zip(axes, rows.items()):
            for q, axis in enumerate(line):
                drawn = axis.imshow(images[..., q], cmap=SEQUENTIAL, vmin=0.0, vmax=1.0)
                axis.grid(False)
                axis.set(xticks=[], yticks=[])
                for side in axis.spines.values():
                    side.set_visible(False)
            line[0].set_ylabel(name, fontsize=10.5)
        for axis, name in zip(axes[0], report.names):
            axis.set_title(name, fontsize=11)
        bar = fig.colorbar(drawn, ax=list(axes.flat), shrink=0.6, aspect=28, pad=0.02)
        bar.set_label("share")
        bar.outline.set_visible(False)
    means = [
        f"{name} {', '.join(f'{mean:.2f}' for mean in images.mean(axis=(0, 1)))}"
        for name, images in rows.items()
    ]
    return Picture(
        fig,
        f"Maps of the shares of {', '.join(report.names)}. Their means: {'; '.join(means)}.",
    )


def cloud(path, weight):
    """Pixels in the plane of largest variance, with a triangle of minimum volume around them.

    Parameters
    ----------
    path : WeightPath
    weight : float
        One of ``path.weights``.
    """
    result = path.results[weight]
    with style():
        fig, axes = figure(height=3.8)
        axes.plot(
            *path.pixels.T, "o", color=PIXELS, alpha=0.4, markersize=3, markeredgewidth=0,
            rasterized=True,
        )  # fmt: skip
        for corners, color, name, marker in (
            (path.reference, MUTED, "references", MARKERS[1]),
            (path.corners[weight], CYCLE[1], "minimum volume", MARKERS[2]),
        ):
            axes.plot(
                *np.vstack([corners, corners[:1]]).T, color=color, marker=marker, markersize=7,
                markeredgecolor=SURFACE, linewidth=1.8, label=name,
            )  # fmt: skip
        every = np.vstack([path.reference, path.pixels, *path.corners.values()])
        low, high = every.min(axis=0), every.max(axis=0)
        pad = 0.05 * (high - low)
        axes.set(
            xlim=(low[0] - pad[0], high[0] + pad[0]), ylim=(low[1] - pad[1], high[1] + pad[1]),
            xlabel="first principal direction", ylabel="second",
            title=f"weight {weight:g}: RMSE of shares {result.rmse:.3f}",
        )  # fmt: skip
        axes.legend(loc="best")
    return Picture(
        fig,
        f"{len(path.pixels)} pixels and two triangles. With a weight of {weight:g} the residual is "
        f"{100 * result.error:.2f}%, the mean angle {result.angles.mean():.1f} degrees and the "
        f"error of the shares {result.rmse:.3f}.",
    )


def purities(record):
    """Mean spectral angle of each method against the purity of the purest pixels.

    Parameters
    ----------
    record : PurityRecord
    """
    with style():
        fig, axes = figure(ncols=2, height=3.4)
        panels = zip(axes, (record.angles, record.rmse), ("mean angle (°)", "RMSE of shares"))
        for panel, measured, title in panels:
            for number, (method, values) in enumerate(measured.items()):
                color = CYCLE[number]
                panel.plot(
                    record.limits, values.mean(axis=1), color=color, marker=MARKERS[number],
                    markersize=5, label=_SHORT.get(method, method),
                )  # fmt: skip
                panel.vlines(
                    record.limits, values.min(axis=1), values.max(axis=1), color=color,
                    linewidth=1.0, alpha=0.6,
                )  # fmt: skip
            panel.axvline(2 / 3, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
            panel.set(xlabel="largest share in a pixel", title=title, ylim=(0, None))
            panel.invert_xaxis()
        lines = axes[0].get_legend_handles_labels()
        fig.legend(*lines, loc="outside lower center", ncols=len(record.angles), fontsize=9)
    parts = [
        f"{method} {', '.join(f'{value:.1f}' for value in values.mean(axis=1))}"
        for method, values in record.angles.items()
    ]
    return Picture(
        fig,
        f"Angles in degrees where no share exceeds {', '.join(f'{x:g}' for x in record.limits)}: "
        f"{'; '.join(parts)}. A line marks two thirds.",
    )


def tissue(report, method):
    """A photograph of a stained tissue and where its stains are.

    Parameters
    ----------
    report : TissueReport
    method : str
    """
    result = report.absorbance[method]
    depth = -np.log10(np.maximum(report.photograph, 1) / 255.0).sum(axis=2)
    strength = result.abundances * depth[..., None]
    with style():
        fig, axes = figure(ncols=3, height=2.3)
        axes[0].imshow(report.photograph)
        axes[0].set_title("photograph")
        for q, name in enumerate(report.absorbance.names):
            top = np.quantile(strength[..., q], 0.99)
            axes[q + 1].imshow(strength[..., q], cmap=SEQUENTIAL, vmin=0.0, vmax=top)
            axes[q + 1].set_title(name)
        for axis in axes:
            axis.axis("off")
    shares = ", ".join(
        f"{name} {mean:.2f}"
        for name, mean in zip(report.absorbance.names, result.abundances.mean(axis=(0, 1)))
    )
    return Picture(fig, f"A stained tissue and maps of its two stains. Mean shares: {shares}.")


def farm(report, method):
    """The survey of a farm, and the crop whose component is strongest in each pixel.

    Parameters
    ----------
    report : FarmReport
    method : str
    """
    colours = np.array([_UNKNOWN] + [to_rgb(CYCLE[q]) for q in range(len(report.names))])
    guess = report.guesses[method]
    images = {
        "survey": colours[report.labels],
        f"named by {method}": colours[np.where(report.labels > 0, guess, 0)],
    }
    with style():
        fig, axes = figure(ncols=3, height=2.9, width_ratios=(10, 10, 0.7))
        for axis, (title, image) in zip(axes, images.items()):
            axis.imshow(image)
            axis.set_title(title)
            axis.axis("off")
        key = axes[2]
        key.imshow(colours[1:, None], aspect="auto")
        key.grid(False)
        key.set(xticks=[], yticks=range(len(report.names)), yticklabels=report.names)
        key.yaxis.tick_right()
        key.tick_params(length=0)
        for side in key.spines.values():
            side.set_visible(False)
    return Picture(
        fig,
        f"Survey of {len(report.names)} crops, and the crops that {method} names. Of the pixels "
        f"that it has not seen, {report.accuracy(guess):.0%} are right; {report.largest_class:.0%} "
        f"belong to the largest crop, {report.names[0]}.",
    )


def _hex(colour):
    return "#" + "".join(f"{round(255 * value):02x}" for value in colour)
