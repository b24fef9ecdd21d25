"""The communication matrix: whom each service may call. Decides as libs/matrix does, from its JSON form; a test holds the two against each other."""

from __future__ import annotations

import json
import os
import re
import threading
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence
from urllib.parse import unquote_to_bytes

from .errors import PkiError

_MAX_PATH, _MAX_SEGMENTS = 4096, 64
# What servers read in different ways: separators of another system, parameters of a segment, encoded once more.
_AMBIGUOUS = re.compile(r"[\\;/]|%[0-9a-f]{2}", re.IGNORECASE)
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_LITERAL = re.compile(r"[A-Za-z0-9._~!$&'()+,:@=-]+")


@dataclass(frozen=True)
class Decision:
    allowed: bool
    reason: str
    """allowed, denied-by-rule, permission-needed, isolated, no-rule, not-here or path-malformed."""
    text: str
    """For people."""
    rule: str | None = None
    """The rule that decided: its place in the matrix. None: there is none for this call."""
    line: int | None = None


@dataclass(frozen=True)
class _Pattern:
    """ "/api/v1/*" or "/api/**": "*" is one segment, "**" at the end is any number of them."""

    segments: tuple[str, ...]
    is_open: bool

    def matches(self, path: Sequence[str], ignoring_case: bool = False) -> bool:
        if len(path) < len(self.segments) if self.is_open else len(path) != len(self.segments):
            return False
        return all(
            wanted in ("*", segment) or (ignoring_case and wanted.lower() == segment.lower())
            for wanted, segment in zip(self.segments, path)
        )


@dataclass(frozen=True)
class _Place:
    """Where something holds. None: anywhere."""

    methods: tuple[str, ...] | None
    paths: tuple[_Pattern, ...] | None

    def opens(self, method: str | None, path: Sequence[str] | None) -> bool:
        """Whether a rule admits a call there. The question whether there may be any call is answered by any rule."""
        if method is None and path is None:
            return True
        if self.methods is not None and method not in self.methods:
            return False
        return self.paths is None or (path is not None and any(pattern.matches(path) for pattern in self.paths))

    def closes(self, method: str | None, path: Sequence[str] | None) -> bool:
        """Whether a denial holds there. It is read widely: an unknown method or path, or other case, may be the one that is meant."""
        if method is None and path is None:
            return self.methods is None and self.paths is None
        if self.methods is not None and method is not None and method not in self.methods:
            return False
        return self.paths is None or path is None or any(pattern.matches(path, True) for pattern in self.paths)

    def guards(self, method: str | None, path: Sequence[str] | None) -> bool:
        """Whether a call is at what a permission keeps."""
        return path is not None and self.paths is not None and self.closes(method, path)


@dataclass(frozen=True)
class _Rule:
    id: str
    line: int
    is_denial: bool
    source: str
    target: str
    place: _Place


@dataclass(frozen=True)
class _Permission:
    name: str
    target: str
    holders: tuple[str, ...]
    place: _Place


class Matrix:
    """A matrix in force. Default deny; a denial goes before what allows; paths of a permission are for its holders."""

    def __init__(self, document: Any) -> None:
        """`document`: the JSON form, format "vcc-matrix-1". Raises CONFIG_INVALID for what is none."""
        top = _object(document, "format", "organisation", "version", "services", "types", "rules", "permissions")
        if top["format"] != "vcc-matrix-1" or not isinstance(top["organisation"], str) or not isinstance(top["types"], dict):
            raise _invalid("it is of another format")
        self.organization: str = top["organisation"]
        self.version: int = top["version"]
        self._types: dict[str, str] = {str(name): str(type_) for name, type_ in top["types"].items()}
        self._isolated = {str(s["name"]) for s in _list(top["services"], "name", "isolation") if s["isolation"] == "high"}
        self._rules = [_rule(each) for each in _list(top["rules"], "id", "line", "effect", "source", "target")]
        self._permissions = [_permission(each) for each in _list(top["permissions"], "name", "target", "holders")]

    def decide(self, source: str, target: str, method: str | None = None, path: str | None = None) -> Decision:
        """Whether `source` may call `target`, services by their ids. `path`: of the request target, as it came in. Without method and path:
        whether there may be any call. Raises nothing: what cannot be understood is denied."""
        verb = None if method is None else method.upper()
        try:
            segments = None if path is None else parse_path(path)
        except PkiError:
            return Decision(False, "path-malformed", "the path can be read in two ways")
        callers, called = self._words(source), self._words(target)
        rules = [rule for word in callers for rule in self._rules if rule.source == word and _means(rule.target, called)]

        denial = next((rule for rule in rules if rule.is_denial and rule.place.closes(verb, segments)), None)
        if denial is not None:
            return Decision(False, "denied-by-rule", f"{source} may not call {target}: {denial.id}", denial.id, denial.line)
        for permission in self._permissions:
            is_held = any(holder in callers for holder in permission.holders)
            if not is_held and _means(permission.target, called) and permission.place.guards(verb, segments):
                return Decision(False, "permission-needed", f"{target} wants the permission {permission.name} there")
        allowances = [rule for rule in rules if not rule.is_denial]
        is_isolated = any(word in self._isolated for word in called)
        reaching = [rule for rule in allowances if not is_isolated or "*" not in rule.target]
        rule = next((rule for rule in reaching if rule.place.opens(verb, segments)), None)
        if rule is not None:
            return Decision(True, "allowed", f"{source} may call {target}", rule.id, rule.line)
        if reaching:
            return Decision(False, "not-here", f"{source} may call {target}, but not so")
        if allowances:
            stopped = allowances[0]
            return Decision(False, "isolated", f"{target} is isolated: a wildcard does not reach it", stopped.id, stopped.line)
        return Decision(False, "no-rule", f"nothing lets {source} call {target}")

    def _words(self, service: str) -> tuple[str, ...]:
        """What a service answers to: its name, and its type."""
        type_ = self._types.get(service)
        return (service,) if type_ is None or type_ == service else (service, type_)


class MatrixFile:
    """A matrix in a file that may be exchanged while a service runs: the next decision is by the new one. One that cannot be read leaves the old
    one in force, and `last_error` says why."""

    def __init__(self, file: str | os.PathLike[str]) -> None:
        """Raises CONFIG_INVALID, FILE_UNREADABLE when there is no good one at first."""
        self._file = Path(file)
        self._lock = threading.Lock()
        self._seen = self._time()
        self._matrix = read_matrix(file)
        self.last_error: PkiError | None = None

    def current(self) -> Matrix:
        """The matrix in force now."""
        seen = self._time()
        if seen != self._seen:
            with self._lock:
                try:
                    self._matrix = read_matrix(self._file)
                    self.last_error = None
                except PkiError as error:
                    self.last_error = error
                self._seen = seen
        return self._matrix

    def _time(self) -> int:
        try:
            return self._file.stat().st_mtime_ns
        except OSError:
            return 0


def read_matrix(file: str | os.PathLike[str]) -> Matrix:
    """Reads the JSON form from a file. Raises CONFIG_INVALID, FILE_UNREADABLE."""
    try:
        return Matrix(json.loads(Path(file).read_text("utf-8")))
    except OSError as error:
        raise PkiError("FILE_UNREADABLE", f"cannot read {file} ({error.strerror})", {"file": str(file)}) from error
    except (ValueError, RecursionError) as error:
        raise _invalid(f"{file} is no JSON") from error


def parse_path(target: str) -> tuple[str, ...]:
    """The segments of the path of a request target (RFC 3986 section 3.3), without query and fragment, percent-decoded once. What servers might read
    in two ways is refused: "." and "..", empty segments but a last one, which is left out, and an encoded "/", "\\", ";", "%" or control
    character. Raises REQUEST_MALFORMED."""
    path = re.split(r"[?#]", target, maxsplit=1)[0]
    if not path.startswith("/") or len(path) > _MAX_PATH:
        raise PkiError("REQUEST_MALFORMED", "a path begins with / and is not too long")
    raw = path[1:].split("/")
    if raw[-1] == "":
        raw.pop()
    if len(raw) > _MAX_SEGMENTS:
        raise PkiError("REQUEST_MALFORMED", "a path has too many segments")
    return tuple(map(_decode_segment, raw))


def _decode_segment(raw: str) -> str:
    try:
        if _BAD_ESCAPE.search(raw):
            raise ValueError(raw)
        segment = unquote_to_bytes(raw).decode("utf-8")
    except ValueError:
        raise PkiError("REQUEST_MALFORMED", "a path is not percent-encoded UTF-8") from None
    if segment in ("", ".", ".."):
        raise PkiError("REQUEST_MALFORMED", "a path has a segment that says where to go")
    if _AMBIGUOUS.search(segment) or any(unicodedata.category(character) == "Cc" for character in segment):
        raise PkiError("REQUEST_MALFORMED", "a path can be read in two ways")
    return segment


def _parse_pattern(text: Any) -> _Pattern:
    segments = text[1:].split("/") if isinstance(text, str) and text.startswith("/") else [""]
    is_open = segments[-1] == "**"
    if is_open or text == "/":
        segments.pop()
    if not all(s == "*" or (_LITERAL.fullmatch(s) and s not in (".", "..")) for s in segments):
        raise _invalid(f"{text!r} is no path pattern")
    return _Pattern(tuple(segments), is_open)


def _means(pattern: str, words: Sequence[str]) -> bool:
    """Whether a name or a pattern, with "*" for any characters, means one of the words."""
    if "*" not in pattern:
        return pattern in words
    expression = ".*".join(map(re.escape, pattern.split("*")))
    return any(re.fullmatch(expression, word, re.DOTALL) for word in words)


def _rule(entry: dict[str, Any]) -> _Rule:
    if entry["effect"] not in ("allow", "deny"):
        raise _invalid("a rule neither allows nor denies")
    texts = [entry[name] for name in ("id", "source", "target")]
    if not all(isinstance(text, str) for text in texts):
        raise _invalid("a rule has no names")
    return _Rule(entry["id"], entry["line"], entry["effect"] == "deny", entry["source"], entry["target"], _place(entry))


def _permission(entry: dict[str, Any]) -> _Permission:
    holders = entry["holders"]
    if not isinstance(holders, list) or not all(isinstance(holder, str) for holder in holders):
        raise _invalid("a permission has no holders")
    return _Permission(str(entry["name"]), str(entry["target"]), tuple(holders), _place(entry))


def _place(entry: dict[str, Any]) -> _Place:
    methods, paths = entry.get("methods"), entry.get("paths")
    if not all(each is None or isinstance(each, list) for each in (methods, paths)):
        raise _invalid("methods and paths are lists")
    return _Place(
        None if methods is None else tuple(map(str, methods)),
        None if paths is None else tuple(map(_parse_pattern, paths)),
    )


def _object(value: Any, *names: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not set(names) <= value.keys():
        raise _invalid(f"a part is not an object of {', '.join(names)}")
    return value


def _list(value: Any, *names: str) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise _invalid("a part is not a list")
    return [_object(each, *names) for each in value]


def _invalid(fault: str) -> PkiError:
    return PkiError("CONFIG_INVALID", f"not a matrix: {fault}")
