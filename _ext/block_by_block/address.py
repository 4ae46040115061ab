"""The repository's address, read from where it stands, and all that derives from it."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

# The branch that holds the downloads of the published site.
NOTEBOOKS = "notebooks"


@dataclass(frozen=True)
class Address:
    """Public address of the repository, ``https://<host>/<owner>/<name>``."""

    url: str
    branch: str = "main"

    @property
    def owner(self) -> str:
        return self.url.rsplit("/", 2)[1]

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[1]

    @property
    def pages(self) -> str:
        """Where the built book is published."""
        return f"https://{self.owner}.github.io/{self.name}/"

    @property
    def origin(self) -> str:
        """The published book as servers see who asks them: scheme and host."""
        return self.pages.removesuffix(f"/{self.name}/")

    def file(self, path: str, line: int | None = None) -> str:
        """Where a reader sees one file of the repository."""
        return f"{self.url}/blob/{self.branch}/{path}" + (f"#L{line}" if line else "")

    def binder(self, path: str = "") -> str:
        """Where Binder opens a page as a notebook: see ``binder/`` for the other half."""
        return f"https://mybinder.org/v2/gh/{self.owner}/{self.name}/{self.branch}" + (
            f"?urlpath=lab/tree/{path}" if path else ""
        )

    def colab(self, docname: str) -> str:
        """Where Colab opens the notebook of a page: it reads notebooks of a branch of their own."""
        place = f"{self.owner}/{self.name}/blob/{NOTEBOOKS}/{docname}.ipynb"
        return f"https://colab.research.google.com/github/{place}"

    def edit(self, docname: str) -> str:
        """Where a reader changes the text of a page and proposes the change."""
        return f"{self.url}/edit/{self.branch}/{docname}.md"

    def issue(self, title: str, body: str) -> str:
        """A form for a new issue of which title and text are filled in."""
        return f"{self.url}/issues/new?" + urlencode(
            {"title": title, "body": body}, quote_via=quote
        )

    def fill(self, text: str) -> str:
        """Replace the markers that pages use, for instance in a command to type."""
        markers = {
            "@repository@": self.url,
            "@repository-name@": self.name,
            "@pages@": self.pages,
            "@origin@": self.origin,
            "@binder@": self.binder(),
            "@branch@": self.branch,
        }
        for marker, value in markers.items():
            text = text.replace(marker, value)
        return text


def read_address(root: Path) -> Address:
    """The address in ``[project.urls]`` of ``pyproject.toml``."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return Address(project["urls"]["Repository"].rstrip("/"))
