"""The wrapper that writes down every vote, so that a run can be read afterwards.

- `RecordRollouts`: the wrapper; `ttrl_env.records` has the files.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy.typing as npt
from gymnasium.vector import VectorEnv, VectorWrapper

from ttrl_env.completion import Completion
from ttrl_env.records import CompletionRow, FileFormat, GroupRow, RowWriter
from ttrl_env.wrappers.consensus_reward import find_consensus_reward, finished_info

__all__ = ["RecordRollouts"]

Array = npt.NDArray[Any]


class RecordRollouts(VectorWrapper):
    """Writes every question, completion, answer, vote and reward to a folder.

    Goes around a `ConsensusReward`. Each group is a row: `step` (from 0), `question_id`,
    `position`, `prompt`, `rephrased_prompt` (of the second half of the completions, or null),
    `consensus`, `majority_ratio`, `abstained`, and `completions`, each with `text`, `answer`,
    `vote` (its class in the group, -1 for none), `reward`, `finished` and `tokens` (or null). No
    label is written.

    Rows go to parts, `rollouts-000000.jsonl` and so on; a part is closed when it is large enough,
    and one that exists is never written to again. After a step returns, its rows are on the disk.
    A crash can tear the last row of the last part, which `read_rollouts` leaves out. With
    `file_format="parquet"`, a part that is closed is rewritten as Parquet, all or nothing.

    Until `close`, the folder is locked: a second process that would record into it gets a
    `FolderInUseError` that names this one. A copy, also one that was pickled, begins a part of its
    own.

    Args:
        env: A vector environment with a `ConsensusReward` inside.
        folder: Where to write; made if it is missing.
        file_format: `"jsonl"` or `"parquet"`.
        part_bytes: The size from which a part is closed.

    Raises:
        FolderInUseError: Another process writes to the folder.
        ValueError: There is no `ConsensusReward` inside, or an argument is out of range.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        folder: str | os.PathLike[str],
        *,
        file_format: FileFormat = "jsonl",
        part_bytes: int = 64 * 2**20,
    ) -> None:
        super().__init__(env)
        self._groups = find_consensus_reward(env).groups
        self.folder = Path(folder)
        self._writer = RowWriter(self.folder, file_format, part_bytes)
        self._step = 0
        self._prompts: tuple[str, ...] = ()

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Resets, and remembers the prompts."""
        observations, infos = self.env.reset(**kwargs)
        self._prompts = tuple(observations)
        return observations, infos

    def step(self, actions: Any) -> tuple[Any, Array, Array, Array, dict[str, Any]]:
        """Steps, and writes down every group that ended.

        Raises:
            OSError: The rows cannot be written. None of them is then, and the step has been taken.
            TypeError: The actions are not text; give this wrapper a place inside `TokenActions`.
        """
        strangers = [each for each in actions if not isinstance(each, str)]
        if strangers:
            raise TypeError(
                f"RecordRollouts writes text, and was given {type(strangers[0]).__name__}; wrap it "
                "in TokenActions rather than around it"
            )
        asked = self._prompts
        result = self.env.step(actions)
        observations, rewards, _, _, infos = result
        self._prompts = tuple(observations)
        final = finished_info(infos)
        rows = [
            self._row(members, asked, actions, rewards, final)
            for members in self._groups
            if final["_vote"][members.start]
        ]
        if rows:
            self._writer.write(rows)
        self._step += 1
        return result

    def close(self, **kwargs: Any) -> None:
        """Closes the last part, and the environment."""
        self._writer.close()
        super().close(**kwargs)

    def _row(
        self, members: slice, asked: tuple[str, ...], actions: Any, rewards: Array, final: Any
    ) -> GroupRow:
        first = members.start
        columns = (
            actions[members],
            final["answer"][members],
            final["vote"][members],
            rewards[members],
            final["finished"][members],
        )
        return GroupRow(
            step=self._step,
            question_id=final["question_id"][first],
            position=int(final["position"][first]),
            prompt=asked[first],
            rephrased_prompt=asked[members.stop - 1] if "variant" in final else None,
            consensus=final["consensus"][first],
            majority_ratio=float(final["majority_ratio"][first]),
            abstained=bool(final["abstained"][first]),
            completions=[
                CompletionRow(
                    text=text,
                    answer=answer,
                    vote=int(vote),
                    reward=float(reward),
                    finished=bool(finished),
                    tokens=_tokens(text),
                )
                for text, answer, vote, reward, finished in zip(*columns, strict=True)
            ],
        )


def _tokens(text: str) -> int | None:
    if isinstance(text, Completion) and text.token_ids is not None:
        return len(text.token_ids)
    return None
