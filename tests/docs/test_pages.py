"""The documentation: every code block runs as it is printed, links lead somewhere, it builds without a warning."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "theory").glob("*.md"))]
QUICK = {"extending.md"}
ELSEWHERE = {"losses.md"}  # tests/test_docs_losses.py runs it, and checks what it prints
NEEDS_A_CLUSTER = ("distributed", "submitit", "mpi4py")


def blocks(page):
    found = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [block for block in found if not re.search(rf"^from ({'|'.join(NEEDS_A_CLUSTER)})", block, re.MULTILINE)
            and not re.search(rf"^import ({'|'.join(NEEDS_A_CLUSTER)})", block, re.MULTILINE)]  # fmt: skip


def with_code():
    for page in PAGES:
        if blocks(page) and page.name not in ELSEWHERE:
            yield pytest.param(page, id=page.name, marks=[] if page.name in QUICK else pytest.mark.slow)


@pytest.mark.parametrize("page", list(with_code()))
def test_code_blocks_run_one_after_the_other(page, tmp_path, monkeypatch):
    """In an empty folder with the examples in it; a page that starts from `X` and `y` finds some."""
    if page.name == "networks.md":
        pytest.importorskip("torch")
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 500)
    X = rng.normal(size=(500, 10)) + 0.8 * y[:, None]
    names = {"X": X[:300], "y": y[:300], "X_test": X[300:], "y_test": y[300:]}
    if page.name != "README.md":
        import jominy

        names["jm"] = jominy
    for number, block in enumerate(blocks(page)):
        exec(compile(block, f"{page.name}, block {number + 1}", "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("http", "mailto")):
            assert (page.parent / target).exists(), target


def test_every_page_is_in_the_contents():
    listed = (ROOT / "docs" / "index.md").read_text(encoding="utf-8").split()
    pages = {page.relative_to(ROOT / "docs").with_suffix("").as_posix() for page in PAGES[1:]}
    assert pages - {"index"} <= set(listed)


def test_every_room_with_public_names_has_its_page_of_the_api():
    """What the build itself says only to whoever builds: its table of titles, and the contents, know every room."""
    import jominy

    extension = (ROOT / "docs" / "_extensions" / "public_names.py").read_text(encoding="utf-8")
    contents = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").split()
    for room in jominy._ROOMS:
        assert f'    "{room}": "' in extension and f"api/{room}" in contents, room


NUMBER = r"\d+(?:\.\d+)*"
CITATION = re.compile(rf"(\w+)\.md`{{0,2}},?\s+(?:sections?\s+)?({NUMBER}(?:(?:,\s+|\s+and\s+|\s+to\s+){NUMBER})*)")


def cited(text):
    """(page, section) of every citation in it, such as "theory `dynamics.md` sections 1.1, 1.2 and 7"."""
    return {(page, number) for page, numbers in CITATION.findall(text) for number in re.findall(NUMBER, numbers)}


def test_every_section_of_the_theory_that_is_cited_ships():
    """A section is a heading or a bold beginning of a paragraph that starts with its number."""
    pages = {page.stem: page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "theory").glob("*.md")}
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *PAGES]
    citations = {file: cited(file.read_text(encoding="utf-8")) for file in files}
    assert len(set().union(*citations.values())) > 30
    for file, found in citations.items():
        for page, number in found:
            text = pages.get(page, "")
            assert re.search(rf"(?m)^(?:#+ |\*\*){re.escape(number)}\.?\s", text), (file.name, page, number)


def test_a_citation_of_several_sections_is_read_whole():
    text = "theory `dynamics.md` sections 1.1, 1.2\n    and 7 (nodes); `meanfield.md` 4.2 and 4.4"
    assert cited(text) == {("dynamics", "1.1"), ("dynamics", "1.2"), ("dynamics", "7"), ("meanfield", "4.2"),
                           ("meanfield", "4.4")}  # fmt: skip


SCRIPTS = sorted((ROOT / "examples" / "gallery").glob("plot_*.py"))


@pytest.mark.parametrize(
    "script", [pytest.param(s, id=s.stem, marks=[] if "_2_" in s.stem else pytest.mark.slow) for s in SCRIPTS]
)
def test_gallery_scripts_run_and_draw(script):
    """What a script claims it asserts itself."""
    from matplotlib.figure import Figure

    names = {}
    exec(compile(script.read_text(encoding="utf-8"), script.name, "exec"), names)
    assert isinstance(names["figure"], Figure) and names["figure"].axes


@pytest.mark.slow
def test_the_documentation_builds_without_a_warning_and_asks_nothing_of_a_network(tmp_path):
    pytest.importorskip("sphinx")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(ROOT / "docs"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for page in tmp_path.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]* src=\"([^\"]*)\"", text)
        loaded += re.findall(r"<link[^>]*rel=\"(?:stylesheet|icon|preload)\"[^>]*href=\"([^\"]*)\"", text)
        assert not [address for address in loaded if address.startswith(("http", "//"))], page.name
    assert "<math" in (tmp_path / "theory.html").read_text(encoding="utf-8")


def test_every_command_is_on_its_page():
    from jominy.cli.main import parser

    (commands,) = (one.choices for one in parser()._actions if isinstance(one.choices, dict))
    told = re.findall(r"\{command-help\} (\S+)", (ROOT / "docs" / "commands.md").read_text(encoding="utf-8"))
    assert sorted(told) == sorted(commands)


def test_every_sort_of_part_has_its_table():
    from jominy import parts

    sorts = {name for name, value in vars(parts).items() if isinstance(value, parts.Registry)}
    page = (ROOT / "docs" / "parts.md").read_text(encoding="utf-8")
    assert set(re.findall(r"```{parts-table} (\w+)", page)) == sorts
    assert all(part.description for sort in sorts for part in getattr(parts, sort))
