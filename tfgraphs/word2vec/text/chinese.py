"""Words of Chinese text, simplified or traditional, as the packages jieba and OpenCC find them.

The dictionary of jieba is that of simplified text. So jieba cuts a simplified copy, which OpenCC makes, and the text is
cut at the same places. The words stay as they are written: an apple is 苹果 in one text and 蘋果 in another. On twenty
traditional sentences that were cut by hand the F1 score of words is 0.93, with jieba alone 0.83, and the copy takes a
tenth of the time (`benchmarks/chinese.py`).
"""

import functools
import importlib.metadata
import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any

from tfgraphs.errors import errors_as
from tfgraphs.extras import install_extra
from tfgraphs.files.packed import read_text
from tfgraphs.word2vec.settings import CorpusError

_PACKAGES = ("jieba", "opencc")
_FULL_WIDTH = (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))  # digits and Latin letters
_HALF_WIDTH = {code: code - 0xFEE0 for code in _FULL_WIDTH}


def package_versions() -> dict[str, str]:
    """Return the versions of the packages, of which other ones may find other words.

    Raises:
        CorpusError: a package is missing. Others with a module of the same name do not count, as they may find other
            words: opencc-python-reimplemented has a module `opencc`, too.
    """
    versions, missing = {}, []
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        needed = "one more package" if len(missing) == 1 else "two more packages"
        raise CorpusError(f"the tokenizer jieba needs {needed} ({' and '.join(missing)}): {install_extra('zh')}")
    return versions


def cut(text: str, dictionary: str | None = None, digest: str = "") -> Iterator[str]:
    """Yield the words of a line, and what stands between them.

    Latin letters and digits of full width become those of half width. All pieces together are the rest of the text.

    Args:
        text: in Unicode's form NFC.
        dictionary: path of a file of further words, simplified or traditional.
        digest: of its content, which tells files of the same name apart.

    Raises:
        CorpusError: the dictionary cannot be read.
    """
    text = text.translate(_HALF_WIDTH)
    start = 0
    for word in _cutter(dictionary, digest).cut(simplified(text)):
        yield text[start : start + len(word)]
        start += len(word)


def simplified(text: str) -> str:
    """Return a text of the same length in simplified characters; those without a simplified form stay.

    The form may depend on the word: 乾 is 干 in 乾淨, but stays in 乾隆; 著 stays in 著名,
    but is 着 in the 戴著 of Taiwan.
    """
    result: str = _converter("t2s").convert(text)
    if result != text:
        result = _converter("tw2s").convert(text)
    return result if len(result) == len(text) else text  # no phrase of OpenCC 1.4 changes its length


@functools.cache
def _converter(kind: str) -> Any:
    import opencc

    return opencc.OpenCC(kind)


@functools.lru_cache(maxsize=2)
def _cutter(dictionary: str | None, digest: str) -> Any:
    """Import and load jieba without its messages on stderr, and without its cache; the digest tells files apart.

    The cache would be a file of a known name in the folder for temporary files, which anybody may have put there.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(logging.WARNING)
    cutter = jieba.Tokenizer()
    cutter.FREQ, cutter.total = cutter.gen_pfdict(cutter.get_dict_file())
    cutter.initialized = True
    if dictionary:
        with errors_as(
            CorpusError, f"{dictionary} is no dictionary for jieba", "give a word, a count and a tag a line"
        ):
            words = read_text(dictionary, CorpusError).translate(_HALF_WIDTH)
            cutter.load_userdict(io.StringIO("".join(map(simplified, words.splitlines(keepends=True)))))
    return cutter
