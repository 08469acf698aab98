"""The verdict in words."""

from __future__ import annotations

from pathlib import Path

from evaluations_made_up import made_up_evaluation, made_up_result

from ttrl_agents.evaluate import Evaluation
from ttrl_agents.evaluate.folder import summarize
from ttrl_agents.evaluate.setting import SamplingSetting
from ttrl_agents.evaluate.turned import changed_votes, turned_votes
from ttrl_agents.report.subject import Measured, Subject
from ttrl_agents.report.verdict import verdict_of

SETTING = SamplingSetting(0.6, 0.95)
NOTHING = {"train": None, "held_out": None}
ALARM = {"step": 7, "kind": "runaway", "message": "different questions elect the same answers"}


def measured(moment, evaluation, split="train", setting=SETTING):
    config = {"benchmark": "b", "k": evaluation.k, "temperature": 0.6, "top_p": 0.95}
    return Measured(moment, split, setting, config, summarize(evaluation), evaluation)


def run_of(before, after, *, alarms=(), finished=True, stopped=False, kept=4):
    """A run that was evaluated twice on the questions that it trained on."""
    ends = [measured("before", before)] + ([measured("after", after)] if after else [])
    scores = [
        {"train": SETTING.to_dict() | each.evaluation.to_dict(), "held_out": None} for each in ends
    ]
    turned, votes = dict(NOTHING), dict(NOTHING)
    if after is not None and finished:
        votes["train"] = SETTING.to_dict() | changed_votes(before, after, "integer").to_dict()
        if after.graded:
            turned["train"] = SETTING.to_dict() | turned_votes(before, after).to_dict()
    summary = {
        "before": scores[0],
        "after": scores[1] if len(scores) > 1 else NOTHING,
        "turned": turned,
        "votes": votes,
        "alarms": list(alarms),
        "steps": 10,
        "stopped": stopped,
        "checkpoint_step": kept,
    }
    return Subject(
        path=Path("runs/first"),
        is_run=True,
        config={"steps": 20},
        summary=summary,
        finished=finished,
        metrics=[{"step": 10}],
        votes=[],
        measured=tuple(ends),
        starts=[],
    )


LOW = made_up_evaluation({f"q{i}": 1 for i in range(12)})
HIGH = made_up_evaluation({f"q{i}": 4 for i in range(12)})


def test_a_rise_beyond_chance_is_said_with_its_points_and_its_temperature():
    verdict = verdict_of(run_of(LOW, HIGH))
    assert (
        verdict.headline
        == "mean@4 on the trained questions rose by 75.0 points at T 0.6, top-p 0.95."
    )
    assert verdict.sentences[0] == (
        "Trained questions (12), T 0.6, top-p 0.95: mean@4 rose from 0.250 [0.250, 0.250] to 1.000 "
        "[1.000, 1.000]; maj@4 stayed at 1.000 [1.000, 1.000]."
    )
    assert verdict.tiles[0].value == "0.250 → 1.000"
    assert (verdict.tiles[0].tone, verdict.tiles[1].tone) == ("good", "plain")
    assert verdict.sentences[-1] == "No alarm of a collapse was raised."


def test_a_fall_is_called_one():
    verdict = verdict_of(run_of(HIGH, LOW))
    assert "fell by 75.0 points" in verdict.headline
    assert verdict.tiles[0].tone == "bad"


def test_a_change_that_its_interval_cannot_tell_from_none_is_not_called_a_rise():
    after = made_up_evaluation({f"q{i}": 1 + (i == 0) - (i == 1) for i in range(12)})
    verdict = verdict_of(run_of(LOW, after))
    assert "did not change beyond chance" in verdict.headline
    assert verdict.tiles[0].tone == "plain"


def test_votes_that_turned_and_hardened_on_a_wrong_answer_are_counted():
    before = Evaluation(tuple(made_up_result(f"q{i}", ["1", "1", "1", "2"]) for i in range(4)))
    wrong = [made_up_result(f"q{i}", ["2"] * 4) for i in range(2)]
    after = Evaluation((*wrong, *(made_up_result(f"q{i}", ["1"] * 4) for i in (2, 3))))
    verdict = verdict_of(run_of(before, after))
    votes = next(each for each in verdict.sentences if "turned" in each)
    assert "0 turned from wrong to right and 2 from right to wrong, 2 of them with 90%" in votes
    assert "After training 2 questions elect a wrong answer" in votes
    assert votes.endswith("against 0 before.")
    tile = next(each for each in verdict.tiles if each.name == "votes turned, trained")
    assert (tile.value, tile.tone) == ("+0 / −2", "bad")


def test_an_alarm_is_in_the_headline_and_in_a_sentence():
    verdict = verdict_of(run_of(LOW, HIGH, alarms=[ALARM, ALARM | {"step": 9}]))
    assert verdict.headline.endswith("An alarm was raised at step 7.")
    assert verdict.sentences[-1] == (
        "Step 7, runaway alarm: different questions elect the same answers. 1 further alarm "
        "followed."
    )


def test_a_run_that_an_alarm_stopped_says_which_model_is_kept():
    sentences = verdict_of(run_of(LOW, HIGH, alarms=[ALARM], stopped=True)).sentences
    assert "after step 10; the model that is kept is that of step 4" in sentences[0]


def test_a_run_that_went_back_to_the_initial_policy_claims_no_difference():
    sentences = verdict_of(run_of(LOW, HIGH, alarms=[ALARM], stopped=True, kept=0)).sentences
    assert "kept is the initial policy, so differences" in sentences[0]


def test_an_unfinished_run_claims_no_result():
    verdict = verdict_of(run_of(LOW, None, finished=False))
    assert verdict.headline == "This run has not ended: 10 of 20 steps are done."
    assert verdict.tiles == ()
    assert not any("rose" in each or "fell" in each for each in verdict.sentences)


def test_without_labels_nothing_is_called_right_or_wrong():
    before = Evaluation(
        tuple(made_up_result(f"q{i}", ["1", "1", "2", "3"], None) for i in range(4))
    )
    after = Evaluation(tuple(made_up_result(f"q{i}", ["2"] * 4, None) for i in range(4)))
    verdict = verdict_of(run_of(before, after))
    assert verdict.headline == (
        "Without labels: 4 of 4 pseudo-labels changed, and agreement went from 50.0% to 100.0%."
    )
    words = " ".join((verdict.headline, *verdict.sentences))
    assert "mean@" not in words
    assert "right" not in words.replace("which are right", "")


def evaluation_of(evaluation, setting=SETTING):
    only = measured("", evaluation, "", setting)
    return Subject(Path("runs/e"), False, {}, only.summary, True, [], [], (only,), [])


def test_an_evaluation_gives_its_scores_and_its_temperature():
    verdict = verdict_of(evaluation_of(LOW))
    assert verdict.headline == "mean@4 is 0.250 [0.250, 0.250] at T 0.6, top-p 0.95."
    assert [tile.name for tile in verdict.tiles] == ["mean@4", "maj@4", "pass@4"]
    assert verdict.sentences[0] == "12 questions, 4 completions each, T 0.6, top-p 0.95."


def test_an_evaluation_without_labels_shows_votes():
    unlabelled = Evaluation((made_up_result("q", ["1", "2"], None),))
    verdict = verdict_of(evaluation_of(unlabelled))
    assert verdict.headline == "None of the 1 questions has a label: the votes are shown."
    assert verdict.tiles == ()
