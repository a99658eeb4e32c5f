"""One VPS for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.vps import Vps, vps_host

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def vps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vps]:
    with vps_host(tmp_path_factory.mktemp("vps")) as host:
        yield host
