"""The tables in which judgements are collected.

tasks: pairs to judge. `taken` counts the judgements a pair has, and the people who are at it now.
annotators: people who were invited; of a link's token only the SHA-256 is kept.
servings: which pair was shown to whom, when, and whether response_b stood left; nobody gets a pair twice.
judgements: one row for each annotator and task; `revision` counts how often it was changed, `export` is where it went.
settings: the key that signs sessions and forms; the origin, which tells exported ids from another database's.
"""

from components.exports import SCHEMA as EXPORTS

SCHEMA = f"""
{EXPORTS}
CREATE TABLE IF NOT EXISTS tasks (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL UNIQUE,
    prompt TEXT NOT NULL,
    response_a TEXT NOT NULL,
    response_b TEXT NOT NULL,
    gold TEXT CHECK (gold IN ('a', 'b', 'tie')),
    language TEXT,
    taken INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS tasks_by_need ON tasks (taken, number) WHERE gold IS NULL;
CREATE INDEX IF NOT EXISTS tasks_of_gold ON tasks (number) WHERE gold IS NOT NULL;
CREATE TABLE IF NOT EXISTS annotators (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    token_digest TEXT UNIQUE,
    invited_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS servings (
    annotator INTEGER NOT NULL REFERENCES annotators,
    task INTEGER NOT NULL REFERENCES tasks,
    swapped INTEGER NOT NULL CHECK (swapped IN (0, 1)),
    served_at REAL NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'lapsed', 'answered')),
    PRIMARY KEY (annotator, task)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS servings_open ON servings (served_at) WHERE state = 'open';
CREATE TABLE IF NOT EXISTS judgements (
    number INTEGER PRIMARY KEY,
    annotator INTEGER NOT NULL,
    task INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 1,
    verdict TEXT NOT NULL CHECK (verdict IN ('a', 'b', 'tie', 'bad', 'skip')),
    strength REAL,
    stars_a INTEGER CHECK (stars_a BETWEEN 1 AND 5),
    stars_b INTEGER CHECK (stars_b BETWEEN 1 AND 5),
    edited TEXT,
    comment TEXT,
    seconds REAL NOT NULL,
    answered_at TEXT NOT NULL,
    form TEXT NOT NULL,
    export INTEGER REFERENCES exports,
    UNIQUE (annotator, task),
    FOREIGN KEY (annotator, task) REFERENCES servings
);
CREATE INDEX IF NOT EXISTS judgements_of_task ON judgements (task);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
