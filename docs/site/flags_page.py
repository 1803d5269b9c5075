"""The reference page of a command, made of its docstring and its absl flags: `python flags_page.py words`."""

import importlib
import sys

from absl import flags


def page(command: str) -> str:
    """Returns the page of a command in Markdown. Commands define the same flags: one command a process."""
    from tfgraphs.cli.shared import command as commands

    module = importlib.import_module(f"tfgraphs.cli.{command}")
    shown: list[tuple[str, list[str]]] = []
    commands.run = lambda name, main, documentation, modules: shown.append(
        (documentation, [*modules, commands.__name__])
    )
    module.run()
    ((documentation, modules),) = shown
    by_module = flags.FLAGS.flags_by_module_dict()
    rows = [row(flag) for name in modules for flag in by_module.get(name, [])]
    table = ["| flag | default | meaning |", "| --- | --- | --- |", *dict.fromkeys(rows)]
    title, _, rest = documentation.strip().partition("\n")
    return f"# {command}\n\n{title}\n{rest}\n## Flags\n\n" + "\n".join(table) + "\n"


def row(flag: flags.Flag) -> str:
    """One flag as a row of a table."""
    choices = getattr(flag.parser, "enum_values", None)
    name = f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}"
    name += "=" + "|".join(choices) if choices else ""
    default = "" if flag.default in (None, [], "") else flag.default_as_str.strip("'")
    meaning = " ".join((flag.help or "").split())
    if choices:  # absl writes them before the help
        meaning = meaning.removeprefix(f"<{'|'.join(choices)}>: ")
    meaning = meaning.replace(".; repeat this option to specify a list of values", ".")
    return " | ".join(["", code(name), code(default), escaped(meaning), ""]).strip()


def code(text: str) -> str:
    """A text as code in a cell of a table."""
    return f"`{text}`".replace("|", "\\|") if text else ""


def escaped(text: str) -> str:
    """A text without what Markdown would read as its own signs."""
    return "".join("\\" + sign if sign in "\\`*_{}[]<>#|$" else sign for sign in text)


if __name__ == "__main__":
    print(page(sys.argv[1]), end="")
