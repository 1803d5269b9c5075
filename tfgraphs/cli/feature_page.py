"""The page and the sheet of a folder of feature visualizations."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfgraphs.pictures import images
from tfgraphs.pictures.sheets import sheet

INDEX, SHEET = "index.html", "sheet.png"

_TEMPLATE = Path(__file__).with_suffix(".html")
PAPER = 0.5  # the grey behind transparent pictures on a sheet


@dataclass(frozen=True)
class Exhibit:
    """A unit on the page.

    Attributes:
        name: of the unit.
        file: name of its picture in the folder.
        picture: None for dead units.
    """

    name: str
    file: str
    picture: images.Picture | None


def write(folder: Path, exhibits: Sequence[Exhibit], title: str, text: str, origin: Mapping[str, object]) -> None:
    """Writes `INDEX` and `SHEET`.

    Args:
        folder: contains the files of `exhibits`.
        exhibits: in their order; at least one has a picture.
        title, text: of the page.
        origin: the command and its flags, kept in the sheet.
    """
    alive = [exhibit for exhibit in exhibits if exhibit.picture]
    shown = [exhibit.picture.over(PAPER) for exhibit in alive if exhibit.picture]
    drawn = sheet(shown, [exhibit.name for exhibit in alive])
    images.save(folder / SHEET, images.Picture(drawn), origin)
    height, width = shown[0].shape[:2]
    values = {
        "title": html.escape(title),
        "text": html.escape(text) + f' <a href="{SHEET}">All on one sheet</a>.',
        "width": str(min(width, 320)),
        "aspect": f"{width} / {height}",
        "figures": "\n".join(map(_figure, exhibits)),
        "command": html.escape(str(origin["line"])),
    }
    page = _TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        page = page.replace(f"{{{name}}}", value)
    (folder / INDEX).write_text(page, encoding="utf-8")


def _figure(exhibit: Exhibit) -> str:
    name = html.escape(exhibit.name)
    shown = (
        f'<a href="{exhibit.file}"><img src="{exhibit.file}" alt="{name}" loading="lazy"></a>'
        if exhibit.picture
        else '<div class="dead">dead: responds to no<br>change of a picture</div>'
    )
    return f"<figure>{shown}<figcaption>{name}</figcaption></figure>"
