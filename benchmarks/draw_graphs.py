"""Draws TensorBoard's graphs of one step of word2vec, of a dream and of a painting, for the documentation.

    python benchmarks/draw_graphs.py docs/pictures

Writes graph_words.png, graph_dream.png and graph_painting.png: on the left the top level, on the right the loss opened.
It runs the three commands with --logdir, and shows their logs in Chromium by way of Playwright (extra `browser`).
CHROMIUM names another browser than /usr/bin/chromium.
"""

import os
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHECKOUT = Path(__file__).resolve().parents[1]
RUNS = {
    "words": "word2vec --corpus={folder}/text.txt --min_count=1 --dim=16 --epochs=1 --workers=1",
    "dream": "deepdream --input=sample:coffee --size=120 --iterations=1",
    "painting": "neural_style --content=sample:cat --style=sample:embers --size=100 --steps=4",
}
TEXT = "the king and the queen rule the land while a man and a woman plough the field by the river near the town\n"
WINDOW = {"width": 2200, "height": 1500}  # px; TensorBoard makes a large graph smaller than its own size
MARGIN, GAP = 12, 60  # px
LONGEST_WAIT = 60  # seconds, until a graph stands still
BOX = """() => {
    const find = (node) => [...node.querySelectorAll('*')].flatMap((one) =>
        [...(one.shadowRoot ? find(one.shadowRoot) : []), ...(one.id === 'root' && one.tagName === 'g' ? [one] : [])]);
    const { x, y, width, height } = find(document)[0].getBoundingClientRect();
    return { x, y, width, height };
}"""


def log(folder: Path, name: str) -> Path:
    """Runs a command, and returns the folder that it has logged to."""
    logdir = folder / name
    (folder / "text.txt").write_text(TEXT * 3000, encoding="utf-8")
    command, *flags = RUNS[name].format(folder=folder).split()
    module = [sys.executable, "-m", f"tfgraphs.cli.{command}", *flags]
    places = [f"--output={folder / name}.png", f"--checkpoint_dir={folder / 'state'}", f"--logdir={logdir}"]
    subprocess.run([*module, *places], check=True, env={**os.environ, "PYTHONPATH": str(CHECKOUT)})
    return logdir


def photograph(page: "Page") -> Image.Image:
    """Waits until the graph has stopped moving, and returns it without what is around it.

    Raises:
        TimeoutError: it still moves after `LONGEST_WAIT`.
    """
    before, box, end = None, page.evaluate(BOX), time.monotonic() + LONGEST_WAIT
    while box != before:
        if time.monotonic() > end:
            raise TimeoutError(f"TensorBoard's graph still moves after {LONGEST_WAIT} seconds")
        time.sleep(1)
        before, box = box, page.evaluate(BOX)
    clip = {"x": box["x"] - MARGIN, "y": box["y"] - MARGIN}
    clip |= {"width": box["width"] + 2 * MARGIN, "height": box["height"] + 2 * MARGIN}
    return Image.open(BytesIO(page.screenshot(clip=clip))).convert("RGB")


def draw(page: "Page", logdir: Path) -> Image.Image:
    """Returns the graph of a run, closed and with its loss opened, side by side."""
    from tensorboard import program

    board = program.TensorBoard()
    board.configure(argv=["", f"--logdir={logdir}", "--port=0", "--load_fast=false"])
    page.goto(f"{board.launch()}?darkMode=false#graphs")
    page.wait_for_selector("g.node")
    closed = photograph(page)
    page.locator("g.node.meta[data-name='loss'] > g.nodeshape").first.dblclick()
    page.wait_for_selector("g.node[data-name^='loss/']")
    page.get_by_text("Fit to screen").click()
    page.mouse.click(WINDOW["width"] - 100, WINDOW["height"] - 100)  # takes the frame off that says what is selected
    opened = photograph(page)
    sheet = Image.new("RGB", (closed.width + GAP + opened.width, max(closed.height, opened.height)), "white")
    sheet.paste(closed, (0, sheet.height - closed.height))
    sheet.paste(opened, (closed.width + GAP, sheet.height - opened.height))
    return sheet


def main(output: str) -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        for name in RUNS:
            page = browser.new_page(viewport=WINDOW)
            page.route(lambda url: "//localhost:" not in url, lambda route: route.abort())
            sheet = draw(page, log(Path(temporary), name))
            sheet.quantize(64).save(Path(output) / f"graph_{name}.png", optimize=True)
            print(f"graph_{name}.png: {sheet.width} x {sheet.height} px")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
