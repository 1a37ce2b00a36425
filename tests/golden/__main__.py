"""`python -m tests.golden`: train every case with stock Keras, and store what it gives."""

from __future__ import annotations

from seqjobs.training import environment
from tests.golden.cases import all_cases
from tests.golden.references import save


def main() -> None:
    """Replace the stored references."""
    environment.pin()
    from tests.golden.stock import train_stock  # noqa: PLC0415 (imports TensorFlow)

    save({name: train_stock(case) for name, case in all_cases().items()})


if __name__ == "__main__":
    main()
