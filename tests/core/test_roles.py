"""Who may be what: the three administrators are kept apart, nobody grants to himself, and no role has a right without a name."""

from typing import get_args
from uuid import UUID

import pytest

from schemas.registers import RoleName
from weld.core.rights import ADMINISTRATION_RIGHTS, BUSINESS_RIGHTS, PERSONAL_RIGHTS, RIGHTS
from weld.core.roles import (
    ADMINISTRATORS,
    KINDS,
    ROLES,
    Account,
    grant_fault,
    key_fault,
    loss_fault,
    rights_of,
    role_fault,
    together_fault,
)

ME, OTHER, MAKER = UUID(int=1), UUID(int=2), UUID(int=3)
DEPARTMENT = "department:41/4105:00000000-0000-0000-0000-000000000001"


def test_every_role_has_rights_of_the_list_and_every_right_a_role() -> None:
    assert set(KINDS) == set(ROLES) == {*get_args(RoleName), "integrator"}
    assert {right for kind in KINDS.values() for right in kind.rights} == set(RIGHTS)
    assert all(kind.rights and kind.scopes and kind.name.zh and kind.name.en for kind in KINDS.values())


def test_the_three_have_no_business_rights_and_share_none_that_changes_anything() -> None:
    for role in ADMINISTRATORS:
        assert not KINDS[role].rights & set(BUSINESS_RIGHTS)  # type: ignore[index]
        assert KINDS[role].scopes == {"platform"}  # type: ignore[index]
    system, security, audit = (KINDS[role].rights for role in ROLES if role in ADMINISTRATORS)
    assert system & security == {"officers:read"}
    assert audit == {"audit:read"}
    others = [kind for role, kind in KINDS.items() if role not in ADMINISTRATORS]
    assert not any(kind.rights & set(ADMINISTRATION_RIGHTS) for kind in others)


def test_whoever_makes_accounts_cannot_grant_and_whoever_grants_cannot_make() -> None:
    for kind in KINDS.values():
        assert not {"officers:write", "roles:grant"} <= kind.rights


def test_rights_of_several_roles_add_up_and_an_unknown_role_gives_none() -> None:
    assert rights_of([]) == rights_of(["emperor"]) == []
    assert rights_of(["inspector", "installer"]) == sorted(KINDS["inspector"].rights | KINDS["installer"].rights)


@pytest.mark.parametrize(
    ("roles", "code"),
    [
        (["system_administrator"], None),
        (["duty_officer", "inspector", "division_regulator"], None),
        (["system_administrator", "security_administrator"], "separation"),
        (["security_administrator", "audit_administrator"], "separation"),
        (["system_administrator", "audit_administrator"], "separation"),
        (["system_administrator", "duty_officer"], "separation"),
        (["security_administrator", "installer"], "separation"),
        (["audit_administrator", "inspector"], "separation"),
        ([], None),
    ],
)
def test_who_may_be_several_at_once(roles: list[str], code: str | None) -> None:
    fault = together_fault(roles)
    assert (fault and fault.code) == code
    assert fault is None or fault.zh


@pytest.mark.parametrize(
    ("role", "scope", "code"),
    [
        ("enterprise_safety_officer", "enterprise:x", None),
        ("enterprise_safety_officer", "platform", "scope"),
        ("enterprise_safety_officer", "division:41", "scope"),
        ("installer", "division:41", None),
        ("installer", DEPARTMENT, "scope"),
        ("duty_officer", DEPARTMENT, None),
        ("duty_officer", "enterprise:x", "scope"),
        ("inspector", "division:41", None),
        ("inspector", "platform", "scope"),
        ("division_regulator", "division:41/4105", None),
        ("division_regulator", DEPARTMENT, "scope"),
        ("system_administrator", "platform", None),
        ("system_administrator", "division:41", "scope"),
        ("security_administrator", "division:41", "scope"),
        ("audit_administrator", "enterprise:x", "scope"),
        ("integrator", "platform", "role"),
        ("inspector", "nobody", "scope"),
        ("inspector", "", "scope"),
    ],
)
def test_which_role_is_given_over_what(role: RoleName, scope: str, code: str | None) -> None:
    fault = role_fault(role, scope)
    assert (fault and fault.code) == code


@pytest.mark.parametrize(
    ("account", "role", "scope", "code"),
    [
        (Account(OTHER), "inspector", "division:41", None),
        (Account(ME), "inspector", "division:41", "self"),
        (Account(OTHER, made_by=MAKER), "inspector", "division:41", None),
        (Account(OTHER, made_by=ME), "inspector", "division:41", "self"),
        (Account(OTHER, disabled=True), "inspector", "division:41", "disabled"),
        (Account(OTHER), "inspector", "platform", "scope"),
        (Account(OTHER, frozenset({"inspector"}), "division:41"), "duty_officer", "division:41", None),
        (Account(OTHER, frozenset({"inspector"}), "division:41"), "duty_officer", "division:41/4105", "scope"),
        (Account(OTHER, frozenset({"duty_officer"}), "platform"), "audit_administrator", "platform", "separation"),
        (Account(OTHER, frozenset({"system_administrator"}), "platform"), "duty_officer", "platform", "separation"),
        (Account(OTHER, frozenset({"system_administrator"}), "platform"), "audit_administrator", "platform", "separation"),
        (Account(OTHER), "integrator", "platform", "role"),
    ],
)  # fmt: skip
def test_who_may_be_granted_what(account: Account, role: RoleName, scope: str, code: str | None) -> None:
    fault = grant_fault(account, role, scope, ME)
    assert (fault and fault.code) == code


def test_nobody_takes_from_himself_and_the_last_administrator_stays() -> None:
    last = Account(OTHER, frozenset({"audit_administrator"}), "platform")
    for account, others, code in (
        (Account(ME), [], "self"),
        (last, ["system_administrator"], "last"),
        (last, ["audit_administrator"], None),
        (Account(OTHER, frozenset({"inspector"}), "division:41"), [], None),
    ):
        fault = loss_fault(account, others, ME)
        assert (fault and fault.code) == code


def test_no_key_holds_a_right_of_administration() -> None:
    assert key_fault(BUSINESS_RIGHTS) is None
    for right in (*ADMINISTRATION_RIGHTS, *PERSONAL_RIGHTS):
        fault = key_fault(["alerts:read", right])
        assert fault is not None
        assert right in fault.text
