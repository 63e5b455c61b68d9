"""What drives plans: a pure scheduler, and two thin loops around it."""
