"""Answers as scripts of one file, which run wherever they are pasted.

An answer imports the example and the checks of its topic, and helpers of its study. A
script has their source instead: the functions, classes and constants that it uses, and
what these use in turn. It imports only the standard library and the study's own
library. Names come from syntax trees, and text from the lines, so comments survive.
Names are taken generously: a local variable with the name of a helper brings it along.

The main guard of an answer calls the front door of its study, ``run``. A script has
the call that ``run`` returns: ``trio.run(race, functions)`` for ``run(race,
functions)``.

This module is here because the tests of a study run the scripts, where the `study`
command, which shows them, is not installed.
"""

from __future__ import annotations

import ast
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

from .inputs import modules
from .registry import entry_of, project_of

SHARED = Path(__file__).parent
WIDTH = 88
DECLARED = {"CANNOT", "DIFFERS"}
"""The constants by which an answer tells its tests something."""


class Unpasteable(ValueError):
    """An answer uses something that cannot be part of a script; the message says what.

    Every answer and every function of behaviours can be pasted. A test proves it.
    """


def pasteable(path: Path) -> str:
    """Return an answer as a script, with its main guard.

    Args:
        path: The file of the answer, in the package of its study.

    Raises:
        Unpasteable: It uses something that cannot be part of a script.
    """
    script = _Script(path.parents[1])
    text = _read(path)
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(ast.Name("run"), [function, *args], []):
                given = ", ".join(_source(text, arg) for arg in args)
                native = script.native_call(_source(text, function), given)
                text = text.replace(_source(text, node), native)
            case _:
                pass
    answer = script.module(script.name(path), text)
    for block in answer.blocks:
        if not block.names & DECLARED:
            script.take(answer, block)
    return script.text(answer)


def pasteable_function(path: Path, name: str) -> str:
    """Return a function of a study's behaviours as a script that prints its answer.

    Args:
        path: The file of the function, in the package of its study.
        name: The name of the function, which takes no arguments.

    Raises:
        Unpasteable: It uses something that cannot be part of a script.
    """
    script = _Script(path.parents[1])
    group = script.module(script.name(path))
    block = next((each for each in group.blocks if name in each.names), None)
    if block is None:
        raise Unpasteable(f"{path} has no function {name}")
    native = isinstance(block.node, ast.AsyncFunctionDef) or _yields(block.node)
    call = script.native_call(name) if native else f"{name}()"
    script.take(group, block)
    lines = [f"print({call})"]
    if within := script.within(group, block):
        lines = [f"with {within}:", f"    {lines[0]}"]
    guard = "\n    ".join(['if __name__ == "__main__":', *lines]) + "\n"
    return f"{script.text(group, documented=False)}\n\n{guard}"


@dataclass(frozen=True)
class _Import:
    """A name that an import binds."""

    module: str
    name: str = ""
    """The name in the module; empty if the module itself is imported."""
    renamed: str = ""

    @property
    def binds(self) -> str:
        return self.renamed or self.name or self.module

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        name = self.name or self.module
        return f"{name} as {self.renamed}" if self.renamed else name


@dataclass(frozen=True)
class _Block:
    """A statement at module level, with its comments and the text that documents it."""

    node: ast.stmt
    names: frozenset[str]
    """The names that it binds."""
    text: str
    close: bool
    """True if no blank line is above it."""

    @property
    def tall(self) -> bool:
        """True if two blank lines keep it apart."""
        return not isinstance(self.node, ast.Assign | ast.AnnAssign)

    @cached_property
    def uses(self) -> set[str]:
        """The names in it."""
        return _uses(self.node)


class _Module:
    """A module: its docstring, its imports, and its other statements."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        self.name = name
        self.text = text
        self.doc = ""
        self.blocks: list[_Block] = []
        self.imports: list[_Import] = []
        lines = text.split("\n")
        package = name if path.stem == "__init__" else name.rpartition(".")[0]
        for node in ast.parse(text).body:
            match node:
                case ast.Import() | ast.ImportFrom():
                    self.imports += _imports(node, package)
                case ast.Expr(ast.Constant()) if self.blocks:
                    last = self.blocks.pop()
                    more = "\n".join(lines[node.lineno - 1 : node.end_lineno])
                    self.blocks.append(replace(last, text=f"{last.text}\n{more}"))
                case ast.Expr(ast.Constant()):
                    self.doc = "\n".join(lines[node.lineno - 1 : node.end_lineno])
                case _:
                    self.blocks.append(_block(node, lines))


class _Script:
    """The parts of a script, while it is put together."""

    def __init__(self, package: Path) -> None:
        self._package = package
        self._own = {f"{package.name}.{m}" for m in entry_of(package).libraries}
        """The modules of the study that are its library."""
        self._modules: dict[str, _Module] = {}
        """The modules that were read, each after those that it imports."""
        self._taken: dict[str, set[_Block]] = {}
        self._imports: set[_Import] = set()
        self._meanings: dict[str, object] = {}
        """The module or the import that each name of the script comes from."""

    def name(self, path: Path) -> str:
        """Return the name of a module of the study."""
        inside = path.relative_to(self._package.parent).with_suffix("")
        return ".".join(inside.parts)

    def module(self, name: str, text: str = "") -> _Module:
        """Return a module of the study, or one that it shares with others.

        Raises:
            Unpasteable: The study has no such module.
        """
        if name not in self._modules:
            package = SHARED if name.startswith(f"{SHARED.name}.") else self._package
            found = [p for p in modules(package.parent, name) if p.is_file()]
            if not found:
                raise Unpasteable(f"no module {name} was found to copy from")
            module = _module(name, found[0], text or _read(found[0]))
            for each in module.imports:
                if not self._is_kept(each):
                    self.module(each.module)
            self._modules[name] = module
        return self._modules[name]

    def native_call(self, function: str, args: str = "") -> str:
        """Return the call that runs ``function(args)`` by the study's front door.

        That is the value that its ``run`` returns, or a call of ``run`` itself if the
        library has one.
        """
        front = self.module(self._package.name)
        call, given = "run(function, *args)", {"function": function, "args": args}
        for block in front.blocks:
            match block.node:
                case ast.FunctionDef(
                    "run", params, [*_, ast.Return(ast.expr() as made)]
                ):
                    call = _source(front.text, made)
                    defaults = zip(params.kwonlyargs, params.kw_defaults, strict=True)
                    for param, default in defaults:
                        if default is not None:
                            given[param.arg] = _source(front.text, default)
                case _:
                    pass
        self._need(front, _uses(ast.parse(call)) - {*given})
        if not args:
            call = re.sub(r"(, )?\*args", "", call)
        # A keyword keeps its name: backend=backend becomes backend="asyncio".
        names = re.compile(rf"\*?\b({'|'.join(given)})\b(?!=)")
        return names.sub(lambda name: given[name[1]], call)

    def within(self, module: _Module, block: _Block) -> str:
        """Return the ``with`` block that a call of a function needs, or "" if none.

        A function that does not use the study's library needs none.
        """
        entry = entry_of(self._package)
        libraries = {*entry.libraries} - sys.stdlib_module_names
        used = {i.top for i in module.imports if i.binds in block.uses}
        if not entry.within or not libraries & used:
            return ""
        self._need(self.module(self._package.name), _uses(ast.parse(entry.within)))
        return entry.within

    def take(self, module: _Module, block: _Block) -> None:
        """Make a block part of the script, with all that it uses.

        Raises:
            Unpasteable: It uses something that cannot be part of a script.
        """
        taken = self._taken.setdefault(module.name, set())
        if block in taken:
            return
        taken.add(block)
        self._imports |= {i for i in module.imports if i.module == "__future__"}
        for name in block.names:
            self._mean(name, module.name)
        for node in ast.walk(block.node):
            if isinstance(node, ast.ImportFrom):
                for each in _imports(node, module.name):
                    if node.level or not self._is_kept(each):
                        raise Unpasteable(
                            f"{module.name} imports {each} inside of a function; "
                            "import it at the top"
                        )
        self._need(module, block.uses)

    def _need(self, module: _Module, uses: set[str]) -> None:
        """Make what has these names in a module part of the script."""
        for block in module.blocks:
            if block.names & uses:
                self.take(module, block)
        for each in module.imports:
            top = _Import(each.top) in module.imports
            if each.binds in uses or (each.binds.split(".")[0] in uses and not top):
                self._import(module, each)

    def _import(self, module: _Module, each: _Import) -> None:
        if self._is_kept(each):
            self._imports.add(each)
            self._mean(each.binds, each)
            return
        source = self.module(each.module)
        there = {name for block in source.blocks for name in block.names}
        if each.renamed or each.name not in there | {i.binds for i in source.imports}:
            raise Unpasteable(
                f"{module.name} imports {each} from {each.module}, and a script copies "
                "only functions, classes and constants, under their own names"
            )
        self._need(source, {each.name})

    def _is_kept(self, each: _Import) -> bool:
        """Return whether an import is one of a script as well."""
        if each.top not in {self._package.name, SHARED.name}:
            return True
        return bool(self._own & {each.module, f"{each.module}.{each.name}"})

    def _mean(self, name: str, meaning: object) -> None:
        other = self._meanings.setdefault(name, meaning)
        if other != meaning:
            raise Unpasteable(
                f"two things are named {name}, from {other} and {meaning}; rename one"
            )

    def text(self, last: _Module, *, documented: bool = True) -> str:
        """Return the script, which ends with what is taken of this module."""
        copied, own = (
            [
                block
                for module in self._modules.values()
                if (module is last) is own
                for block in module.blocks
                if block in self._taken.get(module.name, ())
            ]
            for own in (False, True)
        )
        head = [*self._requirements(), *([last.doc] if documented else [])]
        text = "\n\n".join(["\n".join(head), *self._import_lines()]) + "\n"
        if copied:
            text += f"\n# The example and the helpers.\n{_lines(copied)}"
            text += "\n\n# The answer.\n"
        return (text + _lines(own)).lstrip("\n")

    def _requirements(self) -> Iterator[str]:
        """Yield a comment that says what to install, if anything."""
        project = project_of(self._package)
        tops = {each.top for each in self._imports} - sys.stdlib_module_names
        if project is None or not tops:
            return
        if self._package.name in tops:
            folder = f"./packages/{project.parent.name}"
            yield f"# From a clone: pip install ./shared {folder}"
            return
        needs = tomllib.loads(project.read_text("utf-8"))["project"]["dependencies"]
        wanted = (need for need in needs if not need.startswith("concurrency-study"))
        yield "# pip install " + " ".join(f'"{need}"' for need in wanted)

    def _import_lines(self) -> Iterator[str]:
        """Yield the sections of the imports, as ruff would sort them."""
        future = {each for each in self._imports if each.module == "__future__"}
        library = {e for e in self._imports if e.top not in sys.stdlib_module_names}
        for section in (future, self._imports - future - library, library):
            if section:
                lines = sorted(f"import {each}" for each in section if not each.name)
                for module in sorted({each.module for each in section if each.name}):
                    lines.append(_from(module, _members(section, module)))
                yield "\n".join(lines)


@cache
def _module(name: str, path: Path, text: str) -> _Module:
    return _Module(name, path, text)


def _read(path: Path) -> str:
    with tokenize.open(path) as file:
        return file.read()


def _lines(blocks: list[_Block]) -> str:
    """Return the text of blocks, with the blank lines that ruff wants."""
    text, tall = "", False
    for block in blocks:
        tall = tall or block.tall
        blank = 2 if tall else not (block.close and text)
        text += "\n" * blank + f"{block.text}\n"
        tall = block.tall
    return text


def _block(node: ast.stmt, lines: list[str]) -> _Block:
    """Return the block of a statement in a module of these lines."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(each.lineno for each in decorators)]) - 1
    while first and lines[first - 1].startswith("#"):
        first -= 1
    text = "\n".join(lines[first : node.end_lineno])
    return _Block(node, frozenset(_binds(node)), text, bool(lines[first - 1]))


def _members(section: set[_Import], module: str) -> list[str]:
    """Return what is imported from a module: constants, classes, and then the rest."""
    names = [str(each) for each in section if each.name and each.module == module]
    return sorted(names, key=lambda n: (not n.isupper(), not n[0].isupper(), n.lower()))


def _from(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {n},\n" for n in names) + ")"


def _source(text: str, node: ast.AST) -> str:
    return ast.get_source_segment(text, node) or ""


def _imports(node: ast.Import | ast.ImportFrom, package: str) -> list[_Import]:
    """Return the imports of a statement, with the full names of their modules."""
    if isinstance(node, ast.Import):
        return [_Import(a.name, renamed=a.asname or "") for a in node.names]
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    module = ".".join([*(above if node.level else ()), *filter(None, [node.module])])
    return [_Import(module, a.name, a.asname or "") for a in node.names]


def _binds(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement at module level binds."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Assign() | ast.AnnAssign():
            for name in ast.walk(node):
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    yield name.id
        case _:
            pass


def _uses(tree: ast.AST) -> set[str]:
    """Return the names in a tree, ``a.b.c`` as ``a``, ``a.b`` and ``a.b.c``."""
    return {
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    }


def _yields(function: ast.AST) -> bool:
    """Return whether a function is a generator function."""
    inner = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
    return any(
        isinstance(node, ast.Yield | ast.YieldFrom)
        or (not isinstance(node, inner) and _yields(node))
        for node in ast.iter_child_nodes(function)
    )
