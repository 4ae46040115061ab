"""Exported factors read back as they were, and the page needs nothing but itself."""

import base64
import io
import re

import cvxpy
import numpy as np
import pytest
from bs4 import BeautifulSoup

from multiconvex import (
    LatentFactorModel,
    cp,
    export_factors,
    inspect_array,
    nmf,
    parafac2,
    read_array,
    read_labels,
    viz,
    write_report,
)

X = np.random.default_rng(0).random((8, 5))
FIT = nmf(X, 2, random_state=0)


def embedded(link):
    return base64.b64decode(link["href"].partition("base64,")[2])


def test_tables_read_back_every_digit(tmp_path):
    W, H, trace = export_factors(tmp_path / "new" / "folder", FIT)
    np.testing.assert_array_equal(read_array(W), FIT.W)
    np.testing.assert_array_equal(read_array(H), FIT.H)
    assert read_labels(W).columns == ("component_1", "component_2")
    lines = trace.read_text().splitlines()
    assert lines[0] == "sweep,seconds,objective,event"
    assert float(lines[-1].split(",")[2]) == FIT.trace.objective[-1]
    assert len(lines) == len(FIT.trace) + 1


def test_names_of_rows_come_back(tmp_path):
    names = ("a", 'b, "quoted"', "c", "d", "é")
    _, H, _ = export_factors(tmp_path, FIT, names={"H": names})
    np.testing.assert_array_equal(read_array(H), FIT.H)
    assert read_labels(H).rows == names


def test_one_file_of_numpy(tmp_path):
    (path,) = export_factors(tmp_path / "new" / "factors.npz", FIT)
    np.testing.assert_array_equal(read_array(path, "W"), FIT.W)
    assert set(np.load(path)) == {"W", "H"}


def test_tensors_slices_and_labels_have_names_for_files(tmp_path):
    rng = np.random.default_rng(0)
    tensor = cp(rng.random((4, 3, 5)), 2, random_state=0)
    files = export_factors(tmp_path / "cp", tensor)
    assert [f.name for f in files[:-1]] == ["factors_0.csv", "factors_1.csv", "factors_2.csv"]
    slices = parafac2(
        [rng.random((4, 6)), rng.random((4, 5))], 2, max_iter=20, tol=0, random_state=0
    )
    files = export_factors(tmp_path / "slices", slices)
    assert [f.stem for f in files[:-1]] == ["A", "B_1", "B_2", "C"]
    np.testing.assert_array_equal(read_array(files[2]), slices.B[1])


def test_single_precision_is_written_in_its_own_digits(tmp_path):
    fit = nmf(X.astype(np.float32), 2, random_state=0)
    W, *_ = export_factors(tmp_path, fit)
    np.testing.assert_array_equal(read_array(W).astype(np.float32), fit.W)
    assert max(map(len, W.read_text().replace("\n", ",").split(","))) <= 15


def test_wrong_arguments_are_refused(tmp_path):
    with pytest.raises(TypeError, match="result must be the result of a fit, got ndarray"):
        export_factors(tmp_path, X)
    with pytest.raises(ValueError, match="names has 'V', but the factors are W, H"):
        export_factors(tmp_path, FIT, names={"V": ["a"]})
    with pytest.raises(ValueError, match=r"names\['H'\] must have 5 names"):
        export_factors(tmp_path, FIT, names={"H": ["a"]})
    with pytest.raises(ValueError, match=r"must end with \.html"):
        write_report(tmp_path / "report.pdf", FIT)
    with pytest.raises(ValueError, match="not that of the model"):
        write_report(tmp_path / "report.html", FIT, data=X[:-1])
    with pytest.raises(TypeError, match="Section 'Odd' cannot be shown"):
        write_report(tmp_path / "report.html", FIT, sections={"Odd": 3})
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    sections = {
        "Data": inspect_array(X),
        "Factors in pictures": viz.factors([FIT.W, FIT.H]),
        "A table": viz.table([{"a": 1}]),
        "A <sentence>": "x < y & z",
    }
    path = write_report(
        tmp_path_factory.mktemp("report") / "deep" / "report.html",
        FIT,
        title="Fit <of> mine",
        data=X,
        sections=sections,
        settings={"rank": 2, "file": "<b>.csv"},
    )
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def test_the_page_says_how_the_fit_ended(page):
    text = page.get_text(" ")
    residual = np.linalg.norm(X - FIT.W @ FIT.H.T) / np.linalg.norm(X)
    assert f"{residual:.3g}" in text
    assert f"{FIT.objective:.6g}" in text
    assert FIT.status in text
    headings = [h.text for h in page.find_all("h2")]
    assert headings == [
        "How it ended", "Data", "Factors in pictures", "A table", "A <sentence>", "Settings",
        "Factors", "Computed with",
    ]  # fmt: skip


def test_text_is_never_markup(page):
    assert page.h1.text == page.title.text == "Fit <of> mine"
    assert "x < y & z" in page.get_text()
    assert "<b>.csv" in page.get_text()
    assert page.find("b") is None


def test_downloads_hold_the_factors(page):
    links = {link["download"]: link for link in page.find_all("a")}
    assert set(links) == {"W.csv", "H.csv", "factors.npz", "trace.csv"}
    arrays = np.load(io.BytesIO(embedded(links["factors.npz"])))
    np.testing.assert_array_equal(arrays["H"], FIT.H)
    table = np.genfromtxt(io.BytesIO(embedded(links["W.csv"])), delimiter=",", skip_header=1)
    np.testing.assert_array_equal(table, FIT.W)


def test_the_page_needs_nothing_else(page):
    assert not page.find_all(["script", "link", "iframe", "object"])
    sources = re.findall(r"""(?:src|href)=["']([^"']+)|url\(([^)]+)\)""", str(page))
    assert all(a.startswith(("data:", "#")) or b.startswith("#") for a, b in sources)
    assert page.svg["role"] == "img"
    assert page.figcaption.text == page.svg["aria-label"] != ""


def test_the_residual_of_slices(tmp_path):
    rng = np.random.default_rng(1)
    slices = [rng.random((4, 6)), rng.random((4, 5))]
    fit = parafac2(slices, 2, max_iter=20, tol=0, random_state=0)
    lost = sum(((Y - M) ** 2).sum() for Y, M in zip(slices, fit.reconstruct()))
    expected = np.sqrt(lost / sum((Y**2).sum() for Y in slices))
    path = write_report(tmp_path / "r.html", fit, data=slices)
    assert f"<td>{expected:.3g}</td>" in path.read_text()


def test_models_without_a_reconstruction_have_a_report_too(tmp_path):
    u = np.array([0.0, 0.1, 4.0, 4.1])
    centres = [cvxpy.Variable() for _ in range(2)]
    model = LatentFactorModel(centres, [cvxpy.square(u - centre) for centre in centres])
    fit = model.fit(n_starts=2, random_state=0)
    page = BeautifulSoup(write_report(tmp_path / "r.html", fit).read_text(), "html.parser")
    assert "relative residual" not in page.get_text()
    with pytest.raises(TypeError, match="has no model of the data"):
        write_report(tmp_path / "r.html", fit, data=u)


def test_large_factors_are_left_to_files(tmp_path, monkeypatch):
    monkeypatch.setattr("multiconvex.own_data.report._EMBEDDED", 5)
    page = BeautifulSoup(write_report(tmp_path / "r.html", FIT).read_text(), "html.parser")
    assert [link["download"] for link in page.find_all("a")] == ["trace.csv"]
    assert "use export_factors" in page.get_text()
