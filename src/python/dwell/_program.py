"""Finds the program that the package carries."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path
from typing import Iterator

NAME = "dwell.exe" if os.name == "nt" else "dwell"


class ProgramNotFound(FileNotFoundError):
    """The program ``dwell`` is not where this package, or PATH, has it."""


def find() -> str:
    """The path of the program ``dwell``.

    It is, first of all, what the environment variable ``DWELL_PROGRAM`` names; then what was installed beside this package;
    then what is on PATH. A package that is imported from a zip file (a wheel given to ``--py-files``) is unpacked once.

    Raises:
        ProgramNotFound: there is none of these.
    """
    named = os.environ.get("DWELL_PROGRAM")
    if named:
        if _runs(Path(named)):
            return named
        raise ProgramNotFound(f"DWELL_PROGRAM names {named!r}, which is no program that can be run")
    for place in _places():
        if _runs(place):
            return str(place)
    zipped = _from_zip()
    if zipped is not None:
        return zipped
    on_path = shutil.which("dwell")
    if on_path is not None:
        return on_path
    raise ProgramNotFound(
        "the program `dwell` is neither beside the Python package nor on PATH; install the wheel, which carries it "
        "(pip install dwell-….whl), or name it in the environment variable DWELL_PROGRAM"
    )


def _places() -> Iterator[Path]:
    package = Path(__file__).resolve().parent
    site = package.parent
    # `pip install --target` puts programs below the packages, environments beside them.
    yield site / "bin" / NAME
    for scheme in sysconfig.get_scheme_names():
        paths = sysconfig.get_paths(scheme)
        if any(os.path.realpath(paths[key]) == str(site) for key in ("purelib", "platlib") if key in paths):
            yield Path(paths["scripts"]) / NAME
    for parent in site.parents:
        if (parent / "lib").is_dir() or (parent / "Lib").is_dir():
            yield parent / ("Scripts" if os.name == "nt" else "bin") / NAME
            break
    yield Path(sys.executable).parent / NAME


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _from_zip() -> str | None:
    """The program out of the zip file that this package is imported from."""
    archive = next((str(parent) for parent in Path(__file__).parents if zipfile.is_zipfile(parent)), None)
    if archive is None:
        return None
    with zipfile.ZipFile(archive) as opened:
        inside = next((name for name in opened.namelist() if name.endswith(f".data/scripts/{NAME}")), None)
        if inside is None:
            return None
        told = opened.getinfo(inside)
        folder = Path(tempfile.gettempdir()) / f"dwell-{os.getuid() if hasattr(os, 'getuid') else 0}-{told.CRC:08x}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if hasattr(os, "getuid") and folder.lstat().st_uid != os.getuid():
            # What others have put there is not run.
            folder = Path(tempfile.mkdtemp(prefix="dwell-"))
        program = folder / NAME
        if not (_runs(program) and program.stat().st_size == told.file_size):
            # Others on this machine may do the same at this moment: what is renamed is whole.
            handle, unpacked = tempfile.mkstemp(dir=folder)
            with os.fdopen(handle, "wb") as target, opened.open(inside) as source:
                shutil.copyfileobj(source, target)
            os.chmod(unpacked, stat.S_IRWXU)
            os.replace(unpacked, program)
    return str(program)
