"""What to type to install an extra, or other packages, in the environment that runs and from where this package is."""

import importlib.metadata
import importlib.util
import re
import shlex
import sys
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[1]


def install_extra(extra: str) -> str:
    """Returns the command that installs an extra: that of the checkout, or the packages that the extra consists of.

    An installed package does not know where it came from, and it need not be on any package index.
    """
    if (_CHECKOUT / "setup.cfg").is_file():
        return install_packages(f"{_CHECKOUT}[{extra}]")
    belongs = re.compile(rf"""(.+); extra == ["']{extra}["']""")
    found = [belongs.fullmatch(line) for line in importlib.metadata.requires("tfgraphs") or []]
    return install_packages(*(match[1] for match in found if match))


def install_packages(*requirements: str) -> str:
    """Returns the command that installs packages in the environment of this process, for a shell."""
    pip = Path(sys.executable).with_name("pip")
    if pip.exists():
        command = [str(pip), "install"]
    elif importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "install"]
    else:  # an environment made by uv has no pip
        command = ["uv", "pip", "install", "--python", sys.executable]
    return shlex.join([*command, *requirements])
