"""The command: its address, its errors, its end."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from explorer_process import COMMAND, start
from jominy.cli.main import main


def test_port_in_use_and_bad_scenarios_are_one_clear_line(capsys, tmp_path):
    pytest.importorskip("uvicorn")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["explore", "--no-browser", "--port", str(taken.getsockname()[1])]) == 2
    assert "cannot be taken: Address already in use" in capsys.readouterr().err
    for arguments in (["--port", "99999"], ["--host", "192.0.2.1"], [str(tmp_path / "no.toml")]):
        assert main(["explore", "--no-browser", *arguments]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_missing_extra_is_named():
    code = "import sys; sys.modules['uvicorn'] = None\n" + COMMAND
    done = subprocess.run([sys.executable, "-c", code, "explore"], capture_output=True, text=True)
    assert done.returncode == 2 and "pip install -c constraints.txt '.[explore]'" in done.stderr


def test_sigterm_during_the_start_is_one_line():
    """It comes while the server's packages are imported."""
    code = """if True:
        import os, signal, sys
        class Finder:
            def find_spec(self, name, path=None, target=None):
                if name == "uvicorn":
                    os.kill(os.getpid(), signal.SIGTERM)
        sys.meta_path.insert(0, Finder())
    """
    done = subprocess.run(
        [sys.executable, "-c", code + "\n" + COMMAND, "explore", "--no-browser", "--port", "0"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "jominy explore: terminated\n")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at the processes of Linux")
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGTERM, 143, "jominy explore: terminated\n"),
        pytest.param(signal.SIGHUP, 129, "jominy explore: terminated\n", marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, 0, "", marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, -9, "", marks=pytest.mark.slow),  # nothing was left for it to warn of
    ],
)
def test_server_that_is_ended_while_it_computes_ends_its_workers_and_leaves_nothing(number, code, said, tmp_path):
    process, _ = start(TMPDIR=str(tmp_path))
    workers = []
    while not workers:  # its first question is its own
        workers = [path for path in Path("/proc").glob("[0-9]*/environ") if str(tmp_path).encode() in contents(path)]
        workers = [path for path in workers if b"spawn_main" in contents(path.with_name("cmdline"))]
    process.send_signal(number)
    assert process.communicate(timeout=60) == ("", said) and process.returncode == code
    while any(path.exists() and contents(path) for path in workers):  # a zombie's is empty
        time.sleep(0.01)
    assert number == signal.SIGKILL or not list(tmp_path.iterdir())


def contents(path):
    """Bytes of a file of a process, which may be gone."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
