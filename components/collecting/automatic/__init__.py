"""Judgements without people: by rules about the texts, and by an LLM."""
