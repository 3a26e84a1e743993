"""Image builds: where base images come from. Imports only `core` and `oci`."""
