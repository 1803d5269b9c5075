"""Asks word vectors: which words are near, and what is king - man + woman?

    words near Einstein                   nearest words; several words are summed
    words calc 'king - man + woman'       any arithmetic: + - ( ) 0.5*word, quotes around words with operators
    words export DIR                      a SavedModel: string[batch] -> float32[batch, dimensions]

The answer is a table, best first. As in word2vec's own tool its second column is the cosine of the angle between the
vectors, 1 for the same direction.
"""

import sys

from absl import flags

from tfgraphs.cli import command

VECTORS = flags.DEFINE_string("vectors", "glove", "'glove' (packaged), or a file in word2vec's text format.")
TOPN = flags.DEFINE_integer("topn", 10, "How many words to show.", lower_bound=1)

ARGUMENTS = {"near": "WORD...", "calc": "EXPRESSION", "export": "DIR"}


def main(arguments: list[str]) -> None:
    action, *rest = arguments or [""]
    if action not in ARGUMENTS:
        usages = ", ".join(f"{name} {arguments}" for name, arguments in ARGUMENTS.items())
        raise command.UsageError(f"say what to do: {usages}")
    if not rest or (len(rest) > 1 and action == "export"):
        raise command.UsageError(f"usage: {action} {ARGUMENTS[action]}")
    if action == "export":
        _export(rest[0])
    else:
        _ask(action, rest)


def _ask(action: str, rest: list[str]) -> None:
    from tfgraphs import vectors

    loaded = vectors.load(VECTORS.value)
    ask = {"near": loaded.nearest, "calc": lambda words, count: loaded.query(" ".join(words), count)}[action]
    neighbours = ask(rest, TOPN.value)
    rows = [(neighbour.word, f"{neighbour.cosine:.4f}") for neighbour in neighbours]
    command.print_table(["Word", "Cosine distance"], rows)


def _export(folder: str) -> None:
    from tfgraphs import vectors
    from tfgraphs.outputs import SAVED_MODEL, check_folder

    check_folder(folder, SAVED_MODEL)
    loaded = vectors.load(VECTORS.value)
    print(f"writing {len(loaded.words):,} words to {folder}, some seconds", file=sys.stderr)
    command.import_tensorflow()
    from tfgraphs.vectors.embedding import export_embedding

    export_embedding(folder, loaded)
    print(f"{folder}: {len(loaded.words):,} words of {loaded.matrix.shape[1]} dimensions")


def run() -> None:
    command.run("words", main, __doc__, [__name__])


if __name__ == "__main__":
    run()
