"""Figures of the chapter on mixtures of regressions."""

import numpy as np
from matplotlib.colors import ListedColormap

from .labels import label_lines
from .palette import CYCLE, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, SEQUENTIAL, figure, style

_OPTIONS = ("o", "s", "^")
_DASHED = (0, (4, 2))
_ZERO = 1e-9
_POWERS = (r"$10^{-6}$", r"$10^{-3}$", r"$1$", r"$10^{3}$")


def garage(planes):
    """A photo, the disparities of its pixels, and the planes that they lie on.

    Parameters
    ----------
    planes : Planes
    """
    with style():
        fig, panels = figure(ncols=3, height=1.75)
        panels[0].imshow(planes.photo)
        panels[1].imshow(planes.disparity, cmap=SEQUENTIAL)
        _paint(panels[2], planes.labels, len(planes.laws))
        for axes, title in zip(panels, ("photo", "disparity", _count(planes))):
            axes.set_title(title)
            axes.axis("off")
    low, high = np.nanmin(planes.disparity), np.nanmax(planes.disparity)
    return Picture(
        fig,
        "A motorcycle in a garage, before a wall with a bench and shelves. Disparities from "
        f"{low:.0f} to {high:.0f} pixels. {_shares(planes)}",
    )


def planes(*fits, titles=None):
    """The plane of each pixel, one panel for each fit.

    Parameters
    ----------
    *fits : Planes
    titles : sequence of str, optional
        By default the number of planes and how many pixels they explain.
    """
    titles = titles or [f"{_count(fit)}: {fit.close:.0%} within half a pixel" for fit in fits]
    with style():
        fig, panels = figure(ncols=len(fits), height=4.3 / len(fits) + 0.1, squeeze=False)
        for axes, fit, title in zip(panels[0], fits, titles):
            _paint(axes, fit.labels, len(fit.laws))
            axes.set_title(title)
            axes.axis("off")
    return Picture(fig, " ".join(_shares(fit) for fit in fits))


def _paint(axes, labels, count):
    shown = np.ma.masked_less(labels, 0)
    axes.imshow(shown, cmap=ListedColormap(CYCLE[:count]), vmin=-0.5, vmax=count - 0.5)


def _shares(planes):
    parts = np.bincount(planes.labels[planes.labels >= 0], minlength=len(planes.laws))
    shares = ", ".join(f"{part:.0%}" for part in parts / parts.sum())
    return (
        f"{_count(planes).capitalize()} with {shares} of the pixels, from the farthest to the "
        f"nearest; {planes.close:.0%} of the pixels are within half a pixel of their plane."
    )


def _count(planes):
    number = len(planes.laws)
    return f"{number} plane" if number == 1 else f"{number} planes"


def losses(profile):
    """Losses of a residual.

    Parameters
    ----------
    profile : Losses
    """
    colors = {"square": CYCLE[0], "absolute": CYCLE[2], "Huber": CYCLE[1], "printed": CYCLE[3]}
    with style():
        fig, axes = figure(height=3.2)
        for name, values in profile.values.items():
            torn = np.abs(np.diff(values, prepend=0.0)) > 0.5
            axes.plot(
                profile.residual, np.where(torn, np.nan, values), color=colors[name],
                linestyle=_DASHED if name == "printed" else "-",
            )  # fmt: skip
        axes.axvline(profile.delta, color=MUTED, linewidth=1.0, linestyle=":")
        axes.set(xlabel="residual", ylabel="loss", ylim=(0, 6.2), xlim=(0, 3))
        label_lines(axes, list(profile.values))
    return Picture(
        fig,
        "Losses of a residual from 0 to 3: the square bends upwards, the absolute value is "
        f"straight, the Huber loss follows the square up to {profile.delta:g} and then goes on "
        f"straight. As printed it jumps by {profile.jump:g} there.",
    )


def planted_laws(recovery):
    """Coefficients that made the data, and fitted ones.

    Parameters
    ----------
    recovery : Recovery
    """
    K, n = recovery.truth.shape
    place = np.arange(1, n + 1)
    with style():
        fig, panels = figure(nrows=K, height=4.4, sharex=True, sharey=True)
        for k, axes in enumerate(panels):
            axes.axhline(0, color=INK, linewidth=0.8)
            axes.bar(place, recovery.truth[k], width=0.7, color=CYCLE[k], alpha=0.3, label="truth")
            axes.plot(
                place, recovery.parameters[k], "o", color=CYCLE[k], markeredgecolor=SURFACE,
                markersize=7, label="fit",
            )  # fmt: skip
            axes.set_ylabel(f"law {k + 1}")
            axes.grid(axis="x", visible=False)
        panels[0].legend(ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0))
        panels[-1].set(xlabel="coefficient", xticks=place)
    gap = np.abs(recovery.parameters - recovery.truth).max()
    return Picture(
        fig,
        f"{K} laws with {n} coefficients each, between {recovery.truth.min():.2f} and "
        f"{recovery.truth.max():.2f}; no fitted coefficient is farther from the truth than "
        f"{gap:.2f}.",
    )


def start_costs(recoveries):
    """Final objective of every start relative to the best, one column for each sample.

    Parameters
    ----------
    recoveries : sequence of Recovery
    """
    rng = np.random.default_rng(0)
    with style():
        fig, axes = figure(height=3.4)
        for number, recovery in enumerate(recoveries):
            spread = rng.uniform(-0.3, 0.3, len(recovery.gaps))
            axes.plot(
                number + spread, recovery.gaps, "o", color=CYCLE[0], markersize=4.5, alpha=0.5,
                markeredgewidth=0,
            )  # fmt: skip
        axes.set(
            yscale="log", ylabel="final objective / best", xlabel="data set",
            xticks=range(len(recoveries)),
        )  # fmt: skip
        axes.set_xticklabels([recovery.name for recovery in recoveries])
        axes.set_yticks([1, 3, 10, 30], labels=["1", "3", "10", "30"])
        axes.set_yticks([], minor=True)
        axes.grid(axis="x", visible=False)
    gaps = np.concatenate([recovery.gaps for recovery in recoveries])
    return Picture(
        fig,
        f"{len(gaps)} starts: {(gaps < 1.01).mean():.0%} end within one per cent of the best "
        f"objective of their data set and {(gaps > 5).mean():.0%} at more than five times that "
        f"objective, up to {gaps.max():.0f} times.",
    )


def stopping_gaps(runs, tol=1e-6):
    """The difference of the two costs, sweep by sweep, and the tolerance it should fall below.

    Parameters
    ----------
    runs : dict of str to GapTrace
    tol : float
    """
    with style():
        fig, axes = figure(height=3.4)
        for number, run in enumerate(runs.values()):
            size = np.abs(run.gaps)
            axes.plot(
                np.arange(1, len(size) + 1), np.maximum(size, _ZERO), color=CYCLE[number],
                marker=MARKERS[number], markeredgecolor=SURFACE, markevery=3,
                linestyle=("-", "-", _DASHED)[number],
            )  # fmt: skip
        axes.set(yscale="log", xlabel="sweep", ylabel="$|P - F|$", ylim=(_ZERO, None))
        axes.set_yticks([_ZERO, 1e-6, 1e-3, 1.0, 1e3], labels=["0", *_POWERS])
        axes.set_yticks([], minor=True)
        label_lines(axes, list(runs))
        axes.axhline(tol, color=INK, linewidth=1.2, linestyle=":")
        axes.annotate(
            "tolerance", (1, tol), xytext=(0, 4), textcoords="offset points", fontsize=10.5
        )
    parts = [
        f"{name}: {abs(run.gaps[-1]):.1e} after {len(run.gaps)} sweeps, at cost {run.cost:.0f}"
        for name, run in runs.items()
    ]
    return Picture(
        fig, f"Difference of the costs of two steps against the tolerance {tol:g}. "
        f"{'; '.join(parts)}."
    )  # fmt: skip


def outliers(data):
    """Two laws with outliers, and the lines of three losses.

    Parameters
    ----------
    data : Contaminated
    """
    ends = np.array([0.0, 10.0])
    with style():
        fig, panels = figure(ncols=3, height=3.2, sharey=True)
        for number, (axes, (name, lines)) in enumerate(zip(panels, data.fits.items())):
            clean = ~data.outlying
            axes.plot(
                data.x[clean], data.y[clean], "o", color=MUTED, markersize=3, alpha=0.6,
                markeredgewidth=0,
            )  # fmt: skip
            axes.plot(data.x[data.outlying], data.y[data.outlying], "x", color=INK, markersize=4.5)
            for slope, intercept in data.truth:
                axes.plot(
                    ends, slope * ends + intercept, color=INK, linewidth=1.0, linestyle=_DASHED
                )
            for slope, intercept in lines:
                axes.plot(ends, slope * ends + intercept, color=CYCLE[number], linewidth=2.2)
            axes.set_title(name.replace("huber", "Huber"))
            axes.set(xlabel="x", ylim=(-22, 42), xlim=(-0.3, 10.3))
        panels[0].set_ylabel("y")
    parts = [f"{name} {error:.1f}" for name, error in data.errors.items()]
    return Picture(
        fig,
        f"{data.fraction:.0%} outliers among {len(data.x)} samples of two laws. Largest distance "
        f"of a true line to the closest fitted one: {', '.join(parts)}.",
    )


def label_shift(shift):
    """Fitted slope against true slope, with hard and with soft labels.

    Parameters
    ----------
    shift : LabelShift
    """
    with style():
        fig, axes = figure(height=3.4)
        axes.plot(shift.slopes, shift.predicted, color=CYCLE[1])
        axes.plot(shift.slopes, shift.slopes, color=CYCLE[0], linestyle=_DASHED)
        axes.set(
            xlabel="true slope, in units of the noise", ylabel="fitted slope",
            xlim=(-0.03, shift.slopes[-1] + 0.03), ylim=(-0.05, shift.slopes[-1] + 0.1),
        )  # fmt: skip
        axes.plot(
            shift.slopes, shift.hard, "s", color=CYCLE[1], markeredgecolor=SURFACE,
            label="hard labels",
        )  # fmt: skip
        axes.plot(
            shift.slopes, shift.soft, "o", color=CYCLE[0], markeredgecolor=SURFACE,
            label="soft labels",
        )  # fmt: skip
        axes.legend(loc="upper left")
    return Picture(
        fig,
        f"With hard labels the fitted slope is {shift.hard[0]:.2f} where the true one is 0 and "
        f"{shift.hard[-1]:.2f} where it is {shift.slopes[-1]:g}, on the predicted curve; with soft "
        f"labels it is {shift.soft[0]:.2f} and {shift.soft[-1]:.2f}, on the diagonal.",
    )


def rankings(data):
    """Choices among three options, in one panel for each estimated population.

    Parameters
    ----------
    data : Rankings
    """
    with style():
        fig, panels = figure(ncols=2, height=3.7, sharex=True, sharey=True)
        for k, axes in enumerate(panels):
            own = data.assigned == k
            wrong = own & (data.labels != k)
            for option, marker in enumerate(_OPTIONS):
                chosen = own & (data.choice == option)
                axes.plot(
                    *data.X[chosen].T, marker, color=CYCLE[option], markersize=4.5, alpha=0.65,
                    markeredgewidth=0, label=f"option {option + 1}",
                )  # fmt: skip
            axes.plot(
                *data.X[wrong].T, "o", markerfacecolor="none", markeredgecolor=INK,
                markersize=8, markeredgewidth=0.9, label="wrong population",
            )  # fmt: skip
            axes.set(title=f"population {k + 1}", xlabel="$x_1$", aspect="equal")
            axes.set_xticks([-1, 0, 1])
            axes.set_yticks([-1, 0, 1])
        panels[0].set_ylabel("$x_2$")
        fig.legend(
            *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4,
            handletextpad=0.1, columnspacing=0.9,
        )  # fmt: skip
    return Picture(
        fig,
        f"{len(data.choice)} choices among three options in the plane; each population prefers "
        f"another option in each third of it. {data.accuracy:.1%} are put into the right "
        f"population; the true parameters put {data.oracle:.1%} there.",
    )


def questionnaire(shares):
    """Share of people in the right group, by the number of answers of each.

    Parameters
    ----------
    shares : Questionnaire
    """
    with style():
        fig, axes = figure(height=3.2)
        for number, values in enumerate((shares.accuracy, shares.oracle)):
            axes.plot(
                shares.answers, values, color=CYCLE[(0, 1)[number]], marker=MARKERS[number],
                markeredgecolor=SURFACE, linestyle=("-", _DASHED)[number],
            )  # fmt: skip
        axes.set(
            xscale="log", xlabel="answers of each person", ylabel="right group", ylim=(0.5, 1.02)
        )
        axes.set_xticks(shares.answers, labels=[str(count) for count in shares.answers])
        axes.set_xticks([], minor=True)
        label_lines(axes, ["fit", "true laws"])
    parts = [
        f"{count} answers {fit:.0%} against {best:.0%}"
        for count, fit, best in zip(shares.answers, shares.accuracy, shares.oracle)
    ]
    return Picture(
        fig, f"Share of people in the right group, fit against true laws: {', '.join(parts)}."
    )
