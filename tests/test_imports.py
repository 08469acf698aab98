"""The imports among the modules of the three packages: they form no cycle."""

import ast
from collections.abc import Iterator
from pathlib import Path

import ttrl_agents
import ttrl_benchmarks
import ttrl_env

PACKAGES = (ttrl_agents, ttrl_benchmarks, ttrl_env)

Graph = dict[str, set[str]]


def modules(root: Path) -> dict[str, Path]:
    """The file of each module of a package, by its full name."""
    files = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


def imported(source: str) -> Iterator[tuple[str, ...]]:
    """What a file imports, wherever the statement stands, functions and `TYPE_CHECKING` included.

    Yields the names that may be the module, the most specific first.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((each.name,) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not followed here"
            assert node.module is not None
            yield from ((f"{node.module}.{each.name}", node.module) for each in node.names)


def import_graph(files: dict[str, Path]) -> Graph:
    """The modules that each module names in its imports.

    That importing a module also runs the `__init__` of its package is left out: an `__init__` that
    passes names on would otherwise be a cycle by itself.
    """
    graph: Graph = {}
    for name, path in files.items():
        known = (
            [each for each in candidates if each in files]
            for candidates in imported(path.read_text(encoding="utf-8"))
        )
        graph[name] = {names[0] for names in known if names}
    return graph


def cycles(graph: Graph) -> list[list[str]]:
    """The sets of modules that import each other, directly or by others (Tarjan's algorithm)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = lowest[name] = len(order)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in order:
                visit(other)
            if other in stack:
                lowest[name] = min(lowest[name], lowest[other])
        if lowest[name] == order[name]:
            start = stack.index(name)
            component = stack[start:]
            del stack[start:]
            if len(component) > 1 or name in graph[name]:
                found.append(sorted(component))

    for name in sorted(graph):
        if name not in order:
            visit(name)
    return found


def all_modules() -> dict[str, Path]:
    files: dict[str, Path] = {}
    for package in PACKAGES:
        assert package.__file__ is not None
        files |= modules(Path(package.__file__).parent)
    return files


def test_a_cycle_is_found_wherever_its_imports_stand() -> None:
    graph = {
        "a": {each[0] for each in imported("def f():\n    import b")},
        "b": {each[1] for each in imported("if TYPE_CHECKING:\n    from c import C")},
        "c": {each[1] for each in imported("from a import A")},
        "d": {"a"},
    }
    assert cycles(graph) == [["a", "b", "c"]]
    graph["c"] = set()
    assert cycles(graph) == []


def test_no_modules_import_each_other() -> None:
    files = all_modules()
    assert len(files) > 150
    assert cycles(import_graph(files)) == []


def test_the_packages_know_only_those_below_them() -> None:
    above = {"ttrl_benchmarks": {"ttrl_env", "ttrl_agents"}, "ttrl_env": {"ttrl_agents"}}
    wrong = [
        (name, other)
        for name, others in import_graph(all_modules()).items()
        for other in others
        if other.split(".")[0] in above.get(name.split(".")[0], set())
    ]
    assert wrong == []
