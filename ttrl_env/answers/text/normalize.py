r"""One spelling for what is written in several: Unicode mathematics, digits, wrappers.

- `to_ascii`: Unicode mathematics as LaTeX, every script's digits as 0-9, no invisible marks.
- `trim`: the same text without math delimiters, end-of-text marks and final punctuation.
- `plain_text`: the form under which two answers that are not formulas are compared.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["plain_text", "to_ascii", "trim"]

_SUPERSCRIPTS: Final = {
    **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)),
    "⁺": "+",
    "⁻": "-",
    "ⁿ": "n",
    "ⁱ": "i",
}
_SUBSCRIPTS: Final = {
    **dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)),
    "₊": "+",
    "₋": "-",
    "ₙ": "n",
    "ᵢ": "i",
}
_SYMBOLS: Final = {
    "−": "-",
    "–": "-",
    "—": "-",
    "‐": "-",
    "‑": "-",
    "﹣": "-",
    "×": r"\times ",
    "✕": r"\times ",
    "·": r"\cdot ",
    "⋅": r"\cdot ",
    "∙": r"\cdot ",
    "÷": r"\div ",
    "∕": "/",
    "⁄": "/",
    "±": r"\pm ",
    "∓": r"\mp ",
    "√": r"\sqrt ",
    "∛": r"\sqrt[3]",
    "∜": r"\sqrt[4]",
    "∞": r"\infty ",
    "≤": r"\le ",
    "⩽": r"\le ",
    "≦": r"\le ",
    "≥": r"\ge ",
    "⩾": r"\ge ",
    "≧": r"\ge ",
    "≠": r"\ne ",
    "≈": r"\approx ",
    "≡": r"\equiv ",
    "∈": r"\in ",
    "∉": r"\notin ",
    "∪": r"\cup ",
    "∩": r"\cap ",
    "∖": r"\setminus ",
    "∅": r"\emptyset ",
    "ℝ": r"\mathbb{R}",
    "ℤ": r"\mathbb{Z}",
    "ℕ": r"\mathbb{N}",
    "ℚ": r"\mathbb{Q}",
    "ℂ": r"\mathbb{C}",
    "∠": r"\angle ",
    "△": r"\triangle ",
    "⌊": r"\lfloor ",
    "⌋": r"\rfloor ",
    "⌈": r"\lceil ",
    "⌉": r"\rceil ",
    "⟨": r"\langle ",
    "⟩": r"\rangle ",
    "∑": r"\sum ",
    "∏": r"\prod ",
    "∫": r"\int ",
    "→": r"\to ",
    "⇒": r"\Rightarrow ",
    "∧": r"\wedge ",
    "∨": r"\vee ",
    "¬": r"\neg ",
    "°": r"^\circ ",
    "º": r"^\circ ",
    "˚": r"^\circ ",
    "′": "'",
    "’": "'",
    "‘": "'",
    **dict.fromkeys("“”„‟«»「」『』〝〞＂", '"'),
    "【": "[",
    "】": "]",
    "〔": "(",
    "〕": ")",
    "٬": ",",
    "٫": ".",
    "٪": r"\%",
    "…": r"\ldots ",
    "⋯": r"\ldots ",
    "％": r"\%",
    "﹪": r"\%",
    "，": ",",
    "、": ",",
    "；": ";",
    "：": ":",
    "∶": ":",
    "（": "(",
    "）": ")",
    "［": "[",
    "］": "]",
    "｛": "{",
    "｝": "}",
    "＝": "=",
    "＋": "+",
    "－": "-",
    "＊": "*",
    "／": "/",
    "＜": "<",
    "＞": ">",
    "｜": "|",
    "∣": "|",
    "．": ".",
    "。": ".",
    "＄": "$",
}
_GREEK: Final = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "ϵ": "epsilon",
    "ζ": "zeta",
    "η": "eta",
    "θ": "theta",
    "ι": "iota",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "µ": "mu",
    "ν": "nu",
    "ξ": "xi",
    "π": "pi",
    "ρ": "rho",
    "σ": "sigma",
    "τ": "tau",
    "φ": "varphi",
    "ϕ": "phi",
    "χ": "chi",
    "ψ": "psi",
    "ω": "omega",
    "Γ": "Gamma",
    "Δ": "Delta",
    "Θ": "Theta",
    "Λ": "Lambda",
    "Σ": "Sigma",
    "Φ": "Phi",
    "Ψ": "Psi",
    "Ω": "Omega",
}
_VULGAR: Final = {
    chr(code): "\\frac{" + unicodedata.normalize("NFKC", chr(code)).replace("⁄", "}{") + "}"
    for code in [0xBC, 0xBD, 0xBE, *range(0x2150, 0x215F)]
}
_MAP: Final = {
    ord(key): value
    for key, value in {
        **_SYMBOLS,
        **{letter: f"\\{name} " for letter, name in _GREEK.items()},
        **_VULGAR,
    }.items()
}
_RAISED: Final = re.compile("[" + "".join(_SUPERSCRIPTS) + "]+")
_LOWERED: Final = re.compile("[" + "".join(_SUBSCRIPTS) + "]+")
_ROOT_OF_NUMBER: Final = re.compile(r"√\s*(\d+(?:\.\d+)?|[A-Za-z])")
_MARKS: Final = re.compile(r"<\|[^<>|]{1,40}\|>|</?s>|<eos>|<end_of_turn>")
_WRAPPERS: Final = {
    "$": (("$$", "$$"), ("$", "$")),
    "\\": ((r"\(", r"\)"), (r"\[", r"\]")),
    "*": (("**", "**"),),
    '"': (('"', '"'),),
    "`": (("`", "`"),),
}
"""Pairs of delimiters, by the character that the first begins with."""
_CLOSING: Final = frozenset(end[-1] for pairs in _WRAPPERS.values() for _, end in pairs)
_FINAL: Final = frozenset(".,;:。")
_STYLE: Final = re.compile(
    r"\\(?:text(?:bf|it|rm|up|tt|sf|sc|sl|md|normal)?|emph|mbox|hbox|math(?:rm|bf|it|sf|tt|normal)"
    r"|boldsymbol|bm|pmb|underline|operatorname)"
    r"\s*\{([^{}]*)\}"
)
_NOISE: Final = re.compile(
    r"\\left(?![a-z])|\\right(?![a-z])|\\[,;:!> ]|\\quad|\\qquad|\\displaystyle|[\s${}\"`]+"
)


_EXCLAIMED: Final = re.compile(r"[^\W\d_]{2}[ .,;:!]*$")


def _one_character(character: str) -> str:
    """Returns what an unmapped non-ASCII character stands for."""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    if category in {"Zs", "Zl", "Zp"}:
        return " "
    if category == "Lo" or not "！" <= character <= "～":
        return character
    return unicodedata.normalize("NFKC", character)


def to_ascii(text: str) -> str:
    r"""Returns `text` with Unicode mathematics written as LaTeX.

    >>> to_ascii("−2½")
    '-2\\frac{1}{2}'
    >>> to_ascii("3×10³")
    '3\\times 10^{3}'
    """
    if text.isascii():
        return text
    text = _RAISED.sub(lambda match: "^{" + "".join(_SUPERSCRIPTS[c] for c in match[0]) + "}", text)
    text = _LOWERED.sub(lambda match: "_{" + "".join(_SUBSCRIPTS[c] for c in match[0]) + "}", text)
    text = _ROOT_OF_NUMBER.sub(r"\\sqrt{\1}", text).translate(_MAP)
    if text.isascii():
        return text
    others = {ord(c): _one_character(c) for c in set(text) if not c.isascii()}
    return text.translate(others)


def trim(text: str) -> str:
    r"""Returns `text` without what surrounds an answer: delimiters, end marks, full stops.

    >>> trim("  $\\frac12$. <|im_end|>")
    '\\frac12'
    """
    if "<" in text:
        text = _MARKS.sub(" ", text)
    text = text.strip()
    while text:
        before = text
        last = text[-1]
        if last in _FINAL and not text.endswith((r"\,", r"\;", r"\:", "...")):
            text = text[:-1].rstrip()
        elif last == "\\" or (last == "$" and text.count("$") == 1):
            # The half of a spacing command, or of a pair of dollars.
            text = text[:-1].rstrip()
        if text[:1] in _WRAPPERS and text[-1] in _CLOSING:
            text = _unwrapped(text)
        if text == before:
            break
    return text


def _unwrapped(text: str) -> str:
    """Returns what stands between a pair of delimiters, or the text itself."""
    for opening, closing in _WRAPPERS[text[0]]:
        if text.startswith(opening) and text.endswith(closing):
            inside = text[len(opening) : len(text) - len(closing)]
            # An empty pair is no pair, and `$a$ or $b$` is none around it all.
            if inside and opening not in inside and not inside.endswith("\\"):
                return inside.strip()
    return text


def plain_text(text: str) -> str:
    r"""Returns the form in which answers that are not formulas are compared.

    Case, spacing, styling and final punctuation don't count.

    >>> plain_text(r"\text{The  midpoint}.")
    'the midpoint'
    """
    text = trim(to_ascii(text))
    text = _STYLE.sub(r" \1 ", text) if "\\" in text else text
    text = _NOISE.sub(" ", text)
    text = " ".join(text.split()).strip(" .,;:")
    if text[-1:] == "!" and _EXCLAIMED.search(text):  # `n!` is a factorial
        text = text.rstrip(" .,;:!")
    return text.casefold()
