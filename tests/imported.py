"""What a command imports sooner or later, for the process from which tests/forked.py forks."""

import pandas
import pyarrow.parquet
import torch._dynamo

import kamerton.catalogue.predict
import kamerton.cli.command
import kamerton.training.train
from kamerton.formats.keras.file import import_keras

__all__ = ["kamerton", "pandas", "pyarrow", "torch"]

import_keras()
