"""What a reader has to say: links that name the page and its version, and comments on request.

Comments are off until ``book_comments`` in ``_config.yml`` says where they are kept. Even then a
page asks nothing of anyone before the reader presses the button.
"""

from html import escape
from pathlib import Path

from sphinx.errors import ConfigError

from .address import Address, read_address
from .facts import revision

COMMENTS = ("repo_id", "category", "category_id")
BODY = """\
Page: {page}
Version: {version}

What I read or did, what I expected, and what I found instead:

"""


def add_feedback(app, pagename, templatename, context, doctree):
    """End the text of a page with its feedback, and let the theme's menu open the same form."""
    if doctree is None or pagename not in app.env.found_docs:
        return
    root = Path(app.srcdir)
    address = read_address(root)
    title = app.env.titles[pagename].astext()
    issue = issue_about(address, pagename, title, revision(root))
    for menu in context.get("header_buttons", ()):
        for button in menu.get("buttons", ()):
            if button.get("label") == "source-issues-button":
                button["url"] = escape(issue)
    context["body"] += feedback(address.edit(pagename), issue)
    if app.config.book_comments:
        context["body"] += comments(address, app.config.book_comments, pagename)


def issue_about(address: Address, docname: str, title: str, version: str) -> str:
    """The form for an issue about one page of one version of the book."""
    body = BODY.format(page=f"{address.pages}{docname}.html", version=version)
    return address.issue(f"{title}: ", body)


def feedback(edit: str, issue: str) -> str:
    """Two links as HTML."""
    return (
        '<div class="feedback"><p>Is something unclear, missing or wrong? '
        f'<a href="{escape(edit)}">Suggest an edit</a> of this page or '
        f'<a href="{escape(issue)}">open an issue</a>, which already names the page and its '
        "version.</p></div>"
    )


def comments(address: Address, settings: dict, docname: str) -> str:
    """A button that loads the comments of a page, and says from where, as HTML."""
    data = {"repo": f"{address.owner}/{address.name}", "term": docname, **settings}
    attributes = " ".join(
        f'data-{name.replace("_", "-")}="{escape(value)}"' for name, value in data.items()
    )
    discussions = f'<a href="{escape(address.url)}/discussions">GitHub Discussions</a>'
    return (
        f'<div class="comments" {attributes}>'
        f"<p>Comments on this page are kept in {discussions} and shown by giscus.app. So far this "
        "page has asked neither for anything; the button loads what they hold, and they then see "
        "the address of your computer.</p>"
        '<p><button type="button" hidden>Load the comments from giscus.app</button></p>'
        '<p role="status"></p></div>'
    )


def check(app, config):
    """Refuse settings of the comments with which nothing could be shown."""
    settings = config.book_comments
    if settings and set(settings) != set(COMMENTS):
        raise ConfigError(
            f"book_comments in _config.yml must set {', '.join(COMMENTS)} and nothing else, got "
            f"{', '.join(settings)}: giscus.app tells their values, or leave {{}} for no comments."
        )


def setup(app):
    app.add_config_value("book_comments", {}, "html", types=[dict])
    app.connect("config-inited", check)
    # After the theme has filled its menus.
    app.connect("html-page-context", add_feedback, priority=600)
