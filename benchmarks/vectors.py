"""Questions to large sets of word vectors: speed and memory beside gensim's, in one run, both sides taking turns.

    python benchmarks/vectors.py [--questions=questions-words.txt] [--folder=/somewhere/with/15/GB]

needs the extras `bench`, `compact` and `offline`. It makes vectors in the shape of GoogleNews itself: three million
words and phrases, 300 dimensions, word2vec's binary format, 3.6 GB. Both sides run in processes of their own and find
the files in the cache of the file system.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tfgraphs.cli.command import print_table

PROLOGUE = """
import json, resource, sys, time
import numpy as np
path, rounds = sys.argv[1], int(sys.argv[2])
figures = {}
def timed(ask):
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        answer = ask()
        seconds.append(time.perf_counter() - begun)
    return sorted(seconds)[len(seconds) // 2], answer
def resident():
    return int([line for line in open("/proc/self/status") if line.startswith("VmRSS")][0].split()[1]) / 1024
"""

GENSIM = """
from gensim.models import KeyedVectors
begun = time.perf_counter()
vectors = KeyedVectors.load_word2vec_format(path, binary=True)
figures["load"] = time.perf_counter() - begun
figures["MB before the query"] = resident()
begun = time.perf_counter()
vectors.most_similar("Word_12345")
figures["first query"] = time.perf_counter() - begun
words = json.loads(sys.argv[3])
figures["one query"], _ = timed(lambda: vectors.most_similar(words[0]))
figures["answers"] = [[word for word, _ in vectors.most_similar(word)] for word in words[:40]]
begun = time.perf_counter()
for place in range(20):
    a, b, c = words[3 * place : 3 * place + 3]
    vectors.most_similar(positive=[b, c], negative=[a])
figures["a thousand analogies"] = 50 * (time.perf_counter() - begun)
"""

TFGRAPHS = """
from tfgraphs.vectors import WordVectors
from tfgraphs.vectors.expression import Term
used = time.process_time()
vectors = WordVectors.load(path)
figures["MB before the query"] = resident()
vectors.nearest(["Word_12345"])
figures["first query"] = time.process_time() - used
words = json.loads(sys.argv[3])
figures["one query"], _ = timed(lambda: vectors.nearest([words[0]]))
figures["answers"] = [[neighbour.word for neighbour in vectors.nearest([word])] for word in words[:40]]
terms = [[Term(a, -1.0), Term(b, 1.0), Term(c, 1.0)] for a, b, c in zip(*[iter(words)] * 3)]
begun = time.perf_counter()
vectors.combine_many(terms)
figures["a thousand analogies"] = (time.perf_counter() - begun) * 1000 / len(terms)
"""

GLOVE = """
from gensim.models import KeyedVectors
from tfgraphs.vectors.formats import load_glove
glove = load_glove()
theirs = KeyedVectors(50)
theirs.add_vectors(glove.words, np.array(glove.matrix))
begun = time.perf_counter()
score, _ = theirs.evaluate_word_analogies(path, restrict_vocab=400_000)
figures["gensim"], figures["gensim's score"] = time.perf_counter() - begun, score
begun = time.perf_counter()
from tfgraphs.vectors.evaluate import analogies
result = analogies(glove, path, restrict_vocab=400_000)
figures["tfgraphs"], figures["tfgraphs' score"] = time.perf_counter() - begun, result.accuracy
"""

EPILOGUE = """
print(json.dumps(figures))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=3_000_000)
    parser.add_argument("--dimensions", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=7, help="how often one query is timed")
    parser.add_argument("--questions", help="file of analogies, to be asked of GloVe's 400,000 words")
    parser.add_argument("--folder", help="where to put files of 15 GB, by default the system's temporary folder")
    options = parser.parse_args()
    if options.questions:
        figures = run(PROLOGUE + GLOVE, options.questions, 1, [])
        print_table(["questions on GloVe", ""], [(name, f"{figure:,.4g}") for name, figure in figures.items()])
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        compare(Path(folder), options)


def compare(folder: Path, options: argparse.Namespace) -> None:
    """Asks both sides and prints their figures and ratios."""
    binary = folder / "vectors.bin"
    write_vectors(binary, options.words, options.dimensions)
    places = np.random.default_rng(1).integers(0, options.words, 3000)
    asked = list(dict.fromkeys(name(int(place)) for place in places))[: 3 * (len(set(places)) // 3)]
    converted = {}
    for dtype in ("float32", "float16", "int8"):
        begun = time.perf_counter()
        command = [sys.executable, "-c", "from tfgraphs.cli.words import run; run()", "convert", str(binary)]
        subprocess.run([*command, str(folder / dtype), f"--dtype={dtype}"], check=True, stdout=subprocess.DEVNULL)
        converted[dtype] = time.perf_counter() - begun
    gensim = run(PROLOGUE + GENSIM, str(binary), options.rounds, asked)
    rows = []
    for dtype, seconds in converted.items():
        ours = run(PROLOGUE + TFGRAPHS, str(folder / dtype), options.rounds, asked)
        hits = [len(set(one) & set(other)) for one, other in zip(ours["answers"], gensim["answers"], strict=True)]
        rows.append((f"{dtype}: convert, s (gensim: load)", seconds, gensim["load"]))
        for figure in ("first query", "MB before the query", "one query", "a thousand analogies"):
            rows.append((f"{dtype}: {figure}", ours[figure], gensim[figure]))
        rows.append((f"{dtype}: of gensim's ten neighbours", statistics.mean(hits), 10))
    table = [(name, f"{ours:,.4g}", f"{theirs:,.4g}", f"{ours / theirs:.2f}") for name, ours, theirs in rows]
    print_table(["", "tfgraphs", "gensim", "ratio"], table)


def run(program: str, path: str, rounds: int, words: list[str]) -> dict:
    """Runs a program in a process of its own; returns what it printed."""
    command = [sys.executable, "-c", program + EPILOGUE, path, str(rounds), json.dumps(words)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def name(row: int) -> str:
    """A word: single ones and phrases."""
    return f"Word_{row}" if row % 2 else f"phrase_of_words_{row}"


def write_vectors(path: Path, words: int, dimensions: int) -> None:
    """Writes vectors that have neighbours: each is one of a few thousand topics with something of its own."""
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
