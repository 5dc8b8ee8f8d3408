"""Claims: verdicts that can fail, the command, and (slow) the claims themselves."""

import json

import numpy as np
import pytest

import jominy_reproduce as claims
from jominy.cli.main import main
from jominy.errors import InputError
from jominy_reproduce import Claim, Curve, Effort, Panel
from jominy_reproduce.base import agreement, boundary, condition


def hand_made(letter: str, measured: float) -> Claim:
    x = np.array([1.0, 2.0])
    panel = Panel("a panel", "x", "y", (Curve("theory", x, x), Curve("theory", x, x, 0.1 * x)))
    findings = (
        agreement("a number", 1.0, measured, 0.01, 0.0, "nothing"),
        boundary("an edge", "no claim", -1.0, "because"),
    )
    return Claim(letter, "Something is so.", "a set-up", findings, (panel,))


@pytest.mark.parametrize(
    ("measured", "error", "allowance", "holds"),
    [(1.03, 0.01, 0.0, True), (1.04, 0.01, 0.0, False), (1.04, 0.01, 0.01, True), (2.0, 0.0, 0.9, False)],
)
def test_agreement_is_within_errors_and_allowance(measured, error, allowance, holds):
    assert (agreement("x", 1.0, measured, error, allowance, "").verdict == "holds") == holds


def test_one_failing_finding_fails_the_claim():
    assert hand_made("x", 1.0).verdict == "holds"
    assert hand_made("x", 2.0).verdict == "fails"
    assert condition("x", "> 0", -1.0, False).verdict == "fails"


def test_unknown_letters_are_refused():
    with pytest.raises(InputError, match="no such claim"):
        list(claims.measure("dynamics", ["z"]))
    with pytest.raises(InputError, match="no such paper"):
        list(claims.measure("thermodynamics"))


@pytest.fixture
def two_claims(monkeypatch):
    """One claim that holds and one that fails, instantly."""
    made = {"a": lambda effort: hand_made("a", 1.0), "b": lambda effort: hand_made("b", 2.0)}
    monkeypatch.setattr("jominy_reproduce.dynamics.DYNAMICS", made)
    return made


def test_command_prints_draws_and_keeps(two_claims, tmp_path, capsys):
    folder = tmp_path / "measured"
    assert main(["claims", "dynamics", "--quick", "--out", str(folder)]) == 1
    text = capsys.readouterr().out
    assert "(a) holds: 1 findings hold, 1 on a boundary" in text and "(b) fails" in text
    assert "within 3.5 standard errors" in text  # the rule is said where it failed
    assert sorted(path.name for path in folder.iterdir()) == ["claim-a.png", "claim-b.png", "claims.json"]
    records = json.loads((folder / "claims.json").read_text())
    assert [record["verdict"] for record in records] == ["holds", "fails"]
    assert main(["claims", "dynamics", "--only", "a", "--out", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["claims"][0]["findings"][0]["predicted"] == 1.0


def test_interruption_keeps_what_is_done(two_claims, tmp_path, capsys):
    def interrupted(effort: Effort) -> Claim:
        raise KeyboardInterrupt

    two_claims["b"] = interrupted
    assert main(["claims", "dynamics", "--out", str(tmp_path)]) == 130
    assert (tmp_path / "claim-a.png").exists() and "(a) holds" in capsys.readouterr().out


def test_bad_letter_and_bad_folder_are_one_message(two_claims, tmp_path, capsys):
    assert main(["claims", "dynamics", "--only", "q", "--out", str(tmp_path)]) == 2
    (tmp_path / "file").write_text("")
    two_claims["a"] = None  # nothing is measured before the folder is there
    assert main(["claims", "dynamics", "--only", "a", "--out", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.count("jominy claims:") == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("paper", "letter"),
    [
        *(("dynamics", letter) for letter in claims.DYNAMICS),
        *(("attacks", letter) for letter in claims.ATTACKS),
        *(("networks", letter) for letter in claims.NETWORKS),
    ],
)
def test_every_claim_holds(paper, letter):
    if paper == "networks":
        pytest.importorskip("torch")
    claim = next(claims.measure(paper, [letter], quick=True))
    assert [finding.what for finding in claim.findings if finding.verdict == "fails"] == []
