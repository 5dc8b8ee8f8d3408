"""`jominy explore` as a process of its own, as users start it."""

import os
import re
import signal
import subprocess
import sys

COMMAND = "import sys; from jominy.cli.main import main; sys.exit(main())"


def start(*arguments: str, **more: str) -> tuple[subprocess.Popen, str]:
    """`jominy explore --no-browser ...` as a process of its own, and the address that it prints; `more` environment."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "explore", "--no-browser", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(["src", os.environ.get("PYTHONPATH", "")])} | more,
    )
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, process.communicate()[1]
    return process, found[0]


def end(process: subprocess.Popen) -> tuple[int, str]:
    """Ctrl-C, and how it ended: exit code and what it printed as errors."""
    process.send_signal(signal.SIGINT)
    try:
        errors = process.communicate(timeout=20)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        errors = process.communicate()[1]
    return process.returncode, errors
