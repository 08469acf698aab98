"""Proofs in a process of their own: verdicts, deadlines, memory."""

from __future__ import annotations

import pytest

from ttrl_env.answers.prove import Proof, Prover, prove


def test_one_process_answers_many_questions() -> None:
    with Prover() as prover:
        assert prover.prove("(x+1)^2", "x^2+2x+1").verdict == "proved"
        process = prover._process
        assert prover.prove(r"\ln|x|", r"\ln x").detail.startswith("at x = -3/2 they are")
        assert prover.prove("east", "west").verdict == "unknown"
        assert prover._process is process
    assert process is not None
    assert process.returncode is not None


def test_a_deadline_kills_the_process_and_the_next_pair_gets_a_new_one() -> None:
    with Prover(timeout=0.001) as prover:
        late = prover.prove(r"\sqrt{3+2\sqrt2}", r"1+\sqrt2")
        assert late == Proof("unknown", "no answer within 0.001 seconds")
        prover.timeout = 30
        assert prover.prove("x+x", "2x").verdict == "proved"


def test_too_little_memory_is_an_unknown() -> None:
    with Prover(megabytes=40) as prover:
        assert prover.prove("x", "x").verdict == "unknown"


@pytest.mark.parametrize("hostile", ["__import__('os').system('true')", "9" * 5000, "(" * 99])
def test_hostile_text_is_an_unknown(hostile: str) -> None:
    assert prove(hostile, "1").verdict in {"unknown", "refuted"}
    assert str(prove("1", "2")) == "refuted: they are 1.00000 and 2.00000"
