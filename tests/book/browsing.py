"""What tests in a browser share: the screens, the browser of the machine, pictures and axe-core."""

from importlib.resources import files

from pages import ROOT

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
LOCAL = ("file:", "data:", "blob:", "about:")
# Why a request ended that the page itself left behind, by going to another or loading anew.
LEFT = "net::ERR_ABORTED"
# What axe finds fault with in the theme, never in the pages: selector, rule, and where it is known.
THEME_FAULTS = (
    (
        ".navbar-brand > *",
        "region",
        "https://github.com/pydata/pydata-sphinx-theme/pull/1454",
    ),
)


def shoot(page, docname, label):
    """Write a picture of the whole page to ``_build/screenshots`` for a person to look at."""
    folder = ROOT / "_build/screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    name = docname.replace("/", "-")
    page.screenshot(path=folder / f"{name}-{label}.png", full_page=True)


def violations(page, within="html"):
    """What axe-core finds beyond the faults of the theme: rule, impact and place."""
    return [
        f"{rule} ({impact}): {place}"
        for rule, impact, place, known in audit(page, within)
        if known is None
    ]


def audit(page, within="html"):
    """Rule, impact, place, and the number of the theme's fault if it is one of them."""
    page.evaluate((files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
    return page.evaluate(AUDIT, [within, [fault[:2] for fault in THEME_FAULTS]])


# Selectors are worked out for what is reported only: a third of the time.
AUDIT = """
async ([within, faults]) => {
  const {violations} = await axe.run(within, {resultTypes: ["violations"]});
  return violations.flatMap((rule) => rule.nodes.map((node) => {
    const element = document.querySelector(node.target.at(-1));
    const known = faults.findIndex(([selector, id]) => id === rule.id && element.matches(selector));
    return [rule.id, rule.impact, node.target.join(" "), known < 0 ? null : known];
  }));
}
"""
