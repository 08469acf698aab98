r"""Equal keys, and nothing else, make two answers equal."""

from __future__ import annotations

import pickle
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_env.answers import ANSWER_FORMATS, answer_key, equivalent
from ttrl_env.answers.formula.parser import parse
from ttrl_env.answers.key.canonical import canonical_key
from ttrl_env.answers.keys import read

# Each line is one value in several spellings; all of the first column's values differ.
SAME = r"""
-50 | = -50 | \mathbf{-50} | \large -50 | \color{red}{-50} | "-50" | `-50` | \displaystyle{-50}
-51 | \begin{equation*}-51\end{equation*} | \begin{align*}-51\end{align*}
1234 | 1{,}234 | 1\,234 | 1\;234 | 1 234 | 1,234 | 1{,}234.0 | 1,\!234 | 1\ 234 | $1,234$ | \$1,234
0.5 | .5 | 1/2 | \frac12 | \frac{1}{2} | \dfrac 12 | 2^{-1} | ½ | 5\cdot10^{-1} | 5e-1 | 1/2 cup
1.5 | 1\frac12 | 1 1/2 | 3/2 | 1½ | 1 \frac{1}{2} | 1.5\overline{0}
-7/2 | -3\frac12 | -3 1/2 | \frac{-7}{2} | \frac{7}{-2} | −3.5 | -3½
1/3 | 0.\overline{3} | 0.\dot{3} | 0.(3) | 0.333333333333333 | \frac{2}{6}
7/6 | 1.1\overline{6} | 1\frac{1}{6}
2\sqrt{3} | \sqrt{12} | 2*sqrt(3) | 2√3 | 6/\sqrt{3} | \sqrt 12 | 2\cdot 3^{1/2} | 12^{0.5}
\sqrt[3]{2} | 2^{1/3} | ∛2 | cbrt(2) | \sqrt[6]{4} | -\sqrt[3]{-2}
\sqrt{5+2\sqrt{6}} | \sqrt2+\sqrt3 | \sqrt{3} + \sqrt{2}
(\sqrt{5}+1)/2 | \frac{2}{\sqrt5-1} | \frac{1+\sqrt{5}}{2}
\frac{\sqrt{2}}{2} | \frac{1}{\sqrt2} | \sin 45^\circ | \cos\frac{\pi}{4} | 0.7071067811865476
\pi/3 | pi/3 | \frac{\pi}{3} | \frac\pi3 | \frac13\pi | π/3 | 60^\circ \cdot \frac{\pi}{180}
5 | x=5 | x = 5. | $x=5$ | \boxed{5} | 5=x | 2x=10 | f(2)=5 | x \approx 5 | \{5\} | AB = 5
(1,2) | \left(1,2\right) | (1, 2) | (x,y)=(1,2) | \langle 1,2\rangle | x=1, y=2 | y=2, x=1
\{1,2,3\} | 3,2,1 | {1, 2, 3} | 1,2,\text{ and }3 | 1, 2 and 3 | x=1, x=2, x=3 | 1;2;3
(5,6) | \begin{aligned}a&=5\\b&=6\end{aligned} | a=5, b=6
2,3 | x_1=2, x_2=3 | x_1 = 3, x_2 = 2 | x=2,3 | x_{1}=2\text{ and }x_{2}=3
\log_{10} 5 | log10(5) | \lg 5 | \frac{\ln 5}{\ln 10}
3:00\text{ p.m.} | 3:00 PM | 3:00pm | 3 p.m. | 3:00 \text{ PM} | 03:00 P.M.
3:00\text{ a.m.} | 3:00 AM | 3 am
3 \text{ March} | 3 March | 3 march
3 April | 3 \text{ April}
\pm 2 | 2,-2 | \{-2,2\} | x=\pm2 | x=-2, 2 | ±2 | x=2\text{ or }x=-2
1\pm\sqrt{2} | 1+\sqrt2, 1-\sqrt2 | \{1-\sqrt2,1+\sqrt{2}\} | x = 1 \pm \sqrt{2} | 1\mp\sqrt2
[1,2) | \left[1,2\right) | 1\le x<2 | x\in[1,2) | 2>x\ge1 | 1 <= x < 2
(-\infty,2]\cup[3,\infty) | [3,\infty)\cup(-\infty,2] | (−∞, 2]∪[3, ∞) | x\le 2 \text{ or } x\ge 3
(5,\infty) | x>5 | 5<x | x\in(5,\infty) | 2x>10 | (5, infinity) | (5,+\infty) | -x<-5
x^2+2x+1 | (x+1)^2 | 1+2x+x^2 | x**2+2*x+1 | x(x+2)+1 | f(x)=(x+1)(x+1)
x+1 | \frac{x^2-1}{x-1} | (x^2-1)/(x-1) | 1+x
2x+3 | y=2x+3 | f(x)=2x+3 | y - 2x = 3 | y-3=2x | 2x - y + 3 = 0 | 4x-2y=-6
a+b=1 | b+a=1 | 2a+2b=2 | a+b-1=0 | 1=a+b | 1-a-b=0
x^2+y^2=4 | y^2+x^2-4=0 | 2x^2+2y^2=8 | 4 = x^2+y^2
2+3i | 3i+2 | 2+3\mathrm{i} | 2+3I | i(3-2i) | \frac{13}{2-3i}
90 | 90^\circ | 90° | 90\text{ degrees} | 90 degrees | 90^{\circ} | \angle A = 90^\circ
50 | 50\% | 50 percent | 50\text{ percent} | $50\%$ | 50% | 50 pct
15 | 15\text{ cm} | 15 cm | 15\,\mathrm{cm} | 15\mbox{ cm}^2 | 15 km/h | 15 square feet | 15 eggs
(1,2,3) | \begin{pmatrix}1\\2\\3\end{pmatrix} | \left(\begin{array}{c}1\\2\\3\end{array}\right)
\begin{pmatrix}1&2\\3&4\end{pmatrix} | [[1,2],[3,4]] | A=\begin{bmatrix}1 & 2 \\ 3 & 4\end{bmatrix}
\text{Evelyn} | Evelyn | evelyn | \textbf{Evelyn} | Evelyn. | \text{ Evelyn } | {\text{Evelyn}}
\text{(B)} | (B) | B | \text{B} | \textbf{(B)} | \mathrm{B}
320000 | 3.2\times10^5 | 3.2e5 | 3.2×10⁵ | 3.2*10^5 | 3.2E5 | 320{,}000
720 | 6! | 6\times5\times4\times3\times2
10 | \binom{5}{2} | {5 \choose 2} | \dbinom52 | \gcd(20, 30) | \text{lcm}(2,5) | 1010 \bmod 100
204_5 | 204_{5} | 0204_5
1024 | 2^{10} | 2**10 | 2^10 | 32^2 | 4^5
\ln 2 | ln(2) | \log_e 2 | \ln(2) | -\ln\frac12
3 | \log_2 8 | \log_{2}{8} | \frac{\ln 8}{\ln 2} | \lfloor 3.7\rfloor | \lceil 2.1 \rceil | |{-3}|
e^{2x} | (e^x)^2 | exp(2x) | \exp(2x) | e^{x}\cdot e^x
1 | \sin^2 x+\cos^2 x | \sec^2 t - \tan^2 t | \log_7 7 | 0! | -i^2
\sin 2x | 2\sin x\cos x | sin(2*x) | \sin(2x)
\tan x | \frac{\sin x}{\cos x} | \sin x / \cos x
|x+2| | \sqrt{(x+2)^2} | |-x-2| | y=|x+2| | \frac{|2x+4|}{2}
x^2+2 | |x|^2+2 | |x^2+2| | |x|\cdot|x|+2
|xy| | |x||y| | |x|\cdot|-y|
|x| | \sqrt{x^2} | \left|x\right| | abs(x) | \lvert x\rvert
\sqrt{xy} | \sqrt{x}\sqrt{y} | (xy)^{1/2}
\frac{a}{b}+\frac{c}{d} | \frac{ad+bc}{bd}
\frac{n(n+1)}{2} | n(n+1)/2 | \frac{n^2+n}{2} | \binom{n+1}{2}
2:3 | a:b=2:3 | 4:6
\mathbb{R} | (-\infty,\infty) | ℝ | \text{all real numbers} | All real numbers.
\emptyset | \varnothing | \{\} | ∅
41 | \textbf{(B) } 41 | \textbf{(B)}\ 41 | \text{(B)}~41 | (B) 41 | \text{Answer: } 41
\lfloor\frac n2\rfloor | \lfloor n/2\rfloor | \left\lfloor\frac{n}{2}\right\rfloor
\frac x3+1 | \frac{x}{3}+1 | 1+x/3
0.3 | 0.30000000000000004 | 0.1+0.2 | \frac{3}{10}
(1,2,4) | <1,2,4> | \langle 1,2,4\rangle
(1+3t,2+4t) | (1,2)+t(3,4) | \begin{pmatrix}1\\2\end{pmatrix}+t\begin{pmatrix}3\\4\end{pmatrix}
(8,10) | 2(4,5) | (8,9)+(0,1)
x | f(x) = x | P(x)=x | \text{$x$}
\max f = \frac49 | \frac49
(0,\infty) | \mathbb{R}^+ | \mathbb{R}^{+} | \mathbb{R}_{>0} | x>0
[0,\infty) | \mathbb{R}_{\ge 0} | x\ge0
2 and 5 | \text{both }2\text{ and }5 | both 2 and 5
-1.25 | \text{approximately } -1.25 | about -1.25 | \approx -1.25 | \text{exactly }-\frac54
-i | i^{2023} | \frac{1}{i}
41.5 | \boldsymbol{\frac{83}2} | \mathbf{\frac{83}{2}} | \text{$\frac{83}2$} | \underline{41.5}
43 | Answer: 43 | The final answer is $43$. | \text{The answer is }43 | m+n = 40+3 = 43 | 43\text{.}
5/7 | P(X=2) = \frac57 | P(A\mid B) = \frac57 | \cos\theta = \frac57 | \sin A = 5/7
6/7 | \lim_{x\to 0} f(x) = \frac67 | \text{Area of } ABC = \frac67 | \tan\angle ABC = \frac67
2/3 | \frac{2}{3} = 0.667 | x = \frac{2}{3} = 0.67 | P = \frac46 = \frac23 | \frac23 \approx 0.667
44 | 44^{\text{th}} | 44^{th} | 44 \pmod{100} | 44 (mod 100) | 44\ (\text{mod }100) | 144 mod 100
45 | 45 in | 45\text{ min} | 45 sec | 45 eV | m\angle ABC = 45^\circ | 45\text{ K} | 45\text{ sec}
4.5\times10^8 | 4.5 x 10^8 | 4.5x10^8 | 4.5 X 10^8 | 450{,}000{,}000
-3 \bmod 5 | 2 \bmod 5
x^2+3 | p(x) = x^2+3 | q(x)=3+x^2 | \boldsymbol{x^2}+3
(3,-2) | P(3,-2) | P = (3,-2) | (3,-2)^T | \begin{pmatrix}3\\-2\end{pmatrix} | (3,-2)^{\top}
\sqrt[n]{2} | 2^{1/n} | 2^{\frac{1}{n}}
\sum_{k=1}^n k^2 | \sum^n_{k=1} k^2
\sum_{n=1}^{\infty} \frac{1}{n^2} | \sum_{n = 1}^\infty \frac{1}{n^2}
x_1^n | x^n_1
\bar{x}_1 | \overline{x}_1
abc | a b c | c\cdot ba
6\operatorname{cis} 60^\circ | 3+3i\sqrt3 | 6\text{cis }60^\circ | 6e^{i\pi/3}
(-\infty,7) | \{x \mid x<7\} | \{x : x<7\} | \{x \in \mathbb{R} : x < 7\}
[-7,8) | x\ge-7 \text{ and } x<8 | x \geq -7, x < 8 | \{x| -7\le x<8\}
\begin{pmatrix}1&2\\3&5\end{pmatrix} | A^{-1} = \begin{pmatrix}1&2\cr3&5\end{pmatrix}
x\ne6 | x \in \mathbb{R}, x \ne 6 | \mathbb{R} - \{6\} | \{x \mid x\ne6\}
|x|>4 | x<-4, x>4 | (-\infty,-4),(4,\infty) | (-\infty,-4)\bigcup(4,\infty)
x>1, y>2 | y>2, x>1
x\ne 0 | (-\infty,0)\cup(0,\infty) | \mathbb{R}\setminus\{0\}
PARIS | Paris | \text{paris}
sinx | \sin x | sin(x)
x/6 | x/2/3 | \frac{x}{2\cdot3} | 1/2x/3
\text{no solution} | no solution | No solution.
(0,1),(1,0) | (1,0),(0,1) | \{(0,1),(1,0)\} | (0,1)\text{ and }(1,0)
1,2,\ldots,10 | 1, 2, \dots, 10 | 1,2,...,10
1 million | 1{,}000{,}000 | 10^6 | 1000000
10^{10^{10}} | 10^{10000000000} | 10^{10^10}
2025! + 1 | 1 + 2025!
"""
ROWS = [[cell.strip() for cell in line.split(" | ")] for line in SAME.strip().splitlines()]
DIFFERENT = r"""
0.28 | 28
1/3 | 0.333
(1,2) | (2,1)
[1,2] | (1,2)
x | X
\pi | 3.14
\pi | 22/7
10^{-20} | 10^{-30}
\frac{1}{2004!} | \frac{1}{2006!}
204_5 | 204
0.\overline{3} | 0
5-5c | 0
3t | 3
32\cos^2 t | 32
\frac{A}{a} | 1
|x| | x
2x=1 | x=1
x<1 | x\le1
x<1 | x>1
1,2 | 1,2,3
a+b=1 | a+b=2
a+b<1 | a+b>1
\begin{pmatrix}1&2\\3&4\end{pmatrix} | \begin{pmatrix}1&3\\2&4\end{pmatrix}
12:30 | 12:45
\text{east} | \text{seat}
10^{10^{10}} | 10^{10^{11}}
x=1,y=2 | x=2,y=1
10^{15}+\sqrt{2} | 10^{15}+1+\sqrt{2}
x^{20}+10^{15} | x^{20}+10^{15}+1
e^{\pi\sqrt{163}} | 262537412640768744
1\pm\sqrt2 | 1+\sqrt2
f(x) | g(x)
\lfloor x \rfloor | \lceil x\rceil
\lfloor x \rfloor | 0
4 | 4\sqrt{2}
12 | 1,23
\int_0^1 x dx | \int_0^2 x dx
0 | \emptyset
x=0 | x\ne0
\sum_{k=1}^n k | \sum_{k=1}^n k^2
(1,2),(3,4) | (1,3),(2,4)
1/0 | 2/0
1/0 | 0
4 | 4\sqrt(2)
7 = 11a+c | 11a+c
a+3z=0 | 0
\frac{1}{3} = 0.333 | \frac{2}{3} = 0.667
1 = 2 | 3 = 4
-\frac{1}{2} = 0 | -\frac{1}{2}
|x+2| | x+2
|x-3| | 3-x
|xy| | xy
|x+2|/(x+2) | 1
|x+2|=5 | 3
|x+1|>0 | x>-1
\max(x,-10)=3 | 3
f(x) = y | y
(1,2)+t(3,4) | (1,2)+t(3,5)
\mathbb{R}^n | \mathbb{R}^+
0.3000000001 | 0.3
y=|x+2| | y=x+2
19 = 20 | 19
\sum_{n=0}^\infty \frac{1}{n!} | \sum_{n=0}^\infty \frac{1}{n}
\nosuch n! | \nosuch n
x>1, y>2 | y>1, x>2
a>0, b>0 | x>0
x^n_1 | x^{n_2}
\sqrt[n]{2} | \sqrt[m]{2}
\{x \mid x<2\} | \{x \mid x\le2\}
\{x \in \mathbb{Z} : x<2\} | x<2
(1,2),(3,4) | (1,2)\cup(3,4)
(1,\infty),(2,\infty) | (1,\infty)
ab=12 | 12
\sin x = 2\cos x | 2\cos x
\sin x = 1 | \sin x = 0
A^2 = \begin{pmatrix}1&2\\3&4\end{pmatrix} | \begin{pmatrix}1&2\\3&4\end{pmatrix}
\text{(A)} \text{ and } \text{(C)} | \text{(C)}
\text{(B)}, \text{(C)} | \text{(C)}
(A)x | x
t(1,2,3) | (1,2,3)
3x10^8 | 3x
5\sec x | 5
P(X=2) | P(X=3)
(1,2)^2 | (1,2)
\phantom{0}5 | 0
\mathbb{R}-\{3\} | \mathbb{R}-\{4\}
"""
PAIRS = [[cell.strip() for cell in line.split(" | ")] for line in DIFFERENT.strip().splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_one_value_has_one_key_in_every_spelling(row: list[str]) -> None:
    keys = {spelling: answer_key(spelling) for spelling in row}
    assert set(keys.values()) == {keys[row[0]]}, keys


def test_the_values_of_the_table_all_differ() -> None:
    keys = [answer_key(row[0]) for row in ROWS]
    assert len(set(keys)) == len(ROWS)


@pytest.mark.parametrize("pair", PAIRS, ids=[" and ".join(pair) for pair in PAIRS])
def test_different_values_have_different_keys(pair: list[str]) -> None:
    assert not equivalent(*pair), answer_key(pair[0])


@pytest.mark.parametrize(
    ("answer", "answer_format", "key"),
    [
        ("025", "integer", "25"),
        ("25.0", "integer", "25"),
        ("+7", "integer", "7"),
        ("m + n = 113", "integer", "113"),
        (r"$\boxed{m + n = 025}$.", "integer", "25"),
        (r"\frac{6}{4}", "latex", "3/2"),
        ("(c)", "choice", "C"),
        (r"\text{C}", "choice", "C"),
        ("C) 300", "choice", "C"),
        ("Paris", "choice", "text:paris"),
        (" The  Midpoint. ", "text", "text:the midpoint"),
        ("1/2", "text", "text:1/2"),
    ],
)
def test_keys_are_readable(answer: str, answer_format: str, key: str) -> None:
    assert answer_key(answer, answer_format) == key


def test_an_unknown_format_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'integer', 'latex', 'choice', 'text'; got 'math'"):
        answer_key("1", "math")  # type: ignore[arg-type]


@pytest.mark.parametrize("answer_format", ANSWER_FORMATS)
@settings(deadline=None)
@given(text=st.text(max_size=80))
def test_any_text_has_a_small_key(text: str, answer_format: str) -> None:
    key = answer_key(text, answer_format)
    assert isinstance(key, str)
    assert len(key) <= 160
    assert pickle.loads(pickle.dumps(key)) == key  # noqa: S301 - ours


TOKENS = (
    r"\frac \sqrt { } ( ) [ ] \{ \} | ^ _ ! , ; = < \le \in \cup + - * / \pm \times \pi \infty"
    r" e i x y 0 1 2 10 1.5 \sin \ln \gcd \binom \lfloor \rfloor \text{and}"
    r" \begin{pmatrix} & \\ % ^\circ"
    r" \end{pmatrix} \int \sum or cm \overline{3} \mathbb{R} \setminus : \log_2 ... \ne \approx"
)


@settings(max_examples=300, deadline=None)
@given(
    tokens=st.lists(st.sampled_from(TOKENS.split()), max_size=40), glue=st.sampled_from(["", " "])
)
def test_any_soup_of_tokens_has_a_key(tokens: list[str], glue: str) -> None:
    text = glue.join(tokens)
    assert answer_key(text) == read(text, "latex").key


NUMBERS = st.builds(Fraction, st.integers(-300, 300), st.integers(1, 60))


@st.composite
def spelled(draw: st.DrawFn) -> tuple[Fraction, str]:
    """A rational number and one of its spellings."""
    value, k = draw(NUMBERS), draw(st.integers(1, 9))
    n, d = value.numerator, value.denominator
    ways = [
        f"\\frac{{{n * k}}}{{{d * k}}}",
        f"{n * k}/{d * k}",
        f"({n}) \\div {d}",
        f"\\left(\\dfrac{{{n}}}{{{d}}}\\right)",
        f"{n - d * k}/{d} + {k}",
        f"x = {n}/{d}",
    ]
    if 1000 % d == 0:
        ways.append(str(float(value)))
    return value, draw(st.sampled_from(ways))


@settings(deadline=None)
@given(spelled(), spelled(), spelled())
def test_equality_is_an_equivalence_that_follows_the_values(
    a: tuple[Fraction, str], b: tuple[Fraction, str], c: tuple[Fraction, str]
) -> None:
    assert equivalent(a[1], a[1])
    assert equivalent(a[1], b[1]) == equivalent(b[1], a[1]) == (a[0] == b[0])
    if equivalent(a[1], b[1]) and equivalent(b[1], c[1]):
        assert equivalent(a[1], c[1])


def expanded(roots: list[int], lead: int) -> list[int]:
    """The coefficients of lead * prod(x - root), the highest first."""
    coefficients = [lead]
    for root in roots:
        shifted = zip([*coefficients, 0], [0, *coefficients], strict=True)
        coefficients = [a - root * b for a, b in shifted]
    return coefficients


@settings(deadline=None)
@given(
    roots=st.lists(st.integers(-9, 9), min_size=1, max_size=5),
    lead=st.sampled_from([1, 2, -3, 10]),
    order=st.randoms(use_true_random=False),
    change=st.integers(1, 3),
)
def test_polynomials_are_equal_when_their_coefficients_are(
    roots: list[int], lead: int, order: object, change: int
) -> None:
    coefficients = expanded(roots, lead)
    terms = [f"{c:+d}x^{{{len(roots) - i}}}" for i, c in enumerate(coefficients)]
    order.shuffle(terms)  # type: ignore[attr-defined]
    factored = str(lead) + "".join(f"(x{-root:+d})" if root else "x" for root in roots)
    other = expanded([roots[0] + change, *roots[1:]], lead)
    wrong = "".join(f"{c:+d}x^{{{len(roots) - i}}}" for i, c in enumerate(other))
    assert equivalent("".join(terms), factored)
    assert not equivalent(wrong, factored)


@settings(deadline=None)
@given(a=st.integers(-9, 9), b=st.integers(1, 9), n=st.integers(2, 99), k=st.integers(2, 9))
def test_surds_are_equal_when_their_squares_say_so(a: int, b: int, n: int, k: int) -> None:
    text = f"{a}+{b}\\sqrt{{{n}}}"
    assert equivalent(text, f"{a}+\\sqrt{{{b * b * n}}}")
    assert equivalent(text, f"{a}+\\frac{{{b}\\sqrt{{{n * k * k}}}}}{{{k}}}")
    assert equivalent(text, f"\\frac{{{b * n}}}{{\\sqrt{{{n}}}}} - ({-a})")
    assert not equivalent(text, f"{a}+\\sqrt{{{b * b * n + 1}}}")


def test_keys_are_the_same_in_every_process() -> None:
    answers = [r"\sqrt{2}+x", r"\{a,b,c\}", "no such thing", r"\sum_{k=1}^n k", r"y=2x+f(1)"]
    code = f"from ttrl_env.answers import answer_key; print([answer_key(a) for a in {answers!r}])"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1", "2")
    }
    assert printed == {repr([answer_key(answer) for answer in answers])}


NUMERALS = st.from_regex(r"-?\d{1,25}(\.\d{0,25})?|-?\.\d{1,25}", fullmatch=True)
FRACTIONS = st.builds(
    lambda form, top, bottom: form.format(top, bottom),
    st.sampled_from([r"\frac{{{}}}{{{}}}", r"-\dfrac {{ {} }}{{{}}}", "{}/{}", "- {} / {}"]),
    st.integers(0, 10**12),
    st.integers(1, 10**12),
)


@given(st.one_of(NUMERALS, FRACTIONS))
def test_numbers_read_without_the_parser_get_the_key_that_it_gives(text: str) -> None:
    assert read(text, "latex").key == canonical_key(parse(text.rstrip(".")))
