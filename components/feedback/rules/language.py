"""Answers in a language that was not asked for.

Short answers are not judged, nor is what is hardly text (code, numbers). Of the others most are settled by a look
at the commonest words of the languages that are asked for; an identifier (py3langid: naive Bayes over byte
n-grams, Lui & Baldwin 2012, P12-3005) decides about the rest.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import polars as pl

#: So many characters of an answer are looked at, and so many bytes of letters it must have: an ideograph says more
#: than a letter.
_LOOKED_AT = 600
_SHORTEST = 60
#: What the identifier calls numbers, markup and the like.
_NO_LANGUAGE = "zxx"
#: The allowed languages together are less likely, and some other one is likelier.
_UNLIKELY, _LIKELY = 0.02, 0.6
#: The share of a text's words that are of the commonest ones, in running text of that language.
_USUAL_SHARE = 0.2
_COMMON_WORDS = {
    "en": "the of and to in is that it for was on are as with be this have not by you or from at but they",
    "de": "der die und das ist nicht ein eine ich zu den es mit sich auf dem sie von für im auch wie werden oder",
    "fr": "de la le les et des est en un une pour que qui dans il vous pas sur ne plus du au ce avec",
    "es": "de la que el en y los del se las por un para con una no es su al lo como más pero sus",
    "it": "di che la il un per non una è in le con si da sono come del ma più anche della ha nel",
    "pt": "de que e do da em um para é com não uma os no se na por mais as dos como mas foi ao",
    "nl": "de het een van en in is dat op te voor niet zijn met je er aan maar om ook als dan bij",
}
#: Code between backticks, and addresses: no language.
_ASIDE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`|https?://\S+", re.DOTALL)
_LETTER = re.compile(r"[^\W\d_]")


class Languages:
    """Languages that answers may have.

    Args:
        codes: ISO 639-1; at least one.
    """

    def __init__(self, codes: tuple[str, ...]) -> None:
        self.codes = codes
        words = sorted({word for code in codes for word in _COMMON_WORDS.get(code, "").split()})
        self._common = rf"(?i)(?:^| )(?:{'|'.join(words)})(?:[ ,.;:!?\n]|$)" if words else None

    def may_be_others(self, texts: pl.Series) -> pl.Series:
        """False for each text that is too short to tell, or has the usual words of an allowed language."""
        starts = texts.str.head(_LOOKED_AT)
        long = starts.str.len_bytes() >= _SHORTEST
        if self._common is None:
            return long
        # Of two common words with one blank between, one is found: the blank cannot be both's.
        common = starts.str.count_matches(self._common)
        return long & (common < _USUAL_SHARE / 2 * (starts.str.count_matches(" ", literal=True) + 1))

    def other_in(self, text: str) -> str | None:
        """Says which language a text has if it is not an allowed one."""
        if not self.may_be_others(pl.Series([text], dtype=pl.String))[0]:
            return None
        prose = _ASIDE.sub(" ", text[:_LOOKED_AT])
        letters = "".join(_LETTER.findall(prose))
        if len(letters.encode("utf-8")) < _SHORTEST or len(letters) < len(prose.strip()) / 2:
            return None
        likely = dict(_identifier().rank(prose))
        code = max(likely, key=likely.__getitem__)
        allowed = sum(likely.get(other, 0.0) for other in self.codes)
        if code == _NO_LANGUAGE or likely[code] < _LIKELY or allowed > _UNLIKELY:
            return None
        return f"seems to be in the language {code}, not in {', '.join(self.codes)}"


@cache
def _identifier() -> Any:
    """The identifier, which takes a moment and some memory: a process that needs none loads none."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
