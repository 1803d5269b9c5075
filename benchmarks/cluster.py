"""Word vectors on several workers: speed, bytes and quality beside those of one worker.

    python benchmarks/cluster.py --corpus=wiki.txt.xz --questions=questions-words.txt --pairs=wordsim353.tsv
    ... --workers=1,2,4                  processes on this machine, each pinned to cores of its own
    ... --curve --workers=2,4,8 --merge_bytes=15,30,60,120,240      quality only, in threads of one process
    ... --simulate=cluster.png           a model of up to 64 workers and 1 to 100 Gbit/s, from measured figures

All train skip-gram with negative sampling and 100 dimensions on the 36,000 most frequent words, each worker on its part
of the text. Bytes are those that a worker sends for each of its words: in processes, what the loopback interface
carried; in threads, what an all-reduce in a ring would send.

Measured on 15.6 million words, three epochs, in November 2026; like runs differ by half a per cent and .01. One worker
on two cores has 2.9 to 3.3 million words/s, 38.8 % and .642. Two workers of a core each, as processes, have 1.98
million (medians of alternating runs), where one alone on its core has 1.58: with their higher learning rate steps need
more noise words and take half as long again, and merging takes 3 of 24 seconds, as TensorFlow's ring carries 0.2 GB/s
there. With 60 bytes a word it takes 10 seconds.

    workers   bytes a word   analogies, %   WordSim353
    2         14.6           41.0           .642
    2         19.8           41.6           .643
    2         29.5           41.0           .648
    2         60.1           42.6           .637
    4         29.0           36.1           .620
    4         59.0           38.1           .630
    4         119.8          40.4           .644
    8         57.0           26.4           .576
    8         237.5          36.8           .634

CBOW, of which one worker has 35.6 % and .598, has 34.5 % and .633 with two workers at 59.7 bytes, 33.4 % and .590 with
four at 59.0.

What was tried before, with four workers and 60 bytes unless noted otherwise (36,000 words, three epochs):

    means, learning rate x 2, 1 % of the rows in each round             33.5 %, .586 at 66 bytes and 82,000 words
    SETTLED 4, 7.5, 15, 30 at the rate of one worker, the same          29.2, 32.3, 34.5, 32.5 %
    1, 3, 6, 12, 25 % of the rows in each round, rate x 1.5             36.1, 37.4, 38.1, 37.3, 38.6 %
    rate x 1, 1.2, 1.5 with 25 %                                        33.8, 36.7, 38.6 %; x 1.75 diverges
    two workers, 20 bytes: rate x 1, 1.25, 1.5                          37.2, 40.0, 41.6 %; 2.28, 2.03, 1.98 million
        words/s
    rounds of as many steps, or more of them at the end                 36.2, 25.1 %
    means in the first 5 % of the steps                                 the same
    shares of the text read in a row, as one worker does                38.6 %; at 30 bytes 7.2 %: a worker meets one
        topic, its model diverges, and the means of all with it. One worker that reads in turns has 38.4 % instead of
        38.8, and 36.5 instead of 40.5 at 1.5 times the rate, so it does not
    all rows at once, rarely                                            33.1 %
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from word2vec import COMMAND, write_letters

from tfgraphs.cli.shared.command import print_table
from tfgraphs.vectors import load
from tfgraphs.vectors.evaluate import analogies, word_pairs

VOCABULARY = 36_000
LATENCY = 0.0005  # seconds of a message between two machines
WORKERS = (1, 2, 4, 8, 16, 32, 64)
GIGABITS = (1, 10, 25, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="text, may be packed")
    parser.add_argument("--questions", help="file of analogies")
    parser.add_argument("--pairs", help="file of word pairs with judgements")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--workers", type=numbers, default=[1, 2, 4], help="numbers of workers")
    parser.add_argument("--merge_bytes", type=numbers, default=[0], help="bytes for each word, 0 for the usual number")
    parser.add_argument("--curve", action="store_true", help="quality only, in threads of one process")
    parser.add_argument("--simulate", help="a picture of the model")
    parser.add_argument("--speed", type=float, default=1_585_000, help="for the model: words/s of a worker alone")
    parser.add_argument(
        "--group_speed", type=float, default=1_110_000, help="and of one in a group, without exchanging"
    )
    parser.add_argument(
        "--exchange", type=float, default=6.4, help="nanoseconds of exchanging a byte, besides the wire"
    )
    options = parser.parse_args()
    if options.simulate:
        simulate(Path(options.simulate), options)
        return
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text.txt"
        write_letters(options.corpus, text, 1)
        rows = []
        for count in options.workers:
            for sent in options.merge_bytes[: 1 if count == 1 else None]:
                row = (
                    train_in_threads(count, sent, text, options) if options.curve else train(count, sent, text, options)
                )
                if row:
                    rows.append((str(count), str(sent), *row))
                    print(rows[-1], file=sys.stderr, flush=True)
        print_table(["workers", "merge_bytes", "words/s", "bytes a word", "analogies %", "WordSim353"], rows)


def numbers(text: str) -> list[int]:
    return [*map(int, text.split(","))]


def train(count: int, sent: int, text: Path, options: argparse.Namespace) -> tuple[str, ...] | None:
    """Trains in processes; None if there are fewer cores than workers."""
    cores = sorted(os.sched_getaffinity(0))
    if count > len(cores):
        print(f"{count} workers: left out, there are {len(cores)} cores")
        return None
    each = len(cores) // count
    with tempfile.TemporaryDirectory(dir=text.parent) as folder:
        command = [
            *COMMAND,
            f"--corpus={text}",
            "--output=out",
            "--tokenizer=letters",
            "--formats=binary",
            "--min_count=1",
        ]
        command += [f"--epochs={options.epochs}", f"--max_vocabulary={VOCABULARY}", f"--workers={each}"]
        cluster = ",".join(f"127.0.0.1:{port}" for port in range(42300, 42300 + count))
        before, runs = loopback_bytes(), []
        for rank in range(count):
            own = [f"--cluster={cluster}", f"--rank={rank}"] if count > 1 else []
            own += [f"--merge_bytes={sent}"] if count > 1 and sent else []
            pinned = set(cores[rank * each : (rank + 1) * each])
            runs.append(
                subprocess.Popen(
                    [*command, *own, f"--checkpoint_dir=states{rank}"],
                    cwd=folder,
                    stderr=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    preexec_fn=lambda pinned=pinned: os.sched_setaffinity(0, pinned),
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                )
            )
        if any(run.wait() for run in runs):
            sys.exit("a worker failed")
        carried = loopback_bytes() - before
        figures = json.loads((Path(folder) / "out" / "training.json").read_text())["figures"]
        words = figures["words of the text"] * options.epochs / count
        scores = quality(Path(folder) / "out" / "vectors.bin", options)
    return f"{figures['words per second']:,}", f"{carried / count / words:.1f}", *scores


def loopback_bytes() -> int:
    """Returns how many bytes the loopback interface has carried."""
    return int(Path("/sys/class/net/lo/statistics/tx_bytes").read_text())


def train_in_threads(count: int, sent: int, text: Path, options: argparse.Namespace) -> tuple[str, ...]:
    """Trains in threads of this process, for the quality."""
    from tfgraphs.cluster.group import ALONE, Group
    from tfgraphs.cluster.threads import run_workers
    from tfgraphs.graphs.start import start
    from tfgraphs.vectors.files.writers import save_binary
    from tfgraphs.word2vec.model import Word2Vec
    from tfgraphs.word2vec.settings import TextSettings, TrainingSettings
    from tfgraphs.word2vec.text.corpus import prepare
    from tfgraphs.word2vec.train import train as train_words

    start(lambda found: found.loss_threads(False), 2)
    text_settings = TextSettings(tokenizer="letters", min_count=1, max_vocabulary=VOCABULARY)
    corpus = prepare([str(text)], text_settings, text.parent / "numbers")
    settings = TrainingSettings(epochs=options.epochs, workers=2).for_workers(count)

    def work(group: Group) -> tuple[Word2Vec, int]:
        model = Word2Vec(corpus.vocabulary, settings)
        for _ in train_words(model, corpus, group=group, merge_bytes=sent or None):
            pass
        return model, getattr(group, "sent", 0)

    (model, bytes_sent), *_ = run_workers(count, work) if count > 1 else [work(ALONE)]
    path = text.parent / "vectors.bin"
    save_binary(path, model.vectors())
    words = corpus.raw_words * options.epochs / count
    return "-", f"{bytes_sent / words:.1f}", *quality(path, options)


def quality(path: Path, options: argparse.Namespace) -> tuple[str, str]:
    vectors = load(str(path))
    accuracy = analogies(vectors, options.questions, restrict_vocab=30_000).overall.accuracy or 0.0
    return f"{100 * accuracy:.2f}", f"{word_pairs(vectors, options.pairs).spearman or 0.0:.4f}"


def efficiency(workers: int, gigabits: float, options: argparse.Namespace, rounds_per_word: float) -> float:
    """Returns the words/s of a worker among others, relative to those of one alone.

    Workers compute, then exchange. A word takes the time that it takes a worker with the learning rate of a group; the
    time that exchanging its bytes takes on the loopback interface; the bytes on the wire; and its share of the
    2 (workers - 1) messages of the ring in each round.
    """
    from tfgraphs.word2vec.merging import usual_bytes

    if workers == 1:
        return 1.0
    sent = options.merge_bytes[0] or usual_bytes(workers)
    exchange = sent * (options.exchange * 1e-9 + 8 / (gigabits * 1e9))
    messages = rounds_per_word * 2 * (workers - 1) * LATENCY
    return 1 / (options.speed * (1 / options.group_speed + exchange + messages))


def simulate(path: Path, options: argparse.Namespace) -> None:
    """Draws the words/s of all workers together against their number, a curve for each network."""
    import numpy as np
    from matplotlib import pyplot

    from tfgraphs.word2vec.matrix import Matrix
    from tfgraphs.word2vec.merging import bytes_of_round, usual_bytes

    matrices = [Matrix(np.zeros((VOCABULARY, 100), np.float32), "rows")] * 2
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    rows = []
    for gigabits in GIGABITS:
        rates = []
        for workers in WORKERS:
            sent = options.merge_bytes[0] or usual_bytes(workers)
            rounds = sent / bytes_of_round(matrices, workers) if workers > 1 else 0.0
            rates.append(workers * options.speed * efficiency(workers, gigabits, options, rounds) / 1e6)
        axes.plot(WORKERS, rates, marker="o", label=f"{gigabits} Gbit/s")
        rows.append((f"{gigabits} Gbit/s", *(f"{rate:.1f}" for rate in rates)))
    axes.plot(WORKERS, [workers * options.speed / 1e6 for workers in WORKERS], "k:", label="in proportion")
    axes.set(xscale="log", yscale="log", xlabel="workers", ylabel="million words/s, all together", xticks=WORKERS)
    axes.set_xticklabels(WORKERS)
    axes.legend()
    figure.savefig(path, dpi=120)
    print_table(["million words/s", *map(str, WORKERS)], rows)


if __name__ == "__main__":
    main()
