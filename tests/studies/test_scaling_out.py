"""What the chapter on matrices that do not fit one machine claims."""

import os
import signal

import cvxpy as cp
import numpy as np
import pytest
from joblib import parallel_config

from multiconvex import Extrapolation, LatentFactorModel, nmf, viz
from multiconvex.studies import scaling_out as study

pytestmark = pytest.mark.filterwarnings("ignore:The fit used all")

FIT = {"acceleration": Extrapolation(), "max_iter": 6, "tol": 0, "random_state": 0}
ROWS = study.VirtualRows(1500, 40, 4, 320)


@pytest.fixture(scope="module")
def workers():
    with study.worker_processes(n_workers=2, memory="1GB") as client:
        yield client


@pytest.fixture(scope="module")
def measured():
    return study.load_measured()


class TestVirtualRows:
    def test_chunks_are_the_same_whenever_they_are_drawn(self):
        virtual = study.VirtualRows(1000, 7, 2, 300)
        X = virtual.array()
        assert X.chunks == ((300, 300, 300, 100), (7,))
        whole = X.compute(scheduler="synchronous")
        np.testing.assert_array_equal(whole[300:600], virtual.rows(1))
        assert whole.min() >= 0 and X.nbytes == virtual.n_bytes == whole.nbytes

    def test_it_has_low_rank_plus_noise(self):
        virtual = study.VirtualRows(600, 30, 3, 200, noise=1e-6)
        X = virtual.array().compute(scheduler="synchronous")
        singular = np.linalg.svd(X, compute_uv=False)
        assert singular[3] < 1e-4 < 1.0 < singular[2]


@pytest.fixture(scope="module")
def local():
    return nmf(ROWS.array().compute(scheduler="synchronous"), 4, **FIT)


class TestWorkers:
    """Two processes on this machine."""

    def test_the_trace_is_that_in_memory(self, workers, local):
        chunked = nmf(ROWS.array(), 4, **FIT)
        np.testing.assert_allclose(chunked.trace.objective, local.trace.objective, rtol=1e-10)
        np.testing.assert_allclose(chunked.W.compute(), local.W, atol=1e-9 * local.W.max())

    def test_a_killed_worker_loses_nothing(self, workers, local):
        process = next(iter(workers.run(os.getpid).values()))

        def kill(sweep):
            if sweep.iteration == 3:
                os.kill(process, signal.SIGKILL)

        chunked = nmf(ROWS.array(), 4, callback=kill, **FIT)
        np.testing.assert_allclose(chunked.trace.objective, local.trace.objective, rtol=1e-10)
        assert process not in workers.run(os.getpid).values()


@pytest.mark.slow
def test_a_virtual_matrix_larger_than_the_memory_of_its_workers():
    """0.8 GB in chunks of 8 MB, on workers that are killed where they need half a gigabyte."""
    virtual = study.VirtualRows(100_000, 1000, 4, 1024)
    run = study.run_on_workers(virtual, memory="500MB", sweeps=2)
    assert run.gigabytes == 0.8 and run.peak < 0.5
    assert run.objectives[-1] < 0.3 and np.all(np.diff(run.objectives) < 0)


class TestCosts:
    def test_on_paper_by_hand(self):
        cost = study.sweep_cost(n_rows=640, n_columns=10, rank=2, height=64)
        assert cost.bytes_read == 2 * 8 * 640 * 10
        assert cost.messages == 10 + 2 + 1 == study.tree_nodes(10)
        assert cost.bytes_sent == 13 * 8 * 2 * 12
        assert cost.flops == 4 * 640 * 10 * 2 + 22 * 640 * 4

    def test_counted_as_on_paper(self):
        for row in study.count_sweep(study.VirtualRows(20 * 64, 30, 3, 64), sweeps=2):
            assert row.counted == row.on_paper

    def test_the_ratio_of_the_page(self):
        cost = study.sweep_cost(10**9, 1000, 10, 8192)
        assert cost.bytes_sent / cost.bytes_read == pytest.approx(10 / (2 * 8192) * 8 / 7, rel=0.02)

    def test_a_hundred_megabytes_are_far_from_both_failures(self):
        height = 100e6 / 8000
        cost = study.sweep_cost(10**9, 1000, 10, height)
        assert cost.bytes_sent < 1e-3 * cost.bytes_read
        lowest, tallest = 10 / 2 * 8 / 7, 2e9 / 8000
        assert tallest > 1e4 * lowest


class TestStored:
    def test_it_says_where_it_comes_from(self, measured):
        assert {"date", "command", "machine", "Python", "numpy", "dask"} <= set(measured.setting)
        assert measured.setting["command"].startswith("python benchmarks/scale_out.py")

    def test_memory_stayed_within_the_limit_and_objectives_fell(self, measured):
        for run in measured.runs:
            assert run.peak < 2.0
            assert np.all(np.diff(run.objectives) < 0)
            assert run.gigabytes == pytest.approx(8e-9 * run.n_rows * run.n_columns)

    def test_the_line_goes_through_exact_times(self, measured):
        runs = [
            study.WorkerRun(m, 10, 2, 64, 2, 0.0, 0.0, 3.0 + 1e-6 * m / 2, 0.1, (1.0,))
            for m in (10**5, 10**6, 10**7)
        ]
        exact = study.Measured({}, tuple(runs))
        assert exact.sweep_seconds(10**9, 4) == pytest.approx(3.0 + 250.0)
        assert exact.largest_predicted == pytest.approx(1.0)

    def test_smaller_runs_predict_the_largest(self, measured):
        assert 0.5 < measured.largest_predicted < 2.0

    def test_storing_and_loading(self, measured):
        assert '"command"' in study.as_json(measured.setting, measured.runs)
        rows = study.extrapolate(measured, n_rows=10**9)
        assert rows[0].sweep_minutes > rows[1].sweep_minutes > rows[2].sweep_minutes
        assert rows[1].W_gigabytes_a_worker == pytest.approx(80 / 64)
        assert rows[0].passes_terabytes == pytest.approx(16.0)


@pytest.fixture(scope="module")
def heights():
    return study.compare_heights(heights=(64, 100), sweeps=6)


@pytest.fixture(scope="module")
def fits():
    return study.resume_fits(stopped_after=2, sweeps=6)


class TestFits:
    def test_chunks_follow_the_fit_in_memory(self, heights):
        assert heights.largest_gap < 1e-10
        assert heights.largest_gap == max(heights.gaps(64).max(), heights.gaps(100).max())

    def test_selections_are_those_in_memory_in_few_passes(self):
        for row in study.count_selections(rank=3):
            assert row.same_columns and row.gap < 1e-9
            assert row.passes == (3 if row.cut == "rows" else 2 + 3 + 2)

    def test_plain_fits_go_on_as_if_nothing_had_happened(self, fits):
        np.testing.assert_array_equal(fits.resumed["plain"], fits.whole["plain"][2:])
        last = fits.resumed["extrapolated"][-1] / fits.whole["extrapolated"][-1]
        assert 0.98 < last < 1.05 and last != 1.0
        assert 8 * 4 * 1250 < 1e6 * fits.megabytes < 8 * 4 * 1250 + 2000

    def test_a_closed_worker_loses_nothing(self):
        loss = study.lose_a_worker(lost_after=2, sweeps=4)
        assert loss.workers == (2, 1) and loss.gap < 1e-10

    def test_starts_on_workers_are_those_in_turn(self):
        starts = study.compare_starts(n_starts=3)
        np.testing.assert_array_equal(starts.on_workers, starts.in_turn)
        assert len(set(starts.in_turn)) == 3


def test_starts_of_other_models_run_on_workers_too():
    x = np.random.default_rng(0).standard_normal(30)
    centres = [cp.Variable() for _ in range(2)]
    model = LatentFactorModel(centres, [cp.square(x - centre) for centre in centres])
    in_turn = model.fit(n_starts=3, random_state=0)
    with study.workers_in_threads(), parallel_config(backend="dask"):
        on_workers = model.fit(n_starts=3, random_state=0, n_jobs=2)
    np.testing.assert_array_equal(on_workers.starts, in_turn.starts)


def test_figures_say_what_they_show(measured, heights, fits):
    draw = viz.scaling_out
    assert "X 8 TB; W 80 GB" in draw.sizes(1000).alt
    assert "64 workers would need" in draw.measured_sweeps(measured, 64).alt
    assert "fills 8 GB" in draw.chunk_heights().alt
    assert "In chunks of 100 rows" in draw.heights(heights, 100).alt
    assert "plain: largest relative distance after the stop 0.0e+00" in draw.resumed(fits).alt
