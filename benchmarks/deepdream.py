"""DeepDream: what a step costs beside the bare gradient and beside PyTorch, and how time and memory grow.

    python benchmarks/deepdream.py [step] [sizes] [tiles] [--rounds=15] [--network=squeezenet] [--layer=fire7]
                                   [--tile_size=2048]

needs the extra `bench`. A step is that of `tfgraphs.deepdream.step`; a call takes five. The bare gradient is that of
the same layer with respect to the picture. PyTorch takes the same step with the same layers, once with channels first,
its default, and once with channels last. The sides run alternately; ratios are medians over the rounds.

`sizes` dreams about pictures of 0.25 to 12 megapixels, each in a process of its own, as a whole and in tiles. Times per
pixel are relative to those of the second size. `tiles` compares the two at sizes for which both fit into the free
memory, up to 4096 x 3072, for which the whole picture takes 4.7 GB.

Measured in November 2026 on two cores of a shared machine, SqueezeNet up to fire7:

    512 px     our step : bare gradient 0.96, : PyTorch's step 0.57, : the same with channels last 0.84
    tiles      2048 x 1536 1.01, 3072 x 2048 1.05, 4096 x 3072 1.10 of the whole, in tiles of 2048

    picture       time a pixel      MB   in tiles of 2048: time a pixel      MB
    640 x 400             0.97     758                             1.03     780
    1200 x 850            1.00   1,034                             1.00   1,053
    2048 x 1536           0.94   1,700                             1.03   1,742
    4096 x 3072           1.01   4,744                             1.22   2,484

Noise of dreams by `picture_noise.py`, with the defaults but for the preset; neon, of 2015, was the default before:

                     colour noise: coffee   rocket   screen door: coffee   rocket
    the photograph                  0.097    0.545                  10.5     11.4
    animals, default                0.135    0.346                   8.9      5.4
    birds                           0.109    0.262                   7.7      5.3
    palaces                         0.100    0.274                   7.3      5.3
    stones                          0.099    0.229                   6.0      6.2
    vortices                        0.105    0.222                   6.0      5.4
    neon                            0.278    0.476                   5.8      4.5
    VGG-16: animals                          0.323                            5.3
    VGG-16: birds                            0.372                            8.3
    VGG-16: flowers                          0.352                            9.2
    VGG-16: houses                           0.323                            8.9

sample:cat has a colour noise of 0.048, its dream 0.085.

A step computes everything that the bare gradient does. Ratios below 1 are noise and the effect of five steps in a call.

Slower alternatives: tiles that assign their gradients to slices of a variable (1.5 of the whole: TensorFlow assigns
slices number by number, and copies such a variable each time it is read); scattering them by index (the same). Joining
tiles by copying rows of memory costs next to nothing.
"""

import argparse
import contextlib
import re
import statistics
import sys
from pathlib import Path

from backbones import TORCH_LAYERS
from sides import Side

from tfgraphs.cli.shared.command import print_table

# What a process takes at first, and for a megapixel: a little more than was measured.
WHOLE_MEGABYTES, TILED_MEGABYTES = (500, 350), (700, 150)

OURS = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from tfgraphs.graphs.start import start
start()  # as the commands do
from tfgraphs import backbones
import numpy as np
import tensorflow as tf
from tfgraphs.deepdream import DreamSettings, layer_l2
from tfgraphs.deepdream.dreamer import Dreamer

def prepare(name, layer, height, width, tile_size):
    global dreamer, pixels, bare, picture, backbone
    backbone = backbones.load(name)
    pixels = np.random.default_rng(1).uniform(size=(height, width, 3)).astype(np.float32)
    dreamer = Dreamer(layer_l2(layer), backbone, DreamSettings(steps=5, octaves=1, tile_size=tile_size))
    picture = tf.constant(pixels[None])
    @tf.function
    def bare(picture):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            excited = tf.reduce_mean(backbone(picture, [layer])[layer] ** 2) / 2
        return tape.gradient(excited, picture)
    return step()

def step():
    return timed(lambda: list(dreamer.dream(pixels))[-1].step)[0] / 5

def gradient():
    return timed(lambda: [bare(picture).numpy().shape for _ in range(5)])[0] / 5

def memory():
    return resident("VmHWM")
"""

TORCH = (
    TORCH_LAYERS
    + """
def prepare(name, layer, height, width, memory):
    global chain, pixels, order, last
    from tfgraphs import backbones
    chain, last, order = layers(backbones.load(name), layer), layer, getattr(torch, memory)
    pixels = torch.tensor(np.random.default_rng(1).uniform(size=(1, 3, height, width)).astype(np.float32))
    pixels = pixels.contiguous(memory_format=order)
    return step()

def one(picture, random):
    down, across = random.integers(-32, 33, 2).tolist()
    moved = torch.roll(picture, (down, across), (2, 3)).detach().requires_grad_(True)
    found = {"input": moved.flip(1) * 255 - torch.tensor([103.939, 116.779, 123.68]).reshape(1, 3, 1, 1)}
    for name, inputs, function in chain:
        found[name] = function(*(found[source] for source in inputs))
    (found[last] ** 2).mean().div(2).backward()
    gradient = torch.roll(moved.grad, (-down, -across), (2, 3))
    return (picture + 1.5 / 255 * gradient / gradient.abs().mean()).clamp(0, 1)

def step():
    random = np.random.default_rng(0)
    def run():
        picture = pixels.clone()
        for _ in range(5):
            picture = one(picture, random)
        return picture.sum().item()
    return timed(run)[0] / 5
"""
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["step", "sizes", "tiles"])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--network", default="squeezenet")
    parser.add_argument("--layer", default="fire7")
    parser.add_argument("--tile_size", type=int, default=2048)
    options = parser.parse_args()
    for part in options.parts:
        print(f"{part} ...", file=sys.stderr)
        {"step": steps, "sizes": sizes, "tiles": tiles}[part](options)


def steps(options: argparse.Namespace) -> None:
    """A step at 512 px."""
    what = (options.network, options.layer, 512, 512)
    with Side(OURS) as ours, Side(TORCH) as torch, Side(TORCH) as last:
        ours("prepare", *what, 0)
        torch("prepare", *what, "contiguous_format")
        last("prepare", *what, "channels_last")
        rounds = [(ours("step"), ours("gradient"), torch("step"), last("step")) for _ in range(options.rounds)]
    names = ("bare gradient", "PyTorch's step", "the same, channels last")
    medians = [1000 * statistics.median(times) for times in zip(*rounds, strict=True)]
    rows = [("our step", f"{medians[0]:.0f}", "")]
    for place, name in enumerate(names, 1):
        ratio = statistics.median(times[0] / times[place] for times in rounds)
        rows.append((name, f"{medians[place]:.0f}", f"{ratio:.2f}"))
    print_table([f"{options.layer}, 512 px", "ms", "ours : it"], rows)


def sizes(options: argparse.Namespace) -> None:
    """Time and memory for 0.25 to 12 megapixels."""
    pictures = ((640, 400), (1200, 850), (2048, 1536), (4096, 3072))
    rows = [[f"{width} x {height}"] for width, height in pictures]
    for tile_size in (0, options.tile_size):
        with contextlib.ExitStack() as stack:
            sides = [stack.enter_context(Side(OURS)) for _ in pictures]
            for side, (width, height) in zip(sides, pictures, strict=True):
                side("prepare", options.network, options.layer, height, width, tile_size)
            rounds = [[side("step") for side in sides] for _ in range(max(3, options.rounds // 3))]
            memory = [side("memory") for side in sides]
        for row, (width, height), taken, times in zip(rows, pictures, memory, zip(*rounds, strict=True), strict=True):
            pixels = width * height / pictures[1][0] / pictures[1][1]
            ratio = statistics.median(own / one[1] / pixels for own, one in zip(times, rounds, strict=True))
            row += [f"{ratio:.2f}", f"{taken:,.0f}"]
    print_table(["picture", "time a pixel", "MB", "in tiles: time a pixel", "MB"], rows)


def tiles(options: argparse.Namespace) -> None:
    """A step in tiles against one of the whole picture."""
    rows = []
    for width, height in ((2048, 1536), (3072, 2048), (4096, 3072)):
        needed = sum(first + more * width * height / 1e6 for first, more in (WHOLE_MEGABYTES, TILED_MEGABYTES))
        if needed > free_megabytes():
            rows.append((f"{width} x {height}", "does not fit into memory", ""))
            continue
        with Side(OURS) as whole, Side(OURS) as tiled:
            whole("prepare", options.network, options.layer, height, width, 0)
            tiled("prepare", options.network, options.layer, height, width, options.tile_size)
            rounds = [(whole("step"), tiled("step")) for _ in range(max(3, options.rounds // 3))]
        ratio = statistics.median(one[1] / one[0] for one in rounds)
        rows.append((f"{width} x {height}", f"{statistics.median(one[0] for one in rounds):.2f}", f"{ratio:.2f}"))
    print_table(["picture", "whole, s/step", f"tiles of {options.tile_size} : whole"], rows)


def free_megabytes() -> float:
    """Returns the memory that is available according to Linux."""
    told = Path("/proc/meminfo").read_text(encoding="ascii")
    (kibibytes,) = re.findall(r"^MemAvailable:\s+(\d+) kB$", told, re.MULTILINE)
    return int(kibibytes) * 1024 / 1e6


if __name__ == "__main__":
    main()
