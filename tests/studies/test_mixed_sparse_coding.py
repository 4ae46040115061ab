"""What the chapter on mixed sparse coding claims."""

from itertools import combinations, product

import cvxpy as cp
import numpy as np
import pytest

from multiconvex import HOMP, L1, MaxColumnL1, TrickOMP, datasets, nnls, viz
from multiconvex.datasets import DataUnavailable
from multiconvex.studies import mixed_sparse_coding as study


@pytest.fixture(scope="module")
def robust():
    return study.measure_robustness()


@pytest.fixture(scope="module")
def measured():
    return study.measure_recovery()


@pytest.fixture(scope="module")
def counts():
    return study.compare_with_search()


@pytest.fixture(scope="module")
def relaxed():
    return study.relax_columns()


@pytest.fixture(scope="module")
def amino_acids():
    try:
        return datasets.load_amino_acids()
    except DataUnavailable:
        pytest.skip("the amino acids are not on this machine: set MULTICONVEX_DATA")


@pytest.fixture(scope="module")
def case(amino_acids):
    return study.add_noise(amino_acids)


@pytest.fixture(scope="module")
def counted(case):
    return study.fit_atom_counts(case)


@pytest.fixture(scope="module", params=["amino acids", "simulated"])
def errors(request):
    if request.param == "amino acids":
        return study.compare_smoothers(request.getfixturevalue("amino_acids"))
    return study.compare_smoothers(
        datasets.make_fluorescence(18, 251, 21, snr=np.inf, random_state=0)
    )


class TestProblem:
    def test_the_loss_is_the_misfit_of_the_free_factor_in_the_metric_of_h(self):
        planted = study.plant_codes(condition=7, snr=5, random_state=3)
        D, H, X = planted.dictionary, planted.H, planted.X
        free = X @ H @ np.linalg.inv(H.T @ H)
        rest = np.sum((X - free @ H.T) ** 2)
        for seed in range(5):
            C = np.random.default_rng(seed).standard_normal(planted.codes.shape)
            seen = np.sum(((free - D @ C) @ H.T) ** 2) + rest
            assert np.sum((X - D @ C @ H.T) ** 2) == pytest.approx(seen, rel=1e-12)

    def test_keeping_the_largest_entries_is_right_for_orthogonal_columns_only(self):
        solved = study.count_thresholding()
        assert solved[1] == 60
        assert 60 > solved[3] > solved[10] > solved[30] and solved[30] < 5

    def test_planted_problems_are_what_they_say(self):
        planted = study.plant_codes(condition=12, snr=15, random_state=4)
        assert np.linalg.cond(planted.H) == pytest.approx(12)
        assert np.all(np.count_nonzero(planted.codes, axis=0) == planted.k)
        clean = planted.dictionary @ planted.codes @ planted.H.T
        ratio = np.sum(clean**2) / np.sum((planted.X - clean) ** 2)
        assert 10 * np.log10(ratio) == pytest.approx(15)


class TestRobustness:
    def test_the_corrected_bound_holds_and_is_attained(self, robust):
        assert robust.corrected.max() <= 1 + 1e-12
        assert robust.corrected[robust.aligned].min() >= 1 - 1e-12
        assert np.median(robust.corrected[~robust.aligned]) < 0.5

    def test_the_printed_bound_fails_for_every_dictionary(self, robust):
        assert np.all(robust.printed[robust.aligned] > 1)
        assert 1.4 < robust.printed.max() < np.sqrt(2) + 1e-9
        arch = 1 / np.hypot(1 - robust.share, robust.share)
        np.testing.assert_allclose(robust.printed[robust.aligned], arch[robust.aligned])

    def test_the_distance_is_that_of_codes_with_k_nonzeros(self):
        rng = np.random.default_rng(5)
        D = rng.standard_normal((6, 8))
        H = rng.standard_normal((5, 3))
        least, code = study.weakest_atoms(D, 4)
        singular = [
            np.linalg.svd(D[:, list(atoms)], compute_uv=False)[-1]
            for atoms in combinations(range(8), 4)
        ]
        assert least == pytest.approx(min(singular))
        gap = np.outer(code, np.linalg.svd(H)[2][-1])
        first, second = np.zeros((2, *gap.shape))
        used = np.flatnonzero(code)
        first[used[:2]], second[used[2:]] = gap[used[:2]], -gap[used[2:]]
        X = D @ (0.7 * first + 0.3 * second) @ H.T
        free = X @ H @ np.linalg.inv(H.T @ H)
        a = np.linalg.norm(free - D @ second)
        b = np.linalg.norm(X - D @ first @ H.T) / np.linalg.svd(H)[1][-1]
        assert np.linalg.norm(first - second) == pytest.approx((a + b) / least)
        assert np.linalg.norm(first - second) > 1.2 * np.hypot(a, b) / least


class TestHeuristics:
    def test_noise_hurts_trick_omp_and_conditioning_the_others(self, measured):
        trick = measured.found["Trick-OMP"]
        assert np.all(trick[:, -1] > 0.97)
        assert trick[3, 0] < 0.1 and trick[0, 0] > 0.9
        for name in ("HOMP", "Block-FISTA", "IHT"):
            found = measured.found[name]
            assert found[3, -1] < 0.6 and found[0, -1] > found[3, -1] + 0.25
            assert found[3, -1] - found[3, 2] < 0.1

    def test_at_much_noise_and_bad_conditioning_the_others_lead(self, measured):
        for name in ("HOMP", "Block-FISTA", "IHT"):
            assert measured.found[name][3, 0] > measured.found["Trick-OMP"][3, 0] + 0.15

    def test_the_example_of_the_page_finds_every_atom(self):
        planted = study.plant_codes(condition=3, snr=20, random_state=1)
        start = (np.zeros_like(planted.codes), planted.H)
        codes, _ = HOMP()(planted.problem, start, 0, None)
        assert np.count_nonzero(codes * planted.codes) == np.count_nonzero(planted.codes) == 9


class TestSearch:
    def test_no_heuristic_ends_below_every_support(self, counts):
        assert all(count.least_excess > -1e-9 for count in counts)

    def test_the_best_support_is_planted_and_mostly_missed(self, counts):
        assert all(count.planted >= 0.85 * count.trials for count in counts)
        assert all(max(count.found.values()) < 0.8 * count.trials for count in counts)
        assert counts[-1].row["condition of H"] == 30
        for name in ("HOMP", "Block-FISTA", "IHT"):
            assert counts[-1].found[name] < 0.5 * counts[0].found[name]

    def test_the_search_equals_least_squares_on_every_support(self):
        planted = study.plant_codes(shape=(5, 6), rank=2, k=2, condition=5, snr=0, random_state=2)
        D, H, X = planted.dictionary, planted.H, planted.X
        supports = list(combinations(range(6), 2))
        costs = []
        for first, second in product(supports, supports):
            design = np.hstack(
                [np.kron(D[:, list(s)], H[:, q : q + 1]) for q, s in enumerate((first, second))]
            )
            values = np.linalg.lstsq(design, X.ravel(), rcond=None)[0]
            costs.append(0.5 * np.sum((X.ravel() - design @ values) ** 2))
        least, codes = study.search_every_support(planted)
        assert least == pytest.approx(min(costs), rel=1e-10)
        assert planted.problem.loss((codes, H)) == pytest.approx(least, rel=1e-10)

    def test_orthonormal_columns_make_trick_omp_a_pass_of_homp(self):
        for seed in range(5):
            planted = study.plant_codes(condition=1, random_state=seed)
            np.testing.assert_allclose(
                study.estimate_codes(planted, HOMP(sweeps=1)),
                study.estimate_codes(planted, TrickOMP()),
                atol=1e-12,
            )


class TestSplines:
    def test_a_wide_spline_is_two_of_the_next_width(self, case):
        fitted = nnls(case.dictionary[:, 5:12], case.dictionary[:, 0])
        assert np.count_nonzero(fitted.x > 1e-9) == 2 and fitted.objective < 1e-25

    def test_spectra_are_matched_and_add_up(self, case):
        fit = study.fit_splines(case, 6)
        spectra = case.spectra(fit)
        for q, atoms in enumerate(case.parts(fit)):
            assert atoms.shape[1] <= 6 and atoms.min() >= 0
            np.testing.assert_allclose(atoms.sum(axis=1), spectra[:, q], atol=1e-12)
        assert np.abs(spectra.max(axis=0) - 1).max() < 0.1
        assert case.names == ("tryptophan", "phenylalanine", "tyrosine")
        assert case.error(fit.factors) == pytest.approx(
            np.mean((fit.reconstruct() - case.clean) ** 2)
        )

    def test_six_splines_halve_the_error_of_cp(self, case):
        noisy = case.error(case.after.factors)
        assert case.error(study.fit_splines(case, 6).factors) < 0.55 * noisy

    def test_few_splines_are_too_stiff_and_block_fista_leads_from_four_on(self, case, counted):
        noisy = case.error(case.after.factors)
        assert counted.counts == (1, 2, 4, 6, 10)
        for errors in counted.errors.values():
            assert np.all(errors[:2] > noisy)
        *others, best = counted.errors.values()
        assert list(counted.errors)[-1] == "Block-FISTA"
        assert np.all(best[2:] < 0.7 * np.min(others, axis=0)[2:])

    def test_a_greedy_start_holds_block_fista_back(self, case):
        fit, greedy = (study.fit_splines(case, 6, init=init) for init in ("random", "free"))
        assert greedy.objective > fit.objective + 1
        assert case.error(greedy.factors) > 1.3 * case.error(fit.factors)

    def test_pursuit_spends_splines_on_noise(self, case):
        first = sum(study.WIDTHS[:6])
        pursued = study.fit_splines(case, 6, method="homp").codes[first:]
        assert np.count_nonzero(pursued) >= 4
        assert np.count_nonzero(study.fit_splines(case, 6).codes[first:]) <= 1

    def test_twenty_starts_of_homp_end_above_three_of_block_fista(self, case):
        many = study.fit_splines(case, 6, method="homp", n_starts=20).starts
        assert len(np.unique(many.round(2))) > 10
        assert many.min() > study.fit_splines(case, 6).objective + 1


class TestSmoothers:
    def test_block_fista_beats_what_pursuit_loses_to(self, errors):
        after = errors["CP, then nonnegative splines"]
        assert np.all(errors["dictionary model, Block-FISTA"] < after) and len(after) == 4
        for method in ("Trick-OMP", "HOMP", "IHT"):
            assert errors[f"dictionary model, {method}"].mean() > 1.2 * after.mean()
        assert np.all(after < errors["nonnegative CP"])
        assert np.all(after < errors["CP, then six splines by pursuit"])

    def test_one_width_is_the_best_way_or_the_worst(self, errors):
        means = {way: values.mean() for way, values in errors.items()}
        assert min(means, key=means.get) == "CP of the data projected on the best width"
        assert max(means, key=means.get) == "CP of the data projected on the worst width"
        everything = errors["CP of the data projected on all 251 splines"]
        np.testing.assert_allclose(everything, errors["nonnegative CP"], rtol=0.01)

    def test_the_table_has_means_and_worst_draws(self, errors):
        row, *rest = study.tabulate_smoothers({"set": errors})
        assert len(rest) == len(errors) - 1
        assert row["set, mean"] == pytest.approx(1e5 * errors["nonnegative CP"].mean())
        assert row["worst"] == pytest.approx(1e5 * errors["nonnegative CP"].max())


class TestRelaxations:
    def test_both_relaxations_are_solved(self, relaxed):
        for solved in (relaxed.largest, relaxed.separate):
            assert max(codes.residual for codes in solved.values()) < 1e-6

    @pytest.mark.parametrize("penalty", [MaxColumnL1(3.0), L1(0.5)], ids=["largest", "separate"])
    def test_a_conic_solver_agrees(self, penalty):
        planted = study.plant_codes(shape=(6, 9), rank=2, k=2, condition=3, random_state=0)
        D, H, X = planted.dictionary, planted.H, planted.X
        problem = study.RelaxedCoding(X, D, H, penalty)
        C = cp.Variable((9, 2))
        sizes = cp.sum(cp.abs(C), axis=0)
        value = penalty.weight * (cp.max if isinstance(penalty, MaxColumnL1) else cp.sum)(sizes)
        least = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(X - D @ C @ H.T) + value)).solve(
            solver=cp.CLARABEL
        )
        assert problem.objective((C.value,)) == pytest.approx(least, rel=1e-6)

    def test_columns_below_the_largest_are_not_penalised_and_dense(self, relaxed):
        assert np.all(np.count_nonzero(relaxed.planted, axis=0) == 3)
        for part in (0.1, 0.02):
            codes = relaxed.largest[part]
            assert codes.sizes[0] > codes.sizes[1] > codes.sizes[2]
            assert codes.counts[0] < 10 and np.all(codes.counts[1:] == 40)
            assert np.all(codes.slopes[1:] < 1e-5 * codes.slopes[0])

    def test_where_all_columns_are_largest_they_use_at_most_as_many_atoms_as_rows(self, relaxed):
        codes = relaxed.largest[0.5]
        assert np.ptp(codes.sizes) < 1e-5 and codes.counts.max() <= 20

    def test_one_weight_for_separate_norms_starves_the_smallest(self, relaxed):
        assert relaxed.separate[0.1].counts.tolist() == [3, 3, 0]

    def test_the_threshold_of_zero(self):
        edge = study.relax_columns((1.0, 0.99))
        assert edge.separate[1.0].counts.sum() == edge.largest[1.0].counts.sum() == 0
        assert edge.separate[0.99].counts.sum() == 1 and edge.largest[0.99].counts.sum() > 0


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, robust, measured, relaxed, case, counted
    ):
        draw = viz.mixed_sparse_coding
        pictures = [
            draw.bounds(robust),
            draw.recovery(measured, 10),
            draw.relaxed_columns(relaxed, 0.1),
            draw.spline_parts(case, study.fit_splines(case, 6)),
            draw.atom_counts(case, counted, 6),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 120_000

    def test_descriptions_state_the_numbers(self, robust, relaxed):
        draw = viz.mixed_sparse_coding
        assert "up to 1.414" in draw.bounds(robust).alt
        assert "the columns have 3, 40, 40 nonzeros" in draw.relaxed_columns(relaxed, 0.1).alt
