"""What the loaders promise of the real data: shapes, order of pixels, masks, provenance."""

import numpy as np
import pytest

from multiconvex import datasets, viz


def angle(a, b):
    return np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))


@pytest.mark.parametrize(
    ("load", "shape", "worst_angle"),
    [(datasets.load_samson, (95, 95, 156), 3.0), (datasets.load_moffett, (50, 50, 184), 5.0)],
)
def test_pixels_match_the_reference(shared, load, shape, worst_angle):
    """Means over pure pixels point along the reference spectra: cube and maps are aligned."""
    scene = load()
    assert scene.cube.shape == shape and scene.origin == "fetched"
    assert scene.spectra.shape == (shape[2], 3) and scene.abundances.shape == (*shape[:2], 3)
    np.testing.assert_allclose(scene.abundances.sum(axis=2), 1)
    assert scene.cube.min() >= 0 and scene.cube.flags.c_contiguous
    for k in range(3):
        purest = scene.abundances[..., k] >= min(
            0.99, np.sort(scene.abundances[..., k].ravel())[-9]
        )
        assert angle(scene.cube[purest].mean(axis=0), scene.spectra[:, k]) < worst_angle


def test_names_go_with_the_spectra(shared):
    """Vegetation is the material whose reflectance jumps at the red edge, water the one that does
    not reflect the near infrared.
    """
    samson = datasets.load_samson()
    near = samson.spectra[samson.wavelengths > 760].mean(axis=0)
    red = samson.spectra[(samson.wavelengths > 630) & (samson.wavelengths < 690)].mean(axis=0)
    assert samson.names[int(np.argmax(near / red))] == "tree"
    assert samson.names[int(np.argmin(near / red))] == "water"
    moffett = datasets.load_moffett()
    assert moffett.names[int(np.argmin(moffett.spectra[40:].mean(axis=0)))] == "water"
    jump = moffett.spectra[36] / moffett.spectra[24]
    assert moffett.names[int(np.argmax(jump))] == "vegetation"


def test_amino_acids(shared):
    data = datasets.load_amino_acids()
    assert data.tensor.shape == data.mask.shape == (5, 201, 61)
    assert [len(axis.values) for axis in data.axes] == [5, 201, 61]
    assert [axis.label for axis in data.axes] == ["sample", "emission (nm)", "excitation (nm)"]
    assert data.tensor.min() == 0 and not data.tensor[~data.mask].any()
    assert 0.98 < data.mask.mean() < 1
    np.testing.assert_array_equal(data.concentrations[:3] > 0, np.eye(3, dtype=bool))
    emission = data.axes[1].values[data.tensor[:3].max(axis=2).argmax(axis=1)]
    assert emission[0] > emission[1] > emission[2], "tryptophan emits reddest"


def test_goldenrod(shared):
    """The highest peak comes at the times the documentation tells, in both versions."""
    ready, raw = datasets.load_goldenrod(), datasets.load_goldenrod_raw()
    assert [piece.shape for piece in ready.slices] == [(60, 434)] * 4
    assert [piece.shape for piece in raw.slices] == [(60, 1301)] * 4
    assert ready.samples == raw.samples == tuple(f"sample {n}" for n in (119, 121, 122, 458))
    np.testing.assert_array_equal(ready.wavelengths, np.arange(200, 320, 2))
    for runs, step in ((ready, 0.02), (raw, 0.4 / 60)):
        for clock, piece, peak in zip(runs.times, runs.slices, (12.08, 12.34, 12.2, 12.32)):
            assert clock[piece.sum(axis=0).argmax()] == pytest.approx(peak, abs=0.02)
            np.testing.assert_allclose(np.diff(clock), step, atol=1e-4)
    readings = np.hstack(raw.slices)
    assert np.hstack(ready.slices).min() == 0 and -8 < readings.min() < -7
    assert 0.2 < np.mean(readings < 0) < 0.23 and 1793 < readings.max() < 1794
    assert ready.origin == "fetched" and ready.citation and "GPL" in ready.licence


def test_goldenrod_of_another_kind_is_refused(shared, monkeypatch):
    monkeypatch.setitem(datasets._files.FILES, "goldenrod", datasets._files.FILES["goldenrod_raw"])
    with pytest.raises(datasets.DataCorrupted, match="no list 'Sa_pr' of matrices"):
        datasets.load_goldenrod()


def test_indian_pines():
    scene = datasets.load_indian_pines()
    assert scene.cube.shape == (145, 145, 200) and scene.origin == "bundled"
    assert (scene.cube.min(), scene.cube.max()) == (955, 9604)
    assert len(scene.names) == 17 and scene.labels.max() == 16
    assert scene.wavelengths.shape == (200,)
    background, woods = scene.labels == 0, scene.labels == 14
    assert (background.sum(), woods.sum()) == (10776, 1265)
    spread = scene.cube[woods].std(axis=0).mean()
    assert spread < 0.5 * scene.cube[woods.T].std(axis=0).mean(), "labels lie on the image"


def test_matrix_and_maps_are_inverse():
    scene = datasets.load_indian_pines()
    X = scene.matrix
    assert X.shape == (200, 145 * 145) and X.flags.c_contiguous
    np.testing.assert_array_equal(scene.maps(X.T), scene.cube)
    with pytest.raises(ValueError, match=r"H must have shape \(21025, r\), .*got \(3, 2\)"):
        scene.maps(np.ones((3, 2)))


def test_preview_is_an_image():
    scene = datasets.load_indian_pines()
    image = scene.preview()
    assert image.shape == (145, 145, 3) and image.min() == 0 and image.max() == 1
    np.testing.assert_array_equal(scene.preview([24, 15, 6]), image)


def test_kinetic():
    data = datasets.load_kinetic()
    assert data.tensor.shape == (64, 12, 10, 60)
    assert [axis.unit for axis in data.axes] == ["", "nm", "nm", "min"]
    assert [len(axis.values) for axis in data.axes] == [64, 12, 10, 60]
    assert data.tensor.min() == 0 and not data.tensor[~data.mask].any()
    assert (~data.mask).sum() == 1754 + 11
    assert list(data.outliers) == [34, 35, 44, 45, 63]


def test_kinetic_at_one_time():
    data = datasets.load_kinetic()
    instant = data.at_time(10)
    np.testing.assert_array_equal(instant.tensor, data.tensor[..., 29])
    np.testing.assert_array_equal(instant.mask, data.mask[..., 29])
    assert [axis.name for axis in instant.axes] == ["sample", "emission", "excitation"]
    assert "at 10 min" in instant.name
    with pytest.raises(ValueError, match=r"the last axis of .* is excitation, not time"):
        instant.at_time(3)


def test_stains():
    data = datasets.load_stains()
    assert data.rgb.shape == data.optical_density.shape == (512, 512, 3)
    assert data.rgb.dtype == np.uint8
    light = data.rgb > 0
    np.testing.assert_allclose(255 * 10 ** -data.optical_density[light], data.rgb[light])
    np.testing.assert_allclose(np.linalg.norm(data.vectors, axis=0), 1)
    assert data.optical_density.min() >= 0
    np.testing.assert_array_equal(data.maps(data.matrix.T), data.optical_density)


@pytest.mark.parametrize(
    "load", [datasets.load_indian_pines, datasets.load_kinetic, datasets.load_stains]
)
def test_provenance_is_told(load):
    data = load()
    assert data.citation and data.licence and data.units and data.note == ""
    assert data.source.split(".")[0] in ("tensorly", "skimage")
    assert repr(data).startswith(f"{type(data).__name__}({data.name!r}, bundled, ")


def test_loads_are_independent():
    first = datasets.load_stains()
    first.rgb[:] = 0
    assert datasets.load_stains().rgb.any()


def test_catalogue_lists_every_loader_and_makes_a_table():
    entries = datasets.catalogue()
    functions = {name for name in datasets.__all__ if name.startswith(("load_", "make_"))}
    assert {entry.loader for entry in entries} == functions - {"load_or_simulate"}
    assert {entry.layer for entry in entries} == {"bundled", "fetched", "simulated"}
    assert "95&nbsp;×" in viz.table(entries)._repr_html_().replace("\u00a0", "&nbsp;")


def test_nothing_is_loaded_before_it_is_needed():
    import subprocess
    import sys

    code = (
        "import sys; from multiconvex import datasets; datasets.make_mixture(random_state=0);"
        "assert not {'tensorly', 'skimage', 'pooch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_other_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'load_mars'"):
        _ = datasets.load_mars
    assert set(datasets.__all__) <= set(dir(datasets))
