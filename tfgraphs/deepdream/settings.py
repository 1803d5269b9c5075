"""How pictures dream, and how features are visualized. Importing this does not import TensorFlow."""

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, ClassVar

from tfgraphs.errors import TfgraphsError
from tfgraphs.settings_checks import CheckedSettings

SMALLEST_SIDES = {"pool1": 5, "fire2": 5, "fire3": 5, "pool3": 13, "fire4": 13, "fire5": 13, "pool5": 29}
SMALLEST_SIDES |= dict.fromkeys(("fire6", "fire7", "fire8", "fire9"), 29)
"""Shortest side in pixels of pictures for layers of SqueezeNet, as `View.smallest` says, known before TensorFlow is."""

if TYPE_CHECKING:
    import keras


class DreamError(TfgraphsError):
    """The settings of a dream are out of range or do not go together."""


class NoGradientError(DreamError):
    """The objective has no gradient anywhere in a picture, so that the dream is the picture."""


class FeatureError(TfgraphsError):
    """The settings of a visualization are out of range or do not go together."""


class DeadUnitError(TfgraphsError):
    """The unit does not respond to any change of the picture."""


@dataclass(frozen=True)
class DreamSettings(CheckedSettings):
    """How a picture dreams.

    Attributes:
        steps: gradient steps, split evenly between the octaves; at least 1.
        optimizer: a Keras optimizer or its name.
        seed: of the random shifts, at least 0.
        tile_size: longest side in pixels of the tiles in which a picture is computed; 0 for no tiles.
        octaves: largest number of sizes, at most 100; those with a side below 48 pixels, or too small for a layer, are
            left out.
        octave_scale: factor between octaves, more than 1.
        step_size: learning rate of an optimizer given by name, at least 0. For "sgd" it is the length of a step on the
            scale 0..1, at most 1, as `normalize` measures it. For "none" it is a factor of the gradient.
        normalize: how gradients are normalised: `mean_abs`, by their mean absolute value; `std`, by their standard
            deviation; `laplacian`, by the root mean square of each level of a pyramid, which balances coarse and fine
            structures: smooth pictures; or `none`; see `gradients`.
        jitter: largest random shift in each step, in pixels.
        iterations: steps at each octave, instead of `steps`.
        chroma: factor of how far colours follow the network, 0 to 100; 0 keeps the colours of the picture, 1 with both
            blurs at 0 is the neon of 2015.
        blur: standard deviation in pixels, at most 100, of the Gaussian that smooths what changes lightness in each
            step; 0 for none.
        chroma_blur: the same for what changes colours: they change in patches, not in fringes.
        grey: whether red, green and blue change alike, so that a grey picture stays grey; by default for grey pictures
            and for networks that see greys.

    Raises:
        DreamError: a value is out of range.
    """

    steps: int = 120
    optimizer: "str | keras.optimizers.Optimizer" = "sgd"
    seed: int = 0
    tile_size: int = 0
    octaves: int = 5
    octave_scale: float = 1.4
    step_size: float = 0.7 / 255
    normalize: str = "mean_abs"
    jitter: int = 32
    iterations: int | None = None
    chroma: float = 0.3
    blur: float = 0.7
    chroma_blur: float = 3.0
    grey: bool | None = None

    ERROR: ClassVar = DreamError
    CHOICES: ClassVar = {"normalize": ("mean_abs", "std", "laplacian", "none")}
    LEAST: ClassVar = {
        **dict.fromkeys(("steps", "iterations", "octaves"), 1),
        **dict.fromkeys(("seed", "tile_size", "step_size", "jitter", "chroma", "blur", "chroma_blur"), 0),
    }
    ABOVE: ClassVar = {"octave_scale": 1}
    MOST: ClassVar = {**dict.fromkeys(("octaves", "chroma", "blur", "chroma_blur"), 100), "jitter": 10_000}

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, most in self.MOST.items():
            if getattr(self, name) > most:
                raise DreamError(f"{name} is {getattr(self, name)}: it must be at most {most:,}")
        largest = 1e30 if self.normalize == "none" else 1  # products with it stay finite
        if self.step_size > largest:
            raise DreamError(
                f"step_size is {self.step_size:g} on the scale 0..1: with {self.normalize} it is at most {largest:g}"
            )

    @property
    def most_steps(self) -> int:
        """Steps for a picture that has all octaves."""
        return self.steps if self.iterations is None else self.iterations * self.octaves


@dataclass(frozen=True)
class Style:
    """The defaults of a style.

    Attributes:
        steps, optimizer: as of `FeatureSettings`.
        step_size: of the pixel styles: on the scale 0..1, the standard deviation of a step, for "laplacian" the root
            mean square in each level; of the others: the learning rate.
        octaves: number of sizes.
        views: differently transformed views of each picture in each step.
        decay, chroma_blur: of `Fourier`.
    """

    steps: int
    step_size: float
    optimizer: "str | keras.optimizers.Optimizer" = "sgd"
    octaves: int = 1
    views: int = 1
    decay: float = 1.0
    chroma_blur: float = 0.0


STYLES = {
    "naive": Style(steps=20, step_size=1 / 255),
    "multiscale": Style(steps=60, step_size=1 / 255, octaves=3),
    "laplacian": Style(steps=60, step_size=1 / 255, octaves=3),
    "fourier": Style(steps=256, step_size=0.05, optimizer="adam", decay=0.8, chroma_blur=1.0),
    "maco": Style(steps=256, step_size=0.1, optimizer="adam", views=2),
}
PIXEL_STYLES = ("naive", "multiscale", "laplacian")


@dataclass(frozen=True)
class FeatureSettings(CheckedSettings):
    """How features are visualized.

    Attributes:
        steps: gradient steps, over all octaves; by default those of the style.
        optimizer: a Keras optimizer or its name; by default that of the style.
        seed: of the first picture and all random transforms, at least 0.
        style: one of `STYLES`.
        size: height and width in pixels.
        batch: number of pictures.
        step_size, octaves, views, decay, chroma_blur: see `Style`; by default those of the style.
        octave_scale: factor between octaves, more than 1.
        alpha: whether pictures have an opacity; for the style "fourier".
        diversity: weight of the differences between the pictures of a batch, relative to the objective.
        robust: whether pictures are transformed before the network sees them.
        grey: whether the pictures are grey; by default for networks that see greys.

    Raises:
        FeatureError: a value is out of range, or two do not go together.
    """

    steps: int | None = None
    optimizer: "str | keras.optimizers.Optimizer | None" = None
    seed: int = 0
    style: str = "fourier"
    size: tuple[int, int] = (224, 224)
    batch: int = 1
    step_size: float | None = None
    octaves: int | None = None
    views: int | None = None
    decay: float | None = None
    chroma_blur: float | None = None
    octave_scale: float = 1.4
    alpha: bool = False
    diversity: float = 0.0
    robust: bool = True
    grey: bool | None = None

    ERROR: ClassVar = FeatureError
    CHOICES: ClassVar = {"style": tuple(STYLES)}
    LEAST: ClassVar = {
        **dict.fromkeys(("batch", "steps", "octaves", "views"), 1),
        **dict.fromkeys(("step_size", "decay", "chroma_blur", "diversity", "seed"), 0),
    }
    ABOVE: ClassVar = {"octave_scale": 1}

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.size) != 2 or not min(self.size) >= 1:
            raise FeatureError(f"size is {self.size}: give height and width, both at least 1")
        if self.alpha and self.style != "fourier":
            raise FeatureError(f"alpha is for the style fourier, not for {self.style}")
        if self.diversity and self.batch == 1:
            raise FeatureError("diversity is between the pictures of a batch: give a batch of at least 2")

    @property
    def of_style(self) -> Style:
        """The style with the values that are set here."""
        given = {field.name: getattr(self, field.name) for field in fields(Style)}
        return replace(STYLES[self.style], **{name: value for name, value in given.items() if value is not None})
