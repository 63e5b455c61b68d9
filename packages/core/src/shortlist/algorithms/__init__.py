"""Pure array functions, each checkable against its paper: NumPy in, NumPy out; no passages, no models."""
