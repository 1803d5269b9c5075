"""Trains word vectors on a text: skip-gram with negative sampling.

    word2vec --corpus=text.txt --output=vectors.txt
    words --vectors=vectors.txt near king

The text is UTF-8; a line is a sentence or paragraph, a word is a run of letters, in lower case. The vectors are
written in word2vec's text format.
"""

from pathlib import Path

from absl import flags

from tfgraphs.cli import command

CORPUS = flags.DEFINE_string("corpus", None, "Text file to learn from.")
OUTPUT = flags.DEFINE_string("output", "vectors.txt", "File for the vectors.")
DIM = flags.DEFINE_integer("dim", 100, "Length of a vector.", lower_bound=1)
WINDOW = flags.DEFINE_integer("window", 5, "Words on either side that count as neighbours.", lower_bound=1)
NEGATIVES = flags.DEFINE_integer("negatives", 5, "Noise words for each pair.", lower_bound=1)
SUBSAMPLE = flags.DEFINE_float("subsample", 1e-3, "Share of the text above which a word is thinned out.", lower_bound=0)
MIN_COUNT = flags.DEFINE_integer("min_count", 5, "Rarer words are left out.", lower_bound=1)
EPOCHS = flags.DEFINE_integer("epochs", 5, "How often the text is read.", lower_bound=1)
LEARNING_RATE = flags.DEFINE_float("learning_rate", 0.025, "At the start; it falls linearly.", lower_bound=0)
SEED = flags.DEFINE_integer("seed", 0, "Of all that is random.", 0, 2**31 - 1)
LOGDIR = flags.DEFINE_string("logdir", None, "Folder for TensorBoard: loss, flags, graph.")


def main(arguments: list[str]) -> None:
    command.no_arguments(arguments)
    if not CORPUS.value:
        raise command.UsageError("say which text to learn from: --corpus=text.txt")
    from tfgraphs.outputs import check_writable
    from tfgraphs.word2vec.corpus import encode, sentences
    from tfgraphs.word2vec.vocabulary import count_words

    check_writable(OUTPUT.value)
    path = Path(CORPUS.value)
    vocabulary = count_words(sentences(path), MIN_COUNT.value)
    tokens, numbers = encode(sentences(path), vocabulary)

    command.import_tensorflow()
    from tfgraphs.monitor import Monitor
    from tfgraphs.vectors.formats import save_text
    from tfgraphs.word2vec.train import TrainingSettings, Word2Vec

    settings = TrainingSettings(
        dim=DIM.value,
        window=WINDOW.value,
        negatives=NEGATIVES.value,
        subsample=SUBSAMPLE.value,
        epochs=EPOCHS.value,
        learning_rate=LEARNING_RATE.value,
        seed=SEED.value,
    )
    model = Word2Vec(vocabulary, settings)
    with Monitor("word2vec", logdir=LOGDIR.value, flags=command.flag_values([__name__])) as monitor:
        for progress in model.train(tokens, numbers, on_graph=monitor.graph):
            monitor(progress)
    save_text(OUTPUT.value, model.vectors())
    print(f"{OUTPUT.value}: {len(vocabulary.words):,} words of {DIM.value} dimensions, learnt from {len(tokens):,}")


def run() -> None:
    command.run("word2vec", main, __doc__, [__name__])


if __name__ == "__main__":
    run()
