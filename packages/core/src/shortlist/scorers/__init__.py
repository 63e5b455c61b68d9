"""What judges passages for a strategy: a model, and how it is asked."""
