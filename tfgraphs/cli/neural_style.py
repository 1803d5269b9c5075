"""Neural style: paints a photograph in the style of a picture.

    neural_style photo.jpg                                       in the style of the project's own night sky
    neural_style photo.jpg painting.jpg --output=painted.png
    neural_style --input=photo.jpg --preset=faithful             keeps more of the photograph; or balanced, wild
    neural_style --input=sample:coffee --style=sample:embers     pictures that come with the project
    neural_style --input=photo.jpg --style=a.jpg --style=b.jpg --style_weight=0.7 --style_weight=0.3
    neural_style --input=photo.jpg --style=a.jpg --content_mask=sky.png --style=b.jpg --content_mask=ground.png
    neural_style --input=photo.jpg --style=painting.jpg --preserve_color=luminance
    neural_style shots/*.jpg --style=painting.jpg --output=painted    each of many; --input=shots for a folder
    neural_style shots/*.jpg --output=painted --workers=4        by four processes; --scheduler: by other machines
    neural_style --input=film.mp4 --size=480                     a film without flicker; also an animated GIF, WebP, PNG
    neural_style --fast photo.jpg                                in one pass, in less than a second; or sample:embers
    neural_style --train_style=painting.jpg --export_dir=model   trains a network that paints so in one pass
    neural_style --model=model --input=photo.jpg                 paints with it
    neural_style --export_dir=model                              a SavedModel stylize(content, style, steps)
    neural_style --show_flags=painted.png                        prints the command that made a picture

The picture is painted at growing sizes, the coarse ones first; it takes a minute and a half for 640 px on two cores. A
larger --content_weight keeps more of the photograph, a smaller one takes more of the painting.
"""

import dataclasses
import importlib.util
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from tfgraphs.cli import style_network
from tfgraphs.cli.shared import (
    cluster_flags,
    command,
    common_flags,
    film_run,
    picture_inputs,
    picture_run,
    picture_workers,
    presets,
    scheduled_run,
)
from tfgraphs.extras import install_extra
from tfgraphs.files.outputs import SAVED_MODEL, check_folder
from tfgraphs.monitor.progress import Progress
from tfgraphs.neural_style.one_pass.trained import trained_network
from tfgraphs.neural_style.regions import SMALLEST_SIDE, Style, check_weight
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.pictures import films, flow, images, samples
from tfgraphs.pictures.colors import matched
from tfgraphs.pictures.stillness import SteadyFrame, steady_frames

if TYPE_CHECKING:
    from tfgraphs.neural_style.transfer import Painter

INPUT = common_flags.define_path("input", None, "The photograph, folder, pattern or film to paint, or sample:NAME.")
common_flags.former("content", "input")
STYLE = common_flags.define_paths("style", ["sample:swirls"], "The painting, or sample:NAME; several are blended.")
STYLE_WEIGHT = flags.DEFINE_multi_float(
    "style_weight", None, "How much of each --style, in their order; only proportions count."
)
CONTENT_MASK = common_flags.define_paths(
    "content_mask", None, "For each --style a picture that is white where it is used; empty: everywhere."
)
STYLE_MASK = common_flags.define_paths(
    "style_mask", None, "For each --style a picture that is white where it counts; empty: everywhere."
)
SIZE = common_flags.define("size", 640)
INIT = common_flags.define_path("init", "random", "What to start from: random, content, or a picture.")
PRESERVE_COLOR = flags.DEFINE_enum(
    "preserve_color",
    "none",
    ["none", "luminance", "match"],
    "luminance: paints lightness only; match: gives the paintings the photograph's colours first.",
)
STYLE_LAYERS = common_flags.define_list(
    "style_layers", None, "Where style is compared, with weights: conv1,fire3:0.5. By default chosen for the network."
)
common_flags.define("optimizer", "adam", "Or lbfgs.")
STEPS = common_flags.define("steps", 900)
common_flags.former("iterations", "steps")
common_flags.define("tile_size", None, "By default only large pictures have tiles.")
PRESET = flags.DEFINE_enum(
    "preset", None, presets.names(presets.PAINTINGS), "A good choice of weights; flags that are given count more."
)
FRAME_STEPS = flags.DEFINE_integer(
    "frame_steps", 80, "Steps for each frame of a film that starts from the frame before.", lower_bound=1
)
TEMPORAL_WEIGHT = flags.DEFINE_float(
    "temporal_weight",
    100,
    "How firmly frames of a film keep what was painted before where things move; 0: each is painted alone.",
    0,
)
EXPORT_DIR = style_network.EXPORT_DIR
MODEL = common_flags.define_path(
    "model",
    None,
    "Paints in one pass with this network: a folder that --train_style wrote, or hub:HANDLE, for instance Magenta's "
    "arbitrary style transfer, which takes a --style. It is checked: it can compute, but not read or write files.",
)
FAST = flags.DEFINE_boolean(
    "fast", False, "Paints in one pass with the network that was trained on --style: sample:swirls or sample:embers."
)
common_flags.define_settings(StyleSettings, "steps", "optimizer", "seed", "tile_size", "style_layers")

_STEP_BY_STEP = ("style_weight", "content_mask", "style_mask", "init", "frame_steps", "preset")
_STARTS = ("random", "content")  # values of --init that are not files


def main(arguments: list[str]) -> None:
    _take_arguments(arguments)
    if picture_run.shows_flags("neural_style"):
        return
    if PRESET.value:
        presets.apply(presets.of_network(presets.PAINTINGS, PRESET.value))
    _check_flags()
    if style_network.TRAIN_STYLE.value:
        style_network.train(_settings())
        return
    if INPUT.value:
        kind = film_run.input_kind(INPUT.value)
        scheduled_run.check_kind(kind, TEMPORAL_WEIGHT)
        {"picture": _paint_picture, "folder": _paint_folder, "film": _paint_film}[kind]()
    if EXPORT_DIR.value:
        command.import_tensorflow()
        from tfgraphs.neural_style.exported import export_painter

        settings = _settings()
        backbone = picture_run.load_backbone("neural_style", settings.pooling, settings.layers)
        export_painter(EXPORT_DIR.value, backbone, settings)
        print(f"{EXPORT_DIR.value}: stylize(content, style, steps)")


def _take_arguments(arguments: list[str]) -> None:
    """Takes arguments that are not flags as photographs; of two pictures the second is the painting if none is given.

    Raises UsageError if it is not clear which is which.
    """
    paints = not (STYLE.present or MODEL.value or style_network.TRAIN_STYLE.value)
    count = len(arguments) + bool(INPUT.value)
    if paints and arguments and count == 2:
        flags.FLAGS["style"].value = [common_flags.path(arguments[-1])]
        arguments = arguments[:-1]
    elif paints and count > 2:
        raise command.UsageError(f"which of the {count} pictures is the painting? Give it as --style=painting.jpg")
    picture_inputs.take_arguments(arguments)


def _paint_picture() -> None:
    run = picture_run.PictureRun("neural_style", [INPUT.value, *_other_files()], __name__)
    picture = picture_run.load_picture(INPUT.value, SIZE.value, _smallest_side())
    masks = _content_masks(picture.size)
    painter = _painter(run)
    run.make_picture(painter.paint(picture.pixels, masks, **run.state.checkpoints), picture.alpha)


def _paint_folder() -> None:
    if scheduled_run.is_scheduled():
        scheduled_run.ScheduledRun("neural_style", INPUT.value, __name__).make_pictures()
        return
    run = scheduled_run.folder_run("neural_style", INPUT.value, _other_files(), __name__, _masks())
    painter = _painter(run)
    run.make_pictures(
        lambda picture: painter.paint(picture.pixels, _content_masks(picture.size)), SIZE.value, _smallest_side()
    )


def _paint_film() -> None:
    film = films.open_film(INPUT.value)
    run = film_run.FilmRun("neural_style", [INPUT.value, *_other_files()], __name__, film)
    size = images.fit(film.size, SIZE.value or None, picture_run.UPSAMPLE.value)
    masks = _content_masks(size)
    picture_inputs.check_sides(INPUT.value, film.size, size, _smallest_side())
    if scheduled_run.is_scheduled():
        if PRESERVE_COLOR.value == "match":
            raise command.UsageError("--preserve_color=match takes the colours of the first frame: leave --workers out")
        scheduled_run.make_film(run, __name__, film, size, *([] if _in_one_pass() else ["--supersampling=1"]))
        return
    painter = _painter(run)
    from tfgraphs.neural_style.anchor import anchored, drying
    from tfgraphs.neural_style.transfer import work_of_first_frame

    first_work = work_of_first_frame(size, STEPS.value, FRAME_STEPS.value) if _is_anchored() else 1.0

    def frames(start: int) -> Iterator[SteadyFrame]:
        if not TEMPORAL_WEIGHT.value:
            return itertools.chain.from_iterable(steady_frames([frame]) for frame in film.frames(start, size))
        steady = steady_frames(film.frames(0, size))  # what is kept depends on all frames before
        return itertools.islice(drying(steady) if _is_anchored() else steady, start, None)

    def paint(given: SteadyFrame, painted: np.ndarray | None) -> Iterator[Progress]:
        if given.before is None or painted is None:
            return painter.paint(given.frame, masks)
        if not given.changed.any():
            return iter([Progress(0, "nothing changes", 1.0, float("nan"), picture=painted)])
        anchor = anchored(painted, given, TEMPORAL_WEIGHT.value) if _is_anchored() else None
        painting = painter.paint(given.frame, masks, anchor=anchor)
        return painting if anchor and PRESERVE_COLOR.value != "luminance" else _kept(painted, painting, given.changed)

    run.make_film(frames, paint, first_work)


def _kept(painted: np.ndarray, painting: Iterator[Progress], changed: np.ndarray) -> Iterator[Progress]:
    """Keeps what was painted where nothing has changed."""
    from tfgraphs.neural_style.anchor import kept

    for progress in painting:
        assert progress.picture is not None
        size = progress.picture.shape[:2]
        shares = images.resize(changed, size).clip(0, 1)
        yield dataclasses.replace(progress, picture=kept(images.resize(painted, size), progress.picture, shares))


def _check_flags() -> None:
    """Raises UsageError for flags that do not go together, before anything is loaded."""
    settings = _settings()
    style_network.check_flags()
    if style_network.TRAIN_STYLE.value:
        if INPUT.value or _in_one_pass():
            raise command.UsageError("--train_style only trains: paint afterwards, with --input and --model")
    elif not (INPUT.value or EXPORT_DIR.value):
        raise command.UsageError("say which photograph to paint: neural_style photo.jpg, or --input=sample:coffee")
    elif EXPORT_DIR.value:
        check_folder(EXPORT_DIR.value, SAVED_MODEL)
        if settings.optimizer_name != "adam":
            raise command.UsageError(f"--optimizer={settings.optimizer}: an exported painter can use adam only")
        if _in_one_pass():
            raise command.UsageError("--export_dir is for painting step by step: leave it out with --model and --fast")
    for flag in (STYLE_WEIGHT, CONTENT_MASK, STYLE_MASK):
        if flag.value and len(flag.value) != len(STYLE.value):
            raise command.UsageError(
                f"--{flag.name} is given {len(flag.value)} times and --style {len(STYLE.value)}: give one for each"
            )
    for weight in STYLE_WEIGHT.value or []:
        check_weight(weight)
    if settings.optimizer_name == "lbfgs" and not all(map(importlib.util.find_spec, ("scipy", "threadpoolctl"))):
        raise command.UsageError(f"L-BFGS needs SciPy and threadpoolctl: {install_extra('lbfgs')}")
    if settings.optimizer_name == "lbfgs" and flags.FLAGS["learning_rate"].present:
        raise command.UsageError("--optimizer=lbfgs finds the length of its steps: leave --learning_rate out")
    if INPUT.value:
        kind = film_run.input_kind(INPUT.value)
        if kind == "zoom":
            raise command.UsageError("--zoom_frames is for dreams: leave it out")
        for flag in (FRAME_STEPS, TEMPORAL_WEIGHT):
            if flag.present and kind != "film":
                raise command.UsageError(f"--{flag.name} is for films: leave it out")
        if film_run.BLEND.present:
            raise command.UsageError("--blend is for dreams: --temporal_weight keeps painted films from flickering")
        if kind == "film" and flags.FLAGS["supersampling"].present:
            raise command.UsageError("--supersampling is for pictures: leave it out, frames are painted in their size")
        if kind == "film" and _is_anchored():
            flow.opencv()
    if FAST.value:
        if MODEL.value:
            raise command.UsageError("--fast takes a network of this package: leave --model out, or --fast")
        if len(STYLE.value) != 1:
            raise command.UsageError("--fast paints in the style of one painting: give one --style")
        trained_network(STYLE.value[0])
    elif MODEL.value and not (
        "://" in MODEL.value or MODEL.value.startswith("hub:") or (Path(MODEL.value) / SAVED_MODEL).is_file()
    ):
        raise command.UsageError(f"--model={MODEL.value} is not a SavedModel: it has no {SAVED_MODEL}")
    if _in_one_pass():
        for name in (*(field.name for field in dataclasses.fields(settings)), *_STEP_BY_STEP):
            if flags.FLAGS[name].present and name != "seed":
                model = "fast" if FAST.value else "model"
                raise command.UsageError(f"--{name} is for painting step by step: leave it out with --{model}")


def _in_one_pass() -> bool:
    """Whether a network paints that was trained to."""
    return FAST.value or bool(MODEL.value)


def _is_anchored() -> bool:
    """Whether the frames of a film start from the frame before."""
    return bool(TEMPORAL_WEIGHT.value) and not _in_one_pass()


def _smallest_side() -> int:
    """The shortest side of photographs in pixels. That of a model is in the model."""
    return 1 if _in_one_pass() else SMALLEST_SIDE


def _painter(run: "picture_run.PictureRun | picture_workers.ServedRun") -> "_Painter | style_network.ModelPainter":
    """Makes the painter of a run and starts TensorFlow."""
    keeps_color = PRESERVE_COLOR.value == "luminance"
    if FAST.value:
        return style_network.ModelPainter(str(trained_network(STYLE.value[0])), [], keeps_color)
    if MODEL.value:
        return style_network.ModelPainter(MODEL.value, STYLE.value if STYLE.present else [], keeps_color)
    return _Painter(run)


class _Painter:
    """Paints as the flags say. What all photographs share is loaded once, and TensorFlow started."""

    def __init__(self, run: picture_run.PictureRun | picture_workers.ServedRun) -> None:
        self._settings, self._on_graph = _settings(), run.log_graph
        if film_run.input_kind(INPUT.value) == "film":  # what stays as it is would be resampled in every frame
            self._settings = dataclasses.replace(self._settings, supersampling=1.0)
        self._paintings = list[tuple[np.ndarray, float, np.ndarray | None]]()
        weights = STYLE_WEIGHT.value or [1.0] * len(STYLE.value)
        scale = self._settings.style_scale * self._settings.largest_factor(picture_run.BACKBONE.value)
        for path, weight, mask in zip(STYLE.value, weights, _for_each_style(STYLE_MASK), strict=True):
            painting = picture_run.load_picture(path, round(SIZE.value * scale), SMALLEST_SIDE)
            self._paintings.append((painting.pixels, weight, picture_run.load_mask(mask, painting.size)))
        self._start = None if INIT.value in _STARTS else images.load(samples.resolve(INIT.value)).pixels
        command.import_tensorflow()
        settings = self._settings
        self._backbone = picture_run.load_backbone("neural_style", settings.pooling, settings.layers)
        self._shape: tuple[int, ...] = ()
        self._last: Painter | None = None
        self._logged = set[bool]()  # of which pictures a graph is logged: of those that follow a frame, of others

    def paint(
        self, photograph: np.ndarray, content_masks: list[np.ndarray | None], **options: Any
    ) -> Iterator[Progress]:
        """Paints a photograph; `content_masks` say where each painting goes, options are those of `Painter.paint`."""
        follows = options.get("anchor") is not None
        if follows:
            options["steps"] = FRAME_STEPS.value
        else:
            options["start"] = photograph if INIT.value == "content" else self._start
        if follows not in self._logged:  # the graphs of other pictures look the same
            self._logged.add(follows)
            options["on_graph"] = self._on_graph
        painting = self._painter(photograph, content_masks).paint(photograph, **options)
        return picture_run.in_colors_of(photograph, painting) if PRESERVE_COLOR.value == "luminance" else painting

    def _painter(self, photograph: np.ndarray, content_masks: list[np.ndarray | None]) -> "Painter":
        """The painter of the photograph before, if it can paint this one, too: it may have the graphs already.

        With --preserve_color=match the frames of a film have the colours of the first; others would flicker.
        """
        from tfgraphs.neural_style.transfer import Painter

        matches = PRESERVE_COLOR.value == "match"
        other_colors = matches and not films.is_film(INPUT.value)
        other_masks = CONTENT_MASK.value and photograph.shape != self._shape
        if self._last is None or other_colors or other_masks:
            styles = [
                Style(matched(pixels, photograph) if matches else pixels, weight, mask, where)
                for (pixels, weight, mask), where in zip(self._paintings, content_masks, strict=True)
            ]
            reuse_graphs = film_run.input_kind(INPUT.value) != "picture"
            self._last = Painter(styles, self._backbone, self._settings, reuse_graphs)
            self._shape = photograph.shape
        return self._last


def _masks() -> list[str]:
    return [path for flag in (CONTENT_MASK, STYLE_MASK) for path in flag.value or [] if path]


def _other_files() -> list[str]:
    return [*STYLE.value, *_masks(), *([] if INIT.value in _STARTS else [INIT.value])]


def _for_each_style(flag: "flags.FlagHolder[list[str]]") -> list[str]:
    return flag.value or [""] * len(STYLE.value)


def _content_masks(size: tuple[int, int]) -> list[np.ndarray | None]:
    """Where each painting goes in a photograph of a size; None is everywhere."""
    return [picture_run.load_mask(path, size) for path in _for_each_style(CONTENT_MASK)]


def _settings() -> StyleSettings:
    layers = {}
    for text in STYLE_LAYERS.value or []:
        name, colon, weight = text.strip().rpartition(":")
        try:
            layers[name if colon else weight] = float(weight) if colon else 1.0
        except ValueError:
            raise command.UsageError(
                f"--style_layers: {text!r} is not a layer with a weight, such as fire3:0.5"
            ) from None
    return common_flags.read_settings(StyleSettings, style_layers=None if STYLE_LAYERS.value is None else layers)


def run() -> None:
    modules = [__name__, style_network.__name__, cluster_flags.__name__, *picture_run.PictureRun.flag_modules]
    modules += scheduled_run.FLAG_MODULES
    command.run("neural_style", main, __doc__, modules)


if __name__ == "__main__":
    run()
