"""The sentences in the code that say what went wrong, found by what the code does with them."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("jobs_data", "web", "pages")
SHOWN_BY = frozenset(
    # Of a page, of the log, of the command line, of the table of a driver's errors, of an answer.
    {"error", "warning", "critical", "exit", "_refuse", "_Meaning", "forbidden", "unavailable"}
    | {"body_refused", "plain", "_message", "_form"}
)
"""What shows the texts that it is given to whoever has to do something about them."""
MADE_BY = frozenset(
    {"_wrong_usage", "sentence_on", "why_not_restorable", "_gone_columns", "_obstacles", "_reason"}
)
"""Functions that make such a text."""


def error_sentences() -> dict[str, str]:
    """Return each sentence, with `…` for what the code fills in, and the file that has it."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(_files())}
    raised = _exceptions(trees.values())
    named = dict(pair for tree in trees.values() for pair in _constants(tree))
    found = {}
    for path, tree in trees.items():
        of_file = named | dict(_constants(tree))
        for node in ast.walk(tree):
            for text in _texts_of_errors(node, raised, of_file):
                # A sentence, or a line of the log; not a heading or a single word.
                line = r"(…|HERATIO_JOBS_|[a-z])\S* .*[a-z]{3}"
                if re.search(r"[a-z]{3}.*\.( …)?$", text) or re.match(line, text):
                    found[text] = str(path.relative_to(ROOT))
    return found


def _files() -> Iterator[Path]:
    yield ROOT / "app.py"
    for part in PARTS:
        yield from (path for path in (ROOT / part).rglob("*.py") if "demo" not in path.parts)


def _exceptions(trees: Iterable[ast.Module]) -> set[str]:
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    known = {"Exception"}
    while more := {name for name, of in bases.items() if of & known} - known:
        known |= more
    return known - {"Exception"}


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case _:
                pass


def _texts_of_errors(node: ast.AST, raised: set[str], named: dict[str, ast.expr]) -> Iterator[str]:
    shown: list[ast.AST] = []
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            if name in SHOWN_BY or name in raised or name == "__init__":
                shown += node.args
                # A reason is for the audit log.
                shown += [each.value for each in node.keywords if each.arg != "reason"]
        case ast.Assign(targets=[ast.Attribute(attr="error")], value=value):
            shown.append(value)
        case ast.FunctionDef(name=name) if name in MADE_BY:
            shown += node.body[1:]
        case ast.ClassDef(name="Reason", bases=[ast.Name(id="StrEnum")]):
            shown += [part for part in node.body if isinstance(part, ast.Assign)]
        case ast.ClassDef(name=name) if name in raised and "__doc__" in ast.unparse(node):
            yield _plain(ast.get_docstring(node) or "")
        case _:
            pass
    for each in shown:
        yield from _texts(each, named)


def _texts(node: ast.AST, named: dict[str, ast.expr]) -> Iterator[str]:
    """Yield the texts in an expression, those of the constants that it names too."""
    match node:
        case ast.Constant(value=str() as text):
            yield _plain(text)
        case ast.JoinedStr(values=values):
            yield _plain("".join(str(v.value) if isinstance(v, ast.Constant) else "…" for v in values))
        case ast.Call(func=ast.Name(id="_words")):
            pass  # what a server's message is recognized by
        case ast.Name(id=name) | ast.Attribute(attr=name) if name.lstrip("_").isupper():
            if name in named and not name.endswith(("HEADERS", "REFERENCES")):
                yield from _texts(named[name], {})
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _texts(child, named)


def _plain(text: str) -> str:
    """Return a text on one line, with `…` for each placeholder."""
    return " ".join(re.sub(r"(\{\w*\}|%[-.\d]*[a-z]|…)+", "…", text).split())
