"""House limits: what a chapter, a module and a file of this repository may look like."""

import ast
import re
import statistics
import subprocess
from functools import cache

import jupytext
import pytest
from block_by_block.address import read_address
from block_by_block.book_map import chapters
from pages import ROOT

CHAPTERS = [chapter.docname for chapter in chapters(ROOT)]
MODULES = sorted((ROOT / "src/multiconvex").rglob("*.py"))
EXERCISE = re.compile(r"\{exercise(?:-start)?\}[^\n]*\n(?::class:[^\n]*\n)?:label: (?P<label>\S+)")
LISTING = re.compile(
    r"\{literalinclude\} (?P<path>\S+)\n(?::language:[^\n]*\n)?:pyobject: (?P<name>\S+)\n"
    r"(?P<dedent>:dedent: 4\n)?"
)
SOLUTION = re.compile(
    r"\{solution-start\} (?P<label>\S+)\n(?P<options>(?::[^\n]*\n)*)(?P<body>.*?)\{solution-end\}",
    re.DOTALL,
)

# From the ground up: a module imports from its own floor or from one below.
FLOORS = (
    {
        "checks",
        "checkpoints",
        "memo",
        "kernels",
        "operands",
        "operands_chunked",
        "operators",
        "parafac2_set",
        "progress",
        "pursuit",
        "quadratic",
        "row_kernels",
        "sparse_search",
        "sparse_tableau",
        "stabilisation",
        "stopping",
        "unrolled_layers",
    },
    {
        "penalties",
        "image_penalties",
        "implicit_rules",
        "picked_atoms",
        "total_variation",
        "balancing",
        "losses",
        "divergence",
        "problem",
        "trace",
        "datasets",
    },
    {"acceleration", "marginals", "updates"},
    {"engine", "nested", "diagnostics"},
    {"regression", "sparse_regression", "models"},
    {"estimators"},
    {"studies"},
    {"viz"},
    {"own_data"},
)
FLOOR_OF = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


@cache
def source(docname):
    return (ROOT / f"{docname}.md").read_text(encoding="utf-8")


@cache
def notebook(docname):
    return jupytext.reads(source(docname), fmt="md:myst")


def cells(docname):
    return [cell for cell in notebook(docname).cells if cell.cell_type == "code"]


def shows_a_picture(cell):
    """Whether the last expression of a cell is a figure of ``viz``; a table has its own caption."""
    body = ast.parse(cell.source).body
    if not body or not isinstance(body[-1], ast.Expr) or not isinstance(body[-1].value, ast.Call):
        return False
    called = body[-1].value.func
    if ast.unparse(called) == "viz.table":
        return False
    while isinstance(called, ast.Attribute):
        called = called.value
    return isinstance(called, ast.Name) and called.id == "viz"


def figure_of(cell):
    return cell.metadata.get("mystnb", {}).get("figure", {})


def tags_of(cell):
    return cell.metadata.get("tags", [])


@pytest.mark.parametrize("docname", CHAPTERS)
def test_cells_are_short(docname):
    lengths = [
        sum(bool(line.strip()) for line in cell.source.splitlines()) for cell in cells(docname)
    ]
    assert statistics.median(lengths) <= 5
    assert statistics.quantiles(lengths, n=10)[-1] <= 12
    assert max(lengths) <= 25


@pytest.mark.parametrize("docname", CHAPTERS)
def test_cells_define_only_what_the_reader_edits(docname):
    for cell in cells(docname):
        if "reader-edits" in tags_of(cell):
            continue
        defined = [
            node.name
            for node in ast.walk(ast.parse(cell.source))
            if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        ]
        assert defined == [], f"{docname} defines {defined}: move it to the package"


@pytest.mark.parametrize("docname", CHAPTERS)
def test_cells_plot_with_the_package_only(docname):
    for cell in cells(docname):
        assert not re.search(r"\bplt\.|\bmatplotlib\b|%matplotlib|sys\.path|!pip", cell.source)
        assert not re.search(r"""["'](?:\.\./|\./|/)""", cell.source), "a path in a cell"


@pytest.mark.parametrize("docname", CHAPTERS)
def test_no_code_is_removed_from_live_pages(docname):
    removed = [tag for cell in cells(docname) for tag in tags_of(cell) if tag.startswith("remove")]
    assert removed == []


@pytest.mark.parametrize("docname", CHAPTERS)
def test_figures_are_named_captioned_and_referred_to(docname):
    unnamed = [c.source for c in cells(docname) if shows_a_picture(c) and not figure_of(c)]
    assert unnamed == [], "a figure without mystnb.figure"
    figures = [figure_of(cell) for cell in cells(docname) if figure_of(cell)]
    assert figures
    for figure in figures:
        assert figure["name"].startswith("fig-")
        assert len(figure["caption"].split()) >= 5, f"{figure['name']}: state the finding"
        assert f"{{numref}}`{figure['name']}`" in source(docname), f"{figure['name']} is not cited"


@pytest.mark.parametrize("docname", CHAPTERS)
def test_a_chapter_is_neither_thin_nor_long(docname):
    assert 1500 <= len(words(docname)) <= 3000


@pytest.mark.parametrize("docname", CHAPTERS)
def test_exercises_have_folded_solutions_that_execute(docname):
    exercises = [match["label"] for match in EXERCISE.finditer(source(docname))]
    solutions = {match["label"]: match for match in SOLUTION.finditer(source(docname))}
    assert 3 <= len(exercises) <= 5
    assert set(solutions) == set(exercises)
    for label, solution in solutions.items():
        assert ":class: dropdown" in solution["options"], f"{label} is not folded"
        assert "{code-cell}" in solution["body"], f"{label} executes nothing"


@pytest.mark.parametrize("docname", CHAPTERS)
def test_a_chapter_opens_and_closes_like_the_others(docname):
    text = source(docname)
    opening = re.search(
        r"^:::+\{admonition\} In this chapter\n:class: chapter-box$", text, re.MULTILINE
    )
    assert opening
    for promise in ("**You will be able to**", "**You need**", "**Runs in**", "**Code**"):
        assert promise in text[opening.start() : opening.start() + 1500]
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings.index("Exercises") < headings.index("To remember")
    assert headings[-1] in ("To remember", "Further reading")


@pytest.mark.parametrize("docname", CHAPTERS)
def test_listings_name_what_is_there_and_methods_start_at_the_margin(docname):
    page = ROOT / f"{docname}.md"
    text = page.read_text(encoding="utf-8")
    listings = list(LISTING.finditer(text))
    assert len(listings) == text.count(":pyobject:")
    for listing in listings:
        body = ast.parse((page.parent / listing["path"]).read_text(encoding="utf-8")).body
        for name in listing["name"].split("."):
            (found,) = (node for node in body if getattr(node, "name", None) == name)
            body = found.body
        assert bool(listing["dedent"]) == ("." in listing["name"])


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_modules_are_small(module):
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_flow_one_way(module):
    home = room_of(".".join(module.relative_to(ROOT / "src").with_suffix("").parts))
    if home is None:
        return
    above = {
        name
        for name in imported(module)
        if (room := room_of(name)) and FLOOR_OF[room] > FLOOR_OF[home]
    }
    assert above == set(), f"{home} builds on what stands above it"


def test_chapters_import_the_public_package_only():
    for docname in CHAPTERS:
        for cell in cells(docname):
            private = re.findall(r"multiconvex(?:\.\w+)*\._\w+", cell.source)
            assert private == []


def test_no_file_names_a_registry_or_a_machine():
    hosts = [
        "py" + "pi.org",
        "python" + "hosted.org",
        "registry.npm" + "js",
        "conda.anaconda" + ".org",
    ]
    machine = re.compile(r"(?<![\w./~:-])/(?:work|root|home|Users|tmp)/\w")
    for path, text in tracked_texts():
        named = [host for host in hosts if host in text]
        assert named == [], f"{path} names {named}"
        found = machine.search(text)
        assert not found, f"{path}: {text[found.start() : found.start() + 40]}"


def test_the_address_stands_in_one_place():
    url = read_address(ROOT).url.removeprefix("https://")
    holders = [path for path, text in tracked_texts() if url in text]
    assert holders == ["pyproject.toml"]


def room_of(module):
    """The part of the package a dotted module name belongs to, None for the package itself."""
    parts = module.split(".")
    return (
        parts[1] if parts[0] == "multiconvex" and len(parts) > 1 and parts[1] in FLOOR_OF else None
    )


def imported(path):
    """Dotted names a module imports, anywhere in it."""
    package = ".".join(path.relative_to(ROOT / "src").parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            prefix = ".".join(base) if node.level else ""
            full = ".".join(filter(None, (prefix, node.module)))
            yield from (f"{full}.{alias.name}" for alias in node.names)


def words(docname):
    """The words a reader reads: code, mathematics and the options of directives left out."""
    text = "\n".join(c.source for c in notebook(docname).cells if c.cell_type == "markdown")
    text = re.sub(
        r"^```\{(?:literalinclude|figure)\}.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL
    )
    text = re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)
    text = re.sub(r"^(?::\w+:.*|[`:]{3,}.*|\([\w-]+\)=)$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\$[^$]*\$", "x", text)
    text = re.sub(r"\{[\w:]+\}`([^`]*)`", r"\1", text)
    return re.findall(r"[^\W\d_][\w'’-]*", text)


@cache
def tracked_texts():
    """Path and text of every file of the repository that is not ignored."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    if not listed:
        pytest.skip("not a git repository")
    return [
        (name, (ROOT / name).read_text(encoding="utf-8", errors="ignore"))
        for name in listed
        if (ROOT / name).is_file()
    ]
