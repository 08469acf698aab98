"""The vote as text and as an image: what it says, and that hostile text cannot make it say more."""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from env_fakes import NO_ANSWER, boxed, sums
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import RecordVideo
from gymnasium.wrappers import vector as wrappers
from hypothesis import given
from hypothesis import strategies as st

from ttrl_env import Completion, ConsensusReward, TTRLEnv, TTRLVectorEnv
from ttrl_env.consensus import hold_vote, resolve_estimator
from ttrl_env.rendering import VoteView, render_ansi, render_image
from ttrl_env.rendering.view import shown

any_text = st.text(alphabet=st.characters(exclude_categories=()), max_size=400)
WINNER, GREY = (0, 95, 178), (160, 168, 178)


def view_of(texts: list[str], reward: str = "majority", prompt: str = "What is 1 + 1?") -> VoteView:
    benchmark = sums()
    ballot = hold_vote(texts, benchmark.questions[0], benchmark, 4)
    return VoteView(
        prompt=prompt,
        question_id="sum-0",
        position=4,
        group_size=len(texts),
        completions=tuple(texts),
        ballot=ballot,
        verdict=resolve_estimator(reward, benchmark)(ballot),
    )


def colour_widths(image: np.ndarray, colour: tuple[int, int, int]) -> list[int]:
    """The width of each bar of this colour, from top to bottom."""
    widths = (image == colour).all(axis=2).sum(axis=1)
    starts = np.flatnonzero((widths[1:] > 0) & (widths[:-1] == 0)) + 1
    return [int(widths[start + 3]) for start in starts if widths[start + 3]]


def test_text_says_it_all() -> None:
    cut = Completion("First we add the twelve", finished=False)
    texts = [boxed(7), boxed(8), boxed("07"), NO_ANSWER, cut, boxed(7), boxed(7), boxed(7)]
    lines = render_ansi(view_of(texts)).splitlines()
    assert lines[0] == "#4  sum-0"
    assert lines[1] == "  What is 1 + 1?"
    tally = [re.split(r"\s{2,}", line.strip()) for line in lines[3:6]]
    assert [row[0] for row in tally] == ["→ 7", "8", "no answer"]
    assert [line.split()[-2:] for line in lines[3:6]] == [["5", "62%"], ["1", "12%"], ["2", "25%"]]
    bars = [line.count("█") + line.count("░") for line in lines[3:6]]
    assert bars[0] == pytest.approx(5 * bars[1], abs=3)
    assert bars[2] == pytest.approx(2 * bars[1], abs=2)
    assert lines[6] == "8 of 8 votes · consensus 7 (62%) · mean reward 0.625"
    votes = lines[8:]
    assert len(votes) == 8
    assert [line.split()[1] for line in votes] == [
        f"{reward:.2f}" for reward in (1, 0, 1, 0, 0, 1, 1, 1)
    ]
    assert votes[2].split()[2] == "07"
    assert votes[3].split()[2] == "-"
    assert votes[4].endswith("First we add the twelve (cut off)")
    assert votes[0].endswith("the answer is \\boxed{7}.")


@pytest.mark.parametrize(
    ("reward", "texts", "outcome"),
    [
        ("majority", [NO_ANSWER] * 2, "the group abstains"),
        ("random", [boxed(1)] * 2, "no consensus"),
        ("majority", [boxed(1)] * 2, r"consensus 1 (100%) · mean reward 1.000"),
    ],
)
def test_the_outcome_in_one_line(reward: str, texts: list[str], outcome: str) -> None:
    view = view_of(texts, reward)
    assert outcome in view.summary
    assert view.summary in render_ansi(view)


def test_long_tallies_are_summed_up() -> None:
    text = render_ansi(view_of([boxed(n) for n in range(20)]))
    assert "and 8 more answers with 8 votes" in text


@given(any_text, any_text)
def test_hostile_text_cannot_steer_a_terminal(completion: str, prompt: str) -> None:
    text = render_ansi(view_of([completion, boxed(completion)], prompt=prompt))
    assert all(each.isprintable() or each == "\n" for each in text)
    text.encode()  # no lone surrogate is left
    assert len(text.splitlines()) < 20


def columns_of(line: str) -> int:
    """What a terminal gives to it: East Asian letters are twice as wide, accents stand above."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in line
    )


@given(any_text | st.text("答え 1", max_size=900), any_text | st.text("问题", max_size=900))
def test_no_line_is_wider_than_it_may_be(completion: str, prompt: str) -> None:
    cut = Completion(completion, finished=False)
    for width in (60, 88):
        view = view_of([completion, boxed(completion), cut], prompt=prompt)
        for line in render_ansi(view, width).splitlines():
            assert columns_of(line) <= width or line == view.summary


def test_what_has_no_room_is_refused() -> None:
    with pytest.raises(ValueError, match="width must be 60 or more, not 40"):
        render_ansi(view_of([boxed(1)]), 40)


def test_a_question_without_spaces_fills_its_lines() -> None:
    lines = render_ansi(view_of([boxed(1)], prompt="问" * 100)).splitlines()
    assert [line.count("问") for line in lines[1:4]] == [43, 43, 14]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\u202eright to left", "\\u202eright to left"),
        ("\ud800", "\\ud800"),
        ("two\nlines\tand\x0bmore", "two lines and more"),
        ("π ≤ 答え", "π ≤ 答え"),
        ("x" * 50, "x" * 29 + "…"),
    ],
)
def test_text_is_made_fit_to_be_shown(text: str, expected: str) -> None:
    assert shown(text, 30) == expected


def test_of_a_long_completion_the_end_is_shown() -> None:
    assert shown("a" * 10**6 + " end", 10, end=True) == "…aaaaa end"


def test_columns_stay_straight_with_wide_letters() -> None:
    lines = render_ansi(view_of([boxed("答"), boxed("x")] * 2)).splitlines()
    starts = [
        line.index("█") + sum(each > "\u2e80" for each in line) for line in lines if "█" in line
    ]
    assert len(starts) == 2
    assert len(set(starts)) == 1


def test_the_image_is_a_histogram() -> None:
    pytest.importorskip("matplotlib")
    image = render_image(view_of([boxed(7)] * 6 + [boxed(8)] * 3 + [boxed(9)] * 2 + [NO_ANSWER]))
    assert image.shape == (480, 640, 3)
    assert image.dtype == np.uint8
    (won,) = colour_widths(image, WINNER)
    others = colour_widths(image, GREY)
    assert others == pytest.approx([won / 2, won / 3], abs=2)
    # Letters have room: the margins stay white.
    assert (image[:, :20] == 255).all()
    assert (image[:, -10:] == 255).all()
    assert (image[-12:] == 255).all()


def test_only_the_winner_of_the_vote_is_coloured() -> None:
    pytest.importorskip("matplotlib")
    view = view_of([boxed(1)] * 3 + [boxed(2)], "random")
    assert colour_widths(render_image(view), WINNER) == []
    assert len(colour_widths(render_image(view), GREY)) == 2


def test_many_answers_stay_on_the_page() -> None:
    pytest.importorskip("matplotlib")
    image = render_image(
        view_of([boxed("9" * 90 + str(n)) for n in range(60)], prompt="why " * 900)
    )
    assert len(colour_widths(image, WINNER)) == 1
    assert len(colour_widths(image, GREY)) == 7
    assert (image[:, -10:] == 255).all()


@given(any_text)
def test_hostile_text_is_drawn_like_any_other(text: str) -> None:
    pytest.importorskip("matplotlib")
    assert render_image(view_of([text, boxed(text)], prompt=text)).shape == (480, 640, 3)


@pytest.mark.parametrize("mode", ["SAME_STEP", "NEXT_STEP", "DISABLED"])
@pytest.mark.parametrize("rewarded", [True, False])
def test_vectors_show_the_vote_that_was_held(mode: str, rewarded: bool) -> None:
    envs: Any = TTRLVectorEnv(4, sums(), 2, autoreset_mode=mode, render_mode="ansi")
    envs = ConsensusReward(envs) if rewarded else envs
    prompts, _ = envs.reset(seed=0)
    frames = envs.render()
    assert len(frames) == 4
    assert frames[0] == frames[1] != frames[2] == frames[3]
    assert "0 of 2 votes" in frames[0]
    envs.step([boxed(5), boxed(5), NO_ANSWER, boxed(6)])
    frames = envs.render()
    assert shown(prompts[0], 200) in frames[0]
    assert shown(prompts[2], 200) in frames[2]
    assert ("consensus 5 (100%)" in frames[0]) == rewarded
    assert ("consensus 6 (50%)" in frames[3]) == rewarded
    assert "2 of 2 votes" in frames[0]
    if mode == "NEXT_STEP":
        envs.step([boxed(5)] * 4)
        assert "0 of 2 votes" in envs.render()[0]
    if mode == "DISABLED":
        envs.reset(options={"reset_mask": np.array([True, True, False, False])})
        frames = envs.render()
        assert "0 of 2 votes" in frames[0]
        assert "2 of 2 votes" in frames[2]


def test_rendering_changes_no_episode() -> None:
    def run(render_mode: str | None) -> list:
        envs = ConsensusReward(TTRLVectorEnv(4, sums(), 2, render_mode=render_mode), "random")
        seen = [envs.reset(seed=0)[0]]
        for _ in range(4):
            if render_mode:
                envs.render()
            observations, rewards, *_ = envs.step([boxed(5)] * 4)
            seen += [observations, rewards.tolist()]
        return seen

    assert run(None) == run("ansi")


def test_gymnasiums_vectors_show_the_vote_too() -> None:
    makers = [lambda: TTRLEnv(sums(), group_size=1, reward=None, render_mode="ansi")] * 2
    envs = ConsensusReward(
        SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP), group_size=2
    )
    envs.reset(seed=[0, 0])
    envs.step([boxed(5), boxed(6)])
    assert "consensus 5 (50%)" in envs.render()[1]


def test_the_single_environment_counts_as_votes_come_in() -> None:
    env = TTRLEnv(sums(), group_size=2, render_mode="ansi")
    with pytest.raises(RuntimeError, match="call reset"):
        env.render()
    env.reset(seed=0)
    assert "0 of 2 votes" in env.render()
    env.step(boxed(5))
    assert "1 of 2 votes\n" in env.render()
    env.step(boxed(5))
    assert "2 of 2 votes · consensus 5 (100%)" in env.render()
    env.reset()
    assert "0 of 2 votes" in env.render()


def test_without_a_mode_there_is_nothing_to_show() -> None:
    envs = ConsensusReward(TTRLVectorEnv(4, sums(), 2))
    envs.reset(seed=0)
    envs.step([""] * 4)
    assert envs.render() is None
    assert envs.unwrapped.render() is None


def test_images_without_their_package_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    with pytest.raises(gym.error.DependencyNotInstalled, match=r"ttrl-env\[render\]"):
        TTRLEnv(sums(), render_mode="rgb_array")
    TTRLEnv(sums(), render_mode="ansi")


@pytest.mark.parametrize("mode", ["SAME_STEP", "NEXT_STEP", "DISABLED"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_gymnasium_records_videos(mode: str, tmp_path: Path) -> None:
    pytest.importorskip("moviepy")
    envs = gym.make_vec(
        "TTRL-Arithmetic-v0",
        num_envs=4,
        group_size=2,
        autoreset_mode=mode,
        render_mode="rgb_array",
    )
    envs = wrappers.RecordVideo(
        envs, str(tmp_path), step_trigger=lambda step: step == 0, video_length=3
    )
    envs.reset(seed=0)
    for _ in range(4):
        envs.step([boxed(1)] * 4)
        if mode == "DISABLED":
            envs.reset()
    envs.close()
    (video,) = tmp_path.glob("*.mp4")
    assert video.stat().st_size > 1_000


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_gymnasium_records_the_single_environment(tmp_path: Path) -> None:
    pytest.importorskip("moviepy")
    env = gym.make("TTRL-Arithmetic-v0", group_size=3, render_mode="rgb_array")
    env = RecordVideo(env, str(tmp_path), episode_trigger=lambda episode: episode == 0)
    env.reset(seed=0)
    for _ in range(3):
        env.step(boxed(1))
    env.close()
    (video,) = tmp_path.glob("*.mp4")
    assert video.stat().st_size > 1_000


@pytest.mark.filterwarnings("ignore:.*human.*:UserWarning")
def test_gymnasium_shows_it_in_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygame")
    pytest.importorskip("cv2")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = gym.make("TTRL-Arithmetic-v0", group_size=2, render_mode="human")
    env.reset(seed=0)
    env.step(boxed(1))
    env.close()
    envs = gym.make_vec("TTRL-Arithmetic-v0", num_envs=4, group_size=2, render_mode="rgb_array")
    envs = wrappers.HumanRendering(envs)
    envs.reset(seed=0)
    envs.step([boxed(1)] * 4)
    assert "human" not in TTRLVectorEnv.metadata["render_modes"]
    envs.close()
