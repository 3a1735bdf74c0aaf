"""Every alert watches a metric that there is, and has its page in the runbook."""

import json
import re
from typing import Any

import pytest

from ferry.telemetry.meters import INSTRUMENTS
from tools.deploy_check.rehearsal import INFRA, ROOT

ALERTS: list[dict[str, Any]] = json.loads((INFRA / "alerts.json").read_text())
METRICS = {instrument.name: instrument for instrument in INSTRUMENTS}


def queries() -> list[str]:
    workbook: dict[str, Any] = json.loads((INFRA / "workbook.json").read_text())
    shown = [item["content"]["query"] for item in workbook["items"] if "query" in item["content"]]
    return [*shown, *(alert["query"] for alert in ALERTS)]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["name"])
def test_alert_has_its_page_in_the_runbook(alert: dict[str, Any]) -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text()
    assert f"\n### {alert['name']}\n" in runbook


def test_runbook_has_no_page_without_an_alert() -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text()
    alerts = runbook.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    pages = re.findall(r"^### (.+)$", alerts, re.MULTILINE)
    assert pages == [alert["name"] for alert in ALERTS]


def test_queries_name_metrics_and_attributes_that_there_are() -> None:
    for query in queries():
        named = re.findall(r"Name == '(ferry\.\w+(?:\.\w+)*)'", query)
        assert set(named) <= set(METRICS)
        if named:
            attributes = set(re.findall(r"Properties\.(\w+)", query))
            assert attributes <= set(METRICS[named[0]].told_apart_by), query


def test_every_metric_is_watched_or_shown() -> None:
    text = "\n".join(queries())
    assert [name for name in METRICS if f"'{name}'" not in text] == []


def test_alert_measures_the_column_that_its_rule_reads() -> None:
    assert all("Value = " in alert["query"] for alert in ALERTS)
    assert "metricMeasureColumn: 'Value'" in (INFRA / "modules" / "alerts.bicep").read_text()
