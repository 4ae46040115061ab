"""Everything on a page that derives from the repository's address."""

from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive, directives

from .address import read_address
from .paper import FILE as PDF


def configure(app, config):
    """Give the theme and the pages the address."""
    address = read_address(Path(app.srcdir))
    config.html_theme_options |= {
        "repository_url": address.url,
        "repository_branch": address.branch,
    }
    config.html_baseurl = address.pages
    config.myst_substitutions = config.myst_substitutions | {
        "repository": f"[the repository]({address.url})",
        "pages": f"<{address.pages}>",
        "binder": f"[Binder]({address.binder()})",
        "pdf": f"[one PDF]({address.pages}{PDF})",
    }


class AddressedCode(Directive):
    """A block of commands in which ``@repository@`` and its like are filled in."""

    required_arguments = 1
    has_content = True
    option_spec = {"class": directives.class_option}  # noqa: RUF012

    def run(self):
        root = Path(self.state.document.settings.env.srcdir)
        text = read_address(root).fill("\n".join(self.content))
        block = nodes.literal_block(text, text, language=self.arguments[0])
        self.add_name(block)
        return [block]


def setup(app):
    app.connect("config-inited", configure)
    app.add_directive("addressed-code", AddressedCode)
