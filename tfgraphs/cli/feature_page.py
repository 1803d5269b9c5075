"""The folder of a page of feature visualizations: a picture of each unit, the page, and all pictures on one sheet."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tfgraphs.files.outputs import atomic_folder
from tfgraphs.pictures import images
from tfgraphs.pictures.sheets import sheet

INDEX, SHEET = "index.html", "sheet.png"

_TEMPLATE = Path(__file__).with_suffix(".html")
PAPER = 0.5  # the grey behind transparent pictures on a sheet


@dataclass(frozen=True)
class Unit:
    """A channel on the page."""

    layer: str
    channel: int

    @property
    def name(self) -> str:
        return f"{self.layer}:{self.channel}"

    @property
    def file(self) -> str:
        return f"{file_name(self.layer)}_{self.channel:04}.png"


def file_name(text: str) -> str:
    """Returns text as the name of a file."""
    return re.sub(r"[^\w.-]+", "_", text).strip("_")


def write(
    output: Path, pictures: Mapping[Unit, images.Picture | None], title: str, origin: Mapping[str, object]
) -> None:
    """Writes the folder, complete or not at all.

    Args:
        output: the folder.
        pictures: in the order of the page, None for dead units; at least one unit has a picture.
        title: of the page.
        origin: the command and its flags, kept in the pictures.
    """
    alive = {unit.name: picture.over(PAPER) for unit, picture in pictures.items() if picture}
    drawn = list(alive.values())
    height, width = drawn[0].shape[:2]
    values = {
        "title": html.escape(title),
        "sheet": SHEET,
        "width": str(min(width, 320)),
        "aspect": f"{width} / {height}",
        "figures": "\n".join(_figure(unit, bool(picture)) for unit, picture in pictures.items()),
        "command": html.escape(str(origin["line"])),
    }
    page = _TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        page = page.replace(f"{{{name}}}", value)
    with atomic_folder(output, INDEX) as folder:
        for unit, picture in pictures.items():
            if picture:
                images.save(folder / unit.file, picture, {**origin, "shows": unit.name})
        images.save(folder / SHEET, images.Picture(sheet(drawn, list(alive))), origin)
        (folder / INDEX).write_text(page, encoding="utf-8")


def _figure(unit: Unit, alive: bool) -> str:
    name = html.escape(unit.name)
    shown = (
        f'<a href="{unit.file}"><img src="{unit.file}" alt="{name}" loading="lazy"></a>'
        if alive
        else '<div class="dead">dead: responds to no<br>change of a picture</div>'
    )
    return f"<figure>{shown}<figcaption>{name}</figcaption></figure>"
