"""Prints the built site as one PDF: ``python -m block_by_block.book_pdf``, or ``make pdf``."""

import io
import logging
import time
import tomllib
from pathlib import Path

from pypdf import PdfReader, PdfWriter
from pypdf.generic import Fit, NameObject, TextStringObject

from .address import read_address
from .book_map import toc_parts
from .chromium import MISSING, executable
from .one_document import Book, document
from .paper import FILE

# Chromium counts the objects of its files one short.
logging.getLogger("pypdf").setLevel(logging.ERROR)

# The gallery repeats every figure of the book.
ON_SCREEN = {"front/gallery"}
# Chromium keeps the places that links lead to; so each heading has a link that nobody sees.
HEADINGS = """
() => [...document.querySelectorAll("h1, h2, h3, h4, h5")].map((heading, k) => {
  heading.id ||= `heading-${k}`;
  const link = document.createElement("a");
  link.href = `#${heading.id}`;
  link.hidden = true;
  document.body.append(link);
  const title = heading.textContent.replaceAll(/\\s+/g, " ").trim();
  return [Number(heading.tagName[1]), title, heading.id];
})
"""
FILL = """
pages => {
  for (const entry of document.querySelectorAll(".folio"))
    entry.textContent = pages[entry.dataset.place] ?? "";
}
"""


def read_book(root: Path) -> Book:
    """The book below `root`, as its last build left it."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return Book(
        site=root / "_build/html",
        parts=tuple(
            (caption, tuple(name for name in names if name not in ON_SCREEN))
            for caption, names in toc_parts(root)
        ),
        published=read_address(root).pages,
        title="Block by Block",
        subtitle="Multi-convex models for latent structure",
        version=project["version"],
    )


def write_pdf(book: Book, target: Path) -> None:
    """Print a book twice: a draft tells the numbers of pages, which its contents then show.

    Tags for every word and symbol would make the file three times as large, so it has none; the
    outline, which Chromium makes only together with tags, is made here from the headings.
    """
    from playwright.sync_api import sync_playwright

    path = executable()
    if path is None:
        raise SystemExit(MISSING)
    source = target.with_suffix(".html")
    source.write_text(document(book), encoding="utf-8")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = chromium.new_page()
        page.set_default_timeout(0)
        page.emulate_media(media="print", color_scheme="light", reduced_motion="reduce")
        page.goto(source.as_uri())
        page.evaluate("async () => { await window.MathJax?.startup?.promise }")
        page.evaluate("async () => { await document.fonts.ready }")
        headings = page.evaluate(HEADINGS)
        page.evaluate(FILL, page_numbers(_print(page)))
        printed = _print(page)
        chromium.close()
    source.unlink()
    writer = PdfWriter(clone_from=printed)
    _outline(writer, printed, headings)
    writer.root_object[NameObject("/Lang")] = TextStringObject("en")
    writer.write(target)


def page_numbers(reader: PdfReader) -> dict[str, int]:
    """The page on which each place that links lead to stands, counted from one."""
    return {
        name.removeprefix("/"): reader.get_destination_page_number(place) + 1
        for name, place in reader.named_destinations.items()
    }


def _print(page) -> PdfReader:
    options = {"prefer_css_page_size": True, "print_background": True, "tagged": False}
    return PdfReader(io.BytesIO(page.pdf(**options)))


def _outline(writer: PdfWriter, printed: PdfReader, headings: list[tuple[int, str, str]]) -> None:
    """One entry for each heading (level, title, place), below the nearest one of a higher level."""
    places, above = printed.named_destinations, {}
    for level, title, name in headings:
        place = places[f"/{name}"]
        above = {k: entry for k, entry in above.items() if k < level}
        above[level] = writer.add_outline_item(
            title=title,
            page_number=printed.get_destination_page_number(place),
            parent=above[max(above)] if above else None,
            fit=Fit.xyz(left=place.left, top=place.top),
        )


if __name__ == "__main__":
    start = time.monotonic()
    root = Path(__file__).resolve().parents[2]
    target = root / "_build/html" / FILE
    write_pdf(read_book(root), target)
    megabytes = target.stat().st_size / 1e6
    print(f"Printed {target}, {megabytes:.1f} MB, in {time.monotonic() - start:.0f} s.")
