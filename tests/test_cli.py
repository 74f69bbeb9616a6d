"""The command: what it prints, saves and returns."""

import dataclasses
import platform
from datetime import UTC, datetime

import jax
import pytest

import rfgen as rg
from rfgen import cli
from rfgen import cli_comparisons as named
from rfgen.problems.task import Task


def test_list_names_every_comparison(capsys):
    assert cli.main(["list"]) == 0
    out = capsys.readouterr().out
    for name in named.NAMED:
        assert name in out


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    out = capsys.readouterr().out
    assert stop.value.code == 0 and "rfgen check --all" in out and "Exit status" in out


def test_explore_writes_the_page_or_opens_it(tmp_path, capsys, monkeypatch):
    opened = []
    monkeypatch.setattr(cli.webbrowser, "open", lambda address: opened.append(address) or True)
    path = tmp_path / "page.html"
    assert cli.main(["explore", "--out", str(path)]) == 0 and not opened
    assert str(path) in capsys.readouterr().out and "export function risk" in path.read_text(encoding="utf-8")
    assert cli.main(["explore"]) == 0 and opened[0].startswith("file:") and opened[0].endswith("explorer.html")


@pytest.mark.parametrize("learner", ["features", "kernel"])
def test_demo(learner, tmp_path, capsys):
    assert cli.main(["demo", "--learner", learner, "--out", str(tmp_path / "new"), "--trials", "12"]) == 0
    out = capsys.readouterr().out
    picture = tmp_path / "new" / f"rfgen-demo-{learner}.png"
    assert picture.stat().st_size > 10_000 and str(picture) in out
    assert "simulation" in out and "agrees" in out


def test_a_report_holds_every_score_its_versions_and_no_host(tmp_path):
    file = tmp_path / "new" / "validation.md"
    assert cli.main(["check", "one-pass", "--report", str(file)]) == 0
    text = file.read_text()
    assert text.startswith("# Validation report\n\n1 of 1 named comparisons")
    assert f"rfgen {rg.__version__}; Python " in text and f"jax {jax.__version__}" in text and "| one-pass | " in text
    assert f"{datetime.now(UTC):%Y-%m-%d}" in text and text.count(" test ") >= 12 and "agrees: largest |z|" in text
    assert platform.node() not in text


@pytest.mark.parametrize("name", named.NAMED)
def test_every_named_comparison_agrees(name, capsys):
    assert cli.main(["check", name]) == 0, capsys.readouterr().out
    assert "1 of 1 agree" in capsys.readouterr().out


def test_a_disagreement_is_an_exit_status(monkeypatch, capsys):
    honest = named.NAMED["kernel-ridge"]

    def wrong():
        task, learner = honest.build()
        # theory of noise 0.5, simulation of its own: the spectrum given to theory is the wrong one
        return Broken(task), learner

    class Broken(Task):
        def __init__(self, task):
            for field in dataclasses.fields(task):
                object.__setattr__(self, field.name, getattr(task, field.name))

        @property
        def risk_noise(self):
            return 1.1 * self.noise.sum()

    monkeypatch.setitem(named.NAMED, "kernel-ridge", dataclasses.replace(honest, build=wrong))
    assert cli.main(["check", "kernel-ridge"]) == 1
    assert "kernel-ridge DISAGREES" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "give names (see `rfgen list`) or --all"),
        (["check", "nothing"], "no comparison is called nothing"),
        (["check", "kernel-rige"], "no comparison is called kernel-rige: did you mean kernel-ridge?"),
        (["explore", "--out", "/proc/page.html"], "--out: must be a file that can be written"),
        (["demo", "--trials", "1"], "--trials: must be at least 2"),
        (["check", "kernel-ridge", "--seed", "-1"], "must be a whole number from 0"),
        (["check", "kernel-ridge", "--scale", "huge"], "invalid choice"),
        (["check", "kernel-ridge", "--report", "/"], "--report: must be a file that can be written, got /: is a folder"),
    ],
)
def test_wrong_command_lines(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "--all", "kernel-ridge"), "give names (see `rfgen list`) or --all, and not both"),
        (("demo", "--out", "/proc"), "--out: must be a folder that can be made and written, got /proc"),
        (("demo", "--out", "/dev/null/pictures"), "--out: must be a folder that can be made and written, got /dev/null"),
    ],
)
def test_a_wrong_command_line_is_told_at_once(arguments, words, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([*arguments])
    assert stop.value.code == 2 and words in " ".join(capsys.readouterr().err.split())


def test_comparisons_in_processes_say_what_one_process_says(capsys, monkeypatch):
    asked = ["check", "kernel-ridge", "one-pass"]
    monkeypatch.setattr(cli, "room", lambda: 1)
    assert cli.main(asked) == 0
    alone = capsys.readouterr().out
    monkeypatch.setattr(cli, "room", lambda: 2)
    monkeypatch.setattr(cli, "FEW", 1)
    assert cli.main(asked) == 0
    assert capsys.readouterr().out == alone
