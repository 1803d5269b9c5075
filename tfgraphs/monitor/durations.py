"""Durations as text."""


def time_left(seconds: float, done: float, already: float = 0.0) -> str:
    """Returns how long the rest will take at the pace so far.

    Args:
        seconds: time spent.
        done: share of the work that is done, 0..1.
        already: share that was done before that time.

    >>> time_left(30, 0.25)
    '1 min 30 s'
    """
    if done <= already:
        return "0 s" if done >= 1 else "some time"
    return duration(seconds * (1 - done) / (done - already))


def duration(seconds: float) -> str:
    """Returns seconds as text: '45 s', '2 min 5 s', '3 h 20 min'."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
