"""Sphinx extension of the book: what ``_config.yml`` cannot say.

``setup`` connects each concern to the step of the build where it acts; the concerns live in the
modules beside this one.
"""

from . import (
    api,
    assets,
    atlas,
    chapter_map,
    chooser,
    downloads,
    environment,
    executions,
    facts,
    feedback,
    gallery,
    hops,
    launch,
    leftovers,
    links,
    live,
    markup,
    not_found,
    onward,
    paper,
    redirects,
    sharing,
    sitemap,
    typography,
)


def setup(app):
    for concern in (
        environment,
        links,
        assets,
        atlas,
        api,
        facts,
        executions,
        chooser,
        chapter_map,
        gallery,
        onward,
        hops,
        markup,
        typography,
        downloads,
        launch,
        live,
        feedback,
        paper,
        not_found,
        redirects,
        sharing,
        sitemap,
        leftovers,
    ):
        concern.setup(app)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
