"""What a batch as a whole tells: agreement, biases, and who or what makes it wait for a person."""
