"""A scene without references, of which a survey named the crops."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from multiconvex import datasets
from multiconvex.studies._unmixing_report import UnmixingReport, report

_METHODS = ("separable", "NMF", "minimum volume", "two a pixel", "regions")


@dataclass(frozen=True, eq=False)
class FarmReport:
    """How well components of Indian Pines agree with the map of its crops.

    Attributes
    ----------
    names : tuple of str
        Crops, the largest first.
    labels : ndarray of int, shape (rows, cols)
        From 1 for the first crop; 0 where no crop of these was recorded.
    surveyed : ndarray of bool, shape (rows, cols)
        Pixels whose labels were used to name components.
    report : UnmixingReport
    guesses : dict of str to ndarray of int, shape (rows, cols)
        The crop whose component is strongest.
    """

    names: tuple
    labels: np.ndarray
    surveyed: np.ndarray
    report: UnmixingReport
    guesses: dict

    def accuracy(self, guess):
        """Return the part of the other labelled pixels whose crop is named rightly."""
        asked = (self.labels > 0) & ~self.surveyed
        return float(np.mean(guess[asked] == self.labels[asked]))

    @property
    def largest_class(self):
        """Accuracy of naming the largest crop everywhere."""
        return self.accuracy(np.ones_like(self.labels))

    @property
    def rows(self):
        """What the table of the chapter says."""
        return [
            {
                "method": method,
                "residual (%)": 100 * self.report[method].error,
                "pixels named rightly (%)": 100 * self.accuracy(guess),
            }
            for method, guess in self.guesses.items()
        ]


def unmix_farm(n_crops=6, step=3, random_state=0):
    """Unmix Indian Pines into its largest crops, and name components by half of the survey."""
    scene = datasets.load_indian_pines()
    cube = scene.cube[::step, ::step] / scene.cube.max()
    sizes = np.bincount(scene.labels.ravel(), minlength=len(scene.names))
    crops = 1 + np.argsort(-sizes[1:], kind="stable")[:n_crops]
    labels = np.zeros(cube.shape[:2], int)
    for number, crop in enumerate(crops, start=1):
        labels[scene.labels[::step, ::step] == crop] = number
    surveyed = (labels > 0) & (np.random.default_rng(random_state).random(labels.shape) < 0.5)
    regions = np.where(surveyed, labels, 0)
    made = report(cube, n_crops, regions=regions, methods=_METHODS, random_state=random_state)
    guesses = {
        method: _named(result.abundances, labels, surveyed)
        for method, result in made.results.items()
    }
    return FarmReport(tuple(scene.names[crop] for crop in crops), labels, surveyed, made, guesses)


def _named(abundances, labels, surveyed):
    """Give each component a crop of its own, the best assignment on surveyed pixels."""
    strongest = abundances.argmax(axis=2)
    n = abundances.shape[2]
    table = np.zeros((n, n), int)
    np.add.at(table, (strongest[surveyed], labels[surveyed] - 1), 1)
    _, crops = linear_sum_assignment(table, maximize=True)
    return crops[strongest] + 1
