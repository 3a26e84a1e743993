"""The base image `datascience`: built from its lock over `python`, and used."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from bases import build_base

from modelyard.oci.layout import Layout
from modelyard.oci.unpack import unpack

USE = """
import lightgbm, matplotlib, numpy, pandas, sklearn.linear_model, xgboost
matplotlib.use("Agg")
import matplotlib.pyplot
x = numpy.random.default_rng(1).random((300, 4))
y = x.sum(axis=1)
for model in (lightgbm.LGBMRegressor(verbosity=-1), xgboost.XGBRegressor(n_estimators=5), sklearn.linear_model.Ridge()):
    assert model.fit(x, y).predict(x).shape == (300,)
matplotlib.pyplot.plot(pandas.Series(y))
matplotlib.pyplot.savefig("plot.png")
print("used")
"""


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(600)
def test_the_data_science_base_trains_and_plots(repository: Path, tmp_path: Path) -> None:
    home = repository / ".cache" / "test" / "datascience-home"
    image = build_base(home, "datascience")
    assert "xgboost-cpu 3" in " ".join(image.packages)
    python = unpack(Layout(home / "images"), image.digest, home / "cache" / "rootfs") / "opt/python/bin/python3"
    done = subprocess.run([python, "-c", USE], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "used\n", done.stderr
    assert (tmp_path / "plot.png").stat().st_size > 5_000
