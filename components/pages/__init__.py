"""What the self-contained HTML pages of this project share: their frame, their colours, their plots, pseudonyms."""
