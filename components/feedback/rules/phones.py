"""Phone numbers: with + and a country's number, or in a national form that is nothing else.

What has the form is refused, also numbers that nobody has (555-0100). Dates, sums, prices, coordinates, ISBNs,
versions, addresses of machines and plain digits pass. Of national forms those of North America, Britain, France
and German mobiles are clear enough; others are found with + alone.
"""

from __future__ import annotations

import re

from components.feedback.reasons import Reason
from components.feedback.rules.text_rule import TextRule

#: Groups of digits after +. They are never split anew: a long row of digits is read once.
_WITH_PLUS = re.compile(
    r"(?<![\w+.*/^)=\]-])\+(?=[1-9])"
    r"(?:[0-9]{1,14}+|[ .-]?\([0-9]{1,5}\)|[ .\-/][0-9]{1,12}+){1,8}+"
    r"(?![\w%$€£°]|[.,/-][0-9])"
)
#: Countries' numbers that are given out (ITU-T E.164).
_COUNTRY = re.compile(
    r"[17]|2(?:0|7|[1-69][0-9])|3(?:[0-469]|[578][0-9])|4(?:[013-9]|2[0-9])|5(?:[1-8]|[09][0-9])"
    r"|6(?:[0-6]|[789][0-9])|8(?:[1246]|[0578][0-9])|9(?:[0-58]|[679][0-9])"
)
#: Digits of a number, with its country's.
_SHORTEST, _LONGEST = 9, 15
_DECIMAL = re.compile(r"\+[0-9]+\.[0-9]+")
_BEFORE, _AFTER = r"(?<![\w.+/-])", r"(?![ -]?[0-9])"
_NATIONAL = re.compile(
    "|".join(
        (
            # (415) 555-2671, 415-555-2671, 415.555.2671
            rf"{_BEFORE}(?:1[-. ])?\([2-9][0-9]{{2}}\)[ -]?[0-9]{{3}}[-. ][0-9]{{4}}(?![\w-]|\.[0-9])",
            rf"{_BEFORE}(?:1[-. ])?[2-9][0-9]{{2}}([-.])[0-9]{{3}}\1[0-9]{{4}}(?![\w-]|\.[0-9])",
            # 020 7946 0958, 0161 496 0000, (01632) 960001, 07700 900123
            rf"{_BEFORE}(?:\(0(?:20|1[0-9]{{2,3}})\) ?|020[ -]|01[0-9]{{2,3}}[ -])"
            rf"(?:[0-9]{{3,4}}[ -][0-9]{{3,4}}|[0-9]{{6}}){_AFTER}",
            rf"{_BEFORE}07[0-9]{{3}}[ -](?:[0-9]{{6}}|[0-9]{{3}}[ -][0-9]{{3}}){_AFTER}",
            # 01 42 68 53 00; not 01 02 03 04 05 06
            rf"{_BEFORE}(?<![0-9][ .-])0[1-79]([ .-])[0-9]{{2}}(?:\2[0-9]{{2}}){{3}}(?!\w|[ .-]?[0-9])",
            # 0171 1234567
            rf"{_BEFORE}01[567][0-9]{{1,2}}[ /-][0-9]{{7,8}}{_AFTER}",
        )
    )
)
#: What every number matches, in Python and in Rust; little else does.
_DIGITS = "[0-9](?:[ .()/-]{0,3}[0-9]){8}"
_ENOUGH_DIGITS = re.compile(_DIGITS)


def phone_in(text: str) -> str | None:
    """Says where a text holds a phone number."""
    if not _ENOUGH_DIGITS.search(text):
        return None
    found = _NATIONAL.search(text)
    if found is None and "+" in text:
        found = next((match for match in _WITH_PLUS.finditer(text) if _is_phone(match[0])), None)
    return None if found is None else f"holds a phone number, at character {found.start() + 1}"


def _is_phone(written: str) -> bool:
    # +44 (0)20: the zero is for those who call from inside the country.
    groups = re.findall("[0-9]+", written.replace("(0)", ""))
    digits = "".join(groups)
    country = _COUNTRY.match(digits)
    if country is None or not _SHORTEST <= len(digits) <= _LONGEST or _DECIMAL.fullmatch(written):
        return False
    if country[0] == "1":
        return re.fullmatch("1[2-9][0-9]{9}", digits) is not None
    # A country's numbers begin with no zero, but Italy's; digits one by one are a sum.
    national = digits[country.end() :]
    return (national[0] != "0" or country[0] == "39") and sum(len(group) == 1 for group in groups[1:]) <= 1


PHONE = TextRule(Reason.PII, phone_in, _DIGITS)
