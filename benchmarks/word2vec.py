"""Word vectors: speed, memory and quality beside gensim's, on the same text, both sides in one run, in turns.

    python benchmarks/word2vec.py --corpus=wiki.txt.xz --questions=questions-words.txt --pairs=wordsim353.tsv
    ... --cores=1,2,4,8,16                    each side on so many cores, with as many workers
    ... --cores=2 --workers=16                more workers than cores: how many threads would find work on more cores

It needs the extra `bench`. `free` is tfgraphs with `--free`. The text goes through the `letters` tokenizer first, and
both sides read the result. Words per second are those of training, of the raw text: gensim has counted its vocabulary
before, tfgraphs has numbered the text and compiled its graph, which takes three to five seconds; fastText counts while
it trains. fastText has no n-grams here, so it trains the same model, with its own rate of 0.05. The time is that from
the text file to the saved binary vectors and includes all of this and the start of Python. Memory is the largest sum
over the processes of a side. Both sides have 100 dimensions, a window of 5, 5 negatives, subsampling at 1e-3, a minimum
count of 5, and learning rates of their own: gensim 0.025, for CBOW with negative sampling its recommended 0.05,
tfgraphs its defaults.

Measured on two idle cores with AVX-512 in November 2026, 15.6 million words, one epoch, one run each. The last two
lines are of another day, on which gensim had 0.47 and 1.27 million words/s; before they had ratios of 0.68 and 0.35:

               words/s, ratio   time in all, ratio   analogies, %            WordSim353
               default   free   default   free       default, free, gensim   default, free, gensim
    sg-ns      5.3       5.4    0.42      0.42       22.9   22.7   14.8      .535   .526   .456
    cbow-ns    1.44      1.62   1.22      1.15       19.7   19.4   18.3      .523   .512   .496
    sg-hs      1.09      1.13   1.03      0.99       23.6   22.4   17.1      .574   .573   .536
    cbow-hs    0.44      0.60   2.06      1.65       13.9   15.3   13.7      .488   .508   .477

Five epochs on the same machine, one run, words/s 0.427 and 1.625 million in gensim:

               words/s, ratio             time in all, ratio         analogies, %            WordSim353
               default   free  fastText   default   free  fastText   default, free, gensim   default, free, gensim
    sg-ns      5.5       5.7   0.46       0.25      0.23  2.1        43.6   43.2   39.0      .652   .640   .628
    cbow-ns    2.0       1.8   0.61       0.64      0.67  1.5        39.4   40.3   38.1      .594   .600   .576

With 16 workers on two cores 14.2 threads run or wait for a core in free training, 14.6 in CBOW, and 10.4 and 9.8 in the
default, whose column blocks cost half of its speed there, 0.86 million words/s; free training has 1.1 to 2.0. If all of
these threads had cores as fast as those two, 16 of them would train at 4.5 million words/s by default and at 8 to 14
freely, where gensim, if it scaled without any loss, would at 3.4. That is a model, not a measurement.

In another run, beside other work, fastText had 0.76 of gensim's words/s in sg-hs, 22.5 % and .543, and 1.12 in cbow-hs,
12.5 % and .481. koan has no package of its own.

What brought hierarchical softmax there, words/s on 4 million words:
- Threads of its own for each part's program, which is large; with one thread all parts wait for it: 500,000 to 560,000
  for skip-gram, none for CBOW on two cores. Negative sampling, whose programs are small, loses a fifth to a half.
- CBOW's deep nodes with their own word only, rather than with all eight of a chunk: 680,000 to 800,000, the same bytes.
- Look-ups compiled too, parts of a quarter of the places, XLA's other schedulers: no difference.

Many cores, skip-gram with negative sampling and 8 workers on two cores, millions of words for a second of a core:
matrices in one block 0.75, in two 0.64, in four 0.50, with the same bytes. Updates are a quarter of a step's work and
keep only two cores busy without blocks. By a model of these figures two blocks gain from 8 cores on, four from 16; no
machine with as many was there to measure it.

Before, on two cores of a shared machine without AVX-512, 15.6 million words, each pair of runs one after the other,
ratios of medians; gensim's own accuracy differs by half a per cent from run to run, as its threads race:

                 words/s      time in all   analogies, %             WordSim353
    epochs       1     5      1     5       1           5            1           5
    sg-ns        2.2   2.2    0.64  0.49    22.2 : 14.8  44.8 : 38.7  .534 : .465  .638 : .630
    cbow-ns      0.74  0.9    1.2   1.23    18.8 : 17.8  39.1 : 38.1  .526 : .495  .595 : .576
    sg-hs        0.69  0.67   1.31  1.47    23.6 : 17.7  36.3 : 35.2  .574 : .527  .609 : .595
    cbow-hs      0.26  -      2.6   -       13.9 : 13.4  -            .488 : .480  -

The machine had other work during most of these. The two pairs of skip-gram with negative sampling, one epoch, had 1.6
and 2.7, and 3.0 on an idle machine with the noise words in larger groups. All figures of one epoch but the first
include the start of the graph in the words/s. CBOW had 1.0 in another pair of five epochs (38.5 : 39.4 %, with a rate
that fell to three tenths). Memory is 0.53 to 0.62 GB; CBOW with four times the text and the same vocabulary
(`--repeat=4`) takes 0.58 instead of 0.54.

Two halves of a text against the whole (`--halves --megabytes=24 --epochs 3`, 4.3 million words, skip-gram with negative
sampling):

                                      words   analogies          WordSim353
    the whole text                    37,443  14.1 % of 12,678   .473
    the first half                    23,987  7.3 % of 10,410    .405
    the second half                   24,712  8.6 % of 10,991    .366
    the second half from the first    32,480  11.7 % of 12,245   .466
    the same from its vectors.bin     32,480  11.8 % of 12,120   .448
    the second half, the first frozen 32,480  6.3 % of 12,245    .403

With a rate that starts at 0.025 instead of 0.0375 the second half from the first has 12.0 %. If words that the first
half knows have to occur as often in the second half as new ones, 11.8 % of 11,905.

Experiments, in words/s of skip-gram with negative sampling and 2,048 centres a step, unless noted otherwise:

    everything as one XLA program, a `while_loop` of steps              356,000; little more than one core is used
    the same with the step cut into halves inside the program           311,000
    look-ups and updates by TensorFlow, the loss as two XLA programs    602,000
    the same, one thread within an operation                            750,000; the command does this
    updates compiled too, one program for each matrix                   +5 to 10 %
    four programs instead of two                                        the same
    4,096 centres a step                                                +4 %, less accurate
    16 shared noise words instead of 32, in groups half as large        +7 %, 14.4 against 15.8 %
    64 noise words, CBOW                                                -15 %, 20.0 against 18.2 %
    48 noise words in groups twice as large, CBOW                       +8 %, 18.8 against 18.2 %; CBOW does this
    the same in skip-gram                                               22.1 %, but five epochs diverge: `NOISE_PULL`
    rows of noise words damped instead                                  nothing diverges, 13.7 against 22.1 %
    softplus with one exponential for value and gradient, sums as
        products with ones                                              +7 %; alone they take half the time
    XLA's oneDNN, XNNPACK, YNNPACK and 512-bit switches                 no difference
    sums of products instead of the banded matrix product               forward alone takes four times as long
    damping of rows written as a weighted sum with stop_gradient        -8 %; a custom gradient costs nothing
    memory that malloc keeps (MALLOC_TRIM_THRESHOLD_)              +10 % in some runs, none in others
    windows drawn instead of expected, CBOW                             17.7 against 14.5 %; skip-gram: no difference
    learning rate 0.0375 falling to a tenth instead of 0.025 to 0       20.3 against 15.8 %

With two workers, gensim's rate only falls to half of its start in one epoch, as each counts its own words only; the
rates of tfgraphs make up for that.

On two cores without AVX-512 hierarchical softmax was as accurate as gensim's and slower. A word has 12.6 nodes on its
path, of which 6.4 are not among the 64 next to the root, which are one product of matrices. A step of 2,048 centres
takes 14 ms in skip-gram and 11 ms in CBOW; two cores would have to do it in 5.5 and 2.7 ms. Looking up, joining and
writing back 6 rows a centre alone takes 2 ms; the rest is 79 MFLOP for the shared nodes and about 200 for the deep
ones, in products of 48 x 18 rows at 25 GFLOP/s. Experiments, in ms a step of skip-gram and CBOW:

    deep nodes of 32 centres together, 42 hidden vectors for each node  28, 13; 10 of the 42 products are pairs
    of 8 centres, room for 6 nodes a centre, of more some are drawn     14, 11; 23.6 against 24.4 %, 13.9 against 15.3 %
    of 16 centres                                                       the same
    room for 4 nodes a centre                                           13, 9; 20.0 and 8.8 %
    room for 8                                                          17, 13; 24.0 and 15.3 %
    1 or 2 nodes drawn for each word by itself                          8, 6; diverges, or 6.6 and 0.2 %
    3 of them                                                           17.1 % at 12 ms
    128 shared nodes                                                    the same
"""

import argparse
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tfgraphs.cli.shared.command import print_table
from tfgraphs.vectors import load
from tfgraphs.vectors.evaluate import analogies, word_pairs
from tfgraphs.word2vec.text.reading import find_files, read_blocks
from tfgraphs.word2vec.text.tokenizers import LINE_END, tokenizer

MODELS = {
    "sg-ns": ("skipgram", "negative_sampling"),
    "cbow-ns": ("cbow", "negative_sampling"),
    "sg-hs": ("skipgram", "hierarchical_softmax"),
    "cbow-hs": ("cbow", "hierarchical_softmax"),
}

COMMAND = [sys.executable, "-c", "from tfgraphs.cli.word2vec import run; run()"]
GENSIM = """
import json, sys, time
from gensim.models import Word2Vec
text, output, sg, hs, epochs, least, workers = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
model = Word2Vec(vector_size=100, window=5, negative=0 if hs else 5, hs=hs, sg=sg, sample=1e-3, min_count=least,
                 workers=workers, epochs=epochs, alpha=0.025 if sg or hs else 0.05)
model.build_vocab(corpus_file=text)
begun = time.monotonic()
model.train(corpus_file=text, total_words=model.corpus_total_words, total_examples=model.corpus_count, epochs=epochs)
seconds = time.monotonic() - begun
model.wv.save_word2vec_format(output + "/vectors.bin", binary=True)
json.dump({"words per second": model.corpus_total_words * epochs / seconds}, open(output + "/training.json", "w"))
"""
FASTTEXT = """
import json, sys, time
import fasttext
text, output, sg, hs, epochs, least, workers = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
begun = time.monotonic()
model = fasttext.train_unsupervised(
    text, model="skipgram" if sg else "cbow", loss="hs" if hs else "ns", dim=100, ws=5, neg=5, epoch=epochs, t=1e-3,
    minCount=least, minn=0, maxn=0, thread=workers, verbose=0)
seconds = time.monotonic() - begun
counts = dict(zip(*model.get_words(include_freq=True)))
rows = [(word, row) for word, row in zip(counts, model.get_input_matrix()) if word != "</s>"]
with open(output + "/vectors.bin", "wb") as file:
    file.write(b"%d 100\\n" % len(rows))
    for word, row in rows:
        file.write(word.encode() + b" " + row.tobytes() + b"\\n")
json.dump({"words per second": int(sum(counts.values())) * epochs / seconds}, open(output + "/training.json", "w"))
"""
PEERS = {"gensim": GENSIM, "fasttext": FASTTEXT}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True, help="text, may be packed")
    parser.add_argument("--questions", required=True, help="file of analogies")
    parser.add_argument("--pairs", required=True, help="file of word pairs with judgements")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--epochs", nargs="+", type=int, default=[1, 5])
    parser.add_argument("--rounds", type=int, default=3, help="how often each side trains each model")
    parser.add_argument("--cores", type=lambda text: [*map(int, text.split(","))], help="default: all that there are")
    parser.add_argument("--workers", type=int, help="default: as many as there are cores")
    parser.add_argument(
        "--repeat",
        type=int,
        default=1,
        help="how often the text stands in the corpus; as many times the minimum count leaves the same vocabulary",
    )
    parser.add_argument("--halves", action="store_true", help="instead: two halves of the text against the whole")
    parser.add_argument("--megabytes", type=int, help="with --halves: use only so much of the text")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text.txt"
        write_letters(options.corpus, text, options.repeat)
        if options.halves:
            compare_halves(text, options)
            return
        there = sorted(os.sched_getaffinity(0))
        for count in options.cores or [len(there)]:
            if count > len(there):
                print(f"{count} cores: left out, there are {len(there)}")
                continue
            os.sched_setaffinity(0, there[:count])  # processes that are started from here stay on them
            for model in options.models:
                for epochs in options.epochs:
                    compare(model, epochs, options.workers or count, text, options)


def write_letters(corpus: str, text: Path, repeat: int) -> None:
    """Write the words that both sides read."""
    cut = tokenizer("letters", True)
    with text.open("wb") as file:
        for _ in range(repeat):
            for block in read_blocks(find_files([corpus])):
                file.writelines(b" ".join(line) + b"\n" for line in lines_of(cut.chunks(block)) if line)


def lines_of(chunks: list[bytes]) -> Iterator[list[bytes]]:
    """Yield the words of each line."""
    start = 0
    while start < len(chunks):
        end = chunks.index(LINE_END, start)
        yield chunks[start:end]
        start = end + 1


def compare(model: str, epochs: int, workers: int, text: Path, options: argparse.Namespace) -> None:
    """Train on all sides in turns, and print medians and their ratios to gensim's."""
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in ("tfgraphs", "free", "fasttext", "gensim")}
    title = f"{model}, {epochs} epochs, {workers} workers, {len(os.sched_getaffinity(0))} cores"
    for _ in range(options.rounds):
        for side, results in runs.items():
            results.append(train(side, model, epochs, workers, text, options))
            print(f"{title}, {side}: {results[-1]}", file=sys.stderr, flush=True)
    medians = {
        side: {name: statistics.median(result[name] for result in results) for name in results[0]}
        for side, results in runs.items()
    }
    *ours, theirs = medians.values()
    rows = [
        (name, *(f"{one[name]:,.4g}" for one in medians.values()), *(f"{one[name] / theirs[name]:.2f}" for one in ours))
        for name in theirs
    ]
    print_table([title, *medians, *(f"{side} : gensim" for side in [*medians][:-1])], rows)


def compare_halves(text: Path, options: argparse.Namespace) -> None:
    """Train on the whole text, on each half, and on the second half from what the first one gave; print the quality."""
    lines = text.read_bytes()[: options.megabytes and options.megabytes << 20].splitlines(keepends=True)
    parts = {"whole": lines, "first": lines[: len(lines) // 2], "second": lines[len(lines) // 2 :]}
    folder = text.parent
    for name, part in parts.items():
        (folder / name).write_bytes(b"".join(part))
    runs = {
        "the whole text": ("whole", None),
        "the first half": ("first", None),
        "the second half": ("second", None),
        "the second half from the first": ("second", folder / "1"),
        "the same from its vectors.bin": ("second", folder / "1" / "vectors.bin"),
        "the second half, the first frozen": ("second", folder / "1"),
    }
    rows = []
    for number, (name, (part, start)) in enumerate(runs.items()):
        flags = [f"--corpus={folder / part}", f"--output={folder / str(number)}", f"--epochs={options.epochs[-1]}"]
        flags += [] if start is None else [f"--from={start}"]
        flags += ["--freeze"] if name.endswith("frozen") else []
        watch([*COMMAND, *flags, "--tokenizer=letters", f"--checkpoint_dir={folder}/checkpoints"])
        vectors = load(str(folder / str(number)))
        result = analogies(vectors, options.questions, restrict_vocab=30_000).overall
        spearman = word_pairs(vectors, options.pairs).spearman
        rows.append((name, f"{len(vectors.words):,}", f"{result.accuracy:.1%}", f"{result.total:,}", f"{spearman:.3f}"))
        print(rows[-1], file=sys.stderr, flush=True)
    print_table(["trained on", "words", "analogies", "asked", "WordSim353"], rows)


def train(
    side: str, model: str, epochs: int, workers: int, text: Path, options: argparse.Namespace
) -> dict[str, float]:
    """Train from the text file to saved vectors in a new process, and measure the result."""
    architecture, loss = MODELS[model]
    with tempfile.TemporaryDirectory(dir=text.parent) as folder:
        output = Path(folder) / "vectors"
        if side in PEERS:
            output.mkdir()
            flags = [
                int(architecture == "skipgram"),
                int(loss == "hierarchical_softmax"),
                epochs,
                5 * options.repeat,
                workers,
            ]
            command = [sys.executable, "-c", PEERS[side], str(text), str(output), *map(str, flags)]
        else:
            command = [*COMMAND, f"--corpus={text}", f"--output={output}"]
            command += ["--tokenizer=letters", "--formats=binary", f"--checkpoint_dir={folder}/checkpoints"]
            command += [f"--architecture={architecture}", f"--loss={loss}", f"--epochs={epochs}"]
            command += [f"--min_count={5 * options.repeat}", *(["--free"] if side == "free" else [])]
            command += [f"--workers={workers}"]
        seconds, megabytes, threads = watch(command)
        about = json.loads((output / "training.json").read_text())
        vectors = load(str(output / "vectors.bin"))
    accuracy = analogies(vectors, options.questions, restrict_vocab=30_000).overall.accuracy
    spearman = word_pairs(vectors, options.pairs).spearman
    assert accuracy is not None
    assert spearman is not None
    return {
        "words/s": about.get("figures", about)["words per second"],
        "seconds in all": seconds,
        "peak MB": megabytes,
        "busy threads": threads,
        "analogies %": 100 * accuracy,
        "WordSim353": spearman,
    }


def watch(command: list[str]) -> tuple[float, float, float]:
    """Run a command; return its seconds, the largest sum of memory of its processes in MB, and its busy threads.

    These are the threads that run or wait for a core, the upper quartile of the seconds: the rest is not training.
    """
    begun, most, times = time.monotonic(), 0.0, [(0.0, 0.0)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        most = max(most, memory(process.pid))
        now = time.monotonic() - begun
        if now - times[-1][0] >= 1:
            times.append((now, thread_time(process.pid)))
        time.sleep(0.1)
    if process.returncode:
        sys.exit(process.stderr.read() if process.stderr else "a training failed")
    threads = [(used - before) / (now - then) for (then, before), (now, used) in itertools.pairwise(times)]
    return time.monotonic() - begun, most, statistics.quantiles(threads, n=4)[-1] if len(threads) > 1 else 0.0


def memory(pid: int) -> float:
    """Return the resident memory of a process and its descendants in MB, without memory-mapped files."""
    megabytes = 0.0
    for entry in [pid, *descendants(pid)]:
        try:
            status = Path(f"/proc/{entry}/status").read_text()
        except OSError:
            continue
        fields = dict(line.split(":", 1) for line in status.splitlines() if line.startswith("RssAnon"))
        megabytes += sum(int(value.split()[0]) for value in fields.values()) / 1024
    return megabytes


def thread_time(pid: int) -> float:
    """Return for how many seconds the threads of a process have run or waited for a core."""
    nanoseconds = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # the thread has ended
            nanoseconds += sum(map(int, path.read_text().split()[:2]))
    return nanoseconds / 1e9


def descendants(pid: int) -> Iterator[int]:
    """Yield the numbers of all descendants of a process."""
    for entry in os.listdir("/proc"):
        try:
            parent = int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if entry.isdigit() and parent == pid:
            yield int(entry)
            yield from descendants(int(entry))


if __name__ == "__main__":
    main()
