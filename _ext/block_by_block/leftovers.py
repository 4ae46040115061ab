"""A page that no one can reach from the table of contents fails the build."""

from pathlib import Path

from sphinx.util import logging

from .redirects import moved_pages

logger = logging.getLogger(__name__)

GENERATED = {"index", "search", "genindex", "404"}
GENERATED_FOLDERS = {"_modules", "_static"}


def leftovers(outdir: Path, docnames: set[str]) -> list[str]:
    """Pages below `outdir` that stand neither in the table of contents nor for Sphinx itself."""
    pages = (path.relative_to(outdir) for path in outdir.rglob("*.html"))
    return sorted(
        page.as_posix()
        for page in pages
        if page.with_suffix("").as_posix() not in docnames | GENERATED
        and page.parts[0] not in GENERATED_FOLDERS
    )


def refuse(app, exception):
    if exception is None and app.builder.format == "html":
        known = {*app.env.found_docs, *moved_pages(Path(app.srcdir))}
        for page in leftovers(Path(app.outdir), known):
            logger.warning("the page %s is not in _toc.yml", page)


def setup(app):
    app.connect("build-finished", refuse)
