"""Writes docs/clauses.md: each clause of the standard, the modules whose docstrings name it, and their tests.

``python tools/clauses.py`` writes the page; ``--check`` fails where the page is not what it would write.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "clauses.md"
SOURCE = re.compile(r"Source:\s*(.+?)(?:\n\s*\n|\Z)", re.DOTALL)
CLAUSE = re.compile(r"\b(?:section )?([4-8](?:\.\d+)+(?:-[a-z])?|[678](?:-[a-z])?)\b")
HEAD = """# Clauses

Which module serves which clause of the standard, and the tests beside it. Written by `python tools/clauses.py` from
the `Source:` lines of docstrings; do not edit.

| clause | module: name | tests |
|---|---|---|
"""


def named(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (clause, name of the thing) for every docstring of ``path`` with a ``Source:`` line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found = SOURCE.search(ast.get_docstring(node) or "")
            words = re.sub(r"\([^)]*\)", "", found.group(1)) if found else ""
            for clause in CLAUSE.findall(words):
                yield clause, getattr(node, "name", "")


def tests_of(path: Path) -> str:
    """Return the test file that mirrors ``path``, or a dash."""
    inner = path.relative_to(ROOT / "src" / "anju")
    mirror = ROOT / "tests" / inner.parent / f"test_{inner.name}"
    near = [mirror] if mirror.is_file() else sorted((ROOT / "tests").rglob(f"test_{inner.name}"))
    return f"`{near[0].relative_to(ROOT)}`" if near else "–"


def page() -> str:
    """Return the whole page."""
    rows: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for path in sorted((ROOT / "src" / "anju").rglob("*.py")):
        for clause, name in named(path):
            where = f"`{path.relative_to(ROOT / 'src')}`" + (f": {name}" if name else "")
            rows[clause].add((where, tests_of(path)))
    lines = [
        f"| {clause} | {where} | {tests} |"
        for clause in sorted(rows, key=_order)
        for where, tests in sorted(rows[clause])
    ]
    return HEAD + "\n".join(lines) + "\n"


def _order(clause: str) -> list[tuple[int, str]]:
    return [(int(part.partition("-")[0]), part) for part in clause.split(".")]


if __name__ == "__main__":
    text = page()
    if "--check" in sys.argv:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
            sys.exit("docs/clauses.md is stale: run `python tools/clauses.py`")
    else:
        PAGE.write_text(text, encoding="utf-8")
