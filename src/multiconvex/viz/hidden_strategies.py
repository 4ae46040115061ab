"""Figures of the chapter on hidden strategies."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, GRID, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, figure, style
from .timelines import timeline

_RULES = ("rule 1", "rule 2", "rule 3")


def sessions(view):
    """Psychometric curves of three sessions and of all, and each session's bias and accuracy.

    Parameters
    ----------
    view : multiconvex.studies.hidden_strategies.Sessions
    """
    chosen = (view.best, view.leftmost, view.rightmost)
    place = np.arange(len(view.levels))
    with style():
        fig, (left, right) = figure(ncols=2, height=3.2)
        left.plot(place, view.curve, color=INK, lw=2.6)
        for color, marker, s in zip(CYCLE, MARKERS, chosen):
            curve = view.session_curves[s]
            seen = np.isfinite(curve)
            left.plot(place[seen], curve[seen], color=color, marker=marker, mec=SURFACE, lw=1.3)
        _contrast_axis(left, view.levels)
        left.set(ylabel="P(right)", ylim=(-0.03, 1.03))
        left.annotate(
            "all", (place[2], view.curve[2]), xytext=(-3, 6),
            textcoords="offset points", ha="right", fontsize=10.5,
        )  # fmt: skip
        right.plot(view.rightward, view.accuracy, "o", color=MUTED, ms=4.5, mec=SURFACE, mew=0.5)
        for color, marker, s, below in zip(CYCLE, MARKERS, chosen, (13, -13, -13)):
            right.plot(view.rightward[s], view.accuracy[s], marker, color=color, ms=8, mec=SURFACE)
            right.annotate(
                str(s + 1), (view.rightward[s], view.accuracy[s]), xytext=(0, below),
                textcoords="offset points", ha="center", va="center", fontsize=10.5,
            )  # fmt: skip
        right.set(
            xlabel="choices of the right", ylabel="right answers",
            xlim=(0, 1), ylim=(min(0.5, view.accuracy.min()) - 0.04, 1.0),
        )  # fmt: skip
    told = "; ".join(
        f"session {s + 1}, {view.rightward[s]:.0%} of choices to the right and "
        f"{view.accuracy[s]:.0%} right answers"
        for s in chosen
    )
    return Picture(
        fig,
        f"Left, the fraction of choices of the right rises from {view.curve[0]:.0%} to "
        f"{view.curve[-1]:.0%} with contrast over all sessions; three single sessions differ: "
        f"{told}. Right, accuracy of {len(view.accuracy)} sessions against their choices of the "
        f"right, from {view.accuracy.min():.0%} to {view.accuracy.max():.0%}.",
    )


def decision_curves(fits):
    """Probability of choice 1 under three rules: truth dashed, estimates solid.

    Parameters
    ----------
    fits : dict of str to multiconvex.studies.hidden_strategies.Recovery
    """
    x = np.linspace(-5.0, 5.0, 161)
    design = np.column_stack([x, np.ones_like(x)])
    with style():
        fig, axes = figure(ncols=len(fits), height=2.9, sharey=True)
        for panel, (name, fit) in zip(axes, fits.items()):
            for k in range(3):
                panel.plot(x, _logistic(design @ fit.parameters[k]), color=CYCLE[k], lw=2.4)
                truth = _logistic(design @ fit.sequence.parameters[k])
                panel.plot(x, truth, color=INK, lw=1.2, linestyle=(0, (4, 2)))
            panel.set(title=name, xlabel="input $x_1$", yticks=[0, 0.5, 1], ylim=(-0.03, 1.03))
        axes[0].set_ylabel("P(choice 1)")
        axes[-1].legend(
            handles=axes[-1].lines[::2], labels=list(_RULES), loc="center right",
            handlelength=1.2, bbox_to_anchor=(1.0, 0.42),
        )  # fmt: skip
    told = "; ".join(
        f"{name}: " + ", ".join(f"({a:.2f}, {b:.2f})" for a, b in fit.parameters)
        for name, fit in fits.items()
    )
    truth = ", ".join(
        f"({a:.2g}, {b:.2g})" for a, b in next(iter(fits.values())).sequence.parameters
    )
    return Picture(fig, f"Three decision curves. True weights: {truth}. Estimated, {told}.")


def strips(fits):
    """True and estimated labels along time.

    Parameters
    ----------
    fits : dict of str to multiconvex.studies.hidden_strategies.Recovery
    """
    truth = next(iter(fits.values())).sequence.labels
    labels = {name: fit.labels for name, fit in fits.items()}
    return timeline({"truth": truth, **labels}, names=_RULES)


def weighted_strip(fit):
    """True labels and those of one fit, with the fraction of right ones.

    Parameters
    ----------
    fit : multiconvex.studies.hidden_strategies.Recovery
    """
    return strips({f"{fit.accuracy:.0%} right": fit})


def counting(errors, recoveries):
    """Largest error of a transition matrix against the number of trials.

    Parameters
    ----------
    errors : multiconvex.studies.hidden_strategies.CountingErrors
    recoveries : dict of (int, str) to tuple of multiconvex.studies.hidden_strategies.Recovery
    """
    shown = ("labels", "EM")
    sizes = sorted({m for m, _ in recoveries})
    with style():
        fig, axes = figure(height=3.3)
        axes.fill_between(errors.sizes, errors.low, errors.high, color=GRID, lw=0)
        axes.plot(errors.sizes, errors.median, color=INK)
        axes.axhline(errors.tolerance, color=MUTED, lw=1.2, linestyle=(0, (4, 2)))
        for number, method in enumerate(shown):
            for m in sizes:
                found = [fit.error for fit in recoveries[m, method]]
                axes.plot(
                    np.full(len(found), m * (0.93, 1.07)[number]), found, MARKERS[number],
                    color=CYCLE[number], mec=SURFACE, mew=0.6, ms=6,
                    label=method if m == sizes[0] else None,
                )  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel="trials", ylabel="largest error of an entry")
        axes.set_yticks([0.01, 0.02, 0.05, 0.1, 0.2], ["0.01", "0.02", "0.05", "0.1", "0.2"])
        axes.set_xticks([250, 1000, 4000, 16000], ["250", "1000", "4000", "16\u202f000"])
        axes.annotate(
            "true labels, counted", (errors.sizes[5], errors.median[5]), xytext=(8, 10),
            textcoords="offset points",
        )  # fmt: skip
        axes.minorticks_off()
        axes.legend(loc="upper right")
    told = "; ".join(
        f"{m} trials: median {mid:.3f}, 90% of chains from {low:.3f} to {high:.3f}, "
        f"{within:.0%} within {errors.tolerance}"
        for m, mid, low, high, within in zip(
            errors.sizes, errors.median, errors.low, errors.high, errors.within
        )
    )
    return Picture(fig, f"Largest error of a transition matrix counted on true labels. {told}.")


def held_out(by_split):
    """Nats per trial of sessions that were left out, against the number of states.

    Parameters
    ----------
    by_split : dict of str to multiconvex.studies.hidden_strategies.HeldOut
        Keys say which sessions were fitted.
    """
    with style():
        fig, axes = figure(ncols=len(by_split), height=3.2, sharey=True)
        for panel, (title, held) in zip(axes, by_split.items()):
            for number, method in enumerate(held.by_session):
                panel.plot(
                    held.counts, held.nats(method), color=CYCLE[number], marker=MARKERS[number],
                    mec=SURFACE, label=method,
                )  # fmt: skip
            panel.axhline(held.bias, color=MUTED, lw=1.2, linestyle=(0, (4, 2)))
            panel.annotate(
                "bias alone", (held.counts[-1], held.bias), xytext=(0, -5),
                textcoords="offset points", ha="right", va="top", fontsize=10.5, color=MUTED,
            )  # fmt: skip
            panel.set(title=f"fitted: {title}", xlabel="states", xticks=held.counts)
            panel.title.set_fontsize(10.5)
        axes[0].set_ylabel("nats per trial left out")
        axes[-1].legend(loc="lower left")
    told = "; ".join(
        f"fitted on {title}, bias alone {held.bias:.3f}, "
        + ", ".join(
            f"{method} {', '.join(f'{value:.3f}' for value in held.nats(method))}"
            for method in held.by_session
        )
        for title, held in by_split.items()
    )
    counts = ", ".join(map(str, next(iter(by_split.values())).counts))
    return Picture(fig, f"Nats per left-out trial for {counts} states: {told}.")


def states(found):
    """Psychometric curve of each state, and the share of each session in each state.

    Parameters
    ----------
    found : multiconvex.studies.hidden_strategies.States
    """
    place = np.arange(len(found.levels))
    number = np.arange(1, len(found.shares) + 1)
    names = [f"{name} ({np.mean(found.labels == k):.0%})" for k, name in enumerate(found.names)]
    with style():
        fig, (top, bottom) = figure(nrows=2, height=5.0, gridspec_kw={"height_ratios": [1.5, 1]})
        for k in range(len(names)):
            top.plot(place, found.predicted[k], color=CYCLE[k])
        for k, observed in enumerate(found.observed):
            top.plot(place, observed, MARKERS[k], color=CYCLE[k], mec=SURFACE, ms=6.5)
        _contrast_axis(top, found.levels)
        top.set(ylabel="P(right)", ylim=(-0.03, 1.03))
        label_lines(top, names)
        floor = np.zeros(len(number))
        for k, share in enumerate(found.shares.T):
            bottom.bar(number, share, 0.86, floor, color=CYCLE[k], linewidth=0)
            floor = floor + share
        bottom.set(xlabel="session", ylabel="share", yticks=[0, 0.5, 1])
        bottom.margins(x=0.01)
        bottom.grid(visible=False)
    told = "; ".join(
        f"{name}, from {curve[0]:.0%} right to {curve[-1]:.0%}, weight of contrast {w[0]:.1f}, "
        f"bias {w[3]:.1f}"
        for name, curve, w in zip(names, found.predicted, found.weights)
    )
    return Picture(
        fig, f"{len(names)} state{'s' * (len(names) > 1)}: {told}. Below, shares by session."
    )


def session_strips(data, found, first, last):
    """States of trials in a few sessions.

    Parameters
    ----------
    data : DecisionTrials
    found : dict of str to multiconvex.studies.hidden_strategies.States
        With the same names of states.
    first, last : int
        Positions of the sessions, counted from 0.
    """
    edges = np.array([0, *data.breaks, len(data.choice)])
    rows = slice(edges[first], edges[last + 1])
    names = next(iter(found.values())).names
    drawn = timeline(
        {name: states.labels[rows] for name, states in found.items()},
        breaks=edges[first + 1 : last + 1] - edges[first], names=names,
    )  # fmt: skip
    return Picture(drawn.figure, f"Sessions {first + 1} to {last + 1}. {drawn.alt}")


def _contrast_axis(axes, levels):
    """Contrasts at equal distances, since they are spaced like powers of two."""
    place = np.arange(len(levels))
    texts = [f"{100 * c:+.3g}".replace("-", "\N{MINUS SIGN}") if c else "0" for c in levels]
    shown = place[:: max(len(levels) // 4, 1)]
    axes.set(xlabel="contrast (%)", xticks=shown, xticklabels=[texts[p] for p in shown])


def _logistic(value):
    return 1.0 / (1.0 + np.exp(-value))
