"""The repository's address, read from where it stands, and all that derives from it."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


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

    def file(self, path: str, line: int | None = None) -> str:
        """Where a reader sees one file of the repository."""
        return f"{self.url}/blob/{self.branch}/{path}" + (f"#L{line}" if line else "")

    def binder(self, path: str = "") -> str:
        """Where Binder opens a page as a notebook: see ``binder/`` for the other half."""
        return f"https://mybinder.org/v2/gh/{self.owner}/{self.name}/{self.branch}" + (
            f"?urlpath=lab/tree/{path}" if path else ""
        )

    def fill(self, text: str) -> str:
        """Replace the markers that pages use, for instance in a command to type."""
        markers = {
            "@repository@": self.url,
            "@repository-name@": self.name,
            "@pages@": self.pages,
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
