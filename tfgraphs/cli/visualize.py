"""Shows what a network is made of.

    visualize layers                        the layers of SqueezeNet, as names for `deepdream --layer`
    visualize layers --backbone=squeezenet

Kernel and stride are in positions of the layer below, the receptive field is the side in pixels of the square of the
picture that one position sees.
"""

from absl import flags

from tfgraphs.cli import command

BACKBONE = flags.DEFINE_string("backbone", "squeezenet", "The network.")


def main(arguments: list[str]) -> None:
    if arguments != ["layers"]:
        raise command.UsageError("say what to show: layers")
    command.import_tensorflow()
    from tfgraphs import backbones

    backbone = backbones.load(BACKBONE.value)
    rows = []
    for layer in backbone.layers.values():
        view = backbone.view(layer.name)
        kernel = f"{layer.kernel} x {layer.kernel}" if layer.kernel else "all"
        field = str(view.receptive_field) if view.receptive_field else "all"
        parameters = f"{layer.parameters:,}" if layer.parameters else ""
        rows.append((layer.name, layer.kind, str(view.channels), kernel, str(layer.stride), field, parameters))
    rows.append(("in all", "", "", "", "", "", f"{sum(layer.parameters for layer in backbone.layers.values()):,}"))
    command.print_table(["Layer", "Kind", "Channels", "Kernel", "Stride", "Receptive field", "Parameters"], rows)


def run() -> None:
    command.run("visualize", main, __doc__, [__name__])


if __name__ == "__main__":
    run()
