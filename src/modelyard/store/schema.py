"""The schema's revision that this code works with: the newest file of `migrations/versions`."""

HEAD = "0001"
