"""Ways in beside a file at hand: each turns what it finds into files that the ordinary ingestion takes."""
