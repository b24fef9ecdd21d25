"""A strict, forward reader of DER (X.690 sections 8 and 10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..errors import malformed

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, ENUMERATED = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A
UTF8_STRING, UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x0C, 0x17, 0x18, 0x30, 0x31

CONSTRUCTED = 0x20
MAX_DEPTH = 32
# Real identifiers have at most some 20 arcs; a parser must not be made to build megabytes of text from one field.
MAX_OID_OCTETS, MAX_ARC_OCTETS = 64, 19

T = TypeVar("T")


def constructed(number: int) -> int:
    """Tag [n] around other values: EXPLICIT, or IMPLICIT over a SEQUENCE, SET or CHOICE."""
    return 0xA0 | number


def primitive(number: int) -> int:
    """Tag [n] in place of a primitive type's own: IMPLICIT."""
    return 0x80 | number


class DerReader:
    """Reads one value at a time: definite lengths in their shortest form only, tag numbers below 31. Every method raises DER_MALFORMED."""

    __slots__ = ("_at", "_content", "_depth", "_end", "_octets")

    def __init__(self, octets: bytes, at: int = 0, end: int | None = None, depth: int = 0) -> None:
        if depth > MAX_DEPTH:
            raise malformed("nested too deeply")
        self._octets = octets
        self._at = at
        self._end = len(octets) if end is None else end
        self._depth = depth
        self._content = 0

    @staticmethod
    def whole(octets: bytes, tag: int, read: Callable[[DerReader], T], max_octets: int | None = None) -> T:
        """Reads `octets` as exactly one value with this tag around the children that `read` takes, with nothing left over."""
        if max_octets is not None and len(octets) > max_octets:
            raise malformed(f"longer than {max_octets} octets")
        reader = DerReader(octets)
        result = reader.within(tag, read)
        reader.end()
        return result

    @property
    def at_end(self) -> bool:
        return self._at == self._end

    def next_is(self, tag: int) -> bool:
        """True if another value follows and has this tag."""
        return self._at < self._end and self._octets[self._at] == tag

    def end(self) -> None:
        """Raises unless everything was read."""
        if self._at != self._end:
            raise malformed(f"{self._end - self._at} trailing octets")

    def element(self, tag: int | None = None) -> bytes:
        """The next value with its tag and length."""
        start = self._at
        return self._octets[start : self._next(tag)]

    def content(self, tag: int) -> bytes:
        """Content octets of the next value."""
        end = self._next(tag)
        return self._octets[self._content : end]

    def enter(self, tag: int) -> DerReader:
        """A reader over the children of the next value. The caller calls `end` on it."""
        end = self._next(tag)
        return DerReader(self._octets, self._content, end, self._depth + 1)

    def within(self, tag: int, read: Callable[[DerReader], T]) -> T:
        """Reads the children of the next value through `read`, which has to take all of them."""
        children = self.enter(tag)
        result = read(children)
        children.end()
        return result

    def optional(self, tag: int, read: Callable[[DerReader], T]) -> T | None:
        """`within`, or None when the next value has another tag or there is none."""
        return self.within(tag, read) if self.next_is(tag) else None

    def list_of(self, tag: int, read: Callable[[DerReader], T], minimum: int = 1) -> list[T]:
        """Each child of the next value, at least `minimum` of them."""
        children = self.enter(tag)
        found = []
        while not children.at_end:
            found.append(read(children))
        if len(found) < minimum:
            raise malformed("list is too short")
        return found

    def boolean(self, tag: int = BOOLEAN) -> bool:
        content = self.content(tag)
        if content not in (b"\x00", b"\xff"):
            raise malformed("BOOLEAN is not 00 or FF")
        return content == b"\xff"

    def boolean_default_false(self, tag: int = BOOLEAN) -> bool:
        """Absent is false, and an encoded FALSE is not DER (X.690 section 11.5)."""
        if not self.next_is(tag):
            return False
        if not self.boolean(tag):
            raise malformed("DEFAULT FALSE is encoded")
        return True

    def integer(self, tag: int = INTEGER) -> bytes:
        """Content octets of an INTEGER: two's complement, in its shortest form."""
        content = self.content(tag)
        if not content:
            raise malformed("empty INTEGER")
        if len(content) > 1 and ((content[0] == 0x00 and content[1] < 0x80) or (content[0] == 0xFF and content[1] >= 0x80)):
            raise malformed("INTEGER is not minimal")
        return content

    def small_integer(self, tag: int = INTEGER) -> int:
        """A non-negative INTEGER of at most 47 bits."""
        content = self.integer(tag)
        if len(content) > 6 or content[0] >= 0x80:
            raise malformed("INTEGER out of range")
        return int.from_bytes(content, "big")

    def oid(self, tag: int = OID) -> str:
        return _decode_oid(self.content(tag))

    def octet_string(self, tag: int = OCTET_STRING) -> bytes:
        return self.content(tag)

    def bit_string_octets(self) -> bytes:
        """A BIT STRING that holds whole octets, as keys and signatures do."""
        content = self.content(BIT_STRING)
        if content[:1] != b"\x00":
            raise malformed("BIT STRING is not a whole number of octets")
        return content[1:]

    def skip_checked(self) -> None:
        """Passes over the next value after walking it to its leaves: what is not understood is DER all the same."""
        if self.at_end:
            raise malformed("value is cut short")
        tag = self._octets[self._at]
        if tag & CONSTRUCTED:
            children = self.enter(tag)
            while not children.at_end:
                children.skip_checked()
        elif tag == BOOLEAN:
            self.boolean()
        elif tag in (INTEGER, ENUMERATED):
            self.integer(tag)
        elif tag == BIT_STRING:
            self._bit_string()
        elif tag == NULL:
            if self.content(NULL):
                raise malformed("NULL with content")
        elif tag == OID:
            self.oid()
        else:
            self.element()

    def _bit_string(self) -> None:
        """Unused bits are zero (X.690 section 11.2.1)."""
        content = self.content(BIT_STRING)
        if not content or content[0] > (7 if len(content) > 1 else 0):
            raise malformed("BIT STRING header")
        if content[0] and content[-1] & ((1 << content[0]) - 1):
            raise malformed("unused bits are set")

    def _octet(self, at: int) -> int:
        if at >= self._end:
            raise malformed("value is cut short")
        return self._octets[at]

    def _next(self, expected: int | None) -> int:
        """Reads the header, sets where the content begins, moves behind the value and returns that place."""
        tag = self._octet(self._at)
        if expected is not None and tag != expected:
            raise malformed(f"tag {tag:x} where {expected:x} belongs")
        if tag & 0x1F == 0x1F:
            raise malformed("tag number above 30")
        if tag == 0:
            raise malformed("end-of-contents octets")
        length = self._octet(self._at + 1)
        at = self._at + 2
        if length >= 0x80:
            count = length & 0x7F
            if count == 0:
                raise malformed("indefinite length")
            if count > 4:
                raise malformed("length above 4 octets")
            length = 0
            for _ in range(count):
                length = length << 8 | self._octet(at)
                at += 1
            if length < 0x80 or length < 256 ** (count - 1):
                raise malformed("length is not minimal")
        if length > self._end - at:
            raise malformed("value is cut short")
        self._content = at
        self._at = at + length
        return self._at


def _decode_oid(content: bytes) -> str:
    """Content octets of an OBJECT IDENTIFIER (X.690 section 8.19) as dotted text."""
    if not content:
        raise malformed("empty OBJECT IDENTIFIER")
    if len(content) > MAX_OID_OCTETS:
        raise malformed("OBJECT IDENTIFIER too long")
    arcs: list[int] = []
    arc = 0
    octets = 0
    for octet in content:
        if octets == 0 and octet == 0x80:
            raise malformed("OBJECT IDENTIFIER arc is not minimal")
        arc = arc << 7 | octet & 0x7F
        octets += 1
        if octets > MAX_ARC_OCTETS:
            raise malformed("OBJECT IDENTIFIER arc too large")
        if octet < 0x80:
            arcs.append(arc)
            arc = octets = 0
    if octets:
        raise malformed("OBJECT IDENTIFIER ends inside an arc")
    first = min(arcs[0] // 40, 2)
    return ".".join(str(part) for part in (first, arcs[0] - 40 * first, *arcs[1:]))
