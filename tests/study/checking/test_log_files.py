"""Logs as the tools themselves write them, read back; each is skipped where the tool is not installed."""

import json
import time

import numpy as np
import pytest

import jominy as jm
from jominy.study.checking.log_files import _records
from jominy.study.checking.logs import read_log

STEPS, RISKS, NORMS = [100, 200, 300], [0.9, 0.8, 0.7], [0.1, 0.2, 0.25]


def the_same(told):
    assert told.steps.tolist() == STEPS
    assert np.allclose(told.columns["adversarial_risk"], RISKS) and np.allclose(told.columns["norm"], NORMS)


def test_csv_and_json_lines(tmp_path):
    rows = [
        {"step": s, "adversarial_risk": r, "norm": n, "note": "words"}
        for s, r, n in zip(STEPS, RISKS, NORMS, strict=True)
    ]
    lines = ["step,adversarial_risk,norm,note"] + [",".join(map(str, row.values())) for row in rows]
    (tmp_path / "log.csv").write_text("\n".join(lines))
    (tmp_path / "european.csv").write_text("\n".join(lines).replace(",", ";").replace(".", ","))
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    the_same(read_log(tmp_path / "european.csv", None, 100, 1))
    the_same(read_log(tmp_path / "log.csv", None, 100, 1))
    the_same(read_log(str(tmp_path / "log.jsonl"), None, 100, 1))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("log.jsonl", '{"step": 1}\nnot json\n', "line 2"),
        ("log.txt", "1 2 3", "of a kind that is known"),
        ("log.csv", "", "log.csv must "),
    ],
)
def test_files_that_are_no_logs(name, text, words, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(jm.InputError, match=words):
        read_log(tmp_path / name, None, 100, 1)


def test_folders_of_none_and_of_two_runs(tmp_path):
    with pytest.raises(jm.InputError, match="a log in the folder"):
        read_log(tmp_path, None, 100, 1)
    for run in ("version_0", "version_1"):
        (tmp_path / run).mkdir()
        (tmp_path / run / "metrics.csv").write_text("step,norm\n1,2\n")
    with pytest.raises(jm.InputError, match="one run"):
        read_log(tmp_path, None, 100, 1)
    assert read_log(tmp_path / "version_1", None, 100, 1).columns["norm"].tolist() == [2]


def test_lightning(tmp_path):
    loggers = pytest.importorskip("lightning.pytorch.loggers")
    logger = loggers.CSVLogger(tmp_path)
    for step, risk, norm in zip(STEPS, RISKS, NORMS, strict=True):
        logger.log_metrics({"adversarial_risk": risk}, step=step)
        logger.log_metrics({"norm": norm}, step=step)  # a row of its own
    logger.save()
    the_same(read_log(tmp_path, None, 100, 1))


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    with tensorboard.SummaryWriter(str(tmp_path)) as writer:
        for step, risk, norm in zip(STEPS, RISKS, NORMS, strict=True):
            writer.add_scalar("adversarial_risk", risk, step)
            writer.add_scalar("norm", norm, step)
    the_same(read_log(tmp_path, None, 100, 1))


def test_mlflow(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    with mlflow.start_run():
        for step, risk, norm in zip(STEPS, RISKS, NORMS, strict=True):
            mlflow.log_metrics({"adversarial_risk": risk, "norm": norm}, step=step)
    the_same(read_log(tmp_path / "mlruns", None, 100, 1))


def test_wandb(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = wandb.init(mode="offline", dir=str(tmp_path), project="a")
    for step, risk, norm in zip(STEPS, RISKS, NORMS, strict=True):
        run.log({"adversarial_risk": risk, "norm": norm}, step=step)
    run.finish()
    for _ in range(100):  # its own process may still be writing when finish() comes back
        (file,) = (tmp_path / "wandb").glob("offline-run-*/*.wandb")
        if len(list(_records(file))) > 5 and file.stat().st_mtime < time.time() - 1:
            break
        time.sleep(0.1)
    the_same(read_log(tmp_path, None, 100, 1))
    (tmp_path / "cut.wandb").write_bytes(file.read_bytes()[:-9])  # of a run that goes on
    the_same(read_log(tmp_path / "cut.wandb", None, 100, 1))


def test_records_in_pieces(tmp_path):
    """W&B's format by hand: a record over the edge of a block of 32 KiB, and an edge without room for a header."""

    def piece(data, kind):
        return bytes(4) + len(data).to_bytes(2, "little") + bytes([kind]) + data

    first = piece(b"a" * (2**15 - 7 - 7 - 10), 1)  # after it 10 bytes are left of the block
    middle = piece(b"bcd", 2)
    rest = piece(b"efg" * 100, 4) + piece(b"h" * (2**15 - 307 - 7 - 3), 1) + bytes(3) + piece(b"end", 1)
    (tmp_path / "a.wandb").write_bytes(b":W&B\xe1\xbe\x00" + first + middle + rest)
    found = list(_records(tmp_path / "a.wandb"))
    sizes = [len(one) for one in found]
    assert found[1] == b"bcd" + b"efg" * 100 and found[-1] == b"end" and len(sizes) == 4
