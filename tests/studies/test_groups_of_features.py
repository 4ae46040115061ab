"""What the chapter on groups of features claims."""

import numpy as np
import pytest

from multiconvex import group_lasso, viz
from multiconvex.studies import groups_of_features as study
from multiconvex.studies._grouped_proteins import _draw_tasks

DRAW = viz.groups_of_features


@pytest.fixture(scope="module")
def tasks():
    return study.make_tasks("slides")


@pytest.fixture(scope="module")
def small():
    return study.make_tasks(n_tasks=120)


@pytest.fixture(scope="module")
def recovery():
    return study.recover_groups("demonstration", n_seeds=1)


@pytest.fixture(scope="module")
def found(tasks):
    return study.discover(tasks, 10, n_inner=50)


@pytest.fixture(scope="module")
def split(tasks):
    return study.split_groups(tasks, n_tasks=80)


@pytest.fixture(scope="module")
def proteins():
    return study.load_proteins()


@pytest.fixture(scope="module")
def measured(proteins):
    return study.learn_protein_groups(proteins, n_groups=4, n_splits=2, n_draws=2, max_iter=60)


class TestSettings:
    def test_they_are_those_of_the_source(self, tasks):
        assert tasks.X.shape == (500, 25, 50) and tasks.groups.max() == 4
        assert np.abs(tasks.noise - 0.1).max() < 1e-12
        assert study.make_tasks("demonstration").X.shape == (500, 20, 50)

    def test_errors_and_agreement_on_known_answers(self, small):
        assert (
            study.mean_error(small.X, np.einsum("tnp,tp->tn", small.X, small.coef), small.coef) == 0
        )
        assert study.agreement(small, small.theta[:, [3, 0, 4, 1, 2]]) == 1.0
        assert study.agreement(small, np.ones((50, 1))) == 0.0

    def test_true_groups_predict_far_better_than_single_features(self, small):
        lasso, oracle = (
            study.measure_test_error(small, groups) for groups in ("singletons", small.groups)
        )
        assert 0.1**2 < oracle < 0.7 * lasso


class TestFormulations:
    def test_joint_learning_ends_with_one_group_and_a_lower_objective_than_the_truth(self, small):
        rows = {row.groups: row for row in study.compare_formulations(small)}
        joint, one, true = (
            rows[name] for name in ("learned jointly", "all features in one group", "true")
        )
        assert joint.training_objective == pytest.approx(one.training_objective, rel=1e-3)
        assert one.training_objective < true.training_objective
        assert joint.rand_index == one.rand_index == 0.0
        assert true.test_error < 0.5 * joint.test_error
        assert rows["learned by validation"].rand_index > 0.8

    def test_memberships_only_add(self):
        rng = np.random.default_rng(0)
        for _ in range(50):
            theta, w = rng.dirichlet(np.ones(4), size=9), rng.standard_normal(9)
            sums = np.linalg.norm(theta * w[:, None], axis=0).sum()
            assert sums > np.linalg.norm(w)
            alike = np.tile(theta[0], (9, 1))
            sums = np.linalg.norm(alike * w[:, None], axis=0).sum()
            assert sums == pytest.approx(np.linalg.norm(w))


class TestRecovery:
    def test_the_groups_of_the_demonstration_are_found(self, recovery):
        assert recovery.index[:, -1].min() == 1.0
        assert recovery.steps[-1] == 250

    def test_learned_groups_predict_like_the_true_ones(self, recovery):
        assert 0.95 < recovery.ratios.max() < 1.1
        assert np.all(recovery.errors["lasso"] > 1.5 * recovery.errors["oracle"])


class TestNumberOfGroups:
    def test_true_groups_share_no_candidate_before_any_merger(self, tasks, found):
        theta = found.fitted.path[0].theta
        assert found.in_use[0] > 5 and found.index[0] < 0.95
        served = np.array([theta[tasks.groups == group].sum(axis=0) for group in range(5)])
        assert np.sort(served, axis=0)[-2].max() < 0.1 * served.max()

    def test_mergers_end_with_the_truth(self, found):
        assert found.index[1] == 1.0 and found.in_use[1] == 5

    def test_the_error_jumps_below_the_true_number(self, found):
        errors = {entry.n_groups: entry.objective for entry in found.fitted.path}
        error = next(entry.standard_error for entry in found.fitted.path if entry.n_groups == 5)
        assert errors[4] > errors[5] + 5 * error
        assert errors[5] < errors[max(errors)] + error

    def test_the_table_of_draws(self, recovery):
        (row,) = study.discover_numbers(recovery, n_candidates=8)
        assert row.draw == 1 and row.index_after == 1.0 and row.groups_after == 5
        assert row.index_before < 0.95 and 0.9 < row.error_over_oracle < 1.15

    def test_too_few_candidates_cannot_be_repaired(self, tasks):
        scanned = study.scan_candidates(tasks, counts=(3, 7))
        assert scanned[3].in_use[1] <= 3 and scanned[3].index[1] < 0.8
        assert scanned[7].in_use[1] == 5 and scanned[7].index[1] == 1.0

    def test_remedies(self, small):
        rows = {row.remedy: row for row in study.compare_remedies(n_seeds=1)}
        assert len(rows) == 6
        assert rows["mergers"].lowest_index == 1.0 and rows["mergers"].groups == 5
        assert rows["twice the steps, heavy penalty"].lowest_index > 0.95
        assert rows["twice the steps, short lower level"].lowest_index > 0.8
        for name in ("none", "twice the steps", "better of two starts"):
            assert rows[name].highest_index < 0.95


@pytest.mark.slow
def test_a_heavy_penalty_is_no_remedy_where_there_is_more_noise_and_mergers_are():
    plain, merged = [], []
    for seed in range(5):
        tasks = study.make_tasks("demonstration", seed)
        heavy = study.learn(
            tasks, 10, lam=1.0, max_iter=300, parsimony=None, random_state=seed
        ).theta
        plain.append(study.agreement(tasks, heavy))
        merged.append(study.discover(tasks, random_state=seed).index[1])
    assert min(plain) < 0.95 < np.median(plain)
    assert min(merged) == 1.0


class TestSplit:
    def test_uneven_shares_pay_with_a_weak_penalty_and_cost_with_a_heavy_one(self, split):
        weak, usual, heavy = (split.changes[factor] for factor in (0.1, 1.0, 4.0))
        assert weak[-1] < weak[2] < 0.0
        assert np.abs(usual[:3]).max() < 0.02 < usual[-1]
        assert heavy[2] > 0.05 and np.all(np.diff(heavy) > 0.0)

    def test_even_shares_are_the_same_penalty(self, split):
        assert split.even < 1e-3

    def test_the_last_split_has_a_column_for_each_half_of_a_group(self, small):
        last = study.split_groups(small, factors=(1.0,), n_tasks=20)
        assert np.array_equal(small.groups, np.repeat(np.arange(5), 10))
        halves = 2 * small.groups + np.arange(50) % 2
        errors = []
        for groups in (small.groups, halves):
            coef = group_lasso(small.X[:20], small.Y[:20], groups, lam=0.25, ridge=0.02).coef
            errors.append(study.mean_error(small.X_val[:20], small.Y_val[:20], coef))
        assert last.changes[1.0][-1] == pytest.approx(errors[1] / errors[0] - 1.0, rel=1e-3)


class TestFewTasks:
    def test_more_tasks_give_better_groups(self):
        few, many = study.vary_tasks((15, 150), n_seeds=1)
        assert few.rand_index < many.rand_index
        assert few.learned_over_oracle > 0.75 * few.lasso_over_oracle
        assert many.learned_over_oracle < 1.3 < few.learned_over_oracle
        assert few.lasso_over_oracle == pytest.approx(many.lasso_over_oracle)


class TestOverlaps:
    def test_features_are_active_where_all_their_groups_are(self):
        tasks = study.make_overlapping_tasks(n_tasks=60)
        assert tasks.masks.sum(axis=0).tolist() == [13] * 4
        assert np.bincount(tasks.masks.sum(axis=1).astype(int)).tolist() == [0, 28, 12]
        assert np.array_equal(np.unique(tasks.groups), np.arange(8))
        own = tasks.masks * (tasks.masks.sum(axis=1) == 1)[:, None]
        for coef in tasks.coef:
            off = np.abs(coef) @ own == 0
            assert off.sum() == 2
            assert not coef[tasks.masks[:, off].any(axis=1)].any()
            assert coef[~tasks.masks[:, off].any(axis=1)].all()

    def test_shares_on_known_answers(self):
        tasks = study.make_overlapping_tasks(n_tasks=2)
        assert study.share_right(tasks, 0.3 * tasks.masks[:, [2, 0, 3, 1]] + 0.001) == 1.0
        first = np.eye(4)[tasks.masks.argmax(axis=1)]
        assert study.share_right(tasks, first) == pytest.approx(0.7)

    def test_covers_find_overlaps_and_disjoint_parts_predict_better_still(self):
        rows = {row.groups: row for row in study.compare_overlaps(n_seeds=2, n_tasks=200)}
        cover, simplex = rows["learned as a cover"], rows["learned on the simplex"]
        assert cover.lowest > 0.9 and simplex.right_features < 0.75
        assert cover.test_error_over_true < 1.1 < simplex.test_error_over_true
        assert rows["eight true parts"].test_error_over_true < 0.95
        assert rows["single features"].right_features is None


class TestProteins:
    def test_holes_are_filled_and_nothing_else_is_touched(self, proteins):
        assert np.isfinite(proteins.levels).all()
        assert len(proteins.names) == proteins.levels.shape[1]
        assert proteins.filled < 0.02 * proteins.levels.size
        assert not set(proteins.left_out) & set(proteins.names)

    def test_no_mouse_is_on_two_sides_of_a_task(self, proteins):
        levels = np.tile(np.unique(proteins.mouse, return_inverse=True)[1][:, None], (1, 3))
        marked = study.Proteins(
            levels.astype(float), ("a", "b", "c"), proteins.mouse, proteins.labels, (), 0, 0, ""
        )
        samples = _draw_tasks(marked, 1, np.random.default_rng(0))
        rows = [X[:, :, 0] - X[:, :1, 0] for X, _ in samples]
        assert all(len(np.unique(task)) == 4 for X in rows for task in X.round(9))
        offsets = [X[:, :, 0] for X, _ in samples]
        for training, judging, test in zip(*offsets):
            mice = [set(part.round(9)) for part in (training, judging, test)]
            assert not (mice[0] & mice[1] or mice[0] & mice[2] or mice[1] & mice[2])
        assert all(np.abs(Y).min() == 1 and Y.sum() == 0 for _, Y in samples)

    def test_results_have_one_entry_for_each_split(self, proteins, measured):
        assert set(measured.errors) == {
            "lasso", "one group", "correlated", "learned, rounded", "learned",
        }  # fmt: skip
        assert all(values.shape == (2,) for values in measured.errors.values())
        assert measured.groups.shape == (2, len(proteins.names))
        assert measured.n_tasks == 2 * 28 and len(measured.stability) == 1

    def test_classes_are_told_apart_better_than_by_chance(self, measured):
        assert all(values.max() < 0.47 for values in measured.errors.values())

    def test_shuffled_groups_agree_by_chance_only(self, measured):
        assert abs(np.mean(measured.chance)) < 0.05


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, tasks, recovery, found, split, measured
    ):
        pictures = [
            DRAW.coefficients(tasks),
            DRAW.recovery([recovery]),
            DRAW.path(tasks, found),
            DRAW.candidates(tasks, {10: found}, 10),
            DRAW.split(split),
            DRAW.proteins(measured),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 120_000

    def test_descriptions_state_the_numbers(self, tasks, found, split):
        assert "5 groups are left" in DRAW.candidates(tasks, {10: found}, 10).alt
        assert f"{100 * split.changes[1.0][-1]:+.1f}% with 1 times" in DRAW.split(split).alt
        assert f"{found.fitted.path[0].objective:.4f} with 10 groups" in DRAW.path(tasks, found).alt
