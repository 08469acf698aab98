"""The measurements of a run: which questions, what is kept, and that runs can be compared."""

import json

import pytest

from ttrl_agents.callbacks import Callback
from ttrl_agents.cli.entry import main
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate import EvaluationFolder
from ttrl_agents.trainer import Trainer

MOMENTS = ("before", "after")


def questions_file(path, offset):
    rows = [{"question": f"What is {i} + {offset}?", "answer": str(i + offset)} for i in range(4)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def small(folder, **options) -> TrainConfig:
    return TrainConfig(
        env="TTRL-Questions-v0",
        data=questions_file(folder / "trained.jsonl", 1),
        **{
            "steps": 2,
            "questions_per_step": 2,
            "n_votes": 4,
            "max_tokens": 48,
            "eval_k": 4,
            **options,
        },
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs that measure transfer on another file of questions, and their summaries."""
    folder = tmp_path_factory.mktemp("runs")
    other = questions_file(folder / "others.jsonl", 5)
    summaries = {}
    for seed in (0, 1):
        output = folder / f"seed{seed}"
        config = small(
            folder,
            seed=seed,
            output=output,
            held_out_env="TTRL-Questions-v0",
            held_out_data=other,
            learning_rate=1e-2,
        )
        summaries[output] = Trainer(config).run()
    return summaries


def test_transfer_is_measured_on_another_benchmark(runs):
    for folder, summary in runs.items():
        assert summary["questions"] == 4  # all of them are trained on
        for moment in ("before", "after"):
            assert summary[moment]["held_out"]["questions"] == 4
            kept = EvaluationFolder(folder / "evaluations" / moment / "held_out")
            assert kept.config()["benchmark"] == "others"
            prompts = [result.prompt for result in kept.read().results]
            assert [prompt.splitlines()[0] for prompt in prompts] == [
                f"What is {i} + 5?" for i in range(4)
            ]


def test_the_kept_completions_give_the_scores_of_the_summary(runs):
    for folder, summary in runs.items():
        for moment in ("before", "after"):
            for split in ("train", "held_out"):
                kept = EvaluationFolder(folder / "evaluations" / moment / split)
                sampling = {"temperature": 0.6, "top_p": 0.95}
                assert sampling | kept.read().to_dict() == summary[moment][split]
                written = json.loads(kept.summary_path.read_text())
                assert sampling.items() <= written.items()


def test_a_small_model_is_measured_greedily_and_as_it_trains_too(runs):
    for folder, summary in runs.items():
        for moment in MOMENTS:
            greedy, hot = summary[moment]["greedy"], summary[moment]["T1-top-p1"]
            assert list(summary[moment]) == ["train", "held_out", "greedy", "T1-top-p1"]
            for split in ("train", "held_out"):
                assert {"temperature": 0.0, "top_p": 1.0}.items() <= greedy[split].items()
                assert {"temperature": 1.0, "top_p": 1.0}.items() <= hot[split].items()
                kept = EvaluationFolder(folder / "evaluations" / moment / "greedy" / split)
                assert kept.config()["k"] == kept.read().k == 1  # equal ones are not repeated
                assert greedy[split]["mean@1"] == kept.read().to_dict()["mean@1"]
                assert hot[split].keys() >= {"mean@4", "maj@4", "pass@4"}
    one, other = (folder / "evaluations" / "after" / "greedy" for folder in runs)
    assert main(["compare", str(one), str(other)]) == 0


def test_the_votes_that_turned_are_those_of_the_kept_completions(runs):
    for folder, summary in runs.items():
        for split in ("train", "held_out"):
            before, after = (
                EvaluationFolder(folder / "evaluations" / moment / split).read()
                for moment in MOMENTS
            )
            turned, votes = summary["turned"][split], summary["votes"][split]
            gained = int(after.majority_correct.sum() - before.majority_correct.sum())
            assert turned["questions"] == votes["questions"] == 4
            assert turned["wrong_to_right"] - turned["right_to_wrong"] == gained
            assert votes["agreement_after"] == pytest.approx(after.majority_ratio, abs=1e-6)
            assert (turned["temperature"], turned["top_p"]) == (0.6, 0.95)


def test_temperatures_can_be_chosen_and_a_greedy_main_one_samples_once(tmp_path):
    config = small(tmp_path, output=tmp_path / "run", eval_temperatures=(0.0,), steps=1)
    summary = Trainer(config).run()
    for moment in MOMENTS:
        assert list(summary[moment]) == ["train", "held_out"]
        assert "mean@1" in summary[moment]["train"]
        assert summary[moment]["train"]["temperature"] == 0
    assert summary["turned"]["train"]["questions"] == 4


def test_what_measuring_costs_is_said_and_can_be_bounded(tmp_path):
    whole = Trainer(small(tmp_path, output=tmp_path / "whole")).evaluations
    assert whole.cost == (
        "4 questions x (4 at T 0.6, top-p 0.95 + 1 at greedy + 4 at T 1, top-p 1) = 36 completions"
    )
    some = Trainer(small(tmp_path, output=tmp_path / "some", eval_limit=2, eval_k=4000)).evaluations
    assert some.cost.endswith("= 16,002 completions (fewer with --eval-limit)")
    result = some.measure("step 1", 1, tmp_path, stop=lambda: True)
    assert result is None


def test_a_run_without_evaluations_has_no_turned_votes(tmp_path):
    summary = Trainer(small(tmp_path, output=tmp_path / "run", evaluate=False)).run()
    nothing = {"train": None, "held_out": None}
    assert summary["before"] == summary["after"] == nothing
    assert summary["turned"] == summary["votes"] == nothing


def test_the_fingerprint_of_the_weights_follows_training(runs):
    digests = {
        (folder.name, moment): EvaluationFolder(folder / "evaluations" / moment / "train").config()[
            "weights"
        ]
        for folder in runs
        for moment in ("before", "after")
    }
    assert digests["seed0", "before"] == digests["seed1", "before"]
    assert len(set(digests.values())) == 3


def test_a_run_is_compared_with_its_start_and_with_another_run(runs, capsys):
    one, other = runs
    for a, b in ((one / "evaluations" / "before", one / "evaluations" / "after"), (one, other)):
        assert main(["compare", str(a), str(b)]) == 0
        printed = capsys.readouterr().out
        assert "trained, trained questions: B less A on 4 shared questions" in printed
        assert "others, held-out questions: B less A on 4 shared questions" in printed
    assert main(["compare", str(one / "evaluations" / "before" / "train"), str(other)]) == 0
    assert "others" not in capsys.readouterr().out


def test_a_run_directory_is_measured_as_its_trained_model(runs, tmp_path, capsys):
    folder = next(iter(runs))
    options = ["--env", "TTRL-Questions-v0", "--data", str(folder.parent / "trained.jsonl")]
    options += ["--k", "1", "--max-tokens", "8", "--output", str(tmp_path / "one")]
    assert main(["eval", str(folder), *options]) == 0, capsys.readouterr().err
    after = EvaluationFolder(folder / "evaluations" / "after" / "train").config()
    assert EvaluationFolder(tmp_path / "one").config()["weights"] == after["weights"]


def test_a_run_without_labels_is_shown_by_what_it_does_to_questions_with_labels(tmp_path, capsys):
    rows = [{"question": f"What is {i} + 1?"} for i in range(4)]
    unlabelled = tmp_path / "mine.jsonl"
    unlabelled.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = {
        "--env": "TTRL-Questions-v0",
        "--data": unlabelled,
        "--held-out-env": "TTRL-Questions-v0",
        "--held-out-data": questions_file(tmp_path / "exam.jsonl", 5),
        "--steps": 2,
        "--questions-per-step": 2,
        "--n-votes": 4,
        "--max-tokens": 48,
        "--eval-k": 2,
        "--eval-every": 1,
        "--output": tmp_path / "run",
    }
    status = main(["train", *(str(word) for option in options.items() for word in option)])
    printed = capsys.readouterr()
    assert status == 0, printed.err
    assert "labels     there are none" in printed.out
    assert "mean@2, held-out " in printed.out
    assert "mean@2, trained" not in printed.out
    assert "before, trained questions, T 0.6, top-p 0.95: no label known, majority" in printed.out
    assert "Trained questions, T 0.6, top-p 0.95, no label known: The most" in printed.out
    assert "of 4 pseudo-labels changed." in printed.out
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["turned"]["train"] is None
    assert summary["turned"]["held_out"]["questions"] == 4
    votes, before = summary["votes"]["train"], summary["before"]["train"]
    assert votes["agreement_before"] == before["majority_ratio"]
    assert before["graded"] == 0
    assert "mean@2" not in before
    assert (tmp_path / "run" / "curves.png").stat().st_size > 10_000
    assert main(["compare", *[str(tmp_path / "run" / "evaluations" / m) for m in MOMENTS]]) == 0


class Watch(Callback):
    def __init__(self):
        self.seen = []

    def on_rollout(self, step, rollout, votes):
        self.seen.append((step, rollout, votes))

    def on_step(self, step, metrics):
        assert self.seen[-1][0] == step  # told in time, and of the same step
        assert metrics["mean_reward"] == pytest.approx(self.seen[-1][1].rewards.mean())


def test_watchers_see_each_rollout_with_its_votes(tmp_path):
    watch = Watch()
    Trainer(small(tmp_path, output=tmp_path / "run", evaluate=False), [watch]).run()
    assert [step for step, _, _ in watch.seen] == [1, 2]
    for _, rollout, votes in watch.seen:
        assert len(rollout.completions) == 8
        assert {"answer", "vote", "consensus", "majority_ratio", "question_id"} <= set(votes)
        if rollout.rewards[:4].any():
            winner = votes["vote"][int(rollout.rewards[:4].argmax())]
            paid = [vote == winner for vote in votes["vote"][:4]]
            assert rollout.rewards[:4].tolist() == [float(each) for each in paid]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"held_out": 0.5, "held_out_env": "TTRL-AIME24-v0"}, "not both"),
        ({"held_out_data": "x"}, "--held-out-data is the file of --held-out-env"),
        ({"sample_every": -1}, "--sample-every must be 0 or more"),
    ],
)
def test_options_that_contradict_are_refused(options, message):
    with pytest.raises(AgentError, match=message):
        TrainConfig(**options)


def test_the_options_come_back_from_json(tmp_path):
    config = small(
        tmp_path,
        log=("tensorboard", "wandb"),
        held_out_env="TTRL-Questions-v0",
        held_out_data=tmp_path / "others.jsonl",
    )
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
