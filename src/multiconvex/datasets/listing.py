"""The sets of the book, and what stands in for those that cannot be had."""

from dataclasses import dataclass, replace

from . import (
    behaviour,
    chromatography,
    fetched,
    groups,
    music,
    news,
    pianos,
    regression,
    simulated,
    single_pixel,
    tables,
)
from ._errors import DataUnavailable
from ._files import FILES

_STAND_INS = {
    "samson": (
        fetched.load_samson,
        lambda seed: simulated.make_mixture(
            (95, 95), bands=156, rank=3, concentration=0.5, smooth=4.0, random_state=seed
        ),
    ),
    "moffett": (
        fetched.load_moffett,
        lambda seed: simulated.make_mixture(
            (50, 50), bands=184, rank=3, concentration=0.5, smooth=3.0, random_state=seed
        ),
    ),
    "amino_acids": (
        fetched.load_amino_acids,
        lambda seed: simulated.make_fluorescence(5, 201, 61, rank=3, random_state=seed),
    ),
    "goldenrod": (
        fetched.load_goldenrod,
        lambda seed: chromatography.make_chromatograms(
            4, 434, rank=3, drift=0.12, random_state=seed
        ),
    ),
    "goldenrod_raw": (
        fetched.load_goldenrod_raw,
        lambda seed: chromatography.make_chromatograms(
            4, 1301, rank=3, drift=0.12, baseline=0.02, random_state=seed
        ),
    ),
    "foraging": (
        fetched.load_foraging,
        lambda seed: behaviour.make_foraging(50, [519] * 41 + [520] * 9, random_state=seed),
    ),
    "ibl_mouse": (
        fetched.load_ibl_mouse,
        lambda seed: behaviour.make_decisions(56, 90, random_state=seed),
    ),
    "energy": (
        regression.load_energy,
        lambda seed: regression.make_implicit_data(
            768, inputs=8, hidden=50, directions=2, noise=0.05, random_state=seed
        ),
    ),
    "concrete": (
        regression.load_concrete,
        lambda seed: regression.make_implicit_data(
            1030, inputs=8, hidden=50, directions=2, noise=0.3, random_state=seed
        ),
    ),
    "mice_protein": (
        tables.load_mice_protein,
        lambda seed: groups.make_proteins(random_state=seed),
    ),
    "bbc": (news.load_bbc, lambda seed: news.make_news(random_state=seed)),
    "salamander": (
        music.load_salamander,
        lambda seed: pianos.make_piano(seconds=4.0, random_state=seed),
    ),
    "jaszczak": (
        single_pixel.load_jaszczak,
        lambda seed: single_pixel.make_acquisition(random_state=seed),
    ),
    "animals": (tables.load_animals, lambda seed: groups.make_animals(random_state=seed)),
}


@dataclass(frozen=True)
class CatalogueEntry:
    """One line of the catalogue."""

    loader: str
    layer: str
    what: str
    shape: str
    licence: str
    megabytes: float | None


def load_or_simulate(name, *, random_state=0):
    """The real set, or simulated data of the same shape that say so.

    Parameters
    ----------
    name : str
        "samson", "moffett", "amino_acids", "goldenrod", "goldenrod_raw", "foraging",
        "ibl_mouse", "energy", "concrete", "mice_protein", "animals", "jaszczak", "bbc" or
        "salamander".
    random_state : None, int or numpy.random.Generator
        Used only by the simulator.

    Returns
    -------
    Dataset
        As its loader returns, with ``origin == "simulated"`` and a `note` to show where the real
        set was unavailable. A file with a wrong checksum is an error, never replaced.
    """
    if name not in _STAND_INS:
        raise ValueError(f"name must be one of {sorted(_STAND_INS)}, got {name!r}")
    load, simulate = _STAND_INS[name]
    try:
        return load()
    except DataUnavailable:
        note = (
            f"The {name.replace('_', ' ').replace('ibl', 'IBL')} data could not be fetched when "
            "this page was built: what follows uses simulated data of the same shape."
        )
        return replace(simulate(random_state), note=note)


def catalogue():
    """Every set: its loader, its layer, what it is, its shape and its licence.

    Returns
    -------
    tuple of CatalogueEntry

    Examples
    --------
    >>> [entry.loader for entry in catalogue() if entry.layer == "bundled"][:3]
    ['load_indian_pines', 'load_kinetic', 'load_cat']
    """
    return (
        CatalogueEntry(
            "load_indian_pines", "bundled", "farmland, hyperspectral", "145 × 145 × 200",
            "CC-BY 3.0", None,
        ),
        CatalogueEntry(
            "load_kinetic", "bundled", "catecholamines, fluorescence", "64 × 12 × 10 × 60",
            "public use", None,
        ),
        CatalogueEntry("load_cat", "bundled", "cat, grey", "any square", "CC0", None),
        CatalogueEntry(
            "load_stains", "bundled", "colon, two stains", "512 × 512 × 3",
            "no known restriction", None,
        ),
        CatalogueEntry(
            "load_piano_notes", "bundled", "notes of two pianos", "14 × 1.6 s", "MIT", None,
        ),
        CatalogueEntry("load_phrase", "bundled", "phrases on two pianos", "2 × 9 s", "MIT", None),
        _fetched_entry("samson", "lakeside, hyperspectral", "95 × 95 × 156"),
        _fetched_entry("moffett", "shore, hyperspectral", "50 × 50 × 184"),
        _fetched_entry("amino_acids", "amino acids, fluorescence", "5 × 201 × 61"),
        _fetched_entry("goldenrod", "goldenrod, chromatograms", "4 × 60 × 434"),
        _fetched_entry("goldenrod_raw", "the same, as recorded", "4 × 60 × 1301"),
        _fetched_entry("foraging", "mouse, two sides that pay", "25,959 trials"),
        _fetched_entry("ibl_mouse", "mouse, side of a grating", "56 × 90 trials"),
        _fetched_entry("energy", "buildings, heating load", "768 × 8"),
        _fetched_entry("concrete", "concrete, strength", "1030 × 8"),
        _fetched_entry("jaszczak", "target, camera with one pixel", "128 × 128"),
        _fetched_entry("mice_protein", "mice, levels of proteins", "1080 × 77"),
        _fetched_entry("animals", "animals, attributes", "50 × 85"),
        _fetched_entry("bbc", "news, occurrences of terms", "9635 × 2225"),
        _fetched_entry("salamander", "recorded notes of a piano", "8 × 4 s"),
        _simulated_entry("make_mixture", "linear mixtures"),
        _simulated_entry("make_filtered_scene", "an image under two filters"),
        _simulated_entry("make_acquisition", "wavelets of a target"),
        _simulated_entry("make_fluorescence", "excitation and emission"),
        _simulated_entry("make_chromatograms", "chromatograms that drift"),
        _simulated_entry("make_low_rank", "nonnegative matrix"),
        _simulated_entry("make_nonnegative_cp", "nonnegative tensor"),
        _simulated_entry("make_diamond", "points around a diamond"),
        _simulated_entry("make_regression_mixture", "mixture of regressions"),
        _simulated_entry("make_bandit_agent", "forgetting agent, bandit"),
        _simulated_entry("make_io_hmm", "hidden strategies"),
        _simulated_entry("make_foraging", "sessions of a bandit"),
        _simulated_entry("make_decisions", "sessions of visual decisions"),
        _simulated_entry("make_implicit_data", "an implicit rule"),
        _simulated_entry("make_noisy_sine", "a noisy sine"),
        _simulated_entry("make_grouped_tasks", "tasks that share groups"),
        _simulated_entry("make_proteins", "pathways that move together"),
        _simulated_entry("make_animals", "families of animals"),
        _simulated_entry("make_news", "news, occurrences of terms"),
        _simulated_entry("make_piano", "notes of a piano"),
    )  # fmt: skip


def _fetched_entry(name, what, shape):
    size = sum(file.size for key, file in FILES.items() if key.partition(".")[0] == name)
    return CatalogueEntry(
        f"load_{name}", "fetched", what, shape, FILES[name].licence, round(size / 1e6, 2)
    )


def _simulated_entry(loader, what):
    return CatalogueEntry(loader, "simulated", what, "any", "none needed", None)
