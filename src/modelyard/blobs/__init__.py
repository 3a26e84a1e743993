"""Logs and artifacts of ended runs: adapters of `core.ports.BlobStore`."""
