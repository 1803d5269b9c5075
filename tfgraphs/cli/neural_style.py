"""Neural style: paints a photograph in the manner of a picture.

    neural_style --content=photo.jpg                             in the manner of the project's own night sky
    neural_style --content=photo.jpg --style=painting.jpg --output=painted.png
    neural_style --content=photo.jpg --preset=faithful           keeps more of the photograph; or balanced, wild
    neural_style --content=sample:coffee --style=sample:embers   pictures that come with the project
    neural_style --content=photo.jpg --style=a.jpg --style=b.jpg --style_weight=0.7 --style_weight=0.3
    neural_style --content=photo.jpg --style=a.jpg --content_mask=sky.png --style=b.jpg --content_mask=ground.png
    neural_style --content=photo.jpg --style=painting.jpg --preserve_color=luminance
    neural_style --content='shots/*.jpg' --output=painted        each of many pictures; --content=shots for a folder
    neural_style --content=film.mp4 --size=480                   a film, held steady; also an animated GIF, WebP or PNG
    neural_style --train_style=painting.jpg --export_dir=model   trains a network that paints so in one pass
    neural_style --model=model --content=photo.jpg               lets it paint, in less than a second
    neural_style --export_dir=model                              a SavedModel stylize(content, style, steps)
    neural_style --show_flags=painted.png                        the command that made a picture

The picture is painted at growing sizes, the coarse ones first; a good minute for 640 px on two cores. More
--content_weight keeps more of the photograph, less of it takes more of the painting.
"""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from absl import flags

from tfgraphs.cli import style_network
from tfgraphs.cli.shared import command, common_flags, film_run, picture_run, presets, run_state
from tfgraphs.files.outputs import SAVED_MODEL, check_folder
from tfgraphs.pictures import films, flow, images, samples
from tfgraphs.pictures.colors import matched, with_colors_of

if TYPE_CHECKING:
    import numpy as np

    from tfgraphs.monitor.progress import Progress
    from tfgraphs.neural_style import Painter, StyleSettings
    from tfgraphs.neural_style.anchor import Anchor

CONTENT = flags.DEFINE_string("content", None, "The photograph, folder, pattern or film to paint, or sample:NAME.")
STYLE = flags.DEFINE_multi_string("style", ["sample:swirls"], "The painting, or sample:NAME; several are blended.")
STYLE_WEIGHT = flags.DEFINE_multi_float(
    "style_weight", None, "How much of each --style, in their order; only proportions count."
)
CONTENT_MASK = flags.DEFINE_multi_string(
    "content_mask", None, "For each --style a picture that is white where to paint so; empty: everywhere."
)
STYLE_MASK = flags.DEFINE_multi_string(
    "style_mask", None, "For each --style a picture that is white where it counts; empty: everywhere."
)
SIZE = common_flags.size(640)
INIT = flags.DEFINE_string("init", "random", "What to begin with: random, content, or a picture.")
PRESERVE_COLOR = flags.DEFINE_enum(
    "preserve_color",
    "none",
    ["none", "luminance", "match"],
    "luminance: only lightness is painted; match: the paintings get the photograph's colours first.",
)
LOSS = flags.DEFINE_enum(
    "loss", "normalized", ["normalized", "paper"], "Whether errors are relative to their targets, or as published."
)
STATISTIC = flags.DEFINE_enum(
    "statistic",
    "gram",
    ["gram", "mean_variance", "sliced_wasserstein"],
    "What of a painting's activations is its style: how channels go together, each alone, or their distribution.",
)
CONTENT_LAYER = flags.DEFINE_string(
    "content_layer", None, "Where content is compared; by default chosen for the network."
)
STYLE_LAYERS = flags.DEFINE_list(
    "style_layers", None, "Where style is compared, with weights: conv1,fire3:0.5; by default chosen for the network."
)
CONTENT_WEIGHT = flags.DEFINE_float(
    "content_weight", None, "Of content, where style has 1: 0.15, 0.001 with --loss=paper, 0.3 with --train_style.", 0
)
VARIATION_WEIGHT = flags.DEFINE_float(
    "variation_weight", None, "Weight of smoothness: 1.1, 0 with --loss=paper, 3 with --train_style.", lower_bound=0
)
STYLE_SCALE = flags.DEFINE_float("style_scale", 1, "Size of the paintings relative to the photograph's.")
OPTIMIZER = common_flags.optimizer("adam", "Or lbfgs.")
LEARNING_RATE = flags.DEFINE_float(
    "learning_rate", 6 / 255, "Of the optimizer when a size begins, on the scale 0..1; it falls to nearly none."
)
STEPS = common_flags.steps(650)
TILE_SIZE = common_flags.tile_size(None, "By default only large pictures have tiles.")
PRESET = flags.DEFINE_enum(
    "preset", None, sorted(presets.PAINTINGS), "A good choice of weights and statistics; other flags go first."
)
FRAME_STEPS = flags.DEFINE_integer(
    "frame_steps", 80, "Steps for each frame of a film that goes on from the frame before.", lower_bound=1
)
TEMPORAL_WEIGHT = flags.DEFINE_float(
    "temporal_weight", 100, "How firmly frames of a film keep what was painted before; 0: each is painted alone.", 0
)
EXPORT_DIR = style_network.EXPORT_DIR
MODEL = flags.DEFINE_string(
    "model",
    None,
    "Paints in one pass with this network: a folder that --train_style made, or hub:HANDLE, for instance Magenta's "
    "module of arbitrary style transfer, which takes a --style. It is checked: it can compute, but not read or write "
    "files.",
)
_STEP_BY_STEP: tuple[flags.FlagHolder, ...] = (
    *(STYLE_WEIGHT, CONTENT_MASK, STYLE_MASK, INIT, LOSS, STATISTIC, CONTENT_LAYER, STYLE_LAYERS, CONTENT_WEIGHT),
    *(VARIATION_WEIGHT, STYLE_SCALE, OPTIMIZER, LEARNING_RATE, STEPS, FRAME_STEPS, TEMPORAL_WEIGHT, TILE_SIZE, PRESET),
)


def main(arguments: list[str]) -> None:
    command.no_arguments(arguments)
    if picture_run.shows_flags("neural_style"):
        return
    if PRESET.value:
        presets.apply(presets.PAINTINGS[PRESET.value], "squeezenet")
    if style_network.TRAIN_STYLE.value:
        if CONTENT.value or MODEL.value:
            raise command.UsageError("--train_style only trains: leave --content and --model out, and paint then")
        layers = _style_layers()
        style_network.train("neural_style", lambda: _settings(layers))
        return
    if EXPORT_DIR.value:
        _check_export()
        if not CONTENT.value:
            _export()
            return
    if not CONTENT.value:
        raise command.UsageError("say which photograph to paint: --content=photo.jpg, or --content=sample:coffee")
    _check_counts()
    if OPTIMIZER.value.lower() == "lbfgs" and LEARNING_RATE.present:
        raise command.UsageError("--optimizer=lbfgs finds the length of its steps: leave --learning_rate out")
    makers = {"picture": _paint_picture, "folder": _paint_folder, "film": _paint_film, "zoom": _refuse_zoom}
    kind = film_run.kind(CONTENT.value)
    for flag in (FRAME_STEPS, TEMPORAL_WEIGHT):
        if flag.present and kind != "film":
            raise command.UsageError(f"--{flag.name} is for films: leave it out")
    makers[kind]()
    if EXPORT_DIR.value:
        _export()


def _check_counts() -> None:
    for flag in (STYLE_WEIGHT, CONTENT_MASK, STYLE_MASK):
        if flag.value and len(flag.value) != len(STYLE.value):
            raise command.UsageError(
                f"--{flag.name} is given {len(flag.value)} times and --style {len(STYLE.value)}: give one for each"
            )


def _paint_picture() -> None:
    run = picture_run.PictureRun("neural_style", [CONTENT.value, *_others()], __name__)
    picture = picture_run.load_picture(CONTENT.value, SIZE.value)
    masks = _content_masks(picture.size)
    painter = _painter(keeps=False)
    with run.monitor() as monitor:
        pixels = run.follow(painter.paint(picture.pixels, masks, on_graph=monitor.graph, **run.checkpoints), monitor)
    run.save(images.Picture(pixels, picture.alpha))


def _paint_folder() -> None:
    run = film_run.FolderRun("neural_style", CONTENT.value, _others(), __name__, flag="content")
    for path in CONTENT_MASK.value or []:
        if path:
            images.load(samples.resolve(path))  # if it is broken, the run is, and not only a picture
    painter = _painter()
    with run.monitor() as monitor:
        graphs = iter([monitor.graph])  # is shown the first; the others are alike

        def become(picture: images.Picture) -> "Iterator[Progress]":
            return painter.paint(picture.pixels, _content_masks(picture.size), on_graph=next(graphs, None))

        run.make(become, SIZE.value, monitor)


def _paint_film() -> None:
    if film_run.BLEND.present:
        raise command.UsageError("--blend is for dreams: --temporal_weight holds painted films steady")
    if TEMPORAL_WEIGHT.value and not MODEL.value:
        flow.check()
    film = films.open_film(CONTENT.value)
    run = film_run.FilmRun("neural_style", [CONTENT.value, *_others()], __name__, film.rate)
    size = images.fit(film.size, SIZE.value or None, picture_run.UPSAMPLE.value)
    masks = _content_masks(size)
    count = film_run.count_frames("neural_style", film)
    painter = _painter()
    with run.monitor() as monitor:
        graphs = iter([monitor.graph])  # is shown the first; the others are alike

        def become(frames: film_run.Pair, painted: "np.ndarray | None") -> "Iterator[Progress]":
            return painter.paint(frames[1], masks, anchor=_anchor(frames, painted), on_graph=next(graphs, None))

        run.make(lambda start: film_run.pairs(film, size, start), become, count, monitor, _first_work(size))


def _anchor(frames: film_run.Pair, painted: "np.ndarray | None") -> "Anchor | None":
    """What holds a frame to the one before, that was painted already."""
    before, frame = frames
    if before is None or painted is None or not TEMPORAL_WEIGHT.value or MODEL.value:
        return None
    from tfgraphs.neural_style.anchor import anchored

    return anchored(painted, before, frame, TEMPORAL_WEIGHT.value)


def _first_work(size: tuple[int, int]) -> float:
    """How much more work the first frame of a film is than another."""
    from tfgraphs.neural_style.scales import scale_levels
    from tfgraphs.neural_style.transfer import ANCHORED_SCALES

    if not TEMPORAL_WEIGHT.value or MODEL.value:
        return 1.0
    first, other = scale_levels(size, STEPS.value), scale_levels(size, FRAME_STEPS.value, ANCHORED_SCALES)
    return sum(level.work(level.steps) for level in first) / sum(level.work(level.steps) for level in other)


def _refuse_zoom() -> None:
    raise command.UsageError("--zoom_frames is for dreams: leave it out")


def _painter(keeps: bool = True) -> "_Painter | style_network.ModelPainter":
    if not MODEL.value:
        return _Painter(keeps)
    for flag in _STEP_BY_STEP:
        if flag.present:
            raise command.UsageError(f"--{flag.name} is for painting step by step: leave it out with --model")
    paintings = STYLE.value if STYLE.present else []
    return style_network.ModelPainter(MODEL.value, paintings, PRESERVE_COLOR.value == "luminance")


class _Painter:
    """Paints as the flags say. What is the same for all photographs is loaded once, and TensorFlow started.

    Args:
        keeps: whether another photograph may follow.

    Raises:
        ImageError, UsageError, StyleError: a flag names a picture that cannot be read, or makes no sense.
    """

    def __init__(self, keeps: bool) -> None:
        self._keeps = keeps
        paintings = [picture_run.load_picture(path, round(SIZE.value * STYLE_SCALE.value)) for path in STYLE.value]
        self._start = None if INIT.value in _STARTS else images.load(samples.resolve(INIT.value)).pixels
        self._paintings = [painting.pixels for painting in paintings]
        self._masks = [
            picture_run.load_mask(path, painting.size) if path else None
            for path, painting in zip(_for_each(STYLE_MASK), paintings, strict=True)
        ]
        layers = _style_layers()
        command.import_tensorflow()
        self._settings = _settings(layers)
        self._backbone = picture_run.load_backbone("neural_style", "average", self._settings.layers)
        self._known: Painter | None = None
        self._shape: tuple[int, ...] = ()

    def paint(
        self,
        content: "np.ndarray",
        content_masks: "list[np.ndarray | None]",
        anchor: "Anchor | None" = None,
        **options: Any,
    ) -> "Iterator[Progress]":
        """Paints a photograph; with --preserve_color in its colours.

        Args:
            content: float32 [height, width, 3] in 0..1.
            content_masks: where each painting goes, float32 [height, width] in 0..1 or None.
            anchor: what holds the frame of a film to the one before.
            options: of `neural_style.paint`.
        """
        start, steps = content if INIT.value == "content" else self._start, STEPS.value
        if anchor is not None:
            start, steps = None, FRAME_STEPS.value
        painter = self._painter(content, content_masks)
        for progress in painter.paint(content, steps=steps, start=start, anchor=anchor, **options):
            if PRESERVE_COLOR.value == "luminance":
                assert progress.picture is not None
                colours = images.resize(content, progress.picture.shape[:2])
                progress = dataclasses.replace(progress, picture=with_colors_of(progress.picture, colours))
            yield progress

    def _painter(self, content: "np.ndarray", content_masks: "list[np.ndarray | None]") -> "Painter":
        """The painter of the photograph before, if it was of the same size: its graphs are made.

        With --preserve_color=match the frames of a film have the colours of the first: others would flicker.
        """
        from tfgraphs.neural_style import Painter, Style

        again = self._known is not None and (films.is_film(CONTENT.value) or PRESERVE_COLOR.value != "match")
        if not again or (CONTENT_MASK.value and content.shape != self._shape):
            weights = STYLE_WEIGHT.value or [1.0] * len(self._paintings)
            styles = [
                Style(matched(painting, content) if PRESERVE_COLOR.value == "match" else painting, *others)
                for painting, *others in zip(self._paintings, weights, self._masks, content_masks, strict=True)
            ]
            self._known, self._shape = Painter(styles, self._backbone, self._settings, self._keeps), content.shape
        assert self._known is not None
        return self._known


_STARTS = ("random", "content")


def _others() -> list[str]:
    """The files that go in besides the photograph."""
    masks = [path for flag in (CONTENT_MASK, STYLE_MASK) for path in flag.value or [] if path]
    return [*STYLE.value, *masks, *([] if INIT.value in _STARTS else [INIT.value])]


def _for_each(flag: "flags.FlagHolder[list[str]]") -> list[str]:
    return flag.value or [""] * len(STYLE.value)


def _content_masks(size: tuple[int, int]) -> "list[np.ndarray | None]":
    """Where each painting goes in a photograph of a size; None is everywhere."""
    return [picture_run.load_mask(path, size) if path else None for path in _for_each(CONTENT_MASK)]


def _style_layers() -> dict[str, float] | None:
    if STYLE_LAYERS.value is None:
        return None
    layers = {}
    for text in STYLE_LAYERS.value:
        name, colon, weight = text.strip().rpartition(":")
        try:
            layers[name if colon else weight] = float(weight) if colon else 1.0
        except ValueError:
            raise command.UsageError(f"--style_layers: {text!r} is no layer with a weight, as fire3:0.5") from None
    return layers


def _settings(style_layers: dict[str, float] | None) -> "StyleSettings":
    from tfgraphs.neural_style import StyleSettings

    return StyleSettings(
        loss=LOSS.value,
        statistic=STATISTIC.value,
        content_layer=CONTENT_LAYER.value,
        style_layers=style_layers,
        content_weight=CONTENT_WEIGHT.value,
        variation_weight=VARIATION_WEIGHT.value,
        optimizer=OPTIMIZER.value,
        learning_rate=LEARNING_RATE.value,
        steps=STEPS.value,
        style_scale=STYLE_SCALE.value,
        tile_size=TILE_SIZE.value,
        seed=picture_run.SEED.value,
    )


def _check_export() -> None:
    check_folder(EXPORT_DIR.value, SAVED_MODEL)
    if OPTIMIZER.value.lower() != "adam":
        raise command.UsageError(f"--optimizer={OPTIMIZER.value}: an exported painter has adam alone")
    if MODEL.value:
        raise command.UsageError("--export_dir is for painting step by step: leave it out with --model")


def _export() -> None:
    layers = _style_layers()
    command.import_tensorflow()
    from tfgraphs.neural_style.exported import export_painter

    settings = _settings(layers)
    backbone = picture_run.load_backbone("neural_style", "average", settings.layers)
    export_painter(EXPORT_DIR.value, backbone, settings)
    print(f"{EXPORT_DIR.value}: stylize(content, style, steps)")


def run() -> None:
    modules = [__name__, style_network.__name__, picture_run.__name__, run_state.__name__]
    command.run("neural_style", main, __doc__, modules)


if __name__ == "__main__":
    run()
