"""This project's side: its public training functions, as a person would call them."""
