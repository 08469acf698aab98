r"""The phrases with which a completion announces its answer, in a dozen languages.

- `find_phrases`: the phrases such as "the answer is", each up to where its value begins.
- `find_values_first`: the values with the phrase after them, as in "42 is the answer".
- `LEAD`: words and signs between a phrase and its value.
- `NEGATION`, `DENIAL`, `DENIAL_AFTER`: what says that a value is not the answer.
- `CONTRAST`: what comes between such a value and the one that is.
- `CONCLUSION`, `LINK`: words that make a sentence a conclusion, and that give it a value.
- `RETRACTION`: what takes back what was said before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

__all__ = [
    "CONCLUSION",
    "CONTRAST",
    "DENIAL",
    "DENIAL_AFTER",
    "LEAD",
    "LINK",
    "NEGATION",
    "RETRACTION",
    "find_phrases",
    "find_values_first",
]

_STARTS: Final = r"(?=[*_]{0,2}(?:[-–](?=\S)|[−﹣－]|[$₹€£¥\\\d٠-٩۰-۹√π½¼¾]))"
"""What a value begins with where no verb or colon announces it."""

# For each language: the nouns, and the words between them and the value.
_SPACED: Final = {
    "French": (
        r"réponses?|reponses?|résultats?|solutions?",
        r"est|sont|vaut|valent|serait|égale",
    ),
    "German": (
        r"antwort(?:en)?|ergebnis(?:se)?|lösung(?:en)?|resultat",
        r"ist|sind|lautet|lauten|beträgt|wäre",
    ),
    "Spanish": (r"respuestas?|resultados?|soluci[oó]n(?:es)?", r"es|son|sería|será"),
    "Portuguese": (r"respostas?|soluç(?:ão|ões)", r"é|são|seria|será"),
    "Italian": (r"rispost[ae]|risultat[oi]|soluzion[ei]", r"è|sono|sarebbe|e'"),
    "Dutch": (r"antwoord(?:en)?|resultaat|oplossing", r"is|zijn|luidt"),
    "Russian": (
        r"ответ(?:ом|ы)?|результат(?:ом)?|решение(?:м)?",
        r"равен|равна|равно|равняется|является|есть|составляет|это|будет",
    ),
    "Polish": (r"odpowied(?:ź|zią|zi)|wynik(?:iem)?", r"to|jest|wynosi"),
    "Turkish": (r"cevap|sonuç|yanıt", r"olarak"),
    "Vietnamese": (r"đáp\s+án|đáp\s+số|kết\s+quả", r"là"),
    "Indonesian": (r"jawaban(?:nya)?|hasil(?:nya)?", r"adalah|ialah"),
    "Arabic": (
        r"جواب|إجابة|اجابة|ناتج|نتيجة",
        r"هو|هي|يساوي|تساوي|تكون|يكون",
    ),
    "Hebrew": (r"תשובה|תוצאה", r"היא|הוא"),
    "Hindi": (r"उत्तर|जवाब|परिणाम", r"है"),
}
_JOINED: Final = {
    "Chinese": (r"答案|结果|結果|答", r"应该是|應該是|应为|應為|等于|等於|就是|便是|是|为|為"),
    "Japanese": (r"答え|答|解答|正解|結果|解(?=は)", r"は|が"),
    "Korean": (r"정답|해답|답변|답|결과", r"은|는|이"),
}

_STEMS: Final = re.compile(
    r"####|<answer>|answer|result|solution|répons|repons|résultat|antwort|ergebnis|lösung|respuesta|soluci"
    r"|resposta|soluç|rispost|risultat|soluzion|antwoord|oplossing|ответ|результат|решение|odpowied|wynik"
    r"|cevap|sonuç|yanıt|đáp|kết|jawaban|hasil|جواب|إجابة|اجابة|ناتج|نتيجة|תשובה|תוצאה|उत्तर|जवाब|परिणाम"
    r"|答|结果|結果|解は|正解|정답|해답|답|결과"
)
"""How the nouns of all languages begin, in lower case: much faster to find than whole phrases."""
_NOT_WORDS: Final = r"не|no|non|não|nicht|kein\w*|pas|niet|nie|không|bukan|ليست?|ليس"
_ENGLISH: Final = (
    r"""
  (?:answer|result|solution)(?:s|\ set)?['’]?
  (?:,?\s+(?:to\s+(?:this|the|our|that)\s+(?:problem|question|exercise|task|equation|puzzle)
            |here|then|therefore|thus|hence|so|indeed|of\ course|in\ this\ case|I\ (?:get|got|found)
            |we\ (?:get|got|found|obtain(?:ed)?)),?)?
  (?:(?:\s+(?:is|are|was|were|would\ be|should\ be|must\ be|will\ be|has\ to\ be|have\ to\ be
            |might\ be|becomes?|equals?|comes\ (?:out\ )?(?:to(?:\ be)?|as)|turns\ out\ to\ be
            |works\ out\ to(?:\ be)?|remains|=)|['’]s)(?![a-z])
    |\s*[:：=]
    |[*_]{0,2}\s+[-–—]\s+
    |[*_]{0,2}—(?=\d)
    |[*_]{0,2}\s+(?:of\s+)?"""
    + _STARTS
    + r""")
"""
)


def _phrases() -> str:
    """Returns the pattern of the phrases of all languages."""
    patterns = [rf"\#\#\#\# | <answer> | \b{_ENGLISH}"]
    for nouns, verbs in _SPACED.values():
        patterns.append(
            rf"(?<![a-zà-öø-ÿа-я])(?:{nouns})(?:\s+(?!(?:{verbs}|{_NOT_WORDS})\b)[^\W\d_]{{2,14}}){{0,2}}"
            rf"(?:\s+(?:{verbs})\b|\s*[:：=]|[*_]{{0,2}}\s+[-–—]\s+|[*_]{{0,2}}\s+{_STARTS})"
        )
    for nouns, verbs in _JOINED.values():
        patterns.append(
            rf"(?:{nouns})(?:\s*(?:{verbs})|[*_]{{0,2}}\s*[:：=]|[*_]{{0,2}}\s*[-–—]\s+"
            rf"|[*_]{{0,2}}\s*{_STARTS})"
        )
    return "|".join(f"(?:{pattern})" for pattern in patterns)


_PHRASE: Final = re.compile(_phrases(), re.VERBOSE | re.IGNORECASE)
_AFTER_VALUE: Final = re.compile(
    r"\b(?:is|are)\s+(?:(?:therefore|thus|hence|indeed|then)\s+)?(?:the|our|my)\s+"
    r"(?:(?:final|correct|only|required|desired)\s+)?(?:answer|solution|result)s?\b(?!\s+(?:to|of|in)\b)"
)
_VALUE: Final = re.compile(
    r"(?:(?<!\\)\$\$?((?:\\.|[^$\\\n]){1,300})\$\$?|\\[(\[]((?:\\\\|(?!\\[()\[\]]).){1,300})\\[)\]]"
    r"|\*\*([^*\n]{1,80})\*\*|(?<!\S)((?:[-−–]\s)?(?:[-−–﹣－]?\\[a-z]+\s)?\S{1,60}(?:\s[a-z]{1,4})??))"
    r"[*_]{0,2}\s{1,8}$"
)
_LONGEST_VALUE: Final = 330


def find_phrases(text: str) -> list[re.Match[str]]:
    """Returns the phrases that announce a value; each match ends where the value may begin.

    >>> [found[0] for found in find_phrases("The answer is 5. Ответ: 5")]
    ['answer is', 'Ответ:']
    """
    # Only this letter has two in lower case, which would move all places after it.
    lowered = text.replace("\u0130", "I").lower()
    found: list[re.Match[str]] = []
    for stem in _STEMS.finditer(lowered):
        if found and stem.start() < found[-1].end():
            continue
        phrase = _PHRASE.match(text, stem.start())
        if phrase:
            found.append(phrase)
    return found


def find_values_first(text: str) -> Iterator[tuple[re.Match[str], int, int]]:
    """Yields, from the last on, a match whose only group is a value with its phrase after it.

    With it come the place where the searched part of the text begins, and where the phrase ends.
    """
    for phrase in reversed(list(_AFTER_VALUE.finditer(text))[-_PHRASES_TRIED:]):
        start = max(0, phrase.start() - _LONGEST_VALUE)
        found = _VALUE.search(text[start : phrase.start()])
        if found:
            yield found, start, phrase.end()


_PHRASES_TRIED: Final = 16
_FILLERS: Final = r"""
    that|therefore|simply|just|now|thus|so|hence|then|approximately|approx\.?|about|roughly|around
  | exactly|precisely|clearly|indeed|obviously|certainly|definitely|surely|probably|likely|still
  | again|also|actually|always|only|both|given\ by|equal\ to|found\ to\ be|going\ to\ be|equals
  | as\ follows|the\ following|the\ (?:value|number|integer|fraction|expression|pair|point|interval)
  | donc|alors|ainsi|égale?\ à|environ|also|gleich|somit|daher|genau|igual\ a|por\ (?:lo\ )?tanto
  | entonces|logo|quindi|pari\ a|circa|равн[аоы]?|значит|следовательно|является|примерно
  | هو|هي|يساوي
"""
LEAD: Final = re.compile(
    rf"""
    (?:
        \s*\n\s*(?:[-–—+•*>]\s+|\d{{1,2}}[.)]\s+(?=\S))
      | [-=]*>(?=\s) | [→⇒∴]
      | [^\S\n]+ | \n
      | [:：*_\#=`~»«"]+
      | —\s
      | (?:{_FILLERS})(?![\w'’])
      | ,
      | 是|为|為|就|约为?|大约|は|が
    )+
    """,
    re.VERBOSE | re.IGNORECASE,
)

_NOT: Final = (
    r"\b(?:not|never|cannot|neither|nor|hardly|no\s+longer|anything\s+but|other\s+than|rather\s+than|"
    r"instead\s+of|unlike)\b|n['’]t\b|\b(?:pas|nicht|kein(?:e[mnrs]?)?|não|non|niet|nie)\b|\bne\b|"
    r"\bне\b|\bno(?=\s+(?:es|son)\b)|(?:不|并非|並非)(?:会?是|會是|为|為|等于|等於)?|ليست?|ليس|\bkhông\b|\bbukan\b"
)
NEGATION: Final = re.compile(
    rf"(?:\s*(?:n['’]t\b|{_NOT})|\s*(?:(?:certainly|definitely|clearly|surely|simply|actually|still|"
    rf"obviously|likely|probably|of\s+course|therefore|thus)\s+){{1,3}}(?:{_NOT})|n['’]est\s+pas\b)",
    re.IGNORECASE,
)
"""What stands between a phrase and a value that is not the answer."""
DENIAL: Final = re.compile(
    rf"(?:{_NOT})(?:\s+[^\W\d_]{{1,12}}){{0,3}}[\s$*_(\\\[]*$", re.IGNORECASE
)
"""The end of what stands before a value that is denied."""
DENIAL_AFTER: Final = re.compile(
    r"[\s$*_)\]]*(?:では(?:な[いく]|ありません)|じゃな|(?:이|가|은)?\s*아[니닙닌]|नहीं|değil"
    r"|(?:is|are|was)\s+(?:not|wrong|incorrect|false)\b|(?:is|are|was)n['’]t\b)"
)
CONTRAST: Final = re.compile(
    r"[\s,;]*\bbut\b(?:\s+(?:rather|instead|actually|is|it\s+is))?|[;,.]\s*(?:it\s+is|it['’]s|rather|instead)\b"
    r"|\bsondern\b|\bsino\b|\bmais\b|,\s*а\b|而是|ではなく|아니라",
    re.IGNORECASE,
)
CONCLUSION: Final = re.compile(
    r"\b(?:thus|so|therefore|hence|in total|altogether|finally|in conclusion|conclusion)\b|"
    r"因此|所以|总共|结论|इसलिए|поэтому|следовательно|итак|donc|ainsi|por (?:lo )?tanto|quindi|"
    r"also\b(?=.*\b(?:ist|sind|beträgt)\b)|somit|daher|したがって|よって|따라서|그러므로|إذن|لذلك",
    re.IGNORECASE,
)
LINK: Final = re.compile(
    r"\b(?:is|are|equals?|be|was|were|gives?|yields?|get|gets|got|obtain|becomes|total\s+of|est|ist|es|"
    r"vaut|beträgt|è|é)\b|['’]s\b|[=:：是为為は]|(?:равен|равна|равно|составляет)\b|(?:은|는)\s|هو|هي"
)
RETRACTION: Final = re.compile(
    r"\b(?:wait|hmm+|hold on|oops|scratch that|on second thought|reconsider)\b"
    r"|\blet me (?:re-?)?(?:check|think|consider|compute|try)\b"
    r"|(?:^|[.?!\n]\s*)(?:but|no|actually|however|alternatively)\b",
    re.IGNORECASE,
)
