"""Times in DER, as the standards restrict them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from ..errors import malformed
from .reader import GENERALIZED_TIME, UTC_TIME, DerReader

_WHOLE = re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z")
_FRACTIONAL = re.compile(rb"(\d{14})(?:\.(\d{0,31}[1-9]))?Z")


def read_time(reader: DerReader) -> datetime:
    """Time of RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050; whole seconds, Z."""
    if reader.next_is(GENERALIZED_TIME):
        time = read_generalized_time(reader)
        if time.year < 2050:
            raise malformed("GeneralizedTime before 2050")
        return time
    content = reader.content(UTC_TIME)
    if len(content) != 13:
        raise malformed("UTCTime is not YYMMDDHHMMSSZ")
    return _at((b"20" if content[:1] < b"5" else b"19") + content)


def read_generalized_time(reader: DerReader, tag: int = GENERALIZED_TIME) -> datetime:
    """GeneralizedTime as RFC 5280 section 4.1.2.5.2 restricts it: whole seconds, Z."""
    return _at(reader.content(tag))


def read_fractional_time(reader: DerReader) -> datetime:
    """GeneralizedTime as RFC 3161 section 2.4.2 has it: if need be a fraction without trailing zeros, cut off at the millisecond."""
    match = _FRACTIONAL.fullmatch(reader.content(GENERALIZED_TIME))
    if match is None:
        raise malformed("GeneralizedTime is not YYYYMMDDHHMMSS[.s]Z")
    fraction = (match[2] or b"")[:3].ljust(3, b"0")
    return _at(match[1] + b"Z") + timedelta(milliseconds=int(fraction))


def _at(text: bytes) -> datetime:
    match = _WHOLE.fullmatch(text)
    if match is None:
        raise malformed("time is not YYYYMMDDHHMMSSZ")
    year, month, day, hour, minute, second = (int(part) for part in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        raise malformed("no such date") from None
