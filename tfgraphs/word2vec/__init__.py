"""word2vec: text in, word vectors out."""

from tfgraphs.word2vec.corpus import CorpusError, encode, sentences
from tfgraphs.word2vec.vocabulary import Vocabulary, count_words

__all__ = [
    "CorpusError",
    "Vocabulary",
    "count_words",
    "encode",
    "sentences",
]
