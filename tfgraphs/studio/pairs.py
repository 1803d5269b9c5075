"""The tab Pairs: a model of written pairs of words, trained step by step before your eyes, as in wevi and beyond it.

The state says how many steps were taken and with which learning rates, so any state can be computed anew. The last few
models are kept and go on from where they are.
"""

import json
import math
import shlex
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tfgraphs.studio import pairs_drawings
from tfgraphs.studio.commands import digest
from tfgraphs.studio.jobs import Worker
from tfgraphs.studio.pairs_presets import PRESETS
from tfgraphs.studio.recent import Recent
from tfgraphs.studio.states import Question, State, StateError, read_choice, read_count, read_text
from tfgraphs.studio.tables import write_table
from tfgraphs.vectors.plots.plot import principal_directions
from tfgraphs.word2vec.pairs.pair_format import LOSSES, Pair, PairSettings, pair_vocabulary, parse_pairs

MOST_STEPS, MOST_WORDS, MOST_PAIRS, MOST_UNITS = 20_000, 60, 500, 40
CONFIG = '{"hidden_size": 5, "random_state": 1, "learning_rate": 0.2}'
_KEPT = 8  # models
_MARKS = 50  # passes, in which the loss is noted after each; later more seldom


@dataclass(frozen=True)
class _Experiment:
    """What is trained, and with which learning rates: the first, and others from some steps on."""

    pairs: tuple[Pair, ...]
    settings: PairSettings
    rates: tuple[tuple[int, float], ...]
    axes: int  # the step after which principal components were computed


class _Model:
    """A model on its way through an experiment."""

    def __init__(self, experiment: _Experiment) -> None:
        from tfgraphs.word2vec.pairs.model import PairModel
        from tfgraphs.word2vec.pairs.training import PairTrainer

        self.experiment = experiment
        model = PairModel(pair_vocabulary(experiment.pairs), experiment.settings)
        self.trainer = PairTrainer(model, experiment.pairs, experiment.settings.learning_rate)
        self.losses = [(0, self.mean_loss())]
        self.axes = np.zeros((2, experiment.settings.hidden_size))
        self._stop()

    def mean_loss(self) -> float:
        """Returns the mean loss of all pairs; raises StateError if it is not finite, as after too large steps."""
        loss = self.trainer.mean_loss()
        if not math.isfinite(loss):
            step = self.trainer.step
            raise StateError(f"the weights are no longer finite after step {step}: take a lower learning rate")
        return loss

    def advance(self, step: int) -> None:
        """Trains until a step."""
        while self.trainer.step < step:
            self.trainer.advance(min(self._next_stop(), step) - self.trainer.step)
            self._stop()

    def _next_stop(self) -> int:
        done, length = self.trainer.step, len(self.experiment.pairs)
        mark = done - done % length + length * max(1, done // length // _MARKS)
        stops = [mark, self.experiment.axes, *(first for first, _ in self.experiment.rates)]
        return min(stop for stop in stops if stop > done)

    def _stop(self) -> None:
        """Does what is due after the present step."""
        step = self.trainer.step
        if step and step % len(self.experiment.pairs) == 0:
            self.losses.append((step, self.mean_loss()))
        for first, rate in self.experiment.rates:
            if first == step:
                self.trainer.learning_rate = rate
        if step == self.experiment.axes:
            self.axes = principal_directions(self.trainer.model.inputs.numpy())


class PairsTab:
    """See `server.Tab`.

    Args:
        start: starts TensorFlow, if it has not been started.
        results: folder for what is exported.
    """

    name = "pairs"

    def __init__(self, start: Callable[[], None], results: Path) -> None:
        self._start, self._results = start, results
        self._models = Recent[_Experiment, _Model](_KEPT)
        self._lock = threading.Lock()
        self.questions: Mapping[str, Question] = {
            "presets": lambda _: PRESETS,
            "rate": lambda state: {"rate": PairSettings.from_json(read_text(state, "config", CONFIG)).learning_rate},
            "draw": self.draw,
            "export": self.export,
            "write": write_pairs,
        }
        self.works: Mapping[str, Worker] = {}

    def draw(self, state: State) -> dict[str, Any]:
        """Returns what the page shows of a state.

        Args:
            state: config and data, texts; loss, one of `LOSSES`; tied and compat, "yes" or "wevi", or nothing;
                negatives; step; half, 1 if the next pair is already active; rates, [[step, rate], ...]; axes, the step
                whose principal components are the axes; active, words that a person chose.
        """
        experiment, step = read_experiment(state), read_count(state, "step", 0, 0, MOST_STEPS)
        half = bool(read_count(state, "half", 0, 0, 1))
        self._start()
        with self._lock:
            model = self._reach(experiment, step)
            return _shown(model, _active(state, model), half) | {"command": _command(state, experiment, step)}

    def export(self, state: State) -> dict[str, str]:
        """Writes the matrices of a state as a table, and returns the name of the file."""
        experiment, step = read_experiment(state), read_count(state, "step", 0, 0, MOST_STEPS)
        self._start()
        with self._lock:
            model = self._reach(experiment, step).trainer.model
            words, inputs, outputs = model.vocabulary.words, model.inputs.numpy(), model.outputs.numpy()
        names = words if len(outputs) == len(words) else [f"node {number}" for number in range(len(outputs))]
        rows = [("input", word, *map(repr, vector.tolist())) for word, vector in zip(words, inputs, strict=True)]
        rows += [("output", name, *map(repr, vector.tolist())) for name, vector in zip(names, outputs, strict=True)]
        return {"result": write_table(self._results / f"pairs_{digest(experiment)}_step_{step}.csv", rows)}

    def _reach(self, experiment: _Experiment, step: int) -> _Model:
        """Returns the model after some steps."""
        model = self._models.get(experiment)
        if model is None or model.trainer.step > step:
            model = _Model(experiment)
        model.advance(step)
        self._models.put(experiment, model)
        return model


def read_experiment(state: State) -> _Experiment:
    """Reads what is trained.

    Raises:
        StateError, CorpusError: something is missing, wrong, or too large to be drawn.
    """
    settings = PairSettings.from_json(read_text(state, "config", CONFIG))
    settings = replace(
        settings,
        tied=bool(read_choice(state, "tied", ("", "yes"), "")),
        compat=read_choice(state, "compat", ("", "wevi"), "") or None,
        loss=read_choice(state, "loss", LOSSES, "softmax"),
        negatives=read_count(state, "negatives", 5, 1, 100),
    )
    pairs = parse_pairs(read_text(state, "data", PRESETS["Fruit and juice"]))
    words = len(pair_vocabulary(pairs).words)
    for what, number, most in (
        ("words", words, MOST_WORDS),
        ("pairs", len(pairs), MOST_PAIRS),
        ("hidden units", settings.hidden_size, MOST_UNITS),
    ):
        if number > most:
            raise StateError(f"{number:,} {what} are too many to draw: at most {most}; bin/word2vec --pairs takes more")
    return _Experiment(tuple(pairs), settings, _read_rates(state), read_count(state, "axes", 0, 0, MOST_STEPS))


def _read_rates(state: State) -> tuple[tuple[int, float], ...]:
    rates = state.get("rates", [])
    if not isinstance(rates, list) or len(rates) > 100 or not all(isinstance(r, list) and len(r) == 2 for r in rates):
        raise StateError("rates have to be pairs of a step and a learning rate")
    found = {
        read_count({"step": step}, "step", 0, 0, MOST_STEPS): PairSettings(learning_rate=rate).learning_rate
        for step, rate in rates
    }
    return tuple(sorted(found.items()))


def _active(state: State, model: _Model) -> list[str]:
    """Returns the words whose neurons a person made active."""
    active = state.get("active", [])
    known = model.trainer.model.vocabulary.index
    if not isinstance(active, list) or not all(isinstance(word, str) for word in active):
        raise StateError("active has to be a list of words")
    return [word for word in dict.fromkeys(active) if word in known]


def _shown(model: _Model, active: list[str], half: bool) -> dict[str, Any]:
    from tfgraphs.word2vec.pairs.losses import HierarchicalSoftmax

    trainer, pairs = model.trainer, model.experiment.pairs
    number, loss = trainer.step % len(pairs), model.mean_loss()
    pair = pairs[number] if half else None
    vocabulary = trainer.model.vocabulary
    context = list(dict.fromkeys(pair.context)) if pair else active
    shares = np.zeros(len(vocabulary.words))
    shares[[vocabulary.index[word] for word in context]] = 1 / max(1, len(context))
    hidden, probabilities = (tensor.numpy() for tensor in trainer.model.predict(shares))
    picture = pairs_drawings.State(
        words=vocabulary.words,
        inputs=trainer.model.inputs.numpy(),
        outputs=trainer.model.outputs.numpy(),
        context=context,
        targets=list(pair.target) if pair else [],
        hidden=hidden,
        probabilities=probabilities,
        tree=trainer.model.output if isinstance(trainer.model.output, HierarchicalSoftmax) else None,
    )
    chances = sorted(zip(vocabulary.words, probabilities.tolist(), strict=True), key=lambda one: -one[1])
    return {
        "step": trainer.step,
        "pair": {"number": number + 1, "count": len(pairs), "text": _written(pairs[number]), "active": half},
        "loss": loss,
        "rate": trainer.learning_rate,
        "probabilities": chances if context else [],
        "drawings": {
            "network": pairs_drawings.network(picture),
            "inputs": pairs_drawings.heat_map(picture, "inputs"),
            "outputs": pairs_drawings.heat_map(picture, "outputs"),
            "plane": pairs_drawings.plane(picture, model.axes),
            "tree": pairs_drawings.tree(picture),
            "curve": pairs_drawings.curve([*model.losses, (trainer.step, loss)]),
        },
    }


def _written(pair: Pair) -> str:
    return f"{'^'.join(pair.context)}|{'^'.join(pair.target)}"


def _command(state: State, experiment: _Experiment, step: int) -> str:
    """Returns the command that trains the same model, for whole passes and one learning rate."""
    settings, count = experiment.settings, len(experiment.pairs)
    config = {name: getattr(settings, name) for name in ("hidden_size", "random_state", "learning_rate")}
    flags = ["--pairs=pairs.txt", f"--config={shlex.quote(json.dumps(config))}"]
    flags += [f"--passes={max(1, -(-step // count))}"]
    flags += [f"--loss={settings.loss}"] if settings.loss != "softmax" else []
    flags += [f"--negatives={settings.negatives}"] if settings.loss == "negative_sampling" else []
    flags += ["--tied"] if settings.tied else []
    flags += [f"--compat={settings.compat}"] if settings.compat else []
    data = ", ".join(map(_written, experiment.pairs))
    return f"echo {shlex.quote(data)} > pairs.txt\nbin/word2vec {' '.join(flags)}"


def write_pairs(state: State) -> dict[str, str]:
    """Writes the pairs of a text, for CBOW or skip-gram.

    Args:
        state: text, in which line breaks and full stops end sentences; window, of words on either side; architecture,
            cbow or skipgram.
    """
    window = read_count(state, "window", 1, 1, 5)
    architecture = read_choice(state, "architecture", ("cbow", "skipgram"), "skipgram")
    pairs = []
    for sentence in read_text(state, "text").replace(".", "\n").splitlines():
        words = [word.strip(",;:!?\"'()|^") for word in sentence.split()]
        words = [word for word in words if word]
        for place, word in enumerate(words):
            neighbours = words[max(0, place - window) : place] + words[place + 1 : place + 1 + window]
            if neighbours:
                sides = ("^".join(neighbours), word)
                pairs.append("|".join(sides if architecture == "cbow" else sides[::-1]))
    if not pairs:
        raise StateError("the text has no two words side by side: write a sentence")
    return {"data": ", ".join(pairs)}
