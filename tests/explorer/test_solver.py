"""The solver in JavaScript against the table of the oracle, in node; the page in a browser."""

import json
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest

from rfgen.explorer import page as explorer_page
from tests.oracles import make_cases

ROOT = pathlib.Path(__file__).parents[2]
MODULE = ROOT / "rfgen" / "explorer" / "explorer.js"
CASES = make_cases.load()
NODE, BROWSER = shutil.which("node"), shutil.which("chromium")

SCRIPT = """
import { readFileSync } from "node:fs";
const { risk } = await import(process.argv[1]);
const real = (text) => (text === "inf" ? Infinity : Number(text));
const found = JSON.parse(readFileSync(0, "utf8")).map(({ modes, ...numbers }) => {
  const given = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, real(value)]));
  return Object.fromEntries(Object.entries(risk(modes, given)).map(([name, value]) => [name, String(value)]));
});
console.log(JSON.stringify(found));
"""
# Moves every slider of the page and tells what came of it.
MOVES = """
const read = () => document.querySelector('[data-line="test"]').getAttribute("d");
const told = {};
await new Promise(requestAnimationFrame);
for (const range of document.querySelectorAll("input[type=range]")) {
  const before = read();
  range.value = Math.round(range.max * 0.7);
  range.dispatchEvent(new Event("input"));
  await new Promise(requestAnimationFrame);
  told[range.name] = { changed: read() !== before, points: read().split("L").length };
}
const select = document.querySelector("select");
select.value = "features";
select.dispatchEvent(new Event("change"));
await new Promise(requestAnimationFrame);
told.along = document.querySelector("svg").textContent.includes("random features");
const began = performance.now();
for (let frame = 0; frame < 20; frame++) document.querySelector("[name=noise]").dispatchEvent(new Event("input"));
told.frame = (performance.now() - began) / 20;
document.body.dataset.told = JSON.stringify(told);
"""


def modes(spec):
    """Levels in descending order; the null power is that of an eigenvalue 0."""
    own = make_cases.spectrum(spec)
    columns = np.array([own["eigenvalues"], own["multiplicity"], own["power"]])
    columns = columns[:, np.argsort(-columns[0], kind="stable")]
    columns = np.append(columns, [[0.0], [0.0], [own["null_power"]]], axis=1)
    return dict(zip(("values", "counts", "power"), columns.tolist(), strict=True))


def solved(problems):
    command = [NODE, "--input-type=module", "-e", SCRIPT, MODULE.as_uri()]
    done = subprocess.run(command, input=json.dumps(problems), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_table_of_the_oracle():
    problems = [
        {"modes": modes(case["spectrum"]), "n": case["n"], "features": str(case["k"]), "ridge": case["ridge"],
         "noise": case["noise"]} for case in CASES
    ]
    wrong = []
    for case, found in zip(CASES, solved(problems), strict=True):
        for name in ("test", "train", "bias", "variance", "noise"):
            expected, value = float(case["expected"][name]), float(found[name].replace("Infinity", "inf"))
            # variance is what bias and noise leave of the risk
            scale = 1e-9 * abs(float(case["expected"]["test"]) if name == "variance" else expected)
            if case["slug"] == "all-equal-silent-ridgeless":  # the limit of 0/0, which the module leaves out
                assert value == 0.0 or name not in ("test", "variance")
            elif not (value == expected or abs(value - expected) <= scale):
                wrong.append((case["slug"], name, value, expected))
    assert not wrong, "\n".join(map(str, wrong))


def page(folder):
    """The page, with moves at its end."""
    path = folder / "page.html"
    frames = "<script>window.requestAnimationFrame = setTimeout;</script>"  # virtual time has none
    moved = explorer_page.page().replace("</script>", MOVES + "</script>").replace("<body>", f"<body>{frames}")
    path.write_text(moved, encoding="utf-8")
    return path


@pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")
def test_the_page_follows_its_sliders(tmp_path):
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=4000", "--dump-dom"]
    done = subprocess.run([*command, page(tmp_path).as_uri()], capture_output=True, text=True, check=True, timeout=120)
    told = re.search(r"data-told='?\"?([^>]*?)['\"]?>", done.stdout)
    assert told, done.stdout[-2000:]
    found = json.loads(told[1].replace("&quot;", '"'))
    names = {"features", "ridge", "noise", "eigenvalues i^-α", "target i^-β"}
    assert found.pop("along") and found.pop("frame") < 1000.0 / 5.0  # thirty a second alone; a loaded machine is slower
    assert names <= set(found) and all(found[name]["changed"] and found[name]["points"] > 30 for name in names)
