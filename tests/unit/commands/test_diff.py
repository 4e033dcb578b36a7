"""`rolewarden diff`: what two policies differ in, wherever they are, and an exit code that cannot be mistaken."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.commands.line import SHIPPED, CommandLine

WIDER = ("g2, edit, Update, Task - Orders\n", "g2, edit, Read, Task - Orders\n")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two copies of the shipped policy."""
    for name in ("old", "new"):
        shutil.copytree(SHIPPED, tmp_path / name)
    return tmp_path / "old", tmp_path / "new"


def edit(folder: Path, path: str, old: str, new: str) -> None:
    """Write something else in a file."""
    text = (folder / path).read_text()
    assert old in text
    (folder / path).write_text(text.replace(old, new))


def leave(folder: Path) -> None:
    """Take Eve out of her role, in the folder's practice."""
    edit(folder, "demo/riverside.csv", "g, user:eve, role:Scheduler, riverside\n", "")


class TestFolders:
    def test_the_same(self, bare: CommandLine, folders: tuple[Path, Path]) -> None:
        """Equal folders end with 0."""
        out = bare("diff", *map(str, folders)).stdout
        assert out.startswith("Nobody gains or loses anything.")

    def test_words_alone(self, bare: CommandLine, folders: tuple[Path, Path]) -> None:
        """A text that somebody reads differs, and nobody may do anything else: 0."""
        edit(folders[1], "catalog.yaml", "Try again in a minute", "Try again soon")
        out = bare("diff", *map(str, folders)).stdout
        assert "~ catalog.yaml" in out
        assert "Nobody gains or loses anything." in out

    def test_somebody_loses(self, bare: CommandLine, folders: tuple[Path, Path]) -> None:
        """Rows and sentences, and 1."""
        leave(folders[1])
        out = bare("diff", *map(str, folders), code=1).stdout
        assert "- g, user:eve, role:Scheduler, riverside" in out
        assert "Nobody gains, 1 person loses." in out
        assert "Riverside Family Practice: Eve will no longer be able to open the Patient Portal queue" in out

    def test_rules_that_open_more(self, bare: CommandLine, folders: tuple[Path, Path]) -> None:
        """Screens that open more reach whoever holds the level, in the folder's practices and in those of cases."""
        edit(folders[1], "screens.csv", *WIDER)
        shown = json.loads(bare("diff", *map(str, folders), "--format", "json", code=1).stdout)
        assert shown["rows_added"] == ["g2, edit, Read, Task - Orders"]
        assert (shown["same_effect"], shown["lost"]) == (False, 0)
        assert {
            "practice": "riverside",
            "user": "cam",
            "screen": "Task - Orders",
            "action": "edit",
            "gained": True,
        } in (shown["effect"])
        assert any(flip["practice"].endswith("(clinic)") for flip in shown["effect"])

    def test_the_other_way_round(self, bare: CommandLine, folders: tuple[Path, Path]) -> None:
        """What comes in the one direction goes in the other."""
        leave(folders[1])
        there, back = (
            json.loads(bare("diff", str(one), str(other), "--format", "json", code=1).stdout)
            for one, other in (folders, folders[::-1])
        )
        assert there["rows_removed"] == back["rows_added"]
        assert [flip | {"gained": not flip["gained"]} for flip in there["effect"]] == back["effect"]

    def test_markdown(self, bare: CommandLine, folders: tuple[Path, Path]) -> None:
        """For a comment on a pull request; no name becomes markup, and no fence can be closed from within."""
        edit(folders[1], "demo/directory.yaml", "eve: Eve Elm", "eve: '<b>@Eve</b> `x` ```'")
        leave(folders[1])
        out = bare("diff", *map(str, folders), "--format", "markdown", code=1).stdout
        assert out.startswith("### Nobody gains, 1 person loses.\n")
        assert "- **loses** Riverside Family Practice: Eve will" in out
        assert "```diff\n" in out
        assert out.count("```") == 2


class TestTrouble:
    @pytest.mark.parametrize(
        "args",
        [
            ("nowhere", "{new}"),
            ("{old}", "@"),
            ("{old}", "@x"),
            ("{old}", "@99"),
            ("{old}", "@0"),
            ("{old}",),
            ("{old}", "{new}", "--nonsense"),
            ("{old}", "{new}", "--format", "pdf"),
            ("{old}", "HEAD:nowhere"),
            ("--", "--all:x", "{new}"),
        ],
    )
    def test_is_2(self, demo: CommandLine, folders: tuple[Path, Path], args: tuple[str, ...]) -> None:
        """What is not there or mistyped never looks like an answer."""
        old, new = map(str, folders)
        demo("diff", *(arg.format(old=old, new=new) for arg in args), code=2)

    def test_a_policy_that_does_not_hold_is_3(self, demo: CommandLine, folders: tuple[Path, Path]) -> None:
        """As for every command."""
        edit(folders[1], "screens.csv", "g2, view, Read, Task - Orders", "g2, view, Reed, Task - Orders")
        demo("diff", *map(str, folders), code=3)

    def test_no_store(self, demo: CommandLine, folders: tuple[Path, Path]) -> None:
        """A store that is not there is trouble, too."""
        demo.env["ROLEWARDEN_HOME"] = str(folders[0] / "nothing")
        demo("diff", "@1", "@1", code=2)


def newest(line: CommandLine) -> int:
    """The number of the newest change."""
    return int(json.loads(line("log", "--format", "json").stdout)[0]["revision"])


class TestChanges:
    def test_two_changes(self, demo: CommandLine) -> None:
        """The store as it was after each, practice by practice."""
        demo("user", "disable", "riverside", "ben")
        head = newest(demo)
        out = demo("diff", f"@{head - 1}", f"@{head}", code=1).stdout
        assert "Ben will no longer be able to open and answer messages forwarded to Ben." in out
        demo("diff", f"@{head}", f"@{head}")

    def test_a_folder_over_the_practices_of_the_store(self, demo: CommandLine) -> None:
        """What publishing this folder would do to the people of the store."""
        head = f"@{newest(demo)}"
        demo("diff", head, str(demo.policies))
        edit(demo.policies, "screens.csv", *WIDER)
        out = demo("diff", head, str(demo.policies), code=1).stdout
        assert "Riverside Family Practice: Cam will be able to change what is in the Orders queue." in out
        assert "(clinic)" not in out


class TestCommits:
    def git(self, at: Path, *words: str) -> None:
        """Run git where nobody's configuration counts."""
        env = {"PATH": os.environ["PATH"], "HOME": str(at), "GIT_CONFIG_NOSYSTEM": "1"}
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *words], cwd=at, env=env, check=True, capture_output=True)

    @pytest.fixture
    def repository(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A repository with the policy in two commits, and we stand in it."""
        root = tmp_path / "repository"
        shutil.copytree(SHIPPED, root / "policies")
        self.git(root, "init", "-q")
        self.git(root, "add", "-A")
        self.git(root, "commit", "-qm", "one")
        leave(root / "policies")
        self.git(root, "commit", "-qam", "two")
        monkeypatch.chdir(root)
        return root

    def test_a_commit(self, bare: CommandLine, repository: Path) -> None:
        """A folder as it stands in a commit, against another one and against the disk, from anywhere within."""
        assert "Eve will no longer" in bare("diff", "HEAD~1:policies", "HEAD:policies", code=1).stdout
        bare("diff", "HEAD:policies", "policies")
        os.chdir(repository / "policies")
        bare("diff", "HEAD:./", ".")
        bare("diff", "HEAD~1:policies", ".", code=1)

    def test_what_is_no_folder(self, bare: CommandLine, repository: Path) -> None:
        """A file, a commit that is not there, and a link are trouble; a folder without a policy does not hold."""
        for name in ("HEAD:policies/model.conf", "HEAD~9:policies", "nonsense:policies", "HEAD:nowhere"):
            bare("diff", name, "policies", code=2)
        bare("diff", "HEAD:policies/cases", "policies", code=3)
        (repository / "policies" / "link.csv").symlink_to("screens.csv")
        self.git(repository, "add", "-A")
        self.git(repository, "commit", "-qm", "three")
        bare("diff", "HEAD:policies", "HEAD~1:policies", code=2)

    def test_without_git(self, bare: CommandLine, repository: Path) -> None:
        """Without the executable, folders can still be compared."""
        bare.env["PATH"] = str(repository)
        assert "no `git`" in bare("diff", "HEAD:policies", "policies", code=2).output
        bare("diff", "policies", "policies")
