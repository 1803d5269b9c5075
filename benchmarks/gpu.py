"""What a GPU gains: whole commands, steps beside PyTorch, word vectors on both devices, and whether results agree.

    python benchmarks/gpu.py [commands] [steps] [words] [agreement] [--device=gpu] [--small]

Needs the extras `gpu` and `bench`, and a file cache that is warm. It is meant to take six minutes at most on an H100 or
H200. `--small` and `--device=cpu` try the program itself on any machine; its figures mean nothing then.

`commands` runs commands as people do, and each again with a single step, which is what starting and compiling takes.
`steps` compares a step of painting (a shift, the network, the losses of Gram matrices, their gradient, Adam) with
PyTorch's, once as it stands and once by `torch.compile`, in turns; figures are medians. `words` trains skip-gram
vectors with negative sampling on a made-up text on the CPU and on the GPU. `agreement` compares the gradient of a step
on both, and the pictures of two equal commands, and says what it costs that these are equal.

VGG-16 has random weights, as speed does not depend on them.

Not measured yet: of the bars below, no figure stands beside one until this program has run on such a machine. Before
commands were deterministic, in November 2026, an H200 took 17 to 20 s for the dream and 35 to 40 s for the painting.
"""

import argparse
import hashlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from neural_style import OURS, TORCH
from sides import Side

from tfgraphs.cli.shared.command import print_table
from tfgraphs.pictures import images, samples

CHECKOUT = Path(__file__).resolve().parents[1]
ROUNDS = 7
AGREES = 1e-3  # relative error of a gradient

COMMANDS = {
    "painting, 640 x 480": ("neural_style {640x480} --output={out}.png", "--steps", 900, 15),
    "VGG-16, 1024 px": (
        "neural_style {1024x768} --size=1024 --backbone=vgg16 --weights={vgg16} --output={out}.png",
        "--steps",
        650,
        45,
    ),
    "dream, 1024 x 768": ("deepdream {1024x768} --size=1024 --output={out}.png", "--steps", 120, 10),
    "training in one pass": (
        "neural_style --train_style=sample:swirls --export_dir={out}",
        "--train_steps",
        2000,
        90,
    ),
}
"""For each command: its flags, that of the number of steps, their default, and the bar in seconds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--device", default="gpu", choices=["gpu", "cpu"])
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    for part in options.parts:
        print(f"{part} ...", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            PARTS[part](options, Path(folder))


def commands(options: argparse.Namespace, folder: Path) -> None:
    """Seconds of whole commands, and of the same with one step."""
    rows = []
    for name, (line, flag, steps, bar) in COMMANDS.items():
        files = {"vgg16": vgg16(folder)} if "vgg16" in line else {}
        for size in re.findall(r"\{(\d+x\d+)\}", line):
            files[size] = _photograph(folder, size, options.small)
        counts = (2, 1) if options.small else (steps, 1)
        seconds = [
            _timed(f"{line} {flag}={count}".format(out=folder / f"{count}", **files), options.device)
            for count in counts
        ]
        rows.append((name, f"{seconds[0]:.1f}", f"{bar}", f"{seconds[1]:.1f}"))
    print_table([options.device, "s", "bar", "starting and compiling"], rows)


def steps(options: argparse.Namespace, folder: Path) -> None:
    """Milliseconds of a step, beside PyTorch's."""
    cuda, rows = "cuda" if options.device == "gpu" else "cpu", []
    for name in ("squeezenet", "vgg16"):
        for side in (64,) if options.small else (512, 1024):
            with Side(_ours(options.device)) as ours, Side(TORCH) as eager, Side(TORCH) as compiled:
                ours("prepare", side, side, 0, name)
                eager("prepare", side, side, "contiguous_format", name, cuda, False)
                compiled("prepare", side, side, "contiguous_format", name, cuda, True)
                rounds = [
                    [one("step") for one in (ours, eager, compiled)] for _ in range(1 if options.small else ROUNDS)
                ]
            medians = [1000 * statistics.median(times) for times in zip(*rounds, strict=True)]
            ratios = [medians[0] / other for other in medians[1:]]
            rows.append((f"{name}, {side} px", *(f"{one:.1f}" for one in medians), *(f"{one:.2f}" for one in ratios)))
    print_table(["a step", "ms", "PyTorch", "compiled", "ours : it (0.8)", "ours : compiled (1.1)"], rows)


def words(options: argparse.Namespace, folder: Path) -> None:
    """Words per second of training on both devices."""
    count = 30_000 if options.small else 3_000_000
    ranks = np.random.default_rng(0).zipf(1.2, count) % 50_000
    text = folder / "text"
    text.write_text(" ".join(f"w{rank}" for rank in ranks), encoding="utf-8")
    rows = []
    for device in ("cpu", options.device):
        seconds = _timed(f"word2vec --corpus={text} --epochs=1 --output={folder / device}", device)
        rows.append((device, f"{count / seconds:,.0f}", f"{seconds:.1f}"))
    print_table([f"{count:,} words", "words/s, all in all", "s"], rows)


def agreement(options: argparse.Namespace, folder: Path) -> None:
    """The largest relative error of a gradient, and whether two equal commands write the same bytes."""
    gradients = []
    for device in ("cpu", options.device):
        with Side(_ours(device)) as side:
            side("prepare", 64, 96, 0)
            gradients.append(np.array(side("gradient_values")))
    error = float(np.linalg.norm(gradients[1] - gradients[0]) / np.linalg.norm(gradients[0]))
    rows = [("relative error of a gradient", f"{error:.1e}", f"under {AGREES:.0e}")]
    photograph = _photograph(folder, "320x240", options.small)
    line = f"neural_style {photograph} --steps={2 if options.small else 200} --output={folder / 'same'}.png"
    for extra in ("", " --nodeterministic"):
        digests, seconds = set(), []
        for _ in range(2):
            seconds.append(_timed(line + extra, options.device))
            digests.add(hashlib.sha256((folder / "same.png").read_bytes()).hexdigest())
        same = "the same bytes" if len(digests) == 1 else "other bytes"
        rows.append((f"two paintings{extra}", same, f"{min(seconds):.1f} s"))
    print_table([options.device, "", ""], rows)
    if error > AGREES:
        raise SystemExit(f"the gradient differs by {error:.1e}: more than {AGREES:.0e}")


def _ours(device: str) -> str:
    return f"DEVICE = {device!r}\n{OURS}"


def _timed(line: str, device: str) -> float:
    """Seconds of a command."""
    name, *arguments = line.split()
    begun = time.perf_counter()
    command = [sys.executable, str(CHECKOUT / "bin" / name), *arguments, f"--device={device}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{' '.join(command)} has failed: {result.stderr.splitlines()[-1]}")
    return time.perf_counter() - begun


def _photograph(folder: Path, size: str, small: bool) -> Path:
    """Writes a photograph of so many pixels, of the same shape but 96 px wide if it is to be small."""
    width, height = (int(side) for side in size.split("x"))
    if small:
        width, height = 96, 96 * height // width
    path = folder / f"{size}.png"
    images.save(
        path, images.Picture(images.resize(images.load(samples.resolve("sample:coffee")).pixels, (height, width)))
    )
    return path


def vgg16(folder: Path) -> Path:
    """Writes random weights for VGG-16."""
    random, path, inputs = np.random.default_rng(0), folder / "vgg16.npz", 3
    arrays = {}
    for block, (count, channels) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], start=1):
        for number in range(1, count + 1):
            deviation = (2 / (9 * inputs)) ** 0.5
            kernel = random.normal(0, deviation, (3, 3, inputs, channels)).astype(np.float32)
            arrays[f"block{block}_conv{number}/kernel"] = kernel
            arrays[f"block{block}_conv{number}/bias"] = np.zeros(channels, np.float32)
            inputs = channels
    np.savez(path, **arrays)
    return path


PARTS: dict[str, Callable[[argparse.Namespace, Path], None]] = {
    "commands": commands,
    "steps": steps,
    "words": words,
    "agreement": agreement,
}


if __name__ == "__main__":
    main()
