"""Whether a value is one that an option takes, by the option's annotation.

- `fits`: whether a value is of a type.
- `check_options`: whether a loader takes such options.
- `option_names`: the options that a loader takes.
"""

from __future__ import annotations

import inspect
import os
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ttrl_benchmarks.errors import BenchmarkError, unknown_name

__all__ = ["check_options", "fits", "option_names"]


def fits(value: object, annotation: Any) -> bool:
    """Whether a value is of an annotated type, as far as JSON can tell types apart.

    Types within containers are looked at too. A whole number is a `float`; `True` is not an `int`.

    >>> fits(3, int | None), fits(3, float), fits(True, int), fits([1], tuple[int, ...])
    (True, True, False, False)
    """
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any or annotation is object:
        return True
    if origin is typing.Annotated:
        return fits(value, arguments[0])
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, each) for each in arguments)
    if origin is typing.Literal:
        return any(value == each and type(value) is type(each) for each in arguments)
    if annotation in (None, types.NoneType):
        return value is None
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin is os.PathLike:
        return isinstance(value, os.PathLike)
    if origin is tuple:
        return isinstance(value, tuple) and all(fits(each, arguments[0]) for each in value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(
            fits(key, arguments[0]) and fits(each, arguments[1]) for key, each in value.items()
        )
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return isinstance(value, Sequence) and all(fits(each, arguments[0]) for each in value)
    return isinstance(value, annotation)


def check_options(
    what: str,
    loader: Callable[..., object],
    options: Mapping[str, Any],
    *,
    taken: Collection[str] = (),
) -> None:
    """Checks that a loader takes such options.

    Args:
        what: Whose options they are, for the message, e.g. `"benchmark 'amc'"`.
        loader: The function that is to be called with them.
        options: The options.
        taken: Parameters of the loader that are not for the caller to set.

    Raises:
        UnknownNameError: It has no such option; the message lists those that it has.
        BenchmarkError: A value is of the wrong type, or an option that it needs is not given.
    """
    parameters = _parameters(loader)
    known = {name: each for name, each in parameters.items() if name not in taken}
    for name, value in options.items():
        if name not in known:
            raise unknown_name(f"option of {what}", name, known)
        annotation = known[name].annotation
        if annotation is known[name].empty or (isinstance(value, str) and _names(annotation)):
            continue  # a name that nothing answers to is for the loader, which lists its own
        if not fits(value, annotation):
            raise BenchmarkError(
                f"{what[0].upper()}{what[1:]}: {name}={value!r} is not what the option takes, "
                f"which is {_words(annotation)}."
            )
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in options:
            raise BenchmarkError(f"{what[0].upper()}{what[1:]} needs {name}=...; give it.")


def option_names(loader: Callable[..., object], *, taken: Collection[str] = ()) -> dict[str, bool]:
    """Returns the options that a loader takes, and whether it needs each.

    Args:
        loader: The function.
        taken: Parameters of it that are not for the caller to set.
    """
    return {
        name: each.default is each.empty
        for name, each in inspect.signature(loader).parameters.items()
        if name not in taken
    }


def _parameters(loader: Callable[..., object]) -> dict[str, Any]:
    # A loader may be an object that is called: its annotations are those of its method.
    function = loader if inspect.isfunction(loader) else type(loader).__call__
    hints = typing.get_type_hints(function)
    return {
        name: parameter.replace(annotation=hints.get(name, parameter.empty))
        for name, parameter in inspect.signature(loader).parameters.items()
    }


def _names(annotation: Any) -> bool:
    """Whether the option takes one of some names."""
    return any(
        typing.get_origin(each) is typing.Literal
        for each in (annotation, *typing.get_args(annotation))
    )


def _words(annotation: Any) -> str:
    """An annotation as people read it."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_words(each) for each in arguments)
    if origin is typing.Literal:
        return " or ".join(repr(each) for each in arguments)
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    if annotation in (None, types.NoneType):
        return "none"
    if origin is os.PathLike:
        return "a path"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "values by name"
    if isinstance(origin, type) and issubclass(origin, Sequence) and origin is not tuple:
        return f"a list, each of it {_words(arguments[0])}"
    return names.get(annotation, str(annotation))
