"""DeepDream: shows what a network sees in a picture, by making it see more of that.

    deepdream --input=photo.jpg                              writes photo_deepdream.png
    deepdream --input=photo.jpg --output=dream.png --layer=fire9 --iterations=30
    deepdream --input=photo.jpg --preset=vortices            one of the looks that were chosen for you
    deepdream --input=photo.jpg --objective='fire5 - 0.5*fire9:17'
    deepdream --input=photo.jpg --guide=flowers.jpg          pulled towards the features of another picture
    deepdream --input=large.jpg --size=0 --tile_size=1024    larger than the memory takes whole
    deepdream --input=sample:coffee                          a photograph that comes with the offline extra
    deepdream --input='shots/*.jpg' --output=dreams          each of many pictures; --input=shots for a folder
    deepdream --input=film.mp4 --size=640                    each frame of a film; also an animated GIF, WebP or PNG
    deepdream --input=photo.jpg --zoom_frames=250            an endless zoom: writes photo_zoom.mp4, ten seconds
    deepdream --show_flags=dream.png                         the command that made a picture
    deepdream --export_dir=model --layer=fire7               a SavedModel dream(image, steps, step_size)

Low layers (conv1, fire2, fire3) draw strokes and textures, middle ones (fire5) swirls and eyes, high ones (fire7,
fire9) animals. `visualize layers` lists them. An objective adds layers (all of what they see), channels
(fire9_pre_relu:139), single neurons (fire9:139:4:7) and classes (class:281, 'class:tiger cat'), with factors. Row and
column of a neuron are those in the whole picture, which --jitter=0 keeps from moving under it.
"""

import contextlib
import dataclasses
import functools
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from absl import flags

from tfgraphs.cli.shared import command, common_flags, film_run, folder_run, picture_run, presets, run_state
from tfgraphs.files.outputs import SAVED_MODEL, check_folder
from tfgraphs.pictures import films, images, samples
from tfgraphs.pictures.colors import with_colors_of

if TYPE_CHECKING:
    import numpy as np

    from tfgraphs.backbones import Backbone
    from tfgraphs.deepdream import DreamSettings, Objective
    from tfgraphs.deepdream.dream import Dreamer
    from tfgraphs.monitor.progress import Progress

INPUT = flags.DEFINE_string("input", None, "The picture, folder, pattern or film to dream about, or sample:NAME.")
SIZE = common_flags.size(1024)
LAYER = flags.DEFINE_string("layer", None, "The layer whose activations the dream strengthens; a good one by default.")
OBJECTIVE = flags.DEFINE_multi_string("objective", [], "What the dream strengthens instead; several are added.")
GUIDE = flags.DEFINE_string(
    "guide", None, "A picture to whose features of --layer the dream is pulled, or sample:NAME."
)
GUIDE_SIZE = flags.DEFINE_integer("guide_size", 224, "Longer side in pixels that the guide is reduced to.", 32)
ITERATIONS = flags.DEFINE_integer("iterations", 10, "Steps at each octave.", lower_bound=1)
FRAME_ITERATIONS = flags.DEFINE_integer(
    "frame_iterations", 2, "Steps at each octave of each frame of a zoom but the first.", lower_bound=1
)
OCTAVES = flags.DEFINE_integer("octaves", 4, "Sizes to work at, from small to full.", 1, 100)
OCTAVE_SCALE = flags.DEFINE_float("octave_scale", 1.4, "Factor from one size to the next, more than 1.")
STEP_SIZE = flags.DEFINE_float(
    "step_size",
    1.5,
    "Length of a step on the scale 0..255: the mean change of a value with --normalize=mean_abs, the deviation with "
    "std, that in each octave of frequencies with laplacian; with none a factor of the gradient.",
    0,
)
NORMALIZE = flags.DEFINE_enum(
    "normalize",
    "mean_abs",
    ["mean_abs", "std", "laplacian", "none"],
    "How the gradient is scaled; laplacian evens out coarse and fine, for smooth pictures.",
)
JITTER = flags.DEFINE_integer("jitter", 32, "Largest random shift of a step, in pixels.", 0, 10_000)
TILE_SIZE = common_flags.tile_size(0)
PRESET = flags.DEFINE_enum(
    "preset", None, sorted(presets.DREAMS), "A good choice of objective, steps and colours; other flags go first."
)
MASK = flags.DEFINE_string("mask", None, "A picture that is white where to dream, black where not, grey for less.")
PRESERVE_COLOR = flags.DEFINE_bool("preserve_color", False, "Keeps the colours of the picture: only lightness dreams.")
EXPORT_DIR = flags.DEFINE_string("export_dir", None, "Writes a SavedModel that dreams; --input is not needed then.")

_WHITE = 1.0  # behind what is transparent, in a film


def main(arguments: list[str]) -> None:
    command.no_arguments(arguments)
    if picture_run.shows_flags("deepdream"):
        return
    if PRESET.value:
        presets.apply(presets.DREAMS[PRESET.value], "squeezenet", instead=("layer", "guide"))
    if EXPORT_DIR.value:
        _check_export()
        if not INPUT.value:
            _export()
            return
    if not INPUT.value:
        raise command.UsageError("say which picture to dream about: --input=photo.jpg, or --input=sample:coffee")
    makers = {"picture": _dream_picture, "folder": _dream_folder, "film": _dream_film, "zoom": _zoom}
    makers[film_run.kind(INPUT.value, zoom_only=[FRAME_ITERATIONS])]()
    if EXPORT_DIR.value:
        _export()


def _dream_picture() -> None:
    run = picture_run.PictureRun("deepdream", [INPUT.value, *_others()], __name__)
    picture = picture_run.load_picture(INPUT.value, SIZE.value)
    mask = _load_mask(picture.size)
    asked = _asked()
    from tfgraphs.deepdream import DreamError

    with run.monitor() as monitor:
        dreamer = _dreamer(*asked)
        monitor.graph(dreamer.graph)
        options = {**run.checkpoints, "every": picture_run.SAVE_EVERY.value}
        dreams = _dream(dreamer, picture.pixels, picture.pixels, mask, **options)
        try:
            pixels = run.last_picture(dreams, monitor, picture.alpha)
        except DreamError:
            run.state.forget()
            raise
    run.save(images.Picture(pixels, picture.alpha))


def _dream_folder() -> None:
    run = folder_run.FolderRun("deepdream", INPUT.value, _others(), __name__, flag="input")
    if MASK.value:
        images.load(samples.resolve(MASK.value))  # if it is broken, the run is, and not only a picture
    asked = _asked()
    with run.monitor() as monitor:
        dreamer = _dreamer(*asked)
        monitor.graph(dreamer.graph)

        def become(picture: images.Picture) -> "Iterator[Progress]":
            return _dream(dreamer, picture.pixels, picture.pixels, _load_mask(picture.size))

        run.make(become, SIZE.value, monitor)


def _dream_film() -> None:
    film = films.open_film(INPUT.value)
    run = film_run.FilmRun("deepdream", [INPUT.value, *_others()], __name__, film.rate)
    size = images.fit(film.size, SIZE.value or None, picture_run.UPSAMPLE.value)
    mask = _load_mask(size)
    count = film_run.count_frames("deepdream", film)
    asked = _asked()
    with run.monitor() as monitor:
        dreamer = _dreamer(*asked)
        monitor.graph(dreamer.graph)

        def become(frame: "np.ndarray", before: "np.ndarray | None") -> "Iterator[Progress]":
            return _as_it_may_be(_dream(dreamer, film_run.blended(frame, before, mask), frame, mask))

        run.make(lambda start: film.frames(start, size), become, count, monitor)


def _zoom() -> None:
    if MASK.value:
        raise command.UsageError("--mask keeps what is in the picture, and a zoom leaves it behind: give one of both")
    film_run.check_camera()
    run = film_run.FilmRun("deepdream", [INPUT.value, *_others()], __name__, film_run.RATE.value, title="zoom")
    picture = picture_run.load_picture(INPUT.value, SIZE.value).on(_WHITE)
    count = film_run.ZOOM_FRAMES.value
    backbone, objective, settings = _asked()
    with run.monitor() as monitor:
        short = _dreamer(backbone, objective, dataclasses.replace(settings, iterations=FRAME_ITERATIONS.value))
        monitor.graph(short.graph)

        def become(number: int, before: "np.ndarray | None") -> "Iterator[Progress]":
            if before is None:
                return _as_it_may_be(_dream(_dreamer(backbone, objective, settings), picture, picture, None))
            start, steps = film_run.moved(before), number * settings.octaves * FRAME_ITERATIONS.value
            return _as_it_may_be(_dream(short, start, start, None, steps_before=steps))

        first_work = ITERATIONS.value / FRAME_ITERATIONS.value
        run.make(lambda start: range(start, count), become, count, monitor, first_work)


def _others() -> list[str]:
    """The files that go in besides the input."""
    return [path for path in (GUIDE.value, MASK.value) if path]


def _load_mask(size: tuple[int, int]) -> "np.ndarray | None":
    return picture_run.load_mask(MASK.value, size) if MASK.value else None


def _asked() -> "tuple[Backbone, Objective, DreamSettings]":
    """Starts TensorFlow, and gives what a dreamer is made of."""
    guide = images.load(samples.resolve(GUIDE.value), GUIDE_SIZE.value) if GUIDE.value else None
    command.import_tensorflow()
    settings = _settings()
    backbone = picture_run.load_backbone("deepdream", check=_check_objective)
    return backbone, _objective(backbone, None if guide is None else guide.pixels), settings


def _dreamer(*asked: Any) -> "Dreamer":
    from tfgraphs.deepdream.dream import Dreamer

    return Dreamer(*asked)


def _dream(
    dreamer: "Dreamer", start: "np.ndarray", picture: "np.ndarray", mask: "np.ndarray | None", **options: Any
) -> "Iterator[Progress]":
    """Dreams from a start; with --preserve_color in the colours of the picture."""
    for progress in dreamer.dream(start, mask, **options):
        if PRESERVE_COLOR.value:
            assert progress.picture is not None
            colours = images.resize(picture, progress.picture.shape[:2])
            progress = dataclasses.replace(progress, picture=with_colors_of(progress.picture, colours))
        yield progress


def _as_it_may_be(run: "Iterator[Progress]") -> "Iterator[Progress]":
    """The dream of one frame of a film, which may be black, so that nothing in it can be strengthened."""
    from tfgraphs.deepdream.dream import UnmovedError

    try:
        yield from run
    except UnmovedError as error:
        _warn_once(f"a frame stays as it is: {error}")


@functools.cache
def _warn_once(message: str) -> None:
    warnings.warn(message, stacklevel=2)


def _settings() -> "DreamSettings":
    from tfgraphs.deepdream import DreamSettings

    return DreamSettings(
        octaves=OCTAVES.value,
        octave_scale=OCTAVE_SCALE.value,
        iterations=ITERATIONS.value,
        step_size=STEP_SIZE.value / 255,
        normalize=NORMALIZE.value,
        jitter=JITTER.value,
        tile_size=TILE_SIZE.value,
        seed=picture_run.SEED.value,
    )


def _objective(backbone: "Backbone", guide: "np.ndarray | None") -> "Objective":
    """What --objective, --layer and --guide ask for."""
    from tfgraphs.deepdream import guided, layer_l2, parse
    from tfgraphs.deepdream.presets import default_layer

    asked = [parse(text, backbone) for text in OBJECTIVE.value]
    layer = LAYER.value or default_layer(backbone)
    backbone.check(layer)
    if guide is not None:
        asked.append(guided(layer, backbone(guide[None], [layer])[layer][0].numpy()))
    elif LAYER.value or not asked:
        asked.append(layer_l2(layer))
    return sum(asked[1:], start=asked[0])


def _check_objective(structure: "Backbone") -> None:
    """Raises LayerError or ExpressionError if --objective or --layer do not fit the structure of a network."""
    from tfgraphs.deepdream.objectives import ObjectiveError

    with contextlib.suppress(ObjectiveError):  # the names of classes may come with the weights
        _objective(structure, None)


def _check_export() -> None:
    """Raises UsageError or OutputError if what is asked for cannot be exported."""
    for flag in (MASK, TILE_SIZE):
        if flag.value:
            raise command.UsageError(
                f"--{flag.name} is for pictures that are dreamt here, a SavedModel has nothing of it: leave it out"
            )
    for flag in (film_run.ZOOM_FRAMES, picture_run.OUTPUT, picture_run.SAVE_EVERY, picture_run.LOGDIR):
        if flag.value and not INPUT.value:
            raise command.UsageError(f"--{flag.name} is for a picture: give --input, or leave it out")
    check_folder(EXPORT_DIR.value, SAVED_MODEL)


def _export() -> None:
    backbone, objective, settings = _asked()
    from tfgraphs.deepdream.exported import export_dream

    export_dream(EXPORT_DIR.value, backbone, objective, settings, preserve_color=PRESERVE_COLOR.value)
    print(f"{EXPORT_DIR.value}: dream(image, steps, step_size)")


def run() -> None:
    command.run("deepdream", main, __doc__, [__name__, picture_run.__name__, film_run.__name__, run_state.__name__])


if __name__ == "__main__":
    run()
