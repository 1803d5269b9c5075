"""Queries word vectors: which words are near, and what is king - man + woman?

    words king - man + woman                 any arithmetic: + - ( ) 0.5*word, quotes around words with operators
    words near Einstein                      nearest words of a word or a sum of words
    words calc 'king - man + woman'          the same as the first
    words analogy man king woman             man is to king as woman is to ?
    words similarity coffee tea              cosine of two words
    words odd breakfast lunch king dinner    the word that does not fit
    words evaluate questions-words.txt       analogies by section, or pairs of words with people's judgements
    words plot king queen man woman --output=plot.png
    words convert IN OUT                     a folder that opens at once; OUT.bin, OUT.txt, also .gz: word2vec's formats
    words project DIR                        files for TensorBoard's Embedding Projector
    words export DIR                         a SavedModel: string[batch] -> float32[batch, dimensions], and search
    words                                    a prompt; through a pipe, a question a line in, JSON a line out

--vectors takes word2vec's binary and text formats, fastText's .vec and GloVe's text, each also packed (.gz .bz2 .xz
.zst); models of fastText (.bin, .ftz), which know words outside the vocabulary, too; a folder from `words convert` or
`word2vec`; a SavedModel that maps strings to vectors, or hub:HANDLE; or glove, the packaged vectors.
A SavedModel is a program and is checked: it can compute, but not read or write files.

plot draws words of every script for which the system has a font; the extra cjk brings one for Chinese, Japanese and
Korean.

The answer is a table, best first. Its second column is the cosine similarity, 1 for the same direction.
--format=word2vec calls it "Cosine distance", as word2vec's own tool does.
"""

import difflib
import inspect
import os
import re
import sys
from collections.abc import Callable, Collection
from typing import Any

from absl import flags

from tfgraphs.cli.shared import command, common_flags
from tfgraphs.cli.shared.answers import FORMATS, print_evaluation
from tfgraphs.cli.words_questions import QUESTIONS, Question, answer, answer_piped_lines, answer_typed_lines
from tfgraphs.errors import printable
from tfgraphs.files.outputs import SAVED_MODEL, check_folder, check_writable
from tfgraphs.monitor.terminal import Monitor
from tfgraphs.vectors import WordError, WordVectors
from tfgraphs.vectors.evaluate import evaluate
from tfgraphs.vectors.files.writers import MOST_WORDS, write_projector
from tfgraphs.vectors.loading import convert, file_format, load
from tfgraphs.vectors.plots.plot import check_format, plot

VECTORS = common_flags.define_path("vectors", "glove", "'glove' (packaged), a file, a folder, or hub:HANDLE.")
LIMIT = flags.DEFINE_integer("limit", None, "Read only so many words, the most frequent.", lower_bound=1)
TOPN = flags.DEFINE_integer("topn", 10, "Number of words in an answer.", lower_bound=1)
METHOD = flags.DEFINE_enum(
    "method", "cosadd", ["cosadd", "cosmul"], "calc, analogy: cosine to the sum (3CosAdd) or product (3CosMul)."
)
RESTRICT_VOCAB = flags.DEFINE_integer(
    "restrict_vocab", None, "Only so many words, the most frequent, may be answers. evaluate: 300,000.", lower_bound=1
)
FORMAT = flags.DEFINE_enum(
    "format", "table", list(FORMATS), "Format of answers; word2vec: a table as its tool heads it."
)
OUTPUT = common_flags.define_path("output", None, "plot: the picture to write, .png, .svg or .pdf.")
ARROWS = flags.DEFINE_list("pairs", [], "plot: pairs of words to join by arrows, king:queen,man:woman.")
DTYPE = flags.DEFINE_enum(
    "dtype", "float32", ["float32", "float16", "int8"], "convert: float16 halves the size, int8 is searched fastest."
)
CASE_SENSITIVE = flags.DEFINE_bool("case_sensitive", False, "evaluate: distinguish words that differ only in case.")
OOV = flags.DEFINE_enum(
    "oov",
    None,
    ["zero", "mean", "hash", "subwords"],
    "export: vectors of unknown words. Default: subwords if there are any, else zero.",
)


def main(arguments: list[str]) -> None:
    options = {"count": TOPN.value, "method": METHOD.value, "restrict_vocab": RESTRICT_VOCAB.value}
    if not arguments:
        typed, effective = sys.stdin.isatty(), {*_SOURCE, "topn", "method", "restrict_vocab"}
        if typed or FORMAT.value == "json":
            effective.add("format")
        _check_flags("the prompt" if typed else "a pipe, which is answered in JSON", effective)
        if typed:
            answer_typed_lines(_load(), FORMAT.value, **options)
        else:
            answer_piped_lines(_load(), **options)
        return
    name, *words = arguments
    if name in COMMANDS:
        function, usage, effective = COMMANDS[name]
        try:
            inspect.signature(function).bind(*words)
        except TypeError:
            raise command.UsageError(f"usage: {name} {usage}") from None
        _check_flags(name, effective)
        function(*words)
        return
    question = Question.from_arguments(arguments)
    question.check()
    _check_flags(question.kind, _QUESTION_FLAGS[question.kind])
    if name not in QUESTIONS and re.search(r"[./\\]", name) and os.path.exists(name):
        raise command.UsageError(f"{name} is a file, not a word: --vectors={name} asks the vectors in it")
    try:
        answer(_load(), question, **options).print(FORMAT.value, "words: ", sys.stderr)
    except WordError as error:
        close = difflib.get_close_matches(name, [*QUESTIONS, *COMMANDS], n=1) if name not in QUESTIONS else []
        raise WordError(f"{error}; the command is {close[0]}" if close else str(error)) from error


def _check_flags(what: str, effective: Collection[str]) -> None:
    """Refuses flags without effect; only an export starts TensorFlow."""
    common_flags.refuse_without_effect(__name__, effective, what)
    common_flags.refuse_without_effect(command.__name__, ("device", "deterministic") if what == "export" else (), what)


def _load() -> WordVectors:
    return load(VECTORS.value, LIMIT.value)


def _evaluate(first: str, *more: str) -> None:
    restrict_vocab, vectors = RESTRICT_VOCAB.value or 300_000, _load()
    for file in (first, *more):
        result = evaluate(vectors, file, restrict_vocab=restrict_vocab, case_insensitive=not CASE_SENSITIVE.value)
        print_evaluation(result, min(restrict_vocab, len(vectors.words)), FORMAT.value)


def _plot(*words: str) -> None:
    pairs = [tuple(pair.split(":")) for pair in ARROWS.value]
    if not words and not pairs:
        raise command.UsageError("usage: plot WORD... --output=FILE")
    if not OUTPUT.value:
        raise command.UsageError("--output is missing: name the picture, --output=plot.png")
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise command.UsageError(f"--pairs={','.join(ARROWS.value)} are not pairs such as king:queen,man:woman")
    check_format(OUTPUT.value)
    check_writable(OUTPUT.value)
    plot(_load(), words, OUTPUT.value, pairs)
    print(printable(OUTPUT.value))


def _convert(source: str, target: str) -> None:
    if file_format(target):
        _check_flags(f"files such as {target}", {"limit"})
    with Monitor("words") as monitor:
        words, dimensions = convert(source, target, DTYPE.value, LIMIT.value, monitor.prepare)
    print(f"{printable(target)}: {words:,} words of {dimensions} dimensions")


def _project(folder: str) -> None:
    vectors = _load()
    count = min(LIMIT.value or MOST_WORDS, len(vectors.words))
    write_projector(folder, vectors, limit=count)
    folder = printable(folder)
    print(f"{folder}: {count:,} words; tensorboard --logdir={folder} shows them under Projector")


def _export(folder: str) -> None:
    check_folder(folder, SAVED_MODEL)
    vectors = _load()
    oov: Any = OOV.value or ("subwords" if vectors.subwords else "zero")
    if oov == "subwords" and not vectors.subwords:
        raise command.UsageError("--oov=subwords needs a fastText model with n-grams: choose zero, mean or hash")
    print(f"writing {len(vectors.words):,} words to {printable(folder)}, some seconds", file=sys.stderr)
    command.import_tensorflow(gpu_gains=False)
    from tfgraphs.vectors.models.embedding import export_embedding

    export_embedding(folder, vectors, oov)
    print(f"{printable(folder)}: {len(vectors.words):,} words of {vectors.matrix.shape[1]} dimensions")


_SOURCE = {"vectors", "limit"}
COMMANDS: dict[str, tuple[Callable[..., None], str, set[str]]] = {
    "evaluate": (_evaluate, "FILE...", {*_SOURCE, "restrict_vocab", "case_sensitive", "format"}),
    "plot": (_plot, "WORD... --output=FILE", {*_SOURCE, "output", "pairs"}),
    "convert": (_convert, "IN OUT", {"limit", "dtype"}),
    "project": (_project, "DIR", _SOURCE),
    "export": (_export, "DIR", {*_SOURCE, "oov"}),
}
"""What is not a question, what to write after it, and the flags that it obeys."""

_LISTED = {*_SOURCE, "topn", "restrict_vocab", "format"}
_QUESTION_FLAGS = {
    "near": _LISTED,
    "calc": {*_LISTED, "method"},
    "analogy": {*_LISTED, "method"},
    "similarity": {*_SOURCE, "format"},
    "odd": {*_SOURCE, "format"},
}


def run() -> None:
    sys.argv[1:] = _with_signs_apart(sys.argv[1:])
    command.run("words", main, __doc__, [__name__])


def _with_signs_apart(arguments: list[str]) -> list[str]:
    """Makes two arguments, "-" and "man", of the last one in `king -man`, which is no flag."""
    words = list[str]()
    for argument in arguments:
        after_a_word = any(not word.startswith("--") for word in words) and "--" not in words
        known = {*flags.FLAGS, "h", "help", "helpfull"}
        if after_a_word and re.match(r"-[^\W\d]", argument) and argument[1:].partition("=")[0] not in known:
            words += ["-", argument[1:]]
        else:
            words.append(argument)
    return words


if __name__ == "__main__":
    run()
