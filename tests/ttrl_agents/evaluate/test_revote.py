"""Voting again: the same votes under other rewards, by hand and against the environment."""

import json
import shutil

import numpy as np
import pytest
from evaluations_made_up import made_up_result

from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate import Evaluation, EvaluationFolder
from ttrl_agents.evaluate.results import grade_question
from ttrl_agents.evaluate.revote import ballot_of, benchmark_of, revote
from ttrl_benchmarks import Benchmark, Question, SealedLabels
from ttrl_env.completion import Completion
from ttrl_env.consensus import REWARDS, hold_vote, resolve_estimator
from ttrl_env.consensus.cards import needs_of

LABELS = {"a": "1", "b": "1", "c": "1"}


def benchmark(names="abcd", labels=LABELS):
    return Benchmark(
        name="letters",
        questions=tuple(Question(name, f"{name}?") for name in names),
        labels=SealedLabels({name: each for name, each in labels.items() if name in names}),
        answer_format="integer",
        instruction="",
    )


RESULTS = (
    made_up_result("a", ["1", "1", "1", "5"]),
    made_up_result("b", ["7", "7", "1", None]),
    made_up_result("c", [None, None, None, None]),
    made_up_result("d", ["8", "8", "9", "9"], label=None),
)


def test_scores_by_hand():
    found = revote(RESULTS, benchmark(), ["majority", "majority(min_ratio=0.6)", "oracle"])
    majority, firm, oracle = found.scores.values()
    assert found.questions == ("a", "b", "c", "d")
    assert majority.mean_reward == pytest.approx((3 / 4 + 2 / 4 + 0 + 2 / 4) / 4)
    assert (majority.silent, majority.unnamed, majority.changed) == (1 / 4, 1, 0)
    assert majority.pseudo_labels == ("1", "7", None, "8")
    assert majority.right == (True, False, False, None)
    assert majority.label_accuracy.mean == pytest.approx(1 / 3)
    assert majority.reward_accuracy.mean == pytest.approx((1 + 1 / 4 + 1) / 3)
    assert firm.pseudo_labels == ("1", None, None, None)
    assert (firm.abstained, firm.unnamed) == (3 / 4, 3)
    assert oracle.pseudo_labels[:2] == ("1", "1")
    assert oracle.changed == 1
    assert oracle.reward_accuracy.mean == 1
    assert found.disputed() == [1]
    assert found.reasons == {}


def test_a_reward_without_pseudo_labels_has_no_label_accuracy_and_disputes_nothing():
    found = revote(RESULTS, benchmark(), ["random", "majority"])
    assert found.scores["random"].label_accuracy is None
    assert found.scores["random"].unnamed == 4
    assert list(found.electing()) == ["majority"]
    assert found.disputed() == []


def test_graded_rewards_have_no_reward_accuracy():
    scores = revote(RESULTS, benchmark(), ["soft_majority", "majority"]).scores
    assert scores["soft_majority"].reward_accuracy is None
    assert scores["soft_majority"].label_accuracy == scores["majority"].label_accuracy


def test_what_is_not_stored_is_named_with_the_reason():
    found = revote(RESULTS, benchmark(), REWARDS)
    assert set(found.scores) | set(found.reasons) == set(REWARDS)
    for name, reason in found.reasons.items():
        words = "two wordings" if "two prompts" in REWARDS[name].card.needs else "of the tokens"
        assert words in reason
    assert {"majority", "oracle", "verified", "random"} <= set(found.scores)
    assert {"deepconf", "self_harmony"} <= set(found.reasons)


def test_a_reward_whose_options_change_what_it_needs_is_named_too():
    found = revote(RESULTS, benchmark(), ["deepconf(measure=probability)", "majority(tie=last)"])
    assert "which an evaluation does not store" in found.reasons["deepconf(measure=probability)"]
    assert "tie must be one of" in found.reasons["majority(tie=last)"]


def test_without_a_label_nothing_is_graded():
    results = [made_up_result(name, ["1", "1", "2"], label=None) for name in "ab"]
    found = revote(results, benchmark("ab", {}), ["majority", "oracle"])
    assert found.scores["majority"].label_accuracy is None
    assert found.scores["majority"].right == (None, None)
    assert "none of the questions has one" in found.reasons["oracle"]


@pytest.mark.parametrize(
    "asked", [benchmark("abc"), Benchmark("x", (Question("a", "b?"),), SealedLabels({}), "integer")]
)
def test_other_questions_raise(asked):
    with pytest.raises(AgentError, match="in the words in which it was asked"):
        revote(RESULTS, asked, ["majority"])


def test_stored_votes_are_those_of_the_time():
    """Every reward that can be computed says of stored votes what it said of the completions."""
    texts = ["\\boxed{07}", "\\boxed{7}", "\\boxed{8}", "nothing", "so the answer is 8"]
    asked, question = benchmark("a", {"a": "7"}), Question("a", "a?")
    completions = [
        Completion(text, token_ids=np.arange(3 + i), log_probs=np.zeros(3 + i), finished=i != 3)
        for i, text in enumerate(texts)
    ]
    before = hold_vote(completions, question, asked)
    after = ballot_of(grade_question(completions, question, asked), question, asked, 0)
    for name in ("classes", "counts", "lengths", "finished"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    for name in ("keys", "representatives", "extractions", "texts", "answers"):
        assert getattr(before, name) == getattr(after, name)
    for name in REWARDS:
        estimator = resolve_estimator(name, asked)
        if set(needs_of(estimator)) <= {"labels", "verifier"}:
            one, other = estimator(before), resolve_estimator(name, asked)(after)
            np.testing.assert_array_equal(one.rewards, other.rewards)
            assert one.pseudo_label == other.pseudo_label


def test_the_questions_of_an_evaluation_are_found_again(tmp_path):
    options = EvalConfig(env="TTRL-Arithmetic-v0", env_options={"size": 7}, split="held_out")
    config = {"benchmark": "arithmetic", "k": 4, "temperature": 0.6, "top_p": 0.95}
    stored = {**config, "options": options.to_dict()}
    EvaluationFolder.write(tmp_path / "one", stored, Evaluation(RESULTS))
    found = benchmark_of(EvaluationFolder(tmp_path / "one"))
    assert len(found) == 7
    assert found.questions[0].id.startswith("held_out-")


def test_the_questions_of_a_run_are_found_by_its_directory(tmp_path):
    run = tmp_path / "run"
    config = {"benchmark": "arithmetic", "k": 4, "temperature": 0.6, "top_p": 0.95}
    for split in ("train", "held_out"):
        EvaluationFolder.write(
            run / "evaluations" / "after" / "T1-top-p1" / split, config, Evaluation(RESULTS)
        )
    (run / "config.json").write_text(json.dumps({"env_options": {"size": 6}}))
    for split in ("train", "held_out"):
        folder = run / "evaluations" / "after" / "T1-top-p1" / split
        found = benchmark_of(EvaluationFolder(folder))
        assert found.questions[0].id.startswith(f"{split}-")
    shutil.move(run / "evaluations" / "after", tmp_path / "moved")
    with pytest.raises(AgentError, match="Put it back"):
        benchmark_of(EvaluationFolder(tmp_path / "moved" / "T1-top-p1" / "train"))
