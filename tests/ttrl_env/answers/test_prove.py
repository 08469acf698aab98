"""Proofs in a process of their own: verdicts, deadlines, memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ttrl_env.answers.prove import Proof, Prover


@pytest.fixture(scope="module")
def prover() -> Iterator[Prover]:
    with Prover(timeout=60) as prover:
        yield prover


def test_one_process_answers_many_questions(prover: Prover) -> None:
    assert prover.prove("(x+1)^2", "x^2+2x+1").verdict == "proved"
    process = prover._process
    assert prover.prove(r"\ln|x|", r"\ln x").detail.startswith("at x = -3/2 they are")
    assert prover.prove("east", "west").verdict == "unknown"
    assert str(prover.prove("1", "2")) == "refuted: they are 1.00000 and 2.00000"
    assert prover._process is process


@pytest.mark.parametrize(
    "hostile", ["__import__('os').abort()", "x_{exit()}", "9" * 5000, "(" * 99, "\ud800", "a\nb"]
)
def test_hostile_text_proves_nothing_and_does_no_harm(prover: Prover, hostile: str) -> None:
    process = prover._process
    assert prover.prove(hostile, "1").verdict in {"unknown", "refuted"}
    assert prover._process is process


def test_a_deadline_kills_the_process_and_the_next_pair_gets_a_new_one() -> None:
    with Prover(timeout=0.001) as prover:
        late = prover.prove(r"\sqrt{3+2\sqrt2}", r"1+\sqrt2")
        assert late == Proof("unknown", "no answer within 0.001 seconds")
        assert prover._process is None
        prover.timeout = 60
        assert prover.prove("x+x", "2x").verdict == "proved"
        process = prover._process
    assert process is not None
    assert process.returncode is not None


def test_too_little_memory_is_an_unknown() -> None:
    with Prover(megabytes=40) as prover:
        assert prover.prove("x", "x").verdict == "unknown"
