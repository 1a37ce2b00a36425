"""Operations are tested on the folders of data tests."""

from tests.data.conftest import folder

__all__ = ["folder"]
