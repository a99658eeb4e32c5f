"""Documentation that repeats a program's words is held against them."""

from __future__ import annotations

import pytest
import yaml

from tests.support.playbooks import ROOT

RULES = yaml.safe_load((ROOT / "roles/redis_access/vars/main.yml").read_text())["redis_access_rules"]
PAGE = (ROOT / "docs/security.md").read_text()


@pytest.mark.parametrize("user", RULES)
def test_the_page_shows_the_rules_that_are_in_force(user: str) -> None:
    assert f"user {user} on ><password> {RULES[user]}\n" in PAGE


def test_every_check_that_the_page_names_exists() -> None:
    from checks.judge import all_checks  # noqa: PLC0415 - only this test needs them

    known = {check.id for check in all_checks()}
    named = {word.strip("`,|. ") for word in PAGE.split() if word.startswith(("`B.", "`D.", "`E."))}
    assert named
    assert named <= known
