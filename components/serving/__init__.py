"""A registered version that answers people and programs, token by token, and the thumbs that its answers get."""
