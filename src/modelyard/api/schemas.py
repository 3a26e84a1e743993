"""What can be sent: shapes and bounds. The rules of the values themselves are the services' and the core's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from modelyard.core.contract import EntrypointKind
from modelyard.core.parameters import Kind
from modelyard.core.run import RunKind
from modelyard.core.sweep import MAX_POINTS

ShortText = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=10_000)]
# No limit where `core.names` or a service has a rule: their sentence says what is right, not only what is wrong.
RuledText = str
FilePath = Annotated[str, Field(max_length=4096)]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
VersionName = Annotated[int | ShortText, Field(description="A number, a label or 'latest'")]
Parameters = Annotated[dict[str, Any], Field(max_length=1000)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Seconds = Annotated[int, Field(ge=1, le=30 * 24 * 3600)]
Money = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class Body(BaseModel):
    """Unknown fields are refused, and a text is not a number."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class HardwareBody(Body):
    """`cpu` in cores, `memory_mb` in MiB, `price_per_hour` in US dollars."""

    name: ShortText | None = Field(default=None, description="May be left out; when given, the name in the address")
    title: ShortText
    cpu: Annotated[float, Field(gt=0, le=10_000)]
    memory_mb: Annotated[int, Field(gt=0, le=2**31)]
    gpu: Annotated[int, Field(ge=0, le=10_000)] = 0
    price_per_hour: Money = 0.0
    description: Text = ""
    deprecated: bool = False


class ImageBody(Body):
    name: ShortText | None = Field(default=None, description="May be left out; when given, the name in the address")
    title: ShortText
    description: Text = ""
    digest: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")] = ""
    packages: Annotated[list[ShortText], Field(max_length=200)] = []
    default: bool = False
    deprecated: bool = False


class EnvironmentBody(Body):
    """`start` starts it at once."""

    name: RuledText
    title: ShortText = ""
    image: ShortText
    hardware: ShortText
    start: bool = False


class SaveBody(Body):
    model: RuledText
    label: RuledText
    message: RuledText = ""
    kind: Literal["manual", "auto", "cli"] = "manual"
    owner: ShortText | None = None


class ProgressBody(Body):
    """`done_bytes` of `total_bytes` are packed and stored."""

    state: Literal["scanning", "pushing", "verifying"]
    done_bytes: Count = 0
    total_bytes: Count = 0


class EntrypointBody(Body):
    kind: EntrypointKind
    path: FilePath = ""
    function: ShortText = ""
    command: Annotated[list[FilePath], Field(max_length=1000)] = []
    style: Literal["flags", "none"] = "none"


class ParameterBody(Body):
    name: ShortText
    kind: Kind = "string"
    default: Any = None
    required: bool = False
    choices: Annotated[list[Any], Field(max_length=1000)] = []
    minimum: float | None = None
    maximum: float | None = None
    description: Text = ""
    flag: ShortText = ""


class PackageBody(Body):
    name: ShortText
    version: ShortText
    change: Literal["base", "added", "changed", "removed"] = "base"
    base_version: ShortText = ""


class CodeFileBody(Body):
    path: FilePath
    size: Count


class WarningBody(Body):
    code: ShortText
    path: FilePath
    message: Text
    blocks: bool = False


class GitBody(Body):
    url: Text = ""
    branch: Text = ""
    commit: ShortText = ""
    dirty: bool = False


class CompletionBody(Body):
    """What was stored. `digest` is of the manifest in the save's sink; the platform reads it back from there."""

    digest: Digest
    base_name: ShortText
    base_digest: Digest
    entrypoint: EntrypointBody
    parameters: Annotated[list[ParameterBody], Field(max_length=1000)] = []
    packages: Annotated[list[PackageBody], Field(max_length=20_000)] = []
    code: Annotated[list[CodeFileBody], Field(max_length=100_000)] = []
    warnings: Annotated[list[WarningBody], Field(max_length=10_000)] = []
    git: GitBody = GitBody()
    seconds: Annotated[float, Field(ge=0)] = 0.0


class FailureBody(Body):
    reason: Text
    hint: Text = ""


class RunBody(Body):
    model: ShortText
    owner: ShortText | None = None
    version: VersionName = "latest"
    parameters: Parameters = {}
    hardware: ShortText
    kind: RunKind = "train"
    timeout_seconds: Seconds | None = None


class SpaceBody(Body):
    """`fixed` for every run, and either a `grid` (all combinations) or a list of `points`."""

    fixed: Parameters = {}
    grid: Annotated[dict[str, list[Any]], Field(max_length=1000)] = {}
    # One more than may be made, so that the refusal comes from the rule that knows the count.
    points: Annotated[list[dict[str, Any]], Field(max_length=10 * MAX_POINTS)] = []


class SweepBody(Body):
    model: ShortText
    owner: ShortText | None = None
    version: VersionName = "latest"
    space: SpaceBody
    hardware: ShortText
    parallelism: Annotated[int, Field(ge=1, le=100_000)] = 1
    timeout_seconds: Seconds | None = None


class MetricPointBody(Body):
    """`time` is Unix time in seconds; 0 is now."""

    key: Annotated[str, Field(min_length=1, max_length=250)]
    value: float
    step: Annotated[int, Field(ge=-(2**63), lt=2**63)] = 0
    time: Annotated[float, Field(ge=0, le=1e11)] = 0.0


class MetricsBody(Body):
    points: Annotated[list[MetricPointBody], Field(max_length=100_000)]
