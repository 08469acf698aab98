"""The folder of an evaluation on disk.

- `EvaluationFolder`: the folder of one evaluation, complete or in progress.
- `find_evaluations`: the evaluations at a path: one evaluation, or those of a training run.

Completions are added portion by portion. If a process is killed, an incomplete portion is dropped
and sampled again, so that the files end up the same.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate.evaluation import Evaluation, as_json
from ttrl_agents.evaluate.results import QuestionResult, from_lines, to_lines
from ttrl_agents.run.atomic import replace_folder
from ttrl_agents.run.folder import CONFIG, SUMMARY, is_unused
from ttrl_env.files import append_durably, parse_json, write_atomically

__all__ = ["EvaluationFolder", "find_evaluations"]


class EvaluationFolder:
    """The folder of one evaluation.

    It holds `config.json` (every option, and the settings that results depend on),
    `completions.jsonl` (a line per completion), `questions.jsonl` (a line per question) and, once
    the evaluation is complete, `summary.json`.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_path = path / CONFIG
        self.completions_path = path / "completions.jsonl"
        self.summary_path = path / SUMMARY

    @property
    def complete(self) -> bool:
        """Whether the evaluation is complete."""
        return self.summary_path.is_file()

    def config(self) -> dict[str, Any]:
        """Returns the options and settings.

        Raises:
            AgentError: This is not the folder of an evaluation.
        """
        try:
            config = parse_json(self.config_path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise AgentError(f"There is no evaluation in {self.path}.") from error
        except (OSError, ValueError) as error:
            raise AgentError(f"{self.config_path} cannot be read: {error}") from error
        if not isinstance(config, dict) or not config.keys() >= {
            "benchmark",
            "k",
            "temperature",
            "top_p",
        }:
            raise AgentError(
                f"{self.path} holds no evaluation: its config.json is of another kind."
            )
        for name in ("temperature", "top_p"):
            if type(config[name]) not in (int, float):
                raise AgentError(
                    f"{self.config_path} is damaged: {name} is {config[name]!r}, not a number."
                )
        return config

    def check_usable(self) -> None:
        """Checks that the folder is new, empty, or that of an evaluation.

        Raises:
            AgentError: It holds something else.
        """
        if self.config_path.is_file():
            self.config()
        elif not is_unused(self.path):
            raise AgentError(f"--output {self.path} is not an empty folder; name a new one.")

    def begin(
        self, config: dict[str, Any], portions: Sequence[Sequence[str]]
    ) -> list[QuestionResult]:
        """Starts the evaluation, or finds how far an earlier process got.

        Args:
            config: Its options and settings.
            portions: The ids of the questions of each portion.

        Returns:
            The results that exist already: complete portions, from the first.

        Raises:
            AgentError: The folder holds something else, or is damaged.
        """
        self.check_usable()
        if not self.config_path.is_file():
            self.path.mkdir(parents=True, exist_ok=True)
            write_atomically(self.config_path, json.dumps(config, indent=2) + "\n")
            self.completions_path.touch()
            return []
        self._check(config)
        try:
            results = list(from_lines(self._whole_lines()))
        except ValueError as error:
            raise AgentError(f"{self.completions_path} is damaged: {error}") from error
        self._check_questions(results, list(itertools.chain(*portions)), config["k"])
        done = 0
        for portion in portions:
            whole = results[done : done + len(portion)]
            if len(whole) < len(portion) or any(result.k != config["k"] for result in whole):
                break
            done += len(portion)
        write_atomically(self.completions_path, "".join(map(to_lines, results[:done])))
        return results[:done]

    def append(self, results: Iterable[QuestionResult]) -> None:
        """Adds a portion."""
        append_durably(self.completions_path, "".join(map(to_lines, results)))

    def finish(self, evaluation: Evaluation) -> dict[str, Any]:
        """Writes `questions.jsonl` and the summary, and returns the latter."""
        lines = (
            {
                "question_id": result.question_id,
                "level": result.level,
                "consensus": result.consensus,
                "majority_ratio": round(result.majority_ratio, 6),
                "majority_correct": result.majority_correct,
                "right": None if result.correct is None else sum(result.correct),
            }
            for result in evaluation.results
        )
        write_atomically(
            self.path / "questions.jsonl", "".join(json.dumps(line) + "\n" for line in lines)
        )
        config = self.config()
        sampling = {name: config[name] for name in ("temperature", "top_p")}
        summary = sampling | summarize(evaluation)
        write_atomically(self.summary_path, json.dumps(summary, indent=2) + "\n")
        return summary

    def read(self) -> Evaluation:
        """Returns the complete evaluation.

        Raises:
            AgentError: It is incomplete or damaged.
        """
        self.config()
        if not self.complete:
            raise AgentError(
                f"The evaluation in {self.path} is not finished. To go on: "
                f"ttrl eval --resume {self.path}"
            )
        try:
            evaluation = Evaluation(tuple(from_lines(self._whole_lines())))
            summary = parse_json(self.summary_path.read_text(encoding="utf-8"))
            found = len(evaluation.results), evaluation.k
            if found != (summary["questions"], summary["k"]):
                raise ValueError(
                    f"it holds {found[0]} questions with {found[1]} completions, not "
                    f"{summary['questions']} with {summary['k']}"
                )
            if [each.question_id for each in evaluation.results] != self._answered():
                raise ValueError("its questions are not those of questions.jsonl")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AgentError(f"{self.completions_path} is damaged: {error}") from error
        return evaluation

    def _check_questions(
        self, results: Sequence[QuestionResult], asked: Sequence[str], k: int
    ) -> None:
        """Checks that the questions so far are the first of those asked, each once."""
        lines = 0
        for result, wanted in itertools.zip_longest(results, asked[: len(results)]):
            if result.question_id != wanted or result.k > k:
                raise AgentError(
                    f"{self.completions_path} does not hold {k} completions of each question that "
                    f"was asked: from line {lines + 1} on it holds {result.k} of "
                    f"{result.question_id!r}, where {'none' if wanted is None else repr(wanted)} "
                    "was asked. Two processes wrote into it, or it was edited. Remove its lines "
                    f"from there on; ttrl eval --resume {self.path} then asks what is missing."
                )
            lines += result.k

    def _answered(self) -> list[str]:
        """The questions that were answered when the evaluation was complete."""
        lines = (self.path / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        return [parse_json(line)["question_id"] for line in lines]

    def _check(self, config: dict[str, Any]) -> None:
        """Checks that an evaluation is resumed with the settings it was started with."""
        begun = self.config()
        # An option that is newer than the evaluation had its default.
        old = {**EvalConfig().to_dict(), **_flat(begun)}
        new = _flat(json.loads(json.dumps(config)))
        if "prompts" not in begun:  # an older evaluation
            new.pop("prompts", None)
        differing = [name for name in new if old.get(name) != new[name]]
        if differing:
            what = ", ".join(f"{name} was {old.get(name)}, is {new[name]}" for name in differing)
            raise AgentError(
                f"The evaluation in {self.path} was begun differently ({what}), and a mixture "
                "would mean nothing. Name a new --output, or go on as it was begun: "
                f"ttrl eval --resume {self.path}"
            )

    def _whole_lines(self) -> list[str]:
        """The complete lines; a kill may have cut off the last one."""
        if not self.completions_path.is_file():
            return []
        return self.completions_path.read_text(encoding="utf-8").split("\n")[:-1]

    @classmethod
    def write(cls, path: Path, config: dict[str, Any], evaluation: Evaluation) -> None:
        """Writes a complete evaluation, replacing what may be there."""

        def fill(aside: Path) -> None:
            folder = cls(aside)
            folder.config_path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
            folder.append(evaluation.results)
            folder.finish(evaluation)

        replace_folder(path, fill)


def summarize(evaluation: Evaluation) -> dict[str, Any]:
    """Returns all results of an evaluation as JSON."""
    return {
        "k": evaluation.k,
        **_scores(evaluation),
        "levels": {str(level): _scores(evaluation.of_level(level)) for level in evaluation.levels},
    }


def find_evaluations(path: Path) -> dict[str, EvaluationFolder]:
    """Returns the evaluations under a path, by the kind of question.

    Args:
        path: The folder of `ttrl eval`, which has the name `""`; or `RUN/evaluations/before` and
            the like, with `"train"` and `"held_out"`; or a run directory, for its last evaluation.

    Raises:
        AgentError: There are none.
    """
    if (path / "completions.jsonl").is_file():
        return {"": EvaluationFolder(path)}
    if not path.exists():
        raise AgentError(f"There is no folder {path}. Name that of an evaluation or of a run.")
    moments = path / "evaluations"
    if moments.is_dir():
        if (moments / "after").is_dir():
            return find_evaluations(moments / "after")
        there = ", ".join(sorted(str(each) for each in moments.iterdir()))
        raise AgentError(f"The run in {path} has not been evaluated at its end; it has: {there}.")
    found = {
        split: EvaluationFolder(path / split)
        for split in ("train", "held_out")
        if (path / split / "completions.jsonl").is_file()
    }
    if not found:
        raise AgentError(
            f"There is no evaluation in {path}. Name the output folder of ttrl eval, a run of "
            "ttrl train that measured its end, or RUN/evaluations/before."
        )
    return found


def _scores(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "questions": len(evaluation.results),
        "graded": len(evaluation.graded),
        **as_json(evaluation.metrics),
        **as_json(evaluation.pass_at),
        "majority_ratio": round(evaluation.majority_ratio, 6),
        "finished": round(evaluation.finished, 6),
        "truncated": round(1 - evaluation.finished, 6),
        "absent": round(evaluation.absent, 6),
        "mean_tokens": round(evaluation.mean_tokens, 3),
    }


def _flat(config: dict[str, Any]) -> dict[str, Any]:
    """Options and settings in one dictionary, except for where the output goes."""
    options = config.get("options", {})
    rest = {name: value for name, value in config.items() if name != "options"}
    return {**options, **rest, "output": None}
