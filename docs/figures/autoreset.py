"""The picture of sub-environments over time, in the three autoreset modes.

Writes `docs/images/autoreset.svg`. The prompts and rewards in it are those of the environment, in
each mode:

    python docs/figures/autoreset.py
"""

from __future__ import annotations

from typing import NamedTuple

import gymnasium as gym
import numpy as np
from drawing import COLORS, FAINT, WIDTH, Sheet, write
from gymnasium.vector import AutoresetMode

import ttrl_env  # noqa: F401 - registers the environments

GROUPS, VOTES, CALLS = 2, 3, 4
ANSWERS = ("1", "1", "2", "1", "2", "2")
MODES = (
    (AutoresetMode.SAME_STEP, "SAME_STEP, the default", "step returns the next prompts"),
    (AutoresetMode.NEXT_STEP, "NEXT_STEP", "every second step only resets"),
    (AutoresetMode.DISABLED, "DISABLED", "you call reset in between"),
)
LEFT, COLUMN, ROW = 108, 112, 24


class Call(NamedTuple):
    """What one call of the environment returned.

    Attributes:
        name: `reset` or `step`.
        prompts: The questions that it returned, numbered as they first appeared.
        rewards: The rewards, if it voted.
    """

    name: str
    prompts: list[int]
    rewards: list[float] | None


def play(mode: AutoresetMode) -> list[Call]:
    """Plays the same answers in one mode and returns what the calls returned.

    Args:
        mode: The autoreset mode.
    """
    envs = gym.make_vec(
        "TTRL-Arithmetic-v0",
        num_envs=GROUPS * VOTES,
        group_size=VOTES,
        autoreset_mode=mode,
    )
    completions = [f"\\boxed{{{answer}}}" for answer in ANSWERS]
    seen: dict[str, int] = {}
    number = lambda prompts: [seen.setdefault(prompt, len(seen)) for prompt in prompts]  # noqa: E731
    prompts, _ = envs.reset(seed=0)
    calls = [Call("reset", number(prompts), None)]
    done = np.zeros(GROUPS * VOTES, dtype=bool)
    while len(calls) < CALLS:
        if mode is AutoresetMode.DISABLED and done.all():
            prompts, _ = envs.reset(options={"reset_mask": done})
            calls.append(Call("reset", number(prompts), None))
            done[:] = False
            continue
        prompts, rewards, done, _, _ = envs.step(completions)
        voted = rewards.tolist() if done.any() else None
        calls.append(Call("step", number(prompts), voted))
    return calls


def picture() -> str:
    """Returns the picture as SVG."""
    sheet = Sheet(
        "Six sub-environments in two groups over four calls, in the autoreset modes SAME_STEP, "
        "NEXT_STEP and DISABLED: the questions shown and the rewards of the votes",
        786,
    )
    sheet.text(WIDTH / 2, 26, "Two groups of three votes, call by call", size=19, bold=True)
    top = 62
    for mode, name, words in MODES:
        sheet.text(8, top, name, bold=True, anchor="start")
        sheet.text(8, top + 22, words, size=15, color=FAINT, anchor="start")
        draw(sheet, top + 50, play(mode))
        top += 240
    sheet.text(
        8,
        772,
        "boxes: the question shown; numbers: rewards of the one before",
        size=15,
        color=FAINT,
        anchor="start",
    )
    return sheet.svg()


def draw(sheet: Sheet, top: float, calls: list[Call]) -> None:
    """Draws the calls of one mode, from left to right.

    Args:
        sheet: The sheet.
        top: Where the names of the calls stand.
        calls: What they returned.
    """
    for k in range(GROUPS):
        y = top + 14 + k * (VOTES * ROW + 6)
        sheet.text(8, y + 29, f"group {k}", size=15, anchor="start")
        sheet.text(
            8, y + 49, f"envs {k * VOTES}–{k * VOTES + 2}", size=15, color=FAINT, anchor="start"
        )
    for i, call in enumerate(calls):
        x = LEFT + COLUMN * i
        sheet.text(x + 50, top, call.name, size=15, color=FAINT)
        for env, question in enumerate(call.prompts):
            y = top + 12 + ROW * env + 6 * (env // VOTES)
            color = COLORS[question % len(COLORS)]
            sheet.box(x + 52, y, 48, ROW - 3, color=color, fill=color, corner=4)
            sheet.parts.append(
                f'<text x="{x + 76}" y="{y + 16}" font-size="15" fill="#fff" '
                f'text-anchor="middle">Q{question + 1}</text>'
            )
            if call.rewards is not None:
                sheet.text(x + 34, y + 16, f"{call.rewards[env]:g}", size=15)


if __name__ == "__main__":
    write("autoreset.svg", picture())
