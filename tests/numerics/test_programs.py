"""Compiled programs make room for others before Linux runs out of memory maps for the process."""

import jax
import numpy as np
import pytest

import jominy as jm
from jominy.numerics import programs


def maps():
    return programs.MAPS.read_bytes().count(b"\n")


def curve(dimension):
    """Each dimension has as many nodes of its own, and so programs of its own."""
    problem = jm.Problem(jm.LinearTeacher(jm.power_law(dimension, 1.0)), jm.SquaredLoss(), radius=0.5)
    return jm.forecast(problem, jm.Constant(0.5), times=[1.0], start=0.5)


@pytest.mark.skipif(not (programs.MAPS.exists() and programs.LIMIT.exists()), reason="Linux alone has such a limit")
@pytest.mark.slow
def test_programs_make_room(monkeypatch, tmp_path):
    monkeypatch.setattr(programs, "_compiled", 0)  # the tests before may have left it at the point of making room
    first, before = curve(21), maps()
    curve(22)
    one = maps() - before
    assert one > 50
    small = tmp_path / "max_map_count"
    small.write_text(str(before))  # the half of it is exceeded at once
    monkeypatch.setattr(programs, "LIMIT", small)
    monkeypatch.setattr(programs, "EVERY", 1)
    for dimension in (23, 24, 25, 26):
        curve(dimension)
    assert maps() - before < 2 * one  # 5 without it
    np.testing.assert_array_equal(curve(21).adversarial_risk, first.adversarial_risk)


def test_a_compiler_that_fails_beside_other_work_says_nothing_there(capfd, monkeypatch):
    """What it has to say comes when the program is called, to whoever called it."""

    class Lowered:
        def compile(self):
            raise RuntimeError("out of memory")

    program = jax.jit(lambda x: x + 1)
    monkeypatch.setattr(type(program), "lower", lambda self, *given: Lowered(), raising=False)
    programs.compile_beside(program, lambda: (1.0,))()
    assert capfd.readouterr() == ("", "")
