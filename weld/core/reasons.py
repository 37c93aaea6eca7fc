"""Why the platform says no: a closed list, each with what happened, the way out and the legal basis, in Chinese and English.

The codes are what programs read; the texts are keyed by them and may change. Refuses free text, names of people, names of
crimes and promises of what an authority will decide. The wording of the legal basis is to be checked by a lawyer.
"""

from dataclasses import dataclass
from typing import Literal

from weld.core import law
from weld.core.law import Words

ReasonCode = Literal[
    "unknown_plate",
    "plate_check_failed",
    "machine_not_chipped",
    "machine_offline",
    "machine_in_use",
    "machine_locking",
    "machine_blocked",
    "machine_unsafe",
    "no_certificate",
    "certificate_unverified",
    "certificate_expired",
    "certificate_not_yet_valid",
    "review_overdue",
    "certificate_revoked",
    "certificate_cancelled",
    "certificate_suspended",
    "certificate_suspected_fake",
    "wrong_item",
    "wrong_domain",
    "certificate_in_use_elsewhere",
    "worker_suspended",
    "under_age",
    "over_age",
    "off_post",
    "verification_stale",
    "too_many_attempts",
    "platform_unavailable",
    "code_wrong",
    "code_expired",
    "too_many_codes",
    "sign_in_wrong",
    "sign_in_held",
    "signed_out",
    "step_up_required",
    "passkey_refused",
    "single_sign_on_refused",
    "device_waiting",
    "cross_origin",
    "not_allowed",
    "not_found",
    "idempotency_key_reused",
    "idempotency_key_missing",
    "already_ended",
    "erasure_held",
    "sign_in_again",
    "bad_request",
    "internal_error",
]


@dataclass(frozen=True, slots=True)
class Reason:
    """What happened, what to do now, and which law says so (None: a rule of the platform or a matter of fact)."""

    code: ReasonCode
    text: Words
    way_out: Words
    basis: Words | None = None


_ASK_ISSUER = Words(
    "有疑问请找发证机关，或在这里申诉。今天的活请换持证的人。",
    "Ask the issuer, or appeal. Let a certified welder do today's work.",
)

REASONS: dict[ReasonCode, Reason] = {
    reason.code: reason
    for reason in (
        Reason(
            "unknown_plate",
            Words("平台上没有这个机器号码。", "The platform does not know this machine."),
            Words("核对铭牌号码；没登记就请安装员登记。", "Compare the number; ask the installer to register it."),
        ),
        Reason(
            "plate_check_failed",
            Words("机器号码不对，可能输错了一位。", "This machine number is wrong, perhaps by one character."),
            Words(
                "照着铭牌重输，先看最后四位。", "Type it again from the plate; look at the last four characters first."
            ),
        ),
        Reason(
            "machine_not_chipped",
            Words("这台机器还没装芯片，开不了。", "This machine has no chip yet and cannot be started here."),
            Words(
                "请单位安全员约安装，先换一台机器。", "Ask the safety officer to order the chip; use another machine."
            ),
        ),
        Reason(
            "machine_offline",
            Words("这台机器现在连不上平台。", "This machine is not connected to the platform now."),
            Words("先接通电源，等指示灯常亮再扫。", "Plug it in, wait for the steady light, then scan again."),
        ),
        Reason(
            "machine_in_use",
            Words("这台机器正有人在用。", "Somebody is using this machine."),
            Words("等那次作业结束，或换一台机器。", "Wait until that work ends, or use another machine."),
        ),
        Reason(
            "machine_locking",
            Words("这台机器刚收到上锁指令，还没锁好。", "This machine was told to lock and has not finished."),
            Words(
                "停弧后等一分钟再扫；还不行就问安全员。",
                "Stop the arc, wait a minute, scan again; otherwise ask the safety officer.",
            ),
        ),
        Reason(
            "machine_blocked",
            Words("这台机器已停用。", "This machine has been taken out of use."),
            Words("打机身热线问原因，先换一台机器。", "Call the hotline on the machine; use another machine."),
        ),
        Reason(
            "machine_unsafe",
            Words("这台机器报告有故障或被拆动，先停用。", "This machine reports a fault or that it was tampered with."),
            Words("别再通电，打机身热线报修。", "Leave it unplugged and call the hotline on the machine."),
            law.NOT_SAFE,
        ),
        Reason(
            "no_certificate",
            Words("没查到你的焊接作业证。", "No welding certificate of yours was found."),
            Words("有证就上传，没证请换持证的人。", "Upload it if you have one, or let a certified welder start."),
            law.MUST_HOLD,
        ),
        Reason(
            "certificate_unverified",
            Words("你的证还没核对完。", "Your certificate has not been verified yet."),
            Words(
                "一般一个工作日；急活请换持证的人。",
                "It usually takes one working day; let a certified welder do urgent work.",
            ),
            law.MUST_HOLD,
        ),
        Reason(
            "certificate_expired",
            Words("焊接作业证已过期。", "Your welding certificate has expired."),
            Words(
                "换了新证就请安全员登记；没换先申请换证。",
                "If renewed, ask the safety officer to enter it; if not, apply for renewal.",
            ),
            law.MUST_HOLD,
        ),
        Reason(
            "certificate_not_yet_valid",
            Words("焊接作业证还没到生效日期。", "Your welding certificate is not valid yet."),
            Words(
                "到生效那天再扫；今天请换持证的人。", "Scan again on its first day; let a certified welder start today."
            ),
            law.MUST_HOLD,
        ),
        Reason(
            "review_overdue",
            Words("证书该复审没复审。", "The re-examination of your certificate is overdue."),
            Words(
                "先去复审；复审过了就请安全员登记。",
                "Take the re-examination first, then ask the safety officer to enter it.",
            ),
            law.REVIEW,
        ),
        Reason(
            "certificate_revoked",
            Words("发证机关已撤销这张证。", "The issuer has revoked this certificate."),
            _ASK_ISSUER,
            law.WITHDRAWN,
        ),
        Reason(
            "certificate_cancelled",
            Words("发证机关已注销这张证。", "The issuer has cancelled this certificate."),
            _ASK_ISSUER,
            law.WITHDRAWN,
        ),
        Reason(
            "certificate_suspended",
            Words("这张证暂停使用。", "This certificate is suspended."),
            Words(
                "看通知里的原因，办完再扫；也可以申诉。", "See the notice for why, settle it and scan again; or appeal."
            ),
            law.ORDER,
        ),
        Reason(
            "certificate_suspected_fake",
            Words(
                "证书库里没有这张证，需要人工核对。",
                "The register does not hold this certificate; it needs a manual check.",
            ),
            Words("把证原件给发证机关核对；也可以申诉。", "Show the original to the issuer; you may also appeal."),
            law.NO_FORGERY,
        ),
        Reason(
            "wrong_item",
            Words(
                "你的证上的项目不适用这种焊机。", "The item on your certificate does not cover this kind of machine."
            ),
            Words(
                "有这个项目的证就上传，没有请换持证的人。", "Upload one for this work, or let a certified welder start."
            ),
            law.ITEM,
        ),
        Reason(
            "wrong_domain",
            Words("你的证不能用在这类作业上。", "Your certificate does not cover this kind of work."),
            Words(
                "工地用建筑焊工证，特种设备用特种设备作业人员证。",
                "Building sites and special equipment need their own certificates.",
            ),
            law.DOMAIN,
        ),
        Reason(
            "certificate_in_use_elsewhere",
            Words("你的证正在另一台机器上开着机。", "Your certificate is in use on another machine."),
            Words("先结束那台，再扫这台。", "End that session first, then scan this machine."),
            law.NO_LENDING,
        ),
        Reason(
            "worker_suspended",
            Words("你的开机资格已暂停。", "Your right to start machines is suspended."),
            Words("问单位安全员；不同意可以申诉。", "Ask your safety officer; you may appeal."),
            law.ORDER,
        ),
        Reason(
            "under_age",
            Words("年龄不满十八周岁。", "You are under 18 years of age."),
            Words("请换持证的人；信息不对可以申诉。", "Let a certified welder start; appeal if the record is wrong."),
            law.AGE,
        ),
        Reason(
            "over_age",
            Words("年龄已超过特种作业的上限。", "You are above the age limit for special work."),
            Words("请换持证的人；信息不对可以申诉。", "Let a certified welder start; appeal if the record is wrong."),
            law.AGE,
        ),
        Reason(
            "off_post",
            Words("你离开焊接岗位满六个月了。", "You have been away from welding for six months."),
            Words(
                "先考实操，请安全员登记；在别处干过活也可以登记。",
                "Pass the practical test and have the safety officer enter it, or enter your work elsewhere.",
            ),
            law.OFF_POST,
        ),
        Reason(
            "verification_stale",
            Words("你的证太久没和证书库核对。", "Your certificate was not checked with the register for too long."),
            Words(
                "请安全员重新核对；急活请换持证的人。",
                "Ask the safety officer to check it again; let a certified welder do urgent work.",
            ),
            law.MUST_HOLD,
        ),
        Reason(
            "too_many_attempts",
            Words("试得太快了。", "Too many attempts in a short time."),
            Words("等一分钟再试。", "Wait a minute and try again."),
        ),
        Reason(
            "platform_unavailable",
            Words("平台暂时开不了机，不是你的问题。", "The platform cannot unlock now; it is not your fault."),
            Words("过一会儿再试；急活打值班台。", "Try again in a moment; call the duty desk for urgent work."),
        ),
        Reason(
            "code_wrong",
            Words("验证码不对。", "The code is wrong."),
            Words(
                "看清短信再输一次；试了五次就重新要一个。",
                "Read the message and try again; after five tries ask for a new code.",
            ),
        ),
        Reason(
            "code_expired",
            Words("验证码过期了。", "The code has expired."),
            Words("重新要一个验证码。", "Ask for a new code."),
        ),
        Reason(
            "too_many_codes",
            Words("要验证码太频繁了。", "Too many codes were asked for."),
            Words("过几分钟再试。", "Try again in a few minutes."),
        ),
        Reason(
            "sign_in_wrong",
            Words("账号、密码或动态码不对。", "Login, password or code is wrong."),
            Words(
                "三样都核对，等下一个动态码再试；忘了找管理员重设。",
                "Check all three and wait for the next code; ask your administrator if you forgot one.",
            ),
        ),
        Reason(
            "sign_in_held",
            Words("错了好几次，这个账号先停一会儿。", "Too many wrong tries; signing in is paused for this login."),
            Words(
                "最多等十五分钟再试；忘了密码找管理员。",
                "Wait up to 15 minutes and try again; ask your administrator for a new password.",
            ),
        ),
        Reason(
            "signed_out",
            Words("你还没登录，或登录已到期。", "You are not signed in, or no longer."),
            Words("请重新登录。", "Please sign in again."),
        ),
        Reason(
            "step_up_required",
            Words("这一步要再确认是你本人。", "This step takes a fresh proof that it is you."),
            Words(
                "用通行密钥，或密码加动态码再确认一次。",
                "Confirm with a passkey, or password and code, then do it again.",
            ),
        ),
        Reason(
            "passkey_refused",
            Words("这个通行密钥没通过。", "This passkey was not accepted."),
            Words("再试一次，或改用密码加动态码。", "Try again, or use password and code."),
        ),
        Reason(
            "single_sign_on_refused",
            Words(
                "统一认证没通过，或没关联本平台账号。", "The single sign-on failed, or is linked to no account here."
            ),
            Words(
                "先用密码登录；要关联账号找管理员。",
                "Sign in by password; ask your administrator to link your account.",
            ),
        ),
        Reason(
            "device_waiting",
            Words("这是新设备，还不能用来开机。", "This device is new and cannot be used to start yet."),
            Words(
                "先用旧手机；旧手机没了，等两小时再试。", "Use the old phone; if it is gone, try again in two hours."
            ),
        ),
        Reason(
            "cross_origin",
            Words("这个请求不是从本平台的页面发出的。", "This request did not come from a page of this platform."),
            Words("打开本平台自己的页面再操作。", "Open the platform's own page and do it there."),
        ),
        Reason(
            "not_allowed",
            Words("你没有这项权限。", "You do not have the right to do this."),
            Words("向管理员申请。", "Ask your administrator for it."),
        ),
        Reason(
            "not_found",
            Words("没找到。", "Not found."),
            Words("核对编号，或回上一页。", "Check the number, or go back."),
        ),
        Reason(
            "idempotency_key_reused",
            Words("同一个请求编号用在了两次不同的请求上。", "One Idempotency-Key was used for two different requests."),
            Words("换一个新的请求编号。", "Use a new key."),
        ),
        Reason(
            "idempotency_key_missing",
            Words("请求里没有 Idempotency-Key。", "The request has no Idempotency-Key."),
            Words("带上一个没用过的编号再发。", "Send it again with a key that was not used before."),
        ),
        Reason(
            "erasure_held",
            Words("现在还不能删除这个人的资料。", "This person's data cannot be erased now."),
            Words("等列出的事都了结再删。", "Do it once everything that is listed is over."),
        ),
        Reason(
            "sign_in_again",
            Words("取自己的全部资料，要刚刚登录过。", "A copy of all your data takes a sign-in of just now."),
            Words("退出登录，用验证码重新登录，再取一次。", "Sign out, sign in again by code, then ask again."),
        ),
        Reason(
            "already_ended",
            Words("这件事已经结束了。", "This has already ended."),
            Words("刷新看最新情况。", "Reload to see how it stands."),
        ),
        Reason(
            "bad_request",
            Words("请求的内容不对。", "The request is not well formed."),
            Words("按接口文档改好再发。", "Correct it according to the API document."),
        ),
        Reason(
            "internal_error",
            Words("平台出了错，已经记下。", "Something went wrong on our side; it has been recorded."),
            Words("过一会儿再试，报上请求编号。", "Try again in a moment and quote the request number."),
        ),
    )
}
