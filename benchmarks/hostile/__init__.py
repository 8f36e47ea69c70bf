"""Sound rows of every format, texts to refuse, to tag or to leave alone, and mutations of both; tests use them too."""
