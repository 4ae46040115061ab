"""Images and acquisitions for cameras with one pixel."""

import numpy as np
import pytest
from scipy.io import savemat

from multiconvex import HaarWavelets2D, datasets


def test_the_cat_is_a_grey_image():
    cat = datasets.load_cat(64)
    assert cat.image.shape == (64, 64) and cat.origin == "bundled"
    assert cat.image.min() > 0 and cat.image.max() == 1.0
    coarse = datasets.load_cat(16).image
    means = cat.image.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    assert np.corrcoef(coarse.ravel(), means.ravel())[0, 1] > 0.97


def test_the_target_is_read_in_its_own_convention(shared):
    """Four levels, second minus first: any other reading shows tiles."""
    data = datasets.load_jaszczak()
    assert data.coefficients.shape == data.reference.shape == (128, 128)
    assert data.shown.sum() == 64 * 64 and not data.coefficients[~data.shown].any()
    assert data.coefficients[data.shown].all()
    assert data.origin == "fetched" and data.licence == "CC-BY-SA 4.0" and data.citation

    def agreement(coefficients, levels):
        image = HaarWavelets2D(128, levels).adjoint(coefficients)
        return np.corrcoef(image.ravel(), data.reference.ravel())[0, 1]

    assert agreement(data.coefficients, 4) > 0.93
    assert agreement(data.coefficients, 7) < 0.5
    flipped = data.coefficients.copy()
    flipped[8:] *= -1
    flipped[:8, 8:] *= -1
    assert agreement(flipped, 4) < 0.7


def test_a_truncated_file_is_refused(tmp_path, monkeypatch):
    from dataclasses import replace

    import pooch

    from multiconvex.datasets._files import FILES

    path = tmp_path / "single_pixel" / "jaszczak_haar.mat"
    path.parent.mkdir()
    savemat(path, {"W": np.ones((4, 4)), "F": np.ones((128, 128))})
    monkeypatch.setenv("MULTICONVEX_DATA", str(tmp_path))
    with pytest.raises(datasets.DataCorrupted, match="is not the published file"):
        datasets.load_jaszczak()
    found = pooch.file_hash(str(path), alg="sha256")
    monkeypatch.setitem(FILES, "jaszczak", replace(FILES["jaszczak"], sha256=found))
    with pytest.raises(datasets.DataCorrupted, match=r"no array 'W' of shape \(128, 128\)"):
        datasets.load_jaszczak()


def test_the_stand_in_has_the_shape_of_the_real_set():
    data = datasets.make_acquisition(random_state=0)
    assert data.coefficients.shape == (128, 128) and data.shown.sum() == 64 * 64
    clean = datasets.make_acquisition(noise=0.0)
    wavelets = HaarWavelets2D(128, clean.levels, shown=clean.shown)
    np.testing.assert_allclose(clean.coefficients, wavelets.forward(clean.reference), atol=1e-12)
    with pytest.raises(ValueError, match="side must be at least 16, got 8"):
        datasets.make_acquisition(8)


class TestFilteredScene:
    def test_without_overlap_it_is_a_mixture_of_two_spectra(self):
        image = np.random.default_rng(0).random((6, 8))
        scene = datasets.make_filtered_scene(image, bands=30)
        np.testing.assert_allclose(scene.cube, scene.abundances @ scene.spectra.T)
        np.testing.assert_array_equal(scene.abundances.sum(axis=2), image)
        assert not (scene.abundances[..., 0] * scene.abundances[..., 1]).any()

    def test_where_filters_overlap_transmissions_multiply(self):
        image = np.ones((4, 8))
        scene = datasets.make_filtered_scene(image, bands=30, overlap=2)
        red, green, both = scene.cube[0, 0], scene.cube[0, -1], scene.cube[0, 4]
        wavelengths = scene.wavelengths
        lamp = 0.9 * np.exp(-0.5 * ((wavelengths - 450) / 10) ** 2)
        lamp += np.exp(-0.5 * ((wavelengths - 560) / 50) ** 2)
        np.testing.assert_allclose(both * lamp, red * green, atol=1e-12)
        assert np.linalg.matrix_rank(scene.cube.reshape(-1, 30), tol=1e-8) == 3

    def test_refusals(self):
        with pytest.raises(ValueError, match="nonnegative array of two dimensions"):
            datasets.make_filtered_scene(np.ones(4))
        with pytest.raises(ValueError, match="overlap must be from 0 to 4 columns"):
            datasets.make_filtered_scene(np.ones((4, 4)), overlap=5)
