"""Where runs execute: adapters of `core.ports.Engine`."""
