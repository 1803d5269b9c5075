"""word2vec: text in, word vectors out. Importing this does not import TensorFlow."""

from tfgraphs.word2vec.corpus import EncodedCorpus, encode_sentences
from tfgraphs.word2vec.encoding import prepare
from tfgraphs.word2vec.settings import TextSettings
from tfgraphs.word2vec.text import CorpusError
from tfgraphs.word2vec.vocabulary import Vocabulary

__all__ = [
    "CorpusError",
    "EncodedCorpus",
    "TextSettings",
    "Vocabulary",
    "encode_sentences",
    "prepare",
]
