"""word2vec: text in, word vectors out. Importing this does not import TensorFlow."""

from tfgraphs.word2vec.text.corpus import EncodedCorpus, encode_sentences, prepare
from tfgraphs.word2vec.text.reading import CorpusError
from tfgraphs.word2vec.text.settings import TextSettings
from tfgraphs.word2vec.text.vocabulary import Vocabulary

__all__ = [
    "CorpusError",
    "EncodedCorpus",
    "TextSettings",
    "Vocabulary",
    "encode_sentences",
    "prepare",
]
