"""`visualize feature`: pictures that excite units of a network, made from noise.

An objective becomes a picture, or a sheet of several styles or of a batch. The channels of a layer, or the striking
ones of a network, become a folder with a page.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from tfgraphs.cli.feature_page import INDEX, PAPER, Exhibit, write
from tfgraphs.cli.shared import command, common_flags, picture_run, run_state
from tfgraphs.files.outputs import atomic_folder, check_folder, check_writable
from tfgraphs.pictures import images
from tfgraphs.version import __version__

if TYPE_CHECKING:
    from tfgraphs.backbones import Backbone
    from tfgraphs.deepdream import Objective
    from tfgraphs.deepdream.features import FeatureSettings
    from tfgraphs.deepdream.rendering import RenderProgress
    from tfgraphs.monitor.terminal import Monitor

STYLES = ("naive", "multiscale", "laplacian", "fourier", "maco")

OBJECTIVE = flags.DEFINE_multi_string(
    "objective", [], "feature: what is maximised, such as fire5:3 or 'fire9:1 - fire9:7'; several are added."
)
STYLE = flags.DEFINE_list("style", ["maco"], f"feature: {', '.join(STYLES)}; with commas, several side by side.")
STEPS = common_flags.steps(None, "feature: by default those of the style.")
OPTIMIZER = common_flags.optimizer(None, "feature: by default that of the style.")
STEP_SIZE = flags.DEFINE_float(
    "step_size", None, "feature: learning rate, on the scale 0..255 for pixels; by default that of the style.", 0
)
BATCH = flags.DEFINE_integer("batch", 1, "feature: number of pictures of an objective, on one sheet.", 1, 1000)
DIVERSITY = flags.DEFINE_float("diversity", None, "feature: weight of the differences between them; by default 1.", 0)
ALPHA = flags.DEFINE_bool("alpha", False, "feature: transparent where nothing matters; for the style fourier.")
ROBUST = flags.DEFINE_bool("robust", True, "feature: transforms pictures randomly before the network sees them.")

_SIDE = 224  # px
_GROUP = 8  # channels of a page that are optimised in one batch
_MOST_CHANNELS = 64  # of a layer without --channels
_OBSERVING = {"output", "logdir", "picture_every", "save_every", "show_flags", "format", *run_state.OBSERVING}


@dataclass(frozen=True)
class SharedFlags:
    """The values of flags that `visualize feature` shares with the other commands of `visualize`."""

    size: int | None
    layer: str | None
    channels: str | None
    module: str


@dataclass(frozen=True)
class Unit:
    """A channel on a page."""

    layer: str
    channel: int

    @property
    def name(self) -> str:
        return f"{self.layer}:{self.channel}"

    @property
    def file(self) -> str:
        return f"{_plain(self.layer)}_{self.channel:04}.png"


class Run:
    """One run of the command: its flags, its state, and the origin that is written into its pictures."""

    def __init__(self, shared: SharedFlags) -> None:
        values = command.flag_values([shared.module, __name__, picture_run.__name__, run_state.__name__])
        given = {flag: value for flag, value in values.items() if flag not in _OBSERVING}
        self.flags = values
        self.origin: dict[str, object] = {
            "command": "visualize feature",
            "version": __version__,
            "flags": given,
        }
        self.origin["line"] = picture_run.command_line(self.origin, "visualize feature")
        self.state = run_state.RunState("feature", self.origin, picture_run.network_files())
        self.steps = 0  # of finished parts

    @contextlib.contextmanager
    def monitor(self) -> Iterator["Monitor"]:
        from tfgraphs.deepdream.feature_loss import DeadUnitError
        from tfgraphs.monitor.terminal import Monitor

        every = picture_run.PICTURE_EVERY.value
        monitor = Monitor("feature", logdir=picture_run.LOGDIR.value, flags=self.flags, picture_every=every)
        try:
            with self.state.interruptible(), monitor:
                yield monitor
        except DeadUnitError:
            self.state.forget()  # there is nothing to resume
            raise


def feature(shared: SharedFlags) -> None:
    """Runs the command."""
    unknown = [style for style in STYLE.value if style not in STYLES]
    if unknown or not STYLE.value:
        raise command.UsageError(f"--style={','.join(STYLE.value)}: styles are {', '.join(STYLES)}")
    if OBJECTIVE.value and (shared.layer or shared.channels):
        raise command.UsageError("give --objective, or --layer and --channels, but not both")
    if DIVERSITY.value is not None and not (OBJECTIVE.value and BATCH.value > 1):
        raise command.UsageError(
            "--diversity is between the pictures of a --batch of one --objective: give a --batch with it"
        )
    if picture_run.SAVE_EVERY.value:
        raise command.UsageError(
            "--save_every is not for features: see the pictures on the way in TensorBoard, with --logdir"
        )
    if OBJECTIVE.value:
        _one(shared)
    else:
        _page(shared)


def _one(shared: SharedFlags) -> None:
    """Makes the picture or the sheet of one objective."""
    output = Path(picture_run.OUTPUT.value or _plain("_".join(OBJECTIVE.value)) + ".png")
    images.check_format(output)
    check_writable(output)
    run = Run(shared)
    backbone = _load(shared)
    objective = _objective(backbone)
    count = len(STYLE.value)
    pictures, captions = [], []
    with run.monitor() as monitor:
        for number, style in enumerate(STYLE.value):
            last = _follow(monitor, run, backbone, objective, _settings(shared, style, BATCH.value), number, count)
            found = [picture for picture in _pictures(last) if picture]
            if last.dead:
                monitor.say(f"{len(last.dead)} of {BATCH.value} pictures left out: the unit is dead for their noise")
            pictures += found
            captions += [style] * len(found)
    if len(pictures) == 1:
        result = pictures[0]
    else:
        from tfgraphs.pictures.sheets import sheet

        columns = None if count == 1 else BATCH.value if BATCH.value > 1 else count
        drawn = sheet([picture.over(PAPER) for picture in pictures], captions if count > 1 else (), columns)
        result = images.Picture(drawn)
    images.save(output, result, run.origin)
    run.state.forget()
    print(f"{output}: {' + '.join(OBJECTIVE.value)} of {backbone.name}, {', '.join(STYLE.value)}")


def _page(shared: SharedFlags) -> None:
    """Makes the folder with the page of several channels.

    Raises:
        DeadUnitError: all units are dead.
    """
    if len(STYLE.value) > 1 or BATCH.value > 1:
        raise command.UsageError(
            "several styles or a --batch need one --objective: leave them out for a page of channels"
        )
    if shared.channels and not shared.layer:
        raise command.UsageError("--channels needs a layer: --layer=fire9 --channels=0-63")
    default = f"{_plain(picture_run.BACKBONE.value)}_{_plain(shared.layer or 'striking')}_features"
    output = Path(picture_run.OUTPUT.value or default)
    check_folder(output, INDEX)
    check_writable(output.parent / default)
    run = Run(shared)
    backbone = _load(shared)
    from tfgraphs.deepdream.feature_loss import DeadUnitError

    units, title = _units(backbone, shared)
    finished = run.state.folder / "pictures"
    groups = list(_groups(units))
    exhibits: list[Exhibit] = []
    with run.monitor() as monitor:
        for number, group in enumerate(groups):
            done = finished / f"{number:06}.done"
            if not done.exists():
                made = _group(monitor, run, backbone, group, shared, number, len(groups))
                for unit, picture in zip(group, made, strict=True):
                    if picture:
                        images.save(finished / unit.file, picture)
                done.parent.mkdir(parents=True, exist_ok=True)
                done.touch()
            exhibits += [Exhibit(unit.name, unit.file, _load_if_there(finished / unit.file)) for unit in group]
        if not any(exhibit.picture for exhibit in exhibits):
            names = ", ".join(exhibit.name for exhibit in exhibits)
            raise DeadUnitError(
                f"{names} do not respond to any change of the picture: choose other channels, or another --seed"
            )
    _write(output, exhibits, title, run)
    run.state.forget()
    dead = [exhibit.name for exhibit in exhibits if not exhibit.picture]
    if dead:
        print(f"dead, so without a picture: {', '.join(dead)}")
    print(f"{output}/{INDEX}: {len(exhibits)} channels of {backbone.name}")


def _units(backbone: "Backbone", shared: SharedFlags) -> tuple[list[Unit], str]:
    """Returns the channels of the page, and its title."""
    from tfgraphs.deepdream.presets import striking_channels

    if not shared.layer:
        units = [Unit(layer, number) for layer, number in striking_channels(backbone)]
        return units, f"{len(units)} striking channels of {backbone.name}"
    backbone.check(shared.layer)
    count = backbone.view(shared.layer).channels
    text = shared.channels or f"0-{min(count, _MOST_CHANNELS) - 1}"
    units = [Unit(shared.layer, number) for number in common_flags.parse_channels(text, count)]
    return units, f"{len(units)} of the {count} channels of {shared.layer} of {backbone.name}"


def _groups(units: Sequence[Unit]) -> Iterator[list[Unit]]:
    """Splits the units into batches of one layer each."""
    group: list[Unit] = []
    for unit in units:
        if group and (len(group) == _GROUP or unit.layer != group[0].layer):
            yield group
            group = []
        group.append(unit)
    yield group


def _load_if_there(path: Path) -> images.Picture | None:
    """Returns a finished picture as it was written, so that a resumed run ends with the same bytes."""
    return images.load(path) if path.exists() else None


def _group(
    monitor: "Monitor",
    run: Run,
    backbone: "Backbone",
    group: Sequence[Unit],
    shared: SharedFlags,
    number: int,
    count: int,
) -> list[images.Picture | None]:
    """Makes the pictures of some channels of one layer; None for dead ones."""
    from tfgraphs.deepdream.feature_loss import DeadUnitError
    from tfgraphs.deepdream.objectives import channels

    objective = channels(group[0].layer, [unit.channel for unit in group])
    settings = _settings(shared, STYLE.value[0], len(group))
    try:
        return _pictures(_follow(monitor, run, backbone, objective, settings, number, count))
    except DeadUnitError:
        return [None] * len(group)


def _follow(
    monitor: "Monitor",
    run: Run,
    backbone: "Backbone",
    objective: "Objective",
    settings: "FeatureSettings",
    number: int,
    count: int,
) -> "RenderProgress":
    """Makes the pictures of one of `count` parts of a run and shows the progress."""
    from tfgraphs.deepdream.features import visualize_feature

    checkpoints = {**run.state.checkpoints, "checkpoint_dir": run.state.folder / f"part{number}"}
    for progress in visualize_feature(objective, backbone, settings, on_graph=monitor.graph, **checkpoints):
        stage = progress.stage if count == 1 else f"part {number + 1} of {count}, {progress.stage}"
        done = (number + progress.done) / count
        monitor(replace(progress, step=progress.step + run.steps, stage=stage, done=done))
    run.steps += progress.step
    return progress


def _pictures(last: "RenderProgress") -> list[images.Picture | None]:
    assert last.pictures is not None
    alphas = [None] * len(last.pictures) if last.alpha is None else last.alpha
    return [
        None if number in last.dead else images.Picture(pixels, alpha)
        for number, (pixels, alpha) in enumerate(zip(last.pictures, alphas, strict=True))
    ]


def _settings(shared: SharedFlags, style: str, batch: int) -> "FeatureSettings":
    from tfgraphs.deepdream.features import FeatureSettings

    side = shared.size or _SIDE
    diversity = 1.0 if DIVERSITY.value is None else DIVERSITY.value
    return FeatureSettings(
        steps=STEPS.value,
        optimizer=OPTIMIZER.value,
        seed=picture_run.SEED.value,
        style=style,
        size=(side, side),
        batch=batch,
        step_size=_step_size(style),
        alpha=ALPHA.value,
        diversity=diversity if OBJECTIVE.value and batch > 1 else 0.0,
        robust=ROBUST.value,
    )


def _step_size(style: str) -> float | None:
    """Returns --step_size, which is on the scale 0..255 for the pixel styles."""
    from tfgraphs.deepdream.features import PIXEL_STYLES

    return STEP_SIZE.value / 255 if STEP_SIZE.value and style in PIXEL_STYLES else STEP_SIZE.value


def _objective(backbone: "Backbone") -> "Objective":
    from tfgraphs.deepdream import parse

    objectives = [parse(text, backbone) for text in OBJECTIVE.value]
    return sum(objectives[1:], start=objectives[0])


def _write(output: Path, exhibits: Sequence[Exhibit], title: str, run: Run) -> None:
    """Writes the folder, complete or not at all."""
    text = (
        "Each picture began as noise and was optimised until it excited one channel of the network: it shows what that "
        "channel responds to."
    )
    with atomic_folder(output, INDEX) as folder:
        for exhibit in exhibits:
            if exhibit.picture:
                images.save(folder / exhibit.file, exhibit.picture, {**run.origin, "shows": exhibit.name})
        write(folder, exhibits, title, text, run.origin)


def _load(shared: SharedFlags) -> "Backbone":
    command.import_tensorflow()
    return picture_run.load_backbone("visualize", check=lambda structure: _check_names(structure, shared))


def _check_names(structure: "Backbone", shared: SharedFlags) -> None:
    """Raises LayerError, ExpressionError or UsageError if --layer, --channels or --objective do not fit a network."""
    from tfgraphs.deepdream.objectives import ObjectiveError

    if shared.layer:
        _units(structure, shared)
    elif OBJECTIVE.value:
        with contextlib.suppress(ObjectiveError):  # the names of classes may come with the weights
            _objective(structure)


def _plain(text: str) -> str:
    """Returns text as the name of a file."""
    return re.sub(r"[^\w.-]+", "_", text).strip("_")
