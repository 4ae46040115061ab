"""Few colours for a photograph of a stained tissue, by k-means of its optical density."""

from dataclasses import dataclass

import numpy as np

from multiconvex import ConstrainedKMeans, datasets


@dataclass(frozen=True, eq=False)
class Palette:
    """A few colours for a stained tissue.

    Attributes
    ----------
    image : ndarray, shape (rows, cols, 3), uint8
        The photograph in these colours.
    amounts : ndarray, shape (K, 2)
        Haematoxylin and DAB in each colour.
    shares : ndarray, shape (K,)
        Fraction of the pixels.
    objective : float
        Relative to the total variance of the optical density.
    """

    image: np.ndarray
    amounts: np.ndarray
    shares: np.ndarray
    objective: float

    def rows(self, names):
        """Rows of a table of the colours."""
        return [
            {"colour": name, "haematoxylin": blue, "DAB": brown, "pixels (%)": 100 * share}
            for name, (blue, brown), share in zip(
                names, self.amounts.round(9).tolist(), self.shares.tolist()
            )
        ]


def fit_palettes(every=4, random_state=0):
    """Reduce a tissue to four colours: any, mixtures of its dyes, mixtures with a role each.

    Returns
    -------
    photograph : ndarray, shape (rows, cols, 3), uint8
    palettes : dict of str to Palette
    """
    tissue = datasets.load_stains()
    density = tissue.optical_density[::every, ::every]
    unmix = np.linalg.pinv(tissue.vectors)
    mixtures = mixtures_of(tissue.vectors)
    roles = (
        [((1.0, 0.0), 0.1), ((0.0, 1.0), 0.1)],  # paper: little of either dye
        [((0.0, 1.0), 0.0)],  # no DAB
        [((1.0, 0.0), 0.0)],  # no haematoxylin
        [],
    )
    rules = {
        "any colours": None,
        "mixtures": mixtures,
        "mixtures with roles": [_limited(mixtures, unmix, limits) for limits in roles],
    }
    return tissue.rgb[::every, ::every], {
        name: _reduce(density, unmix, rule, random_state) for name, rule in rules.items()
    }


def mixtures_of(vectors):
    """Return (A, b) of the nonnegative mixtures of two vectors in space."""
    normal = np.cross(*vectors.T)
    normal /= np.linalg.norm(normal)
    return np.vstack([normal, -normal, -np.linalg.pinv(vectors)]), np.zeros(4)


def _limited(rule, unmix, limits):
    """Add upper bounds on combinations of the amounts of the dyes."""
    A, b = rule
    rows = [np.array(combination) @ unmix for combination, _ in limits]
    return np.vstack([A, *rows]), np.append(b, [bound for _, bound in limits])


def _reduce(density, unmix, rule, random_state):
    pixels = density.reshape(-1, 3)
    model = ConstrainedKMeans(4, constraint=rule, random_state=random_state).fit(pixels)
    colours = np.rint(255.0 * 10.0**-model.cluster_centers_).clip(0, 255).astype(np.uint8)
    return Palette(
        colours[model.labels_].reshape(density.shape),
        model.cluster_centers_ @ unmix.T,
        np.bincount(model.labels_, minlength=4) / len(pixels),
        float(model.inertia_ / np.sum((pixels - pixels.mean(axis=0)) ** 2)),
    )
