"""Figures of the chapter on choices that follow recent rewards."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, GRID, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, figure, style
from .timelines import draw_strips

_SIDES = ("left", "right")
_DASHED = (0, (4, 2))


def session(trials, *, window=15):
    """Choices and rewards of one session, and the probabilities behind the rewards.

    Parameters
    ----------
    trials : ForagingSessions
        One session, misses left out.
    window : int
        Number of trials of the running mean.
    """
    m = len(trials.choice)
    share = trials.probabilities[:, 1] / trials.probabilities.sum(axis=1)
    near = np.convolve(np.ones(m), np.ones(window), "same")
    running = np.convolve(trials.choice, np.ones(window), "same") / near
    with style():
        fig, axes = figure(
            nrows=2, height=4.4, sharex=True, gridspec_kw={"height_ratios": [1.0, 2.2]}
        )
        for side in (0, 1):
            axes[0].step(
                np.arange(m), trials.probabilities[:, side], where="post", color=CYCLE[side]
            )
        axes[0].set(ylim=(0, 0.45), yticks=(0, 0.2, 0.4), title="probability of a new reward")
        label_lines(axes[0], _SIDES)
        axes[1].step(np.arange(m), share, where="post", color=MUTED, linestyle=_DASHED)
        axes[1].plot(np.arange(m), running, color=INK)
        for side, edge, out in ((0, 0.0, -1.0), (1, 1.0, 1.0)):
            for paid, length in ((0, 0.06), (1, 0.15)):
                at = np.flatnonzero((trials.choice == side) & (trials.reward == paid))
                axes[1].vlines(
                    at, edge + 0.04 * out, edge + (0.04 + length) * out,
                    color=CYCLE[side] if paid else MUTED, linewidth=0.9,
                )  # fmt: skip
        axes[1].set(
            xlim=(0, m), ylim=(-0.22, 1.22), yticks=(0, 0.5, 1), xlabel="answered trial",
            title="share of choices of the right",
        )  # fmt: skip
    return Picture(
        fig,
        f"{m} answered trials. Above: the probabilities of a new reward on the left and right, "
        f"between {trials.probabilities.min():.2f} and {trials.probabilities.max():.2f}, change "
        f"{int((np.diff(trials.probabilities[:, 0]) != 0).sum())} times. Below: the share of "
        f"choices of the right, {trials.choice.mean():.2f} on average, follows their ratio; long "
        f"ticks at the edges are the {trials.reward.mean():.0%} of choices that were "
        "rewarded, short ticks those that were not.",
    )


def label_penalties(smoothed):
    """Noisy evidence for one of two labels, and the labels under two penalties.

    Parameters
    ----------
    smoothed : SmoothedLabels
    """
    trials = np.arange(len(smoothed.truth))
    with style():
        fig, axes = figure(nrows=2, height=4.2, sharex=True)
        different = np.flatnonzero(smoothed.truth)
        for panel in axes:
            panel.axvspan(
                different[0] - 0.5, different[-1] + 0.5, color=GRID, alpha=0.6, linewidth=0
            )
        axes[0].bar(trials, smoothed.evidence, width=0.7, color=MUTED)
        axes[0].set(title="evidence for label 1")
        axes[1].plot(trials, smoothed.smooth, color=CYCLE[0], marker=MARKERS[0], markersize=4)
        axes[1].step(trials, smoothed.jumping, where="mid", color=CYCLE[1])
        axes[1].set(
            xlim=(-0.5, len(trials) - 0.5), ylim=(-0.06, 1.06), yticks=(0, 0.5, 1),
            xlabel="trial", title="probability of label 1",
        )  # fmt: skip
        label_lines(
            axes[1],
            [f"KL, {smoothed.equal_smooth} equal", f"TV, {smoothed.equal_jumping} equal"],
        )
    jumps = int((np.diff(smoothed.jumping) != 0).sum())
    return Picture(
        fig,
        f"At weight {smoothed.weight:g}: under the Kullback-Leibler penalty the probability of "
        f"label 1 moves between {smoothed.smooth.min():.2f} and {smoothed.smooth.max():.2f}, and "
        f"{smoothed.equal_smooth} of {len(trials) - 1} rows equal the next; under total variation "
        f"it is 0 or 1, jumps {jumps} times, and {smoothed.equal_jumping} rows equal the next.",
    )


def agent_fit(fit):
    """Labels and parameters of one simulated agent under two penalties of labels.

    Parameters
    ----------
    fit : AgentFit
    """
    strips = {"truth": fit.labels["truth"]}
    for name, short in (("smooth", "KL"), ("jumping", "TV")):
        strips[f"{short} {fit.accuracy[name]:.1%}"] = fit.labels[name]
    lags = np.arange(1, fit.parameters["truth"].shape[1] + 1)
    with style():
        fig, grid = figure(nrows=2, ncols=2, height=4.4, gridspec_kw={"height_ratios": [1.0, 1.5]})
        across = grid[0, 0].get_gridspec()
        for panel in grid[0]:
            panel.remove()
        top = fig.add_subplot(across[0, :])
        draw_strips(top, strips, names=["exploit", "avoid"])
        top.set_xlabel("trial")
        for k, panel in enumerate(grid[1]):
            truth = fit.parameters["truth"][k]
            panel.axhline(0, color=MUTED, linewidth=0.8)
            panel.plot(lags, truth, color=INK, linestyle=_DASHED, label="truth")
            for name, short, tint, mark in (("smooth", "KL", 2, "o"), ("jumping", "TV", 3, "s")):
                panel.plot(
                    lags, fit.parameters[name][k], color=CYCLE[tint], marker=mark,
                    markeredgecolor=SURFACE, label=short,
                )  # fmt: skip
            panel.set(xlabel="trials ago", xticks=lags, title=f"$\\theta_{k + 1}$")
        grid[1, 0].legend()
    first = {name: values[:, 0] for name, values in fit.parameters.items()}
    return Picture(
        fig,
        f"Weight {fit.weight:g}. Labels agree with the truth in {fit.accuracy['smooth']:.1%} of "
        f"the trials under the Kullback-Leibler penalty and in {fit.accuracy['jumping']:.1%} under "
        "total variation. Effects of the last reward on the two strategies: "
        + "; ".join(f"{name} {a:.1f} and {b:.1f}" for name, (a, b) in first.items())
        + ".",
    )


def strategies(model):
    """What the last trials weigh under each strategy of a fitted mouse model.

    Parameters
    ----------
    model : MouseModel
        With rewards, choices and a side among its inputs.
    """
    lags = (model.coef.shape[1] - 1) // 2
    trials = np.arange(1, lags + 1)
    with style():
        fig, axes = figure(ncols=2, height=3.4, sharey=True)
        for k, row in enumerate(model.coef):
            for panel, effects in zip(axes, (row[:lags], row[lags:-1])):
                panel.plot(
                    trials, effects, color=CYCLE[k], marker=MARKERS[k], markeredgecolor=SURFACE,
                    label=f"{row[-1]:+.2f}".replace("-", "\N{MINUS SIGN}"),
                )  # fmt: skip
        for panel, title in zip(axes, ("a reward", "a choice")):
            panel.axhline(0, color=MUTED, linewidth=0.8)
            panel.set(xlabel="trials ago", title=title)
        axes[0].set_ylabel("effect on the same side (nats)")
        axes[1].legend(title="towards the right")
    parts = [
        f"strategy {k + 1}: last reward {row[0]:.2f}, last choice {row[lags]:.2f}, right "
        f"{row[-1]:+.2f}"
        for k, row in enumerate(model.coef)
    ]
    return Picture(
        fig,
        f"Effects of rewards and choices 1 to {lags} trials ago. {'; '.join(parts)}. Held out: "
        f"{model.mean:.3f} nats per trial.",
    )


def session_gains(models, reference):
    """How much better than a reference each model predicts the sessions it has not seen.

    Parameters
    ----------
    models : dict of str to MouseModel
    reference : MouseModel
    """
    parts = []
    with style():
        fig, axes = figure(height=0.9 + 0.55 * len(models))
        axes.axvline(0, color=INK, linewidth=0.9)
        for row, (name, model) in enumerate(models.items()):
            gains = model.nats - reference.nats
            mean, error, won = model.gain(reference)
            offset = 0.22 * np.sin(2.4 * np.arange(len(gains)))
            axes.plot(gains, row + offset, "o", color=CYCLE[0], markersize=4, alpha=0.65)
            axes.errorbar(
                mean, row, xerr=2 * error, color=CYCLE[1], marker="D", capsize=4, linewidth=2.2,
                markeredgecolor=SURFACE, markersize=8, zorder=5,
            )  # fmt: skip
            parts.append(f"{name} {mean:+.4f} ± {error:.4f}, better in {won} of {len(gains)}")
        axes.set(
            yticks=range(len(models)), yticklabels=models, ylim=(len(models) - 0.5, -0.5),
            xlabel="nats per trial gained over one strategy with all inputs",
        )  # fmt: skip
    return Picture(fig, f"Mean gain and its standard error over sessions: {'; '.join(parts)}.")
