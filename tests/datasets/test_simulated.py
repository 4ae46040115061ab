"""Simulated data are what they say: known factors, nonnegative, reproducible."""

import numpy as np
import pytest

from multiconvex import datasets

MAKERS = {
    "mixture": lambda seed: datasets.make_mixture((7, 6), 20, 3, random_state=seed).cube,
    "photons": lambda seed: datasets.make_mixture((7, 6), counts=50, random_state=seed).cube,
    "fluorescence": lambda seed: datasets.make_fluorescence(4, 9, 8, random_state=seed).tensor,
    "chromatograms": lambda seed: np.hstack(
        datasets.make_chromatograms(3, (60, 55, 70), wavelengths=8, random_state=seed).slices
    ),
    "matrix": lambda seed: datasets.make_low_rank(6, 5, 2, snr=20, random_state=seed).X,
    "tensor": lambda seed: datasets.make_nonnegative_cp((4, 3, 5), 2, random_state=seed).X,
}


@pytest.mark.parametrize("name", MAKERS)
def test_same_seed_same_numbers_and_nonnegative(name):
    make = MAKERS[name]
    first = make(0)
    np.testing.assert_array_equal(first, make(0))
    np.testing.assert_array_equal(first, make(np.random.default_rng(0)))
    assert not np.array_equal(first, make(1))
    assert np.isfinite(make(None)).all()
    assert first.min() >= 0 and first.any()


def test_a_generator_moves_on():
    rng = np.random.default_rng(0)
    assert not np.array_equal(MAKERS["matrix"](rng), MAKERS["matrix"](rng))


@pytest.mark.parametrize("smooth", [0.0, 2.0])
def test_noiseless_mixture_is_the_model(smooth):
    scene = datasets.make_mixture((9, 8), 30, 4, smooth=smooth, snr=np.inf, random_state=0)
    np.testing.assert_allclose(scene.abundances.sum(axis=2), 1)
    assert scene.abundances.min() >= 0
    H = scene.abundances.reshape(-1, 4)
    np.testing.assert_allclose(scene.matrix, scene.spectra @ H.T)
    assert np.linalg.matrix_rank(scene.matrix) == 4
    assert scene.spectra.min() > 0 and scene.spectra.max() <= 1


def test_pure_pixels_are_there_when_asked_for():
    pure, mixed = (
        datasets.make_mixture(pure_pixels=flag, random_state=0).abundances.max(axis=(0, 1))
        for flag in (True, False)
    )
    assert (pure == 1).all() and (mixed < 1).all()


def test_smooth_abundances_vary_less_between_neighbours():
    def roughness(smooth):
        maps = datasets.make_mixture(smooth=smooth, pure_pixels=False, random_state=0).abundances
        return np.abs(np.diff(maps, axis=0)).mean()

    assert roughness(3.0) < 0.5 * roughness(0.0)


def test_concentration_controls_purity():
    few, many = (
        datasets.make_mixture(concentration=c, pure_pixels=False, random_state=0).abundances
        for c in (0.1, 10.0)
    )
    assert few.max(axis=2).mean() > 0.8 > 0.6 > many.max(axis=2).mean()


def test_noise_has_the_ratio_asked_for():
    noisy = datasets.make_mixture((60, 60), snr=25.0, random_state=0)
    clean = noisy.abundances @ noisy.spectra.T
    ratio = 10 * np.log10((clean**2).mean() / ((noisy.cube - clean) ** 2).mean())
    assert ratio == pytest.approx(25, abs=0.3)


def test_photons_have_the_variance_of_their_mean():
    scene = datasets.make_mixture((60, 60), counts=100.0, random_state=0)
    clean = scene.abundances @ scene.spectra.T
    gain = 100.0 / clean.mean()
    counts = gain * scene.cube
    np.testing.assert_allclose(counts, counts.round(), atol=1e-9)
    assert ((counts - gain * clean) ** 2 / (gain * clean)).mean() == pytest.approx(1, abs=0.02)


def test_noiseless_fluorescence_is_the_model():
    data = datasets.make_fluorescence(6, 20, 15, rank=4, snr=np.inf, random_state=0)
    np.testing.assert_allclose(data.tensor, np.einsum("ir,jr,kr->ijk", *data.factors))
    scale = data.factors[0] / data.concentrations
    np.testing.assert_allclose(scale, np.broadcast_to(scale[0], scale.shape))
    assert [len(axis.values) for axis in data.axes] == [6, 20, 15]
    assert data.mask.all() and len(data.names) == 4


def test_noiseless_chromatograms_are_the_model():
    runs = datasets.make_chromatograms(
        5, (90, 121, 100, 90, 95), wavelengths=12, baseline=0.1, snr=np.inf, random_state=0
    )
    for piece, row, profiles in zip(runs.slices, runs.amounts, runs.profiles):
        np.testing.assert_allclose(piece, (runs.spectra * row) @ profiles.T)
    assert [len(clock) for clock in runs.times] == [90, 121, 100, 90, 95]
    assert runs.names[-1] == "background" and np.ptp(runs.profiles[0][:, -1]) == 0


def test_common_drift_keeps_cross_products_and_scattered_peaks_do_not():
    def spread(**shifts):
        runs = datasets.make_chromatograms(6, 161, snr=np.inf, random_state=0, **shifts)
        products = np.array([profiles.T @ profiles for profiles in runs.profiles])
        return np.abs(products - products[0]).max() / products.max()

    assert spread(drift=0.1) < 1e-3 < 0.02 < spread(drift=0.0, scatter=0.03)


def test_chromatograms_between_two_minutes():
    runs = datasets.make_chromatograms(2, (121, 101), random_state=0)
    part = runs.between(10.5, 11.0)
    assert [piece.shape for piece in part.slices] == [(60, 26), (60, 26)]
    assert part.times[0][0] == pytest.approx(10.5) and len(part.profiles[1]) == 26
    np.testing.assert_array_equal(part.slices[1], runs.slices[1][:, 25:51])
    with pytest.raises(ValueError, match="no instants between 1 and 2 min"):
        runs.between(1, 2)


def test_low_rank_and_cp_are_their_factors():
    matrix = datasets.make_low_rank(8, 7, 3, random_state=0)
    np.testing.assert_allclose(matrix.X, matrix.W @ matrix.H.T)
    tensor = datasets.make_nonnegative_cp((4, 5, 6, 2), 3, random_state=0)
    np.testing.assert_allclose(tensor.X, np.einsum("ar,br,cr,dr->abcd", *tensor.factors))
    assert [factor.shape for factor in tensor.factors] == [(4, 3), (5, 3), (6, 3), (2, 3)]


def test_density_makes_factors_sparse():
    W = datasets.make_low_rank(400, 5, 5, density=0.3, random_state=0).W
    assert (W > 0).mean() == pytest.approx(0.3, abs=0.03)


def test_simulated_data_say_so():
    makers = (datasets.make_mixture, datasets.make_fluorescence, datasets.make_chromatograms)
    for data in (make(random_state=5) for make in makers):
        assert data.origin == "simulated"
        assert "random_state=5" in data.source


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: datasets.make_mixture(rank=0), "rank must be at least 1, got 0"),
        (lambda: datasets.make_mixture(bands=2), "bands must be at least 3, got 2"),
        (lambda: datasets.make_mixture((1, 2)), "number of pixels must be at least 3, got 2"),
        (lambda: datasets.make_fluorescence(rank=0), "rank must be at least 1"),
        (lambda: datasets.make_chromatograms(samples=0), "samples must be at least 1, got 0"),
        (lambda: datasets.make_chromatograms(2, (9, 2)), "times must be at least 3, got 2"),
        (lambda: datasets.make_chromatograms(3, (9, 8)), "one number for each of 3 runs"),
        (lambda: datasets.make_low_rank(3, 3, 0), "rank must be at least 1"),
        (lambda: datasets.make_nonnegative_cp((3,), 1), "order must be at least 2, got 1"),
    ],
)
def test_impossible_sizes_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
