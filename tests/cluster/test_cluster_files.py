"""The files in cluster/: they parse, fit their schemas, name what exists, and hold no secret."""

import gzip
import importlib.util
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "cluster"
FILES = ("Dockerfile", "README.md", "crontab", "cronjob.yaml", "ray-cluster.yaml", "rayjob.yaml")
COMMENTED = tuple(name for name in FILES if name != "README.md")

SUBMIT_OPTIONS = {"--run", "--runs-dir", "--address", "--workers", "-o"}
RUN_ID = r"[a-z0-9][a-z0-9._-]{0,62}"

Json = dict[str, Any]


def text_of(name: str) -> str:
    return (CLUSTER / name).read_text()


def opening_of(text: str) -> str:
    """The comment a file opens with, without the marks."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return "\n".join(lines)


def documents_of(name: str) -> list[Json]:
    return list(yaml.safe_load_all(text_of(name)))


def document_of(name: str, kind: str) -> Json:
    (found,) = (document for document in documents_of(name) if document["kind"] == kind)
    return found


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {name.lower(): version for name, version in pins}


def project() -> Json:
    table: Json = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def version_of_package() -> str:
    found = re.search(r'__version__ = "(.+)"', (ROOT / "seqjobs/__init__.py").read_text())
    assert found
    return found.group(1)


def pods_in(tree: Any) -> Iterator[Json]:
    """Every pod specification in a manifest: what holds a list of containers."""
    if isinstance(tree, dict):
        if isinstance(tree.get("containers"), list):
            yield tree
        for value in tree.values():
            yield from pods_in(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from pods_in(value)


def all_pods() -> list[Json]:
    return [pod for name in ("cronjob.yaml", "rayjob.yaml") for pod in pods_in(documents_of(name))]


def submits_in(text: str) -> Iterator[list[str]]:
    """The arguments of every `seqjobs submit`, and of every `docker run ... seqjobs:VERSION submit`, in a text."""
    for line in text.splitlines():
        for found in re.finditer(r"\bseqjobs(?::\S+)? submit ([^`'>]+)", line):
            yield shlex.split(found.group(1))


def all_submits() -> list[list[str]]:
    written = [arguments for name in COMMENTED for arguments in submits_in(text_of(name))]
    (container,) = (c for pod in pods_in(documents_of("cronjob.yaml")) for c in pod["containers"])
    verb, *arguments = container["args"]
    assert verb == "submit"
    return [*written, arguments]


def strict(schema: Any) -> Any:
    """A CRD's schema prunes unknown fields in silence; here they are errors, so that a misspelt field is noticed."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed


def rayjob_validator() -> Draft202012Validator:
    with gzip.open(Path(__file__).parent / "schemas/rayjob_v1.json.gz", "rt") as file:
        return Draft202012Validator(strict(json.load(file)))


def test_the_folder_holds_what_the_readme_lists() -> None:
    assert {path.name for path in CLUSTER.iterdir()} == set(FILES)
    for name in COMMENTED:
        assert f"| `{name}` |" in text_of("README.md")


@pytest.mark.parametrize("name", COMMENTED)
def test_each_file_opens_with_its_command_and_what_must_exist_before(name: str) -> None:
    opening = opening_of(text_of(name))
    assert re.search(r"^(Start|Build): +\S", opening, re.MULTILINE)
    assert re.search(r"^Before: +\S", opening, re.MULTILINE)
    assert f"cluster/{name}" in opening


def test_rayjob_fits_the_schema_of_kuberay() -> None:
    job = document_of("rayjob.yaml", "RayJob")
    assert (job["apiVersion"], len(documents_of("rayjob.yaml"))) == ("ray.io/v1", 1)
    errors = [f"{error.json_path}: {error.message}" for error in rayjob_validator().iter_errors(job)]
    assert errors == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "entrypiont"), "seqjobs"),
        (("spec", "backoffLimit"), "two"),
        (("spec", "rayClusterSpec", "authOptions", "mode"), "tokens"),
        (("spec", "rayClusterSpec", "headGroupSpec", "template", "spec", "container"), []),
    ],
)
def test_rayjob_with_a_mistake_is_refused(path: tuple[str, ...], value: object) -> None:
    job = document_of("rayjob.yaml", "RayJob")
    place = job
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert not rayjob_validator().is_valid(job)


def test_rayjob_asks_for_the_token_and_resumes() -> None:
    spec = document_of("rayjob.yaml", "RayJob")["spec"]
    assert spec["rayClusterSpec"]["authOptions"] == {"mode": "token"}
    assert spec["backoffLimit"] >= 1
    assert spec["shutdownAfterJobFinishes"] is True
    (arguments,) = submits_in(spec["entrypoint"])
    assert arguments[arguments.index("--address") + 1] == "auto"


def test_rayjob_has_room_for_its_workers() -> None:
    spec = document_of("rayjob.yaml", "RayJob")["spec"]
    (arguments,) = submits_in(spec["entrypoint"])
    (group,) = spec["rayClusterSpec"]["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    num_cpus = int(container["resources"]["limits"]["cpu"]) * group["replicas"]
    assert int(arguments[arguments.index("--workers") + 1]) == num_cpus


def test_cronjob_never_runs_twice_at_once_and_retries_under_one_run_id() -> None:
    job = document_of("cronjob.yaml", "CronJob")
    assert (job["apiVersion"], job["spec"]["concurrencyPolicy"]) == ("batch/v1", "Forbid")
    assert re.fullmatch(r"(\S+ ){4}\S+", job["spec"]["schedule"])
    template = job["spec"]["jobTemplate"]["spec"]
    assert template["backoffLimit"] >= 1
    pod = template["template"]["spec"]
    # Kubernetes allows a podFailurePolicy with this restart policy alone.
    assert pod["restartPolicy"] == "Never"
    (container,) = pod["containers"]
    (rule,) = (rule["onExitCodes"] for rule in template["podFailurePolicy"]["rules"] if "onExitCodes" in rule)
    assert rule["containerName"] == container["name"]
    # 4 is a lost cluster or store, and above 128 are signals: those are worth another try.
    assert rule["values"] == sorted({1, 2, 3, 6})
    (run_id,) = (entry for entry in container["env"] if entry["name"] == "RUN_ID")
    assert run_id["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.labels['batch.kubernetes.io/job-name']"
    assert container["args"][container["args"].index("--run") + 1] == "$(RUN_ID)"
    assert re.fullmatch(RUN_ID, job["metadata"]["name"] + "-29000000")
    assert container["args"][container["args"].index("--workers") + 1] == container["resources"]["limits"]["cpu"]


def test_runs_outlive_the_pods() -> None:
    claim = document_of("cronjob.yaml", "PersistentVolumeClaim")["metadata"]["name"]
    keeping = [pod for pod in all_pods() if "volumes" in pod]
    assert len(keeping) == 2  # the CronJob's pod and the RayJob's head: where the command runs
    for pod in keeping:
        claims = {v["name"]: v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if "emptyDir" not in v}
        mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        assert claims == {"runs": claim}
        assert mounts["runs"] == "/runs"
        assert set(mounts) == {volume["name"] for volume in pod["volumes"]}
    for arguments in all_submits():
        if arguments[arguments.index("--runs-dir") + 1].startswith("/"):
            assert arguments[arguments.index("--runs-dir") + 1] == "/runs"


def test_no_container_runs_as_root() -> None:
    pods = all_pods()
    assert len(pods) == 4
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] >= 1000
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }
    users = re.findall(r"^USER (\S+)$", text_of("Dockerfile"), re.MULTILINE)
    assert users
    assert int(users[-1].split(":")[0]) >= 1000


def test_dockerfile_copies_what_exists_and_starts_seqjobs() -> None:
    lines = text_of("Dockerfile").splitlines()
    copied = [source for line in lines if line.startswith("COPY ") for source in line.split()[1:-1]]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
    assert 'ENTRYPOINT ["seqjobs"]' in lines
    assert project()["scripts"]["seqjobs"]
    installs = [line for line in lines if "pip install" in line]
    assert installs
    for line in installs:
        assert "--constraint constraints.txt" in line
    assert any("RAY_AUTH_MODE=token" in line for line in lines)


def test_ray_cluster_fits_the_schema_of_ray() -> None:
    (cluster,) = documents_of("ray-cluster.yaml")
    found = importlib.util.find_spec("ray")  # finds Ray without importing it
    assert found is not None
    assert found.submodule_search_locations is not None
    schema = Path(found.submodule_search_locations[0]) / "autoscaler/ray-schema.json"
    errors = list(Draft202012Validator(json.loads(schema.read_text())).iter_errors(cluster))
    assert errors == []
    assert cluster["head_node_type"] in cluster["available_node_types"]


def test_every_start_of_ray_asks_for_the_token() -> None:
    (cluster,) = documents_of("ray-cluster.yaml")
    starts = [
        command
        for key in ("head_start_ray_commands", "worker_start_ray_commands")
        for command in cluster[key]
        if "ray start" in command
    ]
    assert len(starts) == 2
    for command in starts:
        assert "RAY_AUTH_MODE=token" in command
    assert "--dashboard-host=127.0.0.1" in starts[0]
    assert cluster["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    for line in opening_of(text_of("ray-cluster.yaml")).splitlines():
        if "ray up " in line or "seqjobs submit" in line:
            assert "RAY_AUTH_MODE=token" in line


def test_crontab_names_a_run_a_day() -> None:
    (line,) = (x for x in text_of("crontab").splitlines() if re.match(r"[0-9*]", x))
    *schedule, command = line.split(maxsplit=5)
    assert len(schedule) == 5
    # cron takes a bare percent sign for the end of the command.
    assert not re.search(r"(?<!\\)%", command)
    run_id = re.search(r"--run ([\w-]+)\$\(date \+\\%Y-\\%m-\\%d\) ", command)
    assert run_id
    assert re.fullmatch(RUN_ID, run_id.group(1) + "2013-01-01")


def test_every_command_names_an_existing_spec_and_known_options() -> None:
    submits = all_submits()
    assert len(submits) == 7
    for arguments in submits:
        specs = [argument for argument in arguments if argument.endswith(".yaml")]
        assert specs, arguments
        for spec in specs:
            assert (ROOT / spec).is_file(), spec
        options = {argument for argument in arguments if re.match(r"--?[a-z]", argument)}
        assert options <= SUBMIT_OPTIONS
        assert {"--run", "--runs-dir", "--workers", "-o"} <= options
        assert arguments[arguments.index("-o") + 1] == "json"


@pytest.mark.parametrize("name", FILES)
def test_versions_are_those_of_the_project(name: str) -> None:
    pins, text = constraints(), text_of(name)
    for package, version in re.findall(r"\b([A-Za-z][\w-]*)==([\w.]+)", text):
        assert pins[package.lower()] == version
    for version in re.findall(r"rayVersion: ['\"]?([\w.]+)", text):
        assert version == pins["ray"]
    for version in re.findall(r"\bpython:?(3\.[0-9]+)", text):
        assert project()["requires-python"] == f">={version}"
    for version in re.findall(r"\bseqjobs:([0-9][\w.]*)", text):
        assert version == version_of_package()


def test_versions_are_written_where_they_must_be() -> None:
    assert re.search(r"^FROM python:3\.[0-9]+-slim", text_of("Dockerfile"), re.MULTILINE)
    spec = document_of("rayjob.yaml", "RayJob")["spec"]
    assert spec["rayClusterSpec"]["rayVersion"] == constraints()["ray"]
    assert f"ray=={constraints()['ray']}" in text_of("ray-cluster.yaml")
    images = {container["image"] for pod in all_pods() for container in pod["containers"]}
    assert images == {f"seqjobs:{version_of_package()}"}


def test_constraints_pin_every_dependency_within_its_bounds() -> None:
    pins = constraints()
    for text in [*project()["dependencies"], *project()["optional-dependencies"]["dev"]]:
        requirement = Requirement(text)
        assert requirement.name.lower() in pins, f"constraints.txt lacks {requirement.name}"
        assert requirement.specifier.contains(pins[requirement.name.lower()]), text


SECRET_LOOKING = (
    r"(?i)\b(RAY_AUTH_TOKEN|password|passwd|secret|aws_secret_access_key|api_?key)\s*[:=]\s*['\"]?[\w/+]{6,}",
    r"\bAKIA[0-9A-Z]{16}\b",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    r"\b[0-9a-f]{32,}\b",
    r"\b[A-Za-z0-9+/]{40,}={0,2}(?![\w/.])",
)


def secrets_in(text: str) -> list[str]:
    return [found.group(0) for pattern in SECRET_LOOKING for found in re.finditer(pattern, text)]


@pytest.mark.parametrize("name", FILES)
def test_no_file_holds_a_secret(name: str) -> None:
    assert secrets_in(text_of(name)) == []


@pytest.mark.parametrize(
    "text",
    ["RAY_AUTH_TOKEN=hunter2hunter2", "password: correcthorse", "a" * 32, "key AKIA0123456789ABCDEF", "Ab1/" * 11],
)
def test_a_secret_would_be_noticed(text: str) -> None:
    assert secrets_in(text)


def test_the_schema_names_its_source() -> None:
    source = (Path(__file__).parent / "schemas/SOURCE.md").read_text()
    assert "kuberay" in source
    assert "Apache License" in source
