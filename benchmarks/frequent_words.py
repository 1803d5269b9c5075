"""What the exponent of noise words and subsampling do to skip-gram vectors: the tables of docs/lecture/words.md.

    .venv/bin/python benchmarks/frequent_words.py --corpus=wiki-15m.txt.xz --questions=questions-words.txt \
        --pairs=wordsim353.tsv

Each row is a training of its own from the same seed: skip-gram with negative sampling, the default settings but for
those of the row. Analogies are those of the 30,000 most frequent words. The last column is the part of the text that
subsampling leaves.

November 2026, 6.7 million words of an encyclopedia, two epochs, analogies in per cent and WordSim353:

    noise_exponent       0   9.1 .398     1/2  16.6 .484     3/4  17.5 .507     1     16.3 .495
    subsample            0  16.0 .490     1e-3 17.5 .507     1e-4 15.8 .490     1e-5   2.5 .336
    text that is left         100 %             77 %              58 %               34 %
"""

import argparse
import itertools
import tempfile
from pathlib import Path

from tfgraphs.graphs.start import start
from tfgraphs.vectors.evaluate import analogies, word_pairs
from tfgraphs.word2vec.settings import TextSettings, TrainingSettings
from tfgraphs.word2vec.text.corpus import EncodedCorpus, prepare
from tfgraphs.word2vec.text.reading import read_blocks

RESTRICTED = 30_000
ROWS: list[dict[str, float]] = [
    *({"noise_exponent": exponent} for exponent in (0, 0.5, 0.75, 1)),
    *({"subsample": threshold} for threshold in (0, 1e-3, 1e-4, 1e-5)),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True, help="text, may be packed")
    parser.add_argument("--megabytes", type=int, default=24, help="how much of it is used")
    parser.add_argument("--questions", required=True, help="analogies, such as questions-words.txt")
    parser.add_argument("--pairs", required=True, help="human judgements, such as wordsim353.tsv")
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    start()
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text.txt"
        blocks = read_blocks([Path(options.corpus)], size=1 << 20)
        text.write_bytes(b"".join(itertools.islice(blocks, options.megabytes)))
        corpus = prepare([str(text)], TextSettings(tokenizer="letters"), Path(folder) / "numbers")
        print(f"{corpus.raw_words:,} words, {len(corpus.vocabulary.words):,} different ones")
        print("setting                 analogies  WordSim353  left")
        for row in ROWS:
            measure(corpus, row, options)


def measure(corpus: EncodedCorpus, row: dict[str, float], options: argparse.Namespace) -> None:
    """Train with some settings, and print a line about the vectors."""
    from tfgraphs.word2vec.blocks import keep_probabilities
    from tfgraphs.word2vec.model import Word2Vec
    from tfgraphs.word2vec.train import train

    settings = TrainingSettings(epochs=options.epochs, **row)  # type: ignore[arg-type]
    model = Word2Vec(corpus.vocabulary, settings)
    for _ in train(model, corpus):
        pass
    vectors = model.vectors()
    accuracy = analogies(vectors, options.questions, restrict_vocab=RESTRICTED).overall.accuracy or 0.0
    judged = word_pairs(vectors, options.pairs).spearman or 0.0
    counts = corpus.vocabulary.counts
    kept = float(counts @ keep_probabilities(counts, settings.subsample) / counts.sum())
    (name, value), *_ = row.items()
    print(f"{name}={value:<8g} {accuracy:9.1%}  {judged:10.3f}  {kept:4.0%}")


if __name__ == "__main__":
    main()
