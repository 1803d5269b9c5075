"""Compares queries to large sets of word vectors with gensim: speed and memory, both sides in turns in one run.

    python benchmarks/vectors.py [--questions=questions-words.txt] [--folder=/somewhere/with/15/GB]

needs the extras `bench`, `compact` and `offline`. It generates vectors of the size of GoogleNews: three million words
and phrases, 300 dimensions, word2vec's binary format, 3.6 GB. Each side is a process of its own and finds the files in
the cache of the file system. Figures are medians.

Measured with gensim 4.4 on two cores (Sapphire Rapids, other work on the same memory), tfgraphs : gensim, several runs:

    convert to float32, float16, int8, s      13, 15, 15 : 30 to load      0.44, 0.52, 0.51
    peak memory of that, MB                   900 : 4,103
    open and first query, s of the processors 0.54, 0.41, 0.30 : 3.1 after loading
    memory before that query, MB              72 : 4,103
    one query, float32                        0.256 : 0.249, 0.292 : 0.292 1.00 to 1.06, the same neighbours
    one query, float16                        0.170 : 0.307, 0.181 : 0.274 0.55 to 0.66
    one query, int8                           0.090 : 0.307, 0.104 : 0.235 0.29 to 0.48, recall of ten 1.000
    a thousand analogies                      21, 22, 21 : 246, 230, 241   0.09
    questions-words.txt on GloVe, s           11.4 : 234                   0.05, both 46.22 % right

On two faster cores, idle, with memory that both together copy at 25 GB/s (reads alone):

    convert to float32, float16, int8, s      9.9, 11.8, 11.0 : 18.6 to load
    one query, float32                        0.106 : 0.103, 34 : 35 GB/s
    one query, float16                        0.074 : 0.099, 24 GB/s
    one query, int8                           0.029 : 0.085, 31 GB/s

A query is one pass over memory, so its time depends on the memory bandwidth that the machine gives a process: 8 to 15
GB/s for gensim's float32, and 8.8 to 10 GB/s for small numbers, which are multiplied three times as fast in the cache.

Alternatives that were tried, for int8 unless another type is named:

    numkong 7.8 instead of simsimd 6.5: 163 ms instead of 115, and 289 instead of 157 for float16
    a pool of Python's threads over blocks instead of simsimd's own: 125 ms instead of 112
    uint8 instead of int8: the same; instructions of older processors: the same
    blocks of 16 MB instead of 64, whose cosines stay in the cache: sorting costs nothing instead of 15 ms
    dividing by scales and by lengths, instead of by their precomputed quotients: 5 ms more
    8,192 rows first, whose best set a lower bound for the others: saves 4 of 11 ms on GloVe
    rows at length 1 before many products, instead of dividing the products: 1.6 s instead of 2.4 on GloVe
    conversion in batches of 256 rows, which stay in the cache, while a thread reads ahead: 15 s instead of 28
    folding and sorting all words as one text: 2 s instead of 7 of that
    faiss 1.15, inverted lists of 2,048 cells in numbers of a byte: built in 56 s, 7 ms a query at eight cells and 28 ms
        at 32, with 97.3 % of the neighbours at both; no index is offered, as the exact pass is a tenth of a second
"""

import argparse
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from sides import Side

from tfgraphs.cli.shared.command import print_table
from tfgraphs.graphs.processor import usable_cores

DTYPES = ("float32", "float16", "int8")

GENSIM = """
from gensim.models import KeyedVectors

def load(path):
    global vectors
    vectors = None
    seconds, vectors = timed(lambda: KeyedVectors.load_word2vec_format(path, binary=True))
    return seconds, resident()

def first(word):
    return timed(lambda: vectors.most_similar(word))[0]

def query(word):
    return timed(lambda: vectors.most_similar(word))

def analogies(triples):
    return timed(lambda: [vectors.most_similar(positive=[b, c], negative=[a]) for a, b, c in triples])[0]

def evaluate(path):
    from tfgraphs.vectors.loading import load_glove
    glove = load_glove()
    theirs = KeyedVectors(glove.matrix.shape[1])
    theirs.add_vectors(glove.words, np.array(glove.matrix))
    seconds, (score, _) = timed(lambda: theirs.evaluate_word_analogies(path, restrict_vocab=400_000))
    return seconds, score
"""

TFGRAPHS = """
from tfgraphs import vectors as tfgraphs_vectors
from tfgraphs.expression import Term

def convert(source, target, dtype):
    from tfgraphs.vectors import loading
    seconds, _ = timed(lambda: loading.convert(source, target, dtype))
    return seconds, resident("VmHWM")

def load(path):
    global vectors, used
    used = time.process_time()
    vectors = tfgraphs_vectors.load(path)
    return time.process_time() - used, resident()

def first(word):
    vectors.nearest([word])
    return time.process_time() - used

def query(word):
    return timed(lambda: [(neighbour.word, neighbour.cosine) for neighbour in vectors.nearest([word])])

def analogies(triples):
    terms = [[Term(a, -1.0), Term(b, 1.0), Term(c, 1.0)] for a, b, c in triples]
    return timed(lambda: vectors.combine(terms))[0]

def evaluate(path):
    from tfgraphs.vectors.evaluate import evaluate as evaluate_file
    from tfgraphs.vectors.loading import load_glove
    glove = load_glove()
    seconds, result = timed(lambda: evaluate_file(glove, path, restrict_vocab=400_000))
    return seconds, result.overall.accuracy
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=3_000_000)
    parser.add_argument("--dimensions", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3, help="how often files are loaded and converted")
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--questions", help="file of analogies, to be asked of GloVe's 400,000 words")
    parser.add_argument("--folder", help="where to put files of 15 GB, by default the system's temporary folder")
    options = parser.parse_args()
    rows: list[tuple[str, float, float]] = []
    if options.questions:
        with Side(GENSIM) as gensim, Side(TFGRAPHS) as tfgraphs:
            (theirs, their_score), (ours, score) = [side("evaluate", options.questions) for side in (gensim, tfgraphs)]
        rows += [("GloVe: all questions, s", ours, theirs), ("GloVe: score", score, their_score)]
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        rows += compare(Path(folder), options)
    table = [(name, f"{ours:,.4g}", f"{theirs:,.4g}", f"{ours / theirs:.2f}") for name, ours, theirs in rows]
    print_table(["", "tfgraphs", "gensim", "ratio"], table)
    print(f"copying memory on {usable_cores()} cores reads {copy_speed():.1f} GB/s and writes as many")


def copy_speed(numbers: int = 1 << 28) -> float:
    """Returns how many GB/s of float32 numbers all cores together copy, the best of five times."""
    sources, copies = (np.array_split(np.ones(numbers, np.float32), usable_cores()) for _ in range(2))
    seconds = []
    with ThreadPoolExecutor(usable_cores()) as pool:
        for _ in range(5):
            begun = time.perf_counter()
            list(pool.map(np.copyto, copies, sources))
            seconds.append(time.perf_counter() - begun)
    return numbers * 4 / 1e9 / min(seconds)


def compare(folder: Path, options: argparse.Namespace) -> list[tuple[str, float, float]]:
    """Returns rows of a figure's name, our value and gensim's."""
    binary = str(folder / "vectors.bin")
    write_vectors(Path(binary), options.words, options.dimensions)
    words = asked(options.words, options.queries)
    triples = [words[place : place + 3] for place in range(options.queries - 2)]
    many = [[name(int(row)) for row in three] for three in places(options.words, 3000).reshape(-1, 3)]
    rows, numbers = [], options.words * options.dimensions / 1e9
    with Side(GENSIM) as gensim:
        loads, converted = [], {dtype: [] for dtype in DTYPES}
        for _ in range(options.rounds):
            loads.append(gensim("load", binary))
            for dtype in DTYPES:
                with Side(TFGRAPHS) as tfgraphs:
                    converted[dtype].append(tfgraphs("convert", binary, str(folder / dtype), dtype))
        load, memory = (statistics.median(figures) for figures in zip(*loads, strict=True))
        first = gensim("first", words[0])
        for dtype in DTYPES:
            seconds, peak = (statistics.median(figures) for figures in zip(*converted[dtype], strict=True))
            with Side(TFGRAPHS) as tfgraphs:
                _, resident = tfgraphs("load", str(folder / dtype))
                opened = tfgraphs("first", words[0])
                answers = [(tfgraphs("query", word), gensim("query", word)) for word in words]
                turns = [(tfgraphs("analogies", many), gensim("analogies", triples[:20])) for _ in range(2)]
            ours, theirs = (statistics.median(answer[0] for answer in side) for side in zip(*answers, strict=True))
            thousand, twenty = (statistics.median(side) for side in zip(*turns, strict=True))
            rows += [
                (f"{dtype}: convert, s (gensim: load)", seconds, load),
                (f"{dtype}: peak MB of it", peak, memory),
                (f"{dtype}: open and first query, s of the processors (gensim: after load)", opened, first),
                (f"{dtype}: MB before it", resident, memory),
                (f"{dtype}: one query, s", ours, theirs),
                (f"{dtype}: GB/s that it reads", numbers * np.dtype(dtype).itemsize / ours, numbers * 4 / theirs),
                (f"{dtype}: a thousand analogies, s", thousand, 50 * twenty),
                (f"{dtype}: of gensim's ten neighbours", *shared(answers)),
                (f"{dtype}: largest difference of a cosine", difference(answers), 1),
            ]
    return rows


def shared(answers: list) -> tuple[float, float]:
    """Returns how many of ten neighbours are the same, on average, and ten."""
    words = [({word for word, _ in one}, {word for word, _ in other}) for (_, one), (_, other) in answers]
    return statistics.mean(len(one & other) for one, other in words), 10


def difference(answers: list) -> float:
    """Returns the largest difference of the cosines of words that both sides name."""
    pairs = [(dict(one), dict(other)) for (_, one), (_, other) in answers]
    return max(abs(one[word] - other[word]) for one, other in pairs for word in one.keys() & other.keys())


def places(words: int, count: int) -> np.ndarray:
    """Returns different rows to ask for."""
    return np.random.default_rng(1).permutation(words)[:count]


def asked(words: int, count: int) -> list[str]:
    """Returns words to ask for."""
    return [name(int(row)) for row in places(words, count)]


def name(row: int) -> str:
    """Returns the word of a row: single words and phrases."""
    return f"Word_{row}" if row % 2 else f"phrase_of_words_{row}"


def write_vectors(path: Path, words: int, dimensions: int) -> None:
    """Writes vectors that have neighbours: each is one of 4096 topics with noise."""
    random = np.random.default_rng(0)
    topics = random.normal(size=(4096, dimensions)).astype(np.float32)
    with path.open("wb") as file:
        file.write(f"{words} {dimensions}\n".encode())
        for first in range(0, words, 10_000):
            rows = range(first, min(first + 10_000, words))
            own = random.standard_normal((len(rows), dimensions), np.float32)
            matrix = topics[random.integers(0, len(topics), len(rows))] + own
            lengths = random.uniform(0.5, 3, (len(rows), 1)).astype(np.float32)
            matrix *= lengths / np.linalg.norm(matrix, axis=1, keepdims=True)
            file.writelines(name(row).encode() + b" " + matrix[place].tobytes() for place, row in enumerate(rows))


if __name__ == "__main__":
    main()
