r"""Look for an answer that breaks `ttrl_env.answers`, for as long as it is given.

    python benchmarks/speed/fuzz_answers.py --minutes 60 --seed 0

Nine generators take turns. Soups (random characters, random tokens, completions, damaged
formulas) check that every function returns, in bounded time, with a small key. Spellings
(rationals, polynomials, surds, lists, expressions) write one value in two ways and another value
nearby, and check that the keys say so; the values are built, not parsed, so the check does not
depend on what is checked. Every failure is printed with its input; the exit status is their
number.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from ttrl_env.answers import ANSWER_FORMATS, AnswerFormat, answer_key, equivalent, extract_answer
from ttrl_env.answers.keys import forget

SLOW = 0.05
SHOWN = 12
TOKENS = (
    r"\frac \dfrac \sqrt \sqrt[3] \left \right \{ \} { } ( ) [ ] | ^ _ ! ' , ; : = < > \le \ge "
    r"\ne \in \cup \cap \setminus + - * / \pm \cdot \times \div \mod \pi \infty e i x y n a b C 0 "
    r"1 2 3 10 1.5 .25 1e5 123456789 \sin \cos^2 \ln \log_2 \exp \gcd \binom \lfloor \rfloor "
    r"\lceil \rceil \begin{pmatrix} \end{pmatrix} \begin{cases} \end{cases} & \\ \text{and} "
    r"\text{cm} \boxed{ $ \% ^\circ \overline{3} \int \sum \prod \lim dx sqrt pi and or cm "
    r"percent ... \ldots \mathbb{R} \mathrm{e} \operatorname{asin} f g'(x) 99999 \choose \over # "
    r"@ \ ~ \, ² ½ √ π ∞ ≤ − × \mid \{x| \in\mathbb{R} \text{(B)} mod (mod P(X= ^T \begin{aligned} "
    r"\end{aligned} \operatorname{cis} \cr \boldsymbol{ \text{$x$} ^{th} p(x)= \ne1, >1, about <2"
)
PHRASES = (
    r"the answer is|\boxed{|}|<think>|</think>|Answer:|#### |Therefore |. |$|\n|**|(B)|A or B|"
    r"option C|option A is wrong.|so B|only D |only |wait, |solutions are |"
    r"which is |答案：|I hope it is correct.|\[|\]|= |is |42|x=1|\frac{1}{2}|<eos>"
)
Triple = tuple[str, str, str]


class LawError(AssertionError):
    """An input that breaks a law."""


def timed(call: Callable[[], object]) -> object:
    """Return what a call returns; it may be slow once, as any process may, but not three times."""
    spent = []
    for _ in range(3):
        forget()
        start = time.thread_time()
        value = call()
        spent.append(time.thread_time() - start)
        if spent[-1] <= SLOW:
            return value
    raise LawError(f"slow: {min(spent):.3f} s")


def key_of(text: str, answer_format: AnswerFormat = "latex") -> str:
    """Return the key of a text, within the time and the size that are promised."""
    key = timed(lambda: answer_key(text, answer_format))
    if not isinstance(key, str) or len(key) > 160:
        raise LawError(f"key: {key!r}")
    return key


def characters(rng: random.Random) -> str:
    """Return random characters of all planes, sometimes a great many of one kind."""
    if rng.random() < 0.05:
        return rng.choice(TOKENS.split(" ")) * rng.choice([10, 1000, 100_000])
    top = rng.choice([0x7F, 0x7F, 0x3FF, 0x2FFF, 0xFFFF, 0x10FFFF])
    return "".join(chr(rng.randint(0, top)) for _ in range(rng.randint(0, 60)))


def soup(rng: random.Random) -> str:
    """Return random tokens."""
    size = rng.randint(1, rng.choice([4, 8, 20, 60, 400]))
    return rng.choice(["", " "]).join(rng.choices(TOKENS.split(" "), k=size))


def completion(rng: random.Random) -> str:
    """Return random phrases and tokens."""
    size = rng.randint(1, rng.choice([5, 20, 200]))
    return "".join(
        rng.choice(PHRASES.split("|"))
        if rng.random() < 0.6
        else rng.choice(TOKENS.split(" ")) + " "
        for _ in range(size)
    )


def damaged(rng: random.Random) -> str:
    """Return a good spelling with a few characters changed."""
    text = list(rng.choice([numbers, polynomials, surds, lists])(rng)[0])
    for _ in range(rng.randint(1, 4)):
        position = rng.randrange(len(text) + 1)
        text[position : position + rng.randint(0, 2)] = rng.choice(
            [rng.choice(TOKENS.split(" ")), ""]
        )
    return "".join(text)


def spell_number(value: Fraction, rng: random.Random) -> str:
    """Write a rational number in one of its spellings."""
    n, d = value.numerator, value.denominator
    sign, size, k = ("-" if n < 0 else ""), abs(n), rng.randint(2, 9)
    ways = [
        f"{sign}\\frac{{{size * k}}}{{{d * k}}}",
        f"{sign}\\dfrac{{{size}}}{{{d}}}",
        f"{n}/{d}",
        f"{sign}({size * k}/{d * k})",
        f"\\left({sign}\\tfrac{{{size}}}{{{d}}}\\right)",
        f"{n - d * k}/{d} + {k}",
        f"\\frac{{{n * k}}}{{{k}}}\\cdot\\frac1{{{d}}}",
        f"{n} \\times {d}^{{-1}}",
    ]
    if d == 1:
        ways += [f"{n}", f"{n}.0", f"{n}."]
    elif size > d:
        ways.append(f"{sign}{size // d}\\frac{{{size % d}}}{{{d}}}")
    if 10**6 % d == 0:
        digits = f"{size * (10**6 // d):07d}"
        ways.append(f"{sign}{digits[:-6]}.{digits[-6:]}".rstrip("0"))
    return rng.choice(ways)


def numbers(rng: random.Random) -> Triple:
    """Return two spellings of a rational number and one of another."""
    value = Fraction(rng.randint(-2000, 2000), rng.choice([1, 1, 2, 3, 7, 8, 10, 25, 97]))
    other = value + Fraction(rng.choice([-1, 1]), rng.choice([1, 2, 9, 1000]))
    first, second = (
        rng.choice(["%s", "$%s$", "x = %s", "\\(%s\\)"]) % spell_number(value, rng)
        for _ in range(2)
    )
    return first, second, spell_number(other, rng)


def spell_polynomial(roots: list[int], scale: int, rng: random.Random) -> str:
    """Write `scale * prod(x - root)` as factors or expanded, its terms in any order."""
    if rng.random() < 0.4:
        factors = [f"(x{-root:+d})" if root else "x" for root in roots]
        rng.shuffle(factors)
        return rng.choice(["", "*", r"\cdot "]).join([str(scale), *factors])
    coefficients = [scale]
    for root in roots:
        shifted = zip([*coefficients, 0], [0, *coefficients], strict=True)
        coefficients = [a - root * b for a, b in shifted]
    terms = [(c, len(roots) - i) for i, c in enumerate(coefficients) if c]
    rng.shuffle(terms)
    power, times = rng.choice(["x^{%d}", "x^%d", "x**%d"]), rng.choice(["", "*", " "])
    pieces = [f"{c:+d}" + (f"{times}{power % p}" if p else "") for c, p in terms]
    return "".join(pieces).removeprefix("+")


def polynomials(rng: random.Random) -> Triple:
    """Return two spellings of a polynomial and one of another."""
    roots = [rng.randint(-6, 6) for _ in range(rng.randint(1, 5))]
    scale = rng.choice([1, 2, 3, -1, -4, 1000003])
    other = [*roots[1:], roots[0] + rng.choice([-1, 1])]
    first, second = (spell_polynomial(roots, scale, rng) for _ in range(2))
    return first, second, spell_polynomial(other, scale, rng)


def spell_surd(a: int, b: Fraction, n: int, rng: random.Random) -> str:
    """Write a + b sqrt(n), b > 0, in one of its spellings."""
    k = rng.randint(1, 5)
    ways = [
        f"{a}+\\frac{{{b.numerator}}}{{{b.denominator}}}\\sqrt{{{n}}}",
        f"\\frac{{{b.numerator}\\sqrt{{{n}}}}}{{{b.denominator}}}+{a}",
        f"{a}+\\sqrt{{{b * b * n}}}",
        f"{a}+{b.numerator}*sqrt({n * k * k})/{b.denominator * k}",
        f"\\frac{{{a * b.denominator}+{b.numerator}\\sqrt{{{n}}}}}{{{b.denominator}}}",
        f"({b * n})/\\sqrt{{{n}}} - ({-a})",
        f"\\frac{{{a}*{n}+{b.numerator}*{n}*\\sqrt {n}/{b.denominator}}}{{{n}}}",
    ]
    return rng.choice(ways)


def surds(rng: random.Random) -> Triple:
    """Return two spellings of a surd and one of another."""
    n = rng.choice([2, 3, 5, 6, 7, 10, 26, 101])
    a, b = rng.randint(-9, 9), Fraction(rng.randint(1, 9), rng.randint(1, 9))
    first, second = (spell_surd(a, b, n, rng) for _ in range(2))
    return first, second, spell_surd(a, b + Fraction(1, rng.choice([1, 7, 90])), n, rng)


def lists(rng: random.Random) -> Triple:
    """Return two spellings of a set, a point or an interval, and one of another."""
    values = [Fraction(v, 4) for v in rng.sample(range(-40, 40), rng.randint(2, 4))]
    changed = [values[0] + Fraction(81, 4), *values[1:]]
    kind = rng.choice(["set", "point", "interval"])
    wraps = {
        "set": ["\\{%s\\}", "%s", "\\left\\{%s\\right\\}"],
        "point": ["(%s)", "\\left(%s\\right)", "(x,y,z)=(%s)"],
        "interval": ["[%s)", "\\left[%s\\right)", "x\\in[%s)"],
    }[kind]
    spellings = []
    for row in (values, list(values), changed):
        row = row[:2] if kind == "interval" else row
        if kind == "set":
            rng.shuffle(row)
        joined = rng.choice([", ", ",\\ ", " ,"]).join(spell_number(v, rng) for v in row)
        spellings.append(rng.choice(wraps) % joined)
    return spellings[0], spellings[1], spellings[2]


Tree = tuple[object, ...]


def grow(rng: random.Random, depth: int) -> Tree:
    """Return a random expression in x and y."""
    if depth == 0 or rng.random() < 0.15:
        return ("leaf", rng.choice(["x", "y", *map(str, range(1, 10))]))
    kind = rng.choice(["+", "-", "*", "*", "/", "square", "sqrt", "sin"])
    if kind in {"square", "sqrt", "sin"}:
        return (kind, grow(rng, depth - 1))
    return (kind, grow(rng, depth - 1), grow(rng, depth - 1))


def value_of(tree: Tree, x: float, y: float) -> float:
    """Return the value of an expression, with the floats of the standard library."""
    kind, *parts = tree
    if kind == "leaf":
        return {"x": x, "y": y}.get(str(parts[0])) or float(str(parts[0]))
    a, *rest = (value_of(part, x, y) for part in parts)  # type: ignore[arg-type]
    if not rest:
        return {"square": a * a, "sqrt": math.sqrt(a * a + 1), "sin": math.sin(a)}[str(kind)]
    (b,) = rest
    return a + b if kind == "+" else a - b if kind == "-" else a * b if kind == "*" else a / b


def spell(tree: Tree, rng: random.Random) -> str:
    """Write an expression in one of its spellings; what is returned can be a factor."""
    kind, *parts = tree
    if kind == "leaf":
        return str(parts[0])
    a, *rest = (spell(part, rng) for part in parts)  # type: ignore[arg-type]
    if kind == "square":
        return rng.choice([f"({a})^2", f"({a})({a})", f"({a})^{{2}}", f"({a})**2", f"({a}*{a})"])
    if kind == "sqrt":
        inside = rng.choice([f"({a})^2+1", f"1+({a})^{{2}}"])
        return rng.choice([f"\\sqrt{{{inside}}}", f"sqrt({inside})", f"({inside})^{{1/2}}"])
    if kind == "sin":
        return rng.choice([f"\\sin({a})", f"sin({a})", f"\\sin\\left({a}\\right)"])
    b = rest[0]
    if kind == "+":
        return rng.choice(
            [f"({a}+{b})", f"({b}+{a})", f"\\left({a} + {b}\\right)", f"(-(-({a})-{b}))"]
        )
    if kind == "-":
        return rng.choice([f"({a}-{b})", f"(-{b}+{a})", f"(-({b}-{a}))"])
    if kind == "*":
        return rng.choice([f"({a}*{b})", f"({b})({a})", f"({a}\\cdot {b})", f"({b} \\times {a})"])
    return rng.choice([f"\\frac{{{a}}}{{{b}}}", f"(({a})/({b}))", f"(({a})({b})^{{-1}})"])


def changed(tree: Tree, rng: random.Random) -> Tree:
    """Return an expression with one of its leaves changed."""
    kind, *parts = tree
    if kind == "leaf":
        return ("leaf", rng.choice([each for each in "xy123456789" if each != parts[0]]))
    place = rng.randrange(len(parts))
    parts[place] = changed(parts[place], rng)  # type: ignore[arg-type]
    return (kind, *parts)


def expressions(rng: random.Random) -> Triple:
    """Return two spellings of an expression and one of another."""
    while True:
        tree = grow(rng, rng.randint(1, 4))
        other = changed(tree, rng)
        try:
            near = [
                math.isclose(value_of(tree, x, y), value_of(other, x, y), rel_tol=1e-6)
                for x, y in ((0.6180339, 0.4142135), (1.2345678, 1.7320508), (-1.7, -1.3))
            ]
        except (ZeroDivisionError, OverflowError):
            continue
        if not any(near):
            return spell(tree, rng), spell(tree, rng), spell(other, rng)


def check_soup(text: str) -> None:
    """Check that a text of any kind is answered, and the same way every time."""
    for answer_format in ANSWER_FORMATS:
        if key_of(text, answer_format) != key_of(text, answer_format):
            raise LawError("a key that changes")
    plain = text.isascii() and text.isprintable() and "\\" not in text
    if plain and not equivalent(text, f"  {text} "):
        raise LawError("the spaces around it count")
    for answer_format in ANSWER_FORMATS:
        answer = timed(partial(extract_answer, text, answer_format))
        if answer is not None and not str(answer).strip():
            raise LawError(f"extracted {answer!r}")


def check_spellings(triple: Triple) -> None:
    """Check that the first two are equal and the third is not."""
    first, second, third = (key_of(text) for text in triple)
    if first != second:
        raise LawError(f"split: {first} and {second}")
    if first == third:
        raise LawError(f"merged: {first}")


def main() -> int:
    """Fuzz for the time given and return the exit status."""
    parser = argparse.ArgumentParser(description="Fuzz ttrl_env.answers.")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    soups = [characters, soup, completion, damaged]
    triples = [numbers, polynomials, surds, lists, expressions]
    end = time.monotonic() + 60 * options.minutes
    tried: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    answer_key(r"\sin(x)+\sqrt{2}")  # the first use imports the arithmetic
    for number in itertools.count():
        if time.monotonic() > end:
            break
        rng = random.Random(f"{options.seed}/{number}")
        turn = number % 9
        name = (soups[turn] if turn < 4 else triples[turn - 4]).__name__
        case: str | Triple = ""
        try:
            if turn < 4:
                case = soups[turn](rng)
                check_soup(case)
            else:
                case = triples[turn - 4](rng)
                check_spellings(case)
        except KeyboardInterrupt:
            break
        except Exception as error:  # noqa: BLE001 - whatever is raised is what is looked for
            kind = f"{name}: {type(error).__name__}: {str(error).split(':')[0]}"
            failures[kind] += 1
            if failures[kind] <= SHOWN:
                shown = ascii(case)[:600]
                print(f"case {number}, {kind}: {error}\n    {shown}", flush=True)
        tried[name] += 1
    total = sum(tried.values())
    print(f"{total} cases: {dict(tried)}; {sum(failures.values())} failures: {dict(failures)}")
    return min(sum(failures.values()), 99)


if __name__ == "__main__":
    raise SystemExit(main())
