"""Damping, and the size of a step: how many pairs are updated at once.

The published algorithm updates its rows after each pair. Here all pairs of a step see the rows as they were before it,
and their gradients add up. The pull on a row is

    pull = learning rate * expected number of pairs of the step that contain the row

Where it is large, the row overshoots. So each row keeps only a share of its gradient,

    share = min(1, limit / pull)

and a step has fewer words where even the average row would overshoot: in small vocabularies.
`TrainingSettings.damping` and `words_per_step` change both, and switch them off. The limits are measured; without
damping, skip-gram with steps of 2,048 words diverges on half a million words of text.
"""

import numpy as np

from tfgraphs.word2vec.settings import TrainingSettings

LENGTH = 32  # consecutive words that a step reads in one place of the text
PLACES = 64  # places that are read at once, in a long text
MORE_PLACES = 128  # the same with many workers and negative sampling; with 256, 15 million words diverged
FEW = 4  # workers, beyond which there are many
FREE_PLACES = 16  # for each worker, where many train freely
STEPS = 1000  # that a training takes at least, if a step has more than PLACES
LIMIT = 7.5  # pull beyond which a row begins to overshoot
OF_LOSS = {"nce": 0.2, "softmax": 0.2, "sampled_softmax": 0.4, "hierarchical_softmax": 0.4}  # share of the limit
OF_TIED = 0.2  # at most this share, as a tied row pulls at itself
CROWDED = 1.5  # pull on the average row beyond which all overshoot together
CROWDED_SOFTMAX = 0.3  # the same for the whole softmax
FOCUSED = 60  # learning rate * pairs of a step, as a whole softmax may turn all of them on one row; tied a third
MAX_LOGITS = 1 << 25  # of a whole softmax in a step, to bound its memory


def pairs_of(settings: TrainingSettings, words: int) -> int:
    """Return the number of pairs of some centres: one each in CBOW, otherwise the sum of the weights of a window."""
    return words * (1 if settings.architecture == "cbow" else settings.window + 1)


class Damping:
    """How many words a step has, and how much of its gradient each row keeps.

    Args:
        settings: of the training.
        chances: probability of each word in the subsampled text, float64 [words].
        pulls: of the output layer, see `OutputLayer`, float64 [rows].
    """

    def __init__(self, settings: TrainingSettings, chances: np.ndarray, pulls: np.ndarray) -> None:
        self._settings, self._chances, self._pulls = settings, chances, pulls
        self._rate = max(settings.rates[0], 1e-9)
        self._crowded = CROWDED_SOFTMAX if settings.loss == "softmax" else CROWDED

    def places(self, words: int, length: int) -> int:
        """Return how many places of a text of some words can be read at once, `length` words in each."""
        settings = self._settings
        if settings.words_per_step is not None:
            return max(1, min(settings.words_per_step, words) // length)
        limits = [PLACES, words // (8 * length)]
        if settings.loss == "negative_sampling" and settings.cores > FEW:
            most = FREE_PLACES * settings.cores if settings.free else MORE_PLACES
            limits[0] = max(PLACES, min(most, words // (STEPS * length)))
        limits.append(int(self._crowded / self._average_pull(length)))
        if settings.loss == "softmax":
            pulls = self._rate * pairs_of(settings, length)
            limits.append(int(FOCUSED / (3 if settings.tied else 1) / pulls))
            limits.append(MAX_LOGITS // (length * len(self._pulls)))
        return max(1, min(limits))

    def pairs(self, words: int) -> tuple[np.ndarray, np.ndarray]:
        """Return in how many pairs of a step each row of the inputs and of the outputs is, float64 [rows] each.

        `words` is the number of centres in a step.
        """
        settings = self._settings
        inputs = words * (settings.window + 1) * self._chances * self._pulls.sum()
        outputs = pairs_of(settings, words) * self._pulls
        if settings.architecture == "cbow" and settings.cbow_gradient == "mean":
            inputs /= settings.window + 1
        if settings.tied:
            inputs[: len(outputs)] += outputs
            outputs = inputs
        return inputs, outputs

    def shares(self, words: int) -> tuple[np.ndarray, np.ndarray]:
        """Return how much of its gradient each row of the inputs and of the outputs keeps, float64 [rows] each.

        `words` is the number of centres in a step.
        """
        settings = self._settings
        if not settings.damping:
            return np.ones(len(self._chances)), np.ones(len(self._pulls))
        inputs, outputs = self.pairs(words)
        limit = LIMIT * min(OF_LOSS.get(settings.loss, 1), OF_TIED if settings.tied else 1) / settings.damping
        limit = limit * min(1, self._crowded / self._average_pull(words)) / self._rate
        inputs, outputs = (np.minimum(1, limit / np.maximum(pairs, 1e-9)) for pairs in (inputs, outputs))
        return inputs, outputs

    def _average_pull(self, words: int) -> float:
        pairs = words * (self._settings.window + 1) * float(self._pulls.sum())
        return self._rate * pairs / len(self._chances)
