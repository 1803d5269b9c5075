"""`visualize feature`: pictures that excite units of a network, made from noise.

An objective becomes a picture, or a sheet of several styles or of a batch. The channels of a layer, or the striking
ones of a network, become a folder with a page.
"""

import contextlib
import html
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from tfgraphs.cli.shared import command, common_flags, picture_run, picture_workers, scheduled_run
from tfgraphs.deepdream.objective_text import read_terms
from tfgraphs.deepdream.settings import PIXEL_STYLES, STYLES, DeadUnitError, FeatureSettings
from tfgraphs.files.outputs import atomic_folder, check_folder, check_writable
from tfgraphs.monitor.terminal import Monitor
from tfgraphs.pictures import images
from tfgraphs.pictures.sheets import sheet

if TYPE_CHECKING:
    from tfgraphs.backbones import Backbone
    from tfgraphs.deepdream import Objective
    from tfgraphs.deepdream.features import RenderProgress

OBJECTIVE = flags.DEFINE_multi_string(
    "objective", [], "feature: what is maximised, such as fire5:3 or 'fire9:1 - fire9:7'; several are added."
)
STYLE = common_flags.define_list("style", ["maco"], f"feature: {', '.join(STYLES)}; with commas, several side by side.")
common_flags.define("steps", None, "feature: by default those of the style.")
common_flags.former("iterations", "steps")
common_flags.define("optimizer", None, "feature: by default that of the style.")
STEP_SIZE = flags.DEFINE_float(
    "step_size", None, "feature: learning rate, on the scale 0..255 for pixels; by default that of the style.", 0
)
BATCH = flags.DEFINE_integer("batch", 1, "feature: number of pictures of an objective, on one sheet.", 1, 1000)
DIVERSITY = flags.DEFINE_float("diversity", None, "feature: weight of the differences between them; by default 1.", 0)
flags.DEFINE_bool("alpha", False, "feature: transparent where nothing matters; for the style fourier.")
flags.DEFINE_bool("grey", None, "feature: makes grey pictures; by default for networks that see greys.")
flags.DEFINE_bool("robust", True, "feature: transforms pictures randomly before the network sees them.")

_INDEX, _SHEET = "index.html", "sheet.png"

_TEMPLATE = Path(__file__).with_suffix(".html")
_PAPER = 0.5  # the grey behind transparent pictures on a sheet
_SIDE = 224  # px
_GROUP = 8  # channels of a page that are optimised in one batch
_MOST_CHANNELS = 64  # of a layer without --channels


@dataclass(frozen=True)
class _Unit:
    """A channel on the page."""

    layer: str
    channel: int

    @property
    def name(self) -> str:
        return f"{self.layer}:{self.channel}"

    @property
    def file(self) -> str:
        return f"{_file_name(self.layer)}_{self.channel:04}.png"


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text).strip("_")


class FeatureRun(picture_run.PictureRun):
    """One run of the command and its network; `module` defines the flags of all commands of `visualize`."""

    flag_modules = (__name__, *picture_run.PictureRun.flag_modules)

    def __init__(self, module: str) -> None:
        super().__init__("visualize feature", [], module)
        self.origin["line"] = picture_run.command_line(self.origin, self.name)
        command.import_tensorflow()
        from tfgraphs.deepdream.presets import check_of

        check = check_of(_objective) if OBJECTIVE.value else _units
        self.backbone = picture_run.load_backbone("visualize", check=check)
        self._steps = 0  # of finished parts

    def _named_after(self, source: str) -> str:
        if OBJECTIVE.value:
            return _file_name("_".join(OBJECTIVE.value)) + ".png"
        return _file_name(f"{picture_run.BACKBONE.value}_{flags.FLAGS.layer or 'striking'}_features")

    def _check_outputs(self, sources: list[str]) -> None:
        if OBJECTIVE.value:
            super()._check_outputs(sources)
        else:
            check_folder(self.output, _INDEX)
            check_writable(self.output / _INDEX)

    def pictures(
        self, objective: "Objective", settings: FeatureSettings, number: int, count: int
    ) -> list[images.Picture | None]:
        """Makes the pictures of one of `count` parts of the run; None for dead units."""
        from tfgraphs.deepdream.features import visualize_feature

        checkpoints = {**self.state.checkpoints, "checkpoint_dir": self.state.folder / f"part{number}"}
        for last in visualize_feature(objective, self.backbone, settings, on_graph=self.log_graph, **checkpoints):
            self._monitor(last if count == 1 else last.of_whole("part", number, count, self._steps))
        self._steps += last.step
        return _pictures_of(last)


def feature(module: str) -> None:
    """Runs the command; `module` defines the flags that it shares with the other commands of `visualize`."""
    _check_flags()
    if picture_workers.served_kind():
        _serve_groups()
        return
    run = FeatureRun(module)
    try:
        (_make_picture if OBJECTIVE.value else _make_page)(run)
    except DeadUnitError:  # there is nothing to resume
        run.state.forget()
        raise


def _check_flags() -> None:
    """Raises UsageError for flags that do not go together, ExpressionError for an objective that cannot be read."""
    for text in OBJECTIVE.value:
        read_terms(text)
    layer, channels = flags.FLAGS.layer, flags.FLAGS.channels
    if not STYLE.value or not set(STYLE.value) <= set(STYLES):
        raise command.UsageError(f"--style={','.join(STYLE.value)}: styles are {', '.join(STYLES)}")
    if OBJECTIVE.value and (layer or channels):
        raise command.UsageError("give --objective, or --layer and --channels, but not both")
    if DIVERSITY.value is not None and not (OBJECTIVE.value and BATCH.value > 1):
        raise command.UsageError(
            "--diversity is between the pictures of a --batch of one --objective: give a --batch with it"
        )
    if picture_run.SAVE_EVERY.value:
        raise command.UsageError(
            "--save_every is not for features: see the pictures on the way in TensorBoard, with --logdir"
        )
    if not OBJECTIVE.value and (len(STYLE.value) > 1 or BATCH.value > 1):
        raise command.UsageError(
            "several styles or a --batch need one --objective: leave them out for a page of channels"
        )
    if channels and not layer:
        raise command.UsageError("--channels needs a layer: --layer=fire9 --channels=0-63")
    for style in STYLE.value:
        _settings(style, BATCH.value, (_SIDE, _SIDE))
    if scheduled_run.is_scheduled():
        scheduled_run.check_flags()
        if OBJECTIVE.value:
            raise command.UsageError("--workers and --scheduler are for a page: leave them out, or --objective")


def _make_picture(run: FeatureRun) -> None:
    """Makes the picture or the sheet of one objective."""
    objective, count = _objective(run.backbone), len(STYLE.value)
    pictures, captions = [], []
    with run.monitored() as monitor:
        for number, style in enumerate(STYLE.value):
            settings = _settings(style, BATCH.value, _size(run.backbone, objective))
            made = run.pictures(objective, settings, number, count)
            alive = [picture for picture in made if picture]
            if len(alive) < len(made):
                dead = len(made) - len(alive)
                monitor.say(f"{dead} of {BATCH.value} pictures left out: the unit is dead for their noise")
            pictures += alive
            captions += [style] * len(alive)
    result = pictures[0]
    if len(pictures) > 1:
        columns = None if count == 1 else BATCH.value if BATCH.value > 1 else count
        drawn = sheet([picture.over(_PAPER) for picture in pictures], captions if count > 1 else (), columns)
        result = images.Picture(drawn)
    images.save(run.output, result, run.origin)
    run.state.forget()
    print(f"{run.output}: {' + '.join(OBJECTIVE.value)} of {run.backbone.name}, {', '.join(STYLE.value)}")


def _make_page(run: FeatureRun) -> None:
    """Makes the folder with the page of several channels. Raises DeadUnitError if all units are dead."""
    units, title = _units(run.backbone)
    finished = run.state.folder / "pictures"
    with run.monitored() as monitor:
        (_schedule_groups if scheduled_run.is_scheduled() else _make_groups)(run, _groups(units), finished, monitor)
        files = {unit: finished / unit.file for unit in units}
        # as they were written, so that a resumed run ends with the same bytes
        pictures = {unit: images.load(file) if file.exists() else None for unit, file in files.items()}
        dead = ", ".join(unit.name for unit, picture in pictures.items() if not picture)
        if not any(pictures.values()):
            raise DeadUnitError(
                f"{dead} do not respond to any change of the picture: choose other channels, or another --seed"
            )
    _write_page(run.output, pictures, title, run.origin)
    run.state.forget()
    if dead:
        print(f"dead, so without a picture: {dead}")
    print(f"{run.output}/{_INDEX}: {len(pictures)} channels of {run.backbone.name}")


def _groups(units: Sequence[_Unit]) -> list[list[_Unit]]:
    """Returns the channels that are optimised in one batch each, of one layer."""
    layers = [list(group) for _, group in itertools.groupby(units, key=lambda unit: unit.layer)]
    return [layer[start : start + _GROUP] for layer in layers for start in range(0, len(layer), _GROUP)]


def _mark(number: int) -> str:
    """The name of the file in the state that says that a group is done."""
    return f"pictures/{number:06}.done"


def _make_groups(run: FeatureRun, groups: Sequence[Sequence[_Unit]], folder: Path, _: Monitor) -> None:
    """Makes the pictures that are missing in a folder."""
    for number, group in enumerate(groups):
        if not run.state.read(_mark(number)):
            objective, settings = _task(run.backbone, group)
            with contextlib.suppress(DeadUnitError):  # all of them
                _save_group(group, run.pictures(objective, settings, number, len(groups)), folder)
            run.state.write(_mark(number), "yes")


def _schedule_groups(run: FeatureRun, groups: Sequence[Sequence[_Unit]], folder: Path, monitor: Monitor) -> None:
    """Has the workers make the pictures that are missing in a folder."""
    missing = [number for number in range(len(groups)) if not run.state.read(_mark(number))]
    items = [(str(number), str(folder.absolute())) for number in missing]
    done = len(groups) - len(missing)
    for made in scheduled_run.make_all(scheduled_run.job(run.name, run.flags), items):
        if made.error:
            raise command.UsageError(f"{groups[int(made.source)][0].name}: {made.error}")
        run.state.write(_mark(int(made.source)), "yes")
        done += 1
        scheduled_run.show(monitor, "part", done, len(groups))


def _serve_groups() -> None:
    """Makes the groups of which a worker names the numbers, see `picture_workers`."""
    command.import_tensorflow()
    from tfgraphs.deepdream.features import visualize_feature

    backbone = picture_run.load_backbone("visualize", check=_units)
    groups = _groups(_units(backbone)[0])

    def make(number: str, folder: str) -> None:
        group = groups[int(number)]
        objective, settings = _task(backbone, group)
        with contextlib.suppress(DeadUnitError):
            *_, last = visualize_feature(objective, backbone, settings)
            _save_group(group, _pictures_of(last), Path(folder))

    picture_workers.serve(make)


def _task(backbone: "Backbone", group: Sequence[_Unit]) -> "tuple[Objective, FeatureSettings]":
    """Returns what makes the pictures of a group."""
    from tfgraphs.deepdream.objectives import channels

    objective = channels(group[0].layer, [unit.channel for unit in group])
    return objective, _settings(STYLE.value[0], len(group), _size(backbone, objective))


def _save_group(group: Sequence[_Unit], made: Sequence[images.Picture | None], folder: Path) -> None:
    for unit, picture in zip(group, made, strict=True):
        if picture:
            images.save(folder / unit.file, picture)


def _pictures_of(last: "RenderProgress") -> list[images.Picture | None]:
    """Returns the pictures of a finished batch; None for dead units."""
    assert last.pictures is not None
    alphas = [None] * len(last.pictures) if last.alpha is None else last.alpha
    made = [images.Picture(pixels, alpha) for pixels, alpha in zip(last.pictures, alphas, strict=True)]
    return [None if index in last.dead else picture for index, picture in enumerate(made)]


def _size(backbone: "Backbone", objective: "Objective") -> tuple[int, int]:
    """Height and width of the pictures: by default those of a network that takes pictures of one size."""
    if flags.FLAGS.size:
        return flags.FLAGS.size, flags.FLAGS.size
    return backbone.nearest_size(objective.layers, (_SIDE, _SIDE))


def _units(backbone: "Backbone") -> tuple[list[_Unit], str]:
    """Returns the channels of the page, and its title."""
    from tfgraphs.deepdream.presets import striking_channels

    layer = flags.FLAGS.layer
    if not layer:
        units = [_Unit(layer, number) for layer, number in striking_channels(backbone)]
        return units, f"{len(units)} striking channels of {backbone.name}"
    backbone.check(layer)
    count = backbone.view(layer).channels
    text = flags.FLAGS.channels or f"0-{min(count, _MOST_CHANNELS) - 1}"
    units = [_Unit(layer, number) for number in common_flags.parse_channels(text, count)]
    return units, f"{len(units)} of the {count} channels of {layer} of {backbone.name}"


def _objective(backbone: "Backbone") -> "Objective":
    from tfgraphs.deepdream import Objective, parse

    return sum((parse(text, backbone) for text in OBJECTIVE.value), start=Objective(()))


def _settings(style: str, batch: int, size: tuple[int, int]) -> FeatureSettings:
    diversity = 1.0 if DIVERSITY.value is None else DIVERSITY.value
    scale = 255 if style in PIXEL_STYLES else 1  # of --step_size
    return common_flags.read_settings(
        FeatureSettings,
        style=style,
        size=size,
        batch=batch,
        step_size=None if STEP_SIZE.value is None else STEP_SIZE.value / scale,
        diversity=diversity if OBJECTIVE.value and batch > 1 else 0.0,
    )


def _write_page(
    output: Path, pictures: Mapping[_Unit, images.Picture | None], title: str, origin: Mapping[str, object]
) -> None:
    """Writes the folder, complete or not at all; `pictures` are None for dead units, at least one is not."""
    alive = {unit.name: picture.over(_PAPER) for unit, picture in pictures.items() if picture}
    drawn = list(alive.values())
    height, width = drawn[0].shape[:2]
    values = {
        "title": html.escape(title),
        "sheet": _SHEET,
        "width": str(min(width, 320)),
        "aspect": f"{width} / {height}",
        "figures": "\n".join(_figure(unit, bool(picture)) for unit, picture in pictures.items()),
        "command": html.escape(str(origin["line"])),
    }
    page = _TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        page = page.replace(f"{{{name}}}", value)
    with atomic_folder(output, _INDEX) as folder:
        for unit, picture in pictures.items():
            if picture:
                images.save(folder / unit.file, picture, {**origin, "shows": unit.name})
        images.save(folder / _SHEET, images.Picture(sheet(drawn, list(alive))), origin)
        (folder / _INDEX).write_text(page, encoding="utf-8")


def _figure(unit: _Unit, alive: bool) -> str:
    name = html.escape(unit.name)
    shown = (
        f'<a href="{unit.file}"><img src="{unit.file}" alt="{name}" loading="lazy"></a>'
        if alive
        else '<div class="dead">dead: responds to no<br>change of a picture</div>'
    )
    return f"<figure>{shown}<figcaption>{name}</figcaption></figure>"
