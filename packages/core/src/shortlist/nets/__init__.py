"""Networks as data: checkpoints read into arrays, and the graphs that run them."""
