"""What a sentence is made of, for a reader that learns: its words, their neighbours, what kinds of words they are.

Kinds (`lexicon.toml`) stand for words of any field: ants, pixels and traders are all parts; colonies, networks and
markets are wholes. A pair of kinds near each other is a term, too; what was learnt of ants is known of traders.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Sequence, Set
from functools import lru_cache
from importlib.resources import files

NEAR, FAR = 2, 8
"""Words apart at which two kinds stand near each other, and at most."""
_TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?|\.\d+|[a-zà-ž]+|[%?]")
_ENDINGS = ("ations", "ation", "ings", "ing", "ness", "edly", "ies", "ied", "ed", "ly", "es", "s", "e")
_NOT = frozenset(("no", "not", "never", "none", "nothing", "nobody", "without", "neither", "nor", "cannot", "t"))
_PAIR = re.compile(r"[ +>]")
APART = 24
"""Words apart at most of two numbers that are held against each other."""
_AGAINST = frozenset(("where", "whereas", "while", "whilst", "against", "versus", "but", "other", "others"))
_AGAINST |= {"plain", "old", "stays", "stay", "remains"}
_REACH = 4
"""Words that a negation reaches."""
_ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBERS = {w: n for n, w in enumerate((*_ONES, *_TEENS))} | {w: 10 * n for n, w in enumerate(_TENS, start=2)}
_NUMBERS |= {"dozen": 12, "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}


def terms(sentence: str) -> set[str]:
    """The terms of a sentence: stems, pairs of them, kinds (`@part`), pairs of kinds (`@part>@test`), `#sizes`, and
    numbers that differ (`≠@budget`).
    """
    text = sentence.lower().replace("’", "'").replace("p-value", "pvalue").replace("t-test", "ttest")
    tokens = _TOKEN.findall(text)
    stems, kinds, out = [], [], set()
    left = 0
    for token, following in itertools.pairwise((*tokens, "")):
        if token[0] in ".0123456789" or (token in _NUMBERS and token != "one"):
            size = _size(token, following)
            stems.append(size)
            kinds.append((size,))
            continue
        stem, kind = _stem(token), _kinds(token)
        if left:
            out.update((f"!{stem}", *(f"!{k}" for k in kind)))
            left -= 1
        left = _REACH if token in _NOT else left
        stems.append(stem)
        kinds.append(kind)
    out.update(stems, (f"{a} {b}" for a, b in itertools.pairwise(stems)))
    for i, firsts in enumerate(kinds):
        out.update(firsts)
        for distance, seconds in enumerate(kinds[i + 1 : i + 1 + FAR], start=1):
            sign = "+" if distance <= NEAR else ">"
            out.update(f"{a}{sign}{b}" for a in firsts for b in seconds)
    return out | _unequal(tokens)


def plain(found: Sequence[Set[str]]) -> set[str]:
    """The terms of a plan as a whole: those of its sentences, but no pairs."""
    return {term for own in found for term in own if not _PAIR.search(term)}


def _unequal(tokens: list[str]) -> set[str]:
    """Of neighbouring numbers, whether they differ, what they count, and whether a word sets them against each other.

    That one has 30 seconds where others get 10 is told by no word of more or less.
    """
    out: set[str] = set()
    numbers = [(k, v) for k, token in enumerate(tokens) if (v := _value(token)) is not None]
    out.update("#top" for k, v in numbers if _is_top(v, tokens[k], tokens[k + 1 : k + 3]))
    for (i, a), (j, b) in itertools.pairwise(numbers):
        if not 1 < j - i <= APART:
            continue
        sign = "=" if a == b else "≠"
        against = "&" if not _AGAINST.isdisjoint(tokens[i + 1 : j + 4]) else ""
        counted = {kind for word in (*tokens[i + 1 : i + 3], *tokens[j + 1 : j + 3]) for kind in _kinds(word)}
        out.update((sign + against, *(f"{sign}{against}{kind}" for kind in counted)))
    return out


def _value(token: str) -> float | None:
    if token[0] in ".0123456789":
        return float(token.replace(",", ""))
    return None if token == "one" else _NUMBERS.get(token)


def _is_top(value: float, token: str, following: list[str]) -> bool:
    """Whether a number is as high as a share can be."""
    if 0.97 <= value <= 1 and "." in token:
        return True
    return 97 <= value <= 100 and bool({"%", "percent", "cent", "of"} & {*following})


def _size(token: str, following: str) -> str:
    """About how large a number is: what it counts is seldom told by its last digit."""
    if following in ("%", "percent", "per"):
        return "#percent"
    if token in _NUMBERS:
        value = float(_NUMBERS[token])
    elif "." in token or "e" in token:
        return "#decimal"
    else:
        value = float(token.replace(",", ""))
    names = ((1, "#0"), (2, "#1"), (3, "#2"), (8, "#few"), (20, "#ten"), (100, "#dozens"), (1000, "#hundreds"))
    return next((name for bound, name in names if value < bound), "#thousands")


@lru_cache(maxsize=1)
def _lexicon() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Kinds by whole words, and by how words begin."""
    data = tomllib.loads((files("mesocosm.review") / "lexicon.toml").read_text("utf-8"))
    whole: dict[str, list[str]] = {}
    begun: dict[str, list[str]] = {}
    for kind, words in data.items():
        for word in words.split():
            by = begun if word.endswith("*") else whole
            by.setdefault(word.rstrip("*"), []).append(f"@{kind}")
    return whole, begun


@lru_cache(maxsize=20_000)
def _kinds(word: str) -> tuple[str, ...]:
    whole, begun = _lexicon()
    found = {*whole.get(word, ())}
    for k in range(2, len(word) + 1):
        found.update(begun.get(word[:k], ()))
    return tuple(sorted(found))


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
            break
    return word[:-1] if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "sl" else word
