"""The page for people: self-contained, small, and with the contents of the report."""

import copy
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from support import ROOT
from support.container.reports import CLASSIFIED, ENSEMBLE, REGRESSED
from tabular.judging.reporting.page import html
from tabular.judging.reporting.svg import Series, bars, chart
from tabular.spec.documents.reports import quality

GROUP = "many-models--toys"
(LOWER,) = re.findall(r"(?m)^(.*) are better if lower", (ROOT / "docs/models/evaluation.md").read_text())
LOSSES = set(re.split(", | and ", LOWER))


class Page(HTMLParser):
    """The text of a page; every tag that is opened has to be closed."""

    def __init__(self, source):
        super().__init__()
        self.open, self.text, self.tags = [], [], []
        self.feed(source)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def words(report):
    return " ".join(" ".join(Page(html(report, GROUP)).text).split())


@pytest.mark.parametrize("report", [CLASSIFIED, REGRESSED], ids=["classification", "regression"])
def test_it_needs_nothing_beside_itself_and_is_small(report):
    source = html(report, GROUP)
    assert len(source.encode()) < 200_000
    page = Page(source)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe"}
    assert not re.search(r"(src|href|url\()", source)


def test_an_ensemble_is_shown_with_its_members():
    shown = words(CLASSIFIED | {"model": CLASSIFIED["model"] | ENSEMBLE})
    assert f"{GROUP}: Ensemble" in shown
    assert "member 1 XGBoost with weight 0.667, max_depth=3 member 2 NaiveBayes with weight 0.333" in shown
    assert (
        "neg_log_loss by nested cross-validation, in which no fold scores what it helped select -0.34"
        in shown
    )


def test_scores_have_no_digits_that_say_nothing():
    scores = CLASSIFIED["model"]["cross_validation"] | {"score": -0.546953870075533}
    shown = words(CLASSIFIED | {"model": CLASSIFIED["model"] | {"cross_validation": scores}})
    assert "(higher is better), of the winner -0.547 " in shown


def test_it_says_whether_the_model_is_registered_and_why():
    better, worse = copy.deepcopy(CLASSIFIED), copy.deepcopy(CLASSIFIED)
    better["gate"]["champion_margin"] = 0.0
    value = CLASSIFIED["gate"]["value"]
    assert f"Accepted. The auc (higher is better) of {value:.4g} reaches the threshold" in words(better)
    assert CLASSIFIED["gate"]["comparison"] in words(better)
    worse["gate"]["champion_margin"] = -0.1
    assert "Refused." in words(worse)
    under = copy.deepcopy(REGRESSED)
    under["gate"]["threshold_margin"] = -0.1
    assert "The rmse (lower is better) of" in words(under)
    assert "does not reach the threshold" in words(under)


def test_it_says_of_every_metric_which_direction_is_better():
    for report in (CLASSIFIED, REGRESSED):
        text = words(report)
        for name, one in quality(report).items():
            if "value" in one:
                (shown,) = re.findall(rf"{name} -?[\d.e-]+ .*?(higher|lower) is better", text)[:1]
                assert shown == ("lower" if name in LOSSES else "higher"), name


def test_it_names_the_positive_class_and_how_to_change_it():
    assert "The positive class is <yes>: precision, recall" in words(CLASSIFIED)
    assert "Set positive in the data set's entry to change it." in words(CLASSIFIED)
    assert "positive class" not in words(REGRESSED)


def test_it_shows_every_metric_with_its_interval():
    text = words(CLASSIFIED)
    for name, spread in CLASSIFIED["intervals"].items():
        assert f"{name} {CLASSIFIED['binary_classification_metrics'][name]['value']:.4g}" in text
        assert f"{spread['low']:.4g} to {spread['high']:.4g}" in text


def test_it_sets_the_model_beside_the_one_in_service_and_lists_what_changed():
    text = words(CLASSIFIED)
    assert "Comparison with version 3, in service" in text
    assert "algorithm NaiveBayes XGBoost" in text
    assert "in service" in words(REGRESSED)  # that there is none
    assert "Comparison with version" not in words(REGRESSED)


def test_names_from_the_table_are_text_and_never_markup():
    source = html(CLASSIFIED, "<script>alert(1)</script>")
    assert "<script>" not in source
    assert "<yes>" not in source
    assert "&lt;yes&gt;" in source
    assert "size &amp; weight" in source


def test_a_subgroup_without_the_metric_says_so():
    assert "south 3 not defined" in words(CLASSIFIED)


def test_what_there_is_nothing_of_is_left_out():
    text = words(REGRESSED)
    for title in ("Permutation importance", "Subgroups", "Confusion matrix", "ROC"):
        assert title not in text
    assert "Residuals" in text


def test_a_plot_is_drawn_to_its_axes():
    drawn = ElementTree.fromstring(chart([Series([(0.0, 10.0), (3.0, 40.0)], "both")], "x & y", "up"))
    texts = [text.text for text in drawn.iter("text")]
    assert {"0", "3", "10", "40", "x & y", "up"} <= set(texts)
    low, high = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in drawn.iter("circle")]
    assert low[0] < high[0]
    assert low[1] > high[1]  # down is up on a screen


@pytest.mark.parametrize("value", [0.0, 5.0, -1e-9, 1e12])
def test_a_plot_of_one_value_has_axes_all_the_same(value):
    drawn = ElementTree.fromstring(chart([Series([(value, value)], "dots")], "x", "y"))
    (dot,) = drawn.iter("circle")
    assert 0 < float(dot.get("cx")) < 300
    assert 0 < float(dot.get("cy")) < 250


def test_bars_keep_their_order_and_intervals():
    drawn = ElementTree.fromstring(bars([("a", 2.0, 1.0, 3.0), ("b" * 60, 0.5, -1.0, 1.0)], "loss"))
    first, second = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in drawn.iter("circle")]
    assert first[0] > second[0]
    assert first[1] < second[1]
    assert any(text.text and text.text.endswith("…") for text in drawn.iter("text"))
