"""Paintings under different settings: how far they are from photograph and painting, measured by other networks.

    python benchmarks/paintings.py [balanced wild ...] [--size=320] [--pair=photo.jpg,painting.jpg ...]
        [--judge=resnet50 --judge=alexnet=file.npz ...] [--folder=DIR]

A painter may find anything that its own network cannot distinguish from the painting. So paintings are judged by other
networks: those of `--judge`, by default VGG-16 (extra `vgg`), each with a file of weights unless these are to be
downloaded. Content and style are the content loss and the style loss of the judge, the latter relative to that of the
photograph itself. Both are means over the pairs of photograph and painting. `variation` is the total variation relative
to the scaled painting's: noise has much of it. `colours` and `lattice` are the colour noise and the screen door of
`picture_noise`.

Measured in November 2026 with Gram matrices at one octave and no palette, the defaults of then, at 320 px, means over a
street in Tübingen as van Gogh's starry night, sample:astronaut as sample:swirls and sample:coffee as sample:embers, by
a ResNet-50 and an AlexNet with weights rounded to eight bits:

                               variation   ResNet-50: content   style   AlexNet: content   style
    the photograph                 0.491                0.000   1.000              0.000   1.000
    faithful                       0.667                0.718   0.209              0.735   0.297
    balanced, the default          0.602                0.822   0.165              0.888   0.200
    wild                           0.552                0.930   0.153              1.036   0.157
    mean and variance              0.512                0.763   0.192              0.810   0.271
    sliced Wasserstein             0.444                0.714   0.217              0.781   0.282
    loss of the paper              1.442                0.758   0.190              0.795   0.300
    L-BFGS                         0.555                0.783   0.150              0.864   0.204
    at all positions               0.586                0.815   0.161              0.892   0.201
    no variation                   1.371                0.836   0.156              0.866   0.194
    no shifts                      0.553                0.772   0.192              0.870   0.213
    max pooling                    0.961                0.786   0.145              0.925   0.180
    one scale                      0.663                0.896   0.200              0.962   0.297
    constant rate                  0.652                0.782   0.171              0.871   0.209
    constant rate, averaged        0.531                0.823   0.196              0.873   0.248
    averaged                       0.588                0.831   0.170              0.884   0.214

What was tried next, with SqueezeNet, covariances and a palette: the street as the starry night at 640 px, reduced to
512 px and judged by VGG-16 at the paper's layers. Unlike in the tables of this program, style is not relative to that
of the photograph. Seconds are those of the command; `shares` are those of the octaves, the first one first:

                                                              content   style   colours   seconds
    content 0.5, variation 2, palette 8, rate 10/255
        shares 1 : 2 : 4, 650 steps, the default before         1.614   0.185     0.042        45
        the same, 1,600 steps                                   1.543   0.190     0.031        75
        one octave, 1,600 steps                                 1.524   0.160     0.023        53
        the same, content 0.8                                   1.379   0.197     0.029        56
        the same, variation 4, 2,000 steps                      1.265   0.209     0.043        67
    content 0.7, variation 3, palette 4, shares 2 : 1, 1,300 steps
        rate 5/255                                              1.507   0.190     0.039
        rate 10/255                                             1.487   0.180     0.037
        rate 20/255                                             1.456   0.171     0.039
        fire7 and fire9 twice                                   1.556   0.190     0.040
        all of fire2 to fire9                                   1.480   0.186     0.040
        content at fire4                                        1.591   0.178     0.036
        content at fire7                                        1.991   0.172     0.036
    the same, content 0.8, rate 20/255
        from the photograph                                     1.404   0.177     0.040
        at all positions                                        1.439   0.178     0.039
        Gram matrices                                           1.138   0.244     0.039
        content 0.85, rate 38/255, from the photograph          1.429   0.181     0.044
    content 0.9, variation 3, palette 4, 1,600 steps of 20/255
        shares 1 : 1                                            1.371   0.197     0.044
        2 : 1                                                   1.377   0.186     0.040
        4 : 2 : 1                                               1.364   0.185     0.037
        from the photograph                                     1.373   0.192     0.036
        Nadam                                                   1.388   0.191     0.036
        L-BFGS, 650 steps                                       1.494   0.189     0.061
    content 1, variation 3, palette 8, shares 4 : 2 : 1, 1,300 steps of 20/255
        the default then                                        1.386   0.190     0.040        60
    content 0.9, variation 3, palette 4, 900 steps at 960 px, reduced to 640
        4 : 2 : 1                                               1.522   0.136     0.068
        content 1.3                                             1.409   0.156     0.078
        content 1.3, palette 8                                  1.489   0.146     0.073
        content 1.3, shares 2 : 1                               1.308   0.167     0.081
        content 1.3, variation 1.5, chroma 10                   1.416   0.146     0.098
        content 1.4, variation 1.5, chroma 25                   1.391   0.153     0.056
        content 1.6, variation 1.5, chroma 25, palette 8        1.400   0.148     0.058
        content 1.3, 450 steps at 1,280 px                      1.436   0.151     0.103
    content 1.35, variation 2.5, chroma 60, palette 4, 900 steps, supersampled from a photograph of 640 px
        the default then; now --statistic=covariance            1.366   0.166     0.033        74
        chroma 100                                              1.332   0.178     0.020
        chroma 25; a coffee as embers keeps fringes, 0.137      1.357   0.162     0.065
        chroma 25, content 1.2                                  1.417   0.156     0.063
        chroma 25, content 0.3                                  1.810   0.097     0.037
    transport, one octave, content 0.32 on all scales, the rest as above
                                                                1.311   0.158     0.027        87
        content 0.4                                             1.183   0.178     0.027        84
        content 0.25                                            1.438   0.135     0.026        87
        content 0.18                                            1.578   0.113     0.027        86
        two octaves, 4 px ripples                               1.611   0.111     0.023
        two octaves, content 0.55                               1.400   0.147     0.026       127
        no supersampling                                        1.591   0.141     0.009
        600 steps                                               1.352   0.153     0.031
        variation 5, softer and longer strokes                  1.287   0.190     0.043
        variation 4, content 0.28                               1.370   0.160     0.035        88
        nearest of the picture's features only, content 0.12    1.132   0.447     0.030
    the same with variation 4, the content weight divided by the relative size of the scale
        content 0.28, the default now                           1.208   0.177     0.035        88
        content 0.2                                             1.356   0.155     0.036        89

So the smaller octaves count less with covariances, which keeps swirls and stars with fewer ripples, the rate is twice
as high, and pictures are supersampled. Transport is ahead in both figures, and to the eye: loose strokes in place of
ripples, at small sizes too (sample:cat as sample:embers, 451 px, colour noise 0.053, before 0.13 or more). With the
same content weight on all scales it moved large shapes of the painting anywhere: with 0.28 an astronaut was lost in
swirls, of which a weight that grows on coarse scales leaves the face.

By `strokes.py` strokes in the street are 8.9 px long, wild 9.9, with covariances 8.6, where those of the starry night
at 640 px have 9.6; borders have 0.88 of the middle's fine lightness, wild 0.94 (painting 0.79, photograph 0.54).

With VGG-16 as painter, at 256 px to the eye: max pooling is crisp, average pooling blurs and leaves a lattice;
covariances have longer strokes than Gram matrices, and transport has swirls and stars where covariances have a haze.
Of content weights 0.1, 0.25 and 0.5 the first moves the town, the last keeps the photograph's sky. At 640 px with its
default, 0.22, strokes are 9.3 px long, the colour noise is 0.034 and the lattice 1.4. Octaves were not tried there.

This program, with the defaults of now at 640 px, judged by VGG-16; `larger` is the larger colour noise of photograph
and painting, and the last columns are of covariances, the default before. Colour noise exceeds `larger` where both have
hardly any, in the fourth pair. Transport takes more of the painting: style is lower in seven rows, content in two,
so a stronger `--content_weight` is what photographs of people need:

    pair                                 preset   variation  colours   larger  lattice content   style    before
    the street, the starry night         balanced     0.570    0.035    0.106    1.408   1.239   0.270   1.232   0.294
                                         faithful     0.545    0.037    0.106    1.632   0.960   0.374   1.028   0.361
                                         wild         0.586    0.036    0.106    1.424   1.477   0.211   1.462   0.231
    sample:astronaut, sample:swirls      balanced     0.866    0.024    0.078    2.086   1.194   0.188   1.002   0.262
    sample:coffee, sample:embers         balanced     0.782    0.045    0.097    1.807   1.424   0.222   1.297   0.274
    a mountain lake, Turner's shipwreck  balanced     0.728    0.074    0.035    1.669   1.195   0.267   1.062   0.396
    flowers, the starry night            balanced     0.637    0.035    0.256    2.434   1.222   0.128   0.934   0.231
    a cloudy sky, Turner's shipwreck     balanced     0.686    0.075    0.135    1.481   1.479   0.087   1.504   0.142

In the first table the presets are in their order on both scales. Several scales gain the most, and comparing style at a
part of the positions costs nothing. Averaging the iterates gains nothing beside a falling learning rate. What max
pooling and no variation gain in style comes with noise, as their variation shows.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from picture_noise import colour_noise, screen_door

from tfgraphs import backbones
from tfgraphs.cli.shared.command import print_table
from tfgraphs.cli.shared.presets import PAINTINGS
from tfgraphs.graphs.start import start
from tfgraphs.neural_style import StyleSettings, octaves, paint, shifts, style_loss, targets, transfer
from tfgraphs.neural_style.scales import scale_levels
from tfgraphs.neural_style.style_loss import content_sums, total_variation
from tfgraphs.optimize.pyramid import Canvas, Level
from tfgraphs.optimize.reports import Report
from tfgraphs.pictures import images, samples

PAIRS = ("sample:astronaut,sample:swirls", "sample:coffee,sample:embers", "sample:cat,sample:swirls")
JUDGED = StyleSettings(statistic="gram", palette_weight=0.0)  # how judges compare
ALEXNET = {"content_layer": "conv3", "style_layers": {"conv1": 1.0, "conv2": 1.0, "conv3": 1.0, "conv4": 1.0}}
AVERAGING = 0.98  # of the average so far that a step keeps


def constant(rate: float, *_: object, **__: object) -> float:
    """A schedule of the learning rate that stays as it is at first."""
    return rate


def averaging(improve: Callable[..., Iterator[tuple[Report, np.ndarray]]]) -> Any:
    """A canvas' `improve` that shows the mean of the last iterates, and so starts the next scale from it."""

    def averaged(self: Canvas, picture: np.ndarray, steps: int, **options: Any) -> Iterator[tuple[Report, np.ndarray]]:
        mean, share = np.zeros_like(picture), 0.0
        for report, improved in improve(self, picture, steps, steps_per_report=1, **options):
            mean = AVERAGING * mean + (1 - AVERAGING) * improved
            share = AVERAGING * share + 1 - AVERAGING
            yield report, mean / share

    return averaged


def one_scale(size: tuple[int, int], steps: int, most: int | None = None) -> list[Level]:
    """No pyramid: about as many pixels are worked on as by the default steps of the default pyramid."""
    levels = scale_levels(size, steps, most)
    work = sum(level.steps * level.height * level.width for level in levels)
    return [Level(*size, round(work / size[0] / size[1]))]


@dataclass(frozen=True)
class Variant:
    """What differs from the defaults: settings, how the network pools, and parts of the painter: owner, name, value."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    pooling: str = "average"
    parts: Sequence[tuple[Any, str, Any]] = ()


RATE = (keras.optimizers.schedules, "CosineDecay", constant)
AVERAGE = (Canvas, "improve", averaging(Canvas.improve))

VARIANTS = {
    **{name: Variant(dict(preset)) for name, preset in PAINTINGS["squeezenet"].items()},
    "Gram matrices": Variant({"statistic": "gram"}),
    "mean and variance": Variant({"statistic": "mean_variance"}),
    "sliced Wasserstein": Variant({"statistic": "sliced_wasserstein"}),
    "covariances": Variant({"statistic": "covariance"}),
    "loss of the paper": Variant({"loss": "paper"}),
    "L-BFGS": Variant({"optimizer": "lbfgs"}),
    "at all positions": Variant({"statistic": "covariance", "style_stride": 1}),
    "two octaves": Variant({"octaves": 2}),
    "no palette": Variant({"palette_weight": 0.0}),
    "no chroma": Variant({"chroma_weight": 0.0}),
    "no variation": Variant({"variation_weight": 0.0, "chroma_weight": 0.0}),
    "no supersampling": Variant({"supersampling": 1.0}),
    "no shifts": Variant(
        parts=[
            *((module, "SHIFTS", 1) for module in (shifts, octaves, targets)),
            (style_loss, "STYLE_SHIFTS", (0,)),
        ]
    ),
    "max pooling": Variant(pooling="max"),
    "one scale": Variant(parts=[(transfer, "scale_levels", one_scale)]),
    "constant rate": Variant(parts=[RATE]),
    "constant rate, averaged": Variant(parts=[RATE, AVERAGE]),
    "averaged": Variant(parts=[AVERAGE]),
}


class Judge:
    """A network that tells how far pictures are from others.

    Args:
        name: "resnet50", or "resnet50=FILE" with the file of its weights.
    """

    def __init__(self, name: str) -> None:
        self.name, _, file = name.partition("=")
        self._backbone = backbones.load(self.name, weights=file or None)
        settings = replace(JUDGED, **(ALEXNET if self.name == "alexnet" else {}))
        self._loss = style_loss.StyleTransferLoss(settings, self._backbone)

    def __call__(self, picture: np.ndarray, photograph: np.ndarray, painting: np.ndarray) -> tuple[float, float]:
        """The content loss and the style loss of a picture."""
        pictures = [tf.constant(one[None]) for one in (picture, photograph, painting)]
        found, content, style = (self._backbone(one, self._loss.layers) for one in pictures)
        layer, step = self._loss.content_layer, tf.constant(0, tf.int64)
        content_loss = self._loss.content(content_sums(found[layer], content[layer]))
        wanted = self._loss.style_sums(style, pictures[2])
        loss = self._loss.style(self._loss.style_sums(found, pictures[0]), wanted)
        return float(content_loss(step)[0]), float(loss(step)[0])


def painted(name: str, photograph: np.ndarray, painting: np.ndarray) -> np.ndarray:
    """What the painter makes of two pictures under the settings of a name."""
    variant = VARIANTS[name]
    with ExitStack() as parts:
        for part in variant.parts:
            parts.enter_context(mock.patch.object(*part))
        backbone = backbones.load("squeezenet", variant.pooling)
        *_, last = paint(photograph, painting, backbone, StyleSettings(**variant.settings))
    assert last.picture is not None
    return last.picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(VARIANTS), help=", ".join(VARIANTS))
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--pair", action="append")
    parser.add_argument("--judge", action="append")
    parser.add_argument("--folder", type=Path, help="for the pictures")
    options = parser.parse_args()
    start()
    judges = [Judge(name) for name in options.judge or ["vgg16"]]
    sizes = options.size, round(options.size * StyleSettings().largest_factor("squeezenet"))
    pairs = [
        [images.load(samples.resolve(path), size).pixels for path, size in zip(pair.split(","), sizes, strict=True)]
        for pair in options.pair or PAIRS
    ]
    figures: dict[str, list[list[float]]] = {}
    for number, (photograph, painting) in enumerate(pairs):
        scaled = images.resize(painting, images.fit(painting.shape[:2], max(photograph.shape)))
        own = [judge(photograph, photograph, scaled)[1] for judge in judges]
        smooth = float(total_variation(tf.constant(scaled[None])))
        for name in ("the photograph", *options.names):
            picture = photograph if name == "the photograph" else painted(name, photograph, painting)
            if options.folder:
                options.folder.mkdir(parents=True, exist_ok=True)
                images.save(options.folder / f"{name} {number}.png", images.Picture(picture))
            variation = float(total_variation(tf.constant(picture[None]))) / smooth
            row = [variation, colour_noise(picture), screen_door(picture)]
            for judge, least in zip(judges, own, strict=True):
                content, style = judge(picture, photograph, scaled)
                row += [content, style / least]
            figures.setdefault(name, []).append(row)
            print(number, name, *(f"{one:.3f}" for one in row), flush=True)
    header = ["", "variation", "colours", "lattice"]
    for judge in judges:
        header += [f"{judge.name}: content", "style"]
    rows = [(name, *(f"{one:.3f}" for one in np.mean(rows, axis=0))) for name, rows in figures.items()]
    print_table(header, rows)


if __name__ == "__main__":
    main()
