"""Roles: the closed list of what an officer may be, what each may do and over what; and who may grant what to whom.

The three administrators are kept apart (三员): nobody is two of them, none of them has business rights, and an account without
rights (the system administrator's work) and its rights (the security administrator's) are the acts of two people. Refuses to
know accounts and divisions: scopes come as text, people by their ids.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args
from uuid import UUID

from weld.core.fault import Fault
from weld.core.law import Words
from weld.core.rights import BUSINESS_RIGHTS, PERSONAL_RIGHTS

Role = Literal[
    "enterprise_safety_officer",
    "installer",
    "duty_officer",
    "inspector",
    "division_regulator",
    "system_administrator",
    "security_administrator",
    "audit_administrator",
    "integrator",
]
ScopeKind = Literal["platform", "division", "department", "enterprise"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
ADMINISTRATORS: Final = frozenset({"system_administrator", "security_administrator", "audit_administrator"})

_SEES = ("alerts:read", "machines:read", "sessions:read", "workers:read", "enterprises:read")


@dataclass(frozen=True, slots=True)
class Kind:
    """What one role is called, what it may do and over what it may be given."""

    name: Words
    rights: frozenset[str]
    scopes: frozenset[ScopeKind]


def _kind(zh: str, en: str, rights: Collection[str], *scopes: ScopeKind) -> Kind:
    return Kind(Words(zh, en), frozenset(rights), frozenset(scopes))


KINDS: Final[Mapping[Role, Kind]] = MappingProxyType(
    {
        "enterprise_safety_officer": _kind(
            "企业安全员",
            "safety officer of an enterprise",
            {*_SEES, "records:export", "workers:act", "workers:reveal", "registers:write", "plates:print"},
            "enterprise",
        ),
        "installer": _kind(
            "安装员",
            "installer",
            {"machines:read", "machines:write", "enterprises:read", "quarantine:read", "plates:print"},
            "division",
            "platform",
        ),
        "duty_officer": _kind(
            "值班员",
            "duty officer",
            {*_SEES, "alerts:act", "machines:lock", "deliveries:read", "deliveries:act", "quarantine:read"},
            "division",
            "department",
            "platform",
        ),
        "inspector": _kind(
            "检查员",
            "inspector",
            {*_SEES, "alerts:act", "machines:lock"},
            "division",
            "department",
        ),
        "division_regulator": _kind(
            "辖区监管员",
            "regulator of a division",
            {
                *_SEES,
                "records:export",
                "machines:write",
                "enterprises:write",
                "registers:write",
                "workers:act",
                *PERSONAL_RIGHTS,
                "endpoints:write",
                "deliveries:read",
                "plates:print",
            },
            "division",
            "platform",
        ),
        "system_administrator": _kind(
            "系统管理员",
            "system administrator",
            {"officers:read", "officers:write", "departments:write", "divisions:write"},
            "platform",
        ),
        "security_administrator": _kind(
            "安全管理员", "security administrator", {"officers:read", "roles:grant", "keys:write"}, "platform"
        ),
        "audit_administrator": _kind("审计管理员", "audit administrator", {"audit:read"}, "platform"),
        # What a key may hold; each key names its own part of these. No account is an integrator.
        "integrator": _kind(
            "接入系统", "connected system", BUSINESS_RIGHTS, "platform", "division", "department", "enterprise"
        ),
    }
)


def rights_of(roles: Collection[str]) -> list[str]:
    """All that these roles may do together, in order. A role that this version does not know gives nothing."""
    return sorted({right for role in roles if role in KINDS for right in KINDS[role].rights})  # type: ignore[index]


def scope_kind(scope: str) -> str:
    """platform, division, department, enterprise, or whatever it says instead."""
    return scope.partition(":")[0]


def role_fault(role: Role, scope: str) -> Fault | None:
    """Why an account cannot be given this role over this scope at all."""
    if role == "integrator":
        return Fault("role", "a connected system has a key, not an account", zh="接入系统用密钥，不用账号")
    allowed = KINDS[role].scopes
    if scope_kind(scope) not in allowed:
        kinds = ", ".join(sorted(allowed))
        return Fault("scope", f"{role} is given over: {kinds}", zh=f"{KINDS[role].name.zh}的范围只能是：{kinds}")
    return None


def together_fault(roles: Collection[str]) -> Fault | None:
    """Why one person may not hold all of these at once (三员分立)."""
    administrators = ADMINISTRATORS & set(roles)
    if len(administrators) > 1:
        text = "nobody is two of system, security and audit administrator"
        return Fault("separation", text, zh="系统、安全、审计三员不得兼任")
    if administrators and len(set(roles)) > 1:
        return Fault("separation", "an administrator has no business rights", zh="三员不得兼任业务角色")
    return None


@dataclass(frozen=True, slots=True)
class Account:
    """What a grant must know of who gets it: the roles that are held, over what (None: none yet), and who made the account."""

    id: UUID
    roles: frozenset[str] = frozenset()
    scope: str | None = None
    made_by: UUID | None = None
    disabled: bool = False


def grant_fault(account: Account, role: Role, scope: str, by: UUID | None) -> Fault | None:
    """Why `by` (None: the installation itself) may not give this account this role over this scope."""
    if by is not None and by == account.id:
        return Fault("self", "nobody grants to himself", zh="不能给自己授权")
    if by is not None and by == account.made_by:
        return Fault("self", "whoever made an account does not grant to it", zh="建账号和授权必须是两个人")
    if account.disabled:
        return Fault("disabled", "the account is disabled: enable it first", zh="账号已停用，先启用")
    if (found := role_fault(role, scope)) is not None:
        return found
    if account.roles and account.scope != scope:
        text = "all roles of one account have one scope: withdraw the others first, or use another account"
        return Fault("scope", text, zh="一个账号只有一个范围：先收回原有角色，或另开账号")
    return together_fault({*account.roles, role})


def loss_fault(account: Account, others: Collection[str], by: UUID) -> Fault | None:
    """Why `by` may not take from this account what it is: `others` are the roles that other good accounts hold."""
    if by == account.id:
        return Fault("self", "nobody does this to himself", zh="不能对自己这样做")
    if (account.roles & ADMINISTRATORS) - set(others):
        text = "this is the last administrator of the kind: grant the role to another person first"
        return Fault("last", text, zh="这是最后一名此类管理员：先给另一人授权")
    return None


def key_fault(rights: Collection[str]) -> Fault | None:
    """Why a key cannot hold these rights: administration takes a person at a screen."""
    beyond = sorted(set(rights) - KINDS["integrator"].rights)
    if beyond:
        names = ", ".join(beyond)
        return Fault("rights", f"no key holds {names}: that takes a person", zh=f"密钥不能有这些权限：{names}")
    return None
