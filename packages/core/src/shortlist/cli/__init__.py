"""The command line, `shortlist`."""

from __future__ import annotations


def main() -> None:
    """Run the command that the arguments name, and exit with its code (`shortlist.cli.exits`)."""
    from shortlist.cli.app import app

    app()
