"""The progress of a run, which every technique yields, and which the terminal, TensorBoard and pages display."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tfgraphs.monitor import html

_PICTURE_SIDE = 384  # longer side of a displayed picture, in pixels


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
    picture: np.ndarray | None = field(default=None, repr=False)
    figures: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        """Returns stage, bar, picture and losses for notebooks."""
        parts = [html.line(f"{self.stage}: {self.done:.0%}"), html.bar(self.done)]
        if self.picture is not None:
            from tfgraphs.pictures.picture_array import FASTEST, encode_png  # imports Pillow

            png = encode_png(self.picture, _PICTURE_SIDE, FASTEST)  # one of many pictures of a run
            parts.append(f"<div>{html.image(png, self.stage)}</div>")
        if not math.isnan(self.loss):
            terms = {"loss": self.loss, **self.terms}
            parts.append(html.table(["Term", "Value"], [(name, f"{term:.4g}") for name, term in terms.items()]))
        return "\n".join(parts)

    def of_whole(self, what: str, number: int, count: int, steps_before: int, first_work: float = 1.0) -> "Progress":
        """Returns the progress of a run over several frames or pictures, from that of one of them.

        Args:
            what: "frame" or "picture".
            number, count: of the frame or picture, from 0, and how many there are.
            steps_before: steps of those before it.
            first_work: work of the first, as a multiple of that of each other.
        """
        before, own = (number - 1 + first_work, 1.0) if number else (0.0, first_work)
        return replace(
            self,
            step=steps_before + self.step,
            stage=f"{what} {number + 1} of {count}, {self.stage}",
            done=(before + own * self.done) / (count - 1 + first_work),
        )
