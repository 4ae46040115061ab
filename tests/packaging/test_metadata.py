"""Version, licences, citation and address are each said once, or agree."""

import importlib.metadata
import re

import pytest

import multiconvex


def test_the_version_is_one(repository, pyproject):
    version = pyproject["project"]["version"]
    citation = (repository / "CITATION.cff").read_text()
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE)[1] == version
    assert importlib.metadata.version("multiconvex") == version
    assert multiconvex.__version__ == version


def test_the_citation_follows_its_schema(tool, repository):
    schema = "vendor.citation-file-format"
    tool("check-jsonschema", "--builtin-schema", schema, repository / "CITATION.cff")


def test_the_citation_names_the_licences_and_authors_of_the_package(repository, pyproject):
    citation = (repository / "CITATION.cff").read_text()
    for licence in pyproject["project"]["license"].split(" AND "):
        assert f"  - {licence}\n" in citation
    for author in pyproject["project"]["authors"]:
        assert f"name: {author['name']}\n" in citation


@pytest.mark.parametrize(
    ("file", "sentences"),
    [
        ("LICENSE", ["BSD 3-Clause License", "3. Neither the name of the copyright holder"]),
        (
            "LICENSE-TEXT",
            [
                "https://creativecommons.org/licenses/by/4.0/legalcode",
                "Creative Commons Attribution 4.0 International Public License",
                "Section 8 -- Interpretation.",
            ],
        ),
    ],
)
def test_the_licences_are_complete(repository, file, sentences):
    text = (repository / file).read_text()
    assert all(sentence in text for sentence in sentences)


def test_the_changelog_opens_with_what_is_not_released_or_with_this_version(repository, pyproject):
    heading = re.search(r"^## (.+)$", (repository / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    version = re.escape(pyproject["project"]["version"])
    assert re.fullmatch(rf"Unreleased|{version} - \d{{4}}-\d{{2}}-\d{{2}}", heading)


def test_the_address_of_the_repository_stands_in_one_place(repository, tracked, pyproject):
    address = pyproject["project"]["urls"]["Repository"]
    path = address.removeprefix("https://github.com/")
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", path)
    naming = [str(file) for file in tracked if path.encode() in (repository / file).read_bytes()]
    assert naming == ["pyproject.toml"]
