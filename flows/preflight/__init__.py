"""What must be right before anything runs by itself: for `rlhf up`, and for `rlhf doctor` at any time."""
