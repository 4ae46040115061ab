r"""Experiments of the chapter on mixtures of regressions.

Costs are :math:`\sum_i \sum_k z_{ik} \varphi(x_i^T \theta_k - y_i)`, without a factor one half, as
in :class:`multiconvex.MixtureOfLinearRegressions`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from skimage.data import stereo_motorcycle
from sklearn.datasets import load_diabetes

from multiconvex import MixtureOfLinearRegressions, datasets, match_labels
from multiconvex.models.latent.links import Huber
from multiconvex.studies._hidden_classes import (
    CoinFlips,
    Questionnaire,
    Rankings,
    ask_repeatedly,
    explain_coins,
    recover_rankings,
)
from multiconvex.studies._listing_gap import GapTrace, follow_gap
from multiconvex.studies._soft_labels import LabelShift, SoftLabels, measure_shift

__all__ = [
    "CoinFlips",
    "Contaminated",
    "GapTrace",
    "LabelShift",
    "Losses",
    "Planes",
    "Questionnaire",
    "Rankings",
    "Recovery",
    "SoftLabels",
    "ask_repeatedly",
    "count_samples",
    "explain_coins",
    "find_planes",
    "fit_contaminated",
    "follow_gap",
    "load_cholesterol",
    "load_garage",
    "measure_shift",
    "profile_losses",
    "recover_planted",
    "recover_rankings",
    "restart_planted",
    "summarise",
]

FOCAL, CENTRE, OFFSET, BASELINE = 994.978, (311.193, 254.877), 31.086, 0.193001
"""Of the stereo camera, in pixels and metres, as published with the images."""
NEAR = 1.01
TIE = 1.0 + 1e-6


@dataclass(frozen=True, eq=False)
class Planes:
    """Flat parts of a scene, found in the disparities of a stereo camera.

    Attributes
    ----------
    photo : ndarray of uint8, shape (rows, cols, 3)
    disparity : ndarray, shape (rows, cols)
        In pixels, NaN where it is not known.
    labels : ndarray of int, shape (rows, cols)
        The plane of each pixel, from the farthest to the nearest; -1 where nothing is known.
    laws : ndarray, shape (K, 3)
        Change of the disparity in 100 pixels to the right and downwards, and where both are 0.
    close : float
        Share of the pixels within half a pixel of their plane.
    at_best : float
        Share of the starts that end within one percent of the least cost.
    """

    photo: np.ndarray
    disparity: np.ndarray
    labels: np.ndarray
    laws: np.ndarray
    close: float
    at_best: float

    @property
    def normals(self):
        """Vectors n with ``n @ point == 1`` on the plane, in 1/m, shape (K, 3).

        A point at depth Z has disparity ``FOCAL * BASELINE / Z - OFFSET``.
        """
        slopes = self.laws[:, :2] / 100.0
        middle = slopes @ CENTRE + self.laws[:, 2] + OFFSET
        return np.column_stack([FOCAL * slopes, middle]) / (FOCAL * BASELINE)

    @property
    def distances(self):
        """Distance of each plane from the camera in metres, shape (K,)."""
        return 1.0 / np.linalg.norm(self.normals, axis=1)

    def angle(self, first, second):
        """Return the angle between two planes in degrees, from 0 to 180."""
        units = self.normals * self.distances[:, None]
        return float(np.degrees(np.arccos(np.clip(units[first] @ units[second], -1.0, 1.0))))


def load_garage(step):
    """Return one pixel in `step` of the garage, along rows and columns.

    Returns
    -------
    X : ndarray, shape (m, 2)
        Column and row, in 100 pixels.
    y : ndarray, shape (m,)
        Disparity in pixels.
    known : ndarray of bool, shape (rows, cols)
        Where the disparity is known.
    """
    disparity = stereo_motorcycle()[2][::step, ::step].astype(float)
    known = np.isfinite(disparity)
    rows, columns = np.nonzero(known)
    return np.column_stack([columns, rows]) * step / 100.0, disparity[known], known


def find_planes(n_planes, loss="square", *, fitted=15, shown=4, random_state=0):
    """Fit planes to some pixels of the garage and assign more of them."""
    X, y, _ = load_garage(fitted)
    model = MixtureOfLinearRegressions(n_planes, loss=loss, random_state=random_state).fit(X, y)
    near = np.argsort([y[model.labels_ == k].mean() for k in range(n_planes)])
    laws = np.column_stack([model.coef_, model.intercept_])[near]
    X, y, known = load_garage(shown)
    labels = np.full(known.shape, -1)
    labels[known] = np.argsort(near)[model.assign(X, y)]
    disparity = np.full(known.shape, np.nan)
    disparity[known] = y
    own = laws[labels[known]]
    starts = model.result_.starts
    return Planes(
        photo=stereo_motorcycle()[0][::shown, ::shown],
        disparity=disparity,
        labels=labels,
        laws=laws,
        close=float((np.abs((X * own[:, :2]).sum(axis=1) + own[:, 2] - y) < 0.5).mean()),
        at_best=float((starts <= NEAR * starts.min()).mean()),
    )


@dataclass(frozen=True, eq=False)
class Losses:
    """Losses of a residual.

    Attributes
    ----------
    residual : ndarray
        Nonnegative.
    values : dict of str to ndarray
    delta : float
        Threshold of the Huber loss.
    jump : float
        Of the printed Huber loss at the threshold.
    """

    residual: np.ndarray
    values: dict
    delta: float
    jump: float


def profile_losses(delta=1.0):
    """Square, absolute and Huber loss, and the Huber loss as the source prints it."""
    u = np.linspace(0.0, 3.0, 301)
    huber = Huber(delta).value(u[:, None, None])[:, 0]
    printed = np.where(u <= delta, u**2, 2.0 * delta * u * delta**2)
    return Losses(
        residual=u,
        values={"square": u**2, "printed": printed, "Huber": huber, "absolute": u},
        delta=delta,
        jump=2.0 * delta**4 - delta**2,
    )


@dataclass(frozen=True, eq=False)
class Recovery:
    """A mixture with known truth, and what several starts make of it.

    Attributes
    ----------
    name : str
    truth, parameters : ndarray, shape (K, n)
        The laws that made the data, and the fitted ones in the same order.
    informed : ndarray, shape (K, n)
        Least squares with the true labels.
    accuracy, oracle : float
        Share of the labels that are right, for the fit and for the true laws.
    starts : ndarray
        Final cost of each start.
    n_samples, sweeps : int
    """

    name: str
    truth: np.ndarray
    parameters: np.ndarray
    informed: np.ndarray
    accuracy: float
    oracle: float
    starts: np.ndarray
    n_samples: int
    sweeps: int

    @cached_property
    def gaps(self):
        """Final costs relative to the best."""
        return self.starts / self.starts.min()

    @property
    def at_best(self):
        """Share of the starts that end at the least cost."""
        return float((self.gaps <= TIE).mean())

    @property
    def near_best(self):
        """Share of the starts that end within one percent of the least cost."""
        return float((self.gaps <= NEAR).mean())

    @property
    def row(self):
        """One line of a table."""
        return {
            "data set": self.name,
            "accuracy": self.accuracy,
            "true laws": self.oracle,
            "error": _farthest(self.parameters, self.truth),
            "known labels": _farthest(self.informed, self.truth),
            "best cost": round(self.starts.min()),
            "at best (%)": round(100 * self.at_best),
            "within 1% (%)": round(100 * self.near_best),
        }


def _farthest(parameters, truth):
    """Return the largest distance between a fitted law and the one that made the data."""
    return float(np.linalg.norm(parameters - truth, axis=1).max())


def _recover(data, name, *, n_starts, random_state):
    model = MixtureOfLinearRegressions(
        len(data.parameters), fit_intercept=False, n_starts=n_starts, random_state=random_state
    ).fit(data.X, data.y)
    match = match_labels(model.labels_, data.labels, len(data.parameters))
    nearest = np.square(data.X @ data.parameters.T - data.y[:, None]).argmin(axis=1)
    own = [data.labels == k for k in range(len(data.parameters))]
    return Recovery(
        name=name,
        truth=data.parameters,
        parameters=model.coef_[np.argsort(match.permutation)],
        informed=np.stack([np.linalg.lstsq(data.X[i], data.y[i], rcond=None)[0] for i in own]),
        accuracy=match.accuracy,
        oracle=float((nearest == data.labels).mean()),
        starts=model.result_.starts,
        n_samples=len(data.y),
        sweeps=model.n_iter_,
    )


def recover_planted(seeds=range(10), n_starts=50):
    """Fit the mixture of three laws in ten dimensions to several samples of 500 points."""
    return tuple(
        _recover(
            datasets.make_regression_mixture(random_state=seed),
            str(seed),
            n_starts=n_starts,
            random_state=seed,
        )
        for seed in seeds
    )


def restart_planted(seeds=range(10), data_seed=0, n_starts=10):
    """Fit one sample several times, each time from ten starts of another seed."""
    data = datasets.make_regression_mixture(random_state=data_seed)
    return tuple(
        _recover(data, str(data_seed), n_starts=n_starts, random_state=seed) for seed in seeds
    )


def summarise(recoveries):
    """Rows of a table: every recovery, then the median and the worst of each column."""
    rows = [recovery.row for recovery in recoveries]
    worst = {"error": max, "known labels": max, "best cost": max}
    columns = {name: [row[name] for row in rows] for name in rows[0] if name != "data set"}
    median = {name: float(np.median(values)) for name, values in columns.items()}
    least = {name: worst.get(name, min)(values) for name, values in columns.items()}
    return [*rows, {"data set": "median", **median}, {"data set": "worst", **least}]


def count_samples(sizes=(40, 80, 160, 500), seeds=range(5)):
    """Rows of a table: medians over samples of several sizes, each fitted from 30 starts."""
    rows = []
    for size in sizes:
        fits = [
            _recover(
                datasets.make_regression_mixture(size, random_state=seed),
                str(seed),
                n_starts=30,
                random_state=seed,
            )
            for seed in seeds
        ]
        rows.append(
            {
                "samples": size,
                "cost per sample": float(np.median([fit.starts.min() / size for fit in fits])),
                "accuracy": float(np.median([fit.accuracy for fit in fits])),
                "true laws": float(np.median([fit.oracle for fit in fits])),
                "error": float(np.median([_farthest(fit.parameters, fit.truth) for fit in fits])),
            }
        )
    return rows


@dataclass(frozen=True, eq=False)
class Contaminated:
    """Two laws with outliers, and what three losses make of them.

    Attributes
    ----------
    fraction : float
    x, y : ndarray, shape (m,)
    outlying : ndarray of bool, shape (m,)
    truth : ndarray, shape (2, 2)
        Slope and intercept of each law.
    fits : dict of str to ndarray of shape (K, 2)
    """

    fraction: float
    x: np.ndarray
    y: np.ndarray
    outlying: np.ndarray
    truth: np.ndarray
    fits: dict

    @property
    def errors(self):
        """Largest vertical distance of a true line to the fitted line that is closest to it."""
        ends = np.array([self.x.min(), self.x.max()])
        true = self.truth[:, :1] * ends + self.truth[:, 1:]
        heights = {name: lines[:, :1] * ends + lines[:, 1:] for name, lines in self.fits.items()}
        return {
            name: float(np.abs(true[:, None] - lines).max(axis=2).min(axis=1).max())
            for name, lines in heights.items()
        }


def fit_contaminated(fraction, n_samples=150, n_components=2, random_state=1):
    """Replace a fraction of the responses of two laws by noise that is 20 times as broad."""
    rng = np.random.default_rng(random_state)
    truth = np.array([[0.8, 2.0], [-0.5, 8.0]])
    x = rng.uniform(0.0, 10.0, n_samples)
    slope, intercept = truth[rng.integers(0, 2, n_samples)].T
    y = slope * x + intercept + 0.5 * rng.standard_normal(n_samples)
    outlying = np.arange(n_samples) < round(fraction * n_samples)
    y[outlying] = rng.uniform(-20.0, 40.0, outlying.sum())
    fits = {}
    for loss in ("square", "huber", "absolute"):
        model = MixtureOfLinearRegressions(
            n_components, loss=loss, n_starts=5, random_state=random_state
        ).fit(x[:, None], y)
        fits[loss] = np.column_stack([model.coef_[:, 0], model.intercept_])
    return Contaminated(fraction, x, y, outlying, truth, fits)


def load_cholesterol():
    """Lipids of 442 patients in mg/dl: total, HDL and triglycerides, and the LDL on record.

    Returns
    -------
    X : ndarray, shape (442, 3)
    ldl : ndarray, shape (442,)
    """
    columns = load_diabetes(scaled=False).data.T
    total, ldl, hdl, triglycerides = columns[4], columns[5], columns[6], np.exp(columns[8])
    return np.column_stack([total, hdl, triglycerides]), ldl
