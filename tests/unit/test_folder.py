import os
from pathlib import Path

import pytest

from service import folder
from service.errors import UsageError
from service.folder import Glance, digest, read, signature


def write(root: Path, **files: str) -> Path:
    """A folder with these files; `__` in a name stands for `/`."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


class TestRead:
    def test_every_file_by_its_path(self, tmp_path: Path) -> None:
        """A folder is its files, as bytes, by their path within, however deep."""
        write(tmp_path, a="1", b__c="2", b__d__e="3")
        (tmp_path / "empty").mkdir()
        assert read(tmp_path) == {"a": b"1", "b/c": b"2", "b/d/e": b"3"}

    @pytest.mark.parametrize(
        "name",
        [
            ".hidden",
            ".model.conf.swp",
            "model.conf~",
            "model.conf.swp",
            "model.conf.tmp",
            ".#model.conf",
            "#model.conf#",
            ".git/config",
        ],
    )
    def test_what_belongs_to_an_editor(self, tmp_path: Path, name: str) -> None:
        """What editors and version control leave beside a file is no part of the policy, and nothing changed by it."""
        write(tmp_path, a="1")
        before = signature(tmp_path)
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("?")
        assert read(tmp_path) == {"a": b"1"}
        assert signature(tmp_path) == before

    def test_no_folder(self, tmp_path: Path) -> None:
        """What is not there, or is a file, is said to be no folder."""
        (tmp_path / "file").write_text("")
        for path in (tmp_path / "nowhere", tmp_path / "file"):
            with pytest.raises(UsageError, match="is not a folder"):
                read(path)
            assert signature(path) == frozenset()

    def test_a_file_that_cannot_be_read(self, tmp_path: Path) -> None:
        """A file that is there and cannot be read is an error: the rest is not the policy."""
        write(tmp_path, a="1")
        (tmp_path / "b").symlink_to(tmp_path / "nowhere")
        with pytest.raises(UsageError, match="b` cannot be read"):
            read(tmp_path)

    def test_a_folder_that_cannot_be_read(self, tmp_path: Path) -> None:
        """A part that cannot be read is an error and never left out: it may be the cases that guard the rest."""
        write(tmp_path, a="1")
        (tmp_path / "cases").symlink_to("cases")
        with pytest.raises(UsageError, match="cases` cannot be read"):
            read(tmp_path)

    def test_a_folder_that_leads_back(self, tmp_path: Path) -> None:
        """A link to the folder itself is refused, and not followed for ever."""
        write(tmp_path, a="1")
        (tmp_path / "b").symlink_to(tmp_path)
        with pytest.raises(UsageError, match="a link that leads back"):
            read(tmp_path)
        assert signature(tmp_path)

    def test_a_folder_made_of_links(self, tmp_path: Path) -> None:
        """A folder whose parts are links, as container platforms mount it, is read as what it shows."""
        write(tmp_path / "..2026", a="1", **{"cases/b": "2"})
        (tmp_path / "..data").symlink_to("..2026")
        for name in ("a", "cases"):
            (tmp_path / name).symlink_to(f"..data/{name}")
        assert read(tmp_path) == {"a": b"1", "cases/b": b"2"}

    def test_rights_that_are_put_right(self, tmp_path: Path) -> None:
        """Making a file or folder readable is a change: what could not be read is looked at again."""
        write(tmp_path, a="1", **{"cases/b": "2"})
        seen = [signature(tmp_path)]
        for name in ("a", "cases", "cases/b"):
            (tmp_path / name).chmod(0o700)
            seen.append(signature(tmp_path))
        assert len(set(seen)) == len(seen)

    def test_what_is_no_file(self, tmp_path: Path) -> None:
        """A pipe is refused and not waited for."""
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(UsageError, match="pipe` cannot be read: not a file"):
            read(tmp_path)

    def test_a_huge_file(self, tmp_path: Path) -> None:
        """A file that is larger than any policy is refused before it is read into memory."""
        with (tmp_path / "huge.csv").open("wb") as file:
            file.truncate(folder.LARGEST + 1)
        with pytest.raises(UsageError, match="larger than 512 MiB"):
            read(tmp_path)


class TestSignature:
    def test_of_an_unchanged_folder(self, tmp_path: Path) -> None:
        """Looking changes nothing, nor does reading."""
        write(tmp_path, a="1", b__c="2")
        before = signature(tmp_path)
        read(tmp_path)
        assert signature(tmp_path) == before

    def test_of_every_way_to_change(self, tmp_path: Path) -> None:
        """A file written, grown, added, renamed, replaced or removed each gives another signature."""
        write(tmp_path, a="1", b__c="2")
        seen = [signature(tmp_path)]

        def look() -> None:
            seen.append(signature(tmp_path))
            assert seen[-1] not in seen[:-1]

        os.utime(tmp_path / "a", ns=(1, 1))
        look()
        (tmp_path / "a").write_text("12")
        look()
        write(tmp_path, b__d="3")
        look()
        (tmp_path / "b" / "d").rename(tmp_path / "b" / "e")
        look()
        stat = (tmp_path / "a").stat()
        (tmp_path / ".a").write_text("xx")
        os.utime(tmp_path / ".a", ns=(stat.st_atime_ns, stat.st_mtime_ns))
        (tmp_path / ".a").replace(tmp_path / "a")
        look()
        (tmp_path / "b" / "c").unlink()
        look()


class TestDigest:
    def test_is_of_paths_and_contents(self) -> None:
        """Neither the order nor anything but paths and contents counts, and nothing runs into its neighbour."""
        assert digest({"a": b"1", "b": b"2"}) == digest({"b": b"2", "a": b"1"})
        others = [{"a": b"2", "b": b"1"}, {"a": b"1"}, {"a": b"1", "b": b"2", "c": b""}, {"ab": b"12"}, {}]
        assert len({digest(files) for files in [{"a": b"1", "b": b"2"}, *others]}) == 1 + len(others)

    def test_of_a_name_that_is_no_text(self) -> None:
        """A file name may be bytes that are no UTF-8: it has a digest like any other."""
        assert digest({os.fsdecode(b"cases/\xff.yaml"): b""}) != digest({os.fsdecode(b"cases/\xfe.yaml"): b""})


class TestGlance:
    def test_reads_again_when_the_disk_says_so(self, tmp_path: Path) -> None:
        """The digest is that of the files that count as they are now; others may change without a trace."""
        write(tmp_path, a="1", notes="n")
        glance = Glance(tmp_path, lambda paths: [path for path in paths if path != "notes"])
        assert glance.digest() == glance.digest() == digest({"a": b"1"})
        write(tmp_path, notes="other")
        assert glance.digest() == digest({"a": b"1"})
        write(tmp_path, a="longer")
        assert glance.digest() == digest({"a": b"longer"})

    def test_reads_once_while_nothing_changes(self, tmp_path: Path) -> None:
        """As long as the disk says nothing, what counts is not even asked."""
        asked = []
        glance = Glance(write(tmp_path, a="1"), lambda paths: asked.append(1) or list(paths))  # type: ignore[func-returns-value]
        for _ in range(3):
            glance.digest()
        assert len(asked) == 1

    def test_of_no_folder(self, tmp_path: Path) -> None:
        """No folder, an empty one and one that cannot be read have no digest; when it comes, it has."""
        glance = Glance(tmp_path / "policies", list)
        assert glance.digest() is None
        (tmp_path / "policies").mkdir()
        assert glance.digest() is None
        write(tmp_path / "policies", a="1")
        assert glance.digest() == digest({"a": b"1"})
        (tmp_path / "policies" / "b").symlink_to("nowhere")
        (tmp_path / "policies" / "a").write_text("22")
        assert glance.digest() is None
