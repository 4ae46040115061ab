"""The page that readers see at an address where there is none.

A web server answers with it at any depth, so it carries its own style and its links are absolute.
"""

from html import escape
from pathlib import Path
from string import Template

from .address import read_address
from .assets import palette_css
from .book_map import toc_parts

TEMPLATE = Path(__file__).with_name("not_found.html")


def not_found(base: str, parts: dict[str, list[tuple[str, str]]]) -> str:
    """The page, with a list of all chapters: pairs of page and title, part by part."""
    contents = "\n".join(
        f"<section><h2>{escape(caption)}</h2>\n<ul>\n{_links(base, pages)}\n</ul></section>"
        for caption, pages in parts.items()
    )
    template = Template(TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(base=base, contents=contents, palette=palette_css())


def _links(base, pages):
    return "\n".join(
        f'<li><a href="{base}{docname}.html">{escape(title)}</a></li>' for docname, title in pages
    )


def write_not_found(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    root, titles = Path(app.srcdir), app.env.titles
    parts = {
        caption: [
            (name, titles[name].astext())
            for name in names
            if name in titles and "/api/" not in name
        ]
        for caption, names in toc_parts(root)
        if caption
    }
    page = not_found(read_address(root).pages, parts)
    (Path(app.outdir) / "404.html").write_text(page, encoding="utf-8")


def setup(app):
    app.connect("build-finished", write_not_found)
