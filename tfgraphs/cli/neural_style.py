"""Neural style: paints a photograph in the manner of a picture.

    neural_style --content=photo.jpg                             in the manner of the project's own night sky
    neural_style --content=photo.jpg --style=painting.jpg --output=painted.png
    neural_style --content=sample:coffee --style=sample:embers   pictures that come with the project

The picture is painted at growing sizes, the coarse ones first; about a minute for 640 px on two cores. More
--content_weight keeps more of the photograph, more --style_weight more of the painting.
"""

from absl import flags

from tfgraphs.cli import command, picture_run, run_state

CONTENT = flags.DEFINE_string("content", None, "The photograph, or sample:NAME.")
STYLE = flags.DEFINE_string("style", "sample:swirls", "The painting, or sample:NAME.")
SIZE = flags.DEFINE_integer(
    "size", 640, "Longer side in pixels that a larger photograph is reduced to; 0: as it is.", 0
)
CONTENT_WEIGHT = flags.DEFINE_float("content_weight", 3, "Weight of the photograph's content.", lower_bound=0)
STYLE_WEIGHT = flags.DEFINE_float("style_weight", 20, "Weight of the painting's style.", lower_bound=0)
VARIATION_WEIGHT = flags.DEFINE_float("variation_weight", 22, "Weight of smoothness.", lower_bound=0)
STYLE_SCALE = flags.DEFINE_float("style_scale", 1, "Size of the painting relative to the photograph's.")
STEPS = flags.DEFINE_integer("steps", 650, "Steps at all scales together.", lower_bound=1)


def main(arguments: list[str]) -> None:
    command.no_arguments(arguments)
    if not CONTENT.value:
        raise command.UsageError("say which photograph to paint: --content=photo.jpg, or --content=sample:coffee")
    run = picture_run.PictureRun("neural_style", [CONTENT.value, STYLE.value], __name__)
    content = picture_run.load_picture(CONTENT.value, SIZE.value)
    style = picture_run.load_picture(STYLE.value, round(SIZE.value * STYLE_SCALE.value))

    command.import_tensorflow()
    from tfgraphs import images
    from tfgraphs.neural_style import StyleSettings, paint

    settings = StyleSettings(
        content_weight=CONTENT_WEIGHT.value,
        style_weight=STYLE_WEIGHT.value,
        variation_weight=VARIATION_WEIGHT.value,
        steps=STEPS.value,
        style_scale=STYLE_SCALE.value,
        seed=picture_run.SEED.value,
    )
    backbone = picture_run.load_backbone("neural_style", pooling="average")
    with run.monitor() as monitor:
        progress = paint(content.pixels, style.pixels, backbone, settings, on_graph=monitor.graph, **run.checkpoints)
        pixels = run.follow(progress, monitor)
    run.save(images.Picture(pixels, content.alpha))


def run() -> None:
    command.run("neural_style", main, __doc__, [__name__, picture_run.__name__, run_state.__name__])


if __name__ == "__main__":
    run()
