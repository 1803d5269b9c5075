"""One-pass networks for `neural_style`: --train_style trains them, --model paints with them."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from tfgraphs.cli.shared import cluster_flags, command, common_flags, picture_run, run_state
from tfgraphs.files.outputs import SAVED_MODEL, check_folder, check_writable, reserve
from tfgraphs.monitor.progress import Progress
from tfgraphs.monitor.terminal import Monitor
from tfgraphs.neural_style.one_pass.settings import NetworkSettings, trainable
from tfgraphs.neural_style.regions import SMALLEST_SIDE
from tfgraphs.neural_style.settings import CROP, StyleSettings, Weights
from tfgraphs.pictures import films, images, photographs, samples
from tfgraphs.pictures.colors import with_colors_of
from tfgraphs.version import __version__

TRAIN_STYLE = common_flags.define_path(
    "train_style", None, "A painting, or sample:NAME: trains a network to paint in its style, for --model."
)
PHOTOS = common_flags.define_path(
    "photos", None, "Photographs to learn from, a folder or a pattern. By default those of the offline extra."
)
EXPORT_DIR = common_flags.define_path(
    "export_dir", None, "Folder for a SavedModel: the trained network, or the painter."
)
TRAIN_STEPS = flags.DEFINE_integer("train_steps", 2000, "Gradient steps of the training.", lower_bound=1)
TRAIN_BATCH = flags.DEFINE_integer("train_batch", 2, "Crops of photographs in a step of the training.", lower_bound=1)
TRAIN_RATE = flags.DEFINE_float("train_rate", 0.003, "Learning rate of the training, at its highest.", lower_bound=0)
TRAIN_SIZE = flags.DEFINE_integer(
    "train_size", 384, "Longer side in pixels to which the painting is reduced: how large strokes are.", 32
)

_NAME = "neural_style"
_STATE = f"{_NAME}-network"
_STYLE = (  # settings that training reads
    "content_layer",
    "style_layers",
    "statistic",
    "octaves",
    *(f"{part}_weight" for part in Weights._fields),
)
_TEST_SIDE = 320  # longer side of the picture that shows how far the training is, in pixels
_STYLE_SIDE = 256  # longer side of a painting that a model is given, in pixels: Magenta's was trained on such


def check_flags() -> None:
    """Raises UsageError for flags of the training without --train_style."""
    for flag in (PHOTOS, TRAIN_STEPS, TRAIN_BATCH, TRAIN_RATE, TRAIN_SIZE, cluster_flags.CLUSTER, cluster_flags.RANK):
        if flag.present and not TRAIN_STYLE.value:
            raise command.UsageError(f"--{flag.name} is for --train_style: leave it out")


def train(style: StyleSettings) -> None:
    """Trains a network with the layers and weights of some settings, and writes it."""
    if not EXPORT_DIR.value:
        raise command.UsageError("say where to write the trained network: --export_dir=model")
    folder, membership = Path(EXPORT_DIR.value), cluster_flags.Membership()
    picture_run.check_network_files()
    if membership.rank == 0:
        check_folder(folder, SAVED_MODEL)
        check_writable(folder / SAVED_MODEL)
        reserve(folder)
        picture_run.reserve_logdir()
    painting = samples.resolve(str(TRAIN_STYLE.value))
    pixels = picture_run.load_picture(str(TRAIN_STYLE.value), 0, SMALLEST_SIDE).pixels
    paths = films.sources(PHOTOS.value) if PHOTOS.value else photographs.packaged()
    with Monitor(_NAME) as reading:
        photos = photographs.Photographs(paths, CROP, picture_run.SEED.value, reading.prepare)
        for line in photos.left_out:
            reading.say(f"left out: {line}")
    style = trainable(style)
    settings = NetworkSettings(
        steps=TRAIN_STEPS.value,
        seed=picture_run.SEED.value,
        batch=TRAIN_BATCH.value,
        learning_rate=TRAIN_RATE.value,
        style_size=TRAIN_SIZE.value,
    )
    values = command.flag_values([__name__, picture_run.__name__, run_state.__name__])
    origin = {
        "version": __version__,
        "flags": {flag: values[flag] for flag in ("backbone", "weights", "train_style", "photos")},
        "style": {name: getattr(style, name) for name in _STYLE},
        "training": dataclasses.asdict(settings),
        **membership.origin,
    }
    files = [painting, *paths, *picture_run.network_files()]
    membership.look_back(run_state.state_folder(_STATE, origin, files))
    command.import_tensorflow(connect=membership.connect)
    from tfgraphs.neural_style.one_pass import training
    from tfgraphs.neural_style.one_pass.network import TransformationNetwork
    from tfgraphs.neural_style.one_pass.stylize import export_network

    backbone = picture_run.load_backbone(_NAME, style.pooling, style.layers)
    state = run_state.RunState(_STATE, origin, files, may_begin=membership.size > 1)
    membership.check_same({name: origin[name] for name in ("version", "style", "training")})
    network = TransformationNetwork(seed=settings.seed)
    test_picture = images.resize(photos.first, images.fit(photos.first.shape[:2], _TEST_SIDE)).clip(0, 1)
    monitored = picture_run.monitored(_NAME, state, values, membership.rank == 0)
    with monitored as monitor, membership.stopping_together():
        run = training.train(
            network,
            pixels,
            photos,
            backbone,
            style,
            settings,
            test_picture=test_picture if membership.rank == 0 else None,
            group=membership.group,
            on_graph=monitor.graph,
            **state.checkpoints,
        )
        due = save_every = picture_run.SAVE_EVERY.value
        for progress in run:
            monitor(progress)
            if save_every and progress.step >= due and progress.picture is not None:
                due = progress.step + save_every
                path = folder.with_name(f"{folder.name}_{progress.step:05}.png")
                images.save(path, images.Picture(progress.picture))
        membership.finish(state)
    if membership.rank == 0:
        export_network(folder, network)
        print(f"{EXPORT_DIR.value}: a network that paints so; {_NAME} --model={EXPORT_DIR.value} --input=photo.jpg")
    state.forget()


class ModelPainter:
    """Paints with the model of --model, and with the value of --style, if that is given."""

    def __init__(self, handle: str, paintings: list[str], keeps_color: bool) -> None:
        self._keeps_color = keeps_color
        pixels = [images.load(samples.resolve(path), _STYLE_SIDE).pixels for path in paintings]
        command.import_tensorflow()
        from tfgraphs.neural_style.one_pass.stylize import StyleModel

        self._model = StyleModel(f"hub:{handle}" if "://" in handle and not handle.startswith("hub:") else handle)
        if self._model.takes_painting and len(pixels) != 1:
            raise command.UsageError(f"--model={handle} takes a painting: give one --style=painting.jpg")
        if not self._model.takes_painting and pixels:
            raise command.UsageError(f"--model={handle} has its own style: leave --style out")
        self._painting = pixels[0] if pixels else None

    def paint(self, photograph: "np.ndarray", *_: object, **__: Any) -> Iterator[Progress]:
        """Paints a photograph, float32 [height, width, 3] in 0..1; ignores what painting step by step needs besides."""
        picture = self._model(photograph, self._painting)
        if self._keeps_color:
            picture = with_colors_of(picture, photograph)
        yield Progress(1, "painting in one pass", 1.0, float("nan"), picture=picture)
