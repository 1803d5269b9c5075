"""How a photograph is painted, and through which layers of each network."""

from collections.abc import Mapping
from dataclasses import dataclass

from tfgraphs.backbones import Backbone
from tfgraphs.neural_style.losses import FORMS, STATISTICS
from tfgraphs.neural_style.regions import StyleError

_VGG = ("conv4_2", {f"conv{block}_1": 1.0 for block in range(1, 6)})  # those of Gatys et al., arXiv 1508.06576

LAYERS: dict[str, tuple[str, dict[str, float]]] = {
    "squeezenet": (
        "fire5",
        {"conv1": 1.0, "fire2": 1.0, "fire3": 1.0, "fire4": 0.7, "fire5": 0.7, "fire7": 0.4, "fire9": 0.2},
    ),
    "vgg": _VGG,
    "googlenet": (
        "mixed3a",
        {"conv2d0": 1.0, "conv2d2": 1.0, "mixed3a": 1.0, "mixed3b": 1.0, "mixed4a": 0.7, "mixed4c": 0.4},
    ),
    "resnet": (
        "conv3_block4_out",
        {"conv1_relu": 1.0, "conv2_block2_out": 1.0, "conv2_block3_out": 1.0, "conv3_block2_out": 0.7},
    ),
}
"""For networks whose name begins so: the layer of the content, and those of the style with their weights."""

WEIGHTS = {"normalized": (0.15, 1.1), "paper": (1e-3, 0.0)}
"""For each form of the losses: of the content, and of the total variation."""


@dataclass(frozen=True)
class StyleSettings:
    """How a photograph is painted.

    Attributes:
        loss: form of the losses, one of `losses.FORMS`.
        statistic: what of activations is compared as style, one of `losses.STATISTICS`.
        content_layer: where the photograph's content is compared. None: that of `LAYERS`.
        style_layers: where the paintings' style is compared, each with its weight. None: those of `LAYERS`.
        content_weight: of the content loss, whose style loss has a weight of 1: alpha / beta of the paper, where it is
            between 1e-4 and 1e-3. None: one that suits the form.
        variation_weight: of the total variation, which keeps noise away. None: one that suits the form.
        optimizer: a stock Keras optimizer by name, or "lbfgs".
        steps: in all; the coarsest scale gets three times as many as the finest.
        learning_rate: of the optimizer at the start of a scale, in values on the scale 0..1; it falls to nearly none.
            L-BFGS has none.
        style_scale: longer side of the paintings relative to the picture's. They are never enlarged.
        seed: of the noise to start from and of the shifts.
    """

    loss: str = "normalized"
    statistic: str = "gram"
    content_layer: str | None = None
    style_layers: Mapping[str, float] | None = None
    content_weight: float | None = None
    variation_weight: float | None = None
    optimizer: str = "adam"
    steps: int = 650
    learning_rate: float = 6 / 255
    style_scale: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("content_weight", "variation_weight", "seed"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise StyleError(f"{name} is {value}: it cannot be negative")
        for name in ("steps", "learning_rate", "style_scale"):
            if not getattr(self, name) > 0:
                raise StyleError(f"{name} is {getattr(self, name)}: it must be more than 0")
        for name, known in (("loss", FORMS), ("statistic", STATISTICS)):
            if getattr(self, name) not in known:
                raise StyleError(f"{name} is {getattr(self, name)!r}: it is one of {', '.join(known)}")
        if self.style_layers is not None:
            weights = list(self.style_layers.values())
            if not (weights and min(weights) >= 0 and sum(weights) > 0):
                raise StyleError(
                    f"style_layers are {dict(self.style_layers)}: name layers, none with a negative weight"
                )

    def layers(self, backbone: Backbone) -> tuple[str, dict[str, float]]:
        """Where content and style are compared in a network: the layer of the one, those of the other with weights.

        Raises:
            LayerError: the network has no such layer.
            StyleError: the settings do not say, and nobody has chosen layers of this network.
        """
        known = next((own for name, own in LAYERS.items() if backbone.name.startswith(name)), (None, None))
        content, style = self.content_layer or known[0], self.style_layers or known[1]
        if content is None or style is None:
            raise StyleError(
                f"there is no choice of layers of {backbone.name}: say where to compare content and where style"
            )
        for layer in (content, *style):
            backbone.view(layer)
        return content, dict(style)

    def weights(self) -> tuple[float, float]:
        """Those of the content loss and of the total variation."""
        content, variation = WEIGHTS[self.loss]
        return (
            content if self.content_weight is None else self.content_weight,
            variation if self.variation_weight is None else self.variation_weight,
        )
