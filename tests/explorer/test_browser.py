"""The explorer in a real browser: the static page, and JupyterLab, a slider moved in each.

`python tests/explorer/test_browser.py FOLDER` measures redraws a second and keeps pictures to look at.
"""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

import pytest

import rfgen as rg
from rfgen.explorer import page as explorer_page

BROWSER = shutil.which("chromium")
SECONDS = 120

# The slider `name` of the explorer numbered `which` goes on by one each animation frame, for so many seconds.
SLIDE = """async ([which, name, seconds]) => {
  const root = document.querySelectorAll(".rfgen-explorer")[which], svg = root.querySelector("svg");
  const range = root.querySelector(`[name="${name}"]`);
  const line = () => svg.querySelector("[data-line=test]").getAttribute("d");
  const before = line(), gaps = [];
  let last = performance.now();
  const watch = new MutationObserver(() => { const now = performance.now(); gaps.push(now - last); last = now; });
  watch.observe(svg, { childList: true, subtree: true, attributes: true });
  for (const began = last; performance.now() - began < 1000 * seconds; ) {
    await new Promise(requestAnimationFrame);
    range.value = (+range.value + 1) % (+range.max + 1);
    range.dispatchEvent(new Event("input"));
  }
  watch.disconnect();
  gaps.sort((a, b) => a - b);
  return { changed: line() !== before, redraws: gaps.length / seconds, median: gaps[gaps.length >> 1] };
}"""
CELLS = (
    """import rfgen as rg
rg.cache_programs()
task = rg.Task.power_law(1.5, 1.5, noise=0.5, modes=2000)
rg.explore(task, rg.Learner(rg.Ridge(0.001), features=300), n=256)""",
    "rg.explore(task, rg.Learner(rg.GradientFlow(100.0), features=300), n=256)",
)


@contextlib.contextmanager
def tab(**settings):
    """A page of a headless browser."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if BROWSER is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        own = browser.new_page(viewport={"width": 1250, "height": 1000}, **settings)
        own.set_default_timeout(1000 * SECONDS)
        yield own
        browser.close()


@contextlib.contextmanager
def lab(folder):
    """JupyterLab on a notebook with two explorers; its address."""
    pytest.importorskip("jupyterlab", reason="jupyterlab is not installed")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, folder / "explorer.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = str(pathlib.Path(rg.__file__).parents[1])
    options = ["--no-browser", "--allow-root", f"--port={port}", "--IdentityProvider.token="]
    options += [f"--ServerApp.root_dir={folder}"]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": root, "JUPYTER_CONFIG_DIR": str(folder / "config")},
    )
    try:
        for _ in range(SECONDS):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(1)
        yield f"http://127.0.0.1:{port}/lab/tree/explorer.ipynb?reset"
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


def run_all(own, address):
    """Open the notebook, run it, and wait for both pictures."""
    own.goto(address)
    own.wait_for_selector(".jp-Notebook .jp-Cell")
    own.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    line = own.locator(".rfgen-explorer svg path[data-line=test]")
    choice = own.locator(".jp-Dialog button.jp-mod-accept")  # of a kernel, where it is asked for before one has started
    for second in range(SECONDS):
        if line.count() == len(CELLS):
            break
        if choice.count():
            choice.first.click()
        elif second % 20 == 0:
            own.get_by_role("menuitem", name="Run").first.click()
            own.get_by_text("Run All Cells", exact=True).click()
        own.wait_for_timeout(1000)
    assert line.count() == len(CELLS)


def copied(own):
    """What the button copies: of a page without a clipboard, what it shows."""
    own.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })")
    own.get_by_text("copy the code").first.click()
    return own.locator(".said").first.text_content()


def test_the_code_of_the_page_is_its_curve(tmp_path):
    """Along every slider."""
    path = tmp_path / "explorer.html"
    path.write_text(explorer_page.page(), encoding="utf-8")
    with tab() as own:
        own.goto(path.as_uri())
        for axis in own.evaluate("[...document.querySelector('select').options].map((one) => one.value)"):
            own.select_option("select", axis)
            scope: dict = {}
            exec(copied(own).replace("rg.plot(", "found = ("), scope)
            assert scope["found"].test.size == 60 and not own.locator("svg").text_content().count("NaN")
        assert own.evaluate(SLIDE, [0, "noise", 0.5])["changed"]


def test_jupyterlab_follows_its_sliders(tmp_path):
    with lab(tmp_path) as address, tab() as own:
        run_all(own, address)
        for which, name in ((0, "ridge"), (1, "ridge")):
            assert own.evaluate(SLIDE, [which, name, 1.0])["changed"]
        own.locator(".rfgen-explorer").first.get_by_text("simulate").click()
        own.wait_for_selector(".rfgen-explorer circle[data-run='6']")


def main(folder):
    """Measure on a quiet machine; pictures in light and in dark."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "explorer.html").write_text(explorer_page.page(), encoding="utf-8")
    for scheme in ("light", "dark"):
        with tab(color_scheme=scheme) as own:
            own.goto((folder / "explorer.html").as_uri())
            for name in ("ridge", "features", "eigenvalues i^-α"):
                print("page", name, own.evaluate(SLIDE, [0, name, 2.0]))
            own.screenshot(path=folder / f"page-{scheme}.png")
    with lab(folder) as address, tab() as own:
        run_all(own, address)
        for which, name in ((0, "ridge"), (0, "features"), (0, "noise"), (1, "ridge"), (1, "features"), (1, "noise")):
            own.evaluate(SLIDE, [which, name, 1.0])  # warm
            print(("ridge", "flow")[which], name, own.evaluate(SLIDE, [which, name, 2.0]))
        own.screenshot(path=folder / "lab.png")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve())
