import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.errors import StoreUnavailable
from service.store.counter import Counter

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where no counter is yet."""
    return tmp_path / "counter"


@pytest.fixture
def counter(path: Path) -> Iterator[Counter]:
    """A new counter."""
    counter = Counter.create(path)
    yield counter
    counter.close()


def other_process(program: str, path: Path) -> subprocess.Popen[str]:
    """Another process that has the counter open as `counter`; what it prints can be read line by line."""
    opening = f"from service.store.counter import Counter\ncounter = Counter.open({str(path)!r})\n"
    return subprocess.Popen(
        [sys.executable, "-u", "-c", opening + program],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def heard(process: subprocess.Popen[str]) -> str:
    """The next line that the process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_new_counter_is_zero_and_private(path: Path) -> None:
    """Eight bytes, mode 0600 whatever the umask."""
    before = os.umask(0)
    try:
        counter = Counter.create(path)
    finally:
        os.umask(before)
    assert counter.value() == 0
    assert path.read_bytes() == bytes(8)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    counter.close()


def test_creating_again_keeps_the_number(path: Path, counter: Counter) -> None:
    """A counter that others have mapped is never made anew."""
    with counter.changing():
        pass
    again = Counter.create(path)
    assert again.value() == counter.value() == 1
    again.close()


def test_the_number_is_little_endian(path: Path, counter: Counter) -> None:
    """The file can be read by anything that knows its format."""
    path.write_bytes((2**40 + 5).to_bytes(8, "little"))
    assert counter.value() == 2**40 + 5


def test_the_number_begins_again_after_the_last(path: Path, counter: Counter) -> None:
    """After the highest number comes zero: different, which is all that is asked of it."""
    path.write_bytes(b"\xff" * 8)
    with counter.changing():
        pass
    assert counter.value() == 0


def test_the_number_is_raised_on_leaving(counter: Counter) -> None:
    """Within a change readers still see the old number; it rises after what was done, so nothing is missed."""
    with counter.changing():
        assert counter.value() == 0
    assert counter.value() == 1


def test_the_number_is_raised_whatever_happened(counter: Counter) -> None:
    """A change that failed may have been committed nevertheless, so readers look."""
    with pytest.raises(RuntimeError), counter.changing():
        raise RuntimeError
    assert counter.value() == 1


def test_another_process_sees_it_at_once(path: Path, counter: Counter) -> None:
    """When `changing` has been left, no process reads the old number any more."""
    reader = other_process("for line in iter(input, ''): print(counter.value())", path)
    assert reader.stdin is not None
    for number in range(20):
        reader.stdin.write("?\n")
        reader.stdin.flush()
        assert heard(reader) == str(number)
        with counter.changing():
            pass
    reader.communicate("\n")
    assert reader.returncode == 0


def test_changes_are_made_one_at_a_time(path: Path, counter: Counter) -> None:
    """Threads and processes that change at once never overlap, and no raise is lost."""
    program = "for _ in range(200):\n    with counter.changing(): pass"
    processes = [other_process(program, path) for _ in range(2)]
    inside, overlaps = [0], []

    def change() -> None:
        for _ in range(100):
            with counter.changing():
                inside[0] += 1
                overlaps.append(inside[0] != 1)
                inside[0] -= 1

    threads = [threading.Thread(target=change) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in processes:
        process.communicate(timeout=60)
    assert not any(overlaps)
    assert counter.value() == 2 * 200 + 3 * 100


@pytest.fixture
def holder(path: Path, counter: Counter) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of a change."""
    holder = other_process("with counter.changing():\n    print('holding')\n    input()", path)
    assert heard(holder) == "holding"
    yield holder
    holder.kill()
    holder.communicate()


def test_a_killed_holder_lets_go(counter: Counter, holder: subprocess.Popen[str]) -> None:
    """The lock of a process that is killed is free, though it could not raise the number."""
    with pytest.raises(StoreUnavailable, match=r"held it for 0\.1 seconds"), counter.changing(patience=0.1):
        pass
    holder.kill()
    holder.wait()
    assert counter.value() == 0
    with counter.changing(patience=1):
        pass
    assert counter.value() == 1


def test_a_stopped_holder_stops_no_reader(counter: Counter, holder: subprocess.Popen[str]) -> None:
    """Readers need no lock; a writer waits only as long as its patience, and then has changed nothing."""
    holder.send_signal(signal.SIGSTOP)
    assert counter.value() == 0
    with pytest.raises(StoreUnavailable), counter.changing(patience=0.05):
        pytest.fail("entered beside another")
    assert counter.value() == 0
    holder.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("content", [b"", b"1234567", b"123456789"])
def test_a_file_of_another_size_is_refused(path: Path, content: bytes) -> None:
    """Something that is not a counter is neither read nor overwritten."""
    path.write_bytes(content)
    with pytest.raises(StoreUnavailable, match="wrong size"):
        Counter.open(path)
    assert path.read_bytes() == content


def test_a_file_of_another_size_is_not_created_over(path: Path) -> None:
    """Creating completes an empty file, which an interrupted creation leaves, and no other."""
    path.write_bytes(b"something else")
    with pytest.raises(StoreUnavailable, match="wrong size"):
        Counter.create(path)
    assert path.read_bytes() == b"something else"
    path.write_bytes(b"")
    Counter.create(path).close()
    assert path.read_bytes() == bytes(8)


def test_a_missing_file_is_refused(path: Path) -> None:
    """A reader does not make a counter that nobody raises."""
    with pytest.raises(StoreUnavailable, match="No such file"):
        Counter.open(path)
    assert not path.exists()


def test_a_missing_folder_is_refused(path: Path) -> None:
    """Creating needs the folder to be there."""
    with pytest.raises(StoreUnavailable, match="No such file"):
        Counter.create(path / "counter")


def test_a_counter_that_vanished_stops_changes(path: Path, counter: Counter) -> None:
    """A change that nobody would hear of is not made."""
    path.unlink()
    with pytest.raises(StoreUnavailable), counter.changing():
        pytest.fail("nobody would learn of this change")


def test_a_reader_needs_no_right_to_write(path: Path, counter: Counter) -> None:
    """The mapping of a reader cannot be written to."""
    assert counter._number.readonly  # noqa: SLF001 - there is no other way to see it
