"""The built site: complete, self-contained, light, with every link leading somewhere."""

import json
import re
import zlib
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from block_by_block.address import read_address
from block_by_block.api import documented, named_rooms
from block_by_block.book_map import chapters, public_names, toc_docnames
from block_by_block.leftovers import leftovers
from block_by_block.redirects import moved_pages
from pages import ROOT, parsed

PAGES = toc_docnames(ROOT)
CHAPTERS = chapters(ROOT)
NAMES = [chapter.docname for chapter in CHAPTERS]
LOADING = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "use": ("href",),
    "image": ("href", "xlink:href"),
}
PAGE_BUDGET = 3_000_000


@pytest.mark.parametrize("docname", PAGES)
def test_every_page_of_the_table_of_contents_is_built(soup, docname):
    assert soup(docname).h1.get_text(strip=True)


def test_nothing_else_is_built(site):
    assert leftovers(site, {*PAGES, *moved_pages(ROOT)}) == []


def test_the_front_page_is_the_introduction(site):
    assert 'url=intro.html"' in (site / "index.html").read_text(encoding="utf-8")


def test_pages_load_nothing_from_elsewhere(site):
    outside = {
        f"{page.relative_to(site)}: {address}"
        for page in site.rglob("*.html")
        for address in loaded(parsed(page))
        if urlsplit(address).scheme not in ("", "data") or urlsplit(address).netloc
    }
    assert outside == set()


def test_only_the_search_loads_its_index(site):
    readers = {page.stem for page in site.rglob("*.html") if "searchindex.js" in page.read_text()}
    assert readers == {"search"}


def test_style_sheets_load_nothing_from_elsewhere(site):
    outside = {
        f"{sheet.relative_to(site)}: {address}"
        for sheet in site.rglob("*.css")
        for address in re.findall(
            r"""(?:url\(|@import\s+)\s*["']?((?:https?:)?//[^"')\s]+)""",
            sheet.read_text(encoding="utf-8"),
        )
    }
    assert outside == set()


@pytest.mark.parametrize("docname", PAGES)
def test_a_page_and_its_figures_keep_to_the_budget(site, docname):
    page = site / f"{docname}.html"
    own = [page, *(path for path in files_of(page) if "_static" not in path.parts)]
    assert sum(path.stat().st_size for path in own) <= PAGE_BUDGET


def test_internal_links_and_anchors_resolve(site):
    broken = []
    for page in site.rglob("*.html"):
        for link in parsed(page).select("a[href]"):
            parts = urlsplit(link["href"])
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and not has_anchor(target, anchor)):
                broken.append(f"{page.relative_to(site)} -> {link['href']}")
    assert broken == []


@pytest.mark.parametrize("docname", PAGES)
def test_figures_are_captioned_described_and_referred_to(soup, docname):
    page = soup(docname)
    for figure in page.select(".bd-article figure"):
        name = figure.get("id", "")
        assert name, f"a figure of {docname} has no name"
        assert len(figure.select_one("figcaption .caption-text").get_text()) > 20, name
        drawings = figure.select("svg, img, table, audio")
        assert drawings, f"{name} shows nothing"
        assert all(description(drawing) for drawing in drawings), f"{name} has no alternative text"
        references = [
            a for a in page.select(f'a[href="#{name}"]') if "headerlink" not in a["class"]
        ]
        assert references, f"{name} is never referred to"


@pytest.mark.parametrize("docname", PAGES)
def test_no_page_shows_an_error(soup, docname):
    page = soup(docname)
    assert page.select(".output.stderr, .output.traceback, .system-message, .problematic") == []
    assert "Traceback (most recent call last)" not in page.get_text()


@pytest.mark.parametrize("docname", NAMES)
def test_a_chapter_has_a_knob_that_needs_no_kernel(soup, docname):
    knobs = soup(docname).select(".bd-article .mbx-knob")
    assert knobs
    assert all(knob.select('input[type="range"]') and knob.select("label") for knob in knobs)
    assert "jupyter.widget" not in str(soup(docname))


@pytest.mark.parametrize("docname", NAMES)
def test_a_chapter_is_downloaded_as_notebook_and_as_text(site, soup, docname):
    links = {a["href"] for a in soup(docname).select("a[href]") if "_sources/" in a["href"]}
    page = site / f"{docname}.html"
    files = {path.suffix: path for path in ((page.parent / link).resolve() for link in links)}
    assert set(files) == {".ipynb", ".md"}
    notebook = nbformat.read(files[".ipynb"], as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells and not any(cell.outputs for cell in cells)
    assert [cell.id for cell in notebook.cells] == [
        f"cell-{k + 1}" for k in range(len(notebook.cells))
    ]
    assert notebook.metadata.kernelspec.name == "python3"
    source = (ROOT / f"{docname}.md").read_text(encoding="utf-8")
    assert files[".md"].read_text(encoding="utf-8") == source


@pytest.mark.parametrize("docname", NAMES)
def test_binder_and_repository_links_derive_from_the_address(soup, docname):
    address = read_address(ROOT)
    links = {a["href"] for a in soup(docname).select("a[href]")}
    assert address.binder(f"{docname}.md") in links
    assert f"{address.url}/edit/{address.branch}/{docname}.md" in links
    assert any(link.startswith(f"{address.url}/issues/new") for link in links)


def test_every_page_names_the_same_repository(site):
    address = read_address(ROOT)
    ours = re.compile(r"https://(?:github\.com|mybinder\.org/v2/gh)/([^/?#]+/[^/?#\"]+)")
    repositories = {
        match[1]
        for docname in PAGES
        for a in parsed(site / f"{docname}.html").select(".article-header-buttons a[href]")
        if (match := ours.match(a["href"]))
    }
    assert repositories == {f"{address.owner}/{address.name}"}


@pytest.mark.parametrize("chapter", CHAPTERS, ids=NAMES)
def test_chapters_and_reference_lead_to_each_other(site, soup, chapter):
    links = soup(chapter.docname).select('a[href*="/api/"]')
    linked = {urlsplit(link["href"]).fragment: link["href"] for link in links}
    for name in chapter.algorithms:
        assert name in linked, f"{chapter.docname} does not lead to {name}"
        page = (site / chapter.docname).parent / linked[name].split("#")[0]
        entry = parsed(page.resolve()).find(id=name).find_parent("dl")
        assert entry.select(f'a[href*="{chapter.stem}.html"]'), f"{name} does not lead back"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=NAMES)
def test_a_chapter_leads_to_its_study_and_the_tests_of_it(soup, chapter):
    hops = [a["href"] for a in soup(chapter.docname).select(".chapter-box .hops a")]
    assert any(link.endswith(f"#module-multiconvex.studies.{chapter.stem}") for link in hops)
    assert read_address(ROOT).file(f"tests/studies/test_{chapter.stem}.py") in hops


def test_every_public_name_is_in_the_reference(site):
    assert set(public_names()) - inventory(site / "objects.inv") == set()


def test_everything_in_a_room_is_in_the_reference(site):
    everything = {name for room, _ in named_rooms(ROOT) for name in documented(room)}
    assert everything > set(public_names())
    assert everything - inventory(site / "objects.inv") == set()


def test_the_contents_of_the_reference_name_every_object_and_every_study(soup):
    listed = {
        urlsplit(link["href"]).fragment
        for docname in ("front/api", "front/api/studies")
        for link in soup(docname).select(".reference-contents td a")
    }
    studies = {study for chapter in CHAPTERS for study in chapter.studies}
    assert listed >= {f"module-multiconvex.studies.{study}" for study in studies}
    assert listed >= set(public_names())


def test_the_atlas_has_one_row_for_each_algorithm(soup):
    rows = soup("front/atlas").select(".atlas tbody tr")
    shown = [row.select_one("a.reference")["href"].split("#")[1] for row in rows]
    assert shown == [name for chapter in CHAPTERS for name in chapter.algorithms]
    for row in rows:
        assert all(cell.get_text(strip=True) for cell in row.find_all("td"))


def test_the_atlas_leads_to_source_and_test(soup):
    address = read_address(ROOT)
    base = f"{address.url}/blob/{address.branch}/"
    rows = soup("front/atlas").select(".atlas tbody tr")
    for row in rows:
        named = {a.get_text(): a["href"] for a in row.select("a.external")}
        assert set(named) == {"source", "test"}
        for link in named.values():
            assert (ROOT / link.removeprefix(base).split("#")[0]).is_file()


def test_search_finds_every_page(site):
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    assert set(PAGES) <= set(index["docnames"])


def test_mathematics_comes_with_the_site(site, soup):
    script = soup(NAMES[0]).select_one('script[src*="mathjax"]')
    page = site / f"{NAMES[0]}.html"
    mathjax = (page.parent / script["src"].split("?")[0]).resolve()
    assert mathjax.is_file()
    assert list((mathjax.parent / "output/chtml/fonts/woff-v2").glob("*.woff"))


def test_the_colours_of_the_site_are_those_of_the_figures(site, soup):
    from multiconvex.viz import palette

    assert soup("intro").select('link[href*="palette.css"]')
    css = (site / "_static/palette.css").read_text(encoding="utf-8")
    for theme, colours in (("light", palette.LIGHT), ("dark", palette.DARK)):
        rule = re.search(rf'html\[data-theme="{theme}"\] {{(.*?)}}', css, re.DOTALL)[1]
        assert dict(re.findall(r"--mbx-(\w+): (#\w+);", rule)) == colours


def test_the_status_page_tells_versions_and_machine(soup):
    page = soup("front/status")
    facts = [row.get_text(" ", strip=True) for row in page.select("table.build-facts tr")]
    assert any(row.startswith("numpy ") for row in facts)
    assert any(row.startswith("Processor ") for row in facts)
    executed = [a.get_text(strip=True) for a in page.select("table.executions a")]
    assert executed[0] == "Block by Block"
    titles = [chapter.title for chapter in CHAPTERS]
    assert [name for name in executed if name in titles] == titles


def loaded(page):
    """Addresses that a browser fetches for a page."""
    for link in page.select('link[rel~="stylesheet"], link[rel~="icon"], link[rel~="preload"]'):
        yield link["href"]
    for tag, attributes in LOADING.items():
        for element in page.find_all(tag):
            yield from (element[name] for name in attributes if element.get(name))
    for element in page.select("[style]"):
        yield from re.findall(r"url\(\s*[\"']?([^\"')]+)", element["style"])


def files_of(page: Path) -> set[Path]:
    """Files of the site that a page loads."""
    parts = (urlsplit(address) for address in loaded(parsed(page)))
    local = {(page.parent / part.path).resolve() for part in parts if part.path and not part.scheme}
    return {path for path in local if path.is_file()}


def has_anchor(page: Path, anchor: str) -> bool:
    if page.suffix != ".html":
        return False
    return parsed(page).find(id=anchor) is not None or bool(
        parsed(page).select(f'a[name="{anchor}"]')
    )


def description(drawing) -> str:
    """What a screen reader says of a drawing; a table speaks for itself."""
    if drawing.name == "table":
        return drawing.get_text(strip=True)
    if drawing.get("aria-labelledby"):
        return drawing.find_parent("figure").find(id=drawing["aria-labelledby"]).get_text()
    return drawing.get("aria-label") or drawing.get("alt") or ""


def inventory(path: Path) -> set[str]:
    """Names that other books could refer to."""
    payload = zlib.decompress(path.read_bytes().split(b"\n", 4)[4]).decode()
    return {line.split(" ", 1)[0] for line in payload.splitlines()}
