"""The evaluations of a run: before it, after it, and every so many steps.

- `RunEvaluations`: evaluates the trained and the held-out questions.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.evaluate.ask import evaluate, labelled
from ttrl_agents.evaluate.fingerprint import evaluation_settings, weights_digest
from ttrl_agents.evaluate.folder import EvaluationFolder
from ttrl_agents.policy.policy import Policy
from ttrl_agents.samplers import Sampler, SamplingParams
from ttrl_agents.samplers.base import Progress
from ttrl_agents.seeds import Stream, derive_seed
from ttrl_benchmarks import Benchmark

__all__ = ["AFTER", "BEFORE", "RunEvaluations"]

BEFORE, AFTER = "before", "after"


class RunEvaluations:
    """Evaluates the trained and the held-out questions of a run.

    Args:
        config: The options of the run.
        policy: The policy that learns.
        sampler: Where completions come from.
        train: The questions that are trained on.
        held_out: Questions that are only evaluated.
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
        self.params = SamplingParams(
            config.max_tokens,
            config.temperature if config.eval_temperature is None else config.eval_temperature,
            config.eval_top_p,
            stop_at_box=config.stop_at_box,
        )
        self._splits = {
            "train": (config.env, train),
            "held_out": (config.held_out_env or config.env, held_out),
        }

    def due(self, step: int) -> bool:
        """Returns whether the options ask for an evaluation after a step of the training."""
        every = self.config.eval_every
        return bool(every and step and step % every == 0)

    def measure(
        self,
        name: str,
        step: int,
        folder: Path,
        *,
        progress: Progress | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any] | None:
        """Evaluates both kinds of questions.

        Args:
            name: `before`, `after` or `step N`; the first two are written down whole.
            step: The training steps that are done, which name the draw.
            folder: The run directory.
            progress: Called with the number of new tokens while sampling goes on.
            stop: Asked now and then; ends the evaluation without a result.

        Returns:
            The scores by split, `None` for a split without labels; or `None` where `stop` said so.
        """
        seed = derive_seed(self.config.seed, Stream.EVALUATION, step)
        results: dict[str, Any] = {}
        for split, (env, benchmark) in self._splits.items():
            result = None
            if benchmark is not None:
                result = evaluate(
                    self.sampler,
                    benchmark,
                    k=self.config.eval_votes,
                    params=self.params,
                    seed=seed,
                    progress=progress,
                    stop=stop,
                )
            if stop():
                return None
            if benchmark is not None and result is not None and name in (BEFORE, AFTER):
                path = folder / "evaluations" / name / split
                EvaluationFolder.write(path, self._settings(env, benchmark, seed), result)
            results[split] = None if result is None else result.to_dict()
        return results

    def _settings(self, env: str, benchmark: Benchmark, seed: int) -> dict[str, Any]:
        return evaluation_settings(
            model=self.policy.name,
            weights=weights_digest(self.policy),
            env=env,
            benchmark=benchmark,
            questions=labelled(benchmark),
            k=self.config.eval_votes,
            params=self.params,
            seed=seed,
        )
