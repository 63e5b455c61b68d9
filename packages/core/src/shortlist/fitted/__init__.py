"""Numbers fitted on judged lists, as data: small JSON files, found by name or by path."""
