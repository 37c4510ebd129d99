"""What a person reads: text, HTML and plots of a diagnosis."""
