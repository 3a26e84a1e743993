"""R scripts and R Markdown, through the image's Rscript."""

from __future__ import annotations

import shutil
import sys

from .command import NOT_FOUND, become
from .given import as_text
from .job import Job

# A constant program: values reach R as arguments and in a file, never as code.
_RENDER = (
    "given <- commandArgs(TRUE); "
    "rmarkdown::render(given[1], params = jsonlite::fromJSON(given[2]), output_dir = given[3])"
)


def run(job: Job) -> int:
    if shutil.which("Rscript") is None:
        sys.stderr.write("modelyard: this image has no Rscript; save the model from a base image that brings R.\n")
        return NOT_FOUND
    if job.entrypoint.kind == "rmd":
        return become(
            ["Rscript", "-e", _RENDER, str(job.file), str(job.output / "parameters.json"), str(job.artifacts)]
        )
    given = [f"--{name}={as_text(value)}" for name, value in job.parameters.items() if value is not None]
    return become(["Rscript", str(job.file), *given])
