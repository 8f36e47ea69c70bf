"""Do labels that are weighted by annotators' reliability beat the majority of the votes?

Real: UKPConvArg1 (about five votes a pair, 32 topics) and PandaLM (three), in the folder that RLHF_REAL_FEEDBACK
names. First their agreement, beside what was published. Then labels: of each pair k votes are kept and the others
hidden, the topics are dealt into folds, and a fold's annotators are known by their k votes and by all votes on the
other folds' topics. What is predicted is held out:

- hidden votes: what the other people said, which no estimate has seen. The fair question.
- gold: the authors' own labels. They come from all votes on the pair by MACE, a method much like the one that is
  tested: agreement with them says less than it seems, and with all five votes kept next to nothing.

Simulated: annotators of known accuracy, a spammer among them, and true labels. Differences are paired, with 95 %
intervals by the bootstrap over topics (real) or over runs (simulated). Where crowd-kit is installed its methods are
run on the same votes.

    python -m benchmarks.annotators --repeats 5
"""

from __future__ import annotations

import argparse
import random

import numpy as np
import polars as pl

from benchmarks.crowd import METHODS, Method
from benchmarks.honest_feedback import HONEST, Pair, frame, judge, pool, real
from benchmarks.table import aligned
from components.config.feedback import FeedbackParams
from components.feedback.quality.assess import assess
from components.feedback.schema import COLUMNS
from components.feedback.simulator.annotators import ANNOTATORS

FOLDS = 4
RESAMPLES = 2000
_HEAD = ["labels by", "right", "difference to majority", "squared error", "difference to majority"]


def main() -> None:
    options = _options()
    votes = _ukp_votes()
    if votes is not None:
        _print_agreement()
        for kept in options.kept:
            _print_real(votes, kept, options.repeats)
    _print_simulated(options.repeats)


def _ukp_votes() -> pl.DataFrame | None:
    """item, topic, annotator, label and gold (null where the authors have none) of each vote."""
    rows = real("ukpconvarg1.jsonl.gz")
    if rows is None:
        return None
    gold = pl.col("meta").str.json_path_match("$.gold").replace_strict({"a1": 1.0, "a2": 0.0}, default=None)
    return (
        pl.DataFrame(rows, schema={name: COLUMNS[name] for name in ("prompt", "votes", "meta")})
        .with_row_index("item")
        .with_columns(pl.col("item").cast(pl.String), gold=gold)
        .explode("votes")
        .unnest("votes")
        .select("item", "annotator", "label", "gold", topic="prompt")
    )


def _print_agreement() -> None:
    print("agreement (alpha: Krippendorff's, nominal; agreement: a tie agrees half; kappa: Cohen's)")
    for name, published in (
        (
            "ukpconvarg1.jsonl.gz",
            "no coefficient published: the authors clean the votes by MACE and report that",
        ),
        (
            "pandalm.jsonl",
            "the authors dropped pairs on which people differ much, until kappa was close to 0.85",
        ),
    ):
        quality = assess(frame(real(name) or []), frame([]), FeedbackParams())
        figures = quality.figures["agreement"]["pairwise"]
        kappas = [couple["kappa"] for couple in figures["kappa"] if couple["kappa"] is not None]
        print(
            f"  {name}: {figures['items']} pairs, {figures['votes']} votes, alpha {figures['alpha']}, agreement "
            f"{figures['agreement']} {figures['agreement_ci']}, exact {figures['exact']}, kappa of {len(kappas)} "
            f"couples {min(kappas):.2f} to {max(kappas):.2f}, mean {np.mean(kappas):.3f}\n    published: {published}"
        )


def _print_real(votes: pl.DataFrame, kept: int, repeats: int) -> None:
    """One table for hidden votes, where there are any, and one for gold."""
    predicted = pl.concat([_predicted(votes, kept, seed) for seed in range(repeats)])
    if kept < 5:
        _print_table(
            f"UKPConvArg1, {kept} votes kept, against hidden votes that are no ties",
            _decided(predicted),
            "label",
        )
    first = predicted.unique(["seed", "item"], keep="first", maintain_order=True)
    _print_table(
        f"UKPConvArg1, {kept} votes kept, against the authors' gold", first.drop_nulls("gold"), "gold"
    )


def _decided(predicted: pl.DataFrame) -> pl.DataFrame:
    """Hidden votes that are no ties, and what each method expects of them.

    A method says which answer is better, and a vote says what one person thought: the farther from the middle, the
    farther its own errors lie from it. Each method's probabilities are drawn to the middle by the slope that suits
    them best, so that the squared error compares what they know and not how sure they are.
    """
    votes = predicted.filter(pl.col("hidden") & (pl.col("label") != 0.5))
    said = votes["label"] - 0.5
    for name in METHODS:
        belief = votes[name] - 0.5
        slope = float((belief * said).sum() / (belief**2).sum())
        votes = votes.with_columns((0.5 + slope * belief).alias(name))
    return votes


def _predicted(votes: pl.DataFrame, kept: int, seed: int) -> pl.DataFrame:
    """All votes, whether they were hidden, their group (topic), and each method's probability of their item."""
    shuffled = votes.sample(fraction=1.0, shuffle=True, seed=seed).with_columns(
        hidden=pl.int_range(pl.len()).over("item") >= kept, seed=pl.lit(seed)
    )
    topics = shuffled["topic"].unique().sort().shuffle(seed=seed)
    folds = pl.DataFrame({"topic": topics, "fold": [place % FOLDS for place in range(len(topics))]})
    dealt = shuffled.join(folds, on="topic").rename({"topic": "group"})
    return pl.concat([_of_fold(dealt, fold) for fold in range(FOLDS)])


def _of_fold(dealt: pl.DataFrame, fold: int) -> pl.DataFrame:
    known = dealt.filter((pl.col("fold") != fold) | ~pl.col("hidden")).select("item", "annotator", "label")
    asked = dealt.filter(pl.col("fold") == fold)
    for name, method in METHODS.items():
        asked = asked.join(_renamed(method, known, name), on="item", how="left")
    return asked


def _renamed(method: Method, votes: pl.DataFrame, name: str) -> pl.DataFrame:
    return method(votes).rename({"probability": name})


def _print_simulated(repeats: int) -> None:
    for title, people in (
        ("the simulator's people, with its spammer", list(ANNOTATORS)),
        ("the simulator's people, without", list(HONEST)),
    ):
        for kept in (2, 3, 5):
            runs = pl.concat([_simulated(people, kept, seed) for seed in range(repeats)])
            _print_table(f"simulated, {kept} votes a pair: {title}", runs, "label")


def _simulated(people: list, kept: int, seed: int) -> pl.DataFrame:
    """1,500 pairs, each judged by `kept` people who were picked at random, and their true labels."""
    rng = random.Random(f"annotators {seed} {kept}")
    pairs: list[Pair] = rng.sample([pair for pair in pool()[0] if abs(pair.lead) > 0.1], 1500)
    votes = pl.DataFrame(
        [
            {"item": str(number), "annotator": person.name, "label": judge(rng, pair, person)}
            for number, pair in enumerate(pairs)
            for person in rng.sample(people, kept)
        ]
    )
    truth = pl.DataFrame(
        {"item": list(map(str, range(len(pairs)))), "label": [float(p.lead > 0) for p in pairs]}
    )
    truth = truth.with_columns(group=pl.lit(str(seed)))
    for name, method in METHODS.items():
        truth = truth.join(_renamed(method, votes, name), on="item")
    return truth


def _print_table(title: str, rows: pl.DataFrame, target: str) -> None:
    """A row for each method: the share right (one half where it is undecided, or the target a tie) and the mean squared
    error of the probability, and by how much the majority is worse or better."""
    print(f"\n{title} ({rows.height} predictions)")
    lines = [_cells(name, rows, target) for name in METHODS]
    print("\n".join(aligned([_HEAD, *lines])), flush=True)


def _cells(name: str, rows: pl.DataFrame, target: str) -> list[str]:
    scores = {method: _scores(rows, method, target) for method in (name, "majority")}
    cells = [name]
    for score in ("right", "error"):
        own, majority = scores[name][score], scores["majority"][score]
        lower, upper = _interval((own - majority).to_numpy(), rows["group"])
        cells += [f"{own.mean():.4f}", f"{(own - majority).mean():+.4f} [{lower:+.4f}, {upper:+.4f}]"]
    return cells


def _scores(rows: pl.DataFrame, method: str, target: str) -> dict[str, pl.Series]:
    guess = (
        pl.when((pl.col(method) - 0.5).abs() < 1e-9)
        .then(0.5)
        .otherwise((pl.col(method) > 0.5).cast(pl.Float64))
    )
    scored = rows.select(
        right=1 - (guess - pl.col(target)).abs(), error=(pl.col(method) - pl.col(target)) ** 2
    )
    return {name: scored[name] for name in ("right", "error")}


def _interval(differences: np.ndarray, groups: pl.Series) -> tuple[float, float]:
    """95 % interval of the mean: groups are drawn again, each with all it has."""
    table = (
        pl.DataFrame({"group": groups, "difference": differences})
        .group_by("group")
        .agg(pl.col("difference").sum(), pl.len())
    )
    sums, counts = table.sort("group")["difference"].to_numpy(), table.sort("group")["len"].to_numpy()
    drawn = np.random.default_rng(7).integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    lower, upper = np.quantile(means, [0.025, 0.975])
    return float(lower), float(upper)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5, help="how many times votes are hidden or simulated")
    parser.add_argument(
        "--kept", type=int, nargs="*", default=[1, 2, 3, 5], help="votes kept of each real pair"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
