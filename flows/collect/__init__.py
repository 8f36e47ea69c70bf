"""The page on which people judge pairs of answers, and the server that shows it."""
