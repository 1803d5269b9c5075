"""Networks that are built here, layer by layer.

Each has a function `build(name, arrays=None, pooling_kind="max") -> Backbone`:

    name: as of `load`, one of `BACKBONES`.
    arrays: the published weights by name, of the whole network, or without the layers that tell the classes, which the
        network then lacks. None: the structure without weights.
    pooling_kind: "max" as trained, or "average", which lets gradients reach every pixel and paints smoother.

It raises WeightsError if an array is missing or has another shape.
"""
