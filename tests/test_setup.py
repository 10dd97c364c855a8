"""The requirements in setup.cfg fit each Python version and platform."""

import configparser
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")

GLIBC_VERSIONS = ("2014", "_2_17", "_2_24", "_2_27", "_2_28", "_2_31", "_2_34")
# Name to the markers of PEP 508 and to the tags of wheels.
PLATFORMS = {
    "Linux x86-64": ("linux", "x86_64", *(f"manylinux{v}_x86_64" for v in GLIBC_VERSIONS)),
    "Linux aarch64": ("linux", "aarch64", *(f"manylinux{v}_aarch64" for v in GLIBC_VERSIONS)),
    "macOS arm64": ("darwin", "arm64", "macosx_11_0_arm64", "macosx_12_0_arm64"),
    "macOS x86-64": ("darwin", "x86_64", "macosx_10_15_x86_64", "macosx_12_0_x86_64"),
    "Windows": ("win32", "AMD64", "win_amd64"),
}
VERSIONS = ["3.10", "3.11", "3.12", "3.13"]


def requirements(platform: str, version: str) -> list[Requirement]:
    """Returns the requirements that apply, without their markers."""
    sys_platform, machine, *_ = PLATFORMS[platform]
    environment = {
        "sys_platform": sys_platform,
        "platform_machine": machine,
        "python_version": version,
    }
    lines = SETUP["options"]["install_requires"].splitlines()
    all_requirements = [Requirement(line) for line in lines if line]
    applicable = [r for r in all_requirements if not r.marker or r.marker.evaluate(environment)]
    for requirement in applicable:
        requirement.marker = None
    return applicable


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_platform_has_one_tensorflow(platform, version):
    by_name = {requirement.name: requirement for requirement in requirements(platform, version)}
    assert len(by_name) == len(requirements(platform, version))
    has_addons = version < "3.12" and platform in ("Linux x86-64", "macOS arm64", "macOS x86-64")
    assert ("tensorflow-addons" in by_name) == has_addons
    assert by_name["tensorflow"].specifier.contains("2.15.1") == has_addons
    for newer in ("2.16.1", "2.21.0"):
        assert by_name["tensorflow"].specifier.contains(newer) != has_addons
    assert not by_name["tensorflow"].specifier.contains("2.22.0")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("platform", "version"),
    [
        (platform, version)
        for platform in ("Linux aarch64", "Windows", "macOS arm64", "macOS x86-64")
        for version in VERSIONS
        # TensorFlow has no wheels for it.
        if (platform, version) != ("macOS x86-64", "3.13")
    ],
)
def test_pip_finds_wheels_for_each_platform(platform, version, tmp_path):
    """pip evaluates markers for its own platform, so it gets the requirements without them."""
    tags = [f"--platform={tag}" for tag in PLATFORMS[platform][2:]]
    # jieba has no wheel; it is plain Python.
    names = [str(r) for r in requirements(platform, version) if r.name != "jieba"]
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", f"--target={tmp_path}"]
    result = subprocess.run(
        [*pip, "--only-binary=:all:", f"--python-version={version}", *tags, *names],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
