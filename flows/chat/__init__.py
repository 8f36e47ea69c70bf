"""Asking the models in production: in a terminal, on a page, and by programs that speak OpenAI's protocol."""
