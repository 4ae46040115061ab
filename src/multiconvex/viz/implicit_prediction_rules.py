"""Figures of the chapter on implicit prediction rules."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, GRID, INK, MUTED
from .picture import Picture
from .styling import figure, style

_METHODS = {
    "picard": ("plain", 0),
    "peaceman_rachford": ("reflected", 1),
    "anderson": ("mixed", 2),
}
_PROOFS = {
    "monotone": ("monotone", 1),
    "spectral": ("spectral norm", 0),
    "perron": ("Perron radius", 2),
    "inf_norm": ("row sums", 4),
}


def cobwebs(followed):
    """Steps of rules with one unit as staircases between the rule and the diagonal.

    Parameters
    ----------
    followed : sequence of Cobweb
    """
    with style():
        fig, panels = figure(ncols=len(followed), height=3.1)
        for axes, web in zip(np.atleast_1d(panels), followed):
            top = max(4.2, 1.2 * max(web.states, default=0.0))
            x = np.linspace(0.0, top, 200)
            axes.plot(x, x, color=MUTED, linewidth=1.2)
            axes.plot(x, np.maximum(web.weight * x + web.bias, 0.0), color=CYCLE[0])
            steps = np.repeat(web.path, 2)
            axes.plot(
                steps[:-1], np.append(0.0, steps[2:]), color=CYCLE[1], linewidth=1.2, alpha=0.9
            )
            for state in web.states:
                axes.plot(state, state, "o", color=CYCLE[2], markersize=8, clip_on=False)
            axes.set(xlim=(0, top), ylim=(0, top), xlabel="x", title=_states(web.states))
        np.atleast_1d(panels)[0].set_ylabel("next x")
    parts = [
        f"With d = {web.weight:g} and b = {web.bias:g}: {_states(web.states)}, and the last steps "
        f"give {web.path[-2]:.3g} and {web.path[-1]:.3g}"
        for web in followed
    ]
    return Picture(
        fig,
        f"One unit: the rule (blue), the diagonal (grey), steps (staircase). {'; '.join(parts)}.",
    )


def layers(written):
    """The matrix D of a network of layers, and errors of its predictions after each step.

    Parameters
    ----------
    written : LayersAsRule
    """
    hidden = written.sizes[1:-1]
    with style():
        fig, (left, right) = figure(ncols=2, height=3.1)
        rows, columns = np.nonzero(written.rule.D)
        left.plot(columns, rows, "s", color=CYCLE[0], markersize=2.6)
        for edge in np.cumsum(hidden)[:-1]:
            left.axhline(edge - 0.5, color=MUTED, linewidth=0.8)
            left.axvline(edge - 0.5, color=MUTED, linewidth=0.8)
        left.set(
            title="weights among units", xlabel="from unit", ylabel="to unit", aspect="equal",
            xlim=(-0.5, sum(hidden) - 0.5), ylim=(sum(hidden) - 0.5, -0.5),
        )  # fmt: skip
        left.grid(visible=False)
        errors = np.maximum(written.errors, 1e-17)
        right.plot(errors, "o-", color=CYCLE[1])
        right.set(yscale="log", xlabel="steps", title="error of the predictions")
    return Picture(
        fig,
        f"Weights among {sum(hidden)} hidden units of {len(hidden)} layers: nonzero blocks below "
        f"the diagonal only. The relative error of the predictions is {written.errors[0]:.2g} "
        f"before the first step, {written.errors[len(hidden) - 1]:.2g} after "
        f"{len(hidden) - 1} and {written.errors[len(hidden)]:.1g} after {len(hidden)}.",
    )


def shares(compared):
    """Shares of random rules with one state, and those that each proof recognises.

    Parameters
    ----------
    compared : CertificateShares
    """
    with style():
        fig, axes = figure(height=3.3)
        axes.plot(compared.sizes, compared.exact, color=INK)
        for name, (_, number) in _PROOFS.items():
            axes.plot(compared.sizes, compared.proved[name], color=CYCLE[number])
        axes.set(
            xlabel="size of the weights", ylabel="share of rules", ylim=(-0.02, 1.04),
            xlim=(compared.sizes[0], compared.sizes[-1]),
        )  # fmt: skip
        label_lines(axes, ["one state", *(label for label, _ in _PROOFS.values())])
    half = {
        label: float(compared.sizes[np.argmax(share < 0.5)]) if share.min() < 0.5 else None
        for label, share in [
            ("the exact answer", compared.exact),
            *((label, compared.proved[name]) for name, (label, _) in _PROOFS.items()),
        ]
    }
    parts = [
        f"{label} at {size:.2f}" if size else f"{label} nowhere" for label, size in half.items()
    ]
    return Picture(
        fig, f"Size of the weights at which shares fall below one half: {', '.join(parts)}."
    )


def regions(maps):
    """Planes of 2 x 2 matrices: where there is one state, and where it is proved.

    Parameters
    ----------
    maps : dict of str to Region
    """
    with style():
        fig, panels = figure(ncols=len(maps), height=2.9, sharey=True)
        for axes, (name, region) in zip(panels, maps.items()):
            axes.contourf(region.a, region.b, region.exact, levels=[0.5, 1.5], colors=[GRID])
            for proof, (_, number) in _PROOFS.items():
                axes.contour(
                    region.a, region.b, region.margins[proof], levels=[0.0],
                    colors=[CYCLE[number]],
                    linewidths=3.2 if proof == "perron" else 1.8,
                    linestyles="dotted" if proof == "inf_norm" else "solid",
                )  # fmt: skip
            axes.set(title=name, xlabel="a", aspect="equal", xticks=[-2, -1, 0, 1, 2])
        panels[0].set_ylabel("b")
        for proof, (label, number) in _PROOFS.items():
            panels[0].plot(
                [], [], color=CYCLE[number], label=label,
                linestyle="dotted" if proof == "inf_norm" else "solid",
            )  # fmt: skip
        fig.legend(loc="outside lower center", ncols=4, columnspacing=1.2, handlelength=1.4)
    parts = [
        f"{name}: {region.exact.mean():.0%} of the square has one state, of which "
        + ", ".join(
            f"{label} proves {np.mean(region.margins[proof][region.exact] < 0):.0%}"
            for proof, (label, _) in _PROOFS.items()
        )
        for name, region in maps.items()
    ]
    return Picture(fig, "; ".join(parts) + ".")


def ring(response):
    """State of a ring of units driven at one of them, and accuracy against steps.

    Parameters
    ----------
    response : RingResponse
    """
    with style():
        fig, (left, right) = figure(ncols=2, height=3.1, width_ratios=[1, 1.15])
        places = np.arange(len(response.state)) - len(response.state) // 2
        left.fill_between(places, response.state, color=CYCLE[0], alpha=0.25, linewidth=0)
        left.plot(places, response.state, color=CYCLE[0])
        left.set(title="state", xlabel="place on the ring", ylim=(0, 8))
        for name, (_, number) in _METHODS.items():
            right.plot(response.steps[name], response.tolerances, color=CYCLE[number])
        right.set(yscale="log", xscale="log", xlim=(2, 2500), xlabel="steps", title="proved error")
        label_lines(right, [label for label, _ in _METHODS.values()])
    parts = [f"{label} {response.steps[name][-1]}" for name, (label, _) in _METHODS.items()]
    return Picture(
        fig,
        f"With norm {response.kappa:g}, {response.reach} of {len(places)} units respond with a "
        f"hundredth of the largest or more; steps to eight digits: {', '.join(parts)}.",
    )


def inhibition(followed):
    """All predictions of an uncertified rule along a line of inputs.

    Parameters
    ----------
    followed : Inhibition
    """
    with style():
        fig, axes = figure(height=3.1)
        axes.axvspan(followed.inputs[0], followed.last_safe, color=GRID, alpha=0.6, linewidth=0)
        axes.plot(*followed.branches.T, "o", color=CYCLE[0], markersize=3, markeredgewidth=0)
        axes.annotate(
            "one state", (followed.inputs[0], 0.97), xycoords=("data", "axes fraction"),
            xytext=(6, 0), textcoords="offset points", va="top", color=MUTED, fontsize=10.5,
        )  # fmt: skip
        axes.set(xlabel="input u", ylabel="prediction", xlim=followed.inputs[[0, -1]])
    return Picture(
        fig,
        f"Predictions of two units that inhibit each other: one for inputs up to "
        f"{followed.last_safe:.2f}, and {followed.counts.max()} beyond.",
    )


def _states(states):
    if not states:
        return "no state"
    return "one state" if len(states) == 1 else f"{len(states)} states"
