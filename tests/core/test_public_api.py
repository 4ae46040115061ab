"""What a user can import, how light it is, and how it is documented."""

import dataclasses
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator

import multiconvex
from multiconvex import LabelPenalty, Update

NAMES = [name for name in multiconvex.__all__ if name not in ("datasets", "studies", "viz")]
CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"


def public(kind):
    return [name for name in NAMES if kind(getattr(multiconvex, name))]


def is_algorithm(thing):
    """Return whether an object fits something: an update, a model, an engine, an estimator."""
    room = thing.__module__.split(".")[1]
    fits = inspect.isfunction(thing) and room in ("models", "engine", "regression", "programming")
    kinds = (Update, LabelPenalty, BaseEstimator)
    rule = inspect.isclass(thing) and issubclass(thing, kinds) and not inspect.isabstract(thing)
    others = ("LatentFactorModel", "Extrapolation", "Compression")
    return fits or rule or getattr(thing, "__name__", "") in others


def sections(thing):
    return set(
        re.findall(r"^ *([A-Z][a-z ]+)\n *-{4,}$", inspect.getdoc(thing), flags=re.MULTILINE)
    )


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_is_light():
    code = (
        "import multiconvex, sys;"
        "heavy = 'matplotlib sklearn tensorly skimage pandas pooch ipywidgets'.split();"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert run(code).strip() == "[]"


def test_the_core_needs_neither_plots_nor_peers():
    code = (
        "import sys, numpy as np, multiconvex as mc;"
        "mc.nnls(np.eye(2), np.ones(2)); mc.alternate; mc.cp; mc.nmf;"
        "print([m for m in ('matplotlib','tensorly','skimage') if m in sys.modules])"
    )
    assert run(code).strip() == "[]"


def test_every_name_is_listed_sorted_and_found():
    assert multiconvex.__all__ == sorted(set(multiconvex.__all__)) == dir(multiconvex)
    for name in NAMES:
        assert getattr(multiconvex, name).__name__ == name


def test_promised_names():
    promised = [
        "alternate",
        "nnls",
        "nnkl",
        "nmf",
        "separable_nmf",
        "cp",
        "Result",
        "Trace",
        "NMF",
        "SeparableNMF",
    ]
    assert set(promised) <= set(NAMES)


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="module 'multiconvex' has no attribute 'solver'"):
        multiconvex.solver  # noqa: B018


def test_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert multiconvex.__version__ == version("multiconvex")


@pytest.mark.parametrize("name", NAMES)
def test_documented(name):
    thing = getattr(multiconvex, name)
    assert inspect.getdoc(thing), name
    assert "__doc__" in vars(thing) if inspect.isclass(thing) else True
    first = inspect.getdoc(thing).splitlines()[0]
    assert first.endswith((".", ":")), first
    if inspect.isfunction(thing):
        assert "Examples" in sections(thing)
        assert {"Parameters", "Returns"} & sections(thing) or "See :func:" in thing.__doc__


@pytest.mark.parametrize("name", public(is_algorithm))
def test_algorithms_say_guarantee_cost_and_chapter(name):
    text = inspect.getdoc(getattr(multiconvex, name))
    assert "Examples" in sections(getattr(multiconvex, name))
    for word in ("Guarantee: ", "Cost: ", "Chapter: "):
        assert len(re.findall(rf"^{word}\S", text, flags=re.MULTILINE)) == 1, word
    chapter = re.search(r"^Chapter: :doc:`/chapters/(.+)`\.?$", text, flags=re.MULTILINE)
    assert (CHAPTERS / f"{chapter[1]}.md").exists()


@pytest.mark.parametrize("name", public(inspect.isfunction))
def test_every_parameter_is_documented(name):
    function = getattr(multiconvex, name)
    if "See :func:" in inspect.getdoc(function):
        return
    parameters = inspect.getdoc(function).split("Returns\n")[0]
    for parameter in inspect.signature(function).parameters:
        assert re.search(
            rf"^(.*\b)?{parameter}\b.*", parameters.split("Parameters\n")[1], re.MULTILINE
        )


@pytest.mark.parametrize("name", ["nmf", "cp", "separable_nmf", "nnls", "nnkl"])
def test_everything_after_the_data_is_keyword_only(name):
    parameters = inspect.signature(getattr(multiconvex, name)).parameters.values()
    kinds = [p.kind for p in parameters]
    assert kinds[:2] == [inspect.Parameter.POSITIONAL_OR_KEYWORD] * 2
    assert set(kinds[2:]) == {inspect.Parameter.KEYWORD_ONLY}
    assert not any(p.name.startswith("return_") for p in parameters)


@pytest.mark.parametrize("name", public(dataclasses.is_dataclass))
def test_options_are_frozen(name):
    if issubclass(getattr(multiconvex, name), BaseEstimator):
        return
    assert getattr(multiconvex, name).__dataclass_params__.frozen


def test_rooms_hold_what_they_are_said_to():
    for room, names in multiconvex._ROOMS.items():
        module = importlib.import_module(f"multiconvex.{room}")
        for name in names:
            assert hasattr(module, name)
