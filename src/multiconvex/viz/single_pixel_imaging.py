"""Figures of the chapter on single-pixel imaging."""

import numpy as np

from .images import image_grid
from .labels import label_lines
from .palette import CYCLE, INK, MUTED
from .picture import Picture
from .styling import MARKERS, figure, style

_METHODS = {
    "pseudo_inverse": "pseudo-inverse",
    "least_squares": "nonnegative LS",
    "likelihood": "max. likelihood",
    "total_variation": "total variation",
}
_FILTERS = np.array([[1.0, 0.25, 0.1], [0.1, 0.8, 0.6]])
_SHOWN_MAPS = ("truth", "two steps", "joint, metric")


def patterns(camera, side=4):
    """The coarsest patterns of a camera, tiles in a grid.

    Parameters
    ----------
    camera : SplitHadamard2D
    side : int
        Patterns in a row.
    """
    tiles = camera.patterns()[:side, :side]
    n = camera.n
    with style():
        fig, axes = figure(side, side, height=5.0, squeeze=False)
        for row, panels in zip(tiles, axes):
            for tile, panel in zip(row, panels):
                panel.imshow(tile, cmap="gray", vmin=-1, vmax=1)
                panel.set(xticks=[], yticks=[])
                for spine in panel.spines.values():
                    spine.set(visible=True, color=MUTED)
    return Picture(
        fig,
        f"The {side * side} coarsest of {n * n} patterns of {n} by {n} mirrors. White mirrors send "
        "light to the detector, black ones away from it; the first pattern is all white.",
    )


def gains(measured):
    """Gain over a raster scan with as many exposures, against the dark current.

    Parameters
    ----------
    measured : DarkGains
    """
    with style():
        fig, axes = figure(height=3.2)
        for number, values in enumerate(measured.gains.values()):
            axes.plot(
                measured.darkness, values, color=CYCLE[number], marker=MARKERS[number],
                markevery=(4 * number, 12), linestyle=("-", "-", "--")[number],
            )  # fmt: skip
        axes.set(xscale="log", xlabel="dark counts / counts of a mean pixel", ylabel="gain")
        axes.set_ylim(0, None)
        label_lines(axes, list(measured.gains))
    parts = [
        f"{name} from {values[0]:.2f} to {values[-1]:.2f}"
        for name, values in measured.gains.items()
    ]
    return Picture(
        fig,
        f"Gain in precision with as many exposures as pixels, as the dark current grows from "
        f"{measured.darkness[0]:g} to {measured.darkness[-1]:g} times the counts of a pixel: "
        f"{'; '.join(parts)}.",
    )


def race(measured):
    """Objective and error of an image after each sweep of two updates.

    Parameters
    ----------
    measured : UpdateRace
    """
    with style():
        fig, (left, right) = figure(ncols=2, height=3.1)
        for number, name in enumerate(measured.gaps):
            gap = np.maximum(measured.gaps[name], 1e-10)
            left.plot(np.arange(1, len(gap) + 1), gap, color=CYCLE[number])
            error = measured.errors[name]
            right.plot(np.arange(1, len(error) + 1), error, color=CYCLE[number])
        left.set(xscale="log", yscale="log", xlabel="sweep", title="objective, gap")
        right.set(xscale="log", xlabel="sweep", title="error of the image", ylim=(0, None))
        label_lines(right, list(measured.gaps))
    parts = [f"{name} {gap[min(10, len(gap) - 1)]:.1e}" for name, gap in measured.gaps.items()]
    return Picture(
        fig,
        f"Gap of the objective relative to its start, after 10 sweeps: {'; '.join(parts)}. After "
        f"the last: {'; '.join(f'{name} {gap[-1]:.1e}' for name, gap in measured.gaps.items())}.",
    )


def reconstructions(record):
    """The cat by four methods, with errors.

    Parameters
    ----------
    record : Reconstruction
    """
    images = {
        f"{title}\nerror {getattr(record.row, name):.3f}": np.clip(record.images[name], 0.0, 1.0)
        for name, title in _METHODS.items()
    }
    picture = image_grid(images, ncols=2, limits=(0.0, 1.0), cmap="gray")
    errors = ", ".join(
        f"{title} {getattr(record.row, name):.3f}" for name, title in _METHODS.items()
    )
    return Picture(
        picture.figure,
        f"The cat from {record.row.patterns} of the patterns at {record.row.photons:g} photons; "
        f"errors: {errors}.",
    )


def unmixing(record):
    """Colour-coded abundance maps and spectra of two filters.

    Parameters
    ----------
    record : Unmixing
    """
    rows = {row.method: row for row in record.rows}
    with style():
        fig, axes = figure(ncols=3, nrows=2, height=4.3, sharey="row")
        for name, (above, below) in zip(_SHOWN_MAPS, axes.T):
            above.imshow(np.clip(record.maps[name] @ _FILTERS, 0.0, 1.0))
            above.set_axis_off()
            label = name if name == "truth" else f"{name}:\nangle {rows[name].angle:.1f}°"
            above.set_title(label, fontsize=11)
            for q, colour in enumerate((CYCLE[1], CYCLE[2])):
                below.plot(record.wavelengths, record.spectra[name][:, q], color=colour)
                below.plot(record.wavelengths, record.spectra["truth"][:, q], ":", color=INK, lw=1)
            below.set_xticks([450, 550, 650])
        axes[1, 0].set_ylabel("spectra")
        axes[1, 1].set_xlabel("wavelength (nm)")
    parts = [f"{row.method} {row.angle:.2f}" for row in record.rows if row.angle is not None]
    return Picture(
        fig,
        f"Abundance maps at {record.photons:g} photons, coloured by filter, and spectra, the true "
        f"ones dotted. Largest spectral angles in degrees: {'; '.join(parts)}.",
    )


def target(record):
    """The target by the inverse transform, with total variation, and by an ordinary camera.

    Parameters
    ----------
    record : TargetImages
    """
    images = {name: np.clip(image, 0.0, 1.0) for name, image in record.images.items()}
    picture = image_grid(images, ncols=3, limits=(0.0, 1.0), cmap="gray")
    parts = [f"{name} {value:.3f}" for name, value in record.correlations.items()]
    return Picture(
        picture.figure,
        f"A disc with six round holes, from {100 * record.share:.0f}% of its wavelet "
        f"coefficients. Correlations with the ordinary camera: {'; '.join(parts)}.",
    )
