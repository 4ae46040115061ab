r"""Nonnegative matrix factorisation by a fixed number of trained multiplicative updates."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from multiconvex.checks import check_array, check_count, check_option, check_positive
from multiconvex.engine import alternate
from multiconvex.models.factor_problem import FactorProblem
from multiconvex.models.initialization import filled
from multiconvex.models.nmf import MatrixFactorization
from multiconvex.penalties import NonNegative
from multiconvex.regression import nnls
from multiconvex.stopping import RelativeDecrease
from multiconvex.trace import Recorder
from multiconvex.unrolled_layers import factor_loss, forward, multiply, reverse
from multiconvex.updates import Update

_FIXED_NUMBER_OF_SWEEPS = RelativeDecrease(0.0)


class UnrolledNMF(BaseEstimator):
    r"""Multiplicative updates whose weights are trained on factorisations that are known [1]_.

    A fixed number :math:`K` of sweeps, with positive weights :math:`A^{(k)}, b^{(k)}`, is a map
    from data to factors,

    .. math::
        W \leftarrow A^{(k)} * W * \frac{X H}{W H^T H}, \qquad
        H \leftarrow b^{(k)} * H * \frac{X^T W}{H W^T W}, \qquad k = 1, \dots, K,

    and the weights solve approximately, over known triples :math:`(X_i, W_i, H_i)`,

    .. math:: \min_{A, b > 0} \; \frac1p \sum_{i=1}^p \sum_{k=1}^K \nu_k \Bigl(
              \frac{\|\bar W_i^{(k)} - W_i\|_F^2}{\|W_i\|_F^2} +
              \frac{\|\bar H_i^{(k)} - H_i\|_F^2}{\|H_i\|_F^2} \Bigr).

    The bar moves the scale of each component into H, so that the columns of W have mean one, as
    those of the true factors do. Weights of one are the multiplicative updates. ``A`` has an entry
    for each row of W and component, ``b`` one for each component: a trained model applies to data
    with any number of columns, and with as many rows as the training data.

    Parameters
    ----------
    n_layers : int, default 25
        The number of sweeps.
    weights : {"layers", "tied"}
        Whether each layer has weights of its own or all share the same.
    blocks : {"WH", "H"}
        What the layers update. With ``"H"``, ``W`` stays what it is at the start: a regression.
    init : {"uniform", "regression"}
        Where H starts, with W at the mean of the training W: equal shares for all components, or
        the nonnegative regression on W, its zeros raised to a hundredth of the mean.
    supervision : {"increasing", "last", "even"} or sequence of float
        The weights :math:`\nu_k`, scaled to sum to one: from 0.001 to 1 in equal factors, the last
        layer alone, all the same, or given.
    learning_rate : float, default 0.01
        Step of Adam in the logarithms of the weights, at the start; it falls linearly to zero.
    max_iter : int, default 20
        Passes over the training triples; 0 leaves all weights at one.
    random_state : int, numpy.random.Generator or None
        Order of the triples in each pass.

    Attributes
    ----------
    spectra_ : ndarray, shape (m, r)
        Mean of the training W, where W starts.
    weights_W_ : ndarray, shape (n_layers, m, r), or (1, m, r) where tied
    weights_H_ : ndarray, shape (n_layers, r), or (1, r) where tied
    loss_ : ndarray, shape (max_iter,)
        Training loss in each pass, measured as the weights move.
    n_features_in_ : int
        Number of rows of the data.

    Raises
    ------
    ValueError
        For training data that are not triples of nonnegative arrays of matching shapes, a
        component that is zero, or data with another number of rows than the training data.

    Notes
    -----
    Guarantee: with unit weights the objective never increases; with tied weights and W fixed the
    cost of which they are the exact majorisation step does not. Training promises nothing.

    Cost: two products with the data per layer, two more in the reverse pass of training, which
    keeps 2 K (m + n) r numbers.

    Chapter: :doc:`/chapters/algorithms/unrolled_updates`

    Training is stochastic descent by Adam [2]_, one step per triple, on gradients from a
    reverse pass written by hand.

    References
    ----------
    .. [1] C. Kervazo, A. Chetoui and J. E. Cohen, "Deep unrolling of the multiplicative updates
       algorithm for blind source separation, with application to hyperspectral unmixing",
       EUSIPCO 2024.
    .. [2] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import UnrolledNMF
    >>> rng = np.random.default_rng(0)
    >>> W = rng.random((6, 2))
    >>> scenes = [(W @ H.T, W, H) for H in rng.random((8, 30, 2))]
    >>> model = UnrolledNMF(n_layers=5, random_state=0).fit(scenes[:7])
    >>> result = model.predict(scenes[7][0])
    >>> result.W.shape, result.H.shape, result.n_iter
    ((6, 2), (30, 2), 5)
    """

    def __init__(
        self,
        n_layers=25,
        *,
        weights="layers",
        blocks="WH",
        init="uniform",
        supervision="increasing",
        learning_rate=1e-2,
        max_iter=20,
        random_state=None,
    ):
        self.n_layers = n_layers
        self.weights = weights
        self.blocks = blocks
        self.init = init
        self.supervision = supervision
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, data):
        """Train the weights and return the model.

        Parameters
        ----------
        data : sequence of (X, W, H)
            Matrices of shape (m, n) with their true factors, of shapes (m, r) and (n, r). The
            number n of columns may differ; m, r and the order of the components are the same.
        """
        self._check_options()
        triples = _check_triples(data)
        scales = np.array([W.mean(axis=0) for _, W, _ in triples])
        scenes = [_normalized(*triple) for triple in triples]
        self.spectra_ = np.mean([W for _, W, _ in scenes], axis=0) * scales.mean(axis=0)
        self.n_features_in_ = len(self.spectra_)
        rank = self.spectra_.shape[1]
        n_free = self.n_layers if self.weights == "layers" else 1
        logs = [np.zeros((n_free, self.n_features_in_, rank)), np.zeros((n_free, rank))]
        self.loss_ = self._train(scenes, logs)
        self.weights_W_, self.weights_H_ = map(np.exp, logs)
        return self

    def predict(self, X):
        """Return the factors after the last layer, as :func:`multiconvex.nmf` does.

        The columns of W have the means of the training W, and H has the scale that the data ask
        for. The trace holds the objective after every layer; nothing makes it fall.

        Parameters
        ----------
        X : ndarray, shape (m, n)

        Returns
        -------
        MatrixFactorization
        """
        return self._run(X, None)

    def layers(self, X):
        """Return the factors ``(W, H)`` after 0, 1, ..., ``n_layers`` layers, each scaled alike."""
        points = []
        self._run(X, lambda sweep: points.append(tuple(sweep.blocks.values())))
        start = self._start(check_array("X", X, ndim=2, nonnegative=True))
        return [self._rescaled(*point) for point in (start, *points)]

    def _run(self, X, callback):
        check_is_fitted(self)
        recorder = Recorder()
        X = check_array("X", X, ndim=2, nonnegative=True)
        W, H = self._start(X)
        steps = map(WeightedStep, self._layer_weights(X.dtype))
        result = alternate(
            FactorProblem(X, W.shape[1], (NonNegative(), NonNegative())),
            (W, H),
            dict(zip("WH", steps)),
            stop=_FIXED_NUMBER_OF_SWEEPS,
            max_iter=self.n_layers,
            callback=callback,
            recorder=recorder,
        )
        blocks = dict(zip("WH", self._rescaled(*result.blocks.values())))
        return MatrixFactorization(**vars(replace(result, blocks=blocks)))

    def _start(self, X):
        if len(X) != self.n_features_in_:
            raise ValueError(
                f"X must have {self.n_features_in_} rows, as the training data have, got "
                f"{len(X)}: resample it, or train a model for data of this kind."
            )
        W = self.spectra_.astype(X.dtype, copy=False)
        if self.init == "regression":
            return W, filled((np.ascontiguousarray(nnls(W, X).x.T),))[0]
        level = X.mean() / (W.mean(axis=0) * W.shape[1])
        return W, np.tile(level, (X.shape[1], 1))

    def _layer_weights(self, dtype):
        """Return the weights of W and of H, one entry for each layer."""
        weights_W, weights_H = (
            list(np.broadcast_to(weights.astype(dtype), (self.n_layers, *weights.shape[1:])))
            for weights in (self.weights_W_, self.weights_H_)
        )
        return [None] * self.n_layers if self.blocks == "H" else weights_W, weights_H

    def _rescaled(self, W, H):
        """Give the columns of W the means of the training W, which leaves the model as it is."""
        wanted, got = (matrix.mean(axis=0) for matrix in (self.spectra_.astype(W.dtype), W))
        scale = np.where(got > 0, wanted / np.where(got > 0, got, 1), 1).astype(W.dtype)
        return W * scale, H / scale

    def _train(self, scenes, logs):
        """Move the logarithms of the weights, in place, and return the loss of each pass."""
        rng = np.random.default_rng(self.random_state)
        emphasis = supervision_weights(self.supervision, self.n_layers)
        starts = [self._start(X) for X, _, _ in scenes]
        adam = _Adam(logs, self.learning_rate, self.max_iter * len(scenes))
        losses = np.zeros(self.max_iter)
        for number in range(self.max_iter):
            for i in rng.permutation(len(scenes)):
                self.weights_W_, self.weights_H_ = map(np.exp, logs)
                loss, gradients = self._differentiate(scenes[i], starts[i], emphasis)
                adam.step(gradients)
                losses[number] += loss / len(scenes)
        return losses

    def _differentiate(self, scene, start, emphasis):
        """Return the loss of a scene and its gradients in the logarithms of the weights."""
        X, *truth = scene
        weights = self._layer_weights(X.dtype)
        run = forward(X, *start, *weights)
        adjoints, counted = [None] * self.n_layers, np.flatnonzero(emphasis)
        points = (np.stack([block[k + 1] for k in counted]) for block in (run.W, run.H))
        losses, bars = factor_loss(*points, *truth)
        for k, *pair in zip(counted, *bars):
            adjoints[k] = [emphasis[k] * bar for bar in pair]
        gradients = reverse(X, run, *weights, adjoints)
        if self.blocks == "H":
            gradients = np.zeros_like(self.weights_W_), gradients[1]
        if self.weights == "tied":
            gradients = [np.sum(gradient, axis=0, keepdims=True) for gradient in gradients]
        return emphasis[counted] @ losses, [np.asarray(gradient) for gradient in gradients]

    def _check_options(self):
        check_count("n_layers", self.n_layers)
        check_count("max_iter", self.max_iter, least=0)
        check_option("weights", self.weights, ("layers", "tied"))
        check_option("blocks", self.blocks, ("WH", "H"))
        check_option("init", self.init, ("uniform", "regression"))
        check_positive("learning_rate", self.learning_rate)
        supervision_weights(self.supervision, self.n_layers)


@dataclass(frozen=True)
class WeightedStep(Update):
    """One multiplicative step with the weights of its layer; None leaves the block as it is."""

    weights: list = field(repr=False)
    requires: ClassVar[tuple[str, ...]] = ("normal_equations",)
    handles: ClassVar[tuple[type, ...]] = (NonNegative,)

    def start(self, problem, x, k):
        return 0

    def __call__(self, problem, x, k, memory):
        weights = self.weights[memory]
        if weights is None:
            return x[k], memory + 1
        gram, rhs = problem.normal_equations(x, k)
        return multiply(x[k], weights, rhs, gram)[0], memory + 1


class _Adam:
    """Descent with a running mean and a running scale of each derivative."""

    _MEAN, _SCALE, _TINY = 0.9, 0.999, 1e-8

    def __init__(self, parameters, learning_rate, n_steps):
        self._parameters = parameters
        self._rate, self._n_steps, self._done = learning_rate, n_steps, 0
        self._means = [np.zeros_like(p) for p in parameters]
        self._squares = [np.zeros_like(p) for p in parameters]

    def step(self, gradients):
        """Move the parameters, in place."""
        rate = self._rate * (1.0 - self._done / self._n_steps)
        self._done += 1
        for p, g, mean, square in zip(self._parameters, gradients, self._means, self._squares):
            mean += (1.0 - self._MEAN) * (g - mean)
            square += (1.0 - self._SCALE) * (g * g - square)
            unbiased = mean / (1.0 - self._MEAN**self._done)
            scale = np.sqrt(square / (1.0 - self._SCALE**self._done))
            p -= rate * unbiased / (scale + self._TINY)


def supervision_weights(supervision, n_layers):
    """Return how much each layer counts in the training loss; the sum is one."""
    if isinstance(supervision, str):
        check_option("supervision", supervision, ("increasing", "last", "even"))
        named = {
            "increasing": np.logspace(-3.0, 0.0, n_layers),
            "last": np.eye(n_layers)[-1],
            "even": np.ones(n_layers),
        }
        return named[supervision] / named[supervision].sum()
    nu = np.asarray(supervision, float)
    if nu.shape != (n_layers,) or not np.isfinite(nu).all() or nu.min() < 0 or nu.sum() <= 0:
        raise ValueError(
            f"supervision must be a name or {n_layers} nonnegative numbers that are not all zero, "
            f"one for each layer; got {supervision!r}."
        )
    return nu / nu.sum()


def _normalized(X, W, H):
    """Divide the data by their mean, and move the scale of W to H."""
    level, scale = X.mean(), W.mean(axis=0)
    return X / level, W / scale, H * scale / level


def _check_triples(data):
    if not isinstance(data, tuple | list) or not data:
        raise TypeError(f"data must be a list of triples (X, W, H), got {type(data).__name__}.")
    triples = []
    for number, triple in enumerate(data):
        if not isinstance(triple, tuple | list) or len(triple) != 3:
            raise TypeError(f"data[{number}] must be a triple (X, W, H), got {triple!r}.")
        X, W, H = (
            check_array(f"{name} of data[{number}]", array, ndim=2, nonnegative=True)
            for name, array in zip("XWH", triple)
        )
        wanted = (*X.shape, W.shape[1])
        if (len(W), len(H), H.shape[1]) != wanted or W.shape != (triples or [(X, W)])[0][1].shape:
            raise ValueError(
                f"data[{number}] has X {X.shape}, W {W.shape} and H {H.shape}: W must be (m, r) "
                "and H (n, r) for X (m, n), with the same m and r in all triples."
            )
        if not (W.any(axis=0).all() and X.any()):
            raise ValueError(f"data[{number}] has a component or data that are zero: drop it.")
        triples.append((X, W, H))
    return triples
