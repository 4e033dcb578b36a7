"""The policy folder on disk: read as a whole, and noticed when it changes.

Knows nothing of what the files mean. A folder is read as path -> bytes, so that everything behind it is pure.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from service.errors import UsageError

LARGEST = 512 * 1024 * 1024
"""Bytes in a single file: more is not a policy."""

Signature = frozenset[tuple[str, int, int, int]]
"""What the disk says of a folder without reading it: path, inode, size and time of change of each file."""


def read(folder: Path) -> dict[str, bytes]:
    """Every file of the folder by its path within, `/` between parts. UsageError where there is no folder."""
    if not folder.is_dir():
        raise UsageError(f"`{folder}` is not a folder", "name the folder that holds `model.conf`")
    files: dict[str, bytes] = {}
    for path in _walk(folder):
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise UsageError(f"`{path}` cannot be read: not a file", "take it out of the folder")
            if status.st_size > LARGEST:
                raise UsageError(f"`{path}` is larger than {LARGEST >> 20} MiB", "split it")
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
        except OSError as error:
            raise UsageError(f"`{path}` cannot be read: {error.strerror}", "put its permissions right") from error
    return files


def signature(folder: Path) -> Signature:
    """Changes whenever a file of the folder is written, added or removed; empty where there is no folder."""
    found = set()
    for path in _walk(folder):
        try:
            status = path.stat()
        except OSError:
            continue
        found.add((str(path), status.st_ino, status.st_size, status.st_mtime_ns))
    return frozenset(found)


def digest(files: Mapping[str, bytes]) -> str:
    """One SHA-256 for a set of files, whatever their order."""
    each = (f"{path}\0{sha256(content).hexdigest()}\n" for path, content in sorted(files.items()))
    # A file name may be bytes that are no text.
    return sha256("".join(each).encode(errors="surrogateescape")).hexdigest()


class Glance:
    """The digest of a folder, read again only when the disk says that it changed. `choose` says which files count."""

    def __init__(self, folder: Path, choose: Callable[[Iterable[str]], list[str]]) -> None:
        self._folder, self._choose = folder, choose
        self._seen: tuple[Signature, str | None] | None = None

    def digest(self) -> str | None:
        """The digest now; None where there is no folder that can be read."""
        now = signature(self._folder)
        if self._seen is None or self._seen[0] != now:
            self._seen = now, self._read()
        return self._seen[1]

    def _read(self) -> str | None:
        try:
            files = read(self._folder)
        except UsageError:
            return None
        return digest({path: files[path] for path in self._choose(files)}) if files else None


def _walk(folder: Path) -> Iterator[Path]:
    """The files of the folder. What begins with a dot, ends with a tilde or stands in `#` belongs to an editor."""
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            saved = name.startswith("#") and name.endswith("#")
            if not saved and not name.startswith(".") and not name.endswith(("~", ".swp", ".tmp")):
                yield Path(base, name)
