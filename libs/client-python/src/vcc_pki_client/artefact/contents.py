"""What is in a model's files: nothing that runs when it is loaded, and nothing that is cut short. A right signature says neither."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from typing import Any, Callable, Sequence

from ..checks import Check, outcome
from ..errors import PkiError

_MODELS = ("lora_adapter", "model_weights")
_MAX_NAMED = 10
_CONFIG, _MAX_CONFIG_OCTETS = "adapter_config.json", 1024 * 1024
# The reference implementation's limit.
_MAX_HEADER_OCTETS = 100_000_000

_PICKLE_NAME = re.compile(
    r"\.(pkl|pickle|pt|pth|ckpt|joblib|dill)$"
    r"|(^|/)(pytorch_model|adapter_model|training_args|optimizer|scheduler)[^/]*\.bin$",
    re.IGNORECASE,
)
_CODE_NAME = re.compile(r"\.(py|pyc|pyd|so)$", re.IGNORECASE)

# Bits of one element, by the format's names for its types.
_DTYPE_BITS = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
    **{"F6_E2M3": 6, "F6_E3M2": 6, "F4": 4},
}


@dataclass(frozen=True)
class HashedOctets:
    """A file that was hashed, and how its octets are read: the same that went into the hash."""

    path: str
    size: int
    head: bytes
    """Its first octets, 64 KiB at most."""
    read_at: Callable[[int, int], bytes]
    """Octets from the first to before the second place, all of them."""


def is_model(type_: str) -> bool:
    """Whether loading an artefact of this type must run nothing. Code in others is what they are for."""
    return type_ in _MODELS


def check_contents(type_: str, files: Sequence[HashedOctets]) -> list[Check]:
    """Whether a model may be loaded, though its signature may be right. Of other types nothing is asked."""
    if not is_model(type_):
        return []
    running = [f"{json.dumps(path)} ({flag})" for path, flag in flag_files(files)]
    return [
        outcome("contents-inert", ", ".join(running[:_MAX_NAMED]) or None),
        outcome("contents-sound", _find_malformed(type_, files)),
    ]


def flag_files(files: Sequence[HashedOctets]) -> list[tuple[str, str]]:
    """Paths of files that are a pickle, or are called as pickles are, and code that `trust_remote_code` would run; each with why: pickle,
    pickle-name or code."""
    flagged = []
    for file in files:
        if begins_as_pickle(file.head):
            flagged.append((file.path, "pickle"))
        elif _PICKLE_NAME.search(file.path):
            flagged.append((file.path, "pickle-name"))
        elif _CODE_NAME.search(file.path):
            flagged.append((file.path, "code"))
    return flagged


def begins_as_pickle(head: bytes) -> bool:
    """Whether a file that begins so is a pickle of protocol 2 to 5 (opcode PROTO), or a ZIP archive whose first member is one, as `torch.save`
    writes. It finds what is honest about itself, whatever it is called; it does not prove that others are none."""
    if len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return True
    if len(head) < 30 or head[:4] != b"PK\x03\x04":
        return False
    (length,) = struct.unpack_from("<H", head, 26)
    return head[30 : 30 + length].endswith(b".pkl")


def _find_malformed(type_: str, files: Sequence[HashedOctets]) -> str | None:
    try:
        if type_ == "lora_adapter":
            _read_adapter(files)
        for file in files:
            if file.path.endswith(".safetensors"):
                read_safetensors(file)
    except PkiError as error:
        return error.message
    return None


def _read_adapter(files: Sequence[HashedOctets]) -> None:
    """A PEFT adapter: the configuration is JSON with a kind of adapter, names no code of its own (`auto_mapping`), and there are weights."""
    config = next((file for file in files if file.path == _CONFIG), None)
    if config is None:
        raise _malformed(_CONFIG, "there is none")
    if config.size > _MAX_CONFIG_OCTETS:
        raise _malformed(_CONFIG, "it is too large")
    try:
        raw = json.loads(config.read_at(0, config.size).decode("utf-8"))
    except (ValueError, RecursionError):
        raise _malformed(_CONFIG, "it is no JSON") from None
    if not isinstance(raw, dict):
        raise _malformed(_CONFIG, "it is no JSON object")
    if not isinstance(raw.get("peft_type"), str):
        raise _malformed(_CONFIG, "peft_type is missing")
    if not isinstance(raw.get("base_model_name_or_path"), (str, type(None))):
        raise _malformed(_CONFIG, "base_model_name_or_path is no text")
    if raw.get("auto_mapping") is not None:
        raise _malformed(_CONFIG, "auto_mapping names a class to be imported")
    if not any(file.path.endswith(".safetensors") for file in files):
        raise _malformed("*.safetensors", "there is none")


def read_safetensors(file: HashedOctets) -> None:
    """Checks the header of a safetensors file: 8 octets with its length (little endian), JSON, then the tensors' octets, which it must cover
    wholly, without a gap and without overlap. Raises FILE_MALFORMED."""
    if file.size < 8:
        raise _malformed(file.path, "it is too short")
    (length,) = struct.unpack("<Q", file.read_at(0, 8))
    data_at = 8 + length
    if length > _MAX_HEADER_OCTETS or data_at > file.size:
        raise _malformed(file.path, f"its header cannot have {length} octets")
    header = _parse_header(file, file.read_at(8, data_at))
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _malformed(file.path, "__metadata__ is no map of texts")
    covered = data_at
    for start, end in sorted(_place_of(file, name, entry) for name, entry in header.items()):
        if data_at + start != covered:
            raise _malformed(file.path, "a tensor does not begin where the one before it ends")
        covered = data_at + end
    if covered != file.size:
        raise _malformed(file.path, f"the tensors end at octet {covered}, the file at {file.size}")


def _parse_header(file: HashedOctets, octets: bytes) -> dict[str, Any]:
    try:
        header = json.loads(octets.decode("utf-8")) if octets[:1] == b"{" else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise _malformed(file.path, "its header is no JSON object")
    return header


def _place_of(file: HashedOctets, name: str, entry: Any) -> tuple[int, int]:
    fault = _malformed(file.path, f"tensor {json.dumps(name)} is described wrongly")
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise fault
    bits, shape, offsets = _DTYPE_BITS.get(str(entry["dtype"])), entry["shape"], entry["data_offsets"]
    if bits is None or not _is_lengths(shape) or not _is_lengths(offsets) or len(offsets) != 2:
        raise fault
    for dimension in shape:
        bits *= dimension
    if bits != 8 * (offsets[1] - offsets[0]):
        raise _malformed(file.path, f"tensor {json.dumps(name)} has other octets than its type and shape need")
    return offsets[0], offsets[1]


def _is_lengths(value: Any) -> bool:
    return isinstance(value, list) and all(type(length) is int and 0 <= length < 2**53 for length in value)


def _malformed(file: str, reason: str) -> PkiError:
    return PkiError("FILE_MALFORMED", f"{file}: {reason}", {"file": file})
