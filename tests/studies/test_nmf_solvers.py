"""What the chapter on NMF solvers claims, of the stored run and of what it runs itself."""

import json
import math
from importlib.resources import files

import numpy as np
import pytest

from multiconvex import viz
from multiconvex.studies import nmf_solvers as study
from multiconvex.studies._counted_races import RULES, follow, work_per_sweep

DATA = {
    "Indian Pines", "digits", "stains", "BBC news", "piano", "amino acids", "catecholamines",
    "synthetic counts", "synthetic sparse counts", "synthetic noisy",
}  # fmt: skip


@pytest.fixture(scope="module")
def races():
    return study.load_races()


@pytest.fixture(scope="module")
def stored():
    path = files("multiconvex.studies").joinpath("data/nmf_solvers.json")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def instance():
    return study.make_counts()


@pytest.fixture(scope="module")
def race(instance):
    return study.race_counts(*instance)


@pytest.fixture(scope="module")
def marginals(instance):
    return study.follow_marginals(*instance)


@pytest.fixture(scope="module")
def stalls():
    return study.count_stalls()


class TestStoredRun:
    def test_every_data_set_is_run_with_both_losses_with_and_without_weights(self, races):
        runs = {(p.dataset, p.loss, p.weight > 0) for p in races.problems}
        assert {p.dataset for p in races.problems} == DATA
        assert len(runs) == len(races.problems) == 4 * len(DATA)

    def test_peers_take_part(self, races):
        for problem in races.problems:
            peers = {name for name in problem.seconds if name.startswith("scikit-learn")}
            assert len(peers) == 2 if problem.loss == "frobenius" else peers == {"scikit-learn mu"}
            dense = problem.kind != "sparse"
            expected = problem.loss == "frobenius" and dense and problem.weight == 0
            assert ("tensorly hals" in problem.seconds) == expected

    def test_seconds_grow_with_accuracy_and_somebody_arrives(self, races):
        for problem in races.problems:
            for times in problem.seconds.values():
                reached = [seconds for seconds in times if seconds is not None]
                assert reached == sorted(reached)
                assert list(times[len(reached) :]) == [None] * (len(times) - len(reached))
            assert any(times[-1] is not None for times in problem.seconds.values())

    def test_real_data_were_used(self, races):
        assert set(races.provenance["origins"].values()) == {"fetched"}

    def test_kinds_follow_sizes(self, races):
        for problem in races.problems:
            if problem.kind == "sparse":
                assert problem.stored < 0.1 * problem.rows * problem.columns
            else:
                assert (problem.kind == "large") == (problem.stored * problem.rank >= 5e5)
        assert {p.dataset for p in races.select(kind="sparse")} == {
            "BBC news", "synthetic sparse counts",
        }  # fmt: skip

    def test_gaps_that_were_not_measured_are_refused(self, races):
        with pytest.raises(ValueError, match="gap must be one of"):
            races.index(0.5)


class TestAdvice:
    def test_every_line_of_the_table_follows_from_the_stored_run(self, races, stored):
        rows = study.advise(races)
        assert len(rows) == 12
        for row in rows:
            kind = row.data.rpartition(" ")[2]
            records = [
                record
                for record in stored["problems"]
                if record["loss"] == row.loss and self.kind(record) == kind
            ]
            assert len(records) == row.problems
            position = int(np.argmin(np.abs(np.log(np.array(stored["gaps"]) / row.gap))))
            scores = {}
            for name in set.intersection(*(set(r["seconds"]) for r in records)):
                logs = []
                for record in records:
                    times = {k: v[position] for k, v in record["seconds"].items()}
                    least = min(v for v in times.values() if v is not None)
                    late = math.inf if times[name] is None else max(times[name], 1e-4)
                    logs.append(math.log(min(late / max(least, 1e-4), 100.0)))
                scores[name] = math.exp(sum(logs) / len(logs))
            ranked = sorted(scores.values())
            assert scores[row.use] == pytest.approx(ranked[0]) == pytest.approx(row.slowdown)
            assert scores[row.next_best] == pytest.approx(ranked[1])
            assert row.next_slowdown == pytest.approx(ranked[1])
            assert row.default_slowdown == pytest.approx(scores["nmf, default"])
            reached = [record["seconds"][row.use][position] is not None for record in records]
            assert row.arrived == sum(reached)
            assert row.use != row.next_best

    @staticmethod
    def kind(record):
        if record["stored"] < 0.1 * record["rows"] * record["columns"]:
            return "sparse"
        return "small" if record["stored"] * record["rank"] < 5e5 else "large"

    def test_no_line_advises_a_first_order_majorant_for_counts(self, races):
        for row in study.advise(races):
            if row.loss == "kullback-leibler":
                assert row.use not in ("multiplicative", "NoLips", "scikit-learn mu")

    def test_most_lines_advise_coordinate_steps(self, races):
        coordinate = ("HALS", "scalar Newton", "nmf, default", "scikit-learn cd")
        uses = [row.use for row in study.advise(races)]
        assert sum(use.startswith(coordinate) for use in uses) >= 8


class TestProfiles:
    def test_a_profile_is_a_distribution(self, races):
        for loss in ("frobenius", "kullback-leibler"):
            measured = study.profile_solvers(races, loss, 1e-3)
            firsts = sum(share[0] for share in measured.shares.values())
            assert firsts > 0.95
            for share in measured.shares.values():
                assert np.all(np.diff(share) >= 0)
                assert 0.0 <= share[0] <= share[-1] <= 1.0

    def test_newton_steps_arrive_more_often_than_multiplicative_updates(self, races):
        shares = study.profile_solvers(races, "kullback-leibler", 1e-4).shares
        assert shares["scalar Newton"][-1] > shares["scikit-learn mu"][-1]
        assert shares["scalar Newton"][-1] > shares["NoLips"][-1]

    def test_coordinate_descent_is_a_good_idea_in_every_implementation(self, races):
        shares = study.profile_solvers(races, "frobenius", 1e-4).shares
        assert shares["scikit-learn cd"][-1] > shares["scikit-learn mu"][-1]
        assert shares["HALS"][-1] > shares["multiplicative"][-1]

    def test_fewer_arrive_at_higher_accuracy(self, races):
        arrived = [
            sum(
                s[-1] for s in study.profile_solvers(races, "kullback-leibler", gap).shares.values()
            )
            for gap in (1e-2, 1e-3, 1e-4, 1e-5)
        ]
        assert arrived == sorted(arrived, reverse=True)


class TestRace:
    def test_rules_that_solve_rows_need_fewer_sweeps(self, race):
        for name in ("primal-dual", "scalar Newton", "constrained Newton"):
            sweeps, _ = race.cost(name, 1e-2)
            for slow in ("multiplicative", "NoLips", "joint majorant"):
                other, _ = race.cost(slow, 1e-2)
                assert other is None or sweeps < 0.5 * other

    def test_primal_dual_steps_pay_for_few_sweeps_with_much_work(self, race):
        sweeps, work = race.cost("primal-dual", 1e-2)
        newton_sweeps, newton_work = race.cost("constrained Newton", 1e-2)
        assert sweeps < 4 * newton_sweeps
        assert work > 2 * newton_work

    def test_the_joint_majorant_reads_the_data_once_and_needs_as_many_sweeps(self, race):
        assert race.work["joint majorant"] < race.work["multiplicative"]
        ends = [race.gaps(name)[-1] for name in ("multiplicative", "joint majorant")]
        assert max(ends) < 10 * min(ends)

    def test_objectives_fall(self, race):
        for values in race.objectives.values():
            assert np.diff(values).max() <= 1e-9 * values[0]

    def test_work_counts_the_options(self):
        assert work_per_sweep(RULES["multiplicative"], 5) == 4
        assert work_per_sweep(RULES["primal-dual"], 5) == 64
        assert work_per_sweep(RULES["constrained Newton"], 4) == 20
        assert set(RULES) == {
            "multiplicative", "NoLips", "joint majorant", "primal-dual", "scalar Newton",
            "constrained Newton",
        }  # fmt: skip


class TestMarginals:
    def test_scaling_repairs_the_sums(self, marginals):
        assert marginals.errors["with Sinkhorn"].max() < 1e-8
        assert marginals.errors["multiplicative"].max() > 1e-3

    @pytest.mark.parametrize("seed", range(3))
    def test_and_does_not_make_sweeps_more_useful(self, seed):
        race = study.follow_marginals(*study.make_counts(random_state=seed))
        ends = {name: values[-1] - race.best for name, values in race.objectives.items()}
        assert ends["with Sinkhorn"] == pytest.approx(ends["multiplicative"], rel=0.02)


class TestMultipliers:
    def test_there_is_one_for_each_stored_entry(self):
        X, _ = study.make_counts((400, 300), rank=6, mean=0.1, spread=0.1)
        kept = study.count_multipliers(X)
        assert kept.counts == X.size
        assert kept.sparse == np.count_nonzero(X) < 0.1 * X.size


class TestStalls:
    def test_random_starts_get_stuck_at_impossible_counts(self, stalls):
        gaps, empty = stalls.gaps["random"], stalls.empty["random"]
        assert np.any(gaps > 0.1)
        assert np.all(empty[gaps > 0.1] > 0)

    def test_warm_starts_do_not(self, stalls):
        name = "after 20 multiplicative sweeps"
        assert stalls.gaps[name].max() < 1e-2
        assert stalls.empty[name].max() == 0

    def test_rows_count_them(self, stalls):
        assert stalls.rows[1]["stuck"] == 0
        assert stalls.rows[0]["runs"] == len(stalls.gaps["random"])


class TestCounts:
    def test_counts_have_no_empty_row_and_the_mean_asked_for(self):
        X, (W, H) = study.make_counts((80, 70), 3, 2.0, random_state=5)
        assert X.sum(axis=0).min() > 0
        assert X.sum(axis=1).min() > 0
        assert X.mean() == pytest.approx(2.0, rel=0.1)
        assert min(W.min(), H.min()) > 0

    def test_small_spread_makes_them_sparse(self):
        X, _ = study.make_counts((200, 150), mean=0.3, spread=0.1)
        assert np.mean(X > 0) < 0.2

    def test_both_kinds_of_rules_can_be_followed(self, instance):
        X, start = instance
        for rule in (RULES["joint majorant"], RULES["scalar Newton"]):
            trace = follow(X, start, rule, 3).trace
            assert trace.objective[-1] < trace.objective[0]


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, races, race, marginals, stalls
    ):
        draw = viz.nmf_solvers
        pictures = [
            *(draw.curves(races, problem) for problem in races.select(dataset="BBC news")[::2]),
            *(
                draw.profiles(study.profile_solvers(races, loss, 1e-4), loss)
                for loss in ("frobenius", "kullback-leibler")
            ),
            *(draw.counted(race, measure) for measure in ("sweeps", "work")),
            draw.marginals(marginals),
            draw.stalls(stalls),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 120_000

    def test_descriptions_state_the_numbers(self, race, stalls):
        draw = viz.nmf_solvers
        assert f"random: {stalls.rows[0]['stuck']} of 12 stuck" in draw.stalls(stalls).alt
        sweeps, _ = race.cost("scalar Newton", 1e-2)
        assert f"scalar Newton {sweeps}" in draw.counted(race, "sweeps").alt
