"""Reads the types of one resource out of the installed SDK's source text, without importing the SDK.

Importing one module of a cloud SDK takes up to a second and 60 MB; cutting a dozen classes out of its files takes
milliseconds. The generated files have one regular shape, which is all that is relied on: a class with keyword-only
constructor arguments, getters that carry the wire name, and a resource class whose properties are the outputs.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import json
import re
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = {
    "alicloud": "pulumi_alicloud",
    "azure-native": "pulumi_azure_native",
    "gcp": "pulumi_gcp",
}
_SCALARS: Final = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "Any": "any"}
_TRANSPARENT: Final = {"pulumi.Input", "pulumi.Output", "Optional", "pulumi.InputType"}


class SdkTypeError(RuntimeError):
    """The installed SDK has no such type, or its source has another shape than the one that is read."""


def extract(package: str, token: str) -> dict[str, Any]:
    """The type table of one resource, as plain JSON values.

    Keys: `inputs` {wire name: [type, required]}, `outputs` {wire name: type}, `secrets` [wire names], `types` {class:
    {wire name: [type, required or always present]}}, `enums` {class: [values]}. A type is the name of a scalar, or one
    of `["list", T]`, `["map", T]`, `["ref", class]`, `["enum", class]`, `["union", [T…]]`. Raises `SdkTypeError`.
    """
    folder, class_name = _locate(package, token)
    path = _resource_file(folder, class_name, token)
    reader = _Reader(folder)
    classes = _Classes(path.read_text(encoding="utf-8"))
    body = classes.get(class_name)
    # A resource whose plain name is taken by a nested input type has its arguments in `…InitArgs`.
    arguments = classes.get(f"{class_name}Args") or classes.get(f"{class_name}InitArgs")
    if body is None or arguments is None:
        message = f"{path} has no class {class_name} with arguments"
        raise SdkTypeError(message)
    inputs = reader.arguments(arguments)
    outputs = {name: kind for name, (kind, _required) in reader.getters(body).items()}
    reader.close_over()
    return {
        "inputs": inputs,
        "outputs": outputs,
        "secrets": sorted(_secrets(body, inputs)),
        "types": reader.types,
        "enums": reader.enums,
    }


@functools.cache
def _modules(package: str) -> dict[str, tuple[Path, str]]:
    """Token -> (folder of the module, class name), from the table that the SDK registers at import."""
    root = package_root(package)
    text = (root / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'resource_modules="""\n(.*?)\n"""', text, re.DOTALL)
    if match is None:
        message = f"{root}/__init__.py registers no resource modules"
        raise SdkTypeError(message)
    found: dict[str, tuple[Path, str]] = {}
    for entry in json.loads(match.group(1)):
        folder = root.joinpath(*str(entry["fqn"]).split(".")[1:])
        for token, class_name in entry["classes"].items():
            found[token] = (folder, class_name)
    return found


def package_root(package: str) -> Path:
    """The folder of the installed SDK. Raises `SdkTypeError` when it is not installed."""
    spec = importlib.util.find_spec(PACKAGES[package])
    if spec is None or spec.origin is None:
        message = f"the Python SDK of {package} is not installed"
        raise SdkTypeError(message)
    return Path(spec.origin).parent


def _locate(package: str, token: str) -> tuple[Path, str]:
    if token == f"pulumi:providers:{package}":
        return package_root(package), "Provider"
    try:
        return _modules(package)[token]
    except KeyError:
        message = f"the installed SDK of {package} has no type {token}"
        raise SdkTypeError(message) from None


def _resource_file(folder: Path, class_name: str, token: str) -> Path:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", class_name).lower()
    guess = folder / f"{snake}.py"
    if guess.is_file() and class_name in _Classes(guess.read_text(encoding="utf-8")):
        return guess
    for path in sorted(folder.glob("*.py")):
        if f"\nclass {class_name}(pulumi." in path.read_text(encoding="utf-8"):
            return path
    message = f"no file under {folder} defines {class_name} of {token}"
    raise SdkTypeError(message)


class _Classes:
    """The top-level classes of one source text, found once, each cut out on demand (files reach five megabytes)."""

    def __init__(self, text: str) -> None:
        self._text = text
        starts = [(match.start(), match.group(1)) for match in re.finditer(r"^class (\w+)[(:]", text, re.MULTILINE)]
        self._offset = {name: start for start, name in starts}

    def __contains__(self, name: str) -> bool:
        return name in self._offset

    def get(self, name: str) -> str | None:
        """The source of one class, or None."""
        start = self._offset.get(name)
        if start is None:
            return None
        # The next line that begins in the first column ends the class.
        end = re.compile(r"^\S", re.MULTILINE).search(self._text, self._text.index("\n", start) + 1)
        return self._text[start : end.start() if end else len(self._text)]


def _secrets(resource_class: str, inputs: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for listed in re.findall(r"additional_secret_outputs=\[([^\]]*)\]", resource_class):
        found.update(re.findall(r'"([^"]+)"', listed))
    wire = {re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower(): name for name in inputs}
    for python_name in re.findall(
        r'__dict__\["(\w+)"\] = None if \w+ is None else pulumi\.Output\.secret', resource_class
    ):
        found.add(str(wire.get(python_name, python_name)))
    return found


class _Reader:
    """Collects the nested classes that the resource's types name, each once, inputs from `_inputs.py` and outputs
    from `outputs.py`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wanted: list[tuple[str, str]] = []
        self.types: dict[str, dict[str, Any]] = {}
        self.enums: dict[str, list[Any]] = {}

    def arguments(self, source: str) -> dict[str, Any]:
        """Wire name -> [type, required] of a class with keyword-only constructor arguments."""
        tree = _class_tree(source)
        wire = {python: name for name, (_kind, python) in self._properties(tree).items()}
        found: dict[str, Any] = {}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
                    kind = self._kind(argument.annotation)
                    found[wire.get(argument.arg, argument.arg)] = [kind, default is None]
        return found

    def getters(self, source: str) -> dict[str, tuple[Any, bool]]:
        """Wire name -> (type, always present) of the properties of an output class."""
        tree = _class_tree(source)
        return {
            name: (self._kind(kind), not _is_optional(kind)) for name, (kind, _python) in self._properties(tree).items()
        }

    def close_over(self) -> None:
        """Read every class that was named and is not yet read."""
        files: dict[str, _Classes] = {}
        while self._wanted:
            origin, name = self._wanted.pop()
            if name in self.types or name in self.enums:
                continue
            if origin not in files:
                files[origin] = _Classes(self._text(origin))
            source = files[origin].get(name)
            if source is None:
                self.types[name] = {"*": ["any", False]}
            elif origin == "_enums.py":
                self.enums[name] = _members(source)
            elif origin == "outputs.py":
                self.types[name] = {wire: [kind, present] for wire, (kind, present) in self.getters(source).items()}
            else:
                self.types[name] = self.arguments(source)

    def _text(self, origin: str) -> str:
        path = self._folder / origin
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    @staticmethod
    def _properties(tree: ast.ClassDef) -> dict[str, tuple[ast.expr | None, str]]:
        found: dict[str, tuple[ast.expr | None, str]] = {}
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                call = decorator.func if isinstance(decorator, ast.Call) else decorator
                if ast.unparse(call) != "pulumi.getter":
                    continue
                name = node.name
                if isinstance(decorator, ast.Call) and decorator.keywords:
                    name = ast.literal_eval(decorator.keywords[0].value)
                found[name] = (node.returns, node.name)
        return found

    def _kind(self, node: ast.expr | None) -> Any:
        if node is None:
            return "any"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self._named(node.value)
        if isinstance(node, ast.Subscript):
            base = ast.unparse(node.value)
            if base in _TRANSPARENT:
                return self._kind(node.slice)
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            if base == "Sequence":
                return ["list", self._kind(parts[0])]
            if base == "Mapping":
                return ["map", self._kind(parts[1])]
            if base == "Union":
                kinds = [self._kind(part) for part in parts]
                return next((kind for kind in kinds if isinstance(kind, list) and kind[0] == "enum"), ["union", kinds])
            return "any"
        text = ast.unparse(node).removeprefix("_builtins.")
        return _SCALARS.get(text) or self._named(text)

    def _named(self, text: str) -> Any:
        if text.startswith("outputs."):
            name = text.removeprefix("outputs.")
            self._wanted.append(("outputs.py", name))
            return ["ref", name]
        if "." in text:
            return "any"
        if text.endswith("Args"):
            self._wanted.append(("_inputs.py", text))
            return ["ref", text]
        if text.endswith("ArgsDict"):
            return "any"
        self._wanted.append(("_enums.py", text))
        return ["enum", text]


def _class_tree(source: str) -> ast.ClassDef:
    tree = ast.parse(source).body[0]
    if not isinstance(tree, ast.ClassDef):
        message = f"no class begins with {source[:40]!r}"
        raise SdkTypeError(message)
    return tree


def _is_optional(node: ast.expr | None) -> bool:
    return node is not None and "Optional[" in ast.unparse(node)[:30]


def _members(source: str) -> list[Any]:
    tree = _class_tree(source)
    return [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    ]
