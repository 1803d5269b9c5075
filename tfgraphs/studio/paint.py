"""The tab Paint: a photograph in the style of paintings, step by step or in one pass, and a sheet to choose from.

A painting here is the one of the command `neural_style` with the same flags, byte by byte.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgraphs.monitor.progress import Progress
from tfgraphs.neural_style.one_pass.trained import TRAINED, trained_network
from tfgraphs.neural_style.preset_values import PAINTINGS
from tfgraphs.neural_style.regions import SMALLEST_SIDE, Style
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.pictures import images, masks, samples
from tfgraphs.pictures.colors import matched, with_colors_of
from tfgraphs.studio.commands import command_line, differing, digest, origin, shown_name, unfinished
from tfgraphs.studio.jobs import Work, Worker
from tfgraphs.studio.states import Question, State, StateError, read_choice, read_count, read_number, read_text
from tfgraphs.studio.uploads import Uploads

if TYPE_CHECKING:
    from tfgraphs.backbones.backbone import Backbone

MOST_PAINTINGS = 4
SHEET_SIZE, SHEET_STEPS, SHEET_GAP = 160, 80, 8  # of a picture on the sheet, px, steps, px
SIZE = 640  # as of the command
_NETWORKS = ("squeezenet", "vgg16")
_COLOURS = ("none", "luminance", "match")
_PRESETS = tuple(PAINTINGS["squeezenet"])
_PAPER = 0.5


@dataclass(frozen=True)
class _Source:
    """A painting: its key, how much of it, and the key of a mask that says where, empty for everywhere."""

    key: str
    weight: float = 1.0
    where: str = ""


@dataclass(frozen=True)
class _Painting:
    """The settings of a painting, as the page sends them.

    Attributes:
        picture: key of the photograph.
        sources: paintings.
        size: longer side to which the photograph is reduced, in pixels.
        network: its name.
        preset: of weights, empty for others.
        colours: whose they are: none for the paintings', luminance, match.
        one_pass: whether a trained network paints.
        settings: the others.
    """

    picture: str
    sources: tuple[_Source, ...]
    size: int
    network: str
    preset: str
    colours: str
    one_pass: bool
    settings: StyleSettings

    def flags(self) -> dict[str, object]:
        """Returns the flags of the command that differ from its defaults."""
        found: dict[str, object] = {"style": [shown_name(source.key, "painting") for source in self.sources]}
        given = {"backbone": self.network, "size": self.size, "preserve_color": self.colours}
        usual = {"backbone": _NETWORKS[0], "size": SIZE, "preserve_color": _COLOURS[0]}
        if self.one_pass:
            return found | {"fast": True} | differing(given | {"backbone": _NETWORKS[0]}, usual)
        if len({source.weight for source in self.sources}) > 1:
            found["style_weight"] = [source.weight for source in self.sources]
        if any(source.where for source in self.sources):
            found["content_mask"] = ["mask.png" if source.where else "" for source in self.sources]
        if self.preset:
            found |= differing({"preset": self.preset}, {"preset": "balanced"})
        else:
            given["content_weight"], usual["content_weight"] = self.settings.content_weight, None
        for name in ("steps", "seed", "style_scale"):
            given[name], usual[name] = getattr(self.settings, name), getattr(StyleSettings(), name)
        return found | differing(given, usual)


class PaintTab:
    """See `server.Tab`.

    Args:
        start: starts TensorFlow, if it has not been started.
        results: folder for what is made.
        uploads: where pictures are.
    """

    name = "paint"

    def __init__(self, start: Callable[[], None], results: Path, uploads: Uploads) -> None:
        self._start, self._results, self._uploads = start, results, uploads
        self.questions: Mapping[str, Question] = {"choices": lambda _: _choices(), "command": _command}
        self.works: Mapping[str, Worker] = {"paint": self.paint, "sheet": self.sheet}
        self._backbone = functools.lru_cache(maxsize=2)(_load_backbone)

    def paint(self, state: State) -> Work:
        """Returns the work of a painting; the last picture becomes a PNG file."""
        painting = read_painting(state)
        picture = self._photograph(painting, painting.size)
        run = self._in_one_pass if painting.one_pass else self._step_by_step

        def finish(last: Progress) -> dict[str, str]:
            assert last.picture is not None
            path = self._results / f"painting_{digest(painting)}{unfinished(last)}.png"
            made_by = origin("neural_style", {"input": shown_name(painting.picture, "photo"), **painting.flags()})
            images.save(path, images.Picture(last.picture, picture.alpha), made_by)
            return {"name": path.name}

        return Work(lambda: run(painting, picture.pixels), finish)

    def sheet(self, state: State) -> Work:
        """Returns the work of a sheet: a row for each painting, or each sample, and a column for each preset."""
        painting = read_painting(state)
        picture = self._photograph(painting, SHEET_SIZE)
        sources = painting.sources if len(painting.sources) > 1 else tuple(map(_Source, _samples()))
        settings = dataclasses.replace(painting.settings, steps=SHEET_STEPS, supersampling=1.0)
        height, width = picture.size
        columns, rows = len(_PRESETS), len(sources)
        sheet = np.full((rows * (height + SHEET_GAP), columns * (width + SHEET_GAP), 3), _PAPER, np.float32)

        def run() -> Iterator[Progress]:
            for number in range(rows * columns):
                row, column = divmod(number, columns)
                values: dict[str, Any] = dict(PAINTINGS[painting.network][_PRESETS[column]])
                one = dataclasses.replace(
                    painting,
                    sources=(sources[row],),
                    settings=dataclasses.replace(settings, **({"content_weight": None} | values)),
                    size=SHEET_SIZE,
                )
                for progress in self._step_by_step(one, picture.pixels):
                    assert progress.picture is not None
                    top, left = row * (height + SHEET_GAP), column * (width + SHEET_GAP)
                    shown = images.resize(progress.picture, (height, width)).clip(0, 1)
                    sheet[top : top + height, left : left + width] = shown
                    whole = progress.of_whole("picture", number, rows * columns, number * SHEET_STEPS)
                    yield dataclasses.replace(whole, picture=sheet.copy())

        def finish(last: Progress) -> dict[str, object]:
            assert last.picture is not None
            path = self._results / f"sheet_{digest(painting)}{unfinished(last)}.png"
            images.save(path, images.Picture(last.picture))
            return {"name": path.name, "paintings": [source.key for source in sources], "presets": list(_PRESETS)}

        return Work(run, finish)

    def _photograph(self, painting: _Painting, size: int) -> images.Picture:
        if not painting.picture:
            raise StateError("choose a photograph first: drop one, or take a sample")
        picture = images.load(self._uploads.path(painting.picture), size)
        if min(picture.size) < SMALLEST_SIDE:
            raise StateError(
                f"the photograph has a side of {min(picture.size)} px: at least {SMALLEST_SIDE} are needed"
            )
        return picture

    def _step_by_step(self, painting: _Painting, photograph: np.ndarray) -> Iterator[Progress]:
        self._start()
        from tfgraphs.neural_style.transfer import Painter

        settings, backbone = painting.settings, self._backbone(painting.network)
        side = round(painting.size * settings.style_scale * settings.largest_factor(painting.network))
        styles = [self._style(source, side, photograph, painting.colours) for source in painting.sources]
        yield Progress(0, "starting", 0.0, float("nan"), picture=photograph)
        for progress in Painter(styles, backbone, settings, reuse_graphs=False).paint(photograph):
            yield _in_colours(progress, photograph) if painting.colours == "luminance" else progress

    def _style(self, source: _Source, side: int, photograph: np.ndarray, colours: str) -> Style:
        pixels = images.load(self._uploads.path(source.key), side).pixels
        where = masks.load_mask(self._uploads.path(source.where), photograph.shape[:2]) if source.where else None
        return Style(matched(pixels, photograph) if colours == "match" else pixels, source.weight, None, where)

    def _in_one_pass(self, painting: _Painting, photograph: np.ndarray) -> Iterator[Progress]:
        yield Progress(0, "starting", 0.0, float("nan"), picture=photograph)
        self._start()
        from tfgraphs.neural_style.one_pass.stylize import StyleModel

        picture = StyleModel(str(trained_network(painting.sources[0].key)))(photograph, None)
        progress = Progress(1, "painted in one pass", 1.0, float("nan"), picture=picture)
        yield _in_colours(progress, photograph) if painting.colours == "luminance" else progress


def read_painting(state: State) -> _Painting:
    """Reads what is painted.

    Raises:
        StateError, StyleError: a value is missing or wrong.
    """
    given = state.get("styles", [{"key": samples.PREFIX + "swirls"}])
    if (
        not isinstance(given, list)
        or not 1 <= len(given) <= MOST_PAINTINGS
        or not all(isinstance(s, dict) for s in given)
    ):
        raise StateError(f"one to {MOST_PAINTINGS} paintings are needed: choose some")
    sources = tuple(
        _Source(read_text(one, "key"), read_number(one, "weight", 1, 0, 100), read_text(one, "where")) for one in given
    )
    network = read_choice(state, "network", _NETWORKS, _NETWORKS[0])
    preset = read_choice(state, "preset", ("", *_PRESETS), "balanced")
    values: dict[str, Any] = dict(PAINTINGS[network][preset]) if preset else {}
    if not preset and state.get("content_weight") is not None:
        values["content_weight"] = read_number(state, "content_weight", 0, 0, 1000)
    defaults = StyleSettings()
    settings = StyleSettings(
        steps=read_count(state, "steps", defaults.steps, 1, 10_000),
        seed=read_count(state, "seed", 0, 0, 2**31 - 1),
        style_scale=read_number(state, "style_scale", 1, 0.1, 4),
        **values,
    )
    painting = _Painting(
        picture=read_text(state, "picture"),
        sources=sources,
        size=read_count(state, "size", SIZE, SMALLEST_SIDE, 4096),
        network=network,
        preset=preset,
        colours=read_choice(state, "preserve_color", _COLOURS, "none"),
        one_pass=bool(read_choice(state, "one_pass", ("", "yes"), "")),
        settings=settings,
    )
    if painting.one_pass:
        if len(sources) != 1 or painting.colours == "match":
            raise StateError("one pass paints with one painting, and not with matched colours")
        trained_network(sources[0].key)
    return painting


def _choices() -> dict[str, Any]:
    return {
        "presets": PAINTINGS,
        "trained": [samples.PREFIX + name for name in TRAINED],
        "content_weights": {name: StyleSettings().weights(name).content for name in _NETWORKS},
    }


def _command(state: State) -> dict[str, str]:
    """Returns the command of a state; wrong values are errors before anything runs."""
    painting = read_painting(state)
    return {"paint": command_line("neural_style", shown_name(painting.picture, "photo"), painting.flags())}


def _in_colours(progress: Progress, photograph: np.ndarray) -> Progress:
    """Gives a picture on the way the colours of the photograph."""
    assert progress.picture is not None
    colours = images.resize(photograph, progress.picture.shape[:2])
    return dataclasses.replace(progress, picture=with_colors_of(progress.picture, colours))


def _load_backbone(name: str) -> "Backbone":
    from tfgraphs import backbones

    settings = StyleSettings()
    return backbones.load(name, settings.pooling(name), check=settings.layers)


def _samples() -> list[str]:
    return samples.installed(samples.PAINTINGS)
