"""How the pipeline is: what waits for whom, what failed, how the champion does."""
