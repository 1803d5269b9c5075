"""What was used last, of what takes time to make."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Keeps the values that were used last. It has no lock.

    Args:
        most: number of values that are kept.
    """

    def __init__(self, most: int) -> None:
        self._most, self._values = most, OrderedDict[Key, Value]()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Key) -> Value | None:
        """Returns a value, or None if it is not kept."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keeps a value, and forgets the one that was not used for longest if they are too many."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._most:
            self._values.popitem(last=False)

    def get_or_make(self, key: Key, make: Callable[[], Value]) -> Value:
        """Returns a value, which is made if it is not kept."""
        value = self.get(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value
