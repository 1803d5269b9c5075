"""Asks word vectors: which words are near, and what is king - man + woman?

    words near Einstein                      nearest words; several words are summed
    words calc 'king - man + woman'          any arithmetic: + - ( ) 0.5*word, quotes around words with operators
    words analogy man king woman             man is to king as woman is to ?
    words similarity coffee tea              cosine of two words
    words odd breakfast lunch king dinner    the word that does not fit
    words evaluate questions-words.txt       analogies by section, or pairs of words with people's judgements
    words plot king queen man woman --output=plot.png
    words convert IN OUT                     a folder that opens at once; OUT.bin and OUT.txt are word2vec's formats
    words project DIR                        files for TensorBoard's Embedding Projector
    words export DIR                         a SavedModel: string[batch] -> float32[batch, dimensions], and search
    words                                    asks at a prompt; through a pipe, a question a line in, JSON a line out

Vectors are found in any of these: word2vec's binary and text formats, fastText's .vec, GloVe's text, each also as .gz;
a folder from `words convert` or `word2vec`; a SavedModel that maps strings to vectors, or hub:HANDLE; glove, packaged.

The answer is a table, best first. As in word2vec's own tool its second column is the cosine of the angle between the
vectors, 1 for the same direction.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from tfgraphs.cli.shared import command
from tfgraphs.cli.words_questions import FORMATS, QUESTIONS, Options, ask, check

if TYPE_CHECKING:
    from tfgraphs.vectors import WordVectors

VECTORS = flags.DEFINE_string("vectors", "glove", "'glove' (packaged), a file, a folder, or hub:HANDLE.")
LIMIT = flags.DEFINE_integer("limit", None, "Read only so many words, the most frequent.", lower_bound=1)
TOPN = flags.DEFINE_integer("topn", 10, "How many words to show.", lower_bound=1)
METHOD = flags.DEFINE_enum(
    "method", "cosadd", ["cosadd", "cosmul"], "Cosine to the sum (3CosAdd), or product of cosines (3CosMul)."
)
RESTRICT_VOCAB = flags.DEFINE_integer(
    "restrict_vocab", None, "Only so many words, the most frequent, may be answers. evaluate: 300,000.", lower_bound=1
)
FORMAT = flags.DEFINE_enum("format", "table", list(FORMATS), "How answers are printed.")
OUTPUT = flags.DEFINE_string("output", None, "plot: the picture to write, .png, .svg or .pdf.")
ARROWS = flags.DEFINE_list("pairs", [], "plot: pairs of words to join by arrows, king:queen,man:woman.")
DTYPE = flags.DEFINE_enum(
    "dtype",
    "float32",
    ["float32", "float16", "int8"],
    "convert: float16 takes half the room, int8 is searched fastest.",
)
CASE_SENSITIVE = flags.DEFINE_bool("case_sensitive", False, "evaluate: tell words apart that differ in case only.")
OOV = flags.DEFINE_enum("oov", "zero", ["zero", "mean", "hash"], "export: what an unknown word gets.")

ARGUMENTS = {
    **QUESTIONS,
    "evaluate": "FILE...",
    "plot": "WORD... --output=FILE",
    "convert": "IN OUT",
    "project": "DIR",
    "export": "DIR",
}
_EXACTLY = {"convert": 2, "project": 1, "export": 1}


def main(arguments: list[str]) -> None:
    action, *rest = arguments or [""]
    if not action:
        _ask_on()
    elif action in QUESTIONS:
        check(action, rest)
        _ask(action, rest)
    elif action not in ARGUMENTS:
        usages = ", ".join(f"{name} {arguments}" for name, arguments in ARGUMENTS.items())
        raise command.UsageError(f"{action!r} is no question; say what to do: {usages}")
    elif len(rest) != _EXACTLY.get(action, len(rest)) or not (rest or (action == "plot" and ARROWS.value)):
        raise command.UsageError(f"usage: {action} {ARGUMENTS[action]}")
    else:
        {"evaluate": _evaluate, "plot": _plot, "convert": _convert, "project": _project, "export": _export}[action](
            rest
        )


def _load() -> "WordVectors":
    from tfgraphs import vectors

    return vectors.load(VECTORS.value, LIMIT.value)


def _options() -> Options:
    return Options(TOPN.value, METHOD.value, RESTRICT_VOCAB.value)


def _ask(action: str, words: list[str]) -> None:
    answer = ask(_load(), action, words, _options())
    for word, spelling in answer.read_as.items():
        print(f"words: {word} is read as {spelling}", file=sys.stderr)
    answer.show(FORMAT.value)


def _ask_on() -> None:
    from tfgraphs.cli import words_prompt

    if not sys.stdin.isatty():
        words_prompt.answer_lines(_load(), _options())
    else:
        words_prompt.prompt(_load(), _options(), Path.home() / ".local" / "state" / "tfgraphs" / "words_history")


def _evaluate(files: list[str]) -> None:
    from tfgraphs.cli.shared import evaluations
    from tfgraphs.vectors.evaluate import evaluate

    known, loaded = RESTRICT_VOCAB.value or 300_000, _load()
    for file in files:
        result = evaluate(loaded, file, restrict_vocab=known, case_insensitive=not CASE_SENSITIVE.value)
        evaluations.show(result, min(known, len(loaded.words)), FORMAT.value)


def _plot(words: list[str]) -> None:
    from tfgraphs.files.outputs import check_writable
    from tfgraphs.vectors.plots.plot import check_format, plot

    if not OUTPUT.value:
        raise command.UsageError("say where the picture goes: --output=plot.png")
    check_format(OUTPUT.value)
    check_writable(OUTPUT.value)
    pairs = [tuple(pair.split(":")) for pair in ARROWS.value]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise command.UsageError("--pairs joins words by colons and pairs by commas: king:queen,man:woman")
    plot(_load(), words, OUTPUT.value, pairs)
    print(OUTPUT.value)


def _convert(places: list[str]) -> None:
    from tfgraphs.monitor.terminal import Monitor
    from tfgraphs.vectors.converting import convert

    source, target = places
    with Monitor("words") as monitor:
        words, dimensions = convert(source, target, DTYPE.value, LIMIT.value, monitor.prepare)
    print(f"{target}: {words:,} words of {dimensions} dimensions")


def _project(rest: list[str]) -> None:
    from tfgraphs.vectors.files.projector import SHOWN, write_projector

    loaded = _load()
    shown = min(LIMIT.value or SHOWN, len(loaded.words))
    write_projector(rest[0], loaded, limit=shown)
    print(f"{rest[0]}: {shown:,} words; tensorboard --logdir={rest[0]} shows them under Projector")


def _export(rest: list[str]) -> None:
    from tfgraphs.files.outputs import SAVED_MODEL, check_folder

    check_folder(rest[0], SAVED_MODEL)
    loaded = _load()
    print(f"writing {len(loaded.words):,} words to {rest[0]}, some seconds", file=sys.stderr)
    command.import_tensorflow()
    from tfgraphs.vectors.models.embedding import export_embedding

    export_embedding(rest[0], loaded, OOV.value)
    print(f"{rest[0]}: {len(loaded.words):,} words of {loaded.matrix.shape[1]} dimensions")


def run() -> None:
    command.run("words", main, __doc__, [__name__])


if __name__ == "__main__":
    run()
