"""List prices have a source, may be replaced by a file, and agree with the documentation."""

import json
import re
from datetime import date
from pathlib import Path

import pytest
from support import ROOT

from helpers.cost.prices import load
from helpers.errors import BadInput

DOCUMENT = json.loads((ROOT / "src/helpers/cost/prices.json").read_text())
CELLS = [
    (f"{region} {name}", cell)
    for part in ("instances", "services")
    for region, cells in DOCUMENT[part].items()
    for name, cell in cells.items()
]


def test_every_price_has_a_page_and_a_date_and_says_whether_it_was_verified() -> None:
    for source in DOCUMENT["sources"].values():
        assert source["page"].startswith("https://")
        assert date(2023, 1, 1) < date.fromisoformat(source["date"])
        assert isinstance(source["verified"], bool)
    assert [name for name, cell in CELLS if cell["source"] not in DOCUMENT["sources"]] == []
    assert [name for name, cell in CELLS if not 0 < cell["dollars"] < 1000] == []


@pytest.mark.parametrize("region", DOCUMENT["instances"])
def test_an_instance_of_twice_the_size_costs_about_twice_as_much(region: str) -> None:
    prices = {name: cell["dollars"] for name, cell in DOCUMENT["instances"][region].items()}
    for small, large in (("large", "xlarge"), ("xlarge", "2xlarge"), ("2xlarge", "4xlarge")):
        for family in ("t3", "m5", "c5", "r5"):
            if {f"ml.{family}.{small}", f"ml.{family}.{large}"} <= set(prices):
                ratio = prices[f"ml.{family}.{large}"] / prices[f"ml.{family}.{small}"]
                assert ratio == pytest.approx(2, rel=0.02), f"{family}.{large}"


def test_the_documentation_names_these_prices() -> None:
    table = (ROOT / "terraform/README.md").read_text().split("## What it costs")[1].split("\n## ")[0]
    first_run = (ROOT / "docs/operations/first-run-on-aws.md").read_text().split("## What it cost")[1]
    prices = load()

    def service(name: str) -> float:
        return prices.service("us-east-1", name).dollars

    def instance(name: str, region: str = "us-east-1") -> float:
        found = prices.instance(region, name)
        assert found
        return found.dollars

    for text, dollars in (
        (r"([\d.]+) an hour for each instance", instance("ml.m5.large")),
        (r"costs ([\d.]+) in eu-central-1", instance("ml.m5.large", "eu-central-1")),
        (r"endpoint, one ml.m5.large \| (\d+) ", round(730 * instance("ml.m5.large"))),
        (r"([\d.]+) a million calls", service("lambda_million_calls")),
        (r"([\d.]+) a GB-second", service("lambda_gb_second")),
        (r"log \| 0 \| [\d.]+ \| ([\d.]+) a GB", service("log_gb")),
        (r"five at ([\d.]+) a month", service("metric_month")),
        (r"([\d.]+) a GB that they read", service("log_query_gb")),
        (r"are free, then ([\d.]+); without", service("dashboard_month")),
        (r"ten are free, then ([\d.]+) ", service("alarm_month")),
        (r"bucket \| [^|]*\| 0 \| ([\d.]+) a GB", service("s3_gb_month")),
        (r"requests ([\d.]+) to", service("s3_thousand_gets")),
        (r"requests [\d.]+ to ([\d.]+) a thousand", service("s3_thousand_puts")),
        (r"logs that are kept \| [^|]*\| 0 \| ([\d.]+) a GB", service("log_stored_gb_month")),
        (r"([\d.]+) a GB into Firehose", service("firehose_gb")),
        (r"image repository \| ([\d.]+) a GB", service("image_gb_month")),
        (r"out of the endpoint \| 0 \| [^|]*\| ([\d.]+) a GB", service("endpoint_bytes_gb")),
    ):
        assert float(re.search(text, table)[1].rstrip(".")) == pytest.approx(dollars), text  # type: ignore[index]
    for text, dollars in (
        (r"ml.m5.large \| 7 jobs[^|]*\| ([\d.]+) per hour", instance("ml.m5.large", "eu-central-1")),
        (r"ml.t3.medium \| 2 jobs[^|]*\| ([\d.]+) per hour", instance("ml.t3.medium", "eu-central-1")),
        (r"([\d.]+) per minute", service("image_build_minute")),
    ):
        assert float(re.search(text, first_run)[1]) == pytest.approx(dollars), text  # type: ignore[index]


def test_a_file_replaces_single_prices(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "instances:\n  us-east-1:\n    ml.m5.large: {dollars: 0.05}\n  xx-new-1: {ml.new.large: 1}\n"
    )
    prices = load(str(tmp_path / "own.yaml"))
    assert prices.instance("us-east-1", "ml.m5.large").dollars == 0.05  # type: ignore[union-attr]
    assert prices.instance("xx-new-1", "ml.new.large").dollars == 1  # type: ignore[union-attr]
    assert prices.instance("us-east-1", "ml.t3.medium") == load().instance("us-east-1", "ml.t3.medium")


def test_a_region_without_a_price_of_a_service_takes_that_of_another_and_does_not_call_it_verified() -> None:
    there, here = load().service("ap-south-1", "log_gb"), load().service("us-east-1", "log_gb")
    assert (there.dollars, there.verified, here.verified) == (here.dollars, False, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- 1", "it has no `instances:`"),
        ("hosts: {}", "it has hosts"),
        ("instances: 3", "instances must be a mapping"),
        ("instances: {us-east-1: {ml.m5.large: cheap}}", "the price of ml.m5.large is 'cheap'"),
        ("instances: {us-east-1: {ml.m5.large: -1}}", "not a number of dollars"),
        ("instances: {us-east-1: {ml.m5.large: .nan}}", "not a number of dollars"),
        ("services: {us-east-1: {sms: 1}}", "there is no service 'sms'"),
        ("instances: [", "PRICES is"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(BadInput, match=re.escape(said)) as refused:
        load(str(tmp_path / "own.yaml"))
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput, match=r"PRICES is 'nowhere\.yaml'"):
        load("nowhere.yaml")
