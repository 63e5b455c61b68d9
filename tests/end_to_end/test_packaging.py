"""The wheels hold what they should, and nothing that would shadow another distribution."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[2] / "packages"
NAMESPACES = {
    "llama_index/__init__.py",
    "llama_index/postprocessor/__init__.py",
    "haystack_integrations/__init__.py",
    "haystack_integrations/components/__init__.py",
    "haystack_integrations/components/rankers/__init__.py",
}
ROOTS = {
    "core": "shortlist",
    "llamaindex": "llama_index/postprocessor/shortlist",
    "langchain": "langchain_shortlist",
    "haystack": "haystack_integrations/components/rankers/shortlist",
}


@pytest.fixture(scope="module", params=sorted(ROOTS))
def wheel(request, tmp_path_factory):
    pytest.importorskip("hatchling")
    out = tmp_path_factory.mktemp(request.param)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", out]
    done = subprocess.run([*command, PACKAGES / request.param], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return request.param, next(out.glob("*.whl"))


@pytest.mark.slow
def test_wheel(wheel):
    name, path = wheel
    with zipfile.ZipFile(path) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist()}
        modules = [member for member in sizes if not member.split("/")[0].endswith(".dist-info")]
        metadata = archive.read(next(m for m in sizes if m.endswith("METADATA"))).decode()
    assert f"{ROOTS[name]}/__init__.py" in sizes and f"{ROOTS[name]}/py.typed" in sizes
    assert all(module.startswith(ROOTS[name] + "/") for module in modules)
    assert not NAMESPACES & set(sizes)
    assert any(member.endswith("licenses/LICENSE") for member in sizes)
    assert "License-Expression: Apache-2.0" in metadata
    assert any(line.startswith("Requires-Python:") and ">=3.11" in line for line in metadata.splitlines())
    assert "torch" not in [line.split()[1].split(">")[0] for line in metadata.splitlines()
                           if line.startswith("Requires-Dist") and "extra" not in line]  # fmt: skip
    if name == "core":
        weights = sum(size for member, size in sizes.items() if member.startswith("shortlist/models/static/"))
        assert 0 < weights <= 8_000_000
