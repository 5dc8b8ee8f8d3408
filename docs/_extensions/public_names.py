"""The pages of the API, one for each room, written from the list of public names before a build."""

import re
from pathlib import Path

import jominy

_ABOUT = {
    "attacks": "Attacks",
    "audits": "Attacks under audit",
    "data": "Data laws, spectra, your samples",
    "dynamics": "Forecast, simulation, optimum, stability",
    "errors": "Errors",
    "losses": "Losses",
    "meanfield": "Wide random networks: theory",
    "models": "Trained models",
    "networks": "Real networks (needs PyTorch)",
    "optimizers": "Optimizers",
    "results": "Results and files",
    "schedules": "Learning rates and radii over time",
    "show": "Figures, reports, notebooks",
    "study": "Scenarios, comparisons, sweeps, advice",
}
_ENTRY = re.compile(r"(?P<name>[A-Za-z]\w*(, [A-Za-z]\w*)*): +(?P<text>\S.*)")
_CODE = re.compile(r"(``.*?``|`[^`]+`|:[a-z]+:`[^`]*`)")


def write_pages(app):
    folder = Path(app.srcdir, "api")
    folder.mkdir(exist_ok=True)
    for room, names in jominy._ROOMS.items():
        lines = [_ABOUT[room], "=" * len(_ABOUT[room]), ""]
        for name in sorted(names, key=str.lower):
            kind = "autoclass" if isinstance(getattr(jominy, name), type) else "autofunction"
            lines += [name, "-" * len(name), "", f".. {kind}:: jominy.{name}", ""]
        text, page = "\n".join(lines), folder / f"{room}.rst"
        if not page.is_file() or page.read_text(encoding="utf-8") != text:  # an unchanged page is not built again
            page.write_text(text, encoding="utf-8")


def plain_bars_and_stars(app, what, name, obj, options, lines):
    """Our docstrings write ||x||^2 and X* as they are; reStructuredText would read markup into them."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...", "..")):
            parts = _CODE.split(line)
            parts[::2] = [re.sub(r"([|*])", r"\\\1", re.sub(r"(?<=\w)_(?=\W|$)", r"\\_", part)) for part in parts[::2]]
            lines[number] = "".join(parts)


def as_definitions(app, what, name, obj, options, lines):
    """Paragraphs of `name: what it is`, aligned for readers of the source, as lists of definitions."""
    text = "\n\n".join(_definitions(part) for part in "\n".join(lines).split("\n\n"))
    lines[:] = text.split("\n")


def _definitions(paragraph):
    made, entries = [], 0
    for line in paragraph.strip("\n").split("\n"):
        if entry := _ENTRY.match(line):
            entries += 1
            made += ["", f"``{entry['name']}``", f"    {entry['text']}"]
        elif made and line.startswith("  "):
            made.append(f"    {line.strip()}")
        else:
            return paragraph
    return "\n".join(made[1:]) if entries > 1 else paragraph


def setup(app):
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", as_definitions, priority=90)
    app.connect("autodoc-process-docstring", plain_bars_and_stars, priority=100)
    return {"parallel_read_safe": True}
