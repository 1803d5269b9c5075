"""The tab Dream: a picture that excites a network more and more, and an endless zoom into it.

A dream here is the one of the command `deepdream` with the same flags, byte by byte.
"""

import dataclasses
import functools
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgraphs.deepdream.preset_values import DREAMS
from tfgraphs.deepdream.settings import DreamSettings
from tfgraphs.monitor.progress import Progress
from tfgraphs.pictures import camera, films, images, masks
from tfgraphs.pictures.colors import with_colors_of
from tfgraphs.studio.commands import Flags, command_line, differing, digest, origin, shown_name, unfinished
from tfgraphs.studio.jobs import FOLDER, Work, Worker
from tfgraphs.studio.networks import Networks
from tfgraphs.studio.states import Question, State, StateError, read_choice, read_count, read_number, read_text
from tfgraphs.studio.uploads import Uploads

if TYPE_CHECKING:
    from tfgraphs.deepdream.dreamer import Dreamer

GUIDE_SIDE = 224  # px, as the command reduces guides
MOST_FRAMES = 500
_UNITS = Path(__file__).parent / "static" / "units.json"
_RATE = 25  # frames a second of a zoom
_WHITE = 1.0
_NETWORKS = tuple(DREAMS)
_STEP_SIZE = 0.7  # on the scale 0..255


@dataclass(frozen=True)
class _Dream:
    """The settings of a dream, as the page sends them.

    Attributes:
        picture, guide, mask: keys, empty for none.
        size: longer side to which the picture is reduced, in pixels; 0 for its own size.
        network: its name.
        objective, layer: what is maximised; empty for the default.
        step_size: on the scale 0..255.
        settings: the others of the dream.
        preserve_color: whether colours stay.
        frames, frame_steps, zoom: of an endless zoom.
    """

    picture: str
    guide: str
    mask: str
    size: int
    network: str
    objective: str
    layer: str
    step_size: float
    settings: DreamSettings
    preserve_color: bool
    frames: int = 50
    frame_steps: int = 12
    zoom: float = 1.04

    def flags(self, zooms: bool = False) -> dict[str, object]:
        """Returns the flags of the command that differ from its defaults."""
        defaults = DreamSettings()
        values: dict[str, object] = {"backbone": self.network, "size": self.size, "step_size": self.step_size}
        usual: dict[str, object] = {"backbone": _NETWORKS[0], "size": 1024, "step_size": _STEP_SIZE}
        for setting in dataclasses.fields(DreamSettings):
            if setting.name not in values:
                values[setting.name] = getattr(self.settings, setting.name)
                usual[setting.name] = getattr(defaults, setting.name)
        values |= {"objective": self.objective, "layer": self.layer}
        values |= {name: key and shown_name(key, name) for name, key in (("guide", self.guide), ("mask", self.mask))}
        usual |= dict.fromkeys(("objective", "layer", "guide", "mask"), "")
        values["preserve_color"], usual["preserve_color"] = self.preserve_color, False
        if zooms:
            values |= {"zoom_frames": self.frames, "frame_steps": self.frame_steps, "zoom": self.zoom}
            usual |= {"zoom_frames": None, "frame_steps": 12, "zoom": 1.04}
        return differing(values, usual)


class DreamTab:
    """See `server.Tab`.

    Args:
        start: starts TensorFlow, if it has not been started.
        results: folder for what is made.
        uploads: where pictures are.
        networks: that are kept loaded.
    """

    name = "dream"

    def __init__(
        self, start: Callable[[], None], results: Path, uploads: Uploads, networks: Networks | None = None
    ) -> None:
        self._start, self._results, self._uploads = start, results, uploads
        self.questions: Mapping[str, Question] = {"choices": lambda _: _choices(), "command": self.command}
        self.works: Mapping[str, Worker] = {"dream": self.dream, "zoom": self.zoom}
        self._networks = networks or Networks()
        self._dreamer = functools.lru_cache(maxsize=3)(self._make_dreamer)

    def command(self, state: State) -> dict[str, str]:
        """Returns the command of a state, and of a zoom; wrong values are errors before anything runs."""
        dream = read_dream(state)
        picture = shown_name(dream.picture, "photo")
        flags = {"dream": dream.flags(), "zoom": dream.flags(zooms=True)}
        return {name: command_line("deepdream", picture, given) for name, given in flags.items()}

    def dream(self, state: State) -> Work:
        """Returns the work of a dream; the last picture becomes a PNG file."""
        dream = read_dream(state)
        picture = images.load(self._uploads.path(_needed(dream.picture)), dream.size or None)
        mask = masks.load_mask(self._uploads.path(dream.mask), picture.size) if dream.mask else None

        def run() -> Iterator[Progress]:
            yield Progress(0, "starting", 0.0, float("nan"), picture=picture.pixels)
            yield from self._dream(dream, dream.settings, picture.pixels, mask)

        def finish(last: Progress) -> dict[str, str]:
            assert last.picture is not None
            path = self._results / f"dream_{digest(dream)}{unfinished(last)}.png"
            images.save(path, images.Picture(last.picture, picture.alpha), _origin(dream, dream.flags()))
            return {"name": path.name}

        return Work(run, finish)

    def zoom(self, state: State) -> Work:
        """Returns the work of an endless zoom, which becomes an animated WebP file; cancelled, it has fewer frames."""
        dream = read_dream(state)
        if dream.mask:
            raise StateError("a mask keeps a part of the picture, which a zoom leaves behind: remove one of the two")
        camera.check(dream.zoom, 0, (0, 0))
        picture = images.load(self._uploads.path(_needed(dream.picture)), dream.size or None).over(_WHITE)
        name = f"zoom_{digest(dream)}"
        frames: list[Path] = []
        folder = self._results / FOLDER / name

        def run() -> Iterator[Progress]:
            shutil.rmtree(folder, ignore_errors=True)  # of one that failed
            folder.mkdir(parents=True)
            later = dataclasses.replace(dream.settings, steps=dream.frame_steps, iterations=None)
            before, steps = None, 0
            first_work = dream.settings.most_steps / dream.frame_steps
            for number in range(dream.frames):
                start = picture if before is None else camera.zoomed(before, dream.zoom, 0, (0, 0))
                settings = dream.settings if before is None else later
                for progress in self._dream(dream, settings, start, None, number * dream.frame_steps):
                    yield progress.of_whole("frame", number, dream.frames, steps, first_work)
                steps += progress.step
                assert progress.picture is not None
                frame = folder / f"{number:06}.png"
                images.save(frame, images.Picture(progress.picture))
                before = images.load(frame).pixels
                frames.append(frame)

        def finish(last: Progress) -> dict[str, str]:
            if not frames:
                raise StateError("no frame of the zoom is finished yet")
            path = self._results / f"{name}{unfinished(last)}.webp"
            made_by = _origin(dream, dream.flags(zooms=True))
            films.save(path, (images.load(frame).pixels for frame in list(frames)), _RATE, made_by)
            shutil.rmtree(folder, ignore_errors=True)
            return {"name": path.name}

        return Work(run, finish)

    def _dream(
        self,
        dream: _Dream,
        settings: DreamSettings,
        start: np.ndarray,
        mask: np.ndarray | None,
        steps_before: int = 0,
    ) -> Iterator[Progress]:
        dreamer = self._dreamer(dream.network, dream.objective, dream.layer, dream.guide, settings)
        run = dreamer.dream(start, mask, report_every=1, **({"steps_before": steps_before} if steps_before else {}))
        for progress in run:
            if dream.preserve_color and progress.picture is not None:
                colors = images.resize(start, progress.picture.shape[:2])
                progress = dataclasses.replace(progress, picture=with_colors_of(progress.picture, colors))
            yield progress

    def _make_dreamer(self, network: str, objective: str, layer: str, guide: str, settings: DreamSettings) -> "Dreamer":
        self._start()
        from tfgraphs.deepdream.dreamer import Dreamer
        from tfgraphs.deepdream.presets import combined_objective

        backbone = self._networks.load(network)
        shown = images.load(self._uploads.path(guide), GUIDE_SIDE).pixels if guide else None
        wanted = combined_objective(backbone, [objective] if objective else [], [layer] if layer else [], shown)
        return Dreamer(wanted, backbone, settings)


def read_dream(state: State) -> _Dream:
    """Reads what is dreamt.

    Raises:
        StateError, DreamError: a value is missing or wrong.
    """
    number = functools.partial(read_number, state)
    count = functools.partial(read_count, state)
    defaults = DreamSettings()
    step_size = number("step_size", _STEP_SIZE, 0, 255)
    settings = dataclasses.replace(
        defaults,
        steps=count("steps", defaults.steps, 1, 2000),
        octaves=count("octaves", defaults.octaves, 1, 20),
        octave_scale=number("octave_scale", defaults.octave_scale, 1.01, 4),
        jitter=count("jitter", defaults.jitter, 0, 200),
        seed=count("seed", 0, 0, 2**31 - 1),
        normalize=read_choice(state, "normalize", DreamSettings.CHOICES["normalize"], defaults.normalize),
        chroma=number("chroma", defaults.chroma, 0, 100),
        blur=number("blur", defaults.blur, 0, 20),
        chroma_blur=number("chroma_blur", defaults.chroma_blur, 0, 20),
        step_size=step_size / 255,
    )
    return _Dream(
        picture=read_text(state, "picture"),
        guide=read_text(state, "guide"),
        mask=read_text(state, "mask"),
        size=count("size", 640, 0, 4096),
        network=read_choice(state, "network", _NETWORKS, _NETWORKS[0]),
        objective=read_text(state, "objective", most=500),
        layer=read_text(state, "layer", most=100),
        step_size=step_size,
        settings=settings,
        preserve_color=bool(read_choice(state, "preserve_color", ("", "yes"), "")),
        frames=count("frames", 50, 1, MOST_FRAMES),
        frame_steps=count("frame_steps", 12, 1, 500),
        zoom=number("zoom", 1.04, 0.5, 2),
    )


def _choices() -> dict[str, Any]:
    """Returns what can be chosen: pictures of units, and presets with their values."""
    return {"units": json.loads(_UNITS.read_text(encoding="utf-8")), "presets": DREAMS}


def _needed(key: str) -> str:
    if not key:
        raise StateError("choose a picture first: drop one, or take a sample")
    return key


def _origin(dream: _Dream, flags: Flags) -> dict[str, object]:
    return origin("deepdream", {"input": shown_name(dream.picture, "photo"), **flags})
