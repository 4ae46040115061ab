"""Live code on the built pages: who has the bar, what it leads to, and whose scripts it loads."""

import io
import json
import tarfile

import pytest
from block_by_block import thebe
from block_by_block.address import Address, read_address
from block_by_block.book_map import toc_docnames
from block_by_block.live import scoped
from pages import ROOT

PAGES = toc_docnames(ROOT)
SENTENCE = b"var nobody = 'expects this';"


@pytest.mark.parametrize("docname", PAGES)
def test_a_page_that_shows_code_has_one_bar_below_its_title(soup, docname):
    page = soup(docname)
    bars = page.select(".bbb-live")
    assert len(bars) == bool(page.select(".bd-article div.cell:not(.tag_hide-input)"))
    for bar in bars:
        assert bar.find_previous_sibling().name == "h1"
        assert bar.has_attr("hidden"), "without JavaScript the button would do nothing"


@pytest.mark.parametrize("docname", PAGES)
def test_the_bar_leads_to_the_repository_and_to_the_scripts_of_this_site(site, soup, docname):
    address = read_address(ROOT)
    for bar in soup(docname).select(".bbb-live"):
        assert bar["data-repository"] == f"{address.owner}/{address.name}"
        assert bar["data-branch"] == address.branch
        assert bar["data-binder"] == address.binder(f"{docname}.md")
        scripts = ((site / docname).parent / bar["data-thebe"]).resolve()
        assert {"index.js", "thebe.css"} <= {path.name for path in scripts.iterdir()}


@pytest.mark.parametrize("docname", PAGES)
def test_no_page_loads_the_scripts_by_itself(soup, docname):
    loading = soup(docname).select("script[src], link[href], img[src]")
    assert not any("thebe" in (tag.get("src") or tag["href"]) for tag in loading)


def test_the_site_serves_scripts_with_their_licence_and_nothing_for_developers(site):
    folder = site / "_static/thebe"
    assert {path.suffix for path in folder.iterdir()} == {".js", ".css", ".txt", ".json"}
    about = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    assert (about["name"], about["version"]) == (thebe.PACKAGE, thebe.VERSION)
    assert about["license"] == "BSD-3-Clause"
    assert (folder / "index.js").read_bytes() == thebe.files()["index.js"]


def test_the_origin_is_what_a_server_of_the_reader_has_to_admit():
    assert Address("https://github.com/someone/a-book").origin == "https://someone.github.io"


def test_the_style_of_outputs_does_not_touch_the_page():
    sheet = scoped(":root { --tint: red; }\npre { color: var(--tint); }")
    assert sheet.startswith("@scope (.bbb-live-output) {")
    assert ":root" not in sheet and ":scope { --tint: red; }" in sheet


def test_other_bytes_than_the_pinned_ones_are_refused(tmp_path):
    archive = tmp_path / "thebe.tgz"
    with tarfile.open(archive, "w:gz") as package:
        member = tarfile.TarInfo("package/lib/index.js")
        member.size = len(SENTENCE)
        package.addfile(member, io.BytesIO(SENTENCE))
    with pytest.raises(RuntimeError, match=r"not the one .* tested with.*run tools/setup"):
        thebe.files(archive)


def test_a_missing_archive_says_what_brings_it(tmp_path):
    with pytest.raises(RuntimeError, match="is missing: run tools/setup"):
        thebe.files(tmp_path / "thebe.tgz")


def npm_that(folder, commands):
    program = folder / "npm"
    program.write_text(f"#!/bin/sh\n{commands}\n")
    program.chmod(0o755)
    return lambda: str(program)


def test_an_archive_is_fetched_once(tmp_path, monkeypatch):
    archive = tmp_path / "share/thebe.tgz"
    monkeypatch.setattr(thebe, "npm", npm_that(tmp_path, f"cp {thebe.ARCHIVE} ."))
    thebe.fetch(archive)
    assert archive.read_bytes() == thebe.ARCHIVE.read_bytes()
    monkeypatch.setattr(thebe, "npm", npm_that(tmp_path, "exit 1"))
    thebe.fetch(archive)


def test_an_archive_that_npm_changed_is_not_kept(tmp_path, monkeypatch):
    archive = tmp_path / "thebe.tgz"
    monkeypatch.setattr(thebe, "npm", npm_that(tmp_path, f"echo changed > {thebe.ARCHIVE.name}"))
    with pytest.raises(RuntimeError, match="SHA-512"):
        thebe.fetch(archive)
    assert not archive.exists()


def test_npm_that_fails_leaves_a_sentence_with_a_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(thebe, "npm", npm_that(tmp_path, "echo no network >&2; exit 1"))
    with pytest.raises(RuntimeError, match=r"put the archive at .*\n.*no network"):
        thebe.fetch(tmp_path / "thebe.tgz")
