"""Figures of the chapter on exact sparse nonnegative least squares."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from .images import image_grid
from .labels import label_lines
from .palette import CYCLE, INK, MUTED, SURFACE
from .picture import Picture
from .profiles import interrupted
from .styling import MARKERS, SEQUENTIAL, figure, style

_MARKS = {"divided": ("o", CYCLE[0]), "pruned": ("X", MUTED), "answer": ("s", CYCLE[2])}


def question(pixels):
    """The chosen spectra, and how many of them nonnegative least squares uses in each pixel.

    Parameters
    ----------
    pixels : SparsePixels
    """
    counts = pixels.counts
    share = np.bincount(counts.ravel().astype(int), minlength=6) / counts.size
    with style():
        fig, (left, right) = figure(ncols=2, height=3.3, gridspec_kw={"width_ratios": [1, 1.15]})
        for k, spectrum in enumerate(pixels.W.T):
            left.plot(*interrupted(pixels.scene.wavelengths, spectrum), color=CYCLE[k])
        left.set(xlabel="wavelength (nm)", title="five spectra", ylim=(0, None))
        drawn = right.imshow(counts, cmap=SEQUENTIAL, vmin=0.5, vmax=5.5)
        right.set_title("spectra in use")
        right.axis("off")
        bar = fig.colorbar(drawn, ax=right, shrink=0.85, aspect=24, ticks=range(1, 6))
        bar.outline.set_visible(False)
    listed = ", ".join(f"{n} in {100 * share[n]:.1f}%" for n in range(1, 6))
    return Picture(
        fig,
        f"Five spectra of Indian Pines, and the number of them that nonnegative least squares uses "
        f"in a pixel: {listed} of the pixels.",
    )


def tree(grown, visits=None):
    """Nodes at the height of their bounds, each with the columns it allows.

    Parameters
    ----------
    grown : SupportTree
    visits : int, optional
        Draw only so many nodes, in the order of the visits.
    """
    shown = grown.nodes[:visits]
    across = _places(grown.nodes)
    values = np.array([node.value for node in grown.nodes])
    best = shown[-1].best
    with style():
        fig, axes = figure(height=3.9)
        for here, node in enumerate(shown):
            if node.parent >= 0:
                ends = [node.parent, here]
                axes.plot(across[ends], values[ends], color=MUTED, linewidth=0.9, zorder=1)
        for verdict, (marker, color) in _MARKS.items():
            of_kind = [here for here, node in enumerate(shown) if node.verdict == verdict]
            axes.plot(
                across[of_kind], values[of_kind], marker, color=color, markersize=9,
                markeredgecolor=SURFACE, label=verdict,
            )  # fmt: skip
        for here, node in enumerate(shown):
            below = here == 0
            axes.annotate(
                "".join(str(q + 1) for q in node.allowed), (across[here], values[here]),
                xytext=(0, -9 if below else 8), textcoords="offset points", ha="center",
                va="top" if below else "bottom", fontsize=9.5, color=INK,
                bbox={"facecolor": SURFACE, "edgecolor": "none", "pad": 0.6}, zorder=1.5,
            )  # fmt: skip
        if any(node.used <= grown.k for node in shown):
            axes.axhline(
                best, color=CYCLE[1], linewidth=1.4, linestyle=(0, (4, 3)), zorder=0,
                label="best so far",
            )  # fmt: skip
        margin = max(np.ptp(across), 3.0)
        axes.set_xlim(across.mean() - 0.62 * margin, across.mean() + 0.62 * margin)
        axes.set(yscale="log", ylim=(values.min() / 2.2, values.max() * 2.6), ylabel="bound")
        axes.set(xticks=[], title=f"{grown.order}: {len(shown)} of {len(grown.nodes)} nodes")
        axes.spines["bottom"].set_visible(False)
        fig.legend(loc="outside lower center", ncols=4, columnspacing=1.2)
    kinds = ", ".join(f"{sum(n.verdict == v for n in shown)} {v}" for v in _MARKS)
    answer = "".join(str(q + 1) for q in grown.nodes[grown.best].allowed)
    return Picture(
        fig,
        f"A tree of supports, {grown.order}, after {len(shown)} of {len(grown.nodes)} nodes: "
        f"{kinds}. Best objective so far {best:.3g}; the best support in the end is {answer}.",
    )


def sizes(measured):
    """Nodes against the number of columns that the truth combines.

    Parameters
    ----------
    measured : TreeSizes
    """
    medians = np.median(measured.nodes, axis=1)
    with style():
        fig, axes = figure(height=3.2)
        for number, nodes in zip(measured.nonzeros, measured.nodes):
            spread = number + np.linspace(-0.25, 0.25, len(nodes))
            axes.plot(
                spread, nodes, ".", color=CYCLE[0], alpha=0.35, markersize=5, markeredgewidth=0
            )
        axes.plot(measured.nonzeros, medians, color=CYCLE[1], marker="o", label="median")
        axes.axhline(measured.most, color=MUTED, linestyle=(0, (4, 3)), linewidth=1.2)
        axes.annotate(
            "largest possible tree", (1.0, measured.most), xytext=(0, -4),
            textcoords="offset points", va="top", color=MUTED,
        )  # fmt: skip
        axes.set(yscale="log", xlabel="columns that the truth combines", ylabel="nodes")
        axes.set(xticks=measured.nonzeros, ylim=(0.7, 4 * measured.most))
        axes.legend(loc="center left")
    listed = ", ".join(f"{m:.0f} for {n}" for n, m in zip(measured.nonzeros, medians))
    return Picture(
        fig,
        f"Nodes of the search for the best {measured.k} of {measured.rank} columns. Median by the "
        f"number of columns in the truth: {listed}; no tree can have more than {measured.most:,}.",
    )


def stopped(searches):
    """Best objective and lower bound against the number of nodes, one panel for each order.

    Parameters
    ----------
    searches : sequence of StoppedSearch
    """
    sentences = []
    with style():
        fig, panels = figure(ncols=len(searches), height=3.3, sharex=True, sharey=True)
        for axes, search in zip(panels, searches):
            axes.fill_between(
                search.nodes, search.bound, search.objective, color=CYCLE[0], alpha=0.14,
                linewidth=0,
            )  # fmt: skip
            for k, (curve, name) in enumerate(
                ((search.objective, "best found"), (search.bound, "bound"))
            ):
                marker = MARKERS[k]
                axes.plot(
                    search.nodes, curve, color=CYCLE[k], marker=marker, markersize=4, label=name
                )
            order = search.order.replace("_", " ")
            axes.set(xscale="log", xlabel="nodes", ylim=(0, None), title=order)
            gaps = ", ".join(f"{gap:.3g}" for gap in search.objective - search.bound)
            sentences.append(f"{order}: {gaps} at {', '.join(map(str, search.nodes))} nodes")
        panels[0].set_ylabel("objective")
        fig.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return Picture(
        fig,
        f"Distance of the best objective from the bound for the best {searches[0].k} of "
        f"{searches[0].rank} columns. {'; '.join(sentences)}.",
    )


def recovery(rows):
    """Shares of optimal answers and of planted supports against the noise.

    Parameters
    ----------
    rows : sequence of Recovery
    """
    methods = list(dict.fromkeys(row.method for row in rows))
    sentences = []
    with style():
        fig, panels = figure(nrows=2, height=4.4, sharex=True, sharey=True)
        titles = {"optimal": "least objective found", "support": "planted support found"}
        for axes, (what, title) in zip(panels, titles.items()):
            for k, method in enumerate(methods):
                snr = [row.snr for row in rows if row.method == method]
                share = [100 * getattr(row, what) for row in rows if row.method == method]
                axes.plot(snr, share, color=CYCLE[k], marker=MARKERS[k], markeredgecolor=SURFACE)
                listed = ", ".join(f"{s:.0f}" for s in share)
                sentences.append(f"{title}, {method}: {listed}")
            axes.set(title=title, ylabel="%", ylim=(0, 106), xticks=snr)
        panels[1].set_xlabel("signal-to-noise ratio (dB)")
        for axes in panels:
            axes.yaxis.set_major_locator(MaxNLocator(4))
            label_lines(axes, methods)
    return Picture(
        fig,
        f"Percentages at {', '.join(f'{s:g}' for s in snr)} dB. {'; '.join(sentences)}.",
    )


def shares(pixels, k):
    """Share of each spectrum in each pixel, with at most ``k`` of them in one.

    Parameters
    ----------
    pixels : SparsePixels
    k : int
    """
    maps, band = pixels.maps(k), pixels.scene.cube[:, :, 70]
    images = {"one band": band / band.max()}
    images |= {f"spectrum {q + 1}": maps[..., q] for q in range(maps.shape[2])}
    return image_grid(images, ncols=3, limits=(0.0, 1.0))


def scene_maps(factorized):
    """Reference shares of a scene, and those of its factorisations, one row each.

    Parameters
    ----------
    factorized : SparseScene
    """
    rows = {"reference": factorized.scene.abundances}
    rows |= {f"k = {fit.k}": fit.maps for fit in factorized.fits}
    images = {
        f"{material}, {row}": maps[..., q]
        for row, maps in rows.items()
        for q, material in enumerate(factorized.scene.names)
    }
    return image_grid(images, ncols=len(factorized.scene.names), limits=(0.0, 1.0))


def _places(nodes):
    """Return where each node stands: leaves side by side, parents above the middle of theirs."""
    children = [[] for _ in nodes]
    for here, node in enumerate(nodes):
        if node.parent >= 0:
            children[node.parent].append(here)
    across, free = np.zeros(len(nodes)), 0.0
    for here in _leaves(children, 0):
        across[here] = free
        free += 1.0
    for here in range(len(nodes) - 1, -1, -1):
        if children[here]:
            across[here] = 0.5 * (across[children[here][0]] + across[children[here][-1]])
    return across


def _leaves(children, here):
    """Yield the nodes without children below a node, in order."""
    if not children[here]:
        yield here
    for child in children[here]:
        yield from _leaves(children, child)
