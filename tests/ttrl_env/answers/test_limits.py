"""Nothing that a model may write costs more than a bounded time, or is executed."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from ttrl_env.answers import ANSWER_FORMATS, answer_key, equivalent, extract_answer
from ttrl_env.answers.keys import forget

SECONDS = 0.5
"""Ten times what we promise, since the machine that runs the tests may be busy."""
HOSTILE = {
    "tower": "9**9**9**9",
    "tower of tens": "10^{10^{10}}",
    "factorial": "100000000!",
    "factorials": "3" + "!" * 100_000,
    "triple factorial": "((9!)!)!",
    "binomial": r"\binom{10000000}{5000000}",
    "binomial power": r"(x+1)^{100000}",
    "exponent": "1e999999999",
    "small exponent": "1e-999999999",
    "digits": "7" * 1_000_000,
    "decimals": "0." + "0" * 1_000_000 + "1",
    "parentheses": "(" * 1000 + "x" + ")" * 1000,
    "braces": "{" * 100_000,
    "fractions": r"\frac{" * 10_000,
    "bars": "|" * 2000,
    "roots": r"\sqrt{2+" * 200 + "2" + "}" * 200,
    "signs": "-" * 100_000 + "42",
    "matrix": r"\begin{pmatrix}" + r"1&" * 50_000 + r"\end{pmatrix}",
    "terms": "+".join(f"x^{{{n}}}" for n in range(2000)),
    "factors": "".join(f"(x-{n})" for n in range(100)),
    "letters": "sqrt" * 1000,
    "nested sums": r"\sum_{k=1}^{9^{9^9}}" * 20 + "k",
    "big sine": r"\sin(10^{10^{5}})",
    "big surd": r"(2+\sqrt{3})^{100000}",
    "holes": r"\mathbb{R}" + "".join(rf"\setminus\{{{n}\}}" for n in range(150)),
    "overlaps": r"\cap".join(rf"\{{{','.join(map(str, range(n, n + 15)))}\}}" for n in range(20)),
    "long sums": "+".join(rf"\sum_{{k=1}}^{{100}} k^{{{n}}}" for n in range(40)),
    "matrix powers": r"(\begin{pmatrix}1&2\\3&4\end{pmatrix})^{64}" * 8,
    "divisions": "/".join(map(str, range(1, 380))),
    "factorial powers": "x" + "!^2" * 250,
    "unions": r"\cup".join(["(1,2)"] * 390),
    "remainders": r"7 \mod 5" * 100,
    "greatest divisor": r"\gcd(10^{100000}+7, 10^{99999}+3)",
    "opaque nest": "f(" * 20 + "x" + ")" * 20,
    "subscripts": "x_{" * 1000 + "2" + "}" * 1000,
    "full width": "\uff14" * 1_000_000,
    "megabyte": "a b " * 250_000,
    "surrogates": "\ud800" * 1000,
    "nothing": "",
    "nul": "\0" * 1000,
    "boxes": r"\boxed{" * 100_000,
    "dollars": "$" * 100_001,
    "commas": "1," * 100_000,
    "thousands": "1,000" * 100_000,
    "answers": "answer is " * 100_000,
    "equals": "answer: " + "=" * 200_000,
    "thoughts": "<think>" * 50_000 + "</think>" * 50_000,
    "options": "Answer: A or " * 50_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers_take_bounded_time(name: str) -> None:
    text = HOSTILE[name]
    for answer_format in ANSWER_FORMATS:
        forget()
        start = time.thread_time()
        key = answer_key(text, answer_format)
        extract_answer(text, answer_format)
        assert time.thread_time() - start < SECONDS
        assert len(str(key)) <= 160
    assert not equivalent(text, "42") or name == "signs"


@pytest.mark.parametrize("power", [999, 1001])
def test_what_is_too_large_is_kept_apart_without_being_computed(power: int) -> None:
    assert equivalent("7^{7^{1000}}", "7^{7^{1000}}")
    assert not equivalent("7^{7^{1000}}", f"7^{{7^{{{power}}}}}")
    assert not equivalent("100000!", f"{99_000 + power}!")


@pytest.mark.parametrize(
    "payload",
    [
        "__import__('pathlib').Path('touched').touch()",
        'eval(\'__import__("os").system("touch touched")\')',
        "[open('touched','w') for _ in [0]]",
        "().__class__.__base__.__subclasses__()",
        r"\immediate\write18{touch touched}",
        "$(touch touched)",
        "lambda x: open('touched', 'w')",
        "exit()",
        "f\"{open('touched','w')}\"",
    ],
)
def test_nothing_is_executed(payload: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in (payload, f"\\boxed{{{payload}}}", f"The answer is {payload}"):
        for answer_format in ANSWER_FORMATS:
            answer_key(text, answer_format)
            extract_answer(text, answer_format)
    assert list(tmp_path.iterdir()) == []


def test_threads_agree_with_the_main_thread() -> None:
    answers = [r"\sqrt{2}+\sin x", "x=1,y=2", "10^{10^{10}}", r"\frac{1}{3}", "cat", r"e^{i\pi}"]
    expected = [answer_key(answer) for answer in answers]
    forget()
    found: list[list[object]] = []
    threads = [
        threading.Thread(target=lambda: found.append([answer_key(answer) for answer in answers]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8


def test_extraction_takes_linear_time() -> None:
    def best(size: int) -> float:
        text = "So $x = 3$, and the result is \\frac{1}{2}. " * (size // 43) + "\\boxed{42}"
        times = []
        for _ in range(5):
            start = time.thread_time()
            assert extract_answer(text) == "42"
            times.append(time.thread_time() - start)
        return min(times)

    small, large = best(1_000_000), best(10_000_000)
    assert large < 30 * small + 0.01
