"""The yardstick: Casbin's own example models, written anew, and what becomes of each.

Those that are compiled are policy folders under `policies/examples`, so that each can be served; those that are refused
stand as models in `refused/`. The first line of a model says what it shows, the second what Casbin calls it. Run as a
script, this writes the table of the reference.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from service import folder
from service.decision import trial
from service.policy import bundle, model
from service.policy.bare import Bare
from service.policy.findings import errors

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "policies" / "examples"
REFUSED = Path(__file__).parent / "refused"
PAGE = ROOT / "docs" / "reference" / "casbin-models.md"

INTRODUCTION = """# Casbin's models

What becomes of the example models of Casbin's documentation, written anew. A model that is compiled is a [policy
folder](policy-folder.md#a-folder-without-practices) of its own: `make run POLICIES=policies/examples/<name>` serves
it, and decides as stock Casbin does, within the [named differences](casbin-differences.md). A model that is refused is
refused when it is loaded, with what is missing. `python -m tests.generative.yardstick` writes this page, and a test
holds it.

`indexed`: rows are found by what the matcher ties to a row by equality or by links. `scanned`: of the rows that the
index leaves, each is tested for the rest, such as a pattern.

"""


class Example(NamedTuple):
    """A model, and what it is about."""

    name: str
    shows: str
    casbin: str


def example(path: Path, name: str) -> Example:
    """What the first two lines of a model say."""
    shows, casbin = path.read_text(encoding="utf-8").splitlines()[:2]
    return Example(name, shows.removeprefix("# "), casbin.removeprefix("# Casbin: "))


def compiled() -> Iterator[tuple[Example, Bare]]:
    """Each model that is compiled, with its folder."""
    for path in sorted(EXAMPLES.iterdir()):
        read, found = bundle.load(folder.read(path))
        assert read is not None, path
        assert read.bare is not None, path
        assert errors(found) == [], path
        yield example(path / "model.conf", path.name), read.bare


def refused() -> Iterator[tuple[Example, str]]:
    """Each model that is refused, with what is missing."""
    for path in sorted(REFUSED.iterdir()):
        read, found = model.parse("model.conf", path.read_text(encoding="utf-8"))
        assert read is None, path
        yield example(path, path.stem), f"[`{found[0].rule}`](findings/{found[0].rule}.md): {found[0].found}"


def page() -> str:
    """The page of the reference."""
    lines = ["| model | shows | Casbin's | |", "|---|---|---|---|"]
    every = [(each, f"{trial.rulebook(bare).how}") for each, bare in compiled()]
    lines += [f"| `{each.name}` | {each.shows} | {each.casbin} | {how} |" for each, how in every]
    below = ["| refused | shows | Casbin's | what is missing |", "|---|---|---|---|"]
    missing = list(refused())
    below += [f"| `{each.name}` | {each.shows} | {each.casbin} | {_cell(why)} |" for each, why in missing]
    above = f"{len(every)} are compiled, {len(missing)} are refused.\n"
    return INTRODUCTION + above + "\n" + "\n".join(lines) + "\n\n" + "\n".join(below) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
