"""The part of `word2vec` that trains small models on a file of pairs."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tfgraphs.cli.shared import command, run_state
from tfgraphs.word2vec.pairs.pair_format import PairSettings, pair_vocabulary, read_pairs

if TYPE_CHECKING:
    import numpy as np

    from tfgraphs.word2vec.text.vocabulary import Vocabulary

Save = Callable[["Vocabulary", "np.ndarray", "np.ndarray", dict[str, object]], None]


def train_on_pairs(
    path: str, config: str, passes: int, tied: bool, compat: str | None, logdir: str | None, save: Save
) -> None:
    """Train a model and save it.

    Args:
        path: of the pairs.
        config: settings as JSON.
        passes: over the pairs.
        tied: whether inputs and outputs share one matrix.
        compat: "wevi" for that demo's gradient, or None.
        logdir: folder for TensorBoard, or None.
        save: gets vocabulary, both matrices and figures.
    """
    settings = dataclasses.replace(PairSettings.from_json(config), passes=passes, tied=tied, compat=compat)
    pairs = read_pairs(path)
    origin = {"pairs": True, **dataclasses.asdict(settings)}
    state = run_state.RunState("word2vec", origin, [Path(path)])

    command.import_tensorflow()
    from tfgraphs.monitor.terminal import Monitor
    from tfgraphs.word2vec.pairs.training import PairModel, train_pairs

    model = PairModel(pair_vocabulary(pairs), settings)
    with Monitor("word2vec", logdir=logdir, flags=origin) as monitor, state.interruptible():
        for progress in train_pairs(model, pairs, settings, on_graph=monitor.graph, **state.checkpoints):
            monitor(progress)
    save(model.vocabulary, model.inputs.numpy(), model.outputs.numpy(), {"loss of a pair": progress.loss})
    state.forget()
