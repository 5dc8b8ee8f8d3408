"""Ctrl-C and SIGTERM, at moments that are chosen so that they used to be lost, wrapped or printed."""

import random
import signal
import subprocess
import sys
import time

import pytest

START = """
import os, signal, sys
class Sender:  # sends the signal when a module is looked for
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.{number})
sys.meta_path.insert(0, Sender())
sys.argv = ["jominy", *{arguments!r}]
from jominy.cli.main import main
sys.exit(main())
"""
SCENARIO = """
radius = 0.3
time = 200
loss = { kind = "squared" }
schedule = { kind = "constant", rate = 0.5 }
data = { kind = "linear-teacher", dimension = 2000, covariance = { kind = "power-law", exponent = 1.5 } }
simulation = { seeds = 50 }
"""
ENDS = [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated")]


def ended(code, **settings):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, **settings)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def study(tmp_path):
    (tmp_path / "study.toml").write_text(SCENARIO)
    return tmp_path / "study.toml"


@pytest.mark.parametrize(("number", "code", "word"), ENDS)
@pytest.mark.parametrize("module", ["argparse", "numpy", "jax", pytest.param("netCDF4", marks=pytest.mark.slow)])
def test_while_a_module_is_imported(module, number, code, word, study):
    arguments = ["forecast", str(study), "--time", "1", "--out", str(study.parent / "told.nc")]
    told = ended(START.format(module=module, number=number, arguments=arguments))
    assert told == (code, "", f"jominy forecast: {word}\n")
    assert [path.name for path in study.parent.iterdir()] == ["study.toml"]


@pytest.mark.parametrize(("number", "code", "word"), ENDS)
def test_while_a_class_is_made_in_a_module_of_a_process_that_has_others(number, code, word, tmp_path):
    """Python 3.11 wraps what __set_name__ raises; and the process cannot end at once, or would leave its workers."""
    (tmp_path / "made.py").write_text(
        "import os, signal, time\n"
        "class Named:\n"
        "    def __set_name__(self, owner, name):\n"
        f"        os.kill(os.getpid(), signal.{number})\n"
        "        time.sleep(0.1)\n"
        "class Owner:\n"
        "    named = Named()\n"
    )
    program = f"""if True:
        import sys, time
        sys.path.insert(0, {str(tmp_path)!r})
        sys.argv = ["jominy", "schema"]
        from jominy.cli import main, schema, signals
        def run(arguments):
            import made
            time.sleep(60)
        schema.run, signals._alone = run, lambda: False
        sys.exit(main.main())
    """
    assert ended(program) == (code, "", f"jominy schema: {word}\n")


@pytest.mark.parametrize(("number", "code", "word"), ENDS)
def test_while_python_tidies_up(number, code, word):
    """What is raised in a __del__ or a callback of the garbage collector is thrown away; the command still ends."""
    program = f"""if True:
        import os, signal, sys, time
        sys.argv = ["jominy", "schema"]
        from jominy.cli import main, schema
        class Wrong:
            def __del__(self):
                raise ValueError("as ever")
        class Tidy:
            def __del__(self):
                os.kill(os.getpid(), signal.{number})
                time.sleep(0.01)
        def run(arguments):
            Wrong()
            Tidy()
            time.sleep(60)
        schema.run = run
        sys.exit(main.main())
    """
    returned, out, err = ended(program)
    assert (returned, out) == (code, "") and err.endswith(f"jominy schema: {word}\n")
    assert "as ever" in err and "KeyboardInterrupt" not in err and "Terminated" not in err


def test_sigterm_waits_for_a_file_and_leaves_none_half_written(tmp_path):
    program = f"""if True:
        import os, pathlib, signal, sys
        sys.argv = ["jominy", "schema"]
        from jominy.cli import main, schema
        from jominy.numerics.interrupts import interrupts_held
        def run(arguments):
            with interrupts_held():
                os.kill(os.getpid(), signal.SIGTERM)
                pathlib.Path({str(tmp_path / "whole")!r}).write_text("all of it")
        schema.run = run
        sys.exit(main.main())
    """
    assert ended(program) == (143, "", "jominy schema: terminated\n")
    assert (tmp_path / "whole").read_text() == "all of it"


@pytest.mark.parametrize(("number", "code", "word"), ENDS)
def test_before_the_command_begins(number, code, word):
    """A console script imports `main`, does a little, and only then calls it."""
    program = f"""if True:
        import os, signal, sys, time
        sys.argv = ["/usr/bin/jominy", "schema"]
        from jominy.cli.main import main
        os.kill(os.getpid(), signal.{number})
        time.sleep(60)
    """
    assert ended(program) == (code, "", f"jominy schema: {word}\n")


def test_a_program_that_imports_the_command_line_keeps_its_own_handlers():
    program = """if True:
        import signal
        before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        from jominy.cli.main import main
        assert main(["--version"]) == 0
        assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
    """
    assert ended(program)[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code", "word"), ENDS)
@pytest.mark.parametrize("command", ["forecast", "simulate", "sweep"])
def test_at_any_moment(command, number, code, word, study):
    """Seed 5. Not in the first moments, in which Python itself starts; the answer then says what was kept."""
    more = ["--over", "radius=0:1:40", "--store", "none"] if command == "sweep" else []
    program = START.format(module="no module", number=number, arguments=[command, str(study), *more])
    moments = random.Random(5)
    for _ in range(12):
        running = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        time.sleep(moments.uniform(0.5, 5.0))
        running.send_signal(getattr(signal, number))
        out, err = running.communicate(timeout=100)
        assert running.returncode in (code, 0) and "Traceback" not in err, err
        if running.returncode and not out:
            assert err.splitlines()[-1].startswith(f"jominy {command}: {word}")
