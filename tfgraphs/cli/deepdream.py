"""DeepDream: shows what a network sees in a picture, by making it see more of that.

    deepdream --input=photo.jpg                              writes photo_deepdream.png
    deepdream --input=photo.jpg --output=dream.png --layer=fire9 --iterations=30
    deepdream --input=photo.jpg --objective='fire5 - 0.5*fire9:17'
    deepdream --input=photo.jpg --guide=flowers.jpg          pulled towards the features of another picture
    deepdream --input=large.jpg --size=0 --tile_size=1024    larger than the memory takes whole
    deepdream --input=sample:coffee                          a photograph that comes with the offline extra
    deepdream --show_flags=dream.png                         the command that made a picture
    deepdream --export_dir=model --layer=fire7               a SavedModel dream(image, steps, step_size)

Low layers (conv1, fire2, fire3) draw strokes and textures, middle ones (fire5) swirls and eyes, high ones (fire7,
fire9) animals. `visualize layers` lists them. An objective adds layers (all of what they see), channels
(fire9_pre_relu:139), single neurons (fire9:139:4:7) and classes (class:281, 'class:tiger cat'), with factors.
"""

from typing import TYPE_CHECKING

from absl import flags

from tfgraphs import images, samples
from tfgraphs.cli import command, picture_run, run_state
from tfgraphs.outputs import SAVED_MODEL, check_folder

if TYPE_CHECKING:
    import numpy as np

    from tfgraphs.backbones import Backbone
    from tfgraphs.deepdream import DreamSettings, Objective

INPUT = flags.DEFINE_string("input", None, "The picture to dream about, or sample:NAME.")
SIZE = flags.DEFINE_integer("size", 1024, "Longer side in pixels that a larger picture is reduced to; 0: as it is.", 0)
LAYER = flags.DEFINE_string("layer", None, "The layer whose activations the dream strengthens; a good one by default.")
OBJECTIVE = flags.DEFINE_multi_string("objective", [], "What the dream strengthens instead; several are added.")
GUIDE = flags.DEFINE_string(
    "guide", None, "A picture to whose features of --layer the dream is pulled, or sample:NAME."
)
GUIDE_SIZE = flags.DEFINE_integer("guide_size", 224, "Longer side in pixels that the guide is reduced to.", 32)
ITERATIONS = flags.DEFINE_integer("iterations", 10, "Steps at each octave.", lower_bound=1)
OCTAVES = flags.DEFINE_integer("octaves", 4, "Sizes to work at, from small to full.", 1, 100)
OCTAVE_SCALE = flags.DEFINE_float("octave_scale", 1.4, "Factor from one size to the next, more than 1.")
STEP_SIZE = flags.DEFINE_float("step_size", 1.5, "Mean change of a value in a step, on the scale 0..255.", 0)
NORMALIZE = flags.DEFINE_enum(
    "normalize",
    "mean_abs",
    ["mean_abs", "std", "laplacian", "none"],
    "How the gradient is scaled; laplacian evens out coarse and fine, for smooth pictures.",
)
JITTER = flags.DEFINE_integer("jitter", 32, "Largest random shift of a step, in pixels.", 0, 10_000)
TILE_SIZE = flags.DEFINE_integer("tile_size", 0, "Looks at the picture in tiles of so many pixels; 0: at all of it.", 0)
MASK = flags.DEFINE_string("mask", None, "A picture that is white where to dream, black where not, grey for less.")
PRESERVE_COLOR = flags.DEFINE_bool("preserve_color", False, "Keeps the colours of the picture: only lightness dreams.")
EXPORT_DIR = flags.DEFINE_string("export_dir", None, "Writes a SavedModel that dreams; --input is not needed then.")


def main(arguments: list[str]) -> None:
    command.no_arguments(arguments)
    if picture_run.shows_flags("deepdream"):
        return
    if EXPORT_DIR.value:
        check_folder(EXPORT_DIR.value, SAVED_MODEL)
        if not INPUT.value:
            _export()
            return
    if not INPUT.value:
        raise command.UsageError("say which picture to dream about: --input=photo.jpg, or --input=sample:coffee")
    sources = [path for path in (INPUT.value, GUIDE.value, MASK.value) if path]
    run = picture_run.PictureRun("deepdream", sources, __name__)
    picture = picture_run.load_picture(INPUT.value, SIZE.value)
    guide = images.load(samples.resolve(GUIDE.value), GUIDE_SIZE.value) if GUIDE.value else None
    mask = picture_run.load_mask(MASK.value, picture.size) if MASK.value else None

    command.import_tensorflow()
    from tfgraphs.colors import with_colors_of
    from tfgraphs.deepdream import dream

    settings = _settings()
    backbone = picture_run.load_backbone("deepdream", classes=_wants_classes())
    objective = _objective(backbone, None if guide is None else guide.pixels)
    with run.monitor() as monitor:
        progress = dream(
            picture.pixels,
            backbone,
            objective,
            settings,
            mask=mask,
            on_graph=monitor.graph,
            **run.checkpoints,
        )
        pixels = run.follow(progress, monitor)
    if PRESERVE_COLOR.value:
        pixels = with_colors_of(pixels, picture.pixels)
    run.save(images.Picture(pixels, picture.alpha))
    if EXPORT_DIR.value:
        _export()


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


def _objective(backbone: "Backbone", guide: "np.ndarray | None" = None) -> "Objective":
    """What --objective, --layer and --guide ask for."""
    from tfgraphs.deepdream import guided, layer_l2, parse
    from tfgraphs.deepdream.presets import default_layer

    asked = [parse(text, backbone) for text in OBJECTIVE.value]
    layer = LAYER.value or default_layer(backbone)
    if guide is not None:
        asked.append(guided(layer, backbone(guide[None], [layer])[layer][0].numpy()))
    elif LAYER.value or not asked:
        asked.append(layer_l2(layer))
    return sum(asked[1:], start=asked[0])


def _wants_classes() -> bool:
    return any("class:" in text for text in OBJECTIVE.value)


def _export() -> None:
    command.import_tensorflow()
    from tfgraphs.deepdream.exported import export_dream

    backbone = picture_run.load_backbone("deepdream", classes=_wants_classes())
    export_dream(EXPORT_DIR.value, backbone, _objective(backbone), _settings())
    print(f"{EXPORT_DIR.value}: dream(image, steps, step_size)")


def run() -> None:
    command.run("deepdream", main, __doc__, [__name__, picture_run.__name__, run_state.__name__])


if __name__ == "__main__":
    run()
