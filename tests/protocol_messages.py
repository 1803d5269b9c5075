"""Writes fields of protocol buffers, for tests of what reads them."""


def varint(value: int) -> bytes:
    value &= 2**64 - 1
    pieces = bytearray()
    while value > 127:
        pieces.append(value & 127 | 128)
        value >>= 7
    return bytes([*pieces, value])


def number(field: int, value: int) -> bytes:
    """A field that is a number, on the wire."""
    return varint(field << 3) + varint(value)


def piece(field: int, content: bytes | str) -> bytes:
    """A field that is a text, a message or packed numbers, on the wire."""
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content
