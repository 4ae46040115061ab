r"""Experiments of the chapter on several dictionaries.

Every fit minimises :math:`\tfrac12 \|X - W H^T\|_F^2` over nonnegative :math:`H` and matrices
:math:`W` whose columns are pixels of drawn regions, as :func:`multiconvex.multiple_dictionaries`
does.
"""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from multiconvex.diagnostics import spectral_angle
from multiconvex.models.multiple_dictionaries import multiple_dictionaries
from multiconvex.regression import nnls
from multiconvex.studies._atom_pairings import (
    ChoiceSearch,
    Pairing,
    compare_pairings,
    search_every_choice,
)
from multiconvex.studies._drawn_regions import (
    Region,
    Unmixing,
    locate,
    relative_error,
    try_random_pixels,
    unmix,
    unmix_separable,
    whole_image,
)

__all__ = [
    "DRAWN",
    "FIELDS",
    "SOURCE",
    "ChoiceSearch",
    "Misplacement",
    "Pairing",
    "Region",
    "Score",
    "Spoiled",
    "Unmixing",
    "compare_pairings",
    "compare_starts",
    "describe_picks",
    "draw_presets",
    "locate",
    "read_printed_positions",
    "relative_error",
    "score",
    "search_every_choice",
    "spoil_region",
    "summarise_scores",
    "try_random_pixels",
    "unmix",
    "unmix_separable",
    "whole_image",
]

SOURCE = (
    Region((100, 120), (110, 130)),
    Region((50, 60), (80, 90)),
    Region((100, 110), (15, 25)),
    Region((10, 130), (4, 90), count=2),
)
"""Rows and columns that the source cuts from Indian Pines."""

FIELDS = (
    Region((100, 120), (85, 115)),
    Region((76, 82), (74, 94)),
    Region((97, 114), (26, 46)),
    Region((45, 64), (27, 35)),
    Region((40, 60), (122, 140)),
)
"""One rectangle in each of five fields of Indian Pines, drawn on the preview."""

DRAWN = {
    "Samson": (
        Region((50, 80), (62, 92)),
        Region((10, 50), (40, 68)),
        Region((20, 70), (0, 15)),
    ),
    "Moffett Field": (
        Region((0, 14), (0, 49)),
        Region((36, 46), (36, 46)),
        Region((37, 49), (26, 34)),
    ),
}
"""Rectangles drawn on the previews, in the order of the materials, before any was scored."""

_PRINTED = (
    (0, 119, 16794),
    (1, 13, 11798),
    (2, 64, 3149),
    (3, 2150, 3165),
    (3, 2289, 3354),
)
"""What the source prints: region, atom in the region, pixel in the image."""


def draw_presets(scene):
    """Return other regions of Indian Pines for five pure pixels, by what they are."""
    rows, cols, _ = scene.cube.shape
    halves = ((0, rows // 2), (rows // 2, rows))
    sides = ((0, cols // 2), (cols // 2, cols))
    quarters = [Region(half, side) for half in halves for side in sides]
    return {
        "as its figure draws them": tuple(region.swapped() for region in SOURCE),
        "four quarters": (*quarters[:3], replace(quarters[3], count=2)),
        "the whole image": (whole_image(scene, 5),),
    }


def describe_picks(scene, found):
    """Return for each component its pixel, what the survey says of it, and where it is abundant."""
    rows = []
    for owner, (row, col), abundance in zip(
        found.owners, found.places, np.moveaxis(found.maps, 2, 0)
    ):
        surveyed = scene.labels > 0
        strong = surveyed & (abundance >= np.quantile(abundance[surveyed], 0.95))
        ((label, count),) = Counter(scene.labels[strong].tolist()).most_common(1)
        rows.append(
            {
                "region": int(owner) + 1,
                "pixel (row, column)": f"({row}, {col})",
                "survey there": scene.names[scene.labels[row, col]],
                "survey where the map is strongest": scene.names[label],
                "share": f"{count / strong.sum():.0%}",
            }
        )
    return rows


@dataclass(frozen=True, eq=False)
class Score:
    """An unmixing against the reference, up to the order and the scale of its components.

    Attributes
    ----------
    unmixing : Unmixing
        Components in the order of the materials.
    angles : ndarray, shape (r,)
        With the reference spectra, in degrees.
    rmse : float
        Of abundances that sum to one in each pixel, when every spectrum is scaled to the maximum
        of its reference.
    """

    unmixing: Unmixing
    angles: np.ndarray
    rmse: float


def score(scene, unmixing):
    """Compare an unmixing with the reference spectra and abundances of a scene."""
    found = unmixing.in_order_of(scene.spectra)
    weights = found.maps * found.spectra.max(axis=0) / scene.spectra.max(axis=0)
    sums = weights.sum(axis=2, keepdims=True)
    shares = weights / np.where(sums > 0, sums, 1.0)
    return Score(
        found,
        spectral_angle(found.spectra, scene.spectra),
        float(np.sqrt(np.mean((shares - scene.abundances) ** 2))),
    )


def compare_starts(scene, n_starts):
    """Score every start with the regions drawn for a scene, and with the whole of it.

    Returns
    -------
    dict of str to tuple of Score
        By increasing residual, under ``"regions"`` and ``"whole image"``.
    """
    kinds = {
        "regions": DRAWN.get(scene.name, DRAWN["Moffett Field"]),
        "whole image": (whole_image(scene, len(scene.names)),),
    }
    return {
        kind: tuple(
            sorted(
                (
                    score(scene, unmix(scene, regions, n_starts=1, random_state=seed))
                    for seed in range(n_starts)
                ),
                key=lambda scored: scored.unmixing.relative_error,
            )
        )
        for kind, regions in kinds.items()
    }


def summarise_scores(compared, separable):
    """Return what the table of the chapter says of every scene and kind of dictionary.

    Parameters
    ----------
    compared : dict of str to dict of str to sequence of Score
        By scene and kind, the least residual first.
    separable : dict of str to Score
        By scene.
    """
    rows = []
    for scene, kinds in compared.items():
        for kind, scores in {**kinds, "SNPA": (separable[scene],)}.items():
            angles = [scored.angles.mean() for scored in scores]
            rows.append(
                {
                    "scene": scene,
                    "dictionary": kind,
                    "residual": f"{scores[0].unmixing.relative_error:.2%}",
                    "angle (°)": float(angles[0]),
                    "abundance error": scores[0].rmse,
                    "median angle": float(np.median(angles)),
                    "worst angle": float(max(angles)),
                }
            )
    return rows


@dataclass(frozen=True, eq=False)
class Misplacement:
    """The pure pixels that the source prints, and where it says they are.

    Attributes
    ----------
    cut, drawn : tuple of Region
        What its code cuts from the cube, and what its figure shows.
    places, printed : ndarray of int, shape (5, 2)
        Row and column of the selected atoms, and of the pixel numbers it prints for them.
    angles : ndarray, shape (5,)
        Between the spectra at the two.
    error, printed_error : float
        Relative residuals with the pixels at the two, and best abundances.
    mse : float
        Mean square of the residual at `places`, for data with maximum one.
    """

    cut: tuple
    drawn: tuple
    places: np.ndarray
    printed: np.ndarray
    angles: np.ndarray
    error: float
    printed_error: float
    mse: float


def read_printed_positions(scene):
    """Compare the atoms that the source selects with the pixels that it prints for them."""
    places = np.vstack([SOURCE[i].places([number]) for i, number, _ in _PRINTED])
    printed = whole_image(scene, 5).places([pixel for *_, pixel in _PRINTED])
    spectra, claimed = (
        scene.cube[rows, cols].T.astype(float) for rows, cols in (places.T, printed.T)
    )
    objectives = [nnls(W, scene.matrix).objective for W in (spectra, claimed)]
    return Misplacement(
        cut=SOURCE,
        drawn=tuple(region.swapped() for region in SOURCE),
        places=places,
        printed=printed,
        angles=spectral_angle(spectra, claimed),
        error=relative_error(scene, objectives[0]),
        printed_error=relative_error(scene, objectives[1]),
        mse=2.0 * objectives[0] / (scene.cube.size * float(scene.cube.max()) ** 2),
    )


@dataclass(frozen=True, eq=False)
class Spoiled:
    """A fit when one region holds no pure pixel.

    Attributes
    ----------
    material : int
    purest : float
        Largest reference abundance of the material that was left in its region.
    pixels : int
        How many pixels were left there.
    spectrum : ndarray, shape (bands,)
        The column closest to the reference.
    owner : int
        Dictionary that gave it; the number after the last region is the whole image.
    angle : float
        Between the two, in degrees.
    relative_error : float
    residual : ndarray, shape (rows, cols)
        Norm of the residual of each pixel.
    """

    material: int
    purest: float
    pixels: int
    spectrum: np.ndarray
    owner: int
    angle: float
    relative_error: float
    residual: np.ndarray


def spoil_region(scene, regions, material, purest, *, spare=0, n_starts=2, random_state=0):
    """Fit after the purest pixels of one region have been taken out of it.

    Parameters
    ----------
    scene : HyperspectralImage
    regions : sequence of Region
        In the order of the materials.
    material : int
        Whose region is spoiled.
    purest : float
        Pixels with a larger reference abundance of the material are taken out.
    spare : int
        How many pixels may be picked anywhere in the image instead; the rank stays the same.
    n_starts, random_state
        See :func:`multiconvex.multiple_dictionaries`.

    Returns
    -------
    Spoiled
    """
    dictionaries = [region.pixels(scene) for region in regions]
    inside = regions[material].crop(scene.abundances)[..., material].ravel()
    kept = inside <= purest
    dictionaries[material] = dictionaries[material][:, kept]
    counts = [region.count for region in regions]
    if spare:
        dictionaries, counts = [*dictionaries, scene.matrix], [*counts, spare]
    fit = multiple_dictionaries(
        scene.matrix,
        dictionaries,
        counts,
        rank=len(regions),
        n_starts=n_starts,
        random_state=random_state,
    )
    angles = [spectral_angle(column, scene.spectra[:, material]) for column in fit.W.T]
    closest = int(np.argmin(angles))
    residual = np.linalg.norm(scene.matrix - fit.reconstruct(), axis=0)
    return Spoiled(
        material=material,
        purest=float(inside[kept].max()),
        pixels=int(kept.sum()),
        spectrum=fit.W[:, closest],
        owner=int(fit.indices[closest, 0]),
        angle=float(angles[closest]),
        relative_error=relative_error(scene, fit.objective),
        residual=residual.reshape(scene.cube.shape[:2]),
    )
