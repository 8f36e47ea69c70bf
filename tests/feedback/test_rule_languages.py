"""Answers in another language than asked for."""

from __future__ import annotations

import pickle
from pathlib import Path

import polars as pl
import pytest
from batch_files import PAIR

from components.config import FeedbackParams
from components.feedback.fields import Fields
from components.feedback.readers.pairwise import read
from components.feedback.rules import Rules

TEXTS = {
    "en": "The sky is blue because the air scatters short waves of light more than it scatters the long ones.",
    "de": "Der Himmel ist blau, weil die Luft kurze Wellen des Lichts viel stärker streut als die langen Wellen.",
    "fr": "Le ciel est bleu parce que l'air diffuse davantage les ondes courtes de la lumière que les ondes longues.",
    "es": "El cielo es azul porque el aire dispersa más las ondas cortas de la luz que las ondas largas del sol.",
    "it": "Il cielo è azzurro perché l'aria diffonde le onde corte della luce molto più delle onde lunghe del sole.",
    "pt": "O céu é azul porque o ar espalha mais as ondas curtas da luz do que as ondas longas, como se vê à noite.",
    "nl": "De lucht is blauw omdat de lucht korte golven van het licht veel sterker verstrooit dan de lange golven.",
    "ru": "Небо голубое, потому что воздух рассеивает короткие волны света гораздо сильнее, чем длинные волны.",
    "zh": "天空之所以是蓝色的，是因为空气对短波光的散射远远强于对长波光的散射，所以天空是蓝色的。",
    "ar": "السماء زرقاء لأن الهواء يشتت موجات الضوء القصيرة أكثر بكثير مما يشتت الموجات الطويلة من ضوء الشمس.",
    "ja": "空が青いのは、空気が波長の短い光を波長の長い光よりもずっと強く散乱させるからです。",
}  # fmt: skip


def _tags(text, *languages):
    draft = read(Fields(PAIR | {"chosen": text}))
    return Rules.of(FeedbackParams(languages=languages), Path()).check(draft)


@pytest.mark.parametrize("language", TEXTS)
def test_an_answer_in_a_language_that_was_asked_for(language):
    assert _tags(TEXTS[language], language) == ()
    assert _tags(TEXTS[language], "fi", language) == ()
    assert _tags(TEXTS[language]) == ()


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("asked", ["en", "de", "fi"])
def test_an_answer_in_another_one(language, asked):
    assert _tags(TEXTS[language], asked) == (() if language == asked else ("LANG",))


@pytest.mark.parametrize(
    "text",
    [
        "Oui, bien sûr.",
        "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25",
        "```python\n" + "value = compute(previous, following)\n" * 5 + "```",
        "https://example.org/der/himmel/ist/blau/weil/die/luft/kurze/wellen/des/lichts/staerker/streut",
        "=" * 200,
    ],
)
def test_what_is_too_short_or_no_language_is_not_judged(text):
    assert "LANG" not in _tags(text, "en")


def test_a_quick_look_lets_no_foreign_answer_through():
    rules = Rules.of(FeedbackParams(languages=("en",)), Path())
    suspects = rules.suspicious(pl.Series(list(TEXTS.values())))
    assert dict(zip(TEXTS, suspects, strict=True)) == {code: code != "en" for code in TEXTS}


def test_the_rules_go_to_other_processes():
    rules = pickle.loads(pickle.dumps(Rules.of(FeedbackParams(languages=("en",)), Path())))  # noqa: S301
    assert rules.check(read(Fields(PAIR | {"chosen": TEXTS["de"]}))) == ("LANG",)
