"""Doors to models. Importing this package loads no framework and no weights."""
