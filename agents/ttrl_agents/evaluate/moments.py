"""The evaluations of a run: before it, after it, and at regular intervals during it.

- `RunEvaluations`: evaluates the trained and the held-out questions, and reports which votes
  turned.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.distributed.world import world
from ttrl_agents.evaluate.ask import Answered, evaluate, look_at_first, measurable, spread
from ttrl_agents.evaluate.evaluation import Evaluation
from ttrl_agents.evaluate.fingerprint import evaluation_settings, weights_digest
from ttrl_agents.evaluate.folder import EvaluationFolder
from ttrl_agents.evaluate.setting import SPLITS, SamplingSetting, settings_of_run
from ttrl_agents.evaluate.turned import changed_votes, turned_votes
from ttrl_agents.policy.policy import Policy
from ttrl_agents.samplers import Sampler, SamplingParams
from ttrl_agents.samplers.base import Progress
from ttrl_agents.seeds import Stream, derive_seed
from ttrl_benchmarks import Benchmark
from ttrl_benchmarks.printable import counted

__all__ = ["AFTER", "BEFORE", "RunEvaluations"]

BEFORE, AFTER = "before", "after"
_MANY_COMPLETIONS = 10_000


class RunEvaluations:
    """Evaluates the trained and the held-out questions of a run.

    Questions without a label are left out. If no question has one, their votes are counted instead.

    Args:
        config: The options of the run.
        policy: The policy that is trained.
        sampler: Where completions come from.
        train: The questions that are trained on.
        held_out: Questions that are only evaluated.

    Attributes:
        settings: The temperatures at which questions are evaluated, the main one first.
    """

    def __init__(
        self,
        config: TrainConfig,
        policy: Policy,
        sampler: Sampler,
        train: Benchmark,
        held_out: Benchmark | None,
    ) -> None:
        self.config = config
        self.policy = policy
        self.sampler = sampler
        self.settings = settings_of_run(
            config.eval_temperatures,
            config.eval_top_p,
            training_temperature=config.temperature,
            small_model=policy.is_small,
        )
        self._questions = {"train": (config.env, train)}
        if held_out is not None:
            self._questions["held_out"] = (config.held_out_env or config.env, held_out)
        self._asked = {
            split: spread(measurable(benchmark), config.eval_limit)
            for split, (_, benchmark) in self._questions.items()
        }

    def due(self, step: int) -> bool:
        """Returns whether the options ask for an evaluation after a step of the training."""
        every = self.config.eval_every
        return bool(every and step and step % every == 0)

    @property
    def cost(self) -> str:
        """How much the measurements before and after training sample, in words."""
        questions = sum(map(len, self._asked.values()))
        votes = [setting.votes(self.config.eval_k) for setting in self.settings]
        each = " + ".join(f"{n} at {s.title}" for n, s in zip(votes, self.settings, strict=True))
        total = questions * sum(votes)
        words = f"{counted(questions, 'question')} x ({each}) = {total:,} completions"
        return f"{words} (fewer with --eval-limit)" if total > _MANY_COMPLETIONS else words

    def measure(
        self,
        name: str,
        step: int,
        folder: Path,
        *,
        progress: Progress | None = None,
        answered: Callable[[int, int], None] | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any] | None:
        """Evaluates both kinds of questions.

        Args:
            name: `before`, `after` or `step N`. The first two are sampled at every setting and
                saved with all completions, the others at the main setting.
            step: The training steps that are done; they seed the sampling.
            folder: The run directory.
            progress: Called with the number of new tokens during sampling.
            answered: Called with how many questions are answered, of how many; a question counts
                once for each setting.
            stop: Called between portions; if true, the evaluation ends without a result.

        Returns:
            The scores by split at the main setting, `None` where there are no questions; those at
            another setting by split under its name. `None` if `stop` returned true.
        """
        seed = derive_seed(self.config.seed, Stream.EVALUATION, step)
        whole = name in (BEFORE, AFTER)
        results: dict[str, Any] = {}
        settings = self.settings if whole else self.settings[:1]
        sizes = {split: len(self._asked[split]) for split in self._questions}
        total, before = len(settings) * sum(sizes.values()), 0
        for setting in settings:
            place = _place(folder, name, setting, main=setting == self.settings[0])
            scores: dict[str, Any] = {}
            for split in SPLITS:
                scores[split] = None
                if split not in self._questions:
                    continue
                first = name == BEFORE and not results and split == SPLITS[0] and world().leads
                result = self._evaluate(
                    split,
                    setting,
                    seed,
                    progress,
                    _shifted(answered, before, total),
                    stop,
                    first=first,
                )
                before += sizes[split]
                if result is None or stop():
                    return None
                if whole:
                    found = self._settings(split, setting, seed)
                    write = partial(EvaluationFolder.write, place / split, found, result)
                    world().lead(write)
                scores[split] = setting.to_dict() | result.to_dict()
            results |= scores if setting == self.settings[0] else {setting.name: scores}
        return results

    def turned(self, folder: Path) -> dict[str, Any]:
        """Returns how the votes at the main setting turned between `before` and `after`.

        Args:
            folder: The run directory, which holds both.

        Returns:
            `turned`, which compares them by the labels, and `votes`, which compares them without;
            each by split, `None` where it is not known.
        """
        nothing = dict.fromkeys(SPLITS)
        found: dict[str, Any] = {"turned": dict(nothing), "votes": dict(nothing)}
        for split, (_, benchmark) in self._questions.items():
            before, after = (
                EvaluationFolder(_place(folder, name, self.settings[0]) / split)
                for name in (BEFORE, AFTER)
            )
            if not (before.complete and after.complete):
                continue
            old, new = before.read(), after.read()
            changed = changed_votes(old, new, benchmark.answer_format)
            found["votes"][split] = self.settings[0].to_dict() | changed.to_dict()
            if new.graded:
                turned = turned_votes(old, new)
                found["turned"][split] = self.settings[0].to_dict() | turned.to_dict()
        return found

    def _evaluate(
        self,
        split: str,
        setting: SamplingSetting,
        seed: int,
        progress: Progress | None,
        answered: Answered | None,
        stop: Callable[[], bool],
        *,
        first: bool,
    ) -> Evaluation | None:
        _, benchmark = self._questions[split]
        params = self._params(setting)
        return evaluate(
            self.sampler,
            benchmark,
            k=setting.votes(self.config.eval_k),
            params=params,
            seed=seed,
            questions=self._asked[split],
            progress=progress,
            answered=answered,
            stop=stop,
            look=look_at_first(self.policy.name, benchmark, params) if first else None,
        )

    def _params(self, setting: SamplingSetting) -> SamplingParams:
        return SamplingParams(
            self.config.max_tokens,
            setting.temperature,
            setting.top_p,
            stop_at_box=self.config.stop_at_box,
        )

    def _settings(self, split: str, setting: SamplingSetting, seed: int) -> dict[str, Any]:
        env, benchmark = self._questions[split]
        return evaluation_settings(
            model=self.policy.name,
            weights=weights_digest(self.policy),
            env=env,
            benchmark=benchmark,
            questions=self._asked[split],
            k=setting.votes(self.config.eval_k),
            params=self._params(setting),
            seed=seed,
            policy=self.policy,
        )


def _shifted(
    answered: Callable[[int, int], None] | None, before: int, total: int
) -> Answered | None:
    """Returns what counts the questions of one evaluation among those of a whole moment."""
    return None if answered is None else lambda done: answered(before + done, total)


def _place(folder: Path, name: str, setting: SamplingSetting, *, main: bool = True) -> Path:
    """The folder of a moment at a setting; that of the main one is the moment's own."""
    moment = folder / "evaluations" / name
    return moment if main else moment / setting.name
