"""The twins of the paper's experiments: comparisons that share runs, and what is kept of these.

- `Twin`: a comparison of runs that may differ in model, question set and any option.
- `Plan`: one run, but for its seed, and what is measured of it; `Measure` is one measurement.
- `plan_of`: makes one.
- `STANDARD`: the options of every run that a plan does not change.
- `main_of`: makes a twin: its runs, its JSON, its picture and its table.

Runs lie in one folder under names that follow from their options, so twins that need the same run
share it, whichever trains it first. Those that are complete there are read, those that were cut off
go on. What is kept of a run in docs/results is not made again, and carries the fingerprint of its
plan: rows of another plan are.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from comparison import Comparison, Results, compare, publish
from models import MODELS, model_path
from rich.console import Console
from runs import read_summary, train_all
from sets import SETS

from pages import REPOSITORY
from ttrl_agents.config import TrainConfig
from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.config.train_config import RESUMABLE_WITH
from ttrl_agents.evaluate import EvaluationFolder
from ttrl_agents.evaluate.fingerprint import weights_digest
from ttrl_agents.evaluate.results import QuestionResult
from ttrl_agents.evaluate.setting import PAPER_SETTING
from ttrl_agents.policy import load_policy

PAGE = REPOSITORY / "docs" / "paper.md"
FOLDER = Path("runs/paper")
CONTROLS = ("random", "format_only")  # rewards that know nothing, beside every gain
EVERY = 10  # steps between two checkpoints of a run that is measured on its way
STANDARD = TrainConfig(
    steps=60, questions_per_step=4, learning_rate=3e-4, max_tokens=160, evaluate=False
)


@dataclass(frozen=True)
class Measure:
    """A measurement of a run, at T 0.6 and top-p 0.95.

    Attributes:
        questions: The question set.
        step: After how many training steps; `None` for the end.
        k: Completions for each question; by default those of the twin.
        sizes: Sizes of groups for which the share of right votes is kept as well.
    """

    questions: str
    step: int | None = None
    k: int | None = None
    sizes: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """Its name in the results."""
        return f"{self.questions} {'end' if self.step is None else self.step}"


@dataclass(frozen=True)
class Plan:
    """One run, but for its seed.

    Attributes:
        title: What tables call it.
        model: `tiny`, `tiny-noisy` or one of `models.MODELS`.
        questions: The question set that it trains on.
        changes: The options in which it differs from the standard.
        measures: What is measured of it; by default its own questions before and after.
        every: Whether checkpoints are kept on its way.
    """

    title: str
    model: str = "tiny"
    questions: str = "arithmetic"
    changes: Mapping[str, Any] = field(default_factory=dict)
    measures: tuple[Measure, ...] = ()
    every: bool = False

    @property
    def measured(self) -> tuple[Measure, ...]:
        """What is measured of it."""
        return self.measures or (Measure(self.questions, 0), Measure(self.questions))


def plan_of(
    title: str,
    model: str = "tiny",
    questions: str = "arithmetic",
    *measures: Measure,
    **changes: Any,
) -> Plan:
    """Returns a plan; runs of the tiny reasoner on its own questions keep checkpoints on their way.

    So those that several twins need are the same.
    """
    home = (model, questions) == ("tiny", "arithmetic")
    every = home and changes.keys() <= {"reward"}
    return Plan(title, model, questions, changes, measures, every)


@dataclass(frozen=True)
class Twin(Comparison):
    """Makes the twin of a table or a figure of the paper."""

    varied = ("model", "env", "env_options")
    page = PAGE
    series: ClassVar[tuple[str, ...]] = ()  # the metrics of training steps that are kept

    output: Path | None = FOLDER
    """Where the runs go, those of all twins."""
    train: TrainConfig = STANDARD
    """The options of every run that is not changed by what is compared."""
    size: int = 40
    """Questions in a set."""
    k: int = 16
    """Completions for each question of a measurement."""
    only_complete: bool = False
    """Train nothing: show what is kept, and what is complete in the output folder."""

    @property
    @abstractmethod
    def plans(self) -> Mapping[str, Plan]:
        """The runs that are compared, by name."""

    @property
    def names(self) -> tuple[str, ...]:
        """What is compared."""
        return tuple(self.plans)

    def config(self, name: str, seed: int) -> TrainConfig:
        """Returns the options of one run."""
        plan = self.plans[name]
        options = {**SETS[plan.questions].of_run(self.size, self.folder), **plan.changes}
        config = replace(self.train, **options, model=model_of(plan.model), seed=seed)
        often = EVERY if plan.every else config.steps
        key = self.run_key(plan, config)
        return replace(
            config,
            checkpoint_every=often,
            keep_checkpoints=config.steps // often + 2,
            output=self.folder / f"{plan.model}-{plan.questions}-{key}-seed{seed}",
        )

    def run_key(self, plan: Plan, config: TrainConfig) -> str:
        """Returns the fingerprint of a run: its options but for the seed, and its first weights."""
        default = TrainConfig().to_dict()
        changed = {
            name: value
            for name, value in config.to_dict().items()
            if name not in {*RESUMABLE_WITH, "seed", "model"} and value != default[name]
        }
        return _digest([first_weights(plan.model), plan.questions, plan.every, changed])

    def plan_key(self, name: str) -> str:
        """Returns the fingerprint of a run and of what is measured of it."""
        plan = self.plans[name]
        measures = [[each.label, each.k or self.k, each.sizes] for each in plan.measured]
        return _digest([self.run_key(plan, self.config(name, 0)), measures, self.series])

    def options(self) -> dict[str, Any]:
        """Returns the options that results depend on and all runs share, as JSON."""
        sampling = PAPER_SETTING.to_dict()
        return {**super().options(), "size": self.size, "eval_k": self.k, "sampling": sampling}

    def weights(self) -> Any:
        """Returns the fingerprints of the models before training, as JSON."""
        return {model: first_weights(model) for model in {p.model: 0 for p in self.plans.values()}}

    def holds(self, results: Results, name: str, seed: int) -> bool:
        """Returns whether the results of this plan are among those that are kept."""
        row = results["runs"].get(name, {}).get(str(seed))
        return row is not None and row["plan"] == self.plan_key(name)

    def wants(self, name: str, seed: int) -> bool:
        """Returns whether a run whose results are missing is made."""
        return not self.only_complete or self._is_complete(name, seed)

    def _is_complete(self, name: str, seed: int) -> bool:
        config = self.config(name, seed)
        assert config.output is not None
        places = [self.evaluation(name, seed, each).output for each in self.plans[name].measured]
        measured = all(place and EvaluationFolder(place).complete for place in places)
        return measured and (config.output / "summary.json").is_file()

    def evaluation(self, name: str, seed: int, measure: Measure) -> EvalConfig:
        """Returns the options of a measurement."""
        plan, run = self.plans[name], self.config(name, seed)
        k = measure.k or self.k
        usual = run.max_tokens == STANDARD.max_tokens
        budget = "" if usual else f"-t{run.max_tokens}"
        options = SETS[measure.questions].of_run(self.size, self.folder)
        if measure.step == 0:  # seeds share it
            model, seed = model_of(plan.model), 0
            place = self.folder / f"{plan.model}-{first_weights(plan.model)[:10]}"
        else:
            assert run.output is not None
            place = run.output / "measured"
            model = str(checkpoint_at(run, measure.step))
        return EvalConfig(
            model=model,
            k=k,
            seed=seed,
            max_tokens=run.max_tokens,
            output=place / f"{measure.label.replace(' ', '-')}-k{k}-n{self.size}{budget}",
            **options,
        )

    def make_runs(
        self, missing: Sequence[tuple[str, int]], configs: Sequence[TrainConfig], console: Console
    ) -> None:
        """Trains and measures the runs whose results are missing; those that are equal, once."""
        first: dict[Path | None, EvalConfig] = {}
        runs: dict[Path | None, TrainConfig] = {}
        then: dict[Path | None, dict[Path | None, EvalConfig]] = {}
        for (name, seed), config in zip(missing, configs, strict=True):
            if self._is_complete(name, seed):
                continue
            runs[config.output] = config
            for measure in self.plans[name].measured:
                evaluation = self.evaluation(name, seed, measure)
                at_start = measure.step == 0
                place = first if at_start else then.setdefault(config.output, {})
                place[evaluation.output] = evaluation
        afterwards = [list(then.get(path, {}).values()) for path in runs]
        if runs:
            for each in SETS.values():
                each.write(self.size, self.folder)
            train_all(
                list(runs.values()), self.jobs, console, first=list(first.values()), then=afterwards
            )

    def row_of(self, config: TrainConfig) -> dict[str, Any]:
        """Returns what is kept of a complete run."""
        assert config.output is not None
        (name,) = {name for name in self.names if self.config(name, config.seed) == config}
        lines = (config.output / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        steps = [json.loads(line) for line in lines]
        return {
            "plan": self.plan_key(name),
            "alarms": [[alarm["step"], alarm["kind"]] for alarm in read_summary(config)["alarms"]],
            "series": {each: [_rounded(step.get(each)) for step in steps] for each in self.series},
            "measured": {
                measure.label: kept_of(self.evaluation(name, config.seed, measure), measure.sizes)
                for measure in self.plans[name].measured
            },
        }

    def start_of(self, _: TrainConfig) -> dict[str, Any]:
        """Returns nothing: what is kept of the model before a run is with the run."""
        return {}


def main_of(
    twin: Twin,
    table: Callable[[Results], str],
    draw: Callable[[Results, Path], None],
) -> None:
    """Makes a twin: trains what is missing, prints its table, draws its picture."""
    results = compare(twin, Console(highlight=False, stderr=True))
    results["runs"] = {  # in the order of the plans, and nothing of plans that are no more
        name: {
            seed: row
            for seed, row in sorted(results["runs"][name].items(), key=lambda each: int(each[0]))
            if twin.holds(results, name, int(seed))
        }
        for name in twin.names
        if name in results["runs"]
    }
    publish(twin, results, table(results), draw)


@cache
def first_weights(model: str) -> str:
    """Returns the fingerprint of a model before training."""
    return weights_digest(load_policy(model_of(model), device="cpu"))


def model_of(name: str) -> str:
    """Returns what `--model` takes for a model of the twins."""
    return str(model_path(name)) if name in MODELS else name  # type: ignore[arg-type]


def checkpoint_at(config: TrainConfig, step: int | None) -> Path:
    """Returns the folder of the model after some steps of a run; `None` is the end."""
    assert config.output is not None
    if step is None:
        return config.output / "checkpoint"
    return config.output / "checkpoints" / f"step-{step:06d}" / "model"


def kept_of(config: EvalConfig, sizes: Sequence[int] = ()) -> dict[str, Any]:
    """Returns what is kept of an evaluation, by question.

    How many completions are right, whether the vote is, and the share of the votes that it has;
    the mean length; and for each size of a group how often its vote is right.
    """
    assert config.output is not None
    evaluation = EvaluationFolder(config.output).read()
    kept: dict[str, Any] = {
        "k": evaluation.k,
        "right": evaluation.correct.sum(axis=1).tolist(),
        "vote": evaluation.majority_correct.astype(int).tolist(),
        "share": [round(result.majority_ratio, 3) for result in evaluation.graded],
        "tokens": round(evaluation.mean_tokens, 2),
    }
    if sizes:
        kept["groups"] = {
            str(size): [round(share_of_right_votes(each, size), 4) for each in evaluation.graded]
            for size in sizes
        }
    return kept


def share_of_right_votes(result: QuestionResult, size: int) -> float:
    """Returns the share of the disjoint groups of this size whose vote is right.

    A vote is the most frequent answer, the first in a tie; none where nothing was answered.
    """
    starts = range(0, result.k, size)
    return sum(_right(result, start, start + size) for start in starts) / len(starts)


def _right(result: QuestionResult, start: int, stop: int) -> bool:
    """Whether the vote of some completions is right."""
    assert result.correct is not None
    votes = [vote for vote in result.votes[start:stop] if vote >= 0]
    if not votes:
        return False
    winner = max(dict.fromkeys(votes), key=votes.count)
    return result.correct[result.votes.index(winner)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _digest(values: Any) -> str:
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()
