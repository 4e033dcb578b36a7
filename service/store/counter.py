"""How the workers of one host learn of a commit: a number in a file that each of them has mapped into memory.

Reading it costs a tenth of a microsecond, so every check can. It is raised after the commit and before Save
returns, under a lock that covers both: a reader that takes the number before the rows can never take old rows
for new. The number says *that* something changed, never what; it is compared for being different, not for
being larger.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from service.errors import StoreUnavailable

_SIZE = 8
"""Bytes: one unsigned 64-bit number, little-endian on every machine that we run on."""

_PAUSE = 0.005
"""Seconds between two attempts to get the lock."""


class Counter:
    """The counter of one host. Readers need no more than the right to read the file."""

    __slots__ = ("_file", "_map", "_number", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path
        with _opened(path, os.O_RDONLY) as file:
            self._file = _identity(os.fstat(file))
            self._map = mmap.mmap(file, _SIZE, prot=mmap.PROT_READ)
        # INVARIANT: the number is read and written as one machine word. `struct` would go byte by byte, and a
        # reader could see a number that never was.
        self._number = memoryview(self._map).cast("Q")

    @classmethod
    def create(cls, path: Path | str) -> Self:
        """Make the file (mode 0600) where there is none. One that exists is kept: others have it mapped."""
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(Path(path), str(error.strerror)) from error
        try:
            if not os.fstat(file).st_size:
                # Written, not merely made long: on a full disk a hole in a mapped file ends the process.
                os.pwrite(file, bytes(_SIZE), 0)
        except OSError as error:
            raise _unusable(Path(path), str(error.strerror)) from error
        finally:
            os.close(file)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Map the file. Raises StoreUnavailable where it is missing or not a counter."""
        return cls(Path(path))

    def close(self) -> None:
        """Give the mapping back. Closing twice does no harm."""
        self._number.release()
        self._map.close()

    def value(self) -> int:
        """The number now."""
        return self._number[0]

    def follow(self) -> None:
        """Map the file anew where another has taken its name, as when somebody removed it and made it again.

        While there is none, nobody can change anything, and the number that we have is the right one.
        """
        try:
            if _identity(self._path.stat()) == self._file:
                return
            new = type(self)(self._path)
        except (OSError, StoreUnavailable):
            return
        # Not closed: another thread may be reading the old number just now.
        self._file, self._map, self._number = new._file, new._map, new._number  # noqa: SLF001 - its own kind

    @contextmanager
    def changing(self, patience: float = 30.0) -> Iterator[None]:
        """Do a change alone, and raise the number on leaving, whatever happened.

        A change that failed may have been committed all the same, and one reading too many does no harm.
        Raises StoreUnavailable when others hold the lock for more than `patience` seconds. A holder that is
        killed lets go.
        """
        with _opened(self._path, os.O_RDWR) as file:
            _lock(file, self._path, patience)
            try:
                yield
            finally:
                with mmap.mmap(file, _SIZE) as writable, memoryview(writable).cast("Q") as number:
                    number[0] = (number[0] + 1) % 2**64
        # Closing the file lets the lock go.


def _identity(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_dev, stat.st_ino


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    try:
        file = os.open(path, flags | os.O_CLOEXEC)
    except OSError as error:
        raise _unusable(path, str(error.strerror)) from error
    try:
        if os.fstat(file).st_size != _SIZE:
            raise _unusable(path, "it has the wrong size")
        yield file
    finally:
        os.close(file)


def _lock(file: int, path: Path, patience: float) -> None:
    # Asked again and again rather than waited for: a stopped holder must not stop everybody else for ever.
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise _unusable(path, f"another change has held it for {patience:g} seconds") from error
            time.sleep(_PAUSE)
        else:
            return


def _unusable(path: Path, why: str) -> StoreUnavailable:
    return StoreUnavailable(f"the counter `{path}` cannot be used: {why}", "run `rolewarden init`")
