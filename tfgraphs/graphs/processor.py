"""What this process computes on, and which forms of operations are faster there.

Code that has a choice asks `current()` when it makes a graph. Everywhere else stands the plain TensorFlow operation.
"""

import functools
import os
import subprocess
from dataclasses import dataclass

LARGEST_WHOLE = 1_200_000_000  # bytes of activations on a CPU


@dataclass(frozen=True)
class Processor:
    """A processor, and for each choice the form that is faster on it.

    Figures are of two cores without AVX-512 unless they say otherwise (`benchmarks/backbones.py`,
    `benchmarks/word2vec.py`). Nothing here has been measured on a GPU: there every choice is TensorFlow's default.

    Attributes:
        gpus: number of GPUs that TensorFlow uses.
        onednn: whether TensorFlow computes convolutions and poolings on the CPU with oneDNN.
        avx512: whether the CPU has AVX-512.
    """

    gpus: int = 0
    onednn: bool = False
    avx512: bool = False

    @property
    def transposed_convolutions(self) -> bool:
        """Convolutions of stride 1 as the transpose of one with the mirrored kernel.

        VGG-16 forward takes 620 ms instead of 1,011, as TensorFlow lets oneDNN arrange the kernel for the processor
        in the gradient of a convolution only. Without oneDNN the plain form is faster. With AVX-512 it is as fast or
        faster: SqueezeNet, VGG-19 and ResNet-50 take 1.01 to 1.25 of its time as transposes.
        """
        return self.onednn and not self.avx512 and not self.gpus

    @property
    def gathered_strides(self) -> bool:
        """Strides of 1 x 1 convolutions as `tf.gather_nd` instead of a slice, with or without oneDNN.

        Value and gradient of every second position of 96 x 96 x 256 take 0.6 ms instead of 4.8; ResNet-50 forward
        takes 234 ms instead of 252.
        """
        return not self.gpus

    @property
    def rewritten_graphs(self) -> bool:
        """TensorFlow's graph optimizer (Grappler) before the first run of each graph.

        On a CPU the steps on pictures become no faster and each graph starts half a second later. On a GPU it also
        arranges activations for convolutions.
        """
        return bool(self.gpus)

    @property
    def compiled_losses(self) -> bool:
        """Losses of small matrices and their updates as XLA programs; the losses of word vectors, total variation.

        Word vectors train on 602,000 words per second instead of 356,000 with the whole step as one program; compiled
        updates bring another 5 to 10 %. XLA needs parts of CUDA on a GPU that TensorFlow's wheels do not contain.
        """
        return not self.gpus

    @property
    def gpu_bytes(self) -> int:
        """The memory of the GPU; 0 without one, or if it is unknown."""
        return _gpu_bytes() if self.gpus else 0

    @property
    def largest_whole(self) -> int:
        """Bytes that the activations of a picture may take that is computed at once; gradients take as much again.

        On a GPU a quarter of its memory, on a CPU what an ordinary machine has left.
        """
        return max(LARGEST_WHOLE, self.gpu_bytes // 4)

    @property
    def steps_per_report(self) -> int:
        """Steps on a picture between two reports, for each of which it is copied to the memory of the CPU."""
        return 50 if self.gpus else 10

    def compiles_updates(self, threads: int) -> bool:
        """Updates of variables as XLA programs, where so many threads update each of them.

        They take 15 to 25 % less time of a core than TensorFlow's, but a program locks its variable for all others. Up
        to 8 threads that costs little; more have not been measured here.
        """
        return self.compiled_losses and threads <= 8

    def loss_threads(self, large: bool) -> int | None:
        """Threads within an operation while word vectors are trained; None for TensorFlow's default.

        With 1 two cores train on 2.6 million words per second instead of 2.0, as the parts of a step keep both busy.
        But large programs, those of hierarchical softmax, run on these threads: with 1 the parts wait for each other,
        500,000 words per second instead of 560,000.
        """
        return None if self.gpus or large else 1


def usable_cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def current() -> Processor:
    """Describes what this process computes on. It does not create TensorFlow's devices."""
    import numpy as np
    import tensorflow as tf
    from tensorflow.python.util import _pywrap_util_port

    gpus = sum(device.device_type == "GPU" for device in tf.config.get_visible_devices())
    features = np._core._multiarray_umath.__cpu_features__ if hasattr(np, "_core") else {}
    return Processor(gpus, _pywrap_util_port.IsMklEnabled(), features.get("AVX512F", False))


@functools.cache
def _gpu_bytes() -> int:
    """The memory of the first GPU; 0 if the tool of its driver is missing. TensorFlow does not tell."""
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0] or "0"
    line = ["nvidia-smi", f"--id={first}", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(line, capture_output=True, text=True, check=True, timeout=10).stdout
        return int(answer.split()[0]) << 20
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 0
