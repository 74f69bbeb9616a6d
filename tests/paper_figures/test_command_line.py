"""The command line: what it lists, what it refuses and in which words."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray

import rfgen as rg
from paper_figures import FIGURES, together
from paper_figures import keep as gallery
from paper_figures.__main__ import main
from paper_figures.keep import GALLERY, LARGEST, SUMMARY
from paper_figures.listing import _times
from paper_figures.runs import keeping, simulate
from paper_figures.storage import restore, save
from tests.paper_figures import synthetic


def test_list_shows_every_figure_with_its_mark(capsys):
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    for entry in FIGURES.values():
        assert f"{entry.name}  [{entry.mark}]  {entry.arxiv}" in shown and entry.paper in shown and entry.arxiv
    assert _times("a figure never made") == "smoke not measured, paper not measured"


def test_list_of_a_figure_shows_what_set_takes(capsys):
    assert main(["list", "morisset_views", "--scale", "paper"]) == 0
    shown = capsys.readouterr().out
    assert "  views=1,2,8,inf\n" in shown and "  ridge=0.001\n" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["make", "ensembels"], "unknown figure ensembels: did you mean ensembles?"),
        (["make", "ensembles", "--all"], "and not both"),
        (["make", "ensembles", "--set", "rigde=1"], "ensembles has no parameter rigde: did you mean ridge?"),
        (["make", "ensembles", "--set", "zzz=1"], "ensembles has no parameter zzz; it has n, ridge, width"),
        (["make", "ensembles", "--set", "ridge"], "--set takes KEY=VALUE, got ridge"),
        (["make", "ensembles", "--set", "n=20,40"], "n of ensembles takes one whole number, such as 100; got 20,40"),
        (["make", "ensembles", "--set", "n=2.5"], "n of ensembles takes one whole number, such as 100; got 2.5"),
        (["make", "ensembles", "--set", "times=1,x"], "times of ensembles takes numbers with commas between, such as 3,1"),
        (["make", "ensembles", "--width", "wide"], "must be a number of inches from 2 to 40, got wide"),
        (["make", "ensembles", "--format", "svgg"], "must be of png, pdf, svg, got svgg: did you mean svg?"),
    ],
)
def test_a_wrong_command_line_gets_a_sentence(arguments, words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2 and words in " ".join(capsys.readouterr().err.split())


def test_a_figure_is_changed_sized_styled_and_made_once(tmp_path, capsys):
    style = tmp_path / "my.mplstyle"
    style.write_text("font.family: serif\n")
    out = tmp_path / "out"
    make = ["make", "advani_saxe_stopping", "--out", str(out), "--seed", "3", "--set", "decades=-1,2", "--set", "snr=5"]
    look = ["--width", "3.4", "--style", str(style), "--format", "svg,pdf", "--no-caption", "--csv"]
    assert main([*make, *look]) == 0
    assert sorted(path.suffix for path in out.iterdir()) == [".csv", ".nc", ".pdf", ".svg"]
    arrays, parameters = restore(out, "advani_saxe_stopping")
    assert arrays["snr"].size == 5 and np.isclose(arrays["snr"][[0, -1]], [0.1, 100.0]).all()
    assert parameters["mark"] == "ours: parameters changed" and parameters["seed"] == 3
    assert parameters["caption"].startswith("Changed from the figure's own parameters: decades=-1,2, snr=5.")
    stored = xarray.load_dataset(out / "advani_saxe_stopping.nc", engine="scipy")
    assert stored.attrs["seed"] == 3 and stored.attrs["rfgen_version"] == rg.__version__
    assert b"/Type3" not in (out / "advani_saxe_stopping.pdf").read_bytes()
    assert "<text" in (out / "advani_saxe_stopping.svg").read_text(encoding="utf-8")
    made = (out / "advani_saxe_stopping.nc").stat().st_mtime_ns
    assert main(make) == 0 and (out / "advani_saxe_stopping.nc").stat().st_mtime_ns == made
    assert main([*make, "--set", "snr=4"]) == 0 and restore(out, "advani_saxe_stopping")[0]["snr"].size == 4
    (out / "advani_saxe_stopping.nc").write_bytes(b"cut")
    assert main(["draw", "advani_saxe_stopping", "--out", str(out)]) == 1
    assert "cannot be read" in capsys.readouterr().err
    assert main([*make, "--style", "nowhere.mplstyle"]) == 2
    assert "--style takes a file of matplotlib settings" in capsys.readouterr().err


def test_a_value_that_no_figure_can_take_is_told(tmp_path, capsys):
    assert main(["make", "advani_saxe_stopping", "--out", str(tmp_path), "--set", "snr=0"]) == 2
    assert "cannot be made with snr=0" in capsys.readouterr().err


def test_simulations_of_a_killed_figure_are_kept(tmp_path):
    task, learner = rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge(0.1))
    folder = tmp_path / "name.runs"

    def killed():
        with keeping(folder):
            simulate(task, learner, 40, trials=2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert any(folder.rglob("*"))
    with keeping(folder):
        simulate(task, learner, 40, trials=2)
    assert not folder.exists()


def test_a_killed_make_continues_from_what_it_had(tmp_path):
    """SIGKILL while cells are simulated; what comes out later is what an undisturbed run gives."""
    out, name = tmp_path / "out", "benign_regimes"
    command = [sys.executable, "-W", "ignore", "-m", "paper_figures", "make", name, "--out", str(out), "--format", "png"]
    running = subprocess.Popen(command)
    deadline = time.monotonic() + 240.0
    while not (cells := [path for path in out.glob(f"{name}.runs/**/*") if path.is_file()]) and running.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    running.kill()
    running.wait()
    assert cells and not list(out.glob("*.nc")) and not list(out.glob("*.part"))
    assert main(["make", name, "--out", str(out)]) == main(["make", name, "--out", str(tmp_path / "whole")]) == 0
    assert not (out / f"{name}.runs").exists()
    continued, whole = (restore(folder, name)[0] for folder in (out, tmp_path / "whole"))
    assert all(np.array_equal(continued[key], whole[key]) for key in whole)


def test_several_figures_are_made_at_once(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(together, "room", lambda: 2)
    names = ["more_is_better_spectra", "more_is_better_maps"]
    assert main(["make", *names, "--out", str(tmp_path), "--format", "png"]) == 0
    said = capsys.readouterr().out
    assert "(2 of 2)" in said and "s left)" in said and all(str(tmp_path / f"{name}.png") in said for name in names)


def test_the_gallery_is_small_and_says_how_far_dots_are():
    kept = json.loads(SUMMARY.read_text(encoding="utf-8"))
    assert all(picture.stat().st_size <= LARGEST for picture in GALLERY.glob("*.png"))
    for name, found in kept.items():
        assert name in FIGURES and (GALLERY / f"{name}.png").exists()
        assert {"scale", "largest_z", "seconds", "cpu_seconds", "rfgen", "jax"} <= set(found)


def test_a_kept_picture_of_paper_scale_stays(tmp_path, monkeypatch):
    for name, path in (("GALLERY", tmp_path), ("SUMMARY", tmp_path / "summary.json"), ("TIMES", tmp_path / "times.json")):
        monkeypatch.setattr(gallery, name, path)
    made = {"scale": "smoke", "seed": 0, "data": None, "seconds": 2.0, "cpu_seconds": 1.0, "rfgen_version": "0"}
    drawn = iter([b"paper", b"smoke"])
    monkeypatch.setattr(gallery, "thumbnail", lambda *_: next(drawn))
    for scale in ("paper", "smoke"):
        save(tmp_path, "benign_tuned", {}, made | {"scale": scale})
        gallery.keep("benign_tuned", tmp_path)
    assert (tmp_path / "benign_tuned.png").read_bytes() == b"paper"
    assert json.loads((tmp_path / "times.json").read_text())["benign_tuned"] == {"paper": 1, "smoke": 1}


@pytest.mark.parametrize("arguments", (["--help"], ["make", "--help"], ["draw", "--help"]))
def test_help(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 0
    assert "python -m paper_figures" in capsys.readouterr().out


@pytest.mark.parametrize("command", ("make", "draw"))
def test_unknown_name_is_answered_with_the_names_there_are(command, capsys, tmp_path):
    with pytest.raises(SystemExit) as stopped:
        main([command, "more_is_better", "--out", str(tmp_path)])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert "unknown figure more_is_better" in said and all(name in said for name in FIGURES)


def test_make_without_names_asks_for_one(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["make"])
    assert stopped.value.code == 2
    assert "--all" in capsys.readouterr().err


def test_negative_seed_is_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["make", "--all", "--seed", "-1"])
    assert stopped.value.code == 2
    assert "--seed must be >= 0, got -1" in capsys.readouterr().err


def _refused(name, data, out, capsys):
    assert main(["make", name, "--data", str(data), "--out", str(out)]) == 1
    said = capsys.readouterr().err
    assert f"failed: {name}" in said
    assert not list(out.glob("*"))
    return said


@pytest.mark.parametrize("name", [entry.name for entry in FIGURES.values() if entry.with_data])
def test_missing_data_is_named(name, capsys, tmp_path):
    out, data = tmp_path / "out", tmp_path / "data"
    assert f"the data folder {data} does not exist" in _refused(name, data, out, capsys)
    data.mkdir()
    said = _refused(name, data, out, capsys)
    assert f"the data folder {data} lacks " in said and "cifar10-" in said


def test_incomplete_and_damaged_files_are_named(capsys, tmp_path):
    data, name = synthetic.write(tmp_path), "svhn-myrtle10-cntk-eigen.npz"
    out = tmp_path / "out"
    np.savez(data / name, eigenvalues=np.ones(3))
    said = _refused("more_is_better_spectra", data, out, capsys)
    assert f"{data / name} lacks the arrays n, kappa_from_trace_of_inverse, ridgeless_test_risk" in said
    (data / name).write_bytes(b"not a zip")
    assert f"{data / name} cannot be read as npz" in _refused("more_is_better_spectra", data, out, capsys)


def test_draw_before_make_says_what_to_do(capsys, tmp_path):
    assert main(["draw", "more_is_better_features", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "run 'python -m paper_figures make more_is_better_features' first" in said
