"""Trains word vectors on text with the models of word2vec.

    word2vec text.txt                                          writes the folder vectors/
    words --vectors=vectors near king
    word2vec --corpus='wiki/*.xz' --tokenizer=letters --architecture=cbow --epochs=1 --output=out/wiki
    word2vec --corpus=books/ --phrases=2 --evaluate=questions-words.txt --logdir=out/logs --export_dir=out/embedding
    word2vec more.txt --from=vectors --output=more             goes on with another text
    word2vec chinese.txt --tokenizer=jieba                     simplified or traditional characters, in UTF-8
    word2vec --corpus=/shared/wiki --cluster=a:2222,b:2222 --rank=0 --resume  with worker 1 on b: docs/how-to/cluster.md
    word2vec --pairs=pairs.txt --config='{"hidden_size":5,"random_state":1,"learning_rate":0.2}'

Both architectures, skipgram and cbow, train with all five losses, negative_sampling, hierarchical_softmax, softmax,
sampled_softmax and nce, each with two matrices or one (--tied). The full softmax is slow for large vocabularies.

--corpus, or an argument that is not a flag, takes files, folders and patterns, plain or packed by gzip, bzip2, xz or
Zstandard, and - for the standard input. A line is a sentence or paragraph. The text is turned into numbers once, next
to the states of unfinished runs; the next run reuses them, unless the text comes from the standard input.

The output folder holds the vectors in word2vec's formats (vectors.bin, vectors.txt), both matrices, the vocabulary with
counts, and flags and figures of the run. Ctrl-C keeps the state of the run; --resume continues it to the same bytes.

--from starts with the vectors of an earlier training, or with any vectors that `words --vectors` reads, in their number
of dimensions. Words that have vectors there begin with them, or keep them with --freeze; new words begin as usual; the
output vectors of an earlier training are taken, too, unless it or this one is a hierarchical softmax. --min_count is
for new words only. Words that the new text lacks stay as they are. The result has all words.

Training updates many pairs of words at once. These flags give the published algorithm, word by word, which is slow:

    --window_sampling=dynamic --words_per_step=1 --damping=0 --shared_negatives=0 --deep_nodes=0
"""

import contextlib
import dataclasses
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from absl import flags

from tfgraphs.cli.shared import cluster_flags, command, common_flags, run_state, scheduler_flags
from tfgraphs.cli.shared.answers import print_evaluation
from tfgraphs.files.outputs import SAVED_MODEL, check_folder, check_writable, reserve
from tfgraphs.graphs.processor import Processor
from tfgraphs.monitor.terminal import Monitor
from tfgraphs.vectors import WordVectors
from tfgraphs.vectors.evaluate import analogies, read_analogies
from tfgraphs.vectors.files.writers import write_projector
from tfgraphs.version import __version__
from tfgraphs.word2vec import results
from tfgraphs.word2vec.pairs.pair_format import PairSettings, pair_vocabulary, read_pairs
from tfgraphs.word2vec.settings import PUBLISHED_ALGORITHM, TextSettings, TrainingSettings
from tfgraphs.word2vec.start import load_start
from tfgraphs.word2vec.text.corpus import NUMBERS, WORDS, prepare
from tfgraphs.word2vec.text.reading import STDIN, find_files
from tfgraphs.word2vec.text.vocabulary import Vocabulary

CORPUS = common_flags.define_paths(
    "corpus", [], "Text to learn from: a file, a folder, a pattern, or - for the standard input; may be repeated."
)
PAIRS = common_flags.define_path(
    "pairs", None, "Instead of a text: a file of pairs context|target, separated by commas."
)
CONFIG = flags.DEFINE_string("config", "{}", "Settings for --pairs, JSON: hidden_size, random_state, learning_rate.")
PASSES = flags.DEFINE_integer("passes", 100, "Passes over --pairs.", lower_bound=1)
COMPAT = flags.DEFINE_enum("compat", None, ["wevi"], "wevi: that demo's gradient for pairs with several targets.")
FROM = common_flags.define_path(
    "from", None, "Vectors to start from: the folder of an earlier training, or any that words --vectors takes."
)
FREEZE = flags.DEFINE_bool("freeze", False, "Whether the words of --from keep their vectors; only new ones learn.")
OUTPUT = common_flags.define_path(
    "output", "vectors", "What to write: a folder for the vectors and what belongs to them."
)
FORMATS = flags.DEFINE_list("formats", ["binary", "text"], "Formats of the vectors in it, of binary and text.")
EXPORT_DIR = common_flags.define_path(
    "export_dir", None, "Folder for a SavedModel: string[batch] to float32[batch, dim]."
)
EVALUATE = common_flags.define_path(
    "evaluate", None, "File of analogies to answer at the end, such as questions-words.txt."
)
RESTRICT_VOCAB = flags.DEFINE_integer("restrict_vocab", 30_000, "Most frequent words that --evaluate asks for.", 1)
LOGDIR = common_flags.define_path(
    "logdir", None, "Folder for TensorBoard: loss, rate, speed, nearest words, projector."
)
PROBE = flags.DEFINE_multi_string("probe", [], "A word whose neighbours TensorBoard shows; may be repeated.")
MAX_COUNTING_MEMORY = flags.DEFINE_integer(
    "max_counting_memory", 2048, "Megabytes of the table of words; a larger one forgets its rarest words.", 1
)
OPTIMIZER = common_flags.define("optimizer", "sgd", "The cost of any but sgd grows with the vocabulary.")
common_flags.define("seed", 0)
common_flags.define_settings(TextSettings, "max_counting_memory", "jieba_dictionary")
common_flags.define_path(
    "jieba_dictionary",
    None,
    "File of further words for jieba, simplified or traditional, one a line: word, count, tag.",
)
common_flags.define_settings(TrainingSettings, "optimizer", "seed", "dtype")

MERGE_BYTES = flags.DEFINE_float(
    "merge_bytes",
    None,
    "With --cluster: bytes that a worker sends for each of its words; more is more accurate. By default 20 for each "
    "other worker, at most 60.",
    1,
)

_FLAG_MODULES = (cluster_flags.__name__, scheduler_flags.__name__, run_state.__name__)
_FIGURES, _SECONDS = "figures", "seconds"  # texts of the state
_LARGE = 1 << 24  # bytes of a text, plain or packed, which takes about as long to read as TensorFlow to start
_SMALL = 20_000  # words of a text
_FOR_SMALL = {"min_count": 2, "epochs": 30, "subsample": 0.01}
_OF_MACHINE = {"corpus", "from", "jieba_dictionary", "workers", "worker"}  # may differ where workers train together
_NO_RESULT = {
    "output",
    "formats",
    "export_dir",
    "evaluate",
    "restrict_vocab",
    "logdir",
    "probe",
    *run_state.OBSERVING,
    *cluster_flags.NAMES,
    *scheduler_flags.NAMES,
}


def main(arguments: list[str]) -> None:
    flags.FLAGS["corpus"].value = [*CORPUS.value, *map(common_flags.path, arguments)]
    if bool(CORPUS.value) == bool(PAIRS.value):
        raise command.UsageError("say what to learn from: text.txt, or --pairs=pairs.txt")
    _refuse_without_effect()
    scheduler_flags.check_flags()
    membership = cluster_flags.Membership()
    if membership.rank == 0:
        _check_outputs()
    if PAIRS.value:
        _train_on_pairs()
    else:
        _train_on_text(membership)


def _train_on_text(membership: cluster_flags.Membership) -> None:
    text_settings = common_flags.read_settings(TextSettings, max_counting_memory=MAX_COUNTING_MEMORY.value << 20)
    settings = common_flags.read_settings(TrainingSettings).for_workers(membership.size)
    files = find_files(CORPUS.value)
    start = load_start(FROM.value) if FROM.value else None
    if start and flags.FLAGS["dim"].present and settings.dim != start.dimensions:
        raise command.UsageError(f"--dim={settings.dim}: {FROM.value} has {start.dimensions}: leave it out")
    folder, known = _text_folder(text_settings), start.words if start else []
    origin = {name: value for name, value in _flags().items() if name not in _NO_RESULT} | {"workers": settings.cores}
    origin |= {"version": __version__, **membership.origin}
    inputs = _inputs(files, folder, text_settings)
    membership.look_back(run_state.state_folder("word2vec", origin, inputs))
    if OPTIMIZER.value != OPTIMIZER.default:  # only Keras knows which there are
        _start_tensorflow(settings, membership)
    started = time.monotonic()
    with (
        scheduler_flags.connected() as scheduler,
        _tensorflow_beside(files, settings, membership),
        Monitor("word2vec") as monitor,
    ):
        corpus = prepare(
            CORPUS.value,
            text_settings,
            folder,
            known=known,
            processes=settings.cores,
            map_in_order=scheduler.map_in_order if scheduler else None,
            on_progress=monitor.prepare,
        )
        if corpus.bad_bytes:
            monitor.say(f"{corpus.bad_bytes:,} byte sequences of the text are not UTF-8 and were replaced")
        if corpus.pruned:
            monitor.say("the table of words outgrew --max_counting_memory: rare words were forgotten")
        if start:
            common = len(start.common(corpus.vocabulary)[0])
            missing = f"{len(start.words) - common:,} of {FROM.value} are not in the text and stay as they are"
            if FREEZE.value and common == len(corpus.vocabulary.words):
                raise command.UsageError("--freeze: all words of the text have vectors, so there is nothing to learn")
            monitor.say(f"{common:,} of {len(corpus.vocabulary.words):,} words have vectors; {missing}")
    prepared = time.monotonic()
    probes = results.Probes(corpus.vocabulary, PROBE.value) if LOGDIR.value and membership.rank == 0 else None
    state = run_state.RunState("word2vec", origin, inputs, may_begin=membership.size > 1)

    _start_tensorflow(settings, membership)
    if membership.size > 1:
        same = {name: value for name, value in origin.items() if name not in _OF_MACHINE}
        digest = hashlib.sha256("\n".join(corpus.vocabulary.words).encode()).hexdigest()
        membership.check_same({**same, "words": digest})
    from tfgraphs.word2vec.model import Word2Vec
    from tfgraphs.word2vec.train import train

    finished = json.loads(state.read(_FIGURES) or "{}")  # of a training that was finished, but not saved
    logdir = LOGDIR.value if membership.rank == 0 else None
    monitored = Monitor("word2vec", logdir=logdir, flags=_flags())
    with monitored as monitor, _timed(state), state.interruptible(), membership.stopping_together():
        model = Word2Vec(corpus.vocabulary, settings, start, FREEZE.value)
        for progress in train(
            model,
            corpus,
            group=membership.group,
            merge_bytes=MERGE_BYTES.value,
            on_graph=monitor.graph,
            **state.checkpoints,
        ):
            monitor(probes.add_to(progress, model.vectors) if probes else progress)
        membership.finish(state)
        if corpus.raw_words < _SMALL and not any(flags.FLAGS[name].present for name in _FOR_SMALL):
            advice = " ".join(f"--{name}={value}" for name, value in _FOR_SMALL.items())
            monitor.say(f"{corpus.raw_words:,} words are a small text: {advice} learns more from it")
    seconds = float(state.read(_SECONDS))
    speed = progress.figures.get("words per second", corpus.raw_words * settings.epochs / max(seconds, 1e-9))
    figures: dict[str, object] = finished or {
        "words of the text": corpus.raw_words,
        "words of the vocabulary": len(corpus.vocabulary.words),
        "sentences": corpus.sentences,
        "bytes that were not UTF-8": corpus.bad_bytes,
        "some counts are too low": corpus.pruned,
        "loss of a pair": progress.loss,
        "seconds to prepare": round(prepared - started, 1),
        "seconds to train": round(seconds, 1),
        "words per second": round(speed),
    }
    state.write(_FIGURES, json.dumps(figures))  # if they cannot be saved, --resume has them, too
    if membership.rank == 0:
        _save(*model.results(), figures)
    if STDIN in files:
        shutil.rmtree(folder, ignore_errors=True)
    state.forget()


def _inputs(files: Sequence[Path], folder: Path, settings: TextSettings) -> list[Path]:
    """Returns the files on which the result depends; of a text from a pipe, they are those in its folder."""
    inputs = [path for path in (*files, Path(settings.jieba_dictionary or STDIN)) if path != STDIN]
    inputs += [folder / name for name in (WORDS, NUMBERS) if STDIN in files]
    return inputs + ([Path(FROM.value)] if FROM.value and Path(FROM.value).exists() else [])


def _text_folder(settings: TextSettings) -> Path:
    """Returns the folder for the text as numbers, the same for the same sources and settings."""
    sources = [source if source == str(STDIN) else str(Path(source).absolute()) for source in CORPUS.value]
    text = run_state.fingerprint({"sources": sources, "from": FROM.value, **dataclasses.asdict(settings)})
    return run_state.states_folder() / f"corpus-{text}"


def _starting(settings: TrainingSettings) -> tuple[Callable[[Processor], int | None], int, bool]:
    """How TensorFlow is started, see `command.import_tensorflow`; steps of word vectors are too small for a GPU."""
    return lambda found: found.loss_threads(settings.large_losses), settings.cores, False


def _tensorflow_beside(
    files: Sequence[Path], settings: TrainingSettings, membership: cluster_flags.Membership
) -> contextlib.AbstractContextManager[None]:
    """Starts TensorFlow while a large text is read; of a small one, errors should not wait for it."""
    size = sum(path.stat().st_size for path in files if path != STDIN)
    if size <= _LARGE:
        return contextlib.nullcontext()
    return command.starting_tensorflow(*_starting(settings), membership.connect)


def _start_tensorflow(settings: TrainingSettings, membership: cluster_flags.Membership) -> None:
    """Starts TensorFlow, and raises OptimizerError if Keras has no such optimizer."""
    command.import_tensorflow(*_starting(settings), membership.connect)
    from tfgraphs.optimize.optimizers import stock_optimizer

    stock_optimizer(OPTIMIZER.value or "", settings.rates[0])


@contextlib.contextmanager
def _timed(state: run_state.RunState) -> Iterator[None]:
    """Adds the seconds of the block to those in the state, if it gets any."""
    begun = time.monotonic() - float(state.read(_SECONDS) or 0)
    try:
        yield
    finally:
        if state.folder.exists():
            state.write(_SECONDS, str(time.monotonic() - begun))


def _train_on_pairs() -> None:
    settings = PairSettings.from_json(CONFIG.value)
    training = common_flags.read_settings(TrainingSettings)
    settings = dataclasses.replace(
        settings,
        passes=PASSES.value,
        tied=training.tied,
        compat=COMPAT.value,
        loss=_loss(),
        negatives=training.negatives,
    )
    pairs = read_pairs(PAIRS.value)
    origin = {"pairs": True, **dataclasses.asdict(settings)}
    state = run_state.RunState("word2vec", origin, [Path(PAIRS.value)])

    command.import_tensorflow(gpu_gains=False)
    from tfgraphs.word2vec.pairs.model import PairModel
    from tfgraphs.word2vec.pairs.training import train_pairs

    model = PairModel(pair_vocabulary(pairs), settings)
    with Monitor("word2vec", logdir=LOGDIR.value, flags=origin) as monitor, state.interruptible():
        for progress in train_pairs(model, pairs, settings, on_graph=monitor.graph, **state.checkpoints):
            monitor(progress)
    _save(model.vocabulary, model.inputs.numpy(), model.outputs.numpy(), {"loss of a pair": progress.loss})
    state.forget()


def _save(vocabulary: Vocabulary, inputs: np.ndarray, outputs: np.ndarray, figures: dict[str, object]) -> None:
    """Write everything that was asked for, and print where it is."""
    from tfgraphs.vectors.models.embedding import export_embedding

    vectors = WordVectors(vocabulary.words, inputs.astype(np.float32))
    if EVALUATE.value:
        result = analogies(vectors, EVALUATE.value, restrict_vocab=RESTRICT_VOCAB.value)
        print_evaluation(result, min(RESTRICT_VOCAB.value, len(vectors.words)))
        figures |= {"analogies right": result.overall.correct, "analogies asked": result.overall.total}
    results.save_results(
        OUTPUT.value, vocabulary, inputs, outputs, {"flags": _flags(), "figures": figures}, FORMATS.value
    )
    print(f"{OUTPUT.value}: {len(vectors.words):,} words of {inputs.shape[1]} dimensions")
    if LOGDIR.value:
        write_projector(LOGDIR.value, vectors, vocabulary.counts.tolist())
    if EXPORT_DIR.value:
        export_embedding(EXPORT_DIR.value, vectors)
        print(f"{EXPORT_DIR.value}: the same as a SavedModel")


def _refuse_without_effect() -> None:
    """Raises UsageError if a flag is given that has no effect with the others."""
    if PAIRS.value:
        of_pairs = {"pairs", "config", "passes", "compat", "tied", "loss", "negatives"}
        of_results = {"output", "formats", "export_dir", "evaluate", "restrict_vocab", "logdir"}
        common_flags.refuse_without_effect(__name__, of_pairs | of_results, "a training on pairs")
        for module in (cluster_flags.__name__, scheduler_flags.__name__):
            common_flags.refuse_without_effect(module, (), "a training on pairs")
    value = {name: flags.FLAGS[name].value for name in _flags()} | {"loss": _loss()}
    sampled = value["loss"] in ("negative_sampling", "nce", "sampled_softmax")
    phrases = ("phrase_threshold", "phrase_discount", "phrase_scoring", "phrase_connectors")
    for names, effective, what in (
        (("config", "passes", "compat"), PAIRS.value, "a training on text"),
        (("freeze",), FROM.value, "a training without --from"),
        (("restrict_vocab",), EVALUATE.value, "a training without --evaluate"),
        (("probe",), LOGDIR.value, "a training without --logdir"),
        (("merge_bytes",), cluster_flags.CLUSTER.value, "a training without --cluster"),
        (phrases, value["phrases"], "a text without --phrases"),
        (("phrase_discount",), value["phrase_scoring"] != "npmi", "npmi"),
        (("fold_case",), value["tokenizer"] in ("unicode", "jieba"), f"the tokenizer {value['tokenizer']}"),
        (("jieba_dictionary",), value["tokenizer"] == "jieba", f"the tokenizer {value['tokenizer']}"),
        (("negatives", "noise", "noise_exponent", "shared_negatives"), sampled, value["loss"]),
        (("noise_exponent",), value["noise"] == "unigram", "log-uniform noise"),
        (("deep_nodes",), value["loss"] == "hierarchical_softmax", value["loss"]),
        (("cbow_gradient",), value["architecture"] == "cbow", "skip-gram"),
    ):
        for name in names:
            published = name in PUBLISHED_ALGORITHM and value[name] == PUBLISHED_ALGORITHM[name]  # all may be given
            if flags.FLAGS[name].present and not effective and not published:
                raise command.UsageError(f"--{name} has no effect on {what}: leave it out")


def _loss() -> str:
    """Returns the loss: of pairs by default a softmax, as they are few."""
    loss = flags.FLAGS["loss"]
    return "softmax" if PAIRS.value and not loss.present else loss.value


def _check_outputs() -> None:
    for name in FORMATS.value:
        if name not in results.FORMATS:
            raise command.UsageError(f"--formats={name}: choose from {', '.join(results.FORMATS)}")
    for folder, marker in {OUTPUT.value: results.ABOUT, EXPORT_DIR.value: SAVED_MODEL}.items():
        if folder:
            check_folder(folder, marker)
            check_writable(Path(folder) / marker)
            reserve(folder)
    if LOGDIR.value:
        check_writable(Path(LOGDIR.value) / "events")
        reserve(LOGDIR.value)
    if EVALUATE.value:
        read_analogies(Path(EVALUATE.value))


def _flags() -> dict[str, object]:
    return command.flag_values([__name__, *_FLAG_MODULES])


def run() -> None:
    command.run("word2vec", main, __doc__, [__name__, *_FLAG_MODULES])


if __name__ == "__main__":
    run()
