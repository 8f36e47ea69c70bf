"""People judge pairs of answers: the pairs, who is invited, who gets which pair, what they say, and its way out."""
