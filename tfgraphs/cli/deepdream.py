"""DeepDream: shows what a network sees in a picture, by making it see more of that.

    deepdream --input=photo.jpg                              writes photo_deepdream.png
    deepdream --input=photo.jpg --output=dream.png --layer=fire9 --iterations=30
    deepdream --input=sample:coffee                          a photograph that comes with the offline extra

Low layers (conv1, fire2, fire3) draw strokes and textures, middle ones (fire5) swirls and eyes, high ones (fire7,
fire9) animals. `visualize layers` lists them.
"""

from absl import flags

from tfgraphs.cli import command, picture_run, run_state

INPUT = flags.DEFINE_string("input", None, "The picture to dream about, or sample:NAME.")
SIZE = flags.DEFINE_integer("size", 1024, "Longer side in pixels that a larger picture is reduced to; 0: as it is.", 0)
LAYER = flags.DEFINE_string("layer", "fire7", "The layer whose activations the dream strengthens.")
ITERATIONS = flags.DEFINE_integer("iterations", 10, "Steps at each octave.", lower_bound=1)
OCTAVES = flags.DEFINE_integer("octaves", 4, "Sizes to work at, from small to full.", 1, 100)
OCTAVE_SCALE = flags.DEFINE_float("octave_scale", 1.4, "Factor from one size to the next, more than 1.")
STEP_SIZE = flags.DEFINE_float("step_size", 1.5, "Mean change of a value in a step, on the scale 0..255.", 0)
JITTER = flags.DEFINE_integer("jitter", 32, "Largest random shift of a step, in pixels.", 0, 10_000)


def main(arguments: list[str]) -> None:
    command.no_arguments(arguments)
    if not INPUT.value:
        raise command.UsageError("say which picture to dream about: --input=photo.jpg, or --input=sample:coffee")
    run = picture_run.PictureRun("deepdream", [INPUT.value], __name__)
    picture = picture_run.load_picture(INPUT.value, SIZE.value)

    command.import_tensorflow()
    from tfgraphs import images
    from tfgraphs.deepdream import DreamSettings, dream, layer_l2

    settings = DreamSettings(
        octaves=OCTAVES.value,
        octave_scale=OCTAVE_SCALE.value,
        iterations=ITERATIONS.value,
        step_size=STEP_SIZE.value / 255,
        jitter=JITTER.value,
        seed=picture_run.SEED.value,
    )
    backbone = picture_run.load_backbone("deepdream")
    objective = layer_l2(LAYER.value)
    with run.monitor() as monitor:
        progress = dream(picture.pixels, backbone, objective, settings, on_graph=monitor.graph, **run.checkpoints)
        pixels = run.follow(progress, monitor)
    run.save(images.Picture(pixels, picture.alpha))


def run() -> None:
    command.run("deepdream", main, __doc__, [__name__, picture_run.__name__, run_state.__name__])


if __name__ == "__main__":
    run()
