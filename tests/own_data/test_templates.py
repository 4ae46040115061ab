"""The templates run on files that are not their examples, after a change of their one cell."""

import ast
import signal
from pathlib import Path

import jupytext
import numpy as np
import pytest

from multiconvex import Progress, read_array, read_labels
from multiconvex.viz.picture import Picture

ROOT = Path(__file__).resolve().parents[2]
STEMS = [
    "factorise_a_matrix", "factorise_a_tensor", "find_groups_of_features", "find_hidden_states",
]  # fmt: skip
PIPELINE = ("read_array(", "inspect_array(", "fit_starts(", "export_factors(", "write_report(")


def cells(stem):
    notebook = jupytext.read(ROOT / "front/own_data" / f"{stem}.md")
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def is_edited(cell):
    return "edit-here" in cell.metadata.get("tags", [])


def assigned(cell):
    """Names that a cell sets, in order."""
    statements = [node for node in ast.parse(cell.source).body if isinstance(node, ast.Assign)]
    return [
        name.id
        for statement in statements
        for target in statement.targets
        for name in ast.walk(target)
        if isinstance(name, ast.Name)
    ]


def run(stem, **settings):
    """Execute a template with the one cell replaced, its example left out; return its names."""
    found = {}
    for cell in cells(stem):
        if "mkdtemp()" in cell.source:
            continue
        if is_edited(cell):
            assert set(settings) == set(assigned(cell))
            found.update(settings)
            continue
        body = ast.parse(cell.source).body
        shown = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), stem, "exec"), found)
        if shown:
            value = eval(compile(ast.Expression(shown.value), stem, "eval"), found)
            assert value is None or isinstance(value, Picture | str) or value._repr_html_()
    return found


def test_every_template_has_its_page():
    written = sorted(path.stem for path in (ROOT / "front/own_data").glob("*.md"))
    index = (ROOT / "front/own_data.md").read_text(encoding="utf-8")
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert written == STEMS
    for stem in STEMS:
        assert f"{{doc}}`own_data/{stem}`" in index
        assert f"file: front/own_data/{stem}\n" in toc


@pytest.mark.parametrize("stem", STEMS)
def test_one_cell_says_what_is_the_readers(stem):
    (edited,) = [cell for cell in cells(stem) if is_edited(cell)]
    assert "path" in assigned(edited)
    said = [line for line in edited.source.splitlines() if "#" in line or line.startswith("n_")]
    assert len(said) == len(assigned(edited)), "a setting needs a word of explanation"
    for cell in cells(stem):
        if not is_edited(cell) and "mkdtemp()" not in cell.source:
            assert "folder" not in cell.source
            assert set(assigned(cell)) & set(assigned(edited)) <= {"path", "results"}


@pytest.mark.parametrize("stem", STEMS)
def test_every_template_goes_all_the_way(stem):
    source = "\n".join(cell.source for cell in cells(stem))
    places = [source.index(step) for step in PIPELINE]
    assert places == sorted(places)


def test_a_table_of_counts(tmp_path):
    rng = np.random.default_rng(0)
    parts = 20 * np.kron(np.eye(2), np.ones((6, 1)))
    table = rng.poisson(rng.dirichlet([0.5, 0.5], size=30) @ parts.T + 1.0)
    heading = ",".join(f"word {j}" for j in range(12))
    np.savetxt(tmp_path / "counts.csv", table, "%d", ",", header=heading, comments="")
    found = run(
        "factorise_a_matrix",
        path=str(tmp_path / "counts.csv"), key=None, rank=2, ranks=(1, 2),
        loss="kullback-leibler", n_starts=2, positions=None, unit="word",
        results=str(tmp_path / "made" / "here"),
    )  # fmt: skip
    assert "counts" in found["checked"].kinds
    groups = np.argsort(found["best"].H, axis=0)[6:]
    assert {frozenset(group) for group in groups.T} == {
        frozenset(range(6)), frozenset(range(6, 12)),
    }  # fmt: skip
    made = {path.name for path in (tmp_path / "made" / "here").iterdir()}
    assert made == {"W.csv", "H.csv", "trace.csv", "report.html"}
    np.testing.assert_array_equal(read_array(tmp_path / "made/here/W.csv"), found["best"].W)
    words = read_labels(tmp_path / "made/here/H.csv").rows
    assert words == tuple(f"word {j}" for j in range(12))


def test_a_tensor_among_others(tmp_path):
    rng = np.random.default_rng(1)
    factors = [rng.random((n, 2)) for n in (10, 11, 12)]
    X = np.einsum("iq,jq,kq->ijk", *factors) + 0.01 * rng.random((10, 11, 12))
    np.savez(tmp_path / "runs.npz", X=X, Y=X[0])
    found = run(
        "factorise_a_tensor",
        path=tmp_path / "runs.npz", key="X", rank=2, ranks=(1, 2), nonnegative=False,
        n_starts=2, drifting=1, axes=None, results=tmp_path / "results",
    )  # fmt: skip
    assert found["common"][2] < 0.01 and found["drifts"][2] < 0.05
    assert (tmp_path / "results/report.html").is_file()


def test_a_table_with_gaps(tmp_path):
    rng = np.random.default_rng(2)
    X = rng.random((30, 2)) @ rng.random((2, 12)) + 0.01 * rng.random((30, 12))
    cells = [[f"{value:.6f}" for value in line] for line in X]
    for i, j in zip(rng.integers(30, size=20), rng.integers(12, size=20)):
        cells[i][j] = ""
    (tmp_path / "gaps.csv").write_text("\n".join(";".join(line) for line in cells))
    found = run(
        "factorise_a_matrix",
        path=tmp_path / "gaps.csv", key=None, rank=2, ranks=(1, 2, 3), loss="frobenius",
        n_starts=2, positions=None, unit="column", results=tmp_path / "results",
    )  # fmt: skip
    assert "missing" in found["checked"].kinds
    assert found["measured"].chosen == 2
    np.testing.assert_allclose(found["best"].reconstruct(), X, atol=0.1)


def test_an_axis_that_drifts_is_predicted_better_by_profiles_that_do(tmp_path):
    """Peaks that come later in every run: one component, which common profiles cannot follow."""
    spectrum, grid = np.array([1.0, 3.0, 2.0, 0.5, 1.5]), np.arange(40)
    peaks = [np.exp(-((grid - 12 - k) ** 2) / 18) for k in range(9)]
    X = np.stack([(1 + k % 3) * np.outer(spectrum, peak) for k, peak in enumerate(peaks)])
    np.save(tmp_path / "runs.npy", X + 0.01 * np.random.default_rng(0).random(X.shape))
    found = run(
        "factorise_a_tensor",
        path=tmp_path / "runs.npy", key=None, rank=1, ranks=(1,), nonnegative=True, n_starts=2,
        drifting=2, axes=None, results=tmp_path / "results",
    )  # fmt: skip
    assert found["drifts"][1] < 0.1 * found["common"][1]


@pytest.mark.parametrize("stem", ["factorise_a_matrix", "find_groups_of_features"])
def test_an_interrupt_in_the_first_start_still_ends_in_a_report(stem, tmp_path, monkeypatch):
    describe = Progress.describe

    def press(self, text):
        describe(self, text)
        if "start 1" in text:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Progress, "describe", press)
    shared = {"path": tmp_path / "table.csv", "n_starts": 3, "results": tmp_path / "results"}
    rng = np.random.default_rng(0)
    table = rng.random((96, 8)) * 3
    if stem == "factorise_a_matrix":
        settings = {"key": None, "rank": 2, "ranks": (1, 2), "loss": "frobenius",
                    "positions": None, "unit": "column"}  # fmt: skip
    else:
        table[:, 0] = np.repeat(np.arange(8), 12)
        settings = {"task": "c0", "target": "c7", "n_groups": 2}
    heading = ",".join(f"c{j}" for j in range(8))
    np.savetxt(shared["path"], table, "%.6f", ",", header=heading, comments="")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        found = run(stem, **shared, **settings)
    finally:
        signal.signal(signal.SIGINT, before)
    assert found["starts"].interrupted and found["best"].status == "stopped"
    assert (tmp_path / "results/report.html").is_file()
