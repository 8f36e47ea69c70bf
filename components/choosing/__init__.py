"""Which pairs of answers people should judge next: those that teach the reward model most, and some at random."""
