"""The page of the demo: one HTML file that contains its pictures."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from tfgraphs.files.outputs import atomic_file
from tfgraphs.monitor.terminal import duration

_TEMPLATE = Path(__file__).with_suffix(".html")
_WIDEST = 1280  # px; wider pictures are reduced


@dataclass(frozen=True)
class Part:
    """One technique on the page.

    Attributes:
        title: its heading.
        commands: the command lines that made it.
        seconds: their duration.
        inputs: input pictures by caption.
        result: the resulting picture.
        answers: {question: [(word, cosine), ...]} of a part about words.
    """

    title: str
    commands: Sequence[str]
    seconds: float
    inputs: Mapping[str, Path] = field(default_factory=dict)
    result: Path | None = None
    answers: Mapping[str, Sequence[tuple[str, float]]] = field(default_factory=dict)


def write_page(path: Path, parts: Sequence[Part], logs: str) -> None:
    """Writes the page, atomically.

    Args:
        path: of the HTML file.
        parts: in their order.
        logs: the command that opens the runs in TensorBoard.
    """
    sections = "\n".join(_section(part) for part in parts)
    page = _TEMPLATE.read_text(encoding="utf-8").replace("{sections}", sections).replace("{logs}", html.escape(logs))
    with atomic_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _section(part: Part) -> str:
    figures = [_figure(caption, path) for caption, path in part.inputs.items()]
    pieces = [f'<div class="inputs">{"".join(figures)}</div>'] if figures else []
    if part.result:
        pieces.append(_figure("the result", part.result))
    if part.answers:
        cards = "".join(_card(question, rows) for question, rows in part.answers.items())
        pieces.append(f'<div class="cards">{cards}</div>')
    commands = "\n".join(f"bin/{line}" for line in part.commands)
    return f"""<section>
<h2>{html.escape(part.title)}</h2>
<div class="{"pictures" if part.result else "words"}">{"".join(pieces)}</div>
<details open><summary>made in {duration(part.seconds)} by</summary><pre>{html.escape(commands)}</pre></details>
</section>"""


def _card(question: str, rows: Sequence[tuple[str, float]]) -> str:
    title = question.removeprefix("near ").removeprefix("calc ").strip("'")
    bars = "".join(
        f'<li><span class="bar" style="width:{max(cosine, 0) * 0.8:.0%}"></span>'
        f"<span>{html.escape(word)}</span><b>{cosine:.2f}</b></li>"
        for word, cosine in rows
    )
    return f'<div class="card"><h3>{html.escape(title)}</h3><ol>{bars}</ol></div>'


def _figure(caption: str, path: Path) -> str:
    return (
        f'<figure><img src="{_data_address(path)}" alt="{html.escape(caption)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _data_address(path: Path) -> str:
    buffer = io.BytesIO()
    with Image.open(path) as image:
        shown = image.convert("RGB")
    shown.thumbnail((_WIDEST, _WIDEST))
    shown.save(buffer, "JPEG", quality=92, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
