"""The one family of errors that a person can mend."""


class TfgraphsError(Exception):
    """Something is wrong with what was asked for or given, not with the program.

    The text is one line that says what is wrong and what to do. The commands print it and leave with exit code 2.
    """


def reason(error: BaseException) -> str:
    """What an error says, in a few words: "no space left on device", "is a directory"."""
    strerror = getattr(error, "strerror", None)
    return strerror.lower() if strerror else str(error) or type(error).__name__
