"""TokenActions: rows of ids become completions, and nothing of them is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from env_fakes import sums
from hypothesis import given
from hypothesis import strategies as st

from ttrl_env import Completion, ConsensusReward, TokenActions, TTRLVectorEnv
from ttrl_env.testing import check_vector_env

END, PAD, VOCAB = 128, 129, 130


class Letters:
    """Ids are ASCII codes; what is above is special. Counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def batch_decode(
        self,
        sequences: Sequence[Sequence[int]],
        *,
        skip_special_tokens: bool,
        clean_up_tokenization_spaces: bool,
    ) -> list[str]:
        self.calls += 1
        assert skip_special_tokens
        assert not clean_up_tokenization_spaces
        return ["".join(chr(each) for each in ids if each < END) for ids in sequences]


def make(num_envs: int = 2, *, pad: int = PAD, ends: Any = (END,), **kwargs: Any) -> TokenActions:
    envs = ConsensusReward(TTRLVectorEnv(num_envs, sums(), 2, **kwargs))
    return TokenActions(
        envs, Letters(), max_tokens=12, vocab_size=VOCAB, end_token_ids=ends, pad_token_id=pad
    )


def row(text: str, *special: int, length: int = 12, pad: int = PAD) -> list[int]:
    ids = [*map(ord, text), *special]
    return ids + [pad] * (length - len(ids))


def test_rows_become_completions() -> None:
    ids = np.array([row("\\boxed{7}", END), row("\\boxed{7}so", length=12)])
    log_probs = -np.arange(24, dtype=np.float32).reshape(2, 12)
    whole, cut = make().decode(ids, log_probs)
    assert (whole, cut) == ("\\boxed{7}", "\\boxed{7}so")
    assert whole.finished is True
    assert cut.finished is False
    assert whole.token_ids.tolist() == [*map(ord, "\\boxed{7}"), END]
    assert cut.token_ids.tolist() == [*map(ord, "\\boxed{7}so")]
    np.testing.assert_array_equal(whole.log_probs, log_probs[0, :10])
    np.testing.assert_array_equal(cut.log_probs, log_probs[1, :11])
    assert make().decode(ids)[0].log_probs is None


texts = st.text(st.characters(max_codepoint=127), max_size=11)


@given(texts, texts, st.booleans(), st.booleans())
def test_nothing_is_lost_or_added(one: str, other: str, first_ends: bool, pad_is_end: bool) -> None:
    pad = END if pad_is_end else PAD
    rows = [row(one, *[END] * first_ends, pad=pad), row(other, END, pad=pad)]
    completions = make(pad=pad).decode(np.array(rows))
    assert completions == [one, other]
    assert completions[0].finished == (first_ends or pad_is_end)
    assert completions[1].finished
    assert completions[1].token_ids.tolist() == [*map(ord, other), END]


def test_a_batch_is_decoded_in_one_call_and_rewarded() -> None:
    envs = make(4)
    envs.reset(seed=0)
    rows = [row("\\boxed{7}", END), row("\\boxed{7}"), row("\\boxed{8}", END), row("", END)]
    _, rewards, _, _, infos = envs.step(np.array(rows))
    assert rewards.tolist() == [1, 1, 1, 0]
    final = infos["final_info"]
    assert final["answer"].tolist() == ["7", "7", "8", None]
    assert final["finished"].tolist() == [True, False, True, True]
    assert envs._tokenizer.calls == 1


def test_what_follows_the_end_is_ignored() -> None:
    ids = np.array([row("a", END, 98, END), row("b", END, PAD, 99)])
    assert make().decode(ids) == ["a", "b"]


def test_an_empty_row_is_an_empty_completion() -> None:
    empty, ended = make().decode(np.array([row(""), row("", END)]))
    assert (empty, ended) == ("", "")
    assert (len(empty.token_ids), len(ended.token_ids)) == (0, 1)


def test_several_ends() -> None:
    first, second = make(ends=(END, 127)).decode(np.array([row("a", 127), row("b", END)]))
    assert first.finished
    assert second.finished
    assert first.token_ids.tolist() == [97, 127]


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint8, list])
def test_integers_of_any_kind(kind: Any) -> None:
    rows = [row("a", END), row("b", END)]
    ids = rows if kind is list else np.array(rows, dtype=kind)
    completions = make().decode(ids)
    assert completions == ["a", "b"]
    assert completions[0].token_ids.dtype == np.int64


def test_tensors_with_gradients_and_half_precision() -> None:
    torch = pytest.importorskip("torch")
    ids = torch.tensor([row("a", END), row("b", END)])
    log_probs = torch.full((2, 12), -0.5, dtype=torch.bfloat16, requires_grad=True)
    devices = ["cpu"] + ["cuda"] * torch.cuda.is_available()
    for device in devices:
        first, second = make().decode(ids.to(device), log_probs.to(device))
        assert (first, second) == ("a", "b")
        assert first.log_probs.tolist() == [-0.5, -0.5]


def test_ids_are_copies() -> None:
    ids = np.array([row("a", END), row("b", END)])
    completion = make().decode(ids)[0]
    ids[:] = 0
    assert completion.token_ids.tolist() == [97, END]
    assert isinstance(completion, Completion)


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        (np.zeros((2, 4)), TypeError, "must be integers, not float64"),
        (np.zeros((3, 4), int), ValueError, r"\(2, length\).*not \(3, 4\)"),
        (np.zeros(8, int), ValueError, r"not \(8,\)"),
        (np.zeros((2, 13), int), ValueError, r"from 1 to 12, not \(2, 13\)"),
        (np.zeros((2, 0), int), ValueError, r"not \(2, 0\)"),
        (np.array([[1, 2], [-1, 2]]), ValueError, "row 1 has id -1 at place 0"),
        (np.array([[1, 2], [1, 130]]), ValueError, "row 1 has id 130 at place 1"),
        (np.array([[PAD, 97, END], [97, END, PAD]]), ValueError, "row 0 has padding .* place 0"),
        (["text", "text"], TypeError, "must be integers"),
    ],
)
def test_what_are_no_ids_is_named(ids: Any, error: type[Exception], message: str) -> None:
    envs = make()
    envs.reset(seed=0)
    with pytest.raises(error, match=message):
        envs.step(ids)


def test_log_probs_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 3\), the token ids \(2, 12\)"):
        make().decode(np.array([row("a"), row("b")]), np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_tokens": 0}, "max_tokens must be 1 or more, not 0"),
        ({"end_token_ids": []}, r"not \[\]"),
        ({"end_token_ids": [130]}, r"= 129, not \[130\]"),
    ],
)
def test_arguments_out_of_range_are_named(arguments: dict, message: str) -> None:
    usual = {"max_tokens": 4, "vocab_size": VOCAB, "end_token_ids": [END], "pad_token_id": PAD}
    with pytest.raises(ValueError, match=message):
        TokenActions(make().env, Letters(), **(usual | arguments))


@pytest.mark.parametrize("mode", ["SAME_STEP", "NEXT_STEP", "DISABLED"])
@pytest.mark.parametrize("pad", [PAD, -1])
def test_it_keeps_the_contract(mode: str, pad: int) -> None:
    envs = make(4, autoreset_mode=mode, pad=pad)
    assert np.array([row("a", END, pad=pad)] * 4) in envs.action_space
    check_vector_env(envs, sample_actions=lambda _: np.array([row("\\boxed{1}", END, pad=pad)] * 4))


@pytest.mark.parametrize("thinking", [False, True])
def test_completions_say_whether_their_prompts_opened_a_thought(*, thinking: bool) -> None:
    envs = TokenActions(
        ConsensusReward(TTRLVectorEnv(2, sums(), 2)),
        Letters(),
        max_tokens=12,
        vocab_size=VOCAB,
        end_token_ids=(END,),
        pad_token_id=PAD,
        thinking=thinking,
    )
    envs.reset(seed=0)
    actions = np.array([row(r"\boxed{7}", END)] * 2)
    assert [each.thinking for each in envs.decode(actions)] == [thinking] * 2
    _, rewards, *_ = envs.step(actions)
    assert rewards.tolist() == [0.0 if thinking else 1.0] * 2
