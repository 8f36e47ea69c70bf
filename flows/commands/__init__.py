"""One module a command of `rlhf`."""
