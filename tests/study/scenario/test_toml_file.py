"""Scenario files that are hostile, or written by other people's editors: read, or refused in one line."""

import pytest

from jominy.errors import InputError
from jominy.study.scenario import NetworkScenario, Scenario
from jominy.study.scenario.toml_file import read_toml

SCENARIO = """
radius = "8/255"
time = 2
evaluate_at = [0, "4/255", 0.5]
loss = { kind = "squared" }
schedule = { kind = "constant", rate = "1/3" }
data = { kind = "linear-teacher", dimension = 50, covariance = { kind = "identity" } }
"""
NETWORK = """
radius = ["1/4", 1]
network = { depth = 2, width = 8, input_dim = 4, output_dim = 2, weight_variance = 2 }
"""


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    (tmp_path / "s.toml").write_text(SCENARIO, encoding="utf-8-sig")
    assert Scenario.load(tmp_path / "s.toml").time == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = " + b"[" * 5000 + b"]" * 5000, "may be nested 40 deep"),
        (b"a = " + b"{a = " * 5000 + b"1" + b"}" * 5000, "may be nested 40 deep"),
        (b".".join([b"a"] * 5000) + b" = 1", "may be nested 40 deep"),
        (b"[" + b".".join([b"a"] * 500) + b"]", "may be nested 40 deep"),
        (b"[[" + b".".join([b"a"] * 500) + b"]]", "may be nested 40 deep"),
        (b"radius = " + b"9" * 6000, "is not valid TOML: Exceeds the limit"),
        (b"radius = 1\xff", "must be TOML text in UTF-8"),
        (SCENARIO.encode("utf-16"), "must be TOML text in UTF-8"),
        (b"\0", "is not valid TOML"),
        (b"radius = 0000-99-99", "is not valid TOML"),
    ],
)
@pytest.mark.parametrize("read", [read_toml, Scenario.load, NetworkScenario.load])
def test_hostile_text_is_refused_in_one_line(tmp_path, content, message, read):
    (tmp_path / "s.toml").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(tmp_path / "s.toml")
    assert message in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 500


@pytest.mark.parametrize("path", ["nowhere.toml", "n" * 5000, "a\0b.toml", "."])
def test_what_is_no_file(path):
    with pytest.raises(InputError, match="the scenario file must exist"):
        read_toml(path)


def test_fractions_are_numbers(tmp_path):
    (tmp_path / "s.toml").write_text(SCENARIO)
    study = Scenario.load(tmp_path / "s.toml")
    assert (study.radius, study.evaluate_at, study.schedule.rate) == (8 / 255, [0, 4 / 255, 0.5], 1 / 3)
    assert study.changed(radius="16/255").radius == 16 / 255
    (tmp_path / "n.toml").write_text(NETWORK)
    assert NetworkScenario.load(tmp_path / "n.toml").radius == [0.25, 1]
    swept = study.changed(sweep={"over": {"radius": ["1/4", "1/2"], "rate": {"low": "1/10", "high": 1, "points": 2}}})
    assert swept.sweep.build().layout().rows == [(0.25, 0.1), (0.25, 1), (0.5, 0.1), (0.5, 1)]
    for wrong in ("8/0", "a/b", "1/2/3", "0.5"):
        with pytest.raises(InputError, match=f"'radius' must be a number .*{wrong}"):
            study.changed(radius=wrong)
    with pytest.raises(InputError, match="'radius' must be >= 0"):
        study.changed(radius="-1/2")
