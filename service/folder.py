"""The policy folder on disk: read as a whole, and noticed when it changes.

Knows nothing of what the files mean. A folder is read as path -> bytes, so that everything behind it is pure.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from errno import ELOOP
from hashlib import sha256
from pathlib import Path

from service.errors import UsageError

LARGEST = 512 * 1024 * 1024
"""Bytes in a single file: more is not a policy."""

DEEPEST = 4
"""Folders within each other: more is a link that leads back."""

EXAMPLES = "examples"
"""A folder whose folders may be policy folders of their own: those with a model are no part of the one around them."""

Signature = frozenset[tuple[str, int, int, int, int]]
"""What the disk says of a folder without reading it: path, inode, mode, and times of change of content and rights."""


def read(folder: Path) -> dict[str, bytes]:
    """Every file of the folder by its path within, `/` between parts.

    Raises UsageError where there is no folder, or one that cannot be read as a whole: a part that is left out unsaid
    could be the one that guards the rest.
    """
    if not _is_folder(folder):
        raise UsageError(f"`{folder}` is not a folder", "name the folder that holds `model.conf`")
    files: dict[str, bytes] = {}
    for path in _walk(folder, _refuse):
        if path.is_dir():
            continue
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise UsageError(f"`{path}` cannot be read: not a file", "take it out of the folder")
            if status.st_size > LARGEST:
                raise UsageError(f"`{path}` is larger than {LARGEST >> 20} MiB", "split it")
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
        except OSError as error:
            _refuse(error)
    return files


def without_examples(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files without those of policy folders of their own, for who got them from elsewhere than the disk."""
    models = (path for path in files if path.startswith(f"{EXAMPLES}/") and path.endswith("/model.conf"))
    apart = {path.removesuffix("model.conf") for path in models}
    return {path: content for path, content in files.items() if not any(path.startswith(each) for each in apart)}


def signature(folder: Path) -> Signature:
    """Changes whenever anything in the folder is written, added, removed or made readable; empty without a folder."""
    found = set()
    for path in _walk(folder, lambda _error: None) if _is_folder(folder) else ():
        try:
            status = path.stat()
        except OSError:
            continue
        times = (status.st_mtime_ns, status.st_ctime_ns)
        # A folder changes with what an editor leaves in it; of a folder itself only its rights count.
        found.add((str(path), status.st_ino, status.st_mode, *((0, 0) if stat.S_ISDIR(status.st_mode) else times)))
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


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return False


def _refuse(error: OSError) -> None:
    raise UsageError(f"`{error.filename}` cannot be read: {error.strerror}", "put its permissions right") from error


def _walk(folder: Path, failed: Callable[[OSError], None]) -> Iterator[Path]:
    """The folders and files within, links followed: a folder that is mounted from elsewhere is made of them.

    What begins with a dot, ends with a tilde or stands in `#` belongs to an editor.
    """
    for base, folders, names in os.walk(folder, onerror=failed, followlinks=True):
        within = Path(base).relative_to(folder).parts
        if within[:1] == (EXAMPLES,) and "model.conf" in names:
            folders.clear()
            continue
        yield Path(base)
        if len(within) > DEEPEST:
            failed(OSError(ELOOP, "folders too deep within each other, or a link that leads back", base))
            folders.clear()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            saved = name.startswith("#") and name.endswith("#")
            if not saved and not name.startswith(".") and not name.endswith(("~", ".swp", ".tmp")):
                yield Path(base, name)
