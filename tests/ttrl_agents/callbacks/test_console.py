"""What is printed while a run goes on: signs of life, in a log and on a terminal."""

import io
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console

from ttrl_agents.callbacks import ConsoleCallback
from ttrl_agents.callbacks import console as module
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.run.checkpoint import TrainerState
from ttrl_benchmarks import load_benchmark

STEP = {"majority_ratio": 0.5, "tokens_per_second": 100.0}


class Clock:
    now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def started(terminal, agent=None, **options):
    """A display that a run of three steps has begun to use, and what it printed so far."""
    out = io.StringIO()
    watcher = ConsoleCallback(Console(file=out, force_terminal=terminal, width=160))
    watcher.on_start(
        SimpleNamespace(
            config=TrainConfig(steps=3, **options),
            policy=SimpleNamespace(
                name="m",
                num_parameters=9,
                device=torch.device("cpu"),
                compute_dtype=torch.float32,
            ),
            agent=agent,
            benchmark=load_benchmark("arithmetic", size=5),
            held_out=None,
            left_out=0,
            evaluations=SimpleNamespace(cost="5 questions"),
            plan=None,
            folder="run",
            state=TrainerState(),
        )
    )
    return watcher, out


def test_the_header_says_what_computes_an_update_where_it_is_not_the_plain_way(clock):
    assert "updates" not in started(terminal=False)[1].getvalue()
    agent = SimpleNamespace(update_path="rows padded (flash attention is not there)")
    said = started(terminal=False, agent=agent)[1].getvalue()
    assert "rows padded (flash attention is not there)" in said


def sample(watcher, clock, seconds):
    """Samples ten tokens a second for a while."""
    for _ in range(seconds):
        clock.now += 1
        watcher.on_tokens(10)


def test_the_header_says_how_weights_reach_an_engine():
    sampler = SimpleNamespace(weight_sync="shared memory, since CUDA IPC fails here (no)")
    _, out = started(terminal=False, agent=SimpleNamespace(sampler=sampler), sampler="vllm")
    said = "vllm; its weights come by shared memory, since CUDA IPC fails here (no)"
    assert said in out.getvalue()
    _, out = started(terminal=False, agent=SimpleNamespace(sampler=SimpleNamespace()))
    assert "weights come by" not in out.getvalue()


def test_a_log_has_a_line_every_few_seconds_of_a_measurement(clock):
    watcher, out = started(terminal=False)
    watcher.on_phase("measuring the start")
    sample(watcher, clock, 25)
    lines = out.getvalue().split("measuring the start ...\n")[1].splitlines()
    assert lines == ["110 tokens, 10 tokens/s", "220 tokens, 10 tokens/s"]


def test_a_measurement_moves_by_question(clock):
    watcher, out = started(terminal=False)
    watcher.on_phase("measuring the start")
    sample(watcher, clock, 11)
    watcher.on_questions(3, 20)
    sample(watcher, clock, 11)
    watcher.on_evaluation("before", {"train": None, "held_out": None})
    watcher.on_phase("training")
    sample(watcher, clock, 11)
    lines = out.getvalue().split("measuring the start ...\n")[1].splitlines()
    assert lines[:2] == [
        "110 tokens, 10 tokens/s",
        "3 of 20 questions, 220 tokens, 10 tokens/s",
    ]
    assert lines[-1] == "after step 0/3: 110 tokens, 10 tokens/s"


def test_a_log_has_lines_within_a_long_step_and_one_after_it(clock):
    watcher, out = started(terminal=False)
    watcher.on_phase("training")
    for step in (1, 2, 3):
        sample(watcher, clock, 15)
        watcher.on_step(step, STEP)
    lines = out.getvalue().split("training ...\n")[1].splitlines()
    expected = []
    for step in (1, 2, 3):
        expected += [
            f"after step {step - 1}/3: 110 tokens, 10 tokens/s",
            f"step {step}/3  majority",
        ]
    assert [line[: len(start)] for line, start in zip(lines, expected, strict=True)] == expected


def test_quick_steps_are_told_by_their_votes_alone(clock):
    watcher, out = started(terminal=False)
    watcher.on_phase("training")
    for step in (1, 2, 3):
        sample(watcher, clock, 6)
        watcher.on_step(step, STEP)
    lines = out.getvalue().split("training ...\n")[1].splitlines()
    assert [line.split("  ")[0] for line in lines] == ["step 2/3", "step 3/3"]


PAPER = {"temperature": 0.6, "top_p": 0.95}
GREEDY = {"temperature": 0.0, "top_p": 1.0}


def test_a_measurement_says_its_scores_and_their_temperature():
    watcher, out = started(terminal=False)
    watcher.on_phase("measuring the start")
    graded = PAPER | {"mean@2": 0.5, "mean@2_ci95": [0, 1]}
    greedy = GREEDY | dict.fromkeys(("mean@1", "maj@1", "pass@1"), 0.25)
    results = {"train": graded, "held_out": None, "greedy": {"train": greedy, "held_out": None}}
    watcher.on_evaluation("before", results)
    unlabelled = {"train": PAPER | {"majority_ratio": 0.75}, "held_out": None}
    watcher.on_evaluation("after", unlabelled)
    assert out.getvalue().splitlines()[-3:] == [
        "before, trained questions, T 0.6, top-p 0.95: mean@2 0.500",
        "before, trained questions, greedy: mean@1 0.250",  # of one completion all three are equal
        "after, trained questions, T 0.6, top-p 0.95: no label known, majority ratio 0.750",
    ]


def test_the_table_of_a_run_is_whole_at_80_columns():
    scores = PAPER | {
        f"{name}@16{end}": value
        for name in ("mean", "maj", "pass")
        for end, value in (("", 0.5), ("_ci95", [0.25, 0.75]))
    }
    greedy = GREEDY | {"mean@1": 0.5, "mean@1_ci95": [0.25, 0.75]}
    moment = {"train": scores, "held_out": scores, "greedy": {"train": greedy, "held_out": None}}
    out = io.StringIO()
    tables = module.results_tables({"before": moment, "after": moment})
    for table in tables:
        Console(file=out, width=80).print(table)
    rows = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    expected = "0.500 [0.250, 0.750] 0.500 [0.250, 0.750] +0.0 points"
    assert rows == [
        "T 0.6, top-p 0.95: mean [95 % interval over questions]",
        "before after",
        *(
            f"{name}@16, {words} {expected}"
            for words in ("trained", "held-out")
            for name in ("mean", "maj", "pass")
        ),
        "greedy: mean [95 % interval over questions]",
        "before after",
        f"mean@1, trained {expected}",
    ]


def test_what_turned_is_said_by_labels_and_without():
    turned = PAPER | {"questions": 3, "wrong_to_right": 2, "right_to_wrong": 1}
    turned |= {"right_to_wrong_confidently": 1, "pass_lost": 1, "pass_gained": 0}
    changed = PAPER | {"questions": 3, "agreement_before": 0.5, "agreement_after": 0.75}
    divided = [{"question_id": "q", "after": None, "share_after": 0.5}]
    changed |= {"pseudo_labels_changed": 1, "most_divided": divided}
    lines = module.vote_lines(
        {
            "turned": {"train": turned, "held_out": None},
            "votes": {"train": changed, "held_out": changed},
        }
    )
    assert lines[0].startswith("Trained questions, T 0.6, top-p 0.95: Of 3 votes, 2 turned from")
    assert lines[1].startswith("Held-out questions, T 0.6, top-p 0.95, no label known: The most")
    assert lines[2:] == ["The votes that are most divided now:", "  q: no answer with 50%"]
    nothing = {"train": None, "held_out": None}
    assert module.vote_lines({"turned": nothing, "votes": nothing}) == []


def test_a_terminal_shows_tokens_only_once_a_step_is_long(clock):
    watcher, _ = started(terminal=True)
    watcher.on_phase("training")
    watcher.on_step(1, STEP)

    def status():
        return watcher._progress.tasks[0].fields["status"]

    try:
        sample(watcher, clock, 1)
        assert status().startswith("majority ratio 0.50")
        sample(watcher, clock, 4)
        assert status() == "50 tokens, 10 tokens/s"
        watcher.on_step(2, STEP)
        assert status().startswith("majority ratio 0.50")
    finally:
        watcher.close()
