"""Simulated annotators: feedback with a known true utility, for samples, tests and rehearsals.

`write_feedback` writes batches of feedback, `judge_pairs` judges answers that a policy gave,
`gold_utility` is the truth that the annotators answer noisily about.
"""

from components.feedback.simulator.annotators import ANNOTATORS, Annotator
from components.feedback.simulator.judging import judge_pairs
from components.feedback.simulator.truth import GOLD_SOURCE, bayes_accuracy, gold_wins
from components.feedback.simulator.utility import Features, Weights, features_of, gold_utility
from components.feedback.simulator.writing import write_feedback

__all__ = [
    "ANNOTATORS",
    "GOLD_SOURCE",
    "Annotator",
    "Features",
    "Weights",
    "bayes_accuracy",
    "features_of",
    "gold_utility",
    "gold_wins",
    "judge_pairs",
    "write_feedback",
]
