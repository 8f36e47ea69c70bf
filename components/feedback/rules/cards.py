"""Numbers of payment cards: an issuer's digits, the length that it gives, and the check digit (Luhn, ISO/IEC 7812)."""

from __future__ import annotations

import re

from components.feedback.reasons import Reason
from components.feedback.rules.text_rule import TextRule

#: As cards are printed: in fours, Amex 4-6-5, Diners 4-6-4; or without a gap. No piece of a longer number, no factor.
_WRITTEN = re.compile(
    r"(?<![\w.+*/^-])"
    r"(?:[0-9]{14,19}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5})"
    r"(?![\w*/^-]|\.[0-9])"
)
_ISSUED = re.compile(
    "4[0-9]{15}(?:[0-9]{3})?"  # Visa
    "|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"  # Mastercard
    "|3[47][0-9]{13}"  # American Express
    "|(?:6011|65[0-9]{2}|64[4-9][0-9])[0-9]{12}"  # Discover
    "|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    "|3(?:0[0-5]|[68][0-9])[0-9]{11}"  # Diners Club
    "|62[0-9]{14,17}"  # UnionPay
)
#: What every number matches, in Python and in Rust; little else does.
_DIGITS = "[0-9](?:[ -]?[0-9]){13}"
_ENOUGH_DIGITS = re.compile(_DIGITS)


def card_in(text: str) -> str | None:
    """Says where a text holds a card's number."""
    if not _ENOUGH_DIGITS.search(text):
        return None
    found = next((match for match in _WRITTEN.finditer(text) if _is_card(match[0])), None)
    return None if found is None else f"holds a card number, at character {found.start() + 1}"


def _is_card(written: str) -> bool:
    digits = written.replace(" ", "").replace("-", "")
    if not _ISSUED.fullmatch(digits):
        return False
    odd, even = digits[-1::-2], digits[-2::-2]
    return (sum(map(int, odd)) + sum(sum(divmod(2 * int(digit), 10)) for digit in even)) % 10 == 0


CARD = TextRule(Reason.PII, card_in, _DIGITS)
