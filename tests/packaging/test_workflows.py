"""The workflows are valid, pinned, and cover the Pythons the package promises."""

import re

import pytest

WORKFLOWS = ("tests", "book", "weekly")


@pytest.fixture(scope="module")
def workflows(repository):
    return {name: repository / f".github/workflows/{name}.yml" for name in WORKFLOWS}


def test_no_other_workflow_escapes_these_tests(repository, workflows):
    assert set((repository / ".github/workflows").iterdir()) == set(workflows.values())


@pytest.mark.parametrize(
    "schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"]
)
def test_workflows_follow_their_schema(tool, workflows, schema):
    tool("check-jsonschema", "--builtin-schema", schema, *workflows.values())


def test_dependabot_follows_its_schema(tool, repository):
    schema = "vendor.dependabot"
    tool("check-jsonschema", "--builtin-schema", schema, repository / ".github/dependabot.yml")


def test_the_strictest_audit_finds_nothing(tool, repository):
    tool("zizmor", "--offline", "--no-progress", "--persona", "auditor", repository / ".github")


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned_by_commit_and_name_their_release(workflows, name):
    used = re.findall(r"uses: *(.+)", workflows[name].read_text())
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_an_action_has_one_pin_everywhere(workflows):
    text = "".join(path.read_text() for path in workflows.values())
    pins = set(re.findall(r"uses: *(.+)", text))
    assert len(pins) == len({pin.partition("@")[0] for pin in pins})


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_has_no_permission_that_a_job_does_not_ask_for(workflows, name):
    text = workflows[name].read_text()
    assert re.search(r"^permissions: \{\}$", text, re.MULTILINE)
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


def test_the_tests_run_on_every_promised_python_and_system(workflows, pyproject):
    text = workflows["tests"].read_text()
    classifiers = pyproject["project"]["classifiers"]
    promised = [c.rpartition(" ")[2] for c in classifiers if re.search(r":: 3\.\d+$", c)]
    assert re.findall(r'"(3\.\d+)"', text) == promised
    assert re.search(r"system: \[ubuntu-[\d.]+, macos-\d+\]", text)
