"""Do the preferences on a prompt have an order, or does A beat B, B beat C and C beat A?

Answers are nodes, and an edge leads from the answer that most votes prefer to the other. A cycle exists exactly where
answers reach one another, that is within a strongly connected component of two nodes or more (Tarjan 1972): one
linear pass over all prompts, cycles of any length.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from components.feedback.quality.findings import Figures, Finding, finding
from components.feedback.reasons import Reason

MOST_LINES = 10


def cycle_figures(votes: pl.DataFrame) -> Figures:
    """`prompts` on which three answers or more were compared by pairs, `cyclic` of them, `answers` in cycles, and
    `lines`: those of the file on which one of the cycles rests, the first MOST_LINES."""
    edges = _edges(votes)
    nodes = pl.concat([edges["winner"], edges["loser"]]).unique().sort()
    ends = [nodes.search_sorted(edges[name]).to_numpy() for name in ("winner", "loser")]
    component = _components(ends[0], ends[1], len(nodes))
    inside = edges.with_columns(component=component[ends[0]]).filter(
        pl.Series(component[ends[0]] == component[ends[1]])
    )
    sizes = np.bincount(component, minlength=1)
    example = inside.filter(pl.col("component") == pl.col("component").min())
    return {
        "prompts": _prompts_with_three(edges),
        "cyclic": inside["prompt"].n_unique(),
        "answers": int(sizes[sizes > 1].sum()),
        "lines": sorted(example["line"].to_list())[:MOST_LINES],
    }


def cycle_findings(figures: Figures) -> list[Finding]:
    """CYCLE, a tag."""
    if not figures["cyclic"]:
        return []
    lines = ", ".join(map(str, figures["lines"]))
    where = f"{figures['cyclic']:,} of {figures['prompts']:,} prompts"
    message = f"preferences run in a circle on {where}, such as those of lines {lines}"
    return [finding(Reason.CYCLE, message, figures)]


def _edges(votes: pl.DataFrame) -> pl.DataFrame:
    """prompt, winner, loser, line (of the first vote): each pair that the votes decide."""
    pairs = votes.filter(pl.col("kind") == "pairwise").group_by("prompt", "better", "worse")
    decided = pairs.agg(pl.col("label").mean(), pl.col("line").min()).filter(pl.col("label") != 0.5)
    ahead = pl.col("label") > 0.5
    ends = {"winner": ("better", "worse"), "loser": ("worse", "better")}
    # The same answer to two prompts is two nodes.
    nodes = [
        pl.struct("prompt", pl.when(ahead).then(one).otherwise(other).alias("answer")).hash().alias(name)
        for name, (one, other) in ends.items()
    ]
    return decided.select("prompt", *nodes, "line").sort("line", "winner", "loser")


def _components(winners: np.ndarray, losers: np.ndarray, count: int) -> np.ndarray:
    """The strongly connected component of each node."""
    graph = csr_matrix((np.ones(len(winners), dtype=np.int8), (winners, losers)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=True, connection="strong")[1])


def _prompts_with_three(edges: pl.DataFrame) -> int:
    answers = pl.concat([edges.select("prompt", answer=name) for name in ("winner", "loser")])
    counts = answers.group_by("prompt").agg(pl.col("answer").n_unique())
    return int((counts["answer"] >= 3).sum())
