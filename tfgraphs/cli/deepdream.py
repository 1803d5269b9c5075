"""DeepDream: changes a picture so that it excites a neural network more and more.

    deepdream photo.jpg                                      writes photo_deepdream.png
    deepdream --input=photo.jpg --output=dream.png --layer=fire9 --steps=200
    deepdream --input=photo.jpg --preset=palaces             a chosen combination of flags
    deepdream --input=photo.jpg --objective='fire5 - 0.5*fire9:17'
    deepdream --input=photo.jpg --guide=flowers.jpg          towards the features of another picture
    deepdream --input=large.jpg --size=0 --tile_size=1024    larger than fits into memory as a whole
    deepdream --input=sample:coffee                          a photograph of the extra "offline"
    deepdream shots/*.jpg --output=dreams                    several pictures; --input=shots for a folder
    deepdream shots/*.jpg --output=dreams --workers=4        by four processes; --scheduler: by other machines
    deepdream --input=film.mp4 --size=640                    each frame of a film; also an animated GIF, WebP or PNG
    deepdream --input=photo.jpg --zoom_frames=250            an endless zoom: writes photo_zoom.mp4, ten seconds
    deepdream --show_flags=dream.png                         the command that made a picture
    deepdream --export_dir=model --layer=fire7               a SavedModel dream(image, steps, step_size)

Low layers (conv1, fire2, fire3) draw strokes and textures, middle ones (fire5) swirls and eyes, high ones (fire7,
fire9) animals. `visualize layers` lists them. An objective is a sum of layers, channels (fire9_pre_relu:139), single
neurons (fire9:139:4:7) and classes (class:281, class:tiger cat) with factors. The row and column of a neuron refer to
the whole picture; with --jitter=0 the picture does not move relative to them.
"""

import dataclasses
import functools
import itertools
import re
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from tfgraphs.cli.shared import (
    command,
    common_flags,
    film_run,
    picture_inputs,
    picture_run,
    picture_workers,
    presets,
    run_state,
    scheduled_run,
)
from tfgraphs.deepdream.objective_text import read_terms
from tfgraphs.deepdream.settings import SMALLEST_SIDES, DreamError, DreamSettings, NoGradientError
from tfgraphs.files.outputs import SAVED_MODEL, check_folder
from tfgraphs.monitor.progress import Progress
from tfgraphs.pictures import films, images, samples

if TYPE_CHECKING:
    from tfgraphs.backbones import Backbone
    from tfgraphs.deepdream import Objective
    from tfgraphs.deepdream.dreamer import Dreamer

INPUT = common_flags.define_path("input", None, "The picture, folder, pattern or film to dream about, or sample:NAME.")
common_flags.former("content", "input")
SIZE = common_flags.define("size", 1024)
LAYER = common_flags.define_list(
    "layer", [], "The layers whose activations are maximised, one or several. By default a mixture with objects."
)
OBJECTIVE = flags.DEFINE_multi_string("objective", [], "What is maximised instead of a layer; several are added.")
GUIDE = common_flags.define_path(
    "guide", None, "A picture whose features of --layer the dream takes on, or sample:NAME."
)
GUIDE_SIZE = flags.DEFINE_integer("guide_size", 224, "Longer side in pixels to which the guide is reduced.", 32)
STEPS = common_flags.define("steps", 120)
FRAME_STEPS = flags.DEFINE_integer("frame_steps", 12, "Steps of each frame of a zoom but the first.", 1)
FRAME_ITERATIONS = flags.DEFINE_integer(
    "frame_iterations", None, "Steps at each octave of these frames, instead of --frame_steps.", 1
)
OPTIMIZER = common_flags.define("optimizer", "sgd")
STEP_SIZE = flags.DEFINE_float(
    "step_size",
    0.7,
    "Learning rate on the scale 0..255. For sgd, the length of a step as --normalize measures it; with none, a factor "
    "of the gradient.",
    0,
)
TILE_SIZE = common_flags.define("tile_size", 0)
common_flags.define_settings(DreamSettings, "steps", "optimizer", "seed", "tile_size", "step_size")
PRESET = flags.DEFINE_enum(
    "preset", None, presets.names(presets.DREAMS), "A chosen combination of flags; flags that are given override it."
)
MASK = common_flags.define_path("mask", None, "A picture: white where to dream, black where not, grey for less.")
PRESERVE_COLOR = flags.DEFINE_bool("preserve_color", False, "Keeps the colours of the picture and changes the luma.")
EXPORT_DIR = common_flags.define_path("export_dir", None, "Writes a SavedModel that dreams; --input is optional then.")

_warn_once = functools.cache(warnings.warn)
_WHITE = 1.0  # the background of transparent pictures in a zoom


def main(arguments: list[str]) -> None:
    picture_inputs.take_arguments(arguments)
    if picture_run.shows_flags("deepdream"):
        return
    _check_flags()
    if INPUT.value:
        makers = {"picture": _dream_picture, "folder": _dream_folder, "film": _dream_film, "zoom": _dream_zoom}
        kind = film_run.input_kind(INPUT.value, zoom_only=[FRAME_STEPS, FRAME_ITERATIONS])
        scheduled_run.check_kind(kind, film_run.BLEND)
        makers[kind]()
    if EXPORT_DIR.value:
        objective, backbone = _load_objective()
        from tfgraphs.deepdream.exported import export_dream

        export_dream(EXPORT_DIR.value, objective, backbone, _settings(), preserve_color=PRESERVE_COLOR.value)
        print(f"{EXPORT_DIR.value}: dream(image, steps, step_size)")


def _dream_picture() -> None:
    run = picture_run.PictureRun("deepdream", [INPUT.value, *_other_inputs()], __name__)
    picture = picture_run.load_picture(INPUT.value, SIZE.value, _smallest_side())
    mask = picture_run.load_mask(MASK.value, picture.size)
    dreamer = _load_dreamer(run, picture.size)
    options = {**run.state.checkpoints, "report_every": picture_run.SAVE_EVERY.value}
    try:
        run.make_picture(_dream(dreamer, picture.pixels, mask, **options), picture.alpha)
    except DreamError:
        run.state.forget()
        raise


def _dream_folder() -> None:
    masks = [MASK.value] if MASK.value else []
    if scheduled_run.is_scheduled():
        scheduled_run.ScheduledRun("deepdream", INPUT.value, __name__).make_pictures()
        return
    run = scheduled_run.folder_run("deepdream", INPUT.value, _other_inputs(), __name__, masks)
    dreamer = _load_dreamer(run)

    def make(picture: images.Picture) -> Iterator[Progress]:
        dream = _dream(dreamer, picture.pixels, picture_run.load_mask(MASK.value, picture.size))
        return _dream_frame(dream) if picture_workers.served_kind() == picture_workers.FRAMES else dream

    run.make_pictures(make, SIZE.value, _smallest_side())


def _dream_film() -> None:
    film = films.open_film(INPUT.value)
    run = film_run.FilmRun("deepdream", [INPUT.value, *_other_inputs()], __name__, film)
    size = images.fit(film.size, SIZE.value or None, picture_run.UPSAMPLE.value)
    if scheduled_run.is_scheduled():
        scheduled_run.make_film(run, __name__, film, size)
        return
    mask = picture_run.load_mask(MASK.value, size)
    dreamer = _load_dreamer(run)

    def make_frame(frame: np.ndarray, before: np.ndarray | None) -> Iterator[Progress]:
        frame, where = _fitted(dreamer, frame, mask)
        return _dream_frame(_dream(dreamer, frame, where, film_run.blend(frame, before, where)))

    run.make_film(lambda start: film.frames(start, size), make_frame)


def _dream_zoom() -> None:
    if MASK.value:
        raise command.UsageError("--mask keeps a part of the picture, which a zoom leaves behind: give one of the two")
    move_camera = film_run.camera_move()
    run = film_run.FilmRun("deepdream", [INPUT.value, *_other_inputs()], __name__)
    picture = picture_run.load_picture(INPUT.value, SIZE.value).over(_WHITE)
    objective, backbone = _load_objective()
    from tfgraphs.deepdream.dreamer import Dreamer

    settings = _settings()
    frame_settings = dataclasses.replace(settings, steps=FRAME_STEPS.value, iterations=FRAME_ITERATIONS.value)
    frame_steps = frame_settings.most_steps
    dreamer = functools.cache(lambda: Dreamer(objective, backbone, frame_settings, run.log_graph))

    def make_frame(number: int, before: np.ndarray | None) -> Iterator[Progress]:
        if before is None:
            return _dream_frame(_dream(lambda: Dreamer(objective, backbone, settings), picture))
        return _dream_frame(_dream(dreamer, move_camera(before), steps_before=number * frame_steps))

    run.make_film(itertools.count, make_frame, settings.most_steps / frame_steps)


def _smallest_side() -> int:
    """The shortest side of pictures for layers of SqueezeNet. Those of other networks are known to TensorFlow only."""
    if picture_run.BACKBONE.value != "squeezenet":
        return 1
    objective = " ".join([*OBJECTIVE.value, *(LAYER.value or ([] if OBJECTIVE.value else ["fire7"]))])
    return max((SMALLEST_SIDES.get(name, 1) for name in re.findall(r"\b[a-z]+\d", objective)), default=1)


def _other_inputs() -> list[str]:
    return [path for path in (GUIDE.value, MASK.value) if path]


def _load_dreamer(
    run: picture_run.PictureRun | picture_workers.ServedRun, size: tuple[int, int] | None = None
) -> "Callable[[], Dreamer]":
    """Returns what makes the dreamer of a run, once: it builds graphs, and the run logs them while it is shown.

    `size` is that of the picture of --input, if there is one only.
    """
    objective, backbone = _load_objective()
    if size is not None and (SIZE.present or backbone.nearest_size(objective.layers, size) == size):
        smallest = max(backbone.view(layer).smallest for layer in objective.layers)
        picture_inputs.check_sides(INPUT.value, picture_inputs.own_size(INPUT.value), size, smallest)
    from tfgraphs.deepdream.dreamer import Dreamer

    return functools.cache(lambda: Dreamer(objective, backbone, _settings(), run.log_graph))


def _load_objective() -> "tuple[Objective, Backbone]":
    """Starts TensorFlow; returns the sum of what --objective, --layer and --guide say, and the network."""
    guide = images.load(samples.resolve(GUIDE.value), GUIDE_SIZE.value) if GUIDE.value else None
    command.import_tensorflow()
    from tfgraphs.deepdream.presets import check_of, combined_objective

    def objective(backbone: "Backbone", guide: "np.ndarray | None" = None) -> "Objective":
        return combined_objective(backbone, OBJECTIVE.value, LAYER.value, guide)

    backbone = picture_run.load_backbone("deepdream", check=check_of(objective))
    return objective(backbone, None if guide is None else guide.pixels), backbone


def _settings() -> DreamSettings:
    return common_flags.read_settings(DreamSettings, step_size=STEP_SIZE.value / 255)


def _dream(
    dreamer: "Callable[[], Dreamer]",
    picture: np.ndarray,
    mask: np.ndarray | None = None,
    start: np.ndarray | None = None,
    **options: Any,
) -> Iterator[Progress]:
    """Dreams about a picture, or from another start; with --preserve_color in the colours of the picture."""
    picture, mask = _fitted(dreamer, picture, mask)
    run = dreamer().dream(picture if start is None else start, mask, **options)
    yield from picture_run.in_colors_of(picture, run) if PRESERVE_COLOR.value else run


def _fitted(
    dreamer: "Callable[[], Dreamer]", picture: np.ndarray, mask: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Without --size, the middle of a picture and its mask for networks that take pictures of one size."""
    size = picture.shape[:2] if SIZE.present else dreamer().nearest_size(picture.shape[:2])
    return images.middle(picture, size), None if mask is None else images.middle(mask[..., None], size)[..., 0]


def _dream_frame(run: Iterator[Progress]) -> Iterator[Progress]:
    """Warns, instead of raising NoGradientError, of frames that do not change, such as black ones."""
    try:
        yield from run
    except NoGradientError as error:
        _warn_once(f"a frame stays unchanged: {error}")


def _check_flags() -> None:
    """Applies --preset; raises UsageError, ExpressionError or OutputError for flags that are wrong or missing."""
    for text in OBJECTIVE.value:
        read_terms(text)
    if PRESET.value:
        preset = presets.of_network(presets.DREAMS, PRESET.value)
        presets.apply(preset, instead=("layer", "guide"))
    for steps, iterations in ((STEPS, flags.FLAGS["iterations"]), (FRAME_STEPS, FRAME_ITERATIONS)):
        if steps.present and iterations.present:
            raise command.UsageError(f"--{steps.name} and --{iterations.name} say the same: give one of the two")
    _settings()
    if not INPUT.value and not EXPORT_DIR.value:
        raise command.UsageError("give the picture to dream about: deepdream photo.jpg, or --input=sample:coffee")
    if not EXPORT_DIR.value:
        return
    if OPTIMIZER.value.lower() != "sgd":
        raise command.UsageError(f"--optimizer={OPTIMIZER.value}: exported dreams take their steps with sgd only")
    for flag in (MASK, TILE_SIZE):
        if flag.value:
            raise command.UsageError(f"--{flag.name} has no meaning for a SavedModel: leave it out")
    for flag in (film_run.ZOOM_FRAMES, picture_run.OUTPUT, picture_run.SAVE_EVERY, picture_run.LOGDIR):
        if flag.value and not INPUT.value:
            raise command.UsageError(f"--{flag.name} is for a picture: give --input, or leave it out")
    check_folder(EXPORT_DIR.value, SAVED_MODEL)


def run() -> None:
    modules = [__name__, picture_run.__name__, film_run.__name__, run_state.__name__, *scheduled_run.FLAG_MODULES]
    command.run("deepdream", main, __doc__, modules)


if __name__ == "__main__":
    run()
