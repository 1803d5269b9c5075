"""Neural style: paints a photograph in the manner of a picture.

    neural_style --content=photo.jpg                             in the manner of the project's own night sky
    neural_style --content=photo.jpg --style=painting.jpg --output=painted.png
    neural_style --content=sample:coffee --style=sample:embers   pictures that come with the project
    neural_style --content=photo.jpg --style=a.jpg --style=b.jpg --style_weight=0.7 --style_weight=0.3
    neural_style --content=photo.jpg --style=a.jpg --content_mask=sky.png --style=b.jpg --content_mask=ground.png
    neural_style --content=photo.jpg --style=painting.jpg --preserve_color=luminance

The picture is painted at growing sizes, the coarse ones first; about a minute for 640 px on two cores. More
--content_weight keeps more of the photograph, less of it takes more of the painting.
"""

from typing import TYPE_CHECKING

from absl import flags

from tfgraphs import images, samples
from tfgraphs.cli import command, picture_run, run_state
from tfgraphs.colors import matched, with_colors_of

if TYPE_CHECKING:
    import numpy as np

    from tfgraphs.neural_style import StyleSettings

CONTENT = flags.DEFINE_string("content", None, "The photograph, or sample:NAME.")
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
SIZE = flags.DEFINE_integer(
    "size", 640, "Longer side in pixels that a larger photograph is reduced to; 0: as it is.", 0
)
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
    "statistic", "gram", ["gram", "mean_variance"], "What of a painting's activations is its style."
)
CONTENT_LAYER = flags.DEFINE_string(
    "content_layer", None, "Where content is compared; by default chosen for the network."
)
STYLE_LAYERS = flags.DEFINE_list(
    "style_layers", None, "Where style is compared, with weights: conv1,fire3:0.5; by default chosen for the network."
)
CONTENT_WEIGHT = flags.DEFINE_float(
    "content_weight", None, "Weight of content, where that of style is 1: 0.15, or 0.001 with --loss=paper.", 0
)
VARIATION_WEIGHT = flags.DEFINE_float(
    "variation_weight", None, "Weight of smoothness: 1.1, or 0 with --loss=paper.", lower_bound=0
)
STYLE_SCALE = flags.DEFINE_float("style_scale", 1, "Size of the paintings relative to the photograph's.")
OPTIMIZER = flags.DEFINE_string("optimizer", "adam", "Keras' name of the optimizer.")
LEARNING_RATE = flags.DEFINE_float(
    "learning_rate", 6 / 255, "Of the optimizer when a size begins, on the scale 0..1; it falls to nearly none."
)
STEPS = flags.DEFINE_integer("steps", 650, "Steps at all scales together.", lower_bound=1)


def main(arguments: list[str]) -> None:
    command.no_arguments(arguments)
    if picture_run.shows_flags("neural_style"):
        return
    if not CONTENT.value:
        raise command.UsageError("say which photograph to paint: --content=photo.jpg, or --content=sample:coffee")
    for flag in (STYLE_WEIGHT, CONTENT_MASK, STYLE_MASK):
        if flag.value and len(flag.value) != len(STYLE.value):
            raise command.UsageError(
                f"--{flag.name} is given {len(flag.value)} times and --style {len(STYLE.value)}: give one for each"
            )
    run = picture_run.PictureRun("neural_style", [CONTENT.value, *_others()], __name__)
    content = picture_run.load_picture(CONTENT.value, SIZE.value)
    paintings = [picture_run.load_picture(path, round(SIZE.value * STYLE_SCALE.value)) for path in STYLE.value]
    start = None if INIT.value in _STARTS else images.load(samples.resolve(INIT.value)).pixels
    masks = [picture_run.load_mask(path, content.size) if path else None for path in _for_each(CONTENT_MASK)]
    own_masks = [
        picture_run.load_mask(path, painting.size) if path else None
        for path, painting in zip(_for_each(STYLE_MASK), paintings, strict=True)
    ]
    layers = _style_layers()

    command.import_tensorflow()
    from tfgraphs.neural_style import Style, paint

    settings = _settings(layers)
    styles = [
        Style(_colored(painting.pixels, content.pixels), weight, mask, where)
        for painting, weight, mask, where in zip(
            paintings, STYLE_WEIGHT.value or [1.0] * len(paintings), own_masks, masks, strict=True
        )
    ]
    backbone = picture_run.load_backbone("neural_style", pooling="average")
    with run.monitor() as monitor:
        progress = paint(
            content.pixels,
            styles,
            backbone,
            settings,
            start=content.pixels if INIT.value == "content" else start,
            on_graph=monitor.graph,
            **run.checkpoints,
        )
        pixels = run.follow(progress, monitor)
    if PRESERVE_COLOR.value == "luminance":
        pixels = with_colors_of(pixels, content.pixels)
    run.save(images.Picture(pixels, content.alpha))


_STARTS = ("random", "content")


def _others() -> list[str]:
    """The files that go in besides the photograph."""
    masks = [path for flag in (CONTENT_MASK, STYLE_MASK) for path in flag.value or [] if path]
    return [*STYLE.value, *masks, *([] if INIT.value in _STARTS else [INIT.value])]


def _for_each(flag: "flags.FlagHolder[list[str]]") -> list[str]:
    return flag.value or [""] * len(STYLE.value)


def _colored(painting: "np.ndarray", photograph: "np.ndarray") -> "np.ndarray":
    return matched(painting, photograph) if PRESERVE_COLOR.value == "match" else painting


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
        seed=picture_run.SEED.value,
    )


def run() -> None:
    command.run("neural_style", main, __doc__, [__name__, picture_run.__name__, run_state.__name__])


if __name__ == "__main__":
    run()
