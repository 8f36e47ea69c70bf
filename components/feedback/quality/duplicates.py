"""Rows that are nearly the same: one question with a word changed, judged again, weighs twice.

Each different text (a row's prompt and answers) is a set of SHINGLE words in a row; two texts are near duplicates
where their sets' Jaccard similarity, estimated by MinHash (Broder 1997; library rensa), is SIMILAR or more. Rows of
the same texts, such as several people's votes on one pair, are one text and no duplicates.
"""

from __future__ import annotations

import polars as pl
from rensa import RMinHash, RMinHashLSH

from components.feedback.quality.findings import Figures
from components.feedback.quality.ngrams import words_of
from components.feedback.quality.proportions import rounded

SHINGLE = 3
SIMILAR = 0.8
_PERMUTATIONS, _BANDS, _SEED = 128, 16, 7
MOST_EXAMPLES = 10
#: Words of a text beyond this many are not looked at.
_MOST_WORDS = 500


def duplicate_figures(rows: pl.DataFrame) -> Figures:
    """`texts` (different ones), `near_duplicates` of an earlier one among them, their `share`, and `examples`: couples
    of row ids.

    Args:
        rows: row_id, prompt, responses.
    """
    texts = _texts(rows)
    couples = _couples(texts["words"].to_list())
    names = texts["row_id"]
    return {
        "texts": texts.height,
        "near_duplicates": len(couples),
        "share": rounded(len(couples) / texts.height) if texts.height else None,
        "examples": [[names[first], names[second]] for first, second in couples[:MOST_EXAMPLES]],
    }


def _texts(rows: pl.DataFrame) -> pl.DataFrame:
    """row_id (of the first row) and words of each different text, in the order of their rows."""
    body = pl.concat_str("prompt", pl.col("responses").list.sort().list.join("\n"), separator="\n")
    different = (
        rows.select("row_id", body=body).sort("row_id").unique("body", keep="first", maintain_order=True)
    )
    return different.select("row_id", words=words_of(pl.col("body")).list.head(_MOST_WORDS))


def _couples(texts: list[list[str]]) -> list[tuple[int, int]]:
    """Places of a text and of the first earlier one that it nearly repeats."""
    sketches = RMinHash.from_token_sets([_shingles(words) for words in texts], _PERMUTATIONS, _SEED)
    index = RMinHashLSH(SIMILAR, _PERMUTATIONS, _BANDS)
    couples = []
    for place, sketch in enumerate(sketches):
        near = [other for other in sorted(index.query(sketch)) if sketch.jaccard(sketches[other]) >= SIMILAR]
        if near:
            couples.append((near[0], place))
        else:
            # What repeats an earlier text is not looked for again: a thousand copies are not a million couples.
            index.insert(place, sketch)
    return couples


def _shingles(words: list[str]) -> list[str]:
    if len(words) <= SHINGLE:
        return [" ".join(words)]
    return [" ".join(words[start : start + SHINGLE]) for start in range(len(words) - SHINGLE + 1)]
