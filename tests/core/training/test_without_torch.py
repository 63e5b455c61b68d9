"""What training needs, and says so."""

import subprocess
import sys

import pytest

WITHOUT = "import sys; sys.modules['torch'] = None; import {module}"


def imported(module):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(module=module)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("module", ["shortlist.training.train", "shortlist.training.tasks"])
def test_training_says_what_to_install(module):
    assert "MissingExtra: needs torch: pip install 'shortlist[torch]'" in imported(module).stderr


@pytest.mark.parametrize("module", ["judged", "readers", "make"])
def test_judged_lists_do_without(module):
    found = imported(f"shortlist.training.{module}")
    assert found.returncode == 0, found.stderr
