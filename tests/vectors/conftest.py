"""What tests of word vectors share."""

import pytest

from tfgraphs.files.packaged import PackageError
from tfgraphs.vectors.loading import load_glove
from tfgraphs.vectors.word_vectors import FormatError, WordVectors


@pytest.fixture(scope="session")
def glove() -> WordVectors:
    """The packaged vectors."""
    try:
        return load_glove()
    except (PackageError, FormatError) as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def frequent(glove) -> WordVectors:
    """The most frequent 100,000 of the packaged words."""
    return WordVectors(glove.words[:100_000], glove.matrix[:100_000])
