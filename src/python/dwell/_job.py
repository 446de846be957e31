"""Jobs in all the forms in which they are given: a path, TOML text, or a dict of the same keys."""

from __future__ import annotations

import json
import os
from typing import Any, Mapping, Union

#: A job: the path of a TOML file, the text of one, or its keys as a dict. ``None`` is a job without keys.
Job = Union[str, "os.PathLike[str]", Mapping[str, Any], None]


def text_of(job: Job) -> str:
    """The TOML text of a job.

    Raises:
        FileNotFoundError: the job is a path that does not exist.
        TypeError: a value that no job can have.
    """
    if job is None:
        return ""
    if isinstance(job, Mapping):
        return "".join(f"{_key(name)} = {_value(value)}\n" for name, value in job.items() if value is not None)
    if isinstance(job, str) and ("\n" in job or "=" in job or not job.strip()):
        return job
    if not isinstance(job, (str, os.PathLike)):
        raise TypeError(f"a job is a path, TOML text or a dict, not {type(job).__name__}")
    with open(job, encoding="utf-8") as file:
        return file.read()


def _key(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the keys of a job are text, not {name!r}")
    return _text(name)


def _text(text: str) -> str:
    # What JSON escapes, TOML escapes alike; a delete sign is escaped in TOML alone.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, os.PathLike):
        return _text(os.fspath(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        pairs = (f"{_key(name)} = {_value(inner)}" for name, inner in value.items() if inner is not None)
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    if hasattr(value, "isoformat"):
        return _text(value.isoformat())
    raise TypeError(f"a job has no place for {value!r} ({type(value).__name__})")
