"""The process that renders chat templates, which are hostile: apart, and with bounded memory.

It imports Jinja alone, reads one JSON object from its standard input and writes one to its standard
output. `chat_template` starts it, and ends it when its time is up.
"""

from __future__ import annotations

import contextlib
import json
import sys
from datetime import datetime
from typing import Any, NoReturn

MOST_BYTES = 2 * 2**30
MOST_CHARACTERS = 2**21


def environment(now: str) -> Any:
    """Returns the sandbox that `transformers` renders templates in, at a fixed time."""
    from jinja2 import TemplateError, nodes
    from jinja2.ext import Extension
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """Blocks that mark what an assistant wrote, and show it."""

        tags = {"generation"}  # noqa: RUF012 - Jinja's own interface

        def parse(self, parser: Any) -> nodes.Node:
            """Returns the block as it is."""
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    def raise_exception(message: str) -> NoReturn:
        raise TemplateError(message)

    def tojson(
        value: Any,
        ensure_ascii: bool = False,
        indent: int | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:
        return json.dumps(
            value,
            ensure_ascii=ensure_ascii,
            indent=indent,
            separators=separators,
            sort_keys=sort_keys,
        )

    sandbox = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
    )
    sandbox.filters["tojson"] = tojson
    sandbox.globals["raise_exception"] = raise_exception
    sandbox.globals["strftime_now"] = datetime.fromisoformat(now).strftime
    return sandbox


def render(request: dict[str, Any]) -> list[str]:
    """Returns the text of each conversation."""
    template = environment(request["now"]).from_string(request["template"])
    texts = []
    for messages in request["conversations"]:
        text = template.render(
            messages=messages,
            tools=None,
            documents=None,
            add_generation_prompt=request["add_generation_prompt"],
            **request["variables"],
        )
        if len(text) > MOST_CHARACTERS:
            raise ValueError(f"it makes a prompt of {len(text):,} characters")
        texts.append(text)
    return texts


def main() -> None:
    """Answers one request."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # not every system has such limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    try:
        answer: dict[str, Any] = {"texts": render(json.load(sys.stdin))}
    except MemoryError:
        answer = {"error": "it takes more memory than a template may"}
    except RecursionError:
        answer = {"error": "it calls itself too deeply"}
    except Exception as error:  # noqa: BLE001 - whatever a template may raise
        answer = {"error": f"{type(error).__name__}: {error}"[:500]}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])  # where Jinja is, as an isolated process may not know
    main()
