"""`visualize feature`: what excites units, a picture each, from noise.

One objective is one picture, or a sheet if there are several styles or a batch. The channels of a layer, or the
striking ones of a network, are a folder with a page.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from tfgraphs.cli.feature_page import INDEX, PAPER, Exhibit, write
from tfgraphs.cli.shared import channel_ranges, command, origins, picture_run, run_state
from tfgraphs.files.outputs import atomic_folder, check_folder, check_writable
from tfgraphs.pictures import images
from tfgraphs.version import __version__

if TYPE_CHECKING:
    from tfgraphs.backbones import Backbone
    from tfgraphs.deepdream import Objective
    from tfgraphs.deepdream.features import FeatureProgress, FeatureSettings
    from tfgraphs.monitor.terminal import Monitor

STYLES = ("naive", "multiscale", "laplacian", "fourier", "maco")

OBJECTIVE = flags.DEFINE_multi_string(
    "objective", [], "feature: what to show, as fire5:3 or 'fire9:1 - fire9:7'; several are added."
)
STYLE = flags.DEFINE_list(
    "style", ["maco"], f"feature: how, one of {', '.join(STYLES)}; several, with commas, side by side."
)
STEPS = flags.DEFINE_integer("steps", None, "feature: steps, at each size; by default as the style needs.", 1)
STEP_SIZE = flags.DEFINE_float("step_size", None, "feature: length of a step; by default as the style needs.", 0)
BATCH = flags.DEFINE_integer("batch", 1, "feature: so many pictures of an objective, on one sheet.", 1, 1000)
DIVERSITY = flags.DEFINE_float("diversity", None, "feature: how different they shall be; by default 1.", 0)
ALPHA = flags.DEFINE_bool("alpha", False, "feature: transparent where nothing matters; for the style fourier.")
ROBUST = flags.DEFINE_bool("robust", True, "feature: whether pictures are moved a little before each look at them.")

_SIDE = 224  # px
_AT_ONCE = 8  # pictures of a page
_FIRST = 64  # channels of a layer, if nobody says which
_OBSERVING = {"output", "logdir", "picture_every", "save_every", "show_flags", "format", *run_state.OBSERVING}


@dataclass(frozen=True)
class Asked:
    """The flags that `visualize feature` shares with the other commands of `visualize`."""

    size: int | None
    layer: str | None
    channels: str | None
    module: str


@dataclass(frozen=True)
class Unit:
    """A channel to be shown on a page."""

    layer: str
    channel: int

    @property
    def name(self) -> str:
        return f"{self.layer}:{self.channel}"

    @property
    def file(self) -> str:
        return f"{_plain(self.layer)}_{self.channel:04}.png"


class Run:
    """One run: where it keeps its state, and what is written into its pictures."""

    def __init__(self, asked: Asked) -> None:
        values = command.flag_values([asked.module, __name__, picture_run.__name__, run_state.__name__])
        given = {flag: value for flag, value in values.items() if flag not in _OBSERVING}
        self.flags = values
        self.origin: dict[str, object] = {
            "command": "visualize feature",
            "version": __version__,
            "flags": given,
        }
        self.origin["line"] = origins.command_line(self.origin, "visualize feature")
        self.state = run_state.RunState("feature", self.origin, picture_run.network_files())
        self.steps = 0  # of finished parts

    @contextlib.contextmanager
    def monitor(self) -> Iterator["Monitor"]:
        from tfgraphs.deepdream.features import DeadUnitError
        from tfgraphs.monitor.terminal import Monitor

        every = picture_run.PICTURE_EVERY.value
        monitor = Monitor("feature", logdir=picture_run.LOGDIR.value, flags=self.flags, picture_every=every)
        try:
            with self.state.interruptible(), monitor:
                yield monitor
        except DeadUnitError:
            self.state.forget()  # nothing could go on from it
            raise


def feature(asked: Asked) -> None:
    """Runs the command."""
    unknown = [style for style in STYLE.value if style not in STYLES]
    if unknown or not STYLE.value:
        raise command.UsageError(f"--style={','.join(STYLE.value)}: styles are {', '.join(STYLES)}")
    if OBJECTIVE.value and (asked.layer or asked.channels):
        raise command.UsageError("--objective says what to show; leave --layer and --channels out, or give only these")
    if DIVERSITY.value is not None and not (OBJECTIVE.value and BATCH.value > 1):
        raise command.UsageError("--diversity is between several pictures of one --objective: give a --batch with it")
    if picture_run.SAVE_EVERY.value:
        raise command.UsageError("--save_every is not for features: TensorBoard shows them on the way, give a --logdir")
    if OBJECTIVE.value:
        _one(asked)
    else:
        _page(asked)


def _one(asked: Asked) -> None:
    """Shows one objective: a picture, or a sheet."""
    output = Path(picture_run.OUTPUT.value or _plain("_".join(OBJECTIVE.value)) + ".png")
    images.check_format(output)
    check_writable(output)
    run = Run(asked)
    backbone = _load(asked)
    objective = _objective(backbone)
    count = len(STYLE.value)
    pictures, captions = [], []
    with run.monitor() as monitor:
        for number, style in enumerate(STYLE.value):
            last = _follow(monitor, run, backbone, objective, _settings(asked, style, BATCH.value), number, count)
            found = [picture for picture in _pictures(last) if picture]
            if last.dead:
                monitor.say(f"{len(last.dead)} of {BATCH.value} pictures left out: nothing in their noise excites it")
            pictures += found
            captions += [style] * len(found)
    if len(pictures) == 1:
        result = pictures[0]
    else:
        from tfgraphs.pictures.sheets import sheet

        columns = None if count == 1 else BATCH.value if BATCH.value > 1 else count
        drawn = sheet([picture.on(PAPER) for picture in pictures], captions if count > 1 else (), columns)
        result = images.Picture(drawn)
    images.save(output, result, run.origin)
    run.state.forget()
    print(f"{output}: {' + '.join(OBJECTIVE.value)} of {backbone.name}, {', '.join(STYLE.value)}")


def _page(asked: Asked) -> None:
    """Shows channels: a folder with a page.

    Raises:
        DeadUnitError: all of them are dead.
    """
    if len(STYLE.value) > 1 or BATCH.value > 1:
        raise command.UsageError("several styles or a --batch are for one --objective, not for a page of channels")
    if asked.channels and not asked.layer:
        raise command.UsageError("say of which layer: --layer=fire9 --channels=0-63")
    default = f"{_plain(picture_run.BACKBONE.value)}_{_plain(asked.layer or 'striking')}_features"
    output = Path(picture_run.OUTPUT.value or default)
    check_folder(output, INDEX)
    check_writable(output.parent / default)
    run = Run(asked)
    backbone = _load(asked)
    from tfgraphs.deepdream.features import DeadUnitError

    units, title = _units(backbone, asked)
    finished = run.state.folder / "pictures"
    groups = list(_groups(units))
    exhibits: list[Exhibit] = []
    with run.monitor() as monitor:
        for number, group in enumerate(groups):
            done = finished / f"{number:06}.done"
            if not done.exists():
                made = _group(monitor, run, backbone, group, asked, number, len(groups))
                for unit, picture in zip(group, made, strict=True):
                    if picture:
                        images.save(finished / unit.file, picture)
                done.parent.mkdir(parents=True, exist_ok=True)
                done.touch()
            exhibits += [Exhibit(unit.name, unit.file, _load_if_there(finished / unit.file)) for unit in group]
        if not any(exhibit.picture for exhibit in exhibits):
            names = ", ".join(exhibit.name for exhibit in exhibits)
            raise DeadUnitError(f"nothing in a picture excites {names}: choose other channels, or another --seed")
    _write(output, exhibits, title, run)
    run.state.forget()
    dead = [exhibit.name for exhibit in exhibits if not exhibit.picture]
    if dead:
        print(f"dead, so without a picture: {', '.join(dead)}")
    print(f"{output}/{INDEX}: {len(exhibits)} channels of {backbone.name}")


def _units(backbone: "Backbone", asked: Asked) -> tuple[list[Unit], str]:
    """What is on the page, and its title."""
    from tfgraphs.deepdream.presets import striking_channels

    if not asked.layer:
        units = [Unit(layer, number) for layer, number in striking_channels(backbone)]
        return units, f"{len(units)} striking channels of {backbone.name}"
    backbone.check(asked.layer)
    count = backbone.view(asked.layer).channels
    text = asked.channels or f"0-{min(count, _FIRST) - 1}"
    units = [Unit(asked.layer, number) for number in channel_ranges.parse(text, count)]
    return units, f"{len(units)} of the {count} channels of {asked.layer} of {backbone.name}"


def _groups(units: Sequence[Unit]) -> Iterator[list[Unit]]:
    """The units, some at once: neighbours of one layer."""
    group: list[Unit] = []
    for unit in units:
        if group and (len(group) == _AT_ONCE or unit.layer != group[0].layer):
            yield group
            group = []
        group.append(unit)
    yield group


def _load_if_there(path: Path) -> images.Picture | None:
    """A picture as it was written, so that an interrupted run ends with the same bytes."""
    return images.load(path) if path.exists() else None


def _group(
    monitor: "Monitor", run: Run, backbone: "Backbone", group: Sequence[Unit], asked: Asked, number: int, count: int
) -> list[images.Picture | None]:
    """Makes the pictures of some channels of one layer; None for those that are dead."""
    from tfgraphs.deepdream.features import DeadUnitError
    from tfgraphs.deepdream.objectives import channels

    objective = channels(group[0].layer, [unit.channel for unit in group])
    settings = _settings(asked, STYLE.value[0], len(group))
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
) -> "FeatureProgress":
    """Makes the pictures of one of `count` parts of a run, and shows how far it is."""
    from tfgraphs.deepdream.features import visualize

    checkpoints = {**run.state.checkpoints, "checkpoint_dir": run.state.folder / f"part{number}"}
    for progress in visualize(backbone, objective, settings, on_graph=monitor.graph, **checkpoints):
        stage = progress.stage if count == 1 else f"part {number + 1} of {count}, {progress.stage}"
        done = (number + progress.done) / count
        monitor(replace(progress, step=progress.step + run.steps, stage=stage, done=done))
    run.steps += progress.step
    return progress


def _pictures(last: "FeatureProgress") -> list[images.Picture | None]:
    assert last.pictures is not None
    alphas = [None] * len(last.pictures) if last.alpha is None else last.alpha
    return [
        None if number in last.dead else images.Picture(pixels, alpha)
        for number, (pixels, alpha) in enumerate(zip(last.pictures, alphas, strict=True))
    ]


def _settings(asked: Asked, style: str, batch: int) -> "FeatureSettings":
    from tfgraphs.deepdream.features import FeatureSettings

    side = asked.size or _SIDE
    diversity = 1.0 if DIVERSITY.value is None else DIVERSITY.value
    return FeatureSettings(
        style,
        (side, side),
        batch,
        steps=STEPS.value,
        step_size=_step_size(style),
        alpha=ALPHA.value,
        diversity=diversity if OBJECTIVE.value and batch > 1 else 0.0,
        robust=ROBUST.value,
        seed=picture_run.SEED.value,
    )


def _step_size(style: str) -> float | None:
    """--step_size, which is on the scale 0..255 for the styles that move pixels."""
    from tfgraphs.deepdream.features import PIXEL_STYLES

    return STEP_SIZE.value / 255 if STEP_SIZE.value and style in PIXEL_STYLES else STEP_SIZE.value


def _objective(backbone: "Backbone") -> "Objective":
    from tfgraphs.deepdream import parse

    asked = [parse(text, backbone) for text in OBJECTIVE.value]
    return sum(asked[1:], start=asked[0])


def _write(output: Path, exhibits: Sequence[Exhibit], title: str, run: Run) -> None:
    """The folder, all at once."""
    text = (
        "Each picture began as noise and was changed step by step until it excited one channel of the network as much "
        "as could be: this is what that channel looks for."
    )
    with atomic_folder(output, INDEX) as folder:
        for exhibit in exhibits:
            if exhibit.picture:
                images.save(folder / exhibit.file, exhibit.picture, {**run.origin, "shows": exhibit.name})
        write(folder, exhibits, title, text, run.origin)


def _load(asked: Asked) -> "Backbone":
    command.import_tensorflow()
    return picture_run.load_backbone("visualize", check=lambda structure: _check_names(structure, asked))


def _check_names(structure: "Backbone", asked: Asked) -> None:
    """Raises LayerError, ExpressionError or UsageError if --layer, --channels or --objective do not fit a network."""
    from tfgraphs.deepdream.objectives import ObjectiveError

    if asked.layer:
        _units(structure, asked)
    elif OBJECTIVE.value:
        with contextlib.suppress(ObjectiveError):  # the names of classes may come with the weights
            _objective(structure)


def _plain(text: str) -> str:
    """A name for a file."""
    return re.sub(r"[^\w.-]+", "_", text).strip("_")
