"""Sphinx extension of the book: what ``_config.yml`` cannot say.

``setup`` connects each concern to the step of the build where it acts; the concerns live in the
modules beside this one.
"""

from . import api, assets, atlas, downloads, environment, facts, hops, leftovers, links, markup


def setup(app):
    for concern in (
        environment,
        links,
        assets,
        atlas,
        api,
        facts,
        hops,
        markup,
        downloads,
        leftovers,
    ):
        concern.setup(app)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
