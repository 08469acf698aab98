"""Chat templates: questions become prompts, in bounded time and memory and at a fixed date.

- `ChatTemplate`: the template of a tokenizer.

A template is a program that comes with a model. Jinja's sandbox keeps it from running code of its
own, but neither from looping for ever nor from filling the memory, so that every template but the
package's own is rendered in a process apart, which is ended when its time is up.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ttrl_agents.config.options import parse_date
from ttrl_agents.errors import AgentError
from ttrl_agents.tiny.tokenizer import CHAT_TEMPLATE
from ttrl_benchmarks.printable import plain_text

__all__ = ["ChatTemplate"]

_WORKER = Path(__file__).with_name("template_worker.py")
_SECONDS = 20.0
_SECONDS_OF_EACH = 0.005
_CLOCK = "strftime_now"
_DEFAULT = "default"
_OTHER = "Give another with --chat-template FILE (Jinja, as in tokenizer_config.json)."

Messages = Sequence[Mapping[str, str]]


class ChatTemplate:
    """The chat template of a tokenizer.

    Args:
        tokenizer: The tokenizer of a model.
        name: The name of the model, for messages.
        now: The time that a template gets which asks for it; by default the present.

    Raises:
        AgentError: The tokenizer has no template, or several and none is the default.
    """

    def __init__(self, tokenizer: Any, name: str, now: datetime | None = None) -> None:
        self.name = name
        self.text = _template_of(tokenizer, name)
        self.now = datetime.now() if now is None else now
        self._tokenizer = tokenizer

    @property
    def tells_date(self) -> bool:
        """Whether the template may ask for the date."""
        return _CLOCK in self.text

    def set_date(self, day: str | None) -> None:
        """Sets the date that a template gets, as in `"2026-11-28"`; `None` leaves it as it is."""
        if day is not None:
            self.now = parse_date(day)

    def render(
        self, conversations: Sequence[Messages], *, add_generation_prompt: bool = True
    ) -> list[str]:
        """Returns the text of each conversation.

        Args:
            conversations: Messages with `role` and `content`.
            add_generation_prompt: Whether the text ends where the assistant is to write.

        Raises:
            AgentError: The template fails, or takes more time or memory than it may.
        """
        if self.text == CHAT_TEMPLATE:
            return [
                self._tokenizer.apply_chat_template(
                    list(messages), add_generation_prompt=add_generation_prompt, tokenize=False
                )
                for messages in conversations
            ]
        request = {
            "template": self.text,
            "variables": self._tokenizer.special_tokens_map,
            "conversations": [[dict(message) for message in each] for each in conversations],
            "add_generation_prompt": add_generation_prompt,
            "now": self.now.isoformat(),
        }
        limit = _SECONDS + _SECONDS_OF_EACH * len(conversations)
        return self._ask(json.dumps(request, default=str), len(conversations), limit)

    def _ask(self, request: str, count: int, limit: float) -> list[str]:
        """Renders in a process apart."""
        failed = f"The chat template of model {self.name!r} fails"
        try:
            ended = subprocess.run(  # noqa: S603 - our own file; what it reads is data
                [sys.executable, "-I", str(_WORKER), _folder_of_jinja()],
                input=request,
                capture_output=True,
                check=False,
                timeout=limit,
                encoding="utf-8",
            )
        except subprocess.TimeoutExpired as error:
            raise AgentError(
                f"{failed}: it takes more than {limit:.0f} seconds for {count} prompts. {_OTHER}"
            ) from error
        except OSError as error:
            raise AgentError(
                f"The chat template of model {self.name!r} is rendered in a process of its own, "
                f"and none can be started ({error})."
            ) from error
        try:
            answer = json.loads(ended.stdout)
        except ValueError as error:
            last = ended.stderr.strip().splitlines()[-1:] or [f"status {ended.returncode}"]
            raise AgentError(f"{failed}: its process died ({plain_text(last[0])}).") from error
        if "error" in answer:
            raise AgentError(f"{failed}: {plain_text(answer['error']).rstrip('.')}. {_OTHER}")
        texts: list[str] = answer["texts"]
        return texts


def _template_of(tokenizer: Any, name: str) -> str:
    template = tokenizer.chat_template
    if isinstance(template, dict) and template:
        if _DEFAULT not in template:
            names = ", ".join(sorted(map(str, template)))
            raise AgentError(
                f"Model {name!r} has several chat templates ({plain_text(names)}), and none is the "
                "default. Give the one to use with --chat-template FILE."
            )
        template = template[_DEFAULT]
    if not template:
        raise AgentError(
            f"Model {name!r} has no chat template, so a question cannot be put to it. Use its "
            "instruct version, or give a template with --chat-template FILE (Jinja, as in "
            "tokenizer_config.json)."
        )
    if not isinstance(template, str):
        raise AgentError(
            f"The chat template of model {name!r} is {str(template)[:40]!r}, not a text. {_OTHER}"
        )
    return template


def _folder_of_jinja() -> str:
    found = find_spec("jinja2")
    if found is None or found.origin is None:
        raise AgentError("Chat templates need the package jinja2: pip install 'ttrl-env[agents]'")
    return str(Path(found.origin).parent.parent)
