"""The demo: runs the commands on sample pictures and writes one page with the results.

    python -m tfgraphs.cli.demo --output=out/demo

It runs in a checkout; bin/demo installs what the commands need, then calls this module. It writes words.txt,
dream.png, style.png, logs/ for TensorBoard, and index.html, which contains all its pictures.
"""

import base64
import html
import io
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tfgraphs.cli.shared import command, common_flags, process
from tfgraphs.errors import TfgraphsError
from tfgraphs.files.outputs import atomic_file
from tfgraphs.monitor.terminal import duration
from tfgraphs.pictures import samples

OUTPUT = common_flags.define_path("output", "out/demo", "Folder for the results.")

QUESTIONS = [
    "near Einstein",
    "near France",
    "near guitar",
    "near volcano",
    "near computer",
    "calc 'king - man + woman'",
    "calc 'paris - france + italy'",
    "calc 'walking - walk + swim'",
]
_TEMPLATE = Path(__file__).with_suffix(".html")
_WIDEST = 1280  # px; wider pictures are reduced


@dataclass(frozen=True)
class Part:
    """One technique of the demo. The result is the picture NAME.png, unless there are no inputs."""

    name: str
    title: str
    commands: Sequence[str]
    expected: float  # seconds on two cores, for the first estimate of the time left
    inputs: Mapping[str, str]  # sample pictures by caption


def _parts(output: Path) -> list[Part]:
    words = [f"words --vectors=glove {question}" for question in QUESTIONS]
    files = f"--output={output}/{{0}}.png --logdir={output}/logs/{{0}}"
    dream = f"deepdream --input=sample:cat --size=640 --upsample {files.format('dream')}"
    style = f"neural_style --content=sample:coffee --style=sample:swirls {files.format('style')}"
    inputs = {"the photograph": "sample:coffee", "the painting": "sample:swirls"}
    return [
        Part("words", "Words that can be added", words, 5, {}),
        Part("dream", "A network that dreams", [dream], 8, {"the photograph": "sample:cat"}),
        Part("style", "A photograph, painted", [style], 62, inputs),
    ]


def main(arguments: list[str]) -> None:
    command.no_arguments(arguments)
    output = Path(OUTPUT.value)
    parts, sections = _parts(output), list[str]()
    started = time.monotonic()
    for number, part in enumerate(parts):
        before = time.monotonic() - started
        pace = before / sum(done.expected for done in parts[:number]) if number else 1.0
        left = pace * sum(coming.expected for coming in parts[number:])
        text = f"[{number + 1} of {len(parts)}] {part.name}; about {left:.0f} s left in all"
        print(text, file=sys.stderr, flush=True)
        answers = [_call(line) for line in part.commands]
        seconds = time.monotonic() - started - before
        if part.inputs:
            pictures = {caption: samples.resolve(path) for caption, path in part.inputs.items()}
            sections.append(_section(part, seconds, "pictures", _figures(pictures, output / f"{part.name}.png")))
        else:
            printed = [f"$ bin/{line}\n\n{text}\n" for line, text in zip(part.commands, answers, strict=True)]
            _write(output / "words.txt", "\n".join(printed))
            sections.append(_section(part, seconds, "words", _cards(answers)))
    page = _TEMPLATE.read_text(encoding="utf-8").replace("{sections}", "\n".join(sections))
    _write(output / "index.html", page.replace("{logs}", html.escape(f"tensorboard --logdir={output}/logs")))
    print(f"the results are on one page: {output}/index.html")


def _call(line: str) -> str:
    """Runs a command and returns its output; its progress goes to the terminal."""
    name, *arguments = shlex.split(line)
    result = subprocess.run([sys.executable, f"bin/{name}", *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode == process.INTERRUPTED:
        raise KeyboardInterrupt
    if result.returncode:
        raise TfgraphsError(f"this command failed with exit code {result.returncode}: {line}")
    return result.stdout


def _write(path: Path, text: str) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


# --- the page


def _section(part: Part, seconds: float, kind: str, content: str) -> str:
    commands = "\n".join(f"bin/{line}" for line in part.commands)
    return f"""<section>
<h2>{html.escape(part.title)}</h2>
<div class="{kind}">{content}</div>
<details open><summary>made in {duration(seconds)} by</summary><pre>{html.escape(commands)}</pre></details>
</section>"""


def _figures(inputs: Mapping[str, Path], result: Path) -> str:
    figures = "".join(_figure(caption, path) for caption, path in inputs.items())
    return f'<div class="inputs">{figures}</div>{_figure("the result", result)}'


def _figure(caption: str, path: Path) -> str:
    """A picture, contained in the page as a JPEG."""
    buffer = io.BytesIO()
    with Image.open(path) as image:
        shown = image.convert("RGB")
    shown.thumbnail((_WIDEST, _WIDEST))
    shown.save(buffer, "JPEG", quality=92, subsampling=0)
    data, text = base64.b64encode(buffer.getvalue()).decode(), html.escape(caption)
    return f'<figure><img src="data:image/jpeg;base64,{data}" alt="{text}"><figcaption>{text}</figcaption></figure>'


def _cards(answers: Sequence[str]) -> str:
    """A card for each question, with bars as long as the cosines of the printed table."""
    cards = ""
    for question, table in zip(QUESTIONS, answers, strict=True):
        bars = ""
        for line in filter(None, table.splitlines()[2:]):
            word, cosine = line.strip().rsplit(maxsplit=1)
            bars += (
                f'<li><span class="bar" style="width:{max(float(cosine), 0) * 0.8:.0%}"></span>'
                f"<span>{html.escape(word.strip())}</span><b>{float(cosine):.2f}</b></li>"
            )
        title = html.escape(question.removeprefix("near ").removeprefix("calc ").strip("'"))
        cards += f'<div class="card"><h3>{title}</h3><ol>{bars}</ol></div>'
    return f'<div class="cards">{cards}</div>'


def run() -> None:
    command.run("demo", main, __doc__, [__name__])


if __name__ == "__main__":
    run()
