"""What the enrolment page says: why, and what to do on each system.

Makers move these settings about and not every model was tried, so the steps name the word to
search for, and the page says that menus differ.
"""

from __future__ import annotations

from enum import StrEnum

from gis.attributes import Text


class Platform(StrEnum):
    """A system that keeps a list of whom it trusts."""

    ANDROID = "android"
    IOS = "ios"
    HARMONY = "harmony"
    WINDOWS = "windows"
    MACOS = "macos"
    LINUX = "linux"

    @property
    def label(self) -> Text:
        """Its name."""
        return _LABELS[self]


_LABELS = {
    Platform.ANDROID: Text(zh="安卓手机", en="Android"),
    Platform.IOS: Text(zh="苹果 iPhone / iPad", en="iPhone and iPad"),
    Platform.HARMONY: Text(zh="华为鸿蒙", en="HarmonyOS"),
    Platform.WINDOWS: Text(zh="Windows 电脑", en="Windows"),
    Platform.MACOS: Text(zh="苹果电脑 macOS", en="macOS"),
    Platform.LINUX: Text(zh="Linux(含麒麟、统信)", en="Linux"),
}
WORDS = {
    "brand": Text(zh="城建一张图", en="Infratrack"),
    "title": Text(
        zh="让这台设备信任本单位的服务器", en="Let this device trust your bureau's server"
    ),
    "why": Text(
        zh="巡查手机要在没有信号时也能用,浏览器要求加密连接。装一次证书即可:它只能用于本单位的"
        "内部名称和地址,不能用于其他网站,可随时在系统设置中删除。",
        en="To work without a signal the browser insists on an encrypted connection. One"
        " certificate does it: it is good for your bureau's own names and addresses only,"
        " for no other site, and can be removed in the system's settings at any time.",
    ),
    "compare": Text(zh="核对指纹", en="Compare the fingerprint"),
    "how": Text(
        zh="与管理员在服务器终端看到的(或张贴在办公室的)逐组比对:",
        en="Group by group with what the server's terminal shows, or the notice in the office:",
    ),
    "until": Text(zh="有效期至", en="valid until"),
    "warn": Text(
        zh="安装后,在证书详情中再核对一次;有一组不同就删除,并告诉系统管理员。",
        en="Once installed, compare again in the certificate's details. If one group differs,"
        " remove it and tell the system officer.",
    ),
    "install": Text(zh="下载并安装证书", en="Download and install the certificate"),
    "file": Text(zh="下载证书", en="Download the certificate"),
    "profile": Text(zh="iPhone / iPad 描述文件", en="Profile for iPhone and iPad"),
    "vary": Text(
        zh="菜单位置因机型和系统版本而异,未逐一验证:找不到时在系统设置中搜索“证书”。",
        en="Menus differ by model and version, and not every one was tried: where a menu is"
        " missing, search the settings for “certificate”.",
    ),
    "open": Text(zh="打开城建一张图", en="Open Infratrack"),
    "scan": Text(
        zh="用系统浏览器打开或扫码。地址栏没有警告,就成功了。",
        en="In the system's browser, or scan the code. No warning in the address bar: it worked.",
    ),
    "other": Text(zh="English", en="中文"),
}
STEPS: dict[Platform, tuple[Text, ...]] = {
    Platform.ANDROID: (
        Text(zh="点“下载证书”。", en="Tap “Download the certificate”."),
        Text(
            zh="打开系统“设置”,搜索“证书”,选“安装证书”或“从存储设备安装”,再选“CA 证书”。",
            en="Open the system's Settings, search for “certificate”, choose “Install a"
            " certificate”, then “CA certificate”.",
        ),
        Text(
            zh="系统提醒风险时选“仍然安装”,选中 `infratrack.crt`。手机须设有锁屏密码。",
            en="At the warning choose “Install anyway”, and pick `infratrack.crt`. The phone must"
            " have a screen lock.",
        ),
        Text(
            zh="用系统浏览器或 Chrome 打开;Firefox 与微信内置页面不使用此证书。",
            en="Open the address in Chrome or the system's browser; Firefox and pages inside WeChat"
            " do not use this certificate.",
        ),
    ),
    Platform.IOS: (
        Text(
            zh="用 Safari 打开本页,点“描述文件”,允许下载。",
            en="Open this page in Safari, tap the profile, and allow the download.",
        ),
        Text(
            zh="“设置” → “已下载描述文件” → “安装”。",
            en="Settings → Profile Downloaded → Install.",
        ),
        Text(
            zh="“设置” → “通用” → “关于本机” → “证书信任设置”,打开“Infratrack CA”的完全信任。"
            "少了这一步证书不起作用。",
            en="Settings → General → About → Certificate Trust Settings: turn on full trust for"
            " “Infratrack CA”. Without this step the certificate does nothing.",
        ),
    ),
    Platform.HARMONY: (
        Text(zh="点“下载证书”。", en="Tap “Download the certificate”."),
        Text(
            zh="打开“设置”,搜索“证书”:鸿蒙 4 及以前在“安全” → “更多安全设置” → “加密和凭据” →"
            " “从存储设备安装”;鸿蒙 5 起在“隐私和安全” → “高级” → “证书与凭据”,选“CA 证书”。",
            en="Open Settings and search for “certificate”: up to HarmonyOS 4 under Security → More"
            " settings → Encryption & credentials → Install from storage; from HarmonyOS 5 under"
            " Privacy & security → Advanced → Certificates & credentials; choose “CA certificate”.",
        ),
        Text(zh="选中 `infratrack.crt`,确认安装。", en="Pick `infratrack.crt` and confirm."),
    ),
    Platform.WINDOWS: (
        Text(
            zh="下载后双击 `infratrack.crt` → “安装证书” → “当前用户”。",
            en="Double-click `infratrack.crt` → Install Certificate → Current User.",
        ),
        Text(
            zh="选“将所有的证书都放入下列存储” → “浏览” → “受信任的根证书颁发机构”,完成。",
            en="“Place all certificates in the following store” → Browse → Trusted Root"
            " Certification Authorities; finish.",
        ),
        Text(
            zh="或在命令行:`certutil -user -addstore Root infratrack.crt`。然后重开浏览器。",
            en="Or at a prompt: `certutil -user -addstore Root infratrack.crt`. Then restart the"
            " browser.",
        ),
    ),
    Platform.MACOS: (
        Text(
            zh="双击下载的证书,加入“登录”钥匙串。",
            en="Double-click the certificate; add it to the login keychain.",
        ),
        Text(
            zh="在“钥匙串访问”中双击“Infratrack CA” → “信任” → “始终信任”。",
            en="In Keychain Access double-click “Infratrack CA” → Trust → Always Trust.",
        ),
    ),
    Platform.LINUX: (
        Text(
            zh="Debian、麒麟、统信:`sudo cp infratrack.crt /usr/local/share/ca-certificates/`,"
            "然后 `sudo update-ca-certificates`。",
            en="Debian and its family: `sudo cp infratrack.crt /usr/local/share/ca-certificates/`,"
            " then `sudo update-ca-certificates`.",
        ),
        Text(
            zh="Chrome、Chromium:设置中搜索“证书” → “授权机构” → 导入;或"
            " `certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n infratrack -i infratrack.crt`。",
            en="Chrome and Chromium: search the settings for “certificates” → Authorities → Import;"
            " or `certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n infratrack -i infratrack.crt`.",
        ),
        Text(
            zh="Firefox:设置 → 隐私与安全 → 查看证书 → 证书颁发机构 → 导入。",
            en="Firefox: Settings → Privacy & Security → View Certificates → Authorities → Import.",
        ),
    ),
}
