"""Figures of the chapter that asks which NMF solver to use."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, figure, style

_SHOWN = {
    "frobenius": (
        "HALS, extrapolated", "HALS", "active set", "multiplicative", "quasi-Newton",
        "scikit-learn cd", "tensorly hals",
    ),
    "kullback-leibler": (
        "scalar Newton, extrapolated", "scalar Newton", "constrained Newton", "primal-dual",
        "joint majorant, extrapolated", "quasi-Newton", "scikit-learn mu",
    ),
}  # fmt: skip
_AT_THE_START = 1e-4
_AXES = {"sweeps": "sweep", "work": "multiplications per stored entry and component"}


def curves(races, problem):
    """Seconds to each gap on one problem of a stored run, solvers beyond the named ones in grey.

    Parameters
    ----------
    races : StoredRaces
    problem : RaceProblem
    """
    reached = {name: _reached(races, problem, name) for name in problem.seconds}
    shown = [name for name in _SHOWN[problem.loss] if len(reached.get(name, ((),))[0])]
    others = [name for name in problem.seconds if name not in shown]
    with style():
        fig, axes = figure(height=3.7)
        for name in shown:
            number = _SHOWN[problem.loss].index(name)
            axes.plot(
                *reached[name], color=CYCLE[number], marker=MARKERS[number],
                markersize=4.5, markeredgecolor=SURFACE, zorder=3,
            )  # fmt: skip
        for name in others:
            axes.plot(*reached[name], color=MUTED, linewidth=0.8, alpha=0.6)
        axes.set(
            xscale="log", yscale="log", xlabel="seconds in the stored run", ylabel="relative gap",
            xlim=(_AT_THE_START, 3.0), ylim=(races.gaps[-1] / 1.5, races.gaps[0] * 1.5),
        )  # fmt: skip
        label_lines(axes, shown)
    ends = [
        f"{name} reaches {reached[name][1][-1]:.0e} in {reached[name][0][-1]:.2g} s"
        for name in shown
    ]
    return Picture(
        fig,
        f"{problem.dataset}, {problem.loss}, weight {problem.weight:g}: {'; '.join(ends)}. Grey: "
        f"{', '.join(others)}.",
    )


def _reached(races, problem, name):
    """Seconds and gaps of a solver, without the gaps at which all of them start."""
    pairs = [
        (seconds, gap)
        for seconds, gap in zip(problem.seconds[name], races.gaps)
        if seconds is not None and seconds > _AT_THE_START
    ]
    return tuple(np.array(column) for column in zip(*pairs)) if pairs else ((), ())


def profiles(measured, loss):
    """Share of problems that solvers finish within a multiple of the least time.

    Parameters
    ----------
    measured : PerformanceProfile
    loss : str
    """
    shown = [name for name in _SHOWN[loss] if name in measured.shares]
    others = [name for name in measured.shares if name not in shown]
    with style():
        fig, axes = figure(height=3.7)
        for number, name in enumerate(shown):
            axes.step(
                measured.factors, measured.shares[name], color=CYCLE[number], where="post",
                marker=MARKERS[number], markevery=(number, 12), markersize=4.5,
                markeredgecolor=SURFACE, zorder=3,
            )  # fmt: skip
        for name in others:
            axes.step(
                measured.factors, measured.shares[name], color=MUTED, linewidth=0.8, alpha=0.6,
                where="post",
            )  # fmt: skip
        axes.set(
            xscale="log", xlabel="multiple of the least time", ylabel="share of problems",
            xlim=(1, measured.factors[-1]), ylim=(-0.02, 1.02),
        )  # fmt: skip
        label_lines(axes, shown)
    parts = [
        f"{name} first on {measured.shares[name][0]:.0%}, arrives on "
        f"{measured.shares[name][-1]:.0%}"
        for name in shown
    ]
    return Picture(
        fig,
        f"Performance profiles over {measured.n_problems} problems, {loss}, to a gap of "
        f"{measured.gap:.2g}: {'; '.join(parts)}.",
    )


def counted(race, measure):
    """Gaps of the updates for counts against sweeps or against work.

    Parameters
    ----------
    race : CountedRace
    measure : {"sweeps", "work"}
    """
    with style():
        fig, axes = figure(height=3.4)
        for number, name in enumerate(race.objectives):
            gaps = np.where(race.gaps(name) > 1e-7, race.gaps(name), np.nan)
            unit = race.work[name] if measure == "work" else 1
            sweeps = np.arange(len(gaps))
            axes.plot(
                sweeps[1:] * unit, gaps[1:], color=CYCLE[number], marker=MARKERS[number],
                markevery=0.15, markersize=5, markeredgecolor=SURFACE,
            )  # fmt: skip
        axes.set(
            xscale="log", yscale="log", xlabel=_AXES[measure], ylabel="relative gap",
            ylim=(1e-7, 5),
        )  # fmt: skip
        label_lines(axes, list(race.objectives))
    parts = []
    for name in race.objectives:
        sweeps, work = race.cost(name, 1e-2)
        amount = sweeps if measure == "sweeps" else work
        parts.append(f"{name} {'more' if amount is None else f'{amount:.0f}'}")
    return Picture(
        fig, f"{measure.capitalize()} to a gap of 1e-2, logarithmic axes: {'; '.join(parts)}."
    )


def marginals(race):
    """Error of the sums of rows, and the gap, with and without Sinkhorn's scaling.

    Parameters
    ----------
    race : MarginalRace
    """
    with style():
        fig, (left, right) = figure(ncols=2, height=3.0)
        for number, name in enumerate(race.errors):
            options = {"color": CYCLE[number], "linestyle": ("-", "--")[number]}
            sweeps = np.arange(1, len(race.errors[name]) + 1)
            left.plot(sweeps, np.maximum(race.errors[name], 1e-16), **options)
            right.plot(sweeps, race.objectives[name][1:] / race.best - 1.0, label=name, **options)
        left.set(yscale="log", xlabel="sweep", title="error of row sums", ylim=(1e-17, 1))
        right.set(xlabel="sweep", title="relative gap", ylim=(0, None))
        right.legend(loc="upper right")
    last = {name: values[-1] for name, values in race.objectives.items()}
    parts = [
        f"{name}: largest error of a row sum {race.errors[name][0]:.1e} after one sweep, gap "
        f"{last[name] / race.best - 1.0:.4f} after the last"
        for name in race.errors
    ]
    return Picture(fig, f"{'; '.join(parts)}.")


def stalls(found):
    """Where quasi-Newton runs end, one point a run.

    Parameters
    ----------
    found : Stalls
    """
    with style():
        fig, axes = figure(height=2.4)
        for number, (name, gaps) in enumerate(found.gaps.items()):
            impossible = found.empty[name] > 0
            heights = np.full(len(gaps), -number) + np.linspace(-0.22, 0.22, len(gaps))
            values = np.maximum(gaps, 1e-9)
            axes.plot(values[~impossible], heights[~impossible], "o", color=CYCLE[0])
            axes.plot(values[impossible], heights[impossible], "X", color=CYCLE[1], markersize=8)
        axes.set(xscale="log", xlabel="relative gap to scalar Newton steps", ylim=(-1.6, 0.6))
        axes.set_yticks([0, -1], ["random", "after 20\nmultiplicative\nsweeps"])
    parts = [f"{row['start']}: {row['stuck']} of {row['runs']} stuck" for row in found.rows]
    return Picture(
        fig,
        f"Ends of quasi-Newton runs from two kinds of start. {'; '.join(parts)}. Crosses mark runs "
        "whose model makes a positive count impossible.",
    )
