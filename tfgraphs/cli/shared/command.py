"""Runs commands: parses flags, prints one line for each error, starts TensorFlow only when it is needed."""

import contextlib
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import absl.logging
from absl import flags

from tfgraphs.cli.shared import process
from tfgraphs.cluster.group import WorkersLost
from tfgraphs.errors import TfgraphsError, printable, reason
from tfgraphs.files import locks
from tfgraphs.graphs.processor import Processor
from tfgraphs.graphs.start import start, without_banners

BAD_INPUT, TRY_AGAIN = 2, 75

DEVICE = flags.DEFINE_enum(
    "device",
    "auto",
    ["auto", "cpu", "gpu"],
    "Where to compute; auto uses a GPU, if there is one, for pictures and the CPU for words.",
)
DETERMINISTIC = flags.DEFINE_boolean(
    "deterministic", True, "On a GPU: whether operations compute the same bytes each time, as on a CPU; slower."
)


class UsageError(TfgraphsError):
    """The command line is incomplete or contradictory."""


def run(name: str, main: Callable[[list[str]], None], documentation: str, flag_modules: list[str]) -> None:
    """Parses the flags, runs a command and exits with its code.

    That is 0, 2 for bad input, 130 for Ctrl-C, and 75 if other workers are lost and all have to be started again.

    `main` takes the arguments that are not flags. --help prints `documentation` and the flags of `flag_modules`.
    """
    process.open_streams()
    process.repeat_lost_interruptions()
    process.on_interruption(signal.default_int_handler)
    warnings.showwarning = lambda message, *_: print(f"{name}: {message}", file=sys.stderr)
    arguments = sys.argv[1:]
    try:
        if "--" not in arguments and {"--help", "-help", "-h", "--helpfull"} & set(arguments):
            modules = None if "--helpfull" in arguments else [*flag_modules, __name__]
            print(_help(documentation, modules), flush=True)
        else:
            arguments = flags.FLAGS(sys.argv)[1:]
            _log_details()
            with as_interruption():
                _check_current_folder()
                main(arguments)
                sys.stdout.flush()
    except (TfgraphsError, flags.Error) as error:
        _exit(name, str(error), BAD_INPUT)
    except KeyboardInterrupt as interruption:
        process.on_interruption(process.exit_at_once)
        _exit(name, str(interruption) or "interrupted", process.INTERRUPTED)
    except WorkersLost as error:
        _exit(name, f"{error}: start all workers again, with --resume to go on", TRY_AGAIN)
    except BrokenPipeError:
        pass  # whoever reads the answers has enough of them
    except OSError as error:
        place = error.filename if isinstance(error.filename, str) else "cannot write the answer"
        _exit(name, f"{place}: {reason(error)}", BAD_INPUT)
    except Exception as error:
        if type(error).__name__ not in ("MemoryError", "ResourceExhaustedError"):  # the latter is TensorFlow's
            raise
        full = "space left" in str(error).lower()  # TensorFlow's error is the same for memory and disks
        _exit(name, "no space left on device" if full else "out of memory: try something smaller", BAD_INPUT)
    finally:
        process.on_interruption(process.exit_at_once)
        locks.release_all()
        process.close_outputs()


def _check_current_folder() -> None:
    try:
        os.getcwd()
    except OSError:
        raise UsageError("the current folder was deleted: change to another one") from None


@contextlib.contextmanager
def as_interruption() -> Iterator[None]:
    """Raises KeyboardInterrupt instead of errors that Ctrl-C causes, as in TensorFlow's clean-up while it traces."""
    try:
        yield
    except Exception as error:
        cause = _interruption(error)
        if cause is None:
            raise
        raise KeyboardInterrupt(*cause.args) from error


def _interruption(error: BaseException) -> BaseException | None:
    """Returns the KeyboardInterrupt that is an error or its cause, if there is one."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__context__
    return cause


def no_arguments(arguments: list[str]) -> None:
    """Raises UsageError if there are arguments besides flags."""
    if arguments:
        raise UsageError(f"{arguments[0]!r} is not a flag: --help lists the flags")


def flag_values(modules: list[str]) -> dict[str, object]:
    """Returns the values of all flags that some modules define, by name."""
    by_module = flags.FLAGS.flags_by_module_dict()
    return {flag.name: flag.value for module in modules for flag in by_module[_known_as(module)]}


def _known_as(module: str) -> str:
    """The name of a module in absl's tables: the started module has that of its file."""
    return sys.argv[0] if module == "__main__" else module


def counted(number: int, what: str) -> str:
    """Returns "1 frame" or "2 frames"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints a table at its full width, the first column aligned left and the others right."""
    from rich import box, console, table, text

    drawn = table.Table(box=box.SIMPLE_HEAD, show_edge=False)
    for number, column in enumerate(columns):
        drawn.add_column(column, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        drawn.add_row(*(text.Text(cell) for cell in row))
    screen = console.Console(highlight=False, width=1000)
    with screen.capture() as captured:  # on its own it exits if a pipe is closed
        screen.print(drawn)
    print(captured.get(), end="")


def import_tensorflow(
    threads: Callable[[Processor], int | None] | None = None,
    operations: int | None = None,
    gpu_gains: bool = True,
    connect: Callable[[], None] = lambda: None,
) -> None:
    """Starts TensorFlow on --device, see `tfgraphs.graphs.start`. Commands do it after they have checked their inputs.

    The banners that it writes to stderr from C++ are hidden, unless the import fails.
    """
    note = "starting TensorFlow, a few seconds" if sys.stderr.isatty() else ""
    print(note, end="", file=sys.stderr, flush=True)
    try:
        with _without_banners():
            _start(threads, operations, gpu_gains, connect)
    finally:
        print("\b \b" * len(note), end="", file=sys.stderr, flush=True)


def _start(
    threads: Callable[[Processor], int | None] | None,
    operations: int | None,
    gpu_gains: bool,
    connect: Callable[[], None],
) -> None:
    start(threads, operations, DEVICE.value, gpu_gains, DETERMINISTIC.value, connect)


@contextlib.contextmanager
def starting_tensorflow(
    threads: Callable[[Processor], int | None] | None = None,
    operations: int | None = None,
    gpu_gains: bool = True,
    connect: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Does the same while the body runs, which must not need TensorFlow."""
    with _without_banners(), ThreadPoolExecutor(1, "TensorFlow") as starter:
        started = starter.submit(_start, threads, operations, gpu_gains, connect)
        yield
        started.result()


@contextlib.contextmanager
def _without_banners() -> Iterator[None]:
    """Hides what C++ writes to stderr, unless there is an error. Python's messages are shown, absl's too."""
    log = absl.logging.get_absl_handler().python_handler
    stream = log.stream
    try:
        with without_banners(lambda error: isinstance(error, TfgraphsError) or _interruption(error) is not None):
            log.setStream(sys.stderr)
            yield
    finally:
        log.setStream(stream)


def _log_details() -> None:
    """Sets the level of the package's log by --verbosity: 1 for details, such as which graphs are made."""
    logger = logging.getLogger("tfgraphs")
    logger.addHandler(absl.logging.get_absl_handler())
    logger.setLevel(absl.logging.converter.absl_to_standard(flags.FLAGS.verbosity))
    logger.propagate = False
    if flags.FLAGS.verbosity > 0:
        absl.logging.set_verbosity(absl.logging.WARNING)  # TensorFlow's own messages


def _help(documentation: str, modules: list[str] | None) -> str:
    if modules is None:
        return f"{documentation.strip()}\n\n{flags.FLAGS.get_help()}"
    texts = [flags.FLAGS.module_help(_known_as(module)).split("\n", 2)[-1] for module in modules]
    return f"{documentation.strip()}\n\nflags:\n" + "\n".join(texts)


def _exit(name: str, message: str, code: int) -> None:
    with contextlib.suppress(OSError):  # the terminal is gone, or a pipe is closed
        print(f"{name}: {printable(' '.join(message.split()))}", file=sys.stderr)
    sys.exit(code)
