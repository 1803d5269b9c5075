"""How a photograph is painted, and through which layers of each network."""

from collections.abc import Mapping
from dataclasses import dataclass

from tfgraphs.backbones import Backbone
from tfgraphs.neural_style.losses import FORMS
from tfgraphs.neural_style.regions import StyleError
from tfgraphs.neural_style.statistics import STATISTICS

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
    "resnet": ("layer2", {"conv1_relu": 1.0, "layer1": 1.0, "layer2": 1.0, "layer3": 0.5}),
}
"""For networks whose name begins so: the layer of the content, and those of the style with their weights.

Activations of ResNets have few large values, which spoils sums of squared errors; Wang, Li and Vasconcelos (arXiv
2104.05623) smooth them with a softmax, or damp those of deep layers to a thousandth. Relative errors need neither: with
a softmax over channels a ResNet-50's paintings became grey, with the logarithm of 1 + F they looked the same. What
matters is that deep layers are there: without `layer3`, and with `layer2` from its middle, skies had no swirls.
"""

WEIGHTS = {"normalized": (0.15, 1.1), "paper": (1e-3, 0.0)}
"""For each form of the losses: of the content, and of the total variation."""

WHOLE = 1_200_000_000
"""Bytes of activations up to which a picture is looked at whole; with gradients they take about twice that."""

TILE = 1024  # longest side of a tile in pixels, where nobody asks for another


@dataclass(frozen=True)
class StyleSettings:
    """How a photograph is painted.

    Attributes:
        loss: form of the losses, one of `losses.FORMS`.
        statistic: what of activations is compared as style, one of `statistics.STATISTICS`.
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
        tile_size: longest side of the tiles in which pictures are looked at; 0 for whole pictures at once. None: tiles
            for those that would take more than WHOLE bytes.
        every: in layers with many positions a step compares style at every so many of them down and across, from
            another corner each time; 1: at all. None: at some two thousand of each layer, at most a quarter, which
            costs half the time and ends at the same loss, but at all where a loss is to be exact: the paper's, or one
            that L-BFGS follows for many steps.
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
    tile_size: int | None = None
    every: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("content_weight", "variation_weight", "tile_size", "seed"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise StyleError(f"{name} is {value}: it cannot be negative")
        for name in ("steps", "learning_rate", "style_scale", "every"):
            value = getattr(self, name)
            if value is not None and not value > 0:
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

    def tile(self, backbone: Backbone, size: tuple[int, int]) -> int:
        """The size of the tiles in which a picture of a size is looked at, 0 for the whole picture at once.

        Raises:
            StyleError: the style cannot be compared in tiles.
        """
        content, style = self.layers(backbone)
        layers, local = [content, *style], STATISTICS[self.statistic].local
        if self.tile_size and not local:
            raise StyleError(f"{self.statistic} needs the whole picture: leave the tiles out, or take gram")
        if self.tile_size is not None:
            return self.tile_size
        numbers = size[0] * size[1] * backbone.footprint(layers)
        possible = local and all(backbone.view(layer).receptive_field for layer in layers)
        return TILE if possible and numbers * 4 > WHOLE else 0

    def spacing(self) -> int | None:
        """At every how many positions of a layer with many of them a step compares style; None: as leaves enough."""
        exact = self.loss == "paper" or self.optimizer.lower() == "lbfgs" or not STATISTICS[self.statistic].local
        return 1 if exact and self.every is None else self.every

    def weights(self) -> tuple[float, float]:
        """Those of the content loss and of the total variation."""
        content, variation = WEIGHTS[self.loss]
        return (
            content if self.content_weight is None else self.content_weight,
            variation if self.variation_weight is None else self.variation_weight,
        )
