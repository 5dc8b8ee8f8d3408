"""Whatever writes a file writes it whole, through links, to devices and pipes, and says in one line why it cannot."""

import errno
import os
import socket
import stat
import subprocess
import sys
import threading

import pytest

import hand_made
import jominy as jm
from jominy import InputError
from jominy.cli.main import main
from jominy.cli.output import save_json
from jominy.results.replaced import require_place, write_whole
from jominy.show.figures import save_figure

WRITERS = {
    "result.nc": lambda path: jm.save(hand_made.forecast(), path),
    "figure.png": lambda path: save_figure(jm.plot(hand_made.forecast()), path),
    "report.html": lambda path: jm.report(hand_made.forecast()).save(path),
    "optimum.json": lambda path: save_json(path, {"a": 1}, "the optimum"),
    "schema.json": lambda path: main(["schema", "--out", str(path)]) and pytest.fail("not written"),
}
every_writer = pytest.mark.parametrize("name", WRITERS)


@every_writer
def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path, name):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / name, tmp_path / name
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(os.path.join("real", name))
    (tmp_path / "again").symlink_to(link)
    WRITERS[name](link)
    assert link.is_symlink() and not target.is_symlink() and target.read_bytes() != b"old"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640 and os.listdir(target.parent) == [name]


@every_writer
def test_a_full_disk_leaves_the_old_file(tmp_path, name, monkeypatch, capsys):
    (tmp_path / name).write_text("old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    if name == "schema.json":
        assert main(["schema", "--out", str(tmp_path / name)]) == 2
        assert "No space left on device" in capsys.readouterr().err
    else:
        with pytest.raises(InputError, match="could not be written: No space left on device"):
            WRITERS[name](tmp_path / name)
    assert (tmp_path / name).read_text() == "old" and os.listdir(tmp_path) == [name]


@pytest.fixture
def device(tmp_path):
    """A device of this test's own that forgets what is written to it; never the machine's."""
    path = tmp_path / "forgets.png"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except (OSError, AttributeError):
        pytest.skip("only the administrator makes devices")
    return path


def test_a_device_stays_a_device(device):
    for name in ("result.nc", "figure.png", "optimum.json", "schema.json"):
        WRITERS[name](device)
        assert stat.S_ISCHR(os.stat(device).st_mode) and len(os.listdir(device.parent)) == 1
    assert main(["compare", "nothing.toml", "--out", str(device)]) == 2
    assert os.listdir(device.parent) == ["forgets.png"]


def test_a_pipe_gets_the_content(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_whole(tmp_path / "pipe", b"content", "it")
    reader.join()
    assert got == [b"content"] and stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)


def test_standard_output_goes_on_where_it_is(tmp_path):
    """`> file` with something in it already: the content follows, and the file is still the shell's own."""
    if not os.path.exists("/dev/stdout"):
        pytest.skip("no /dev/stdout here")
    told = "import sys; from jominy.results.replaced import write_whole as w; print('before')\n"
    told += "w('/dev/stdout', b'content\\n', 'it'); print('after')"
    with open(tmp_path / "all", "wb") as out:
        subprocess.run([sys.executable, "-c", told], stdout=out, check=True)
    assert (tmp_path / "all").read_text() == "before\ncontent\nafter\n"


def test_what_can_be_no_file_is_refused_before_and_after(tmp_path):
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "socket"))
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(os.listdir(tmp_path))
    bad = {
        "n" * 300: "File name too long",
        "a\0b": "its name is none that a file can have",
        "socket": "must be a file, a device or a pipe",
        ".": "must be a file, not a folder",
        "loop": "symbolic links",
        "socket/file": "Not a directory",
    }
    for name, reason in bad.items():
        for check in (require_place, lambda path, what: write_whole(path, b"content", what)):
            with pytest.raises(InputError, match=reason):
                check(os.path.join(tmp_path, name), "the result")
    assert sorted(os.listdir(tmp_path)) == before
    listening.close()


def test_names_that_are_just_short_enough(tmp_path):
    for name in ("n" * 252 + ".nc", "é" * 126 + ".nc"):
        assert jm.save(hand_made.forecast(), tmp_path / name).stat().st_size > 1000


def test_what_netcdf_cannot_hold():
    for wrong in (None, {"a": 1}, object(), True):
        with pytest.raises(InputError, match="may hold numbers, text"):
            jm.save(hand_made.forecast().assign_attrs(mine=wrong), "not-written.nc")
