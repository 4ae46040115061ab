"""Data in three layers: bundled with a dependency, fetched on demand, simulated.

The loaders of the first layer work offline. Those of the second fetch a file once, verify its
SHA256 and keep it; ``MULTICONVEX_DATA`` names a folder that already holds the files.
:func:`load_or_simulate` falls back on the third layer and says so.
"""

from multiconvex.lazy import load_on_use

_HOMES = {
    "behaviour": ("make_decisions", "make_foraging"),
    "bundled": ("load_indian_pines", "load_kinetic", "load_stains"),
    "chromatography": ("make_chromatograms",),
    "fetched": (
        "load_amino_acids", "load_foraging", "load_goldenrod", "load_goldenrod_raw",
        "load_ibl_mouse", "load_moffett", "load_samson",
    ),
    "groups": (
        "AnimalAttributes", "GroupedTasks", "ProteinExpression", "make_animals",
        "make_grouped_tasks", "make_proteins",
    ),
    "latent": (
        "BanditAgent", "DiamondPoints", "HiddenDecisions", "RegressionMixture",
        "make_bandit_agent", "make_diamond", "make_io_hmm", "make_regression_mixture",
    ),
    "music": (
        "PianoNotes", "Recording", "load_phrase", "load_piano_notes", "load_salamander",
        "read_sound",
    ),
    "pianos": ("make_piano", "perform", "retune"),
    "news": ("TermCounts", "load_bbc", "make_news"),
    "regression": (
        "RegressionTable", "load_concrete", "load_energy", "make_implicit_data", "make_noisy_sine",
    ),
    "single_pixel": ("load_cat", "load_jaszczak", "make_acquisition", "make_filtered_scene"),
    "simulated": ("make_fluorescence", "make_low_rank", "make_mixture", "make_nonnegative_cp"),
    "listing": ("catalogue", "load_or_simulate"),
    "tables": ("load_animals", "load_mice_protein"),
    "trials": ("DecisionTrials", "ForagingSessions"),
    "types": (
        "Axis", "Chromatograms", "FluorescenceTensor", "GreyImage", "HyperspectralImage",
        "LowRankMatrix", "LowRankTensor", "SinglePixelAcquisition", "StainImage",
    ),
    "_errors": ("DataCorrupted", "DataUnavailable"),
}  # fmt: skip

__getattr__, __dir__, __all__ = load_on_use(__name__, _HOMES)
