"""Settings of the training of a network that paints in one pass."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Union

from tfgraphs.neural_style.regions import StyleError
from tfgraphs.neural_style.settings import SAMPLING, StyleSettings
from tfgraphs.settings_checks import CheckedSettings

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class NetworkSettings(CheckedSettings):
    """How a network is trained.

    Attributes:
        steps: gradient steps.
        optimizer: name of a Keras optimizer, or a Keras optimizer.
        seed: of the initial weights, the crops and the shifts.
        batch: crops in a step, of all workers together.
        learning_rate: at its highest. It rises first, as gradients are largest in the beginning, and falls to 2 %
            along a cosine. A Keras optimizer has its own.
        style_size: longer side to which the painting is reduced, in pixels: how large strokes are.
    """

    steps: int = 2000
    optimizer: Union[str, "keras.optimizers.Optimizer"] = "adam"
    seed: int = 0
    batch: int = 2
    learning_rate: float = 0.003
    style_size: int = 384

    ERROR: ClassVar = StyleError
    LEAST: ClassVar = {"steps": 1, "seed": 0, "batch": 1, "style_size": 1}
    ABOVE: ClassVar = {"learning_rate": 0}


def trainable(style: StyleSettings) -> StyleSettings:
    """The settings with which networks are trained: with covariances, unless another statistic is asked for.

    Raises:
        StyleError: another form of the losses, or a statistic of samples.
    """
    if style.loss != "normalized" or style.statistic in SAMPLING:
        raise StyleError(
            f"networks are trained with the loss normalized and a statistic such as covariance, not with {style.loss} "
            f"and {style.statistic}: leave both out"
        )
    return replace(style, statistic=style.statistic or "covariance")
