"""The page where people see what a pipeline does with their passages: its back end."""
