"""What is done to the pages that Zensical has written."""

import json
import re
from pathlib import Path

SHIM = '<script src="https://unpkg.com/iframe-worker/shim" type="text/javascript"></script>'
FOREIGN = re.compile(r'<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)="(https?:)?//[^"]*"')
CHINESE = {
    "On this page": "本页目录",
    "Back to top": "回到顶部",
    "Skip to content": "跳到正文",
    "Previous": "上一页",
    "Next": "下一页",
    "Search": "搜索",
    "Navigation": "导航",
    "Header": "页眉",
    "Footer": "页脚",
    "Tabs": "栏目",
    "Permanent link": "本节链接",
    "Dark": "切换到深色",
    "Light": "切换到浅色",
    "Copy to clipboard": "复制",
    "Copied to clipboard": "已复制",
    "Could not copy to clipboard": "复制失败",
    "Type to start searching": "输入关键词开始搜索",
    "No matching documents": "没有找到匹配的页面",
    "1 matching document": "找到 1 个页面",
    "# matching documents": "找到 # 个页面",
    "1 more on this page": "本页还有 1 处",
    "# more on this page": "本页还有 # 处",
    "Missing": "缺少",
}
# A word of the theme is a value in quotation marks or the whole text of an element. The name of a button of Studio,
# which a page sets in italics, is not such a word.
WORDS = re.compile(rf'("|(?<!<em)>\s*)({"|".join(map(re.escape, CHINESE))})(?="|: |\s*<)')
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
            text = WORDS.sub(lambda found: found[1] + CHINESE[found[2]], text)
        root = "../" * (len(path.relative_to(site).parts) - 1)
        text = text.replace(SHIM, f'<script src="{root}assets/worker.js"></script>')
        if foreign := FOREIGN.search(text):
            raise ValueError(f"{path.relative_to(site)} loads something from elsewhere: {foreign[0]}")
        path.write_text(text, encoding="utf-8")
