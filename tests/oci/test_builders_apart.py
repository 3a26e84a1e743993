"""A build in a process of its own says the same as one in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.builders.apart import BuilderApart
from modelyard.builders.definitions import definitions_folder
from modelyard.builders.local import LocalBaseBuilder
from modelyard.core.errors import NotFound
from modelyard.oci.layout import Layout


@pytest.fixture
def builder(tmp_path: Path) -> BuilderApart:
    local = LocalBaseBuilder(Layout(tmp_path / "images"), tmp_path / "cache" / "rootfs", definitions_folder())
    return BuilderApart(local, tmp_path)


def test_the_bases_that_can_be_made_are_those_of_the_definitions(builder: BuilderApart) -> None:
    assert [(base.name, base.state) for base in builder.known()] == [("python", "absent"), ("datascience", "absent")]


def test_a_name_that_is_not_defined_is_refused_in_the_builders_words(builder: BuilderApart) -> None:
    with pytest.raises(NotFound, match="nosuch") as refused:
        builder.build("nosuch")
    assert refused.value.hint
