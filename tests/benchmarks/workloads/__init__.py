"""The models that are measured, one file each."""

from __future__ import annotations

from collections.abc import Mapping

from tests.benchmarks.workloads._base import Product, Workload
from tests.benchmarks.workloads.convolution import CONVOLUTION
from tests.benchmarks.workloads.dense import DENSE
from tests.benchmarks.workloads.dropout import DROPOUT
from tests.benchmarks.workloads.lstm import LSTM
from tests.benchmarks.workloads.small import SMALL

WORKLOADS: Mapping[str, Workload] = {workload.name: workload for workload in (SMALL, DENSE, DROPOUT, CONVOLUTION, LSTM)}

__all__ = ["WORKLOADS", "Product", "Workload"]
