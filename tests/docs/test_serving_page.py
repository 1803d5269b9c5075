"""Runs the requests and programs of the page about serving, against the contracts of TensorFlow Serving in Python.

The models are those that the page exports, in the folders and under the names of its file of models. A command `cat`
writes the file that it shows; Docker's commands are replaced by the servers of this test.
"""

import json
import os
import re
import shutil
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import serving_grpc
from checkout_copies import copy_of_checkout
from documents import DOCS, blocks, examples, run, run_example, typed
from PIL import Image
from same_output import assert_same_lines
from serving_contract import Serving
from werkzeug.serving import make_server

pytestmark = pytest.mark.long

PAGE = DOCS / "how-to" / "serving.md"
COMMANDS = [one for block in blocks(PAGE.read_text("utf-8")) if block.language == "console" for one in typed(block)]
FILES = {one.code.removeprefix("cat "): one.shown for one in COMMANDS if one.code.startswith("cat ")}
REQUESTS = [one for one in COMMANDS if not one.code.startswith(("cat ", "docker "))]
PHOTOGRAPH, PAINTING = (48, 40), (36, 44)  # sizes of small files


@pytest.fixture(scope="module")
def place(tmp_path_factory, forked):
    """A copy of the checkout with the models of the page, two pictures, and the files of the page."""
    folder = copy_of_checkout(tmp_path_factory.mktemp("page"))
    for example in examples(PAGE):
        example = replace(example, code=example.code.replace("bin/neural_style", "bin/neural_style --steps=4"))
        assert run_example(example, folder, forked).returncode == 0
    paintings = folder / "tfgraphs" / "pictures" / "paintings"
    for name, size in (("photo.jpg", PHOTOGRAPH), ("painting.jpg", PAINTING)):
        Image.open(min(paintings.glob("*.jpg"))).resize(size).save(folder / name)
    apis = folder / "client" / "tensorflow_serving" / "apis"  # the package, if it is not installed
    apis.mkdir(parents=True)
    (apis / "predict_pb2.py").write_text("from serving_grpc import PredictRequest")
    (apis / "prediction_service_pb2_grpc.py").write_text("from serving_grpc import PredictionServiceStub")
    return folder


@pytest.fixture(scope="module")
def ports(place):
    """The ports of the servers, by those of the page; the page's files have the ports of the servers."""
    named = re.findall(r'name: "(\w+)" base_path: "/models/(\w+)"', FILES["out/models/models.config"])
    serving = Serving({name: place / "out" / "models" / folder for name, folder in named})
    rest = make_server("localhost", 0, serving, threaded=True)
    threading.Thread(target=rest.serve_forever).start()
    rpc, rpc_port = serving_grpc.start(serving)
    found = {"8501": rest.port, "8500": rpc_port}
    for name, text in FILES.items():
        (place / name).write_text(at_ports(text, found))
    yield found
    rest.shutdown()
    rpc.stop(None)


def at_ports(text, ports):
    return re.sub(r"(?<=localhost:)\d+", lambda port: str(ports[port[0]]), text)


def beginning(printed, shown):
    """As much of an output as a page shows of it, whose last number or word may be cut."""
    pieces = shown.removesuffix("...").rstrip(" ,").split(", ")
    found = printed.split(", ")[: len(pieces)]
    return ", ".join([*found[:-1], found[-1][: len(pieces[-1])]]), ", ".join(pieces)


def test_the_folders_that_the_page_exports_are_those_of_its_file():
    exported = {name for one in examples(PAGE) for name in re.findall(r"out/models/(\w+)/1", one.code)}
    named = re.findall(r'name: "(\w+)" base_path: "/models/(\w+)"', FILES["out/models/models.config"])
    assert {*named} == {(name, name) for name in exported}


@pytest.mark.parametrize("request_of_page", REQUESTS, ids=lambda one: f"{one.line}")
def test_a_request_is_answered_as_the_page_shows(request_of_page, place, ports):
    command, shown = at_ports(request_of_page.code, ports), request_of_page.shown.strip()
    if "curl" in command and not shutil.which("curl"):
        pytest.skip("curl is not installed")
    picture = [[[0.2, 0.5, 0.1]] * PHOTOGRAPH[0]] * PHOTOGRAPH[1]
    command = command.replace("[[[[0.2, 0.5, 0.1], ...]]]", json.dumps([picture]))
    (place / "painted.png").unlink(missing_ok=True)
    path = os.pathsep.join([str(Path(sys.prefix, "bin")), os.environ["PATH"]])
    packages = os.pathsep.join([str(place / "client"), str(place / "tests")])
    result = run(place, command, PATH=path, PYTHONPATH=packages, no_proxy="localhost")
    assert result.returncode == 0, result.stderr
    if "> painted.png" in command:
        assert Image.open(place / "painted.png").size == PHOTOGRAPH
        assert not result.stdout
    elif "..." in request_of_page.code:
        answer = json.loads(result.stdout)["outputs"]
        assert [len(answer), len(answer[0]), len(answer[0][0])] == [1, *reversed(PHOTOGRAPH)]
    elif shown.endswith("..."):
        assert_same_lines(*([text] for text in beginning(result.stdout, shown)))
    else:
        assert_same_lines(result.stdout.strip().splitlines(), shown.splitlines())
        assert shown
