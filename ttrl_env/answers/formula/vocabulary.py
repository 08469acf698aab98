"""The words of mathematical answers: functions, constants, letters, units, joiners.

- `FUNCTIONS`: every spelling of a function, with the name we use for it.
- `CONSTANTS`, `GREEK`: named numbers and letters.
- `UNITS`: words that may follow a number and are not part of it.
- `RELATIONS`: every spelling of a relation, with the sign we use for it.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ACCENTS",
    "BASES",
    "BRACKETS",
    "CALENDAR",
    "CONSTANTS",
    "FRACTIONS",
    "FUNCTIONS",
    "GREEK",
    "HYPERBOLIC",
    "JOINERS",
    "MATRICES",
    "PRODUCTS",
    "QUALIFIERS",
    "RELATIONS",
    "SAME_ACCENTS",
    "SCALES",
    "SCALE_BEGINNINGS",
    "STYLES",
    "TEXT_STYLES",
    "TRIGONOMETRIC",
    "UNITS",
    "WORD_FUNCTIONS",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TRIGONOMETRIC: Final = ("sin", "cos", "tan", "cot", "sec", "csc")
HYPERBOLIC: Final = ("sinh", "cosh", "tanh", "coth", "sech", "csch")
FUNCTIONS: Final[dict[str, str]] = {
    **{name: name for name in TRIGONOMETRIC},
    **{name: name for name in HYPERBOLIC},
    **{
        prefix + name + suffix: "a" + name + suffix
        for name in TRIGONOMETRIC
        for suffix in ("", "h")
        for prefix in ("arc", "a", "ar")
    },
    "cosec": "csc",
    "ctg": "cot",
    "tg": "tan",
    "arctg": "atan",
    "ln": "ln",
    "log": "log",
    "lg": "lg",
    "exp": "exp",
    "sqrt": "sqrt",
    "cbrt": "cbrt",
    "gcd": "gcd",
    "lcm": "lcm",
    "min": "min",
    "max": "max",
    "abs": "abs",
    "Abs": "abs",
    "floor": "floor",
    "ceil": "ceil",
    "ceiling": "ceil",
    "factorial": "factorial",
    "binomial": "binom",
    "sgn": "sign",
    "sign": "sign",
    "det": "det",
    "Re": "re",
    "Im": "im",
    "arg": "arg",
    "dim": "dim",
    "ker": "ker",
    "Pr": "Pr",
    "cis": "cis",
}
# Words that only LaTeX marks as functions: as plain letters they are products or text.
WORD_FUNCTIONS: Final = frozenset(FUNCTIONS) - _words(
    "tg ctg Re Im arg dim ker Pr det sgn sign asec arsin arcos artan arcot arsec arcsc"
)
CONSTANTS: Final[dict[str, str]] = {
    "pi": "pi",
    "Pi": "pi",
    "e": "e",
    "exponentialE": "e",
    "i": "i",
    "I": "i",
    "imaginaryI": "i",
    "imath": "i",
    "infty": "inf",
    "inf": "inf",
    "infinity": "inf",
    "Infinity": "inf",
    "oo": "inf",
}
GREEK: Final = _words(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi "
    "rho varrho sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma "
    "Upsilon Phi Psi Omega ell hbar partial nabla aleph"
)
FRACTIONS: Final = frozenset({"frac", "dfrac", "tfrac", "cfrac", "sfrac", "nicefrac"})
PRODUCTS: Final = frozenset({"*", "times", "cdot", "cdotp", "ast", "bullet"})
ACCENTS: Final = _words(
    "overline bar vec hat widehat tilde widetilde overrightarrow overset mathbb mathcal "
    "mathfrak mathscr overarc wideparen"
)
STYLES: Final = _words(
    "text textbf textit textrm textup texttt textsf textsc textsl textnormal textmd emph mbox hbox "
    "mathrm mathbf mathit mathsf mathtt mathnormal boldsymbol bm pmb underline uline bbox"
)
TEXT_STYLES: Final = STYLES
"""Styles that may stand around a whole answer without a meaning."""
SAME_ACCENTS: Final = {"bar": "overline", "hat": "widehat", "tilde": "widetilde"}
BRACKETS: Final[dict[str, str]] = {
    "(": ")",
    "[": "]",
    "{": "}",
    r"\{": r"\}",
    "lbrace": "rbrace",
    "lbrack": "rbrack",
    "lgroup": "rgroup",
    "langle": "rangle",
    "lfloor": "rfloor",
    "llcorner": "lrcorner",
    "lceil": "rceil",
    "ulcorner": "urcorner",
    "lvert": "rvert",
    "lVert": "rVert",
}
MATRICES: Final = frozenset(
    {"matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "array", "vmatrix", "Vmatrix"}
)
RELATIONS: Final[dict[str, str]] = {
    "=": "=",
    "<": "<",
    ">": ">",
    "<=": "<=",
    ">=": ">=",
    "!=": "!=",
    "lt": "<",
    "gt": ">",
    "le": "<=",
    "leq": "<=",
    "leqslant": "<=",
    "leqq": "<=",
    "ge": ">=",
    "geq": ">=",
    "geqslant": ">=",
    "geqq": ">=",
    "ne": "!=",
    "neq": "!=",
    "approx": "~",
    "simeq": "~",
    "thickapprox": "~",
    "in": "in",
    "notin": "notin",
    "equiv": "=",
    "cong": "=",
    "sim": "=",
    "parallel": "parallel",
    "perp": "perp",
    "mid": "|",
    "to": "->",
    "rightarrow": "->",
    "longrightarrow": "->",
    "mapsto": "->",
    "subset": "subset",
    "subseteq": "subset",
    "implies": "=>",
    "Rightarrow": "=>",
    "Longrightarrow": "=>",
}
JOINERS: Final = frozenset({"and", "or", "land", "lor", "wedge", "vee"})
# After a number, these are no units: they say which day or half of a day is meant.
CALENDAR: Final = _words(
    """
    am pm a.m. p.m. a.m p.m
    january february march april may june july august september october november december
    jan feb mar apr jun jul aug sep sept oct nov dec
    monday tuesday wednesday thursday friday saturday sunday
    """
)
# After letters, these are no units either: they say what the letters stand for.
QUALIFIERS: Final = _words(
    """
    odd even prime composite positive negative nonnegative non-negative nonpositive nonzero non-zero
    integer integers real reals rational irrational complex natural whole divisible coprime
    square-free squarefree perfect finite infinite arbitrary distinct any all every each is are not
    """
)
SCALES: Final[dict[str, int]] = {
    "hundred": 10**2,
    **dict.fromkeys(("thousand", "thousands", "mille", "mil", "tausend"), 10**3),
    **dict.fromkeys(("million", "millions", "millones", "millionen", "milhões", "milioni"), 10**6),
    **dict.fromkeys(("billion", "billions", "milliard", "milliards", "milliarden"), 10**9),
    **dict.fromkeys(("trillion", "trillions"), 10**12),
}
SCALE_BEGINNINGS: Final[tuple[tuple[str, int], ...]] = (
    *((sign, 10**2) for sign in ("百", "백")),
    *((sign, 10**3) for sign in ("千", "천", "тыс")),
    *((sign, 10**4) for sign in ("万", "萬", "만")),
    *((sign, 10**6) for sign in ("миллион", "млн")),
    *((sign, 10**8) for sign in ("亿", "億", "억")),
    *((sign, 10**9) for sign in ("миллиард", "млрд")),
    *((sign, 10**12) for sign in ("兆", "조", "триллион")),
)
"""Words that scale a number, by how they begin: `3万元` is 30000."""
BASES: Final[dict[str, int]] = {
    name: base
    for base, names in enumerate(
        (
            "two binary",
            "three ternary",
            "four quaternary",
            "five",
            "six",
            "seven",
            "eight octal",
            "nine",
            "ten decimal",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen hexadecimal hex",
        ),
        2,
    )
    for name in names.split()
}
UNITS: Final = _words(
    """
    % percent percentage percents pct
    mm cm dm km ft yd mi mg kg lb lbs oz ml mL kW kWh Hz kHz MHz GHz mph rpm Pa kPa
    eV keV MeV GeV kJ mol cc sq hr hrs mins secs ms yr yrs
    meter meters metre metres centimeter centimeters millimeter millimeters kilometer kilometers
    inch inches foot feet yard yards mile miles
    gram grams kilogram kilograms pound pounds ounce ounces ton tons tonne tonnes
    second seconds minute minutes hour hours day days week weeks month months year years
    degree degrees radian radians rad deg
    dollar dollars cent cents euro euros USD EUR rupees
    liter liters litre litres gallon gallons joule joules watt watts newton newtons
    st nd rd th
    square squared cubic cubed unit units per times point points people person
    """
)
