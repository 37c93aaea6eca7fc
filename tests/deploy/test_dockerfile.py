"""The Dockerfile against the project: what it copies is there and reaches it, what it installs is locked, who it runs as."""

import re
import subprocess

import pytest

from tests.deploy.composition import PROJECT, composition, dockerfile, mounts, ours, reaches_the_build
from tests.structure.sources import ROOT

TEXT = " ".join(f"{one.name} {one.words}" for one in dockerfile())


def _words(name: str) -> list[str]:
    return [one.words for one in dockerfile() if one.name == name]


def _shipped() -> list[str]:
    """Packages of the program, as the wheel lists them."""
    packages: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return packages


def test_what_is_copied_is_there_and_let_through() -> None:
    sources = [source for one in dockerfile() for source in one.sources]
    assert len(sources) > 10
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [source for source in sources if not reaches_the_build(source)] == []


def test_every_package_of_the_program_is_in_the_image() -> None:
    copied = {source for one in dockerfile() for source in one.sources}
    assert set(_shipped()) - copied == set()


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        ".weldgate/secrets/permit.pem",
        ".venv/bin/python",
        "tests/conftest.py",
        "api/pages/phone/index.html",
        "web/node_modules/vue/package.json",
        "deploy/certs/site.key",
        "weld/core/__pycache__/age.pyc",
        "docker-compose.yml",
    ],
)
def test_secrets_and_what_was_built_elsewhere_do_not_reach_the_build(path: str) -> None:
    assert not reaches_the_build(path)


def test_a_forgotten_star_would_be_noticed() -> None:
    assert reaches_the_build(".env", ignore="!api\n")


def test_bases_have_whole_versions() -> None:
    bases = [words.split("=", 1)[1] for words in _words("ARG") if ":" in words]
    assert [base for base in bases if not re.search(r":\d+\.\d+\.\d+-", base)] == []
    assert all(words.startswith(("${NODE}", "${PYTHON}")) for words in _words("FROM"))


def test_the_base_is_a_python_and_a_node_that_the_project_takes() -> None:
    python, node = (re.search(rf"{name}:(\d+)\.(\d+)", TEXT) for name in ("python", "node"))
    assert python is not None
    assert node is not None
    assert (int(python[1]), int(python[2])) == (3, 11)
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert (int(node[1]), int(node[2])) >= (20, 19)


def test_nothing_is_installed_without_its_hash() -> None:
    steps = [step.strip() for words in _words("RUN") for step in words.split("&&")]
    installs = [step for step in steps if re.match(r"(pip|npm) (--python \S+ )?(install|ci|wheel) ", step)]
    assert len(installs) == 5
    locked = ("--require-hashes", "npm ci", "--no-index", "--no-build-isolation")
    assert [one for one in installs if not any(word in one for word in locked)] == []
    assert [one for one in installs if "requirements" in one and "--only-binary :all:" not in one] == []


def test_it_runs_as_the_user_that_the_composition_counts_on() -> None:
    assert _words("USER") == ["weldgate"]
    assert "useradd --uid 10001 --gid 10001" in TEXT
    services = composition()["services"]
    assert services["mosquitto"]["user"] == "10001:10001"
    assert services["timescaledb"]["group_add"] == ["10001"]
    assert "user" not in services["api"]


def test_every_folder_belongs_to_that_user_before_a_volume_is_laid_over_it() -> None:
    made = re.search(r"for reader in ([a-z ]+);", TEXT)
    assert made is not None
    mounted = {target for service in ours(composition()).values() for _, target, _ in mounts(service)}
    assert {f"/secrets/{name}" for name in made[1].split()} | {"/anchors"} == mounted
    assert "install -d -o weldgate -g weldgate -m 0700 /anchors" in TEXT


def test_the_entry_point_and_the_health_check_are_programs() -> None:
    assert _words("ENTRYPOINT") == ['["start"]']
    assert not _words("HEALTHCHECK")
    for name in ("start", "ready"):
        assert (ROOT / "deploy" / name).stat().st_mode & 0o111, name
    assert subprocess.run(["sh", "-n", str(ROOT / "deploy/start")], check=False).returncode == 0


def test_the_label_says_the_programs_version() -> None:
    assert f"VERSION={PROJECT['project']['version']}" in _words("ARG")
