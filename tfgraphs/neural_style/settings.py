"""How a photograph is painted, and through which layers of each network."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from tfgraphs.graphs import processor
from tfgraphs.neural_style.regions import StyleError
from tfgraphs.settings_checks import CheckedSettings

if TYPE_CHECKING:
    import keras

    from tfgraphs.backbones.backbone import Backbone


class Weights(NamedTuple):
    """The weights of the parts of the loss, where the style of the layers has 1."""

    content: float
    variation: float
    chroma: float
    palette: float


class Choice(NamedTuple):
    """How a network paints best, found by looking at paintings and by a judge, see benchmarks/paintings.py.

    Attributes:
        content_layer, style_layers: as of `StyleSettings`; None: there is no choice of layers.
        statistic: as of `StyleSettings`.
        weights: of the parts of the loss.
        transport: the same for `transport`, whose errors are smaller.
        octaves: as of `StyleSettings`; for `transport` 1.
        pooling: as of `backbones.load`.
        supersampling: as of `StyleSettings`.
    """

    content_layer: str | None = None
    style_layers: Mapping[str, float] | None = None
    statistic: str = "covariance"
    weights: Weights = Weights(1.0, 3.0, 20.0, 8.0)
    transport: Weights = Weights(0.28, 4.0, 20.0, 8.0)
    octaves: int = 3
    pooling: str = "average"
    supersampling: float = 1.0


NETWORKS: dict[str, Choice] = {
    "squeezenet": Choice(
        "fire5",
        dict.fromkeys(("conv1", "fire2", "fire3", "fire4", "fire5", "fire7", "fire9"), 1.0),
        statistic="transport",
        weights=Weights(1.35, 2.5, 60.0, 4.0),
        transport=Weights(0.28, 4.0, 60.0, 4.0),
        supersampling=1.5,
    ),
    "vgg": Choice(
        "conv4_2",
        {f"conv{block}_1": 1.0 for block in range(1, 6)},  # those of Gatys et al., arXiv 1508.06576
        statistic="transport",
        weights=Weights(0.5, 1.0, 20.0, 4.0),
        transport=Weights(0.22, 1.6, 20.0, 4.0),
        octaves=1,
        pooling="max",
    ),
    "googlenet": Choice(
        "mixed3a",
        {"conv2d0": 1.0, "conv2d2": 1.0, "mixed3a": 1.0, "mixed3b": 1.0, "mixed4a": 0.7, "mixed4c": 0.4},
    ),
    "resnet": Choice("layer2", {"conv1_relu": 1.0, "layer1": 1.0, "layer2": 1.0, "layer3": 0.5}),
}
"""For networks whose name begins so: how they paint.

With max pooling SqueezeNet's pictures are noisy. It leaves ripples of four pixels; a larger picture, reduced at the
end, keeps few of them. With average pooling VGG's strokes are blurred, and lie on a lattice. With covariances
SqueezeNet sees half and a quarter of the picture as well, or its strokes stay short; VGG has long ones at one octave,
and three would take a third longer. Transport was not tried with the others.

Activations of ResNets have few large values, which spoils sums of squared errors; Wang, Li and Vasconcelos (arXiv
2104.05623) smooth them with a softmax, or damp those of deep layers to a thousandth. Relative errors need neither: with
a softmax over channels a ResNet-50's paintings became grey, with the logarithm of 1 + F they looked the same. What
matters is that deep layers are there: without `layer3`, and with `layer2` from its middle, skies had no swirls.
"""

PAPER = Weights(1e-3, 0.0, 0.0, 0.0)
SAMPLING = ("sliced_wasserstein", "transport")  # statistics of features that are sampled in each step
TILE = 1024  # longest side of a tile by default, in pixels; on a GPU with much memory more
CROP = 256  # side of the crops of photographs that networks are trained on by default, in pixels


@dataclass(frozen=True)
class StyleSettings(CheckedSettings):
    """How a photograph is painted.

    Attributes:
        steps: gradient steps at all scales together; the coarsest scale gets three times as many as the finest.
        optimizer: name of a Keras optimizer, a Keras optimizer, of which each scale uses a copy, or "lbfgs".
        seed: of the noise to start from and of the shifts.
        tile_size: longest side in pixels of the tiles in which pictures are processed; 0: pictures as a whole. None:
            tiles for pictures whose activations take more than 1.2 GB, or a quarter of a GPU's memory.
        loss: `normalized`, errors relative to their targets, or `paper`, as published; see `style_loss`.
        statistic: what of activations is compared as style: `covariance`, of each two channels, and the mean of each;
            `gram`, products of channels; `mean_variance`, mean and deviation of each; `sliced_wasserstein`, their
            distribution; or `transport`, the way to turn some into others; see `statistics`. Default: transport for
            SqueezeNet and VGG, covariance for others, gram for `paper`.
        content_layer: where the photograph's content is compared. Default: chosen for the network; see `NETWORKS`.
        style_layers: where the paintings' style is compared, each with its weight; only proportions count. Default:
            chosen for the network; see `NETWORKS`.
        content_weight: weight of the content loss, where the style loss has 1: alpha / beta of the paper, which has
            1e-4 to 1e-3. For `transport` it is that of the finest scale. Default: 0.28, for VGG 0.22, for `paper`
            0.001. Covariances need more, 1.35 and 0.5.
        variation_weight: weight of the total variation of lightness: more is smoother. Default: 4, for VGG 1.6, for
            `paper` 0.
        chroma_weight: weight of the total variation of colours without their lightness: more has less coloured noise.
            Default: 60, for VGG 20, for `paper` 0.
        palette_weight: weight of the painting's colours themselves, their mean and covariance, beside the layers.
            Default: 4, for `paper` 0.
        octaves: at how many sizes of the picture style is compared: itself, its half, its quarter ...; a size counts
            half as much as the one above it. More gives longer strokes. Default: 1, for covariances 3, with VGG 1.
        learning_rate: at the start of a scale, in values of pixels, 0..1; it falls to 2 % along a cosine. L-BFGS and a
            Keras optimizer have their own.
        style_scale: longer side of the paintings relative to the photograph's. They are never enlarged.
        supersampling: how many times as large as the photograph a picture is painted, which is reduced at the end.
            More leaves fewer ripples and takes longer. Default: for SqueezeNet 1.5, if the larger picture needs no
            tiles; otherwise 1.
        style_stride: distance between the positions of a layer at which a step compares style, down and across; 1
            compares at all of them. Default: about two thousand positions of each layer, at most a quarter, which takes
            half the time and ends at the same loss; but all of them for `paper` and L-BFGS, where the loss is exact.
        grey: whether the result is grey: one channel is optimised, which the network sees as red, green and blue. By
            default if the photograph and all paintings are grey; three channels would get coloured fringes.

    Raises:
        StyleError: a value makes no sense.
    """

    steps: int = 900
    optimizer: "str | keras.optimizers.Optimizer" = "adam"
    seed: int = 0
    tile_size: int | None = None
    loss: str = "normalized"
    statistic: str | None = None
    content_layer: str | None = None
    style_layers: Mapping[str, float] | None = None
    content_weight: float | None = None
    variation_weight: float | None = None
    chroma_weight: float | None = None
    palette_weight: float | None = None
    octaves: int | None = None
    learning_rate: float = 20 / 255
    style_scale: float = 1.0
    supersampling: float | None = None
    style_stride: int | None = None
    grey: bool | None = None

    ERROR: ClassVar = StyleError
    CHOICES: ClassVar = {
        "loss": ("normalized", "paper"),
        "statistic": ("covariance", "gram", "mean_variance", "sliced_wasserstein", "transport"),
    }
    LEAST: ClassVar = {
        **dict.fromkeys(("steps", "style_stride", "octaves", "supersampling"), 1),
        **dict.fromkeys(("seed", "tile_size"), 0),
        **dict.fromkeys((f"{part}_weight" for part in Weights._fields), 0),
    }
    ABOVE: ClassVar = {"learning_rate": 0, "style_scale": 0}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.style_layers is not None:
            weights = list(self.style_layers.values())
            if not (weights and min(weights) >= 0 and sum(weights) > 0):
                raise StyleError(
                    f"style_layers are {dict(self.style_layers)}: name layers, none with a negative weight"
                )

    @property
    def optimizer_name(self) -> str:
        """The name of the optimizer in lower case; empty for a Keras optimizer."""
        return self.optimizer.lower() if isinstance(self.optimizer, str) else ""

    def layers(self, backbone: "Backbone") -> tuple[str, dict[str, float]]:
        """The content layer of a network, and its style layers with their weights.

        Raises:
            LayerError: the network has no such layer.
            StyleError: the settings name no layers, and there is no choice of layers for this network.
        """
        choice = choice_of(backbone.name)
        content, style = self.content_layer or choice.content_layer, self.style_layers or choice.style_layers
        if content is None or style is None:
            raise StyleError(
                f"there is no choice of layers for {backbone.name}: set content_layer and style_layers "
                "(--content_layer, --style_layers)"
            )
        for layer in (content, *style):
            backbone.view(layer)
        return content, dict(style)

    def tile(self, backbone: "Backbone", size: tuple[int, int]) -> int:
        """The size of the tiles in which a picture of a size is processed; 0 for the picture as a whole."""
        if self.tile_size is not None:
            return self.tile_size
        content, style = self.layers(backbone)
        layers = [content, *style]
        possible = all(backbone.view(layer).receptive_field for layer in layers)
        larger = math.sqrt(processor.current().largest_whole / processor.LARGEST_WHOLE)
        return int(TILE * larger) if possible and size[0] * size[1] > _most_pixels(backbone, layers) else 0

    def supersamples(self, backbone: "Backbone") -> tuple[float, float]:
        """The `largest_factor`, and how many pixels the larger picture may have; others are painted in their size."""
        content, style = self.layers(backbone)
        limit = _most_pixels(backbone, [content, *style]) if self.supersampling is None else math.inf
        return self.largest_factor(backbone.name), limit

    def stride(self, network: str) -> int | None:
        """`style_stride`, or 1 where the loss has to be exact or the statistic draws its own positions.

        Raises:
            StyleError: both are given.
        """
        statistic = self.compared_statistic(network)
        samples, exact = statistic in SAMPLING, self.loss == "paper" or self.optimizer_name == "lbfgs"
        if samples and self.style_stride is not None:
            raise StyleError(f"{statistic} samples positions: leave style_stride out, or take statistic covariance")
        return 1 if (exact or samples) and self.style_stride is None else self.style_stride

    def weights(self, network: str) -> Weights:
        """The weights, where they are None those chosen for a network of this name, or the paper's.

        They are those of the finest scale; see `content_grows`.
        """
        given = {part: getattr(self, f"{part}_weight") for part in Weights._fields}
        choice = choice_of(network)
        if self.loss == "paper":
            chosen = PAPER
        else:
            chosen = choice.transport if self.compared_statistic(network) == "transport" else choice.weights
        return chosen._replace(**{part: weight for part, weight in given.items() if weight is not None})

    def content_grows(self, network: str) -> bool:
        """Whether the content weight is divided by the size of a scale relative to the finest.

        `transport` places large shapes of the painting anywhere; so the photograph decides on the coarse scales, and
        the painting on the fine ones, as in STROTSS (arXiv 1904.12785). Each time the size halves the weight doubles.
        """
        return self.compared_statistic(network) == "transport"

    def compared_octaves(self, network: str) -> int:
        """`octaves`, or those chosen for a network of this name."""
        one = self.loss == "paper" or self.compared_statistic(network) == "transport"
        return self.octaves or (1 if one else choice_of(network).octaves)

    def largest_factor(self, network: str) -> float:
        """`supersampling`, or that chosen for a network of this name, which is for pictures that need no tiles."""
        return self.supersampling or (1.0 if self.loss == "paper" else choice_of(network).supersampling)

    def pooling(self, network: str) -> str:
        """How a network of this name pools, see `backbones.load`; the paper, too, replaces the maximum by the mean."""
        return "average" if self.loss == "paper" else choice_of(network).pooling

    def compared_statistic(self, network: str) -> str:
        """`statistic`, or that chosen for a network of this name, or the paper's."""
        return self.statistic or ("gram" if self.loss == "paper" else choice_of(network).statistic)


def _most_pixels(backbone: "Backbone", layers: Sequence[str]) -> float:
    """How many pixels a picture may have that is computed at once."""
    return processor.current().largest_whole / 4 / backbone.footprint(layers)


def choice_of(network: str) -> Choice:
    """How a network of this name paints; of others nothing is known but what suits most."""
    return next((choice for begin, choice in NETWORKS.items() if network.startswith(begin)), Choice())
