"""A fit on one page that can be sent to somebody."""

import base64
import html
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

from multiconvex.own_data.exporting import as_csv, as_npz, check_names, factor_arrays, trace_csv

_EMBEDDED = 1_000_000  # numbers; larger factors are left to export_factors
_PACKAGES = ("multiconvex", "numpy", "scipy", "numba")
_STYLE = """
:root { color-scheme: light dark;
  --ink: #24292f; --paper: #fffffe; --line: #d9dde2; --link: #2158c9;
  --quiet: #5b6470; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e7ec; --paper: #121212; --line: #3a4048; --link: #78a6ff;
    --quiet: #a3acb8;
    --mbx-ink: #e3e7ec; --mbx-muted: #a3acb8; --mbx-grid: #3a4048; --mbx-surface: #121212;
    --mbx-c0: #78a6ff; --mbx-c1: #e35f38; --mbx-c2: #6fe8a4; --mbx-c3: #f7b6f2; --mbx-c4: #d9aa30;
    --mbx-c5: #2d90b3; --mbx-c6: #9360e3; --mbx-c7: #b85468; }
}
body { margin: 0 auto; max-width: 46rem; padding: 1.5rem 1rem 3rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.5 "Segoe UI", Roboto, "Noto Sans", Arial, sans-serif; }
h1, h2 { font-family: Charter, Cambria, Georgia, serif; line-height: 1.2; }
h2 { margin-top: 2.2rem; }
a { color: var(--link); }
table { border-collapse: collapse; }
td, th { padding: 0.3rem 0.9rem 0.3rem 0; border-bottom: 1px solid var(--line); text-align: left; }
caption { text-align: left; padding-bottom: 0.3rem; }
svg { max-width: 100%; height: auto; }
h1, p, li { overflow-wrap: anywhere; }
figure { margin: 0; }
figcaption { color: var(--quiet); font-size: 0.9rem; }
.scroll { overflow-x: auto; }
@media print {
  :root { color-scheme: light; }
  section { break-inside: avoid; }
}
"""


def write_report(
    path, result, *, title="Report of a fit", data=None, sections=None, settings=None, names=None
):
    r"""Write a fit to one HTML page that needs no other file.

    The page says how the fit ended and, where the data are given, what it leaves unexplained,

    .. math:: \frac{\|X - \hat X\|_F}{\|X\|_F} .

    It shows what `sections` hold, and has the factors to download, as CSV and in one NPZ file, the
    settings, and the versions of the programs that computed it.

    Parameters
    ----------
    path : str or pathlib.Path
        Name of the page; it must end with ``.html``. Its folder is made where it is missing.
    result : Result
        Of any fit.
    title : str
    data : ndarray, optional
        What was fitted, for the relative residual. The result must have ``reconstruct()``.
    sections : dict, optional
        From heading to what is shown below: a figure of ``viz``, a table, the report of
        :func:`inspect_array`, or a sentence.
    settings : dict, optional
        What was chosen, such as ``{"file": "scene.npy", "rank": 3}``.
    names : dict of str to sequence of str, optional
        Names of the rows of a factor, as in :func:`export_factors`.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    TypeError
        For what is not the result of a fit, and for a section that cannot be shown.
    ValueError
        For a name that does not end with ``.html``, and for data of another shape than the model.

    Notes
    -----
    Factors of more than a million numbers are not put on the page: use :func:`export_factors`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from multiconvex import nmf, write_report
    >>> X = np.ones((3, 4))
    >>> with TemporaryDirectory() as folder:
    ...     page = write_report(
    ...         Path(folder) / "ones.html", nmf(X, 1, random_state=0), data=X, settings={"rank": 1}
    ...     )
    ...     page.read_text().startswith("<!doctype html>")
    True
    """
    path = Path(path)
    if path.suffix.lower() != ".html":
        raise ValueError(f"path must end with .html, got {path.name!r}.")
    arrays = factor_arrays(result)
    names = check_names(names, arrays)
    parts = [_section("How it ended", _facts(_outcome(result, data)))]
    parts += [_section(name, _shown(name, what)) for name, what in (sections or {}).items()]
    if settings:
        parts.append(_section("Settings", _facts(settings)))
    parts.append(_section("Factors", _downloads(arrays, names, result)))
    parts.append(_section("Computed with", _facts(_versions())))
    heading = html.escape(title)
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{heading}</h1>\n{''.join(parts)}</main>\n</body>\n</html>\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def _outcome(result, data):
    facts = {
        "model": type(result).__name__,
        "objective": f"{result.objective:.6g}",
        "sweeps": result.n_iter,
        "status": result.status,
    }
    if data is not None:
        facts["relative residual"] = f"{_relative_residual(result, data):.3g}"
    return facts


def _relative_residual(result, data):
    if not hasattr(result, "reconstruct"):
        raise TypeError(f"{type(result).__name__} has no model of the data: leave out data=.")
    model = result.reconstruct()
    pairs = list(zip(data, model)) if isinstance(model, list) else [(data, model)]
    if len(data) != len(model) or any(np.shape(X) != M.shape for X, M in pairs):
        raise ValueError("data must be what was fitted: their shape is not that of the model.")
    lost = sum(float(np.sum((np.asarray(X) - M) ** 2)) for X, M in pairs)
    return np.sqrt(lost / sum(float(np.sum(np.square(X, dtype=float))) for X, _ in pairs))


def _versions():
    facts = {package: version(package) for package in _PACKAGES}
    return {
        **facts,
        "Python": platform.python_version(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _downloads(arrays, names, result):
    trace = _link("trace.csv", "text/csv", trace_csv(result.trace).encode())
    history = f"<p>History of the fit: {trace}.</p>"
    if sum(array.size for array in arrays.values()) > _EMBEDDED:
        return f"<p>The factors are too large for this page: use export_factors.</p>{history}"
    rows = "".join(
        f"<tr><td>{name}</td><td>{' × '.join(map(str, array.shape))}</td><td>"
        f"{_link(f'{name}.csv', 'text/csv', as_csv(array, names.get(name)).encode())}</td></tr>"
        for name, array in arrays.items()
    )
    every = _link("factors.npz", "application/octet-stream", as_npz(arrays))
    return (
        '<div class="scroll"><table><thead><tr><th scope="col">factor</th>'
        '<th scope="col">shape</th><th scope="col">table</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div><p>All in one file of NumPy: {every}.</p>{history}"
    )


def _link(name, kind, content):
    coded = base64.b64encode(content).decode()
    return f'<a download="{name}" href="data:{kind};base64,{coded}">{name}</a>'


def _facts(facts):
    rows = "".join(
        f'<tr><th scope="row">{html.escape(str(name))}</th><td>{html.escape(str(value))}</td></tr>'
        for name, value in facts.items()
    )
    return f'<div class="scroll"><table><tbody>{rows}</tbody></table></div>'


def _shown(name, what):
    if isinstance(what, str):
        return f"<p>{html.escape(what)}</p>"
    if hasattr(what, "svg"):
        return f"<figure>{what.svg()}<figcaption>{html.escape(what.alt)}</figcaption></figure>"
    if hasattr(what, "_repr_html_"):
        return what._repr_html_()
    raise TypeError(
        f"Section {name!r} cannot be shown: pass a figure of viz, a table or a sentence, got "
        f"{type(what).__name__}."
    )


def _section(heading, content):
    return f"<section>\n<h2>{html.escape(heading)}</h2>\n{content}\n</section>\n"
