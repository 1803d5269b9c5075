"""Trains word vectors on text with the models of word2vec.

    word2vec --corpus=text.txt                                 writes the folder vectors/
    words --vectors=vectors near king
    word2vec --corpus='wiki/*.xz' --tokenizer=letters --architecture=cbow --epochs=1 --output=out/wiki
    word2vec --corpus=books/ --phrases=2 --evaluate=questions-words.txt --logdir=out/logs --export_dir=out/embedding
    word2vec --pairs=pairs.txt --config='{"hidden_size":5,"random_state":1,"learning_rate":0.2}'

Both architectures, skipgram and cbow, train with all five losses, negative_sampling, hierarchical_softmax, softmax,
sampled_softmax and nce, each with two matrices or one (--tied). The full softmax is slow for large vocabularies.

--corpus takes files, folders and patterns, plain or packed as .gz, .bz2, .xz or .zst. A line is a sentence or
paragraph. The text is turned into numbers once, next to the states of unfinished runs; the next run reuses them.

The output folder holds the vectors in word2vec's formats (vectors.bin, vectors.txt), both matrices, the vocabulary with
counts, and flags and figures of the run. Ctrl-C keeps the state of the run; --resume continues it to the same bytes.

Training updates many pairs of words at once. These flags give the published algorithm, word by word, which is slow:

    --window_sampling=dynamic --words_per_step=1 --damping=0 --shared_negatives=0 --deep_nodes=0
"""

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from absl import flags

from tfgraphs.cli.shared import command, common_flags, run_state
from tfgraphs.word2vec.settings import (
    ARCHITECTURES,
    CBOW_GRADIENTS,
    LOSSES,
    NOISES,
    WINDOW_SAMPLINGS,
    TrainingSettings,
)
from tfgraphs.word2vec.text.corpus import WORDS, prepare
from tfgraphs.word2vec.text.reading import find_files
from tfgraphs.word2vec.text.settings import SCORINGS, TOKENIZERS, TextSettings
from tfgraphs.word2vec.text.vocabulary import Vocabulary

Settings = TypeVar("Settings", TextSettings, TrainingSettings)

if TYPE_CHECKING:
    import numpy as np

    from tfgraphs.vectors import WordVectors

CORPUS = flags.DEFINE_multi_string("corpus", [], "Text to learn from: a file, a folder or a pattern; may be repeated.")
PAIRS = flags.DEFINE_string("pairs", None, "Instead of a text: a file of pairs context|target, separated by commas.")
CONFIG = flags.DEFINE_string("config", "{}", "Settings for --pairs, JSON: hidden_size, random_state, learning_rate.")
PASSES = flags.DEFINE_integer("passes", 100, "Passes over --pairs.", lower_bound=1)
COMPAT = flags.DEFINE_enum("compat", None, ["wevi"], "wevi: that demo's gradient for pairs with several targets.")
OUTPUT = common_flags.output("vectors", "a folder for the vectors and what belongs to them.")
FORMATS = flags.DEFINE_list("formats", ["binary", "text"], "Formats of the vectors in it, of binary and text.")
EXPORT_DIR = flags.DEFINE_string("export_dir", None, "Folder for a SavedModel: string[batch] to float32[batch, dim].")
EVALUATE = flags.DEFINE_string("evaluate", None, "File of analogies to answer at the end, such as questions-words.txt.")
RESTRICT_VOCAB = flags.DEFINE_integer("restrict_vocab", 30_000, "Most frequent words that --evaluate asks for.", 1)

TOKENIZER = flags.DEFINE_enum(
    "tokenizer",
    "unicode",
    list(TOKENIZERS),
    "letters: a-z in lower case, as in text8; whitespace: strings between spaces; unicode: words of any script; jieba: "
    "Chinese words.",
)
FOLD_CASE = flags.DEFINE_bool("fold_case", True, "Whether unicode and jieba turn words into lower case.")
MIN_COUNT = flags.DEFINE_integer("min_count", 5, "Rarer words are left out.", lower_bound=1)
MAX_VOCABULARY = flags.DEFINE_integer("max_vocabulary", None, "Number of most frequent words to keep.", lower_bound=2)
PHRASES = flags.DEFINE_integer("phrases", 0, "Passes that join pairs of words, to new_york, new_york_times.", 0, 10)
PHRASE_THRESHOLD = flags.DEFINE_float(
    "phrase_threshold", None, "Pairs with a higher score are joined. Default: 100, for npmi 0.5."
)
PHRASE_DISCOUNT = flags.DEFINE_float("phrase_discount", 5, "Subtracted from a pair's count, against rare words.", 0)
PHRASE_SCORING = flags.DEFINE_enum("phrase_scoring", "word2phrase", list(SCORINGS), "How pairs are scored.")
MAX_COUNTING_MEMORY = flags.DEFINE_integer(
    "max_counting_memory", 2048, "Megabytes of the table of words; a larger one forgets rare words.", 1
)

ARCHITECTURE = flags.DEFINE_enum(
    "architecture",
    "skipgram",
    list(ARCHITECTURES),
    "skipgram: a word predicts its neighbours; cbow: their mean predicts the word.",
)
LOSS = flags.DEFINE_enum("loss", "negative_sampling", list(LOSSES), "The loss of a prediction.")
TIED = flags.DEFINE_bool("tied", False, "One matrix for inputs and outputs instead of two.")
DIM = flags.DEFINE_integer("dim", 100, "Length of a vector.", lower_bound=1)
WINDOW = flags.DEFINE_integer("window", 5, "Words on either side that count as neighbours.", lower_bound=1)
NEGATIVES = flags.DEFINE_integer("negatives", 5, "Noise words for each pair.", lower_bound=1)
NOISE = flags.DEFINE_enum("noise", "unigram", list(NOISES), "Distribution of the noise words.")
NOISE_EXPONENT = flags.DEFINE_float("noise_exponent", 0.75, "unigram draws in proportion to count to this power.")
SUBSAMPLE = flags.DEFINE_float("subsample", 1e-3, "Words that are a larger share of the text are dropped at random.", 0)
CBOW_GRADIENT = flags.DEFINE_enum(
    "cbow_gradient", "sum", list(CBOW_GRADIENTS), "sum: each neighbour moves as if it were alone; mean: exact."
)
EPOCHS = flags.DEFINE_integer("epochs", 5, "Passes over the text.", lower_bound=1)
LEARNING_RATE = flags.DEFINE_float("learning_rate", None, "At the start. Default: 0.0375, for cbow 0.045 or 0.06.", 0)
MIN_LEARNING_RATE = flags.DEFINE_float(
    "min_learning_rate", None, "At the end. Default: a tenth of --learning_rate, in one epoch of cbow three tenths.", 0
)
OPTIMIZER = common_flags.optimizer("sgd", "The cost of any but sgd grows with the vocabulary.")
SEED = common_flags.seed()
WINDOW_SAMPLING = flags.DEFINE_enum(
    "window_sampling",
    None,
    list(WINDOW_SAMPLINGS),
    "expected: near neighbours count more; dynamic: the reach of each window is drawn; full: all count the same. "
    "Default: expected for skipgram, dynamic for cbow.",
)
WORDS_PER_STEP = flags.DEFINE_integer(
    "words_per_step", None, "Words whose pairs are updated at once. Default: 2048, or fewer for small texts.", 1
)
DAMPING = flags.DEFINE_float(
    "damping", 1.0, "How much the gradients of words in very many pairs of a step are reduced; 0: not at all.", 0
)
SHARED_NEGATIVES = flags.DEFINE_integer(
    "shared_negatives",
    None,
    "Noise words that neighbouring words share; 0: none. Default: 48, or what is needed.",
    0,
)
DEEP_NODES = flags.DEFINE_integer(
    "deep_nodes", 6, "Nodes of a word in hierarchical_softmax, beside the 64 next to the root, on average; 0: all.", 0
)
LOGDIR = common_flags.logdir("loss, rate, speed, nearest words, projector")
PROBE = flags.DEFINE_multi_string("probe", [], "A word whose neighbours TensorBoard shows; may be repeated.")

_NO_RESULT = {"output", "formats", "export_dir", "evaluate", "restrict_vocab", "logdir", "probe", *run_state.OBSERVING}


def main(arguments: list[str]) -> None:
    command.no_arguments(arguments)
    if bool(CORPUS.value) == bool(PAIRS.value):
        raise command.UsageError("say what to learn from: --corpus=text.txt, or --pairs=pairs.txt")
    _check_outputs()
    if PAIRS.value:
        from tfgraphs.cli.word2vec_pairs import train_on_pairs

        train_on_pairs(PAIRS.value, CONFIG.value, PASSES.value, TIED.value, COMPAT.value, LOGDIR.value, _save)
    else:
        _train_on_text()


def _train_on_text() -> None:
    text_settings = _settings(TextSettings, max_counting_memory=MAX_COUNTING_MEMORY.value << 20)
    settings = _settings(TrainingSettings)
    find_files(CORPUS.value)

    command.import_tensorflow(threads=lambda found: found.loss_threads)
    from tfgraphs.monitor.terminal import Monitor
    from tfgraphs.optimize.optimizers import stock_optimizer
    from tfgraphs.word2vec.model import Word2Vec
    from tfgraphs.word2vec.probes import Probes
    from tfgraphs.word2vec.train import train

    stock_optimizer(OPTIMIZER.value or "", settings.rates[0])  # before the text is read
    started = time.monotonic()
    with Monitor("word2vec", logdir=LOGDIR.value, flags=_flags()) as monitor:
        folder = _corpus_folder(text_settings)
        corpus = prepare(CORPUS.value, text_settings, folder, on_progress=monitor.prepare)
        if corpus.bad_bytes:
            monitor.say(f"{corpus.bad_bytes:,} byte sequences of the text are not UTF-8 and were replaced")
        if corpus.pruned:
            monitor.say("the table of words outgrew --max_counting_memory: rare words were forgotten")
        prepared = time.monotonic()
        state = run_state.RunState("word2vec", _origin(), [folder / WORDS])
        model = Word2Vec(corpus.vocabulary, settings)
        probes = Probes(model.vocabulary, PROBE.value) if LOGDIR.value else None
        with state.interruptible():
            for progress in train(model, corpus, on_graph=monitor.graph, **state.checkpoints):
                monitor(probes.add_to(progress, model.inputs) if probes else progress)
    seconds = time.monotonic() - prepared
    figures: dict[str, object] = {
        "words of the text": corpus.raw_words,
        "words of the vocabulary": len(corpus.vocabulary.words),
        "sentences": corpus.sentences,
        "bytes that were not UTF-8": corpus.bad_bytes,
        "some counts are too low": corpus.pruned,
        "loss of a pair": progress.loss,
        "seconds to prepare": round(prepared - started, 1),
        "seconds to train": round(seconds, 1),
        "words per second": round(
            progress.figures.get("words per second", corpus.raw_words * settings.epochs / seconds)
        ),
    }
    _save(corpus.vocabulary, model.inputs.numpy(), model.outputs.numpy(), figures)
    state.forget()


def _save(vocabulary: Vocabulary, inputs: "np.ndarray", outputs: "np.ndarray", figures: dict[str, object]) -> None:
    """Write everything that was asked for, and print where it is."""
    from tfgraphs.vectors import WordVectors
    from tfgraphs.word2vec.results import save_results

    vectors = WordVectors(vocabulary.words, inputs.astype("float32"))
    if EVALUATE.value:
        figures = {**figures, **_evaluate(vectors)}
    save_results(OUTPUT.value, vocabulary, inputs, outputs, {"flags": _flags(), "figures": figures}, FORMATS.value)
    print(f"{OUTPUT.value}: {len(vectors.words):,} words of {inputs.shape[1]} dimensions")
    if LOGDIR.value:
        from tfgraphs.vectors.files.projector import write_projector

        write_projector(LOGDIR.value, vectors, vocabulary.counts.tolist())
    if EXPORT_DIR.value:
        from tfgraphs.vectors.models.embedding import export_embedding

        export_embedding(EXPORT_DIR.value, vectors)
        print(f"{EXPORT_DIR.value}: the same as a SavedModel")


def _evaluate(vectors: "WordVectors") -> dict[str, object]:
    """Answer analogies, print and return how many are right."""
    from tfgraphs.cli.shared import evaluations
    from tfgraphs.vectors.evaluate import analogies

    result = analogies(vectors, EVALUATE.value, restrict_vocab=RESTRICT_VOCAB.value)
    evaluations.print_evaluation(result, min(RESTRICT_VOCAB.value, len(vectors.words)))
    return {"analogies right": result.overall.correct, "analogies asked": result.overall.total}


def _corpus_folder(settings: TextSettings) -> Path:
    origin = {"sources": [str(Path(source).absolute()) for source in CORPUS.value], **dataclasses.asdict(settings)}
    return run_state.states_folder() / f"corpus-{run_state.fingerprint(origin, [])}"


def _check_outputs() -> None:
    """Check before a long run that its results can be written."""
    from tfgraphs.files.outputs import SAVED_MODEL, check_folder, check_writable
    from tfgraphs.vectors.evaluate import read_analogies
    from tfgraphs.word2vec.results import ABOUT
    from tfgraphs.word2vec.results import FORMATS as known

    for name in FORMATS.value:
        if name not in known:
            raise command.UsageError(f"--formats={name}: choose from {', '.join(known)}")
    for folder, marker in {OUTPUT.value: ABOUT, EXPORT_DIR.value: SAVED_MODEL}.items():
        if folder:
            check_folder(folder, marker)
            check_writable(Path(folder).parent / "file")
    if LOGDIR.value:
        check_writable(Path(LOGDIR.value) / "file")
    if EVALUATE.value:
        read_analogies(Path(EVALUATE.value))


def _settings(kind: type[Settings], **others: object) -> Settings:
    """Make settings from the flags of the same names, and others."""
    values: dict[str, Any] = command.flag_values([__name__])
    values["phrase_threshold"] = _phrase_threshold()
    names = [field.name for field in dataclasses.fields(kind)]
    return kind(**{name: value for name, value in {**values, **others}.items() if name in names})


def _phrase_threshold() -> float:
    default = 0.5 if PHRASE_SCORING.value == "npmi" else 100.0
    return default if PHRASE_THRESHOLD.value is None else PHRASE_THRESHOLD.value


def _flags() -> dict[str, object]:
    return command.flag_values([__name__, run_state.__name__])


def _origin() -> dict[str, object]:
    from tfgraphs.version import __version__

    values = {name: value for name, value in _flags().items() if name not in _NO_RESULT}
    return {"version": __version__, **values}


def run() -> None:
    command.run("word2vec", main, __doc__, [__name__, run_state.__name__])


if __name__ == "__main__":
    run()
