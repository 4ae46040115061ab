"""Layers trained on scenes of the same three materials, and what they do elsewhere."""

from dataclasses import dataclass

import numpy as np

from multiconvex.datasets import make_mixture
from multiconvex.models.unrolled_nmf import UnrolledNMF
from multiconvex.regression import nnls
from multiconvex.unrolled_layers import factor_loss

N_LAYERS = 25
_KNOTS = 6


def make_family(bands=50, rank=3, random_state=0):
    """Return smooth spectra of a few materials, of shape (bands, rank)."""
    return make_mixture((2, 2), bands, rank, random_state=random_state).spectra


def make_scenes(
    family, count, *, variation=0.3, concentration=1.0, snr=30.0, side=10, random_state=0
):
    """Return triples ``(X, W, H)``: scenes whose materials vary around a family of spectra.

    Each spectrum is multiplied by the exponential of a smooth random curve of size `variation`;
    abundances and noise are those of :func:`multiconvex.datasets.make_mixture`.
    """
    rng = np.random.default_rng(random_state)
    bands, rank = family.shape
    places = np.linspace(0.0, 1.0, bands)
    scenes = []
    for _ in range(count):
        curves = [
            np.interp(places, np.linspace(0.0, 1.0, _KNOTS), rng.standard_normal(_KNOTS))
            for _ in range(rank)
        ]
        W = family * np.exp(variation * np.stack(curves, axis=1))
        H = make_mixture(
            (side, side), bands, rank, concentration=concentration, pure_pixels=False,
            random_state=rng,
        ).abundances.reshape(-1, rank)  # fmt: skip
        clean = W @ H.T
        noise = 10 ** (-snr / 20) * np.sqrt(np.mean(clean**2)) * rng.standard_normal(clean.shape)
        scenes.append((np.maximum(clean + noise, 0.0), W, H))
    return scenes


@dataclass(frozen=True, eq=False)
class Training:
    """Scenes of one family, and layers with unit, tied and free weights.

    Attributes
    ----------
    family : ndarray, shape (bands, r)
    scenes, tests : list of (X, W, H)
    plain, tied, free : UnrolledNMF
        ``plain`` has weights of one, and many layers.
    """

    family: np.ndarray
    scenes: list
    tests: list
    plain: UnrolledNMF
    tied: UnrolledNMF
    free: UnrolledNMF


def train_layers(n_scenes=32, n_tests=8, longest=1000, max_iter=9, random_state=0):
    """Train layers on scenes of one family, and draw other scenes of that family to test them."""
    family = make_family(random_state=random_state)
    scenes = make_scenes(family, n_scenes, random_state=random_state + 1)
    options = {"max_iter": max_iter, "learning_rate": 0.02, "random_state": random_state}
    return Training(
        family,
        scenes,
        make_scenes(family, n_tests, random_state=random_state + 2),
        UnrolledNMF(longest, max_iter=0).fit(scenes),
        UnrolledNMF(N_LAYERS, weights="tied", **options).fit(scenes),
        UnrolledNMF(N_LAYERS, **options).fit(scenes),
    )


@dataclass(frozen=True, eq=False)
class Progress:
    """Mean error over test scenes, layer after layer.

    Attributes
    ----------
    errors : dict of str to ndarray
        One entry for the start and for each layer.
    finished : dict of str to float
        Error with the last spectra and the exact regression on them.
    regression : float
        Error with the mean training spectra and the exact regression on them.
    """

    errors: dict
    finished: dict
    regression: float

    @property
    def rows(self):
        """What the table of the chapter says of the last layers."""
        return [
            {
                "method": f"{name}, {len(errors) - 1}",
                "last layer": float(errors[-1]),
                "then regression": self.finished[name],
            }
            for name, errors in self.errors.items()
        ]

    @property
    def step_rows(self):
        """What the table of the chapter says of the plain steps that layers replace."""
        most = len(self.errors["multiplicative"]) - 1
        starts = {
            "the same start": "multiplicative",
            "the better start": "multiplicative, better start",
        }
        return [
            {"plain steps from": start}
            | {
                f"25 {end} layers": self.steps_to(method, end) or f"more than {most}"
                for end in ("tied", "trained")
            }
            for start, method in starts.items()
        ]

    def steps_to(self, method, reference):
        """Return the layers of ``method`` that reach the last error of ``reference``, or None."""
        there = np.flatnonzero(self.errors[method] <= self.errors[reference][-1])
        return int(there[0]) if len(there) else None


def follow_errors(training):
    """Measure the errors of all layers on the test scenes, and of plain ones from two starts."""
    better = UnrolledNMF(training.plain.n_layers, init="regression", max_iter=0)
    models = {
        "multiplicative": training.plain,
        "multiplicative, better start": better.fit(training.scenes),
        "tied": training.tied,
        "trained": training.free,
    }
    tests = training.tests
    errors, finished = {}, {}
    for name, model in models.items():
        paths = [model.layers(X) for X, _, _ in tests]
        errors[name] = _mean_error(paths, tests)
        finished[name] = _regression_error([path[-1][0] for path in paths], tests)
    start = [training.free.spectra_] * len(tests)
    return Progress(errors, finished, _regression_error(start, tests))


@dataclass(frozen=True, eq=False)
class SpectraPath:
    """Spectra of one test scene after some layers, of mean one, and the true ones.

    Attributes
    ----------
    truth : ndarray, shape (bands, r)
    plain, trained : list of ndarray
        Entry k is after k layers.
    errors : dict of str to ndarray
        Error of spectra and abundances after each layer.
    residuals : dict of str to float
        Norm of the residual over that of the data, after the last layer.
    """

    truth: np.ndarray
    plain: list
    trained: list
    errors: dict
    residuals: dict


def follow_spectra(training, scene=0):
    """Follow the spectra of one test scene through plain and through trained layers."""
    X, W, _ = training.tests[scene]
    short = UnrolledNMF(N_LAYERS, max_iter=0).fit(training.scenes)
    paths = [model.layers(X) for model in (short, training.free)]
    plain, trained = ([_unit_means(W_k) for W_k, _ in path] for path in paths)
    errors = [_mean_error([path], [training.tests[scene]]) for path in paths]
    residuals = [np.linalg.norm(X - W_k @ H_k.T) / np.linalg.norm(X) for (*_, (W_k, H_k)) in paths]
    names = "multiplicative", "trained"
    return SpectraPath(
        _unit_means(W), plain, trained, dict(zip(names, errors)), dict(zip(names, residuals))
    )


@dataclass(frozen=True, eq=False)
class Supervision:
    """What it means to supervise some layers only.

    Attributes
    ----------
    emphasis : str
        Which layers counted in training.
    errors : ndarray, shape (n_layers + 1,)
        Mean error over test scenes after each layer.
    moved : ndarray, shape (n_layers,)
        Mean magnitude of the logarithms of the weights of W.
    """

    emphasis: str
    errors: np.ndarray
    moved: np.ndarray


def compare_supervision(training):
    """Train the same layers with other parts in the loss."""
    models = {"increasing": training.free}
    for emphasis in ("last", "even"):
        options = training.free.get_params() | {"supervision": emphasis}
        models[emphasis] = UnrolledNMF(**options).fit(training.scenes)
    return {
        emphasis: Supervision(
            emphasis,
            mean_errors(model, training.tests),
            np.abs(np.log(model.weights_W_)).mean(axis=(1, 2)),
        )
        for emphasis, model in models.items()
    }


@dataclass(frozen=True)
class TransferRow:
    """Mean errors on scenes that differ from the training scenes in one respect.

    Attributes
    ----------
    scenes : str
        What is different.
    multiplicative, long : float
        25 and 300 plain steps.
    tied, trained : float
        25 layers.
    regression : float
        On the mean training spectra.
    """

    scenes: str
    multiplicative: float
    long: float
    tied: float
    trained: float
    regression: float


def measure_transfer(training, n_tests=5, longest=300, random_state=10):
    """Draw scenes with other abundances, noise, sizes and materials."""
    changes = {
        "like the training scenes": {},
        "nine times as many pixels": {"side": 30},
        "noise of 15 instead of 30 dB": {"snr": 15.0},
        "nearly pure pixels": {"concentration": 0.3},
        "strong mixing": {"concentration": 4.0},
        "a third of the variation": {"variation": 0.1},
        "twice the variation": {"variation": 0.6},
        "other materials": {"family": make_family(random_state=random_state)},
    }
    plain = [UnrolledNMF(n, max_iter=0).fit(training.scenes) for n in (N_LAYERS, longest)]
    models = *plain, training.tied, training.free
    rows = []
    for name, change in changes.items():
        options = {"family": training.family, "count": n_tests, "random_state": random_state}
        tests = make_scenes(**options | change)
        ends = [_last_error(model, tests) for model in models]
        means = [training.free.spectra_] * n_tests
        rows.append(TransferRow(name, *ends, _regression_error(means, tests)))
    return rows


@dataclass(frozen=True, eq=False)
class Residuals:
    """Norms of residuals over those of the data, after a regression on the trained spectra.

    Attributes
    ----------
    known, strange : ndarray
        One entry for each scene, of the family and of other materials.
    """

    known: np.ndarray
    strange: np.ndarray


def compare_residuals(training, n_scenes=20, random_state=5):
    """Fit scenes of the family and scenes of other materials."""
    families = training.family, make_family(random_state=random_state)
    residuals = []
    for family in families:
        gaps = []
        for X, _, _ in make_scenes(family, n_scenes, random_state=random_state):
            W = training.free.predict(X).W
            gaps.append(np.linalg.norm(X - W @ nnls(W, X).x) / np.linalg.norm(X))
        residuals.append(np.array(gaps))
    return Residuals(*residuals)


def mean_errors(model, tests):
    """Return the mean error over triples, after 0, 1, ... layers."""
    return _mean_error([model.layers(X) for X, _, _ in tests], tests)


def scene_error(point, W, H):
    """Return the relative squared errors of both factors, added, whatever their scales.

    `point` holds estimates of W and H, or a stack of each."""
    scale = W.mean(axis=0)
    return factor_loss(*point, W / scale, H * scale)[0]


def _mean_error(paths, tests):
    """Return the mean error of points with a stack of factors each, such as those of layers."""
    errors = [scene_error(map(np.stack, zip(*path)), W, H) for path, (_, W, H) in zip(paths, tests)]
    return np.mean(errors, axis=0)


def _last_error(model, tests):
    ends = [[model.predict(X).factors] for X, _, _ in tests]
    return float(_mean_error(ends, tests)[0])


def _regression_error(spectra, tests):
    """Return the mean error with these spectra, one array a test, and exact abundances."""
    ends = [[(W, nnls(W, X).x.T)] for W, (X, _, _) in zip(spectra, tests)]
    return float(_mean_error(ends, tests)[0])


def _unit_means(W):
    return W / W.mean(axis=0)
