"""What the settings say of the participant's other plane, where that is another app, perhaps of another maker."""

from dataclasses import dataclass, field

from ferry.settings.reader import SettingReader

MODES = ("own", "api-key", "open")
DIALECTS = ("dps", "edc-v1")
_MEMBERS = frozenset({"url", "dialect", "keyName", "id"})


@dataclass(frozen=True, slots=True)
class RegisterAt:
    """Where this data plane registers itself, in which words; `key_name` is the vault's secret for `x-api-key`."""

    url: str
    dialect: str
    key_name: str | None = None
    plane_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalingAccess:
    """How the other plane shows that it belongs to us, where it is told of news, where we register with it."""

    mode: str = "own"
    key: str = field(default="", repr=False)
    control_plane_url: str = ""
    register_at: RegisterAt | None = None


def read_signaling(reader: SettingReader) -> SignalingAccess:
    """These settings; faults are kept by the reader."""
    access = SignalingAccess(
        mode=reader.choice("FERRY_SIGNALING_ACCESS", MODES),
        key=reader.text("FERRY_SIGNALING_KEY"),
        control_plane_url=reader.url("FERRY_CONTROL_PLANE_URL"),
        register_at=_register_at(reader, "FERRY_REGISTER_AT"),
    )
    if access.mode == "api-key" and not access.key:
        reader.fault("FERRY_SIGNALING_KEY", "is missing with FERRY_SIGNALING_ACCESS=api-key")
    return access


def _register_at(reader: SettingReader, name: str) -> RegisterAt | None:
    told = reader.json(name)
    if not told:
        return None
    texts = {key: value for key, value in told.items() if isinstance(value, str) and value}
    url, dialect = texts.get("url", "").rstrip("/"), texts.get("dialect", "dps")
    if texts.keys() != told.keys() or not texts.keys() <= _MEMBERS:
        reader.fault(name, f"holds more than {', '.join(sorted(_MEMBERS))} as text")
    elif not url.startswith(("http://", "https://")):
        reader.fault(name, f"has no URL: {url!r}")
    elif dialect not in DIALECTS:
        reader.fault(name, f"has a dialect that is none of {', '.join(DIALECTS)}: {dialect!r}")
    return RegisterAt(url, dialect, texts.get("keyName"), texts.get("id"))
