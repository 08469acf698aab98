r"""Measure `ttrl_env.answers`, with Math-Verify beside it where it is installed.

    TTRL_DATA_DIR=../shared/data python benchmarks/speed/answers.py [--quick]

Prints, for both on the same rows in the same run: the verdicts on pairs of answers, the
extractions, the same of what failed in public bug reports, the labels of the benchmarks, the
partition of groups of 64, the speed, and what hostile answers cost in the main thread and in a
worker thread. Our own times are processor time, so that other work on the machine does not count.
SymPy then looks for a proof of every two answers that share a key, and for a point where they
differ. The last lines say which thresholds hold; the exit status is the number of those that do
not. `--quick` leaves Math-Verify out of the hostile answers, which take it minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

from math_verify_peer import MathVerify, installed

from ttrl_env.answers import AnswerFormat, answer_key, equivalent, extract_answer, group_answers
from ttrl_env.answers.keys import forget, read
from ttrl_env.answers.prove import Prover

Row = dict[str, Any]
QUESTIONS = ("AIME-TTT", "AMC-TTT", "MATH-TTT")
SETS = ("integers", "fractions", "surds", "polynomials", "tuples")
THRESHOLDS = {
    "verdicts on pairs, %": (">=", 98.5),
    "extractions of mathematics, %": (">=", 98.5),
    "extractions of choice letters, %": (">=", 97.0),
    "verdicts on reported pairs, %": (">=", 95.0),
    "extractions of reported texts, %": (">=", 95.0),
    "pairs a second, nothing remembered": (">=", 5000.0),
    "us a key of integers": ("<=", 10.0),
    "us a key of fractions": ("<=", 10.0),
    "hostile rows over 50 ms": ("<=", 0.0),
    "hostile rows wrong": ("<=", 0.0),
    "pairs with one key that SymPy refutes": ("<=", 0.0),
}
"""What has to hold, by the name under which it is measured."""
measured: dict[str, float] = {}


def data_folder(given: str | None) -> Path:
    """Return the folder of the rows, or leave with a sentence that says how to give it."""
    place = given or os.environ.get("TTRL_DATA_DIR")
    if not place:
        raise SystemExit("set TTRL_DATA_DIR or --data to the folder of answers_equal_dev.jsonl")
    folder = Path(place)
    if not (folder / "answers_equal_dev.jsonl").is_file():
        raise SystemExit(f"{folder} has no answers_equal_dev.jsonl; set TTRL_DATA_DIR or --data")
    return folder


def rows_of(path: Path) -> list[Row]:
    """Return the rows of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def counted(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that count: those on which the projects agree."""
    return [row for row in rows if not any(row.get(k) for k in ("policy", "dubious", "conflict"))]


def share(values: Sequence[bool]) -> str:
    """Return how many of some values are true, as a line."""
    return f"{sum(values)}/{len(values)} = {100 * sum(values) / max(1, len(values)):.2f} %"


def format_of(row: Row) -> AnswerFormat:
    """Return the answer format of a row."""
    given: AnswerFormat = "choice" if row["kind"].startswith("mcq") else "latex"
    return row.get("answer_format", given)


def percent(values: Sequence[bool]) -> float:
    """Return how many of some values are true, of a hundred."""
    return 100 * sum(values) / max(1, len(values))


def note(name: str, value: float) -> None:
    """Keep a number for its threshold: the worst, where there are several."""
    sign, _ = THRESHOLDS[name]
    worst = min if sign == ">=" else max
    measured[name] = worst(value, measured.get(name, value))


def verdicts(rows: list[Row], peer: MathVerify | None, name: str = "verdicts on pairs, %") -> None:
    """Compare verdicts on pairs with what their sources say."""
    ours: list[bool] = []
    theirs: list[bool] = []
    for row in rows:
        ours.append(equivalent(row["gold"], row["pred"], format_of(row)) == row["equal"])
        if peer:
            said, _ = peer.call("equal", (row["gold"], row["pred"]))
            theirs.append(said is row["equal"])
    note(name, percent(ours))
    equal = [row["equal"] for row in rows]
    for who, right in (("ours", ours), ("Math-Verify", theirs)):
        if right:
            pairs = list(zip(right, equal, strict=True))
            print(f"  {who:<12} all {share(right)}")
            print(f"  {'':<12} equal pairs merged {share([r for r, e in pairs if e])}")
            print(f"  {'':<12} unequal pairs told apart {share([r for r, e in pairs if not e])}")
    for row, right in zip(rows, ours, strict=True):
        if not right:
            print(f"    differs: {row.get('id', row['kind'])} {row['gold']!r} and {row['pred']!r}")


def extractions(rows: list[Row], peer: MathVerify | None) -> None:
    """Compare extractions with what their sources say."""
    for title, wanted in (("mathematics", "latex"), ("choice letters", "choice")):
        chosen = [row for row in rows if format_of(row) == wanted]
        ours: list[bool] = []
        theirs: list[bool] = []
        for row in chosen:
            found = extract_answer(row["text"], format_of(row), row.get("options"))
            gold = row["answer"] or None
            agrees = found is None if gold is None else False
            if gold is not None and found is not None:
                agrees = equivalent(gold, found, format_of(row))
            ours.append(agrees == row["match"])
            if not ours[-1]:
                print(f"    differs: {row['id']} wanted {gold!r}, found {found!r}")
            if peer and wanted == "latex":
                said, _ = peer.call("extract", (row["text"], gold))
                theirs.append((said is (gold is not None)) == row["match"])
        note(f"extractions of {title}, %", percent(ours))
        print(f"  {title:<15} ours {share(ours)}")
        if theirs:
            print(f"  {'':<15} Math-Verify {share(theirs)}")


def reports(folder: Path, peer: MathVerify | None) -> None:
    """Read what failed in public bug reports of other graders."""
    verdicts(rows_of(folder / "reports_equal_dev.jsonl"), peer, "verdicts on reported pairs, %")
    ours = []
    for row in rows_of(folder / "reports_extract_dev.jsonl"):
        wanted, answer_format = row["answer"], format_of(row)
        found = extract_answer(row["text"], answer_format, row.get("options"))
        if wanted is None or found is None:
            ours.append(wanted == found)
        else:
            ours.append(equivalent(wanted, found, answer_format))
        if not ours[-1]:
            print(f"    differs: {row['kind']} {row['text'][-60:]!r}: {wanted!r}, found {found!r}")
    note("extractions of reported texts, %", percent(ours))
    print(f"  {'texts':<12} all {share(ours)}")


def rewritings(label: str) -> list[str]:
    """Return the label in other harmless spellings: same characters of meaning, other dress."""
    ways = [
        f" {label} ",
        f"${label}$",
        f"$${label}$$",
        f"\\({label}\\)",
        f"\\[{label}\\]",
        f"{label}.",
        f"${label}$.",
        f"\\boxed{{{label}}}",
        f"$\\boxed{{{label}}}$",
        label.replace("\\frac", "\\dfrac"),
        label.replace("\\dfrac", "\\frac").replace("\\frac", "\\tfrac"),
        label.replace("(", "\\left(").replace(")", "\\right)")
        if "\\left" not in label and label.count("(") == label.count(")") and "text" not in label
        else label,
        label.replace("^\\circ", "^{\\circ}"),
        re.sub(r",\\!\s*", "{,}", label),
        label.replace(", ", ","),
        label.replace(" + ", "+").replace(" - ", "-"),
        label.replace("+", " + "),
        label.replace("\\text{", "\\mbox{"),
        label.replace("-", "\N{MINUS SIGN}"),
    ]
    return list(dict.fromkeys(ways))


def labels(folder: Path, peer: MathVerify | None) -> None:
    """Check that every label equals its harmless rewritings and is read as mathematics."""
    answers: list[str] = []
    for name in QUESTIONS:
        rows = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        answers += [str(row["answer"]) for row in rows]
    selves, exact, tried = [], [], 0
    for label in answers:
        ways = rewritings(label)
        tried += len(ways)
        selves.append(all(equivalent(label, way) for way in ways))
        if not selves[-1]:
            print(f"    splits: {[way for way in ways if not equivalent(label, way)][:2]}")
        exact.append(read(label, "latex").kind != "text")
    print(f"  ours         equal to all of {tried} rewritings: {share(selves)} of the labels")
    print(f"  {'':<12} exact keys: {share(exact)}")
    if peer:
        said = [peer.call("equal", (label, label))[0] is True for label in answers]
        print(f"  Math-Verify  equal to themselves: {share(said)}")


def group_of(kind: str, rng: random.Random) -> tuple[list[str], list[int]]:
    """Return 64 answers of eight values in six spellings each, and their values."""
    makers: dict[str, Callable[[int], list[str]]] = {
        "integers": lambda v: _integers(1234 + 7 * v),
        "fractions": lambda v: _fractions(2 * v + 3, 7),
        "surds": lambda v: _surds(v + 2),
        "polynomials": lambda v: _polynomials(v + 1),
        "tuples": lambda v: _tuples(v + 1),
    }
    values = [min(int(rng.expovariate(0.4)), 7) for _ in range(64)]
    values[:8] = range(8)
    rng.shuffle(values)
    return [rng.choice(makers[kind](value)) for value in values], values


def _integers(n: int) -> list[str]:
    return [
        f"{n}",
        f"{n}.0",
        f"{n:,}",
        f"{n // 1000}{{,}}{n % 1000:03d}",
        f"x={n}",
        f"\\text{{{n}}}",
    ]


def _fractions(n: int, d: int) -> list[str]:
    return [
        *(f"\\frac{{{n}}}{{{d}}}", f"{n}/{d}", f"\\dfrac{{{2 * n}}}{{{2 * d}}}"),
        *(f"\\frac{n}{d}" if n < 10 else f"{n}/{d}", f"\\left({n}/{d}\\right)"),
        f"{n} \\div {d}",
    ]


def _surds(n: int) -> list[str]:
    return [
        *(f"\\sqrt{{{12 * n * n}}}", f"{2 * n}\\sqrt{{3}}", f"{2 * n}*sqrt(3)", f"{2 * n}\\sqrt3"),
        *(f"\\frac{{{6 * n}}}{{\\sqrt{{3}}}}", f"{n}\\cdot 12^{{1/2}}"),
    ]


def _polynomials(n: int) -> list[str]:
    return [
        *(f"(x+{n})^2", f"x^2+{2 * n}x+{n * n}", f"{n * n} + {2 * n}x + x^2"),
        *(f"x**2 + {2 * n}*x + {n * n}", f"(x+{n})(x+{n})", f"x(x+{2 * n})+{n * n}"),
    ]


def _tuples(n: int) -> list[str]:
    return [
        *(f"({n},\\frac{{\\pi}}{{3}})", f"\\left({n},\\frac\\pi3\\right)", f"({n}, \\pi/3)"),
        *(
            f"( {n} , \\frac{{1}}{{3}}\\pi )",
            f"({n}.0,\\frac{{2\\pi}}{{6}})",
            f"(r,t)=({n},\\pi/3)",
        ),
    ]


def same_partition(found: Sequence[int], values: Sequence[int]) -> bool:
    """Whether two numberings put the same things together."""
    return len(set(zip(found, values, strict=True))) == len(set(found)) == len(set(values))


def partitions(peer: MathVerify | None) -> None:
    """Group 64 answers of eight values."""
    for kind in SETS:
        texts, values = group_of(kind, random.Random(kind))
        boxed = [f"\\boxed{{{text}}}" for text in texts]
        forget()
        start = time.thread_time()
        groups = group_answers(boxed)
        spent = time.thread_time() - start
        right = same_partition(groups.classes.tolist(), values)
        line = f"  {kind:<12} ours {'exact' if right else 'WRONG'} {1e3 * spent:6.2f} ms"
        if peer:
            found, their_time = peer.call("group", texts)
            verdict = "killed" if found is None else "exact"
            if found is not None and not same_partition(found, values):
                verdict = f"wrong ({max(found) + 1} groups)"
            line += f"   Math-Verify {verdict} {1e3 * their_time:8.1f} ms"
        print(line)


def speed(rows: list[Row], peer: MathVerify | None) -> None:
    """Time keys and pairs on this one core."""
    best = math.inf
    for _ in range(7):
        forget()
        start = time.thread_time()
        for row in rows:
            equivalent(row["gold"], row["pred"])
        best = min(best, time.thread_time() - start)
    note("pairs a second, nothing remembered", len(rows) / best)
    print(f"  ours         {len(rows) / best:10,.0f} pairs/s, nothing remembered at the start")
    start = time.thread_time()
    for row in rows:
        equivalent(row["gold"], row["pred"])
    print(f"  {'':<12} {len(rows) / (time.thread_time() - start):10,.0f} pairs/s, all seen before")
    for name, make in (("integers", "{0}"), ("fractions", "\\frac{{{0}}}{{7}}")):
        texts = [make.format(number) for number in range(5000)]
        best = math.inf
        for _ in range(5):
            forget()
            start = time.thread_time()
            for text in texts:
                answer_key(text)
            best = min(best, time.thread_time() - start)
        note(f"us a key of {name}", 1e6 * best / len(texts))
        print(f"  {'':<12} {1e6 * best / len(texts):10.2f} us a key of {name}")
    for size in (100_000, 1_000_000):
        text = "We see that $x = 3$ and so on. " * (size // 31) + "The answer is \\boxed{42}."
        best = min(_seconds(lambda text=text: extract_answer(text)) for _ in range(5))
        print(f"  {'':<12} {1e3 * best:10.3f} ms to extract from {size:,} characters")
    if peer:
        times = [peer.call("equal", (row["gold"], row["pred"]))[1] for row in rows]
        print(f"  Math-Verify  {len(rows) / sum(times):10,.0f} pairs/s")


def _seconds(call: Callable[[], object]) -> float:
    start = time.thread_time()
    call()
    return time.thread_time() - start


def hostile(rows: list[Row], peer: MathVerify | None) -> None:
    """Answer hostile rows, in the main thread and in a worker thread."""
    texts = [row.get("text") or "".join(s * n for s, n in row.get("parts", [])) for row in rows]
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for place in ("main thread", "worker thread"):
            times: list[float] = []
            wrong: list[str] = []

            def run(times: list[float] = times, wrong: list[str] = wrong) -> None:
                for row, text in zip(rows, texts, strict=True):
                    forget()
                    start = time.thread_time()
                    found = extract_answer(text) if row["role"] == "response" else text
                    said = found is not None and equivalent(row["gold"], found)
                    times.append(time.thread_time() - start)
                    if row["expect"] is not None and said != row["expect"]:
                        wrong.append(row["id"])

            size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            if place == "main thread":
                run()
            else:
                worker = threading.Thread(target=run)
                worker.start()
                worker.join()
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - size) / 1024
            note("hostile rows over 50 ms", sum(spent > 0.05 for spent in times))
            note("hostile rows wrong", len(wrong))
            executed = len(list(Path(folder).iterdir()))
            print(
                f"  ours, {place}: {len(times)} rows, slowest {1e3 * max(times):.1f} ms, "
                f"{sum(t > 0.05 for t in times)} over 50 ms, {grown:.0f} MB more, "
                f"{executed} executed, {len(wrong)} wrong {wrong or ''}"
            )
        if peer:
            slow, bad, start_killed = 0, 0, peer.killed
            for row, text in zip(rows, texts, strict=True):
                task = ("extract", (text, row["gold"]))
                if row["role"] == "answer":
                    task = ("equal", (row["gold"], text))
                said, spent = peer.call(*task)
                slow += spent > 1
                bad += said is not None and row["expect"] is not None and said != row["expect"]
            print(
                f"  Math-Verify with its own timeouts, main thread: {slow} over 1 s, "
                f"{peer.killed - start_killed} killed at 10 s, {bad} wrong"
            )
        os.chdir(before)


def same_keys(folder: Path) -> list[tuple[str, str]]:
    """Return pairs of answers that share a key: each with the first of its key."""
    answers: dict[str, None] = {}
    for name in ("answers_equal_dev", "reports_equal_dev"):
        for row in rows_of(folder / f"{name}.jsonl"):
            if format_of(row) == "latex":
                answers |= {row["gold"]: None, row["pred"]: None}
    for name in QUESTIONS:
        rows = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        answers |= {str(row["answer"]): None for row in rows}
    first: dict[str, str] = {}
    pairs = []
    for answer in answers:
        reading = read(answer, "latex")
        if reading.kind != "text" and first.setdefault(reading.key, answer) != answer:
            pairs.append((first[reading.key], answer))
    return pairs


def proofs(folder: Path) -> None:
    """Ask SymPy about every two answers that share a key."""
    said: dict[str, int] = {"proved": 0, "refuted": 0, "unknown": 0}
    pairs = same_keys(folder)
    with Prover(timeout=20) as prover:
        for a, b in pairs:
            proof = prover.prove(a, b)
            said[proof.verdict] += 1
            if proof.verdict == "refuted":
                print(f"    refuted: {a!r} and {b!r}: {proof.detail}")
    note("pairs with one key that SymPy refutes", said["refuted"])
    counts = ", ".join(f"{count} {name}" for name, count in said.items())
    print(f"  {len(pairs)} pairs: {counts} (sets, intervals and the like have no expression)")


def lines_of_code() -> None:
    """Count the lines of `ttrl_env/answers`."""
    folder = Path(__file__).parents[2] / "ttrl_env" / "answers"
    files = sorted(folder.rglob("*.py"))
    sizes = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    largest = max(files, key=sizes.__getitem__)
    print(
        f"  {sum(sizes.values()):,} lines in {len(files)} files; "
        f"the largest is {largest.relative_to(folder)} with {sizes[largest]}"
    )


def thresholds() -> int:
    """Print which thresholds hold, and return how many do not."""
    missed = 0
    for name, (sign, limit) in THRESHOLDS.items():
        value = measured[name]
        holds = value >= limit if sign == ">=" else value <= limit
        missed += not holds
        print(f"  {'holds ' if holds else 'MISSED'} {name} {value:,.2f}, wanted {sign} {limit:,g}")
    return missed


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description="Measure ttrl_env.answers.")
    parser.add_argument("--data", help="the folder of the rows; default TTRL_DATA_DIR")
    parser.add_argument("--quick", action="store_true", help="no Math-Verify on hostile answers")
    parser.add_argument("--alone", action="store_true", help="no Math-Verify at all")
    options = parser.parse_args()
    folder = data_folder(options.data)
    peer = MathVerify() if installed() and not options.alone else None
    if peer is None:
        print("Math-Verify is not run" + ("" if options.alone else ": it is not installed"))
    equal = rows_of(folder / "answers_equal_dev.jsonl")
    group_answers([r"\boxed{\sqrt{2}}"])
    print("Verdicts on the pairs that count")
    verdicts(counted(equal), peer)
    print("Extraction on the rows that count")
    extractions(counted(rows_of(folder / "answers_extract_dev.jsonl")), peer)
    print("What failed in public bug reports")
    reports(folder, peer)
    print("Labels of the benchmarks")
    labels(folder, peer)
    print("Groups of 64 answers, eight values in six spellings")
    partitions(peer)
    print("Speed, one core, all pairs")
    speed(equal, peer)
    print("Hostile answers")
    hostile(rows_of(folder / "answers_hostile_dev.jsonl"), None if options.quick else peer)
    print("SymPy on the answers that share a key")
    proofs(folder)
    print("Size of ttrl_env/answers")
    lines_of_code()
    print("Thresholds")
    sys.exit(thresholds())


if __name__ == "__main__":
    main()
