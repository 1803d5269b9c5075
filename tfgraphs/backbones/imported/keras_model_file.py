"""Model files of Keras (`.keras`, `.h5` of the whole model), read so that they can run nothing of their own.

Keras does not open such a file itself. It gets a copy: the description as `keras_config` admits it, and the weights as
our reader of HDF5 reads them. What the model's variables take is bounded by the size of the file, too.
"""

import inspect
import io
import json
import math
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import tensorflow as tf

from tfgraphs.backbones.backbone import BackboneError, size_text
from tfgraphs.backbones.imported.keras_applications import check_finite, untrainable
from tfgraphs.backbones.imported.keras_config import admitted
from tfgraphs.backbones.imported.keras_layers import has_graph
from tfgraphs.backbones.readers.archive import Archive
from tfgraphs.backbones.readers.hdf5 import BEGINNING, Hdf5File
from tfgraphs.backbones.readers.keras_file import ARCHIVED, copy_hdf5
from tfgraphs.backbones.readers.weights import WeightsError, reading
from tfgraphs.errors import TfgraphsError, summary
from tfgraphs.files.trust import plausible_size

SUFFIXES = (".keras", ".h5", ".hdf5")

_LARGEST_DESCRIPTION = 1 << 27  # bytes of JSON; the largest of keras.applications takes less than one million


def is_model(path: str | Path) -> bool:
    """Whether a file is a model file, whatever its name."""
    try:
        if not Path(path).is_file() or not _begins_with(Path(path), b"PK", BEGINNING):
            return False
        return _begins_with(Path(path), BEGINNING) or {"config.json", ARCHIVED} <= set(zipfile.ZipFile(path).namelist())
    except (OSError, zipfile.BadZipFile, ValueError):
        return False


def _begins_with(path: Path, *beginnings: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(BEGINNING)).startswith(beginnings)


def read_model(path: Path) -> keras.Model:
    """Reads a model file.

    Raises:
        BackboneError: there is no file, or its model has no graph of layers that maps pictures to something.
        TrustError: it holds anything but layers and functions of Keras.
        WeightsError: it is damaged.
    """
    if not path.exists():
        raise BackboneError(f"there is no file {path}")
    with tempfile.TemporaryDirectory() as folder:
        with reading(path) as size:
            copy = (_copy_archive if _begins_with(path, b"PK") else _copy_hdf5)(path, Path(folder))
        with untrainable(_bound(path, plausible_size(size))):
            try:
                model = keras.saving.load_model(copy, compile=False, safe_mode=True)
            except TfgraphsError:
                raise
            except Exception as error:  # what Keras raises cannot be foreseen
                problem = summary(_innermost(error))
                raise WeightsError(
                    f"{path} cannot be loaded ({problem}): it is damaged, or made with another Keras"
                ) from error
    _check_inputs(model, path)
    check_finite(model, path)
    return model


def _check_inputs(model: Any, path: Path) -> None:
    """Raises BackboneError if a model does not have one input, for pictures of 3 channels or of one."""
    if isinstance(model, keras.Sequential) and not model.built:
        raise BackboneError(
            f"{path} does not say what it takes, as its model was never called: "
            "call model.build((None, height, width, 3)) and save it again"
        )
    if not has_graph(model):
        raise BackboneError(f"{path} has no graph of layers: a functional or sequential model is needed")
    taken = {tensor.name: size_text(tensor.shape[1:]) for tensor in model.inputs}
    if len(taken) > 1:
        found = ", ".join(f"{name} of {size}" for name, size in taken.items())
        raise BackboneError(
            f"{path} takes {len(taken)} inputs: {found}; one picture is all there is: "
            "save a part of it that needs no other, keras.Model(model.inputs[0], a layer's output)"
        )
    shape = tuple(model.inputs[0].shape)
    if len(shape) == 4 and shape[-1] in (1, 3):
        return
    problem = f"{path} takes {size_text(shape[1:])} numbers, not pictures of 3 channels (RGB) or 1 (grey)"
    if len(shape) == 4 and shape[1] in (1, 3):
        problem += ', whose channels come last; build it with data_format="channels_last", which takes the same weights'
    raise BackboneError(problem)


def _copy_archive(path: Path, folder: Path) -> Path:
    """Copies a file .keras into a folder that Keras loads as the archive."""
    with Archive(path) as archive:
        description = json.loads(archive.read("config.json", _LARGEST_DESCRIPTION))
        weights = archive.read(ARCHIVED)
    (folder / "config.json").write_text(json.dumps(admitted(description, str(path))), encoding="utf-8")
    copy_hdf5(io.BytesIO(weights), folder / ARCHIVED)
    return folder


def _copy_hdf5(path: Path, folder: Path) -> Path:
    copy = folder / "model.h5"
    with path.open("rb") as file:
        description = Hdf5File(file).root.texts("model_config")
        if description is None:
            raise WeightsError(
                "it holds weights but no network: name one of keras.applications, and give it as weights"
            )
        safe = json.dumps(admitted(json.loads("".join(description)), str(path)))
        copy_hdf5(file, copy)
    with h5py.File(copy, "r+") as opened:
        opened.attrs["model_config"] = safe
    return copy


def _innermost(error: BaseException) -> BaseException:
    """Returns the error that tells what is wrong, which Keras wraps into others."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return error


def _bound(path: Path, left: int) -> Callable[[Any], None]:
    """Returns a function that counts variables before they are made, and refuses more than `left` bytes of them."""

    def count(value: Any) -> None:
        nonlocal left
        # Keras gives the initial value as a function of its own variable
        made_for = inspect.getclosurevars(value).nonlocals.get("self") if inspect.isfunction(value) else value
        shape = tuple(getattr(made_for, "shape", ()))
        left -= math.prod(shape) * tf.as_dtype(getattr(made_for, "dtype", "float32")).size
        if left < 0:
            raise WeightsError(f"{path}: it describes a network whose weights are far larger than the file")

    return count
