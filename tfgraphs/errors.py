"""The one family of errors that a person can mend."""


class TfgraphsError(Exception):
    """Something is wrong with what was asked for or given, not with the program.

    The text is one line that says what is wrong and what to do. The commands print it and leave with exit code 2.
    """
