"""word2vec: text in, word vectors out. Importing this does not import TensorFlow."""

from tfgraphs.word2vec.settings import CorpusError, TextSettings
from tfgraphs.word2vec.text.corpus import EncodedCorpus, encode_sentences, prepare
from tfgraphs.word2vec.text.vocabulary import Vocabulary

__all__ = ["CorpusError", "EncodedCorpus", "TextSettings", "Vocabulary", "encode_sentences", "prepare"]
