"""The tab Words: nearest words, analogies, words in a plane, and training runs watched while they go on.

The state says which vectors, by a key of the list that the server gave, and what is asked. It holds nothing else, so
any state can be shown anew.
"""

import re
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tfgraphs.expression import ExpressionError, Term, parse
from tfgraphs.studio import words_drawings
from tfgraphs.studio.commands import digest
from tfgraphs.studio.jobs import Worker
from tfgraphs.studio.states import Question, State, StateError, read_choice, read_count, read_number, read_text
from tfgraphs.studio.tables import write_table
from tfgraphs.studio.words_plane import MOST_LETTERS, has_vector, read_plane, read_words
from tfgraphs.studio.words_runs import SCALARS, Runs
from tfgraphs.studio.words_sources import Sources
from tfgraphs.vectors.loading import GLOVE
from tfgraphs.vectors.neighbours import SCORES
from tfgraphs.vectors.word_vectors import WordVectors

MOST_ANSWERS, COMPLETIONS = 200, 8
_ASPECT, _LEAST_HEIGHT = 0.68, 420.0  # of the plane: height for its width
_EXAMPLES = {
    "query": "king - man + woman",
    "a": "man",
    "b": "king",
    "c": "woman",
    "words": "prince princess",
    "pairs": "man:woman king:queen uncle:aunt actor:actress paris:france berlin:germany rome:italy",
    "x": "woman - man",
    "y": "king - man",
}
_RANKS = (150, 300, 600, 1200)  # of words that are shown first of vectors without those of the examples
_PLANE_ONLY = "# axes named by words are drawn here only; the command draws principal components\n"


class WordsTab:
    """See `server.Tab`.

    Args:
        start: starts TensorFlow, if it has not been started; only vectors in a SavedModel need it.
        results: folder for what is exported.
        given: vectors that were named when the page was started, see `Sources`.
        folders: below which results of trainings are searched.
        logs: folder of training runs to watch; none are if it is None.

    Raises:
        FormatError: vectors that were named do not exist.
    """

    name = "words"

    def __init__(
        self,
        start: Callable[[], None],
        results: Path,
        given: Sequence[str] = (),
        folders: Sequence[Path] = (),
        logs: Path | None = None,
    ) -> None:
        self._results = results
        self._sources = Sources(given, folders, start)
        self._runs = Runs(logs) if logs else None
        self.questions: Mapping[str, Question] = {
            "sources": self.sources,
            "open": self.open,
            "complete": self.complete,
            "near": self.near,
            "analogy": self.analogy,
            "plane": self.plane,
            "neighbours": self.neighbours,
            "export": self.export,
            "run": self.run,
        }
        self.works: Mapping[str, Worker] = {}

    def sources(self, _: State) -> dict[str, Any]:
        """Returns the keys of vectors, and of runs or None if there is no folder of logs."""
        return {"vectors": self._sources.keys(), "runs": self._runs.keys() if self._runs else None}

    def open(self, state: State) -> dict[str, Any]:
        """Loads vectors and returns their size, and what may be asked of them first."""
        vectors = self._open(state)
        return {
            "words": len(vectors.words),
            "dimensions": vectors.matrix.shape[1],
            "examples": _examples(vectors),
        }

    def complete(self, state: State) -> dict[str, list[str]]:
        """Returns the most frequent words with a prefix."""
        prefix = read_text(state, "prefix", most=MOST_LETTERS)
        return {"words": self._open(state).lexicon.completions(prefix, COMPLETIONS) if prefix else []}

    def near(self, state: State) -> dict[str, Any]:
        """Returns the nearest words of an expression.

        Args:
            state: vectors, a key; query, an expression; topn; method, one of `SCORES`; typing, 1 if the expression may
                be incomplete. Then one that cannot be read is no error: there are no neighbours, but what is missing.
        """
        vectors = self._open(state)
        text = read_text(state, "query", most=MOST_LETTERS)
        if read_count(state, "typing", 0, 0, 1):
            try:
                missing = [term.word for term in parse(text, known=vectors.knows) if not has_vector(vectors, term.word)]
            except ExpressionError as error:
                return {"neighbours": [], "missing": str(error)}
            if missing:
                return {"neighbours": [], "missing": f"{missing[0]!r} is not among the {len(vectors.words):,} words"}
        terms = parse(text, known=vectors.knows)
        answer = _answer(vectors, terms, state)
        near = _is_word(terms) and answer["measure"] == SCORES["cosadd"]  # near knows no other method
        words = ["near", terms[0].word] if near else ["calc", text.strip()]
        return answer | {"command": _command(state, self._key(state), *words)}

    def analogy(self, state: State) -> dict[str, Any]:
        """Returns the words that answer "a is to b as c is to ?": those nearest to b - a + c.

        Args:
            state: vectors, topn and method as for `near`; a, b, c, words.
        """
        vectors = self._open(state)
        words = [read_text(state, name, most=MOST_LETTERS).strip() for name in "abc"]
        if not all(words):
            raise StateError("an analogy needs three words: man is to king as woman is to ?")
        terms = _analogy(*words)
        return _answer(vectors, terms, state) | {"command": _command(state, self._key(state), "analogy", *words)}

    def plane(self, state: State) -> dict[str, Any]:
        """Returns words in a plane: their coordinates and a drawing.

        Args:
            state: vectors, a key; words, separated by spaces or commas; pairs, such as king:queen, joined by arrows;
                axes, "components" or "words"; for the latter x and y, expressions, and measure, "cosine" or "dot";
                width of the drawing in pixels.
        """
        vectors, width = self._open(state), read_number(state, "width", 640, 200, 2000)
        shown, left_out, shares = read_plane(vectors, state)
        joined = {number for arrow in shown.arrows for number in arrow}
        words = [word for number, word in enumerate(shown.words) if number not in joined]
        pairs = ",".join(_quoted(f"{shown.words[one]}:{shown.words[other]}") for one, other in shown.arrows)
        flags = [*([f"--pairs={pairs}"] if pairs else []), "--output=plot.png"]
        command = _shell(self._key(state), flags, ["plot", *words])
        return {
            "drawing": words_drawings.plane(shown, width, max(_LEAST_HEIGHT, _ASPECT * width)),
            "axes": shown.axes,
            "shares": shares,
            "words": [[word, *point] for word, point in zip(shown.words, shown.points.tolist(), strict=True)],
            "left_out": left_out,
            "command": command if shown.same_scale else _PLANE_ONLY + command,
        }

    def neighbours(self, state: State) -> dict[str, Any]:
        """Returns the words nearest to one word in the original space, each with whether it is in the plane.

        Args:
            state: as for `plane`; word; topn.
        """
        vectors, word = self._open(state), read_text(state, "word", most=MOST_LETTERS)
        drawn = set(read_words(vectors, state)[0])
        found = vectors.nearest([word], read_count(state, "topn", 10, 1, MOST_ANSWERS))
        return {"neighbours": [[near.word, near.cosine, near.word in drawn] for near in found]}

    def export(self, state: State) -> dict[str, str]:
        """Writes what is shown as a table, and returns the name of the file.

        Args:
            state: what, "nearest", "analogy" or "plane"; and what the question of that name takes.
        """
        what = read_choice(state, "what", ("nearest", "analogy", "plane"), "nearest")
        vectors, rows = self._open(state), list[Sequence[object]]()
        if what == "plane":
            shown, _, _ = read_plane(vectors, state)
            rows = [("word", *shown.axes)]
            rows += [(word, *point) for word, point in zip(shown.words, shown.points.tolist(), strict=True)]
        else:
            answer = self.near(state) if what == "nearest" else self.analogy(state)
            rows = [("word", answer["measure"].lower()), *answer["neighbours"]]
        return {"result": write_table(self._results / f"words_{what}_{digest(sorted(state.items()))}.csv", rows)}

    def run(self, state: State) -> dict[str, Any]:
        """Returns the curves and the nearest words of a run, as far as they are written, and the keys of all runs.

        Args:
            state: run, a key; the run that was written last if it is empty.

        Raises:
            StateError: there is no such run, or none at all.
        """
        if not self._runs:
            raise StateError("no folder of logs is watched: start the page with --logdir")
        keys = self._runs.keys()
        key = read_text(state, "run") or next(iter(keys), "")
        if not key:
            return {"runs": [], "run": "", "drawings": {}, "texts": [], "age": None, "damaged": []}
        run = self._runs.read(key)
        curves = {name: run.curves[name] for name in SCALARS if run.curves[name]}
        drawings = {name: words_drawings.curve(name, points, name != "loss") for name, points in curves.items()}
        age = max(0.0, time.time() - run.written) if run.written else None
        return {
            "runs": keys,
            "run": key,
            "drawings": drawings,
            "texts": run.texts,
            "age": age,
            "damaged": run.damaged,
        }

    def _key(self, state: State) -> str:
        return read_text(state, "vectors") or self._sources.first

    def _open(self, state: State) -> WordVectors:
        return self._sources.open(read_text(state, "vectors"))


def _examples(vectors: WordVectors) -> dict[str, str]:
    """Returns what is asked first: the usual examples, or some words of medium frequency."""
    words = re.findall(r"\w+", " ".join(_EXAMPLES.values()))
    if all(map(vectors.knows, words)):
        return _EXAMPLES
    size = len(vectors.words)
    ranks = _RANKS if size > _RANKS[-1] else [size * place // 5 for place in range(1, 5)]
    a, b, c, d = (vectors.words[rank] for rank in ranks)
    first = " ".join(vectors.words[rank] for rank in range(min(ranks), min(size, min(ranks) + 12)))
    return {"query": a, "a": a, "b": b, "c": c, "words": first, "pairs": "", "x": f"{a} - {b}", "y": f"{c} - {d}"}


def _answer(vectors: WordVectors, terms: Sequence[Term], state: State) -> dict[str, Any]:
    """Returns the neighbours of a sum of words, and which words were read in another spelling."""
    count = read_count(state, "topn", 10, 1, MOST_ANSWERS)
    method = read_choice(state, "method", SCORES, "cosadd")
    neighbours = vectors.combine([terms], count, method)[0]
    read_as = {term.word: spelling for term in terms if (spelling := vectors.spelling(term.word)) != term.word}
    listed = [[neighbour.word, neighbour.cosine] for neighbour in neighbours]
    return {"neighbours": listed, "measure": SCORES[method], "read_as": read_as}


def _analogy(a: str, b: str, c: str) -> list[Term]:
    return [Term(b, 1.0), Term(a, -1.0), Term(c, 1.0)]


def _is_word(terms: Sequence[Term]) -> bool:
    return len(terms) == 1 and terms[0].weight == 1


def _command(state: State, key: str, *words: str) -> str:
    """Returns the command that answers the same."""
    topn, method = read_count(state, "topn", 10, 1, MOST_ANSWERS), read_text(state, "method", "cosadd")
    flags = [f"--topn={topn}"] if topn != 10 else []
    flags += [f"--method={method}"] if method != "cosadd" else []
    return _shell(key, flags, words)


def _shell(key: str, flags: Sequence[str], words: Sequence[str]) -> str:
    vectors = [] if key == GLOVE else [f"--vectors={key}"]
    end_of_flags = ["--"] if any(word.startswith("-") for word in words) else []
    return shlex.join(["bin/words", *vectors, *flags, *end_of_flags, *words])


def _quoted(pair: str) -> str:
    """Returns a pair as an element of a list separated by commas."""
    return f'"{pair}"' if "," in pair else pair
