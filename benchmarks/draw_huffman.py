"""Draws docs/pictures/huffman.png: the Huffman tree of eight words, and the decisions that predict one of them.

    .venv/bin/python benchmarks/draw_huffman.py

Words and counts are those of the program in docs/lecture/words.md. It needs the extra `plot`.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from tfgraphs.word2vec.hierarchical_softmax import HuffmanTree, huffman_tree

WORDS = ["the", "of", "cat", "milk", "drinks", "a", "juice", "queen"]
COUNTS = np.array([40, 20, 14, 9, 7, 5, 3, 2])
CHOSEN = "milk"
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "huffman.png"
QUIET, STRONG = "#8a8f98", "#c2410c"


def main() -> None:
    tree = huffman_tree(COUNTS)
    places = positions(tree)
    inner = len(tree.children)
    nodes, signs = tree.paths()
    chosen = WORDS.index(CHOSEN)
    path = {int(node): int(sign) for node, sign in zip(nodes[chosen], signs[chosen], strict=True) if sign}
    figure, axes = plt.subplots(figsize=(10, 4.6), dpi=110)
    for node, sides in enumerate(tree.children):
        for sign, child in zip((1, -1), sides, strict=True):
            (x, y), (below_x, below_y) = places[node], places[int(child)]
            taken = path.get(node) == sign
            axes.plot([x, below_x], [y, below_y], color=STRONG if taken else QUIET, lw=2.5 if taken else 1, zorder=1)
            if taken:
                text = rf"$\sigma({'' if sign > 0 else '-'}v'_{node}\cdot h)$"
                left = below_x < x
                where = ((x + below_x) / 2 + (-0.1 if left else 0.08), (y + below_y) / 2)
                axes.text(*where, text, color=STRONG, fontsize=11, ha="right" if left else "left", va="bottom")
    for node in range(inner):
        axes.plot(*places[node], "o", ms=22, mfc="white", mec=STRONG if node in path else QUIET, zorder=2)
        axes.text(*places[node], str(node), ha="center", va="center", fontsize=11)
    for number, (word, count) in enumerate(zip(WORDS, COUNTS, strict=True)):
        x, y = places[inner + number]
        style = {"color": STRONG, "weight": "bold"} if word == CHOSEN else {}
        axes.text(x, y - 0.08, f"{word}\n{count}", ha="center", va="top", fontsize=12, **style)
    axes.set_axis_off()
    axes.set_ylim(min(y for _, y in places.values()) - 0.75, 0.35)
    figure.savefig(PICTURE, bbox_inches="tight")
    print(PICTURE)


def positions(tree: HuffmanTree) -> dict[int, tuple[float, float]]:
    """Return x and y of all nodes: leaves side by side, each inner node between its children."""
    inner = len(tree.children)
    places: dict[int, tuple[float, float]] = {}

    def place(node: int, depth: int) -> float:
        if node >= inner:
            x = float(sum(other >= inner for other in places))
        else:
            x = sum(place(int(child), depth + 1) for child in tree.children[node]) / 2
        places[node] = x, -float(depth)
        return x

    place(0, 0)
    return places


if __name__ == "__main__":
    main()
