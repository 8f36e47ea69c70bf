"""TRL's side; runs in TRL's own virtual environment."""
