"""What the chapter on exact sparse nonnegative least squares claims."""

from math import comb

import numpy as np
import pytest
from contracts.supports import best_over_supports

from multiconvex import datasets, sparse_nnls, viz
from multiconvex.datasets import DataUnavailable
from multiconvex.studies import exact_sparse_nnls as study


@pytest.fixture(scope="module")
def pixels():
    return study.unmix_pixels()


@pytest.fixture(scope="module")
def trees():
    W, y = study.small_regression(4)
    return {order: study.grow_tree(W, y, 2, order) for order in study.ORDERS}


@pytest.fixture(scope="module")
def samson():
    try:
        datasets.load_samson()
    except DataUnavailable as reason:
        pytest.skip(f"the scene is not here: {reason}")
    return study.factorize_scene("samson")


class TestQuestion:
    def test_nonnegative_least_squares_mixes_three_or_more_nearly_everywhere(self, pixels):
        share = np.bincount(pixels.counts.ravel().astype(int), minlength=6) / pixels.counts.size
        assert share[3] + share[4] > 0.95 and share[4] > 0.5

    def test_shortcuts_miss_in_a_third_of_the_pixels_and_more(self, pixels):
        pursuit, truncation = study.measure_short_cuts(pixels)
        assert (pursuit.method, truncation.method) == ("pursuit", "truncation")
        assert pursuit.missed > truncation.missed > 33
        assert min(pursuit.excess, truncation.excess) > 30
        assert min(pursuit.doubled, truncation.doubled) > 5

    def test_pairs_are_the_best_of_all_ten_in_pixels_drawn_at_random(self, pixels):
        for pixel in np.random.default_rng(0).choice(pixels.X.shape[1], 50, replace=False):
            y, x = pixels.X[:, pixel], pixels.path.path[2][:, pixel]
            cost = study.column_costs(pixels.W, y[:, None], x[:, None])[0]
            assert cost == pytest.approx(best_over_supports(pixels.W, y, 2), rel=1e-7, abs=1e-12)

    def test_three_spectra_are_enough(self, pixels):
        errors = [pixels.error(k) for k in range(1, 6)]
        assert errors[0] > 1.5 * errors[1] and errors[1] > 1.1 * errors[2]
        assert errors[2] < 1.01 * errors[4] and np.diff(errors).max() <= 1e-12
        assert not pixels.path.gap.any()

    def test_shares_sum_to_one_and_are_sparse(self, pixels):
        for k in (1, 2, 5):
            maps = pixels.maps(k)
            np.testing.assert_allclose(maps.sum(axis=2), 1.0, atol=1e-12)
            assert np.count_nonzero(maps, axis=2).max() <= k


class TestTrees:
    def test_the_tree_without_bounds_is_every_support(self, trees):
        sets = [node.allowed for node in trees["no bounds"].nodes]
        assert len(sets) == len(set(sets)) == study.count_supports(5, 2) == 26

    def test_all_orders_end_at_the_same_best_pair(self, trees):
        W, y = study.small_regression(4)
        for tree in trees.values():
            best = tree.nodes[tree.best]
            assert best.allowed == (0, 3)
            assert best.value == pytest.approx(best_over_supports(W, y, 2))
            assert tree.nodes[-1].best == best.value

    def test_bounds_grow_towards_the_leaves_and_no_set_is_met_twice(self, trees):
        for tree in trees.values():
            assert len({node.allowed for node in tree.nodes}) == len(tree.nodes)
            for node in tree.nodes[1:]:
                assert node.value >= tree.nodes[node.parent].value - 1e-14
                assert set(node.allowed) < set(tree.nodes[node.parent].allowed)

    def test_the_weakest_first_finds_early_and_proves_late(self, trees):
        slow, fast = trees["weakest first"], trees["strongest first"]
        assert (slow.best + 1, len(slow.nodes), len(fast.nodes)) == (4, 24, 6)
        verdicts = {node.allowed: node.verdict for node in fast.nodes}
        assert verdicts[1, 2, 3, 4] == "pruned" and verdicts[0, 1, 2, 4] == "divided"

    def test_the_compiled_search_visits_as_many_nodes(self):
        for seed in range(30):
            W, y = study.small_regression(seed)
            for k in (1, 2, 3):
                grown = study.grow_tree(W, y, k, "strongest first")
                compiled = sparse_nnls(W, y, k)
                assert compiled.nodes[0] == len(grown.nodes)
                assert compiled.objective == pytest.approx(grown.nodes[-1].best, rel=1e-9)

    def test_the_strongest_first_needs_fewer_nodes_than_there_are_supports(self):
        rows = study.compare_orders()
        for row in rows:
            assert row.strongest < row.path < 0.3 * row.weakest
            assert row.strongest < row.supports == comb(10, 3)
            assert row.weakest <= row.no_bounds == study.count_supports(10, 3)
        assert rows[0].strongest <= 5 and rows[2].weakest > 5 * rows[2].supports

    def test_removing_a_column_costs_what_the_chapter_says(self):
        W, Y = study.plant(np.random.default_rng(0), 6, 6, 1, 0.1)
        x = np.linalg.lstsq(W, Y[:, 0], rcond=None)[0]
        costs = x**2 / (2 * np.diag(np.linalg.inv(W.T @ W)))
        for p in range(6):
            rest = np.delete(W, p, axis=1)
            left = rest @ np.linalg.lstsq(rest, Y[:, 0], rcond=None)[0]
            rise = 0.5 * np.sum((Y[:, 0] - left) ** 2) - 0.5 * np.sum((Y[:, 0] - W @ x) ** 2)
            assert rise == pytest.approx(costs[p], rel=1e-9)


class TestLimits:
    def test_trees_grow_when_the_truth_is_not_sparse(self):
        sizes = study.measure_trees()
        medians = dict(zip(sizes.nonzeros, np.median(sizes.nodes, axis=1)))
        assert medians[1] <= medians[5] < 10 and medians[20] > 100 * medians[5]
        assert sizes.nodes.max() < comb(20, 5) < sizes.most == study.count_supports(20, 5)

    def test_stopped_searches_bracket_the_optimum(self):
        for stopped in study.stop_early():
            optimum = stopped.objective[-1]
            assert np.diff(stopped.objective).max() <= 0 and np.diff(stopped.bound).min() >= -1e-12
            assert (stopped.bound <= optimum + 1e-9).all()
            assert (stopped.objective >= optimum).all()
            assert stopped.bound[-1] == stopped.objective[-1]

    def test_depth_first_proves_last_and_best_first_all_the_time(self):
        deep, wide = study.stop_early()
        assert deep.objective[-1] == pytest.approx(wide.objective[-1], rel=1e-9)
        found = int(np.argmax(deep.objective <= deep.objective[-1] * (1 + 1e-9)))
        assert deep.nodes[found] < 0.5 * deep.nodes[-1]
        assert 0.8 * deep.nodes[-1] < wide.nodes[-1] < deep.nodes[-1]
        late = wide.nodes[:-1] >= 64
        gaps = [s.objective - s.bound for s in (deep, wide)]
        assert (gaps[1][:-1][late] < gaps[0][: len(gaps[1]) - 1][late]).all()

    def test_exactness_helps_and_noise_hurts(self):
        table = {(row.snr, row.method): row for row in study.compare_heuristics()}
        assert all(row.optimal == 1 for (_, method), row in table.items() if method == "exact")
        assert table[50.0, "exact"].support == 1 and table[10.0, "exact"].support < 0.5
        assert table[20.0, "exact"].support > table[20.0, "truncation"].support + 0.05
        assert max(table[snr, "pursuit"].support for snr in (10.0, 30.0, 50.0)) < 0.3

    def test_heuristics_are_feasible_and_never_better(self):
        W, Y = study.plant(np.random.default_rng(1), 8, 5, 30, 0.1)
        least = study.column_costs(W, Y, sparse_nnls(W, Y, 3).x)
        for x in study.heuristics(W, Y, 3).values():
            assert x.min() >= 0 and np.count_nonzero(x, axis=0).max() <= 3
            assert (study.column_costs(W, Y, x) >= least * (1 - 1e-9)).all()

    def test_alternation_never_rises_and_ends_in_many_places(self):
        ends = study.restart_factorization()
        assert ends.largest_rise <= 1e-10
        assert len(set(ends.objectives.round(6))) == 8
        assert ends.objectives[0] < ends.chosen


class TestScene:
    def test_two_materials_a_pixel_come_closest_to_the_references(self, samson):
        three, two, one = samson.fits
        assert (three.k, two.k, one.k) == (3, 2, 1) and samson.scene.note == ""
        assert three.error < two.error < 1.2 * three.error < one.error
        assert two.angle < min(three.angle, one.angle) and two.rmse < min(three.rmse, one.rmse)
        for fit in samson.fits:
            assert np.diff(fit.trace).max() <= 1e-9 * fit.trace[-1]
            assert np.count_nonzero(fit.maps, axis=2).max() <= fit.k


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(self, pixels, trees):
        draw = viz.exact_sparse_nnls
        pictures = [
            draw.question(pixels),
            draw.shares(pixels, 2),
            draw.sizes(study.measure_trees()),
            draw.stopped(study.stop_early()),
            draw.recovery(study.compare_heuristics()),
            *map(draw.tree, trees.values()),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 130_000

    def test_maps_of_the_scene_are_light_too(self, samson):
        picture = viz.exact_sparse_nnls.scene_maps(samson)
        assert picture.strays() == () and len(picture.svg()) < 130_000

    def test_descriptions_state_the_numbers(self, trees):
        whole = viz.exact_sparse_nnls.tree(trees["weakest first"])
        assert "after 24 of 24 nodes: 9 divided, 14 pruned, 1 answer" in whole.alt
        start = viz.exact_sparse_nnls.tree(trees["weakest first"], 3)
        assert "after 3 of 24 nodes: 3 divided, 0 pruned" in start.alt
        assert "the best support in the end is 14" in whole.alt
