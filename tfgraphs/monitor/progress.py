"""The progress of a run, which every technique yields, and which the terminal, TensorBoard and pages display."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Progress:
    """One state of a run.

    Attributes:
        step: steps done in the whole run, all stages together.
        stage: the part of the run, as text: "octave 2 of 4, 640 x 480".
        done: share of the work of the whole run that is done, 0..1.
        loss: the loss of the last step, NaN if there is none.
        terms: named parts of the loss.
        picture: the present picture, float32 [height, width, 3] in 0..1, for techniques that make one.
        figures: other numbers of this step, by name.
        texts: Markdown texts of this step, by name.
    """

    step: int
    stage: str
    done: float
    loss: float
    terms: Mapping[str, float] = field(default_factory=dict)
    picture: np.ndarray | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
