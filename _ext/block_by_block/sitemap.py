"""What search engines read: the list of all pages, and where it is."""

import xml.etree.ElementTree as ET
from pathlib import Path

from .address import read_address
from .book_map import toc_docnames

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def sitemap(base: str, docnames: list[str]) -> bytes:
    """The addresses of pages below `base`, in the format of sitemaps.org."""
    urls = ET.Element("urlset", xmlns=NAMESPACE)
    for docname in docnames:
        ET.SubElement(ET.SubElement(urls, "url"), "loc").text = f"{base}{docname}.html"
    ET.indent(urls)
    return ET.tostring(urls, encoding="utf-8", xml_declaration=True)


def robots(base: str) -> str:
    """Leave to read everything, and the address of the sitemap.

    Crawlers look for it at the root of a host: it is read where the book has a host of its own.
    """
    return f"User-agent: *\nAllow: /\n\nSitemap: {base}sitemap.xml\n"


def write_sitemap(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    root, out = Path(app.srcdir), Path(app.outdir)
    base = read_address(root).pages
    (out / "sitemap.xml").write_bytes(sitemap(base, toc_docnames(root)))
    (out / "robots.txt").write_text(robots(base), encoding="utf-8")


def setup(app):
    app.connect("build-finished", write_sitemap)
