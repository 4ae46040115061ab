"""The templates run on files that are not their examples, after a change of their one cell."""

import ast
from pathlib import Path

import jupytext
import numpy as np
import pytest

from multiconvex import read_array
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
            assert value is None or isinstance(value, Picture) or value._repr_html_()
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
    assert found["common"] < 0.02 and found["drifts"] < 0.02
    assert (tmp_path / "results/report.html").is_file()
