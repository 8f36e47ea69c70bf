"""One small module a format: its fields, and how one record becomes a draft."""
