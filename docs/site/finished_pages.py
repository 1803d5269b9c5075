"""What is done to the pages that Zensical has written."""

import json
import re
from pathlib import Path

SHIM = '<script src="https://unpkg.com/iframe-worker/shim" type="text/javascript"></script>'
FOREIGN = re.compile(r'<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)="(https?:)?//[^"]*"')
CHINESE = {"On this page": "本页目录", "Back to top": "回到顶部", "Skip to content": "跳到正文"}
WORKER = """// A browser starts no worker from a file, but from its text: so the search works without a server.
if (location.protocol === "file:") {
  const texts = %s;
  const PlainWorker = Worker;
  window.Worker = class {
    constructor(address) {
      return new PlainWorker(URL.createObjectURL(new Blob([texts[String(address).split("/").pop()]])));
    }
  };
}
"""


def finish(site: Path) -> None:
    """Makes the pages independent of all other places, and says which are Chinese.

    Raises:
        ValueError: a page loads something from elsewhere.
    """
    workers = site.glob("assets/javascripts/workers/*.js")
    texts = {path.name: path.read_text(encoding="utf-8") for path in workers}
    (site / "assets" / "worker.js").write_text(WORKER % json.dumps(texts), encoding="utf-8")
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        if path.is_relative_to(site / "zh"):
            text = text.replace('<html lang="en"', '<html lang="zh-Hans"', 1)
            for english, chinese in CHINESE.items():
                text = text.replace(english, chinese)
        root = "../" * (len(path.relative_to(site).parts) - 1)
        text = text.replace(SHIM, f'<script src="{root}assets/worker.js"></script>')
        if foreign := FOREIGN.search(text):
            raise ValueError(f"{path.relative_to(site)} loads something from elsewhere: {foreign[0]}")
        path.write_text(text, encoding="utf-8")
