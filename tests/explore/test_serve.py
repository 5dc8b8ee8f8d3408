"""The command: its address, its errors, its end."""

import socket
import subprocess
import sys

import pytest

from explorer_process import COMMAND
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
    assert done.returncode == 2 and "pip install 'jominy[explore]'" in done.stderr
