"""What the chapter on low-rank models claims of tensors."""

import numpy as np
import pytest

from multiconvex import cp, datasets, factor_match_score, viz
from multiconvex.studies import low_rank_tensors as study

figures = viz.low_rank_models


@pytest.fixture(scope="module")
def kinetic():
    return study.complete_samples(datasets.load_kinetic())


@pytest.fixture(scope="module")
def runs():
    return {kind: study.degeneracy(nonnegative=kind == "nonnegative") for kind in _KINDS}


_KINDS = ("free", "nonnegative")


# --- Jennrich


@pytest.mark.parametrize("seed", range(5))
def test_jennrich_recovers_planted_factors_and_the_printed_formula_does_not(seed):
    recovery = study.recover(random_state=seed)
    assert min(recovery.A, recovery.B, recovery.C) > 1 - 1e-8
    assert recovery.B_printed < 0.95


def test_the_printed_formula_gives_the_dual_basis():
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((7, 3)), rng.standard_normal((6, 3))
    first, second = (A @ np.diag(d) @ B.T for d in rng.random((2, 3)) + 0.5)
    values, vectors = np.linalg.eig(np.linalg.pinv(first) @ second)
    printed = np.real(vectors[:, np.argsort(-np.abs(values))[:3]])
    assert factor_match_score(printed, np.linalg.pinv(B).T) > 1 - 1e-8


def test_the_product_is_not_symmetric_and_its_eigenvalues_are_the_ratios():
    rng = np.random.default_rng(1)
    A, B = rng.standard_normal((4, 3)), rng.standard_normal((5, 3))
    above, below = rng.random((2, 3)) + 0.5
    product = (A * above) @ B.T @ np.linalg.pinv((A * below) @ B.T)
    assert np.abs(product - product.T).max() > 0.1
    values = np.sort(np.linalg.eigvals(product).real)
    np.testing.assert_allclose(values[1:], np.sort(above / below))


def test_slices_of_a_cp_model_are_scaled_by_the_rows_of_the_last_factor():
    rng = np.random.default_rng(2)
    A, B, C = (rng.standard_normal((n, 3)) for n in (4, 5, 6))
    X = np.einsum("iq,jq,kq->ijk", A, B, C)
    for k in range(6):
        np.testing.assert_allclose(X[:, :, k], A @ np.diag(C[k]) @ B.T)


# --- Fluorescence


def test_six_samples_are_left_out_and_hardly_a_gap_remains(kinetic):
    assert len(datasets.load_kinetic().outliers) == 5
    assert kinetic.tensor.shape == (58, 12, 10, 60)
    assert kinetic.mask.mean() > 0.999
    assert len(kinetic.axes[0].values) == 58


def test_starts_agree_on_a_tensor_and_not_on_its_unfolding(kinetic):
    matrix, tensor = study.agreement(kinetic.tensor, 2)
    assert tensor.similarity > 1 - 1e-5
    assert matrix.similarity < 0.8
    assert matrix.error < tensor.error


def test_three_components_have_several_local_minima(kinetic):
    assert study.agreement(kinetic.tensor, 3)[1].similarity < 0.95


def test_one_product_fades_and_the_other_keeps_growing(kinetic):
    model = cp(kinetic.tensor, 2, nonnegative=True, random_state=0)
    courses = study.unit_peaks(model.factors)[3]
    early, late = courses[:, np.argsort(courses.argmax(axis=0))].T
    times = kinetic.axes[3].values
    assert 2 < times[early.argmax()] < 8
    assert early[-1] < 0.95
    assert late.argmax() > 55
    for spectra in study.unit_peaks(model.factors)[1:3]:
        assert spectra.max() == 1
        assert np.abs(np.diff(spectra, n=2, axis=0)).max() < 0.2


def test_a_compressed_tensor_has_the_same_cp_factors(kinetic):
    rows = study.compress_then_decompose(kinetic.tensor, 2, ((2, 2, 2, 2), (4, 4, 4, 4)))
    for row in rows:
        assert row.numbers < 1000
        assert row.similarity > 0.9999
        assert row.tucker_error < row.cp_error
    assert rows[0].numbers == 2**4 + 2 * sum(kinetic.tensor.shape)
    assert rows[1].tucker_error < rows[0].tucker_error


def test_missing_readings_stored_as_zeros_make_a_component():
    broken = study.complete_samples(datasets.load_kinetic(), missing=1.0)
    late = broken.axes[3].values > 16
    gaps = 1 - broken.mask[..., late].mean(axis=(1, 2, 3))
    assert (gaps > 0.9).sum() == 1


# --- The border of the tensors of rank two


@pytest.mark.parametrize("step", [0.8, 0.1, 0.03])
def test_difference_quotients_approach_as_the_step_and_grow_as_its_inverse(step):
    pair = study.border_pair(step)
    assert pair.error == pytest.approx(step * np.sqrt((3 + step**2) / 3))
    assert pair.size == pytest.approx((1 + step**2) ** 1.5 / step)


def test_the_limit_is_not_of_rank_two():
    target = study._border_tensor()
    pencil = np.linalg.inv(target[:, :, 0]) @ target[:, :, 1]
    assert np.linalg.matrix_rank(pencil) == 1
    np.testing.assert_array_equal(pencil @ pencil, 0)


def test_free_terms_diverge_while_the_error_falls(runs):
    free = runs["free"]
    assert np.all(np.diff(free.error) < 1e-15)
    assert free.error[-1] < 0.01
    assert np.all(np.diff(free.size[20:]) > 0)
    assert free.size[-1] > 4


def test_nonnegative_terms_stay_bounded_and_settle(runs):
    bounded = runs["nonnegative"]
    norm = np.linalg.norm(study._border_tensor())
    assert bounded.size.max() <= 2 * norm
    assert bounded.error[-1] == pytest.approx(np.sqrt(1 / 3))
    assert bounded.error[20] == pytest.approx(bounded.error[-1])


def test_every_figure_follows_the_theme_and_describes_itself(runs):
    pairs = [study.border_pair(step) for step in (0.3, 0.1)]
    border = figures.border(pairs[0], pairs)
    degeneracy = figures.degeneracy(*runs.values())
    assert border.strays() == degeneracy.strays() == ()
    assert f"{pairs[0].size:.3g}" in border.alt
    assert f"{runs['free'].size[-1]:.3g}" in degeneracy.alt
