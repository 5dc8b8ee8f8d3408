"""Text of the user's is shown as it is written: in figures, on pages, on a terminal, whatever letters it has."""

import warnings
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

import hand_made
import jominy as jm
from figure_zoo import figures
from jominy.cli.output import print_json, say, tell
from jominy.errors import UNSHOWN, InputError, printable
from jominy.show.picture import picture
from jominy.show.style import in_figure

HOSTILE = [
    "cost in $", r"$\frac{1}{", "a $b$ c", "_hidden", r"\$ \alpha $", "{}%s{0}", "two\nlines\tand a tab",
    "\x1b[31mred\x1b[0m \x07", "\x9b31m", "abc\u202edcba", "\u2028\u200b", "<script>alert(1)</script> & \"'",
    "日本語 🙂", "\x00", "\udcff", "n" * 3000, "word " * 400, "--> <!--", "",
]  # fmt: skip


@pytest.mark.parametrize("text", ["".join(HOSTILE)[:60] + "$_" * 200, *HOSTILE], ids=range(len(HOSTILE) + 1))
def test_a_title_is_a_title(text):
    figure = jm.plot(hand_made.forecast().assign_attrs(title=text))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = picture(figure, "svg").decode()
    assert not UNSHOWN.search(svg)
    ElementTree.fromstring(svg[svg.index("<svg") :])
    page = jm.report(hand_made.forecast().assign_attrs(title=text), title=text).html
    assert not UNSHOWN.search(page) and "<script" not in page
    HTMLParser().feed(page)


def test_every_kind_of_figure_takes_every_title():
    title = "$ _ \\frac{ \x1b[31m \u202e 日本"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _, figure in figures(title):
            assert not UNSHOWN.search(picture(figure, "svg").decode())
            assert figure.get_suptitle().startswith(("\\$ _", "radius 0.5"))


def test_names_of_variables_and_fields_are_text():
    told = hand_made.forecast(norm=[0, 1, 2, 3]).rename(norm="_m$y")
    figure = jm.plot(told, variables=["_m$y"])
    assert picture(figure, "png")[1:4] == b"PNG" and figure.axes[0].get_ylabel() == r"m\$y"
    line = jm.sweep(jm.Scenario.load("examples/isotropic_least_squares.toml"), {"radius": [0.1, 0.3]}, progress=False)
    line["radius"].attrs.update(long_name="$r", units="$", symbol=r"$\frac{$")
    from jominy.show.sweeps import plot_sweep

    assert picture(plot_sweep(line), "png")[1:4] == b"PNG"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_terminal_shows_what_it_would_obey(text, capsys):
    tell(text), say(text)
    shown = capsys.readouterr()
    assert shown.out == shown.err and not UNSHOWN.search(shown.out)
    print_json({"title": text})
    import json

    out = capsys.readouterr().out
    assert json.loads(out) == {"title": text} and not UNSHOWN.search(out)
    message = str(InputError(f"{text}: a rule", f"described {text} so", f"do {text}"))
    assert "\n" not in message and not UNSHOWN.search(message)


def test_ordinary_text_is_left_alone():
    for text in ("Größe, 日本語 🙂", "a\nb\tc", "e\u0301 ک\u200cن"):
        assert printable(text) == text
    assert in_figure("50 % of x_1") == "50 % of x_1"
