"""Draws TensorBoard's graphs of one step, for the documentation.

    python benchmarks/draw_graphs.py docs/pictures                             all of them
    python benchmarks/draw_graphs.py docs/pictures graphs/lookup graph_words   some

Which runs, and which scopes of their graphs, stands in `graph_pictures.py`. It runs commands with --logdir, and shows
their logs in Chromium by way of Playwright (extra `browser`). CHROMIUM names another browser than /usr/bin/chromium.
"""

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from arrangements import row
from graph_pictures import PICTURES, PROGRAMS, RUNS, TEXT, View
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHECKOUT = Path(__file__).resolve().parents[1]
WINDOW = {"width": 2400, "height": 1600}  # px
MARGIN, GAP = 6, 60  # px
STEP = 17  # between shades of a picture, of 255: with fewer shades its file is smaller
LONGEST_WAIT = 60  # seconds, until a graph stands still
SCRIPT = Path(__file__).with_suffix(".js")


def write_inputs(folder: Path) -> None:
    """Writes the files that the runs read: a text, and a mask of the left half of a picture."""
    (folder / "text.txt").write_text(TEXT, encoding="utf-8")
    mask = Image.new("L", (100, 67))
    mask.paste(255, (0, 0, 50, 67))
    mask.save(folder / "left.png")


def log(folder: Path, name: str) -> Path:
    """Runs a command or a program, and returns the folder that it has logged to."""
    logdir = folder / name
    if name in PROGRAMS:
        command = ["-c", PROGRAMS[name], str(logdir)]
    else:
        module, *flags = shlex.split(RUNS[name])
        command = ["-m", f"tfgraphs.cli.{module}", *(flag.replace("{folder}", str(folder)) for flag in flags)]
        command += [f"--checkpoint_dir={folder / 'state'}", f"--logdir={logdir}"]
        command += [f"--output={folder / name}.png"] if "--export_dir" not in RUNS[name] else []
    subprocess.run([sys.executable, *command], check=True, env={**os.environ, "PYTHONPATH": str(CHECKOUT)})
    return logdir


def wait_until_still(page: "Page") -> None:
    """Waits until the graph has stopped moving.

    Raises:
        TimeoutError: it still moves after `LONGEST_WAIT`.
    """
    before, place, end = None, page.evaluate("pictures.size()"), time.monotonic() + LONGEST_WAIT
    while place != before:
        if time.monotonic() > end:
            raise TimeoutError(f"TensorBoard's graph still moves after {LONGEST_WAIT} seconds")
        time.sleep(0.7)
        before, place = place, page.evaluate("pictures.size()")


def open_scope(page: "Page", scope: str) -> None:
    """Opens a scope that is not open yet, and those that it is in."""
    for path in [*reversed(PurePosixPath(scope).parents[:-1]), PurePosixPath(scope)]:
        if not page.locator(f"g.node.expanded[data-name='{path}']").count():
            page.locator(f"g.node[data-name='{path}'] > g.nodeshape").first.dispatch_event("dblclick")
            page.locator(f"g.node.expanded[data-name='{path}']").first.wait_for(state="attached")
            wait_until_still(page)


def photograph(page: "Page", address: str, view: View) -> np.ndarray:
    """Returns what is shown of a graph, without all that is around it, uint8 [height, width, 3]."""
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("g.node")
    page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    wait_until_still(page)
    for scope in view.opened.split():
        open_scope(page, scope)
    shown = (view.shown or view.opened).split()
    page.evaluate("pictures.show", shown)
    page.evaluate("pictures.straighten()")
    if shown != ["*"]:
        framed = [scope for scope in shown if page.locator(f"g.node.expanded[data-name='{scope}']").count()]
        page.evaluate("pictures.nameEnds", framed or view.opened.split())
    page.mouse.click(WINDOW["width"] - 100, WINDOW["height"] - 20)  # takes the frame off that says what is selected
    page.locator("g.node.selected").first.wait_for(state="detached")
    clip: Any = page.evaluate("([scale, margin]) => pictures.place(scale, margin)", [view.scale, MARGIN])
    return np.asarray(Image.open(BytesIO(page.screenshot(clip=clip))).convert("RGB"))


def served(logdir: Path) -> str:
    """Starts TensorBoard for a log, and returns the address of its graph."""
    from tensorboard import program

    board = program.TensorBoard()
    board.configure(argv=["", f"--logdir={logdir}", "--port=0", "--load_fast=false"])
    return f"{board.launch()}?darkMode=false#graphs"


def main(output: str, names: Iterable[str]) -> None:
    from playwright.sync_api import sync_playwright

    wanted = {name: PICTURES[name] for name in names or PICTURES}
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        write_inputs(Path(temporary))
        page = browser.new_page(viewport=WINDOW)
        page.route(lambda url: "//localhost:" not in url, lambda route: route.abort())
        addresses: dict[str, str] = {}
        for name, (run, *views) in wanted.items():
            if run not in addresses:
                addresses[run] = served(log(Path(temporary), run))
            picture = Image.fromarray(row([photograph(page, addresses[run], view) for view in views], GAP, white=255))
            path = Path(output, f"{name}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            shades = picture.point(lambda value: round(value / STEP) * STEP)
            shades.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
            print(f"{name}.png: {picture.width} x {picture.height} px, {path.stat().st_size / 1000:.1f} kB", flush=True)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
