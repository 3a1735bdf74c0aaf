"""`ferry doctor`: looks at everything, says how to mend what is not right."""

import os
from collections.abc import Iterator
from pathlib import Path

from ferry.cli.doctor.finding import Finding, Health, bad, good
from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.cli.output import Output
from ferry.cli.profiles import ENVIRONMENT, find_profile, read_config

_OTHERS_MAY_READ = 0o077


def run_doctor(profile_name: str | None, output: Output, *, settings: Path | None, peer: str | None) -> None:
    """Look, show, and end with 1 where something is at fault. Raises CommandFailed."""
    findings: list[Finding] = []
    for finding in _findings(profile_name, settings, peer):
        findings.append(finding)
        if not output.is_json:
            _show(finding, output)
    faults = sum(finding.health is Health.BAD for finding in findings)
    warnings = sum(finding.health is Health.DOUBTFUL for finding in findings)
    output.result({"healthy": faults == 0, "findings": [finding.to_json() for finding in findings]})
    output.line(f"{len(findings)} things looked at: {faults} faults, {warnings} warnings")
    if faults:
        first = next(finding for finding in findings if finding.health is Health.BAD)
        raise CommandFailed(
            f"{faults} of {len(findings)} things are not right", next_step=first.fix, exit_code=ExitCode.FAILED
        )


def _findings(profile_name: str | None, settings: Path | None, peer: str | None) -> Iterator[Finding]:
    if settings is not None:
        # The doctor's own process becomes the participant: its SDKs read their identity from the environment.
        from ferry.cli.doctor.local import look_inside
        from ferry.cli.settings_file import read_settings_file

        read_settings_file(settings).apply()
        yield from look_inside(os.environ)
        return
    from ferry.cli.doctor.remote import look_from_outside

    profile = find_profile(profile_name)
    if profile.name == ENVIRONMENT:
        yield good("profile", f"FERRY_URL: {profile.url}")
    else:
        config = read_config()
        yield good("profile", f"{profile.name} of {config.path}: {profile.url}")
        if config.holds_secrets and config.path.stat().st_mode & _OTHERS_MAY_READ:
            yield bad(
                "profile file",
                f"{config.path} holds a key and others on this machine may read it",
                f"chmod 600 {config.path}, or name a variable (api_key_env)",
            )
    yield from look_from_outside(profile, peer)


def _show(finding: Finding, output: Output) -> None:
    style = {Health.GOOD: "green", Health.DOUBTFUL: "yellow", Health.BAD: "red"}[finding.health]
    output.line(f"{finding.health.value:<8} {finding.what}: {finding.seen}", style=style)
    if finding.fix:
        output.line(f"         fix: {finding.fix}")
