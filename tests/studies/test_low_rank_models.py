"""What the chapter on low-rank models claims of rank and of two stains."""

import numpy as np
import pytest

from multiconvex import NonNegative, datasets, factor_match_score, nmf, viz
from multiconvex.studies import low_rank_models as study

figures = viz.low_rank_models


@pytest.fixture(scope="module")
def scene():
    return datasets.load_indian_pines()


@pytest.fixture(scope="module")
def found(scene):
    return study.truncations(scene, (1, 2, 3, 10))


@pytest.fixture(scope="module")
def curves(scene):
    return study.why_low_rank(scene)


@pytest.fixture(scope="module")
def stains():
    return study.thinned(datasets.load_stains(), 2)


@pytest.fixture(scope="module")
def fan(stains):
    return study.stain_fan(stains)


# --- Eckart and Young


def test_the_error_of_a_truncation_is_the_energy_of_the_tail(found):
    for truncation in found.values():
        assert truncation.error == pytest.approx(truncation.tail, rel=1e-10)


def test_truncations_improve_with_the_rank_and_store_r_times_m_plus_n_numbers(found, scene):
    assert np.all(np.diff([truncation.error for truncation in found.values()]) < 0)
    m, n = scene.matrix.shape
    for rank, truncation in found.items():
        assert truncation.share == rank * (m + n) / (m * n)


def test_three_ranks_give_the_scene_within_four_percent_from_two_percent_of_the_numbers(found):
    assert found[3].error < 0.04
    assert found[3].share < 0.02


def test_no_other_matrix_of_the_same_rank_is_closer():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((6, 5))
    best = study.tails(X)[2] * np.linalg.norm(X)
    for _ in range(200):
        basis = np.linalg.qr(X @ rng.standard_normal((5, 2)))[0]
        assert np.linalg.norm(X - basis @ (basis.T @ X)) >= best - 1e-12


def test_tails_are_those_of_the_definition():
    np.testing.assert_allclose(study.tails(np.diag([2.0, 2.0, 1.0])), np.sqrt([9, 5, 1, 0]) / 3)


def test_the_order_of_the_entries_makes_the_scene_low_rank(curves, found, scene):
    assert curves["Indian Pines"][3] == pytest.approx(found[3].error)
    beyond_the_mean = scene.cube.std() / np.sqrt(np.square(scene.cube).mean())
    assert curves["shuffled"][1] == pytest.approx(beyond_the_mean, rel=0.02)
    assert curves["shuffled"][10] > 0.95 * curves["shuffled"][1]


def test_a_smooth_function_falls_to_rounding_errors_within_a_few_ranks(curves):
    assert curves["smooth function"][30] < 1e-13


# --- Stains


def test_the_plane_leaves_the_orthant_at_the_limits(fan, stains):
    rotations = np.array([[0.6, -0.8], [0.8, 0.6], [0.5, 0.1]])
    plane = np.linalg.qr(np.abs(rotations))[0] * [-1.0, 1.0]
    limits = study._orthant_limits(plane)
    for angle, inward in zip(np.radians(limits), (1e-6, -1e-6)):
        at, inside, outside = (
            plane @ [np.cos(angle + shift), np.sin(angle + shift)]
            for shift in (0.0, inward, -inward)
        )
        assert abs(at).min() < 1e-12
        assert inside.min() > 0 > outside.min()


def test_every_fit_puts_one_column_in_each_gap(fan):
    for columns in np.vstack([fan.placed, fan.random]):
        assert fan.limits[0] - 0.1 <= columns[0] < fan.bulk[0]
        assert fan.bulk[1] < columns[1] <= fan.limits[1] + 0.1


def test_plain_fits_agree_in_error_and_not_in_columns(fan):
    assert np.ptp(fan.plain_errors) < 2e-5 * fan.plain_errors.min()
    assert np.ptp(fan.placed, axis=0).min() > 5.0
    assert np.ptp(fan.plain_cosines, axis=0).min() > 0.04


def test_penalties_choose_narrower_columns_near_the_published_ones(fan):
    plain = np.vstack([fan.placed, fan.random])
    assert fan.penalised[0] > plain[:, 0].max()
    assert fan.penalised[1] < plain[:, 1].min()
    assert fan.penalised_cosines.min() > 0.99
    assert np.all(fan.penalised_cosines > fan.plain_cosines.max(axis=0))
    assert fan.plain_errors.max() < fan.penalised_error < 0.02


def test_penalised_fits_from_random_starts_agree(fan, stains):
    penalties = (NonNegative(l2=1.0), NonNegative(l1=5e-4))
    options = {"init": "random", "tol": 1e-8, "max_iter": 5000}
    fits = [
        nmf(stains.matrix, 2, penalties=penalties, random_state=seed, **options) for seed in (0, 1)
    ]
    assert factor_match_score(fits[0].W, fits[1].W) > 1 - 1e-4


def test_most_of_the_density_lies_in_the_bulk(fan):
    middles = (fan.edges[:-1] + fan.edges[1:]) / 2
    inside = (middles > fan.bulk[0] - 1) & (middles < fan.bulk[1] + 1)
    assert fan.density.sum() == pytest.approx(1.0)
    assert fan.density[inside].sum() > 0.97


def test_the_amounts_are_nonnegative_and_in_the_published_order(fan, stains):
    assert fan.H.min() >= 0
    approximation = stains.vectors @ fan.H.T
    assert np.linalg.norm(approximation - stains.matrix) < 0.2 * np.linalg.norm(stains.matrix)


def test_thinning_keeps_the_pixels_of_image_and_density_together():
    whole = datasets.load_stains()
    part = study.thinned(whole, 8)
    np.testing.assert_array_equal(part.rgb[3, 5], whole.rgb[24, 40])
    np.testing.assert_array_equal(part.optical_density[3, 5], whole.optical_density[24, 40])


# --- Figures


def test_every_figure_follows_the_theme_and_describes_itself(found, curves, fan, stains):
    pictures = (
        figures.truncation(found[2]),
        figures.tails(curves),
        figures.stain_fan(fan),
        figures.stain_maps(stains, fan),
    )
    for picture in pictures:
        assert picture.strays() == ()
    assert f"{found[2].error:.2%}" in pictures[0].alt
    assert f"{fan.penalised[0]:.1f}" in pictures[2].alt
