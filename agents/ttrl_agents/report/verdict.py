"""The verdict of a report: what became of a run, in sentences.

- `Verdict`: a headline, the numbers beside it, and sentences.
- `Tile`: one of the numbers.
- `verdict_of`: the verdict on a run or an evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate.comparison import Difference, compare
from ttrl_agents.evaluate.setting import SPLITS, SamplingSetting, by_setting
from ttrl_agents.evaluate.turned import CONFIDENT, describe_changed, describe_turned
from ttrl_agents.report.subject import Measured, Subject
from ttrl_benchmarks.printable import counted

__all__ = ["SPLIT_WORDS", "Tile", "Verdict", "verdict_of"]

SPLIT_WORDS = {"train": "trained questions", "held_out": "held-out questions", "": "questions"}


@dataclass(frozen=True)
class Tile:
    """A number of the verdict.

    Attributes:
        name: What it is, with its questions.
        value: The number, or the numbers before and after.
        note: How far it changed, or what it means.
        tone: `"good"`, `"bad"` or `"plain"`.
    """

    name: str
    value: str
    note: str
    tone: str = "plain"


@dataclass(frozen=True)
class Verdict:
    """What became of a run or what an evaluation says.

    Attributes:
        headline: The one sentence to read.
        tiles: The numbers beside it.
        sentences: The rest.
    """

    headline: str
    tiles: tuple[Tile, ...]
    sentences: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the verdict as JSON."""
        return asdict(self)


def verdict_of(subject: Subject) -> Verdict:
    """Returns the verdict on a run or an evaluation."""
    return _of_run(subject) if subject.is_run else _of_evaluation(subject)


def _of_evaluation(subject: Subject) -> Verdict:
    measured = subject.measured[0]
    setting, scores = measured.setting.title, measured.summary
    scored = ("mean", "maj", "pass") if measured.evaluation.graded else ()
    names = [f"{score}@{scores['k']}" for score in scored]
    agreement = (
        f"On average the most frequent answer has {scores['majority_ratio']:.1%} of the votes. "
        f"{scores['finished']:.1%} of the completions finished, {scores['absent']:.1%} have no "
        f"answer; they are {scores['mean_tokens']:,.0f} tokens long on average."
    )
    asked = f"{scores['questions']} questions, {scores['k']} completions each, {setting}"
    if not names:
        headline = f"None of the {scores['questions']} questions has a label: the votes are shown."
        return Verdict(headline, (), (f"{asked}.", agreement))
    tiles = tuple(Tile(name, f"{scores[name]:.3f}", _interval(scores, name)) for name in names)
    if measured.setting.greedy:
        tiles = tiles[:1]
    headline = f"{tiles[0].name} is {tiles[0].value} {tiles[0].note} at {setting}."
    sentences = [f"{asked}.", agreement]
    # A single vote always agrees with itself.
    if scores["k"] > 1 and (sure := _confidently_wrong(measured)) > 0:
        sentences.insert(
            1,
            f"{counted(sure, 'question')} elected a wrong answer with {CONFIDENT:.0%} or more of "
            "the votes.",
        )
    return Verdict(headline, tiles, tuple(sentences))


def _of_run(subject: Subject) -> Verdict:
    changes = list(_changes(subject))
    tiles: list[Tile] = []
    for before, after, differences in changes:
        tiles += _tiles(before, after, differences)
        if subject.summary["turned"][after.split]:
            tiles.append(_turned_tile(subject, after.split))
    if not changes:
        tiles += _agreement_tiles(subject)
    sentences = [
        *_progress(subject),
        *(_score_sentence(*change) for change in changes),
        *_vote_sentences(subject),
        *_other_settings(subject),
        *_alarm_sentences(subject),
    ]
    return Verdict(_headline(subject, changes), tuple(tiles), tuple(sentences))


Change = tuple[Measured, Measured, dict[str, Difference]]


def _changes(subject: Subject) -> Iterator[Change]:
    """Yields what was measured before and after at the main setting, where there are labels."""
    for split in SPLITS:
        for setting in subject.settings[:1]:
            before = subject.find("before", split, setting)
            after = subject.find("after", split, setting)
            if before is None or after is None:
                continue
            try:
                differences = compare(before.evaluation, after.evaluation).differences
            except AgentError:  # none of the questions has a label
                continue
            yield before, after, differences


def _headline(subject: Subject, changes: list[Change]) -> str:
    alarms = subject.summary["alarms"]
    alarm = f" An alarm was raised at step {alarms[0]['step']}." if alarms else ""
    if not subject.finished:
        return (
            f"This run has not ended: {subject.steps_done} of {subject.config['steps']} steps are "
            f"done.{alarm}"
        )
    if changes:
        _, after, differences = changes[0]
        name, change = next(iter(differences.items()))
        words = SPLIT_WORDS[after.split]
        points = f"{abs(100 * change.interval.mean):.1f} points"
        if _beyond_chance(change):
            verb = "rose" if change.interval.mean > 0 else "fell"
            return f"{name} on the {words} {verb} by {points} at {after.setting.title}.{alarm}"
        return (
            f"{name} on the {words} did not change beyond chance at {after.setting.title} "
            f"({100 * change.interval.mean:+.1f} points).{alarm}"
        )
    known = next((each for each in subject.summary["votes"].values() if each), None)
    if known is not None:
        return (
            f"Without labels: {known['pseudo_labels_changed']} of {known['questions']} "
            f"pseudo-labels changed, and agreement went from {known['agreement_before']:.1%} to "
            f"{known['agreement_after']:.1%}.{alarm}"
        )
    return f"Trained for {counted(subject.summary['steps'], 'step')}; nothing was evaluated.{alarm}"


def _progress(subject: Subject) -> Iterator[str]:
    summary = subject.summary
    if not subject.finished:
        yield "What was measured so far is shown; ttrl report shows the rest when it has ended."
    elif summary["stopped"]:
        yield (
            f"An alarm ended the training after step {summary['steps']}; the model that is kept is "
            f"{_kept_model(summary)}"
        )


def _score_sentence(before: Measured, after: Measured, differences: dict[str, Difference]) -> str:
    parts = []
    for name, change in differences.items():
        old, new = _value(before.summary, name), _value(after.summary, name)
        if old == new:
            parts.append(f"{name} stayed at {new}")
        elif not _beyond_chance(change):
            parts.append(f"{name} changed within chance from {old} to {new}")
        else:
            verb = "rose" if change.interval.mean > 0 else "fell"
            parts.append(f"{name} {verb} from {old} to {new}")
        if after.setting.greedy:
            break
    words = SPLIT_WORDS[after.split].capitalize()
    asked = f"{words} ({len(after.evaluation.graded)}), {after.setting.title}"
    return f"{asked}: {'; '.join(parts)}."


def _vote_sentences(subject: Subject) -> Iterator[str]:
    for split in SPLITS:
        turned, changed = subject.summary["turned"][split], subject.summary["votes"][split]
        known = turned or changed
        if known is None:
            continue
        where = f"{SPLIT_WORDS[split].capitalize()}, {SamplingSetting.of(known).title}"
        if turned is None:
            yield f"{where}, no label known: {describe_changed(changed)}"
            continue
        sure = turned["confidently_wrong_after"]
        yield (
            f"{where}: {describe_turned(turned)} After training {counted(sure, 'question')} "
            f"{'elects' if sure == 1 else 'elect'} a wrong answer with {CONFIDENT:.0%} or more of "
            f"the votes{_before_words(subject, split)}."
        )


def _before_words(subject: Subject, split: str) -> str:
    for setting in subject.settings[:1]:
        before = subject.find("before", split, setting)
        if before is not None:
            return f", against {_confidently_wrong(before)} before"
    return ""


def _other_settings(subject: Subject) -> Iterator[str]:
    after_at = by_setting(subject.summary["after"])
    for setting, before in list(by_setting(subject.summary["before"]).items())[1:]:
        parts = []
        for split in SPLITS:
            old, new = before.get(split), after_at.get(setting, {}).get(split)
            name = next((each for each in old or () if each.startswith("mean@")), None)
            if old and new and name:
                parts.append(f"{name} {old[name]:.3f} → {new[name]:.3f} ({SPLIT_WORDS[split]})")
        if parts:
            title = "Greedy" if setting.greedy else setting.title
            yield f"{title}: {', '.join(parts)}."


def _alarm_sentences(subject: Subject) -> Iterator[str]:
    alarms = subject.summary["alarms"]
    if not alarms:
        if subject.metrics and subject.config.get("on_collapse") != "ignore":
            yield "No alarm of a collapse was raised."
        return
    first = alarms[0]
    more = f" {counted(len(alarms) - 1, 'further alarm')} followed." if len(alarms) > 1 else ""
    yield f"Step {first['step']}, {first['kind']} alarm: {first['message']}.{more}"


def _tiles(before: Measured, after: Measured, differences: dict[str, Difference]) -> Iterator[Tile]:
    for name, change in differences.items():
        mean, low, high = (
            100 * each for each in (change.interval.mean, change.interval.low, change.interval.high)
        )
        tone = "plain" if not _beyond_chance(change) else "good" if mean > 0 else "bad"
        yield Tile(
            f"{name}, {_short(after.split)}",
            f"{before.summary[name]:.3f} → {after.summary[name]:.3f}",
            f"{mean:+.1f} points [{low:+.1f},\N{NO-BREAK SPACE}{high:+.1f}]",
            tone,
        )
        if after.setting.greedy:
            return


def _turned_tile(subject: Subject, split: str) -> Tile:
    turned = subject.summary["turned"][split]
    sure = turned["right_to_wrong_confidently"]
    return Tile(
        f"votes turned, {_short(split)}",
        f"+{turned['wrong_to_right']} / −{turned['right_to_wrong']}",
        f"to right / to wrong, {sure} confidently",
        "bad" if turned["right_to_wrong"] > turned["wrong_to_right"] else "plain",
    )


def _agreement_tiles(subject: Subject) -> Iterator[Tile]:
    for split in SPLITS:
        changed = subject.summary["votes"][split]
        if changed is not None:
            yield Tile(
                f"agreement, {_short(split)}",
                f"{changed['agreement_before']:.1%} → {changed['agreement_after']:.1%}",
                "share of the votes for the most frequent answer",
            )
            yield Tile(
                f"pseudo-labels changed, {_short(split)}",
                f"{changed['pseudo_labels_changed']} of {changed['questions']}",
                "no label says which are right",
            )


def _kept_model(summary: dict[str, Any]) -> str:
    if summary["checkpoint_step"]:
        return f"that of step {summary['checkpoint_step']}."
    return "the initial policy, so differences between before and after are chance."


def _confidently_wrong(measured: Measured) -> int:
    return sum(
        result.majority_correct is False and result.majority_ratio >= CONFIDENT
        for result in measured.evaluation.results
    )


def _short(split: str) -> str:
    return SPLIT_WORDS[split].removesuffix(" questions")


def _beyond_chance(change: Difference) -> bool:
    """Whether the 95 % interval of a difference leaves out 0."""
    return change.interval.low > 0 or change.interval.high < 0


def _value(scores: dict[str, Any], name: str) -> str:
    return f"{scores[name]:.3f} {_interval(scores, name)}"


def _interval(scores: dict[str, Any], name: str) -> str:
    low, high = scores[name + "_ci95"]
    return f"[{low:.3f}, {high:.3f}]"
