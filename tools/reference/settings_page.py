"""docs/reference/settings.md: every setting, from the table that the app itself reads."""

from ferry.settings.table import SETTINGS, Setting
from tools.reference.markdown import code, page, table

_INTRO = """Settings are environment variables of the app. Those without a default must be given; the app does not
start without them, and says for each one that is missing or wrong what it expects, with an example, all at once.
`ferry doctor --settings FILE` checks a file of them, and what they lead to. Values of the form
`@Microsoft.KeyVault(...)` are resolved by Azure. What the host itself needs (`AzureWebJobsStorage` or its
identity-based form) comes on top.

In the templates of `infra/` most of them follow from a [participant's
file](../deploy.md#the-file-of-a-participant); its key `SETTINGS` takes any other."""


def settings_page() -> str:
    """The page."""
    rows = [(code(it.name), it.purpose, code(it.example), _default(it)) for it in SETTINGS]
    return page("Settings", _INTRO, table(("setting", "what it is for", "example", "default"), rows))


def _default(setting: Setting) -> str:
    return "**must be given**" if setting.default is None else code(setting.default) or "(empty)"
