"""What people read about feedback: the page of a batch, the same numbers as JSON, and the card of the dataset."""
