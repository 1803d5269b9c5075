"""Counting the words of a text and writing it as numbers, in blocks by processes or in parts by other machines."""

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfgraphs.cluster.processes import map_in_order as map_by_processes
from tfgraphs.files.outputs import atomic_file
from tfgraphs.word2vec.settings import TextSettings
from tfgraphs.word2vec.text.counting import CountedBlock, WordTable, count_words
from tfgraphs.word2vec.text.reading import TextPart, read_blocks, split_text
from tfgraphs.word2vec.text.shards import MapInOrder, Shards, own_numbers
from tfgraphs.word2vec.text.tokenizers import tokenizer
from tfgraphs.word2vec.text.vocabulary import SENTENCE_END, NumberFile, translate

Report = Callable[[str, float], None]
PART = 256 << 20  # bytes of a text, plain or packed, that another machine counts at a time


class Figures(NamedTuple):
    """What is known of a text besides its words; see `EncodedCorpus`."""

    raw_words: int = 0
    bad_bytes: int = 0
    pruned: bool = False

    def plus(self, other: "Figures") -> "Figures":
        """Return the figures of two texts together."""
        raw_words, bad_bytes = self.raw_words + other.raw_words, self.bad_bytes + other.bad_bytes
        return Figures(raw_words, bad_bytes, self.pruned or other.pruned)


class CountedPart(NamedTuple):
    """The words of a part of a text, their counts, and figures of it."""

    words: list[str]
    counts: np.ndarray
    figures: Figures


def count_blocks(
    files: Sequence[Path | TextPart], settings: TextSettings, path: Path, processes: int | None, report: Report
) -> tuple[Shards, WordTable, Figures]:
    """Write a text to a file in the numbers of a table of its words, which processes of this machine cut.

    Args:
        files: the text.
        settings: how it is cut into words, and how large the table may be.
        path: of the file.
        processes: how many processes there are; by default one for each core.
        report: called with what is done and the share that is done.
    """
    count = partial(count_words, tokenizer(settings.tokenizer, settings.fold_case, settings.jieba_dictionary))
    table, file, figures = WordTable(settings.max_counting_memory), NumberFile(path), Figures()
    path.touch()
    with closing(map_by_processes(count, read_blocks(files, on_progress=report), processes)) as blocks:
        for block in blocks:
            figures = figures.plus(_append(block, table, file))
    return Shards([file], None, report), table, figures


def count_parts(
    files: Sequence[Path], settings: TextSettings, folder: Path, map_in_order: MapInOrder, report: Report
) -> tuple[Shards, WordTable, Figures]:
    """Write a text to a file for each part, in numbers of its own, and count all words in one table.

    Beside each file are the numbers of the table by its own, see `own_numbers`.

    Args:
        files, settings, report: as of `count_blocks`.
        folder: for the files, which all machines see.
        map_in_order: computes a function for many items on these machines.
    """
    folder = folder.absolute()  # other machines are not in the current folder
    folder.mkdir()
    parts = list(split_text([path.absolute() for path in files], PART))
    targets = [NumberFile(folder / f"part-{number:05}.0") for number in range(len(parts))]
    table, figures = WordTable(settings.max_counting_memory), Figures()
    items = zip(parts, targets, strict=True)
    with closing(map_in_order(partial(_count_part, settings), items)) as counted:
        for number, (part, target) in enumerate(zip(counted, targets, strict=True), 1):
            np.save(own_numbers(target), table.add(part.words, part.counts))
            figures = figures.plus(part.figures)
            report("reading the text", number / len(parts))
    return Shards(targets, map_in_order, report), table, figures


def _count_part(settings: TextSettings, part: tuple[Sequence[TextPart], NumberFile]) -> CountedPart:
    """Count the words of a part of a text in this process, and write its numbers: the places of the words."""
    files, target = part
    with atomic_file(target.path) as temporary:
        shards, table, figures = count_blocks(files, settings, temporary, 1, lambda what, share: None)
        words, counts, places = table.counted()
        shards.look_up(places, translate, "")
    return CountedPart(words, counts, figures._replace(pruned=table.pruned))


def _append(block: CountedBlock, table: WordTable, file: NumberFile) -> Figures:
    """Add a block to the table and the file; return its figures."""
    numbers = np.append(table.add(block.words, block.counts), np.int32(SENTENCE_END))
    file.append(numbers[block.numbers])
    return Figures(int(block.counts.sum()), block.bad_bytes)
