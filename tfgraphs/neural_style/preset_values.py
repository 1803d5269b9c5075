"""Presets of paintings, chosen by looking at many: values of flags, by network and name."""

from collections.abc import Mapping

PAINTINGS: dict[str, dict[str, Mapping[str, object]]] = {
    network: {"faithful": {"content_weight": faithful}, "balanced": {}, "wild": {"content_weight": wild}}
    for network, faithful, wild in (("squeezenet", 0.6, 0.15), ("vgg16", 0.5, 0.1), ("vgg19", 0.5, 0.1))
}
