"""Prompts as data: templates in files, how they are filled, and how what comes back is read."""
