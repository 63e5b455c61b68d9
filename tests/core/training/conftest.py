import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def learning():
    spec = importlib.util.spec_from_file_location("shortlist_learning", Path(__file__).with_name("learning.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
