"""What is wrong with a model before it is trained or measured, and with its first completions.

- `check_policy`: raises or warns where a model or its chat template cannot work.
- `check_first_completions`: warns where none of the first completions ended or gave an answer.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

from ttrl_agents.errors import AgentError, PolicyWarning
from ttrl_agents.policy.policy import Policy
from ttrl_benchmarks.printable import plain_text

__all__ = ["check_first_completions", "check_policy"]

_PROBES = ("What is 1 + 1?", "Name the capital of France.")
_REPLY = "Seventeen"
_WORDS = 2_000  # of a long question
_A_LINE = 20
_FEW = 4  # completions of which nothing can be said


def check_policy(policy: Policy) -> None:
    """Checks what the chat template of a model does.

    Raises:
        AgentError: It leaves out the question.

    Warns:
        PolicyWarning: The template ends a turn with a token at which no completion ends, does not
            begin the turn of the assistant, or cuts a long question.
    """
    words = [f"word{n}" for n in range(1, _WORDS + 1)]
    lines = [" ".join(words[n : n + _A_LINE]) for n in range(0, _WORDS, _A_LINE)]
    asked = (*_PROBES, "\n".join(lines))
    first, second, long = ([{"role": "user", "content": each}] for each in asked)
    prompt, other, whole = policy.template.render([first, second, long])
    if prompt == other:
        raise AgentError(
            f"The chat template of model {policy.name!r} leaves out the question: every prompt is "
            f"{plain_text(prompt)[:80]!r}. Give another with --chat-template FILE (Jinja, as in "
            "tokenizer_config.json)."
        )
    _check_whole(policy, words, whole)
    replied = _replied(policy, first)
    if replied is None:
        return
    _check_turn_end(policy, replied)
    (bare,) = policy.template.render([first], add_generation_prompt=False)
    if bare == prompt and replied.startswith(prompt):
        header = replied[len(prompt) : replied.rindex(_REPLY)].strip()
        if header:
            warnings.warn(
                f"The chat template of model {policy.name!r} does not begin the turn of the "
                f"assistant ({plain_text(header)[:40]!r} is missing at the end of a prompt, as it "
                "ignores add_generation_prompt), so that the model has to write that itself. "
                "Correct the template, and give it with --chat-template FILE.",
                PolicyWarning,
                stacklevel=2,
            )


def check_first_completions(
    policy_name: str,
    finished: Sequence[bool],
    answered: Sequence[bool],
    *,
    max_tokens: int,
    instruction: str,
) -> None:
    """Looks at the first completions that are sampled.

    Args:
        policy_name: The name of the model.
        finished: Whether each ended by itself.
        answered: Whether an answer was found in each.
        max_tokens: The most tokens that one may have.
        instruction: What is appended to each question.

    Warns:
        PolicyWarning: None ended, or none gave an answer.
    """
    count = len(finished)
    if count < _FEW:
        return
    said = f"the first {count} completions of model {policy_name!r}"
    if not any(finished):
        warnings.warn(
            f"None of {said} ended within --max-tokens {max_tokens}. Allow more, or see whether "
            "the model knows how to end a reply: its generation_config.json names the tokens that "
            "do (eos_token_id), and its chat template should use one of them.",
            PolicyWarning,
            stacklevel=2,
        )
    if not any(answered):
        asks = repr(instruction.strip()) if instruction.strip() else "nothing is appended"
        warnings.warn(
            f"No answer was found in any of {said}, so there is nothing to vote on. See "
            f"whether the instruction asks for one ({asks}), whether --max-tokens {max_tokens} "
            "leave room for it, and with `ttrl extract` where an answer is looked for.",
            PolicyWarning,
            stacklevel=2,
        )


def _check_whole(policy: Policy, words: Sequence[str], prompt: str) -> None:
    kept = set(re.findall(r"\bword\d+\b", prompt)).intersection(words)
    if len(kept) == len(words):
        return
    missing = next(each for each in words if each not in kept)
    warnings.warn(
        f"The chat template of model {policy.name!r} cuts long questions: of one of "
        f"{_WORDS // _A_LINE} lines with {_WORDS:,} words it shows {len(kept):,}, and leaves out "
        f"word {missing.removeprefix('word')}. The end of a question says how to answer. Correct "
        "the template, and give it with --chat-template FILE.",
        PolicyWarning,
        stacklevel=3,
    )


def _replied(policy: Policy, first: list[dict[str, str]]) -> str | None:
    """Returns the text of a conversation with a reply, where the template can show one."""
    talk = [*first, {"role": "assistant", "content": _REPLY}]
    try:
        (text,) = policy.template.render([talk], add_generation_prompt=False)
    except AgentError:  # a template for single questions
        return None
    return text if _REPLY in text else None


def _check_turn_end(policy: Policy, replied: str) -> None:
    after = replied[replied.rindex(_REPLY) + len(_REPLY) :]
    (ids,) = policy.tokens_of([after])
    special = set(policy.tokenizer.all_special_ids) | set(policy.tokenizer.added_tokens_decoder)
    ends = next((each for each in ids if each in special), None)
    if ends is None or ends in policy.end_token_ids:
        return
    names = policy.tokenizer.convert_ids_to_tokens([ends, *policy.end_token_ids])
    known = ", ".join(plain_text(str(name)) for name in names[1:])
    warnings.warn(
        f"The chat template of model {policy.name!r} ends a turn with {plain_text(str(names[0]))}, "
        f"at which no completion ends (only at {known}), so that all may run into --max-tokens. "
        f"Add its id, {ends}, to eos_token_id in the model's generation_config.json.",
        PolicyWarning,
        stacklevel=3,
    )
