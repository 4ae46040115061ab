"""Factorisation of counts with read noise."""

import numpy as np
import pytest
from contracts.instances import read_only

from multiconvex import MultiplicativeUpdate, nmf, poisson_gaussian_nmf

LOSSES = ("kullback-leibler", "stabilised")


def fit(X, rank=2, random_state=0, **options):
    return poisson_gaussian_nmf(X, rank, random_state=random_state, **options)


def photons(seed=0, level=40.0):
    rng = np.random.default_rng(seed)
    W, H = rng.random((25, 2)), rng.random((30, 2))
    W[:6], H[:6] = np.eye(2)[[0, 1, 0, 1, 0, 1]], np.eye(2)[[1, 0, 1, 0, 1, 0]]
    Z = W @ H.T
    return rng, level * Z / Z.mean()


@pytest.mark.parametrize("loss", LOSSES)
def test_exact_photons_are_fitted_exactly(loss):
    _, Z = photons()
    result = fit(Z, 2, deviation=1.0, loss=loss, tol=1e-6, max_iter=20000)
    assert np.linalg.norm(result.reconstruct() - Z) < 1e-2 * np.linalg.norm(Z)


@pytest.mark.parametrize("loss", LOSSES)
def test_trace_never_rises_and_ends_at_the_documented_loss(loss):
    rng, Z = photons(level=2.0)
    X = rng.poisson(Z) + rng.normal(0.0, 2.0, Z.shape)
    result = fit(X, 2, deviation=2.0, loss=loss)
    assert np.diff(result.trace.objective).max() <= 1e-10 * result.trace.objective[0]
    c = 4.0 if loss == "kullback-leibler" else 4.375
    y, z = np.maximum(X + c, 0.0), result.reconstruct() + c
    if loss == "kullback-leibler":
        expected = np.sum(y * np.log(np.maximum(y, 1e-300) / z) - y + z)
    else:
        expected = 2.0 * np.sum((np.sqrt(y) - np.sqrt(z)) ** 2)
    assert result.objective == pytest.approx(expected, rel=1e-9)


def test_without_read_noise_it_is_the_divergence():
    rng, Z = photons(level=5.0)
    X = rng.poisson(Z).astype(float)
    options = {"init": (rng.random((25, 2)), rng.random((30, 2))), "max_iter": 30, "tol": 0}
    found = fit(X, **options)
    other = nmf(
        X, 2, loss="kullback-leibler", update=MultiplicativeUpdate(), balancing=None, **options
    )
    np.testing.assert_allclose(found.trace.objective, other.trace.objective, rtol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_units_of_the_detector_do_not_matter(loss):
    rng, Z = photons()
    Y = np.round(1024.0 * (rng.poisson(Z) + rng.normal(0.0, 1.5, Z.shape))) / 1024.0
    known = {"gain": 4.0, "mean": 128.0, "deviation": 6.0}
    plain = fit(Y, 2, deviation=1.5, loss=loss)
    scaled = fit(4.0 * Y + 128.0, 2, loss=loss, **known)
    np.testing.assert_array_equal(scaled.reconstruct(), plain.reconstruct())


@pytest.mark.parametrize("loss", LOSSES)
def test_clipping_is_not_what_is_done_to_negative_entries(loss):
    rng, Z = photons(level=1.0)
    means = {name: [] for name in ("fit", "clipped")}
    for _ in range(5):
        X = rng.poisson(Z) + rng.normal(0.0, 3.0, Z.shape)
        means["fit"].append(fit(X, 2, deviation=3.0, loss=loss).reconstruct())
        means["clipped"].append(fit(np.maximum(X, 0.0)).reconstruct())
    assert abs(np.mean(means["fit"]) - 1.0) < 0.35
    assert np.mean(means["clipped"]) > 1.7


def test_starts_and_options():
    rng, Z = photons()
    X = rng.poisson(Z).astype(float)
    W, H = read_only(rng.random((25, 2)), rng.random((30, 2)))
    assert fit(X, 2, init=(W, H), max_iter=0).H.tobytes() == H.tobytes()
    ends = [fit(X, 2, init="random", random_state=s, tol=1e-4) for s in (0, 0, 1)]
    assert ends[0].H.tobytes() == ends[1].H.tobytes() != ends[2].H.tobytes()
    stopped = fit(X, 2, callback=lambda sweep: sweep.iteration == 2)
    assert (stopped.n_iter, stopped.status) == (2, "stopped")


def test_refusals():
    X = np.ones((4, 5))
    with pytest.raises(ValueError, match="entries below mean"):
        fit(X, 2, mean=1.5)
    with pytest.raises(ValueError, match="nowhere above mean"):
        fit(X, 2, mean=1.0)
    with pytest.raises(ValueError, match="loss must be one of"):
        fit(X, 2, loss="frobenius")
    with pytest.raises(ValueError, match="init must be one of"):
        fit(X, 2, init="truth")
    with pytest.raises(ValueError, match="rank must be"):
        fit(X, 0)
