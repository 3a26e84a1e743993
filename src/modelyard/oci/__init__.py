"""OCI images: write layers, compose manifests, keep them in a layout folder, unpack them. Imports only `core`."""
