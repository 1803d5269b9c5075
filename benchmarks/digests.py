"""Digests of what the commands write, so that a change of the code can be shown to change no result.

    python benchmarks/digests.py record before.json                    with this checkout
    python benchmarks/digests.py record before.json --checkout=OTHER   with another one
    python benchmarks/digests.py compare before.json after.json

Pictures are compared by their pixels, because a file also remembers the version that made it. The last bits of
convolutions differ between processors: compare recordings of one machine only.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageSequence

_WORDS = "the king and the queen rule the land while a man and a woman plough the field by the river near the town "
_TRAINING = "--corpus={text} --min_count=1 --dim=16 --epochs=2 --output={out}"
_PROGRAM = """
import sys, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
picture = tf.random.stateless_uniform([1, 64, 80, 3], [1, 2])
results = {{
    "dream": lambda: model.dream(picture, 2, 0.01),
    "paint": lambda: model.stylize(picture, picture[:, :, ::-1], 4),
    "network": lambda: model(picture),
    "words": lambda: model(tf.constant(["king", "queen"])),
}}
tf.io.write_file("{out}", tf.io.serialize_tensor(results[sys.argv[2]]()))
"""
COMMANDS = {
    "skipgram": f"word2vec {_TRAINING}",
    "near": "words near italian noodle",
    "calc": "words calc 'king - man + woman' --topn=4",
    "convert": "words convert {trained} {out} --dtype=int8",
    "words_export": "words --vectors={trained} export {out}",
    "words_call": "call {words_export} words",
    **{
        f"{architecture}_{loss}": f"word2vec {_TRAINING} --architecture={architecture} --loss={loss}"
        for architecture in ("skipgram", "cbow")
        for loss in ("negative_sampling", "hierarchical_softmax", "softmax", "sampled_softmax", "nce")
    },
    "phrases": f"word2vec {_TRAINING} --phrases=1 --phrase_threshold=1",
    "pairs": "word2vec --pairs={pairs_file} --passes=5 --output={out}",
    "dream": "deepdream --input=sample:coffee --size=200 --iterations=3 --output={out}.png",
    "tiles": "deepdream --input=sample:coffee --size=400 --layer=fire5 --iterations=2 --tile_size=256 "
    "--output={out}.png",
    "guided": "deepdream --input=sample:cat --size=160 --guide=sample:coffee --layer=fire5 --iterations=2 "
    "--preserve_color --normalize=laplacian --output={out}.png",
    "zoom": "deepdream --input=sample:rocket --size=160 --layer=fire5 --iterations=2 --zoom_frames=3 "
    "--output={out}.webp",
    "dream_export": "deepdream --layer=fire5 --export_dir={out}",
    "dream_call": "call {dream_export} dream",
    "feature": "visualize feature --objective=fire8:14 --style=naive,multiscale,laplacian,fourier,maco --size=64 "
    "--steps=8 --output={out}.png",
    "kernels": "visualize kernels --layer=conv1 --output={out}.png",
    "activations": "visualize activations --input=sample:cat --layer=fire9 --output={out}.png",
    "classify": "visualize classify --input=sample:cat",
    "layers": "visualize layers --backbone=squeezenet",
    "painting": "neural_style --content=sample:cat --style=sample:embers --size=160 --steps=40 --output={out}.png",
    "paper": "neural_style --content=sample:cat --loss=paper --statistic=mean_variance --size=128 --steps=20 "
    "--output={out}.png",
    "sliced": "neural_style --content=sample:coffee --style=sample:swirls --style=sample:embers "
    "--style_weight=0.7 --style_weight=0.3 --statistic=sliced_wasserstein --preserve_color=luminance --size=128 "
    "--steps=20 --output={out}.png",
    "painting_in_tiles": "neural_style --content=sample:cat --size=320 --tile_size=288 --steps=8 --output={out}.png",
    "film": "neural_style --content={zoom}.webp --size=96 --steps=12 --output={out}.webp",
    "paint_export": "neural_style --export_dir={out}",
    "paint_call": "call {paint_export} paint",
    "network": "neural_style --train_style=sample:swirls --train_steps=2 --train_batch=1 --export_dir={out}",
    "network_call": "call {network} network",
    "network_paint": "neural_style --model={network} --content=sample:coffee --size=200 --output={out}.png",
}
_TIMED = {"training.json", "saved_model.pb", "fingerprint.pb"}  # times; names of nodes: what they compute is called
_PICTURES = {".png", ".webp", ".jpg"}


def record(checkout: Path, names: list[str]) -> dict[str, str]:
    """Runs the commands of a checkout and returns a digest of each result."""
    digests: dict[str, str] = {}
    python = checkout / ".venv" / "bin" / "python"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "text").write_text("\n".join([_WORDS * 4] * 300), encoding="utf-8")
        (folder / "pairs_file").write_text("drink|juice, eat|apple, eat^drink|rice, juice|drink", encoding="utf-8")
        places = {name: str(folder / name) for name in ("text", "pairs_file", *COMMANDS)}
        places["trained"] = str(folder / "skipgram")
        environment = {**os.environ, "TFGRAPHS_HOME": str(checkout), "TF_CPP_MIN_LOG_LEVEL": "2"}
        for name in names or COMMANDS:
            output = folder / name
            command, arguments = COMMANDS[name].format(out=output, **places).split(" ", 1)
            if command == "call":
                program = _PROGRAM.format(out=output)
                environment |= {"TF_ENABLE_ONEDNN_OPTS": "1"}
                words = [str(python), "-c", program, *arguments.split()]
                result = subprocess.run(words, cwd=folder, env=environment, capture_output=True, check=False)
            else:
                line = f"{python} {checkout}/bin/{command} {arguments} --checkpoint_dir={folder}/states"
                line = line if command in ("word2vec", "deepdream", "neural_style") else line.rpartition(" ")[0]
                result = subprocess.run(line, cwd=folder, env=environment, shell=True, capture_output=True, check=False)
            if result.returncode:
                digests[name] = "failed: " + result.stderr.decode()[-300:]
            else:
                digests[name] = _digest(output, result.stdout)
            print(f"{name}: {digests[name]}", file=sys.stderr, flush=True)
    return digests


def _digest(output: Path, printed: bytes) -> str:
    digest = hashlib.sha256()
    files = sorted(path for path in output.parent.glob(f"{output.name}*") if path.stem == output.name)
    files = [one for path in files for one in (sorted(path.rglob("*")) if path.is_dir() else [path]) if one.is_file()]
    for path in files:
        if path.name in _TIMED:
            continue
        digest.update(str(path.relative_to(output.parent)).encode())
        digest.update(_pixels(path) if path.suffix in _PICTURES else path.read_bytes())
    if not files:
        digest.update(printed)
    return digest.hexdigest()[:16]


def _pixels(path: Path) -> bytes:
    with Image.open(path) as picture:
        return b"".join(frame.convert("RGBA").tobytes() for frame in ImageSequence.Iterator(picture))


def compare(before: Path, after: Path) -> int:
    """Prints what differs between two recordings and returns how many digests do."""
    first, second = (json.loads(path.read_text(encoding="utf-8")) for path in (before, after))
    different = [name for name in first if first[name] != second.get(name)]
    for name in different:
        print(f"{name}: {first[name]} -> {second.get(name)}")
    print(f"{len(first) - len(different)} of {len(first)} results are the same")
    return len(different)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    recording = actions.add_parser("record")
    recording.add_argument("output", type=Path)
    recording.add_argument("--checkout", type=Path, default=Path(__file__).resolve().parents[1])
    recording.add_argument("--only", nargs="*", default=[], choices=COMMANDS)
    comparing = actions.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    options = parser.parse_args()
    if options.action == "compare":
        sys.exit(bool(compare(options.before, options.after)))
    digests = record(options.checkout.resolve(), options.only)
    options.output.write_text(json.dumps(digests, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
