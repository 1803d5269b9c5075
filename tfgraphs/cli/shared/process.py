"""The process of a command: its streams, and what signals do to it."""

import _thread
import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable

INTERRUPTED = 130
"""The exit code of what Ctrl-C ends, as shells have it."""

_LOST_SECONDS = 0.01  # until an interruption that Python dropped is repeated


def open_streams() -> None:
    """Opens closed standard streams, and lets all print any text: `>&-` closes one, and names need not be UTF-8."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", encoding="utf-8"))
        elif name != "stdin" and hasattr(stream := getattr(sys, name), "reconfigure"):
            as_bytes = name == "stdout" and stream.encoding.lower() == "utf-8"
            stream.reconfigure(errors="surrogateescape" if as_bytes else "backslashreplace")


def close_outputs() -> None:
    """Lets nothing be written any more: the reader of a pipe has closed it, or the disk is full."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def on_interruption(handler: Callable[..., object]) -> None:
    """Sets what Ctrl-C, SIGTERM and the end of the terminal do; `nohup` keeps its meaning.

    A shell starts background jobs with SIGINT ignored: here it counts all the same.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and (name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN):
            signal.signal(number, handler)


def exit_at_once(*_: object) -> None:
    """Ends the process where there is nothing to save and nothing to say."""
    os._exit(INTERRUPTED)


def run_and_exit(run: Callable[[], None]) -> None:
    """Runs a command, and ends the process with its exit code as soon as the functions of `atexit` have run.

    Python would then take its modules apart. That takes up to a second, and can crash, as threads of TensorFlow still
    use them.
    """
    code = 1  # of an error that nobody expected; Python prints it before it ends

    def end() -> None:
        close_outputs()
        os._exit(code)

    atexit.register(end)  # what is registered first is called last
    try:
        run()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        raise


def repeat_lost_interruptions() -> None:
    """Interrupts again if Python dropped a KeyboardInterrupt, as it does in callbacks while it imports modules."""
    otherwise, main = sys.unraisablehook, threading.main_thread().ident

    def interrupt() -> None:
        if hasattr(signal, "pthread_kill") and main is not None:
            signal.pthread_kill(main, signal.SIGINT)  # which also ends its waiting
        else:
            _thread.interrupt_main()

    def repeat(lost: "sys.UnraisableHookArgs") -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            threading.Timer(_LOST_SECONDS, interrupt).start()
        else:
            otherwise(lost)

    sys.unraisablehook = repeat
