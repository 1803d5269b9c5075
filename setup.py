"""Builds the package that setup.cfg describes."""

import re
import runpy
from pathlib import Path

from setuptools import setup
from setuptools.command.sdist import sdist

SOURCE = "https://github.com/tfgraphs/tfgraphs"
FOLDER = Path(__file__).resolve().parent
VERSION = runpy.run_path(str(FOLDER / "tfgraphs" / "version.py"))["__version__"]


def long_description():
    """Returns the README for package indexes, where no files are beside it: its links lead to this version's source."""
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    blocks = re.split(r"(^```.*?^```$)", readme, flags=re.DOTALL | re.MULTILINE)
    for number in range(0, len(blocks), 2):  # the blocks between are code
        pictures = re.sub(r"(!\[[^\]]*\]\()(?!\w+:)", rf"\1{SOURCE}/raw/v{VERSION}/", blocks[number])
        blocks[number] = re.sub(r"(\]\()(?!\w+:|#)", rf"\1{SOURCE}/blob/v{VERSION}/", pictures)
    return "".join(blocks)


class SourceArchive(sdist):
    """Leaves out what setuptools would take of the tests: the files at the top of tests/ without what they import."""

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, [name for name in files if Path(name).parts[0] != "tests"])


setup(
    cmdclass={"sdist": SourceArchive},
    long_description=long_description(),
    long_description_content_type="text/markdown",
    project_urls={
        "Source": SOURCE,
        "Documentation": f"{SOURCE}/tree/main/docs",
        "Changelog": f"{SOURCE}/blob/main/docs/changelog.md",
        "Issues": f"{SOURCE}/issues",
    },
)
