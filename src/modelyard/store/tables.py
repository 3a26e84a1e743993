"""The tables.

Three rules hold throughout. Keys are text made by us, so that a row can be named before it is written. A list that a
page shows is read by one index and never counts rows: counters (`version_count`, `run_count`, `metric_last`) are kept
by the transaction that changes them. Values that no query looks inside are JSON text.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, MetaData, String, Table, Text

from .columns import Json, Moment

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"})

_ID = String(32)
_NAME = String(64)
_OWNER = String(255)
_STATE = String(16)

# The catalog. A price is never changed: a new line of the book is valid from its time on.
hardware = Table(
    "hardware",
    metadata,
    Column("name", _NAME, primary_key=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("cpu", Double, nullable=False),
    Column("memory_mb", Integer, nullable=False),
    Column("gpu", Integer, nullable=False),
    Column("deprecated", Boolean, nullable=False),
)
price = Table(
    "price",
    metadata,
    Column("hardware", _NAME, primary_key=True),
    Column("valid_from", Moment, primary_key=True),
    Column("per_hour", Double, nullable=False),
)
# What an administrator said of a base image, and where its build stands.
image = Table(
    "image",
    metadata,
    Column("name", _NAME, primary_key=True),
    Column("entry", Json),  # a BaseImage's fields, null while only a build is recorded
    Column("state", _STATE, nullable=False),  # "" | requested | building | failed
    Column("reason", Text, nullable=False),
)

# A model is listed once version_count > 0. succeeded_* feed the estimates.
model = Table(
    "model",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("owner", _OWNER, nullable=False),
    Column("name", _NAME, nullable=False),
    Column("description", Text, nullable=False),
    Column("created", Moment, nullable=False),
    Column("updated", Moment, nullable=False),
    Column("version_count", Integer, nullable=False),
    Column("latest_version", Integer),
    Column("run_count", Integer, nullable=False),
    Column("succeeded_count", Integer, nullable=False),
    Column("succeeded_seconds", Double, nullable=False),
    Index("ux_model_owner_name", "owner", "name", unique=True),
    Index("ix_model_owner_updated", "owner", "updated", "id"),
    Index("ix_model_updated", "updated", "id"),
)
version = Table(
    "version",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("model_id", _ID, ForeignKey("model.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("label", String(128), nullable=False),
    Column("message", Text, nullable=False),
    Column("kind", _STATE, nullable=False),
    Column("digest", String(80), nullable=False),
    Column("reference", Text, nullable=False),
    Column("base_name", Text, nullable=False),
    Column("base_digest", String(80), nullable=False),
    Column("size_over_base", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("created", Moment, nullable=False),
    Column("created_by", _OWNER, nullable=False),
    Column("same_as", Integer),
    Column("content", Json, nullable=False),  # entrypoint, parameters, layers, packages, code, warnings, git
    Index("ux_version_model_id_number", "model_id", "number", unique=True),
    Index("ux_version_model_id_label", "model_id", "label", unique=True),
    Index("ix_version_model_id_digest", "model_id", "digest"),
)
save = Table(
    "save",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("model_id", _ID, ForeignKey("model.id"), nullable=False),
    Column("label", String(128), nullable=False),
    Column("message", Text, nullable=False),
    Column("kind", _STATE, nullable=False),
    Column("state", _STATE, nullable=False),
    Column("created", Moment, nullable=False),
    Column("created_by", _OWNER, nullable=False),
    Column("updated", Moment, nullable=False),
    Column("done_bytes", BigInteger, nullable=False),
    Column("total_bytes", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("version", Integer),
    Index("ix_save_model_id", "model_id", "id"),
    Index("ix_save_state", "state", "updated"),
)
# Who holds a label: the save that reserved it, for as long as it goes on and for good once it became a version.
label = Table(
    "label",
    metadata,
    Column("model_id", _ID, ForeignKey("model.id"), primary_key=True),
    Column("label", String(128), primary_key=True),
    Column("save_id", _ID, ForeignKey("save.id"), nullable=False),
)

sweep = Table(
    "sweep",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("model_id", _ID, ForeignKey("model.id"), nullable=False),
    Column("owner", _OWNER, nullable=False),
    Column("model", _NAME, nullable=False),
    Column("version", Integer, nullable=False),
    Column("version_label", String(128), nullable=False),
    Column("state", _STATE, nullable=False),
    Column("target", _STATE, nullable=False),
    Column("space", Json, nullable=False),
    Column("hardware", _NAME, nullable=False),
    Column("price_per_hour", Double, nullable=False),
    Column("parallelism", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("created", Moment, nullable=False),
    Column("created_by", _OWNER, nullable=False),
    Column("ended", Moment),
    Column("summary", Json),  # counts and cost, once it ended
    Index("ix_sweep_owner", "owner", "id"),
    Index("ix_sweep_model_id", "model_id", "id"),
    Index("ix_sweep_state", "state", "id"),
)
# `state_seq` grows by one with every change of the row, and every change is conditional on it.
run = Table(
    "run",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("kind", _STATE, nullable=False),
    Column("model_id", _ID, ForeignKey("model.id"), nullable=False),
    Column("owner", _OWNER, nullable=False),
    Column("model", _NAME, nullable=False),
    Column("version", Integer, nullable=False),
    Column("version_label", String(128), nullable=False),
    Column("digest", String(80), nullable=False),
    Column("reference", Text, nullable=False),
    Column("state", _STATE, nullable=False),
    Column("target", _STATE, nullable=False),
    Column("state_seq", Integer, nullable=False),
    Column("stopping", _STATE, nullable=False),  # why the engine was told to stop it: "" | cancel | timeout
    Column("parameters", Json, nullable=False),
    Column("hardware", Json, nullable=False),  # as it was, with its price, when the run was submitted
    Column("hardware_name", _NAME, nullable=False),
    Column("created", Moment, nullable=False),
    Column("created_by", _OWNER, nullable=False),
    Column("started", Moment),
    Column("ended", Moment),
    Column("timeout_seconds", Integer),
    Column("sweep", _ID, ForeignKey("sweep.id")),
    Column("sweep_index", Integer),
    Column("rerun_of", _ID),
    Column("exit_code", Integer),
    Column("verdict", Text),
    Column("verdict_hint", Text),
    Column("seconds", Double),
    Column("cost", Double),
    Index("ix_run_state", "state", "id"),
    Index("ix_run_target", "target", "state"),
    Index("ix_run_owner", "owner", "id"),
    Index("ix_run_owner_state", "owner", "state", "id"),
    Index("ix_run_model_id", "model_id", "id"),
    Index("ix_run_model_id_version", "model_id", "version", "id"),
    Index("ix_run_sweep", "sweep", "id"),
    Index("ix_run_sweep_state", "sweep", "state", "id"),
)
attempt = Table(
    "attempt",
    metadata,
    Column("run_id", _ID, ForeignKey("run.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("handle", String(64), nullable=False),
    Column("claimed", Moment, nullable=False),
    Column("started", Moment),
    Column("ended", Moment),
    Column("exit_code", Integer),
    Column("signal", Integer),
    Column("reason", Text, nullable=False),
    Column("peak_memory_mb", Double),
    Column("cpu_seconds", Double),
    Column("limits", Text, nullable=False),
    Column("seconds", Double),
    Column("price_per_hour", Double),
    Column("amount", Double),
    Column("log", _STATE, nullable=False),  # live | ended (to be archived) | archived
    Index("ux_attempt_handle", "handle", unique=True),
    Index("ix_attempt_ended", "ended"),
    Index("ix_attempt_log", "log", "handle"),
)

# Insert-only: sending the same points again changes nothing. Tables and search read metric_last alone.
metric = Table(
    "metric",
    metadata,
    Column("run_id", _ID, ForeignKey("run.id"), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("step", BigInteger, primary_key=True),
    Column("time", Double, primary_key=True),
    Column("value", Double, nullable=False),
    sqlite_with_rowid=False,
)
metric_last = Table(
    "metric_last",
    metadata,
    Column("run_id", _ID, ForeignKey("run.id"), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("step", BigInteger, nullable=False),
    Column("time", Double, nullable=False),
    Column("last", Double, nullable=False),
    Column("minimum", Double, nullable=False),
    Column("maximum", Double, nullable=False),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
artifact = Table(
    "artifact",
    metadata,
    Column("run_id", _ID, ForeignKey("run.id"), primary_key=True),
    Column("path", String(512), primary_key=True),
    Column("key", String(200), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created", Moment, nullable=False),
)

# One use of hardware by an environment, from when it was first seen running until it no longer was.
session = Table(
    "session",
    metadata,
    Column("owner", _OWNER, primary_key=True),
    Column("environment", _NAME, primary_key=True),
    Column("started", Moment, primary_key=True),
    Column("seen", Moment, nullable=False),
    Column("ended", Moment),
    Column("hardware", _NAME, nullable=False),
    Index("ix_session_ended", "ended"),
)
event = Table(
    "event",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("time", Moment, nullable=False),
    Column("actor", _OWNER, nullable=False),
    Column("subject", String(400), nullable=False),
    Column("action", String(64), nullable=False),
    Column("data", Json, nullable=False),
    Index("ix_event_subject", "subject", "seq"),
)
idempotency = Table(
    "idempotency",
    metadata,
    Column("user", _OWNER, primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("object_id", _ID, nullable=False),
    Column("created", Moment, nullable=False),
    Index("ix_idempotency_created", "created"),
)
# `epoch` grows with every new holder; whoever works under a lease writes only while holder and epoch are still its own.
lease = Table(
    "lease",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", _ID, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("until", Moment, nullable=False),
)
