"""The command line: what it lists, what it refuses and in which words."""

import numpy as np
import pytest

from paper_figures import FIGURES
from paper_figures.__main__ import main
from tests.paper_figures import synthetic


def test_list_shows_every_figure_with_its_mark(capsys):
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    for entry in FIGURES.values():
        assert f"{entry.name}  [{entry.mark}]" in shown and entry.paper in shown


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
    assert "unknown figure more_is_better;" in said and all(name in said for name in FIGURES)


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
    assert f"the data folder {data} lacks " in said and "cifar10-myrtle10-cntk" in said and "mnist-" in said


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
