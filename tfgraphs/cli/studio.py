"""Opens a page on this machine where people do with the mouse what the other commands do.

    studio                       prints the address and opens it in a browser
    studio --no_browser          only prints it
    studio --port=9000           another port
    studio --host=0.0.0.0        for other machines of a private network, with the token that is printed
    studio --vectors=out/news    word vectors to look at, beside GloVe and what is below out/ and vectors/
    studio --logdir=out/logs     folder of training runs to watch; logs by default

Nothing is fetched from elsewhere. Pictures that you bring and results are written to out/studio. Ctrl-C ends it.
"""

import contextlib
import os
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path

from absl import flags

from tfgraphs.cli.shared import command, common_flags
from tfgraphs.errors import TfgraphsError, reason
from tfgraphs.files import locks
from tfgraphs.files.outputs import check_writable, reserve

PORT = flags.DEFINE_integer("port", 8765, "Port on which the page is served; 0 for any that is free.", 0, 65535)
HOST = flags.DEFINE_string(
    "host", "127.0.0.1", "Address on which to listen. Another one than this machine's needs the token that is printed."
)
NO_BROWSER = flags.DEFINE_bool("no_browser", False, "Does not open a browser.")
VECTORS = common_flags.define_paths(
    "vectors", [], "Word vectors to look at, a file or a folder, as bin/words takes them; may be repeated."
)
LOGDIR = common_flags.define_path(
    "logdir", None, "Folder of training runs to watch, as word2vec --logdir writes them. Default: logs, if it exists."
)
OUTPUT = common_flags.define_path("output", "out/studio", "Folder for results and for pictures that are brought.")

_LOGS, _RESULTS = "logs", (Path("out"), Path("vectors"))
_HERE = ("127.0.0.1", "localhost", "::1")


class PortError(TfgraphsError):
    """The server cannot listen."""


def main(arguments: list[str]) -> None:
    command.no_arguments(arguments)
    folder = Path(OUTPUT.value)
    from tfgraphs.studio import guard, server
    from tfgraphs.studio.dream import DreamTab
    from tfgraphs.studio.jobs import FOLDER, Jobs
    from tfgraphs.studio.look import LookTab
    from tfgraphs.studio.networks import Networks
    from tfgraphs.studio.paint import PaintTab
    from tfgraphs.studio.pairs import PairsTab
    from tfgraphs.studio.uploads import Uploads
    from tfgraphs.studio.views import Views
    from tfgraphs.studio.words import WordsTab

    history = folder / FOLDER
    check_writable(history / "file")
    reserve(history)
    start = _once(command.import_tensorflow)
    uploads, views, networks = Uploads(folder / "uploads"), Views(), Networks()
    logs = LOGDIR.value or (_LOGS if Path(_LOGS).is_dir() else None)
    tabs: list[server.Tab] = [
        PairsTab(start, folder),
        WordsTab(start, folder, VECTORS.value, _RESULTS, Path(logs) if logs else None),
        DreamTab(start, folder, uploads, networks),
        PaintTab(start, folder, uploads),
        LookTab(start, folder, uploads, views, networks),
    ]
    token = None if HOST.value in _HERE else guard.new_token()
    hosts = None if token else guard.LOOPBACK

    def make_application(port: int) -> server.Application:
        return server.Application(
            tabs,
            Jobs(history, start),
            uploads,
            folder,
            guard.Guard(port, hosts, token),
            on_page=_once(lambda: server.in_background(start)),
            views=views,
        )

    try:
        opened = server.listen(HOST.value, PORT.value, make_application)
    except OSError as error:
        code = error.errno or 0
        problem = os.strerror(code).lower() if code > 0 else reason(error)  # without the address, which is said anyway
        raise PortError(f"cannot listen on {HOST.value}:{PORT.value}, {problem}: try --port=0") from error
    address = _address(opened.port, token)
    print(f"studio: {address}   Ctrl-C ends it", flush=True)
    if not NO_BROWSER.value:
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(address)
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it
        opened.serve_forever()
    locks.release_all()
    os._exit(0)  # threads may be in the midst of TensorFlow, which does not survive the end of Python


def _address(port: int, token: str | None) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(HOST.value, HOST.value)
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/" + (f"?token={token}" if token else "")


def _once(function: Callable[[], object]) -> Callable[[], None]:
    """Returns a function that calls another one the first time; calls at the same time wait for it."""
    lock, called = threading.Lock(), False

    def call() -> None:
        nonlocal called
        with lock:
            if not called:
                function()
                called = True

    return call


def run() -> None:
    command.run("studio", main, __doc__, [__name__])


if __name__ == "__main__":
    run()
