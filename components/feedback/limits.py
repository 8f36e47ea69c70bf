"""Where ingestion draws its lines, in one place."""

from __future__ import annotations

from datetime import timedelta

#: A record longer than this is quarantined: LINE_LONG.
MAX_LINE_BYTES = 1 << 20
#: So much of an overlong record is kept in the quarantine; the whole is in the file that was given.
KEPT_RAW_CHARS = 4096
#: A file that unpacks to more than this is refused: BOMB.
MAX_BATCH_BYTES = 2 << 30
#: gzip that expands further than this is refused: BOMB. Small files may: a short text repeated is no attack.
MAX_EXPANSION = 100
EXPANSION_FLOOR_BYTES = 16 << 20
#: Rows of one file: TOO_LARGE.
MAX_ROWS = 5_000_000
#: A batch of at least BAD_SHARE_ROWS rows of which more than this share is bad is refused: BAD_RATIO. Of a
#: smaller one the good rows are taken (one bad row of four says little of the others), unless there are none.
MAX_BAD_SHARE = 0.2
BAD_SHARE_ROWS = 20
#: Votes one record may stand for (Open-Assistant gives counts): more is a mistake or an attack on memory.
MAX_VOTES = 10_000
#: Ids, annotators, sources and languages are names, not texts.
MAX_NAME_CHARS = 200
#: A clock may be this far ahead of ours.
CLOCK_TOLERANCE = timedelta(minutes=5)
#: Lists and objects in each other, in fields that are kept as they are.
MAX_LEVELS = 32
