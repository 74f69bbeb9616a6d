"""The quick tier with the lowest versions that `pyproject.toml` admits, and with the newest: `python tests/versions.py`.

Arguments after the name of an end are those of pytest: `python tests/versions.py lowest tests/theory/ridge/test_risk.py`.
"""

__all__ = ["main", "pins"]

import pathlib
import subprocess
import sys
import tempfile
import tomllib
import venv

ROOT = pathlib.Path(__file__).parents[1]


def pins(requirements: list[str]) -> list[str]:
    """Each requirement at its floor.

    >>> pins(["jax>=0.8", "tqdm>=4.66"])
    ['jax==0.8', 'tqdm==4.66']
    """
    return [requirement.replace(">=", "==") for requirement in requirements]


def main(arguments: list[str]) -> int:
    """Run pytest at one end ("lowest" or "newest"), or at both; the exit status is the first that is not 0."""
    one = arguments[:1] in (["lowest"], ["newest"])
    ends, rest = (arguments[:1], arguments[1:]) if one else (["lowest", "newest"], arguments)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = project["dependencies"] + project["optional-dependencies"]["test"]
    for end in ends:
        with tempfile.TemporaryDirectory(prefix=f"rfgen-{end}-") as folder:
            venv.create(folder, with_pip=True)
            python = pathlib.Path(folder) / "bin" / "python"
            constraints = pathlib.Path(folder) / "constraints.txt"
            constraints.write_text("\n".join(pins(asked) if end == "lowest" else []))
            install = ["-m", "pip", "install", "--quiet", "--upgrade", "--constraint", constraints, "-e", f"{ROOT}[test]"]
            subprocess.run([python, *install], check=True)
            subprocess.run([python, "-m", "pip", "list"], check=True)
            status = subprocess.run([python, "-m", "pytest", "--cold", *rest], cwd=ROOT, check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
