"""One module for each algorithm: its settings, its plan, its citation. A class in a new module here is registered."""
