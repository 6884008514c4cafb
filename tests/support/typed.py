"""The commands that README and docs tell a person to type, and what executes each of them."""

import re
from collections.abc import Iterator
from pathlib import Path

from support import ROOT

__all__ = ["AWS", "BY_HAND", "EXECUTED", "PAGES", "commands", "executed"]

PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "src/local_aws/README.md",
        ROOT / "terraform/README.md",
    ]
)
PROGRAMS = r"(?:make|many-models|python|aws|terraform|mlflow|conda|curl|git|pre-commit|pip)"
BEGINNING = re.compile(
    rf"^(?:[A-Z_]+=\S+ |eval |export |\$ |url=\$\(|.*&& )*\(?(?:[./]*\.venv/bin/)?({PROGRAMS} .+)$"
)


def commands(page: Path) -> Iterator[str]:
    """The commands of a page, in its blocks and in its prose, without prompts, variables and comments."""
    text = page.read_text()
    fenced = re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", text)
    blocks = [block for language, block in fenced if language in ("", "sh")]
    prose = re.sub(r"(?ms)^```.*?^```$", "", text)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    for line in [*lines, *re.findall(r"`([^`\n]+)`", prose)]:
        if found := BEGINNING.match(re.sub(r"\s+# .*", "", line.strip())):
            yield " ".join(found[1].split())


AWS = "needs AWS"
BY_HAND = "is for another machine, or changes this one"  # and so nothing executes it
STORY = "tests/story/test_demo.py::test_it_ends_well_and_prints_a_table_of_what_it_found"
SERVER = "tests/local_aws/lifecycle/test_server.py::test_the_command_line"
INSTALLED = (
    "tests/commands/test_install.py::"
    "test_a_stamp_that_is_new_enough_installs_nothing_and_an_old_one_its_purpose"
)
DEPLOYED = "tests/commands/environment/test_deploy.py::test_up_goes_through_every_step_in_order"
SCRIPTS = "tests/commands/test_schedules.py::"
IN_CI = ".ci/run"
FORMAT = "tests/project/test_documentation.py::test_make_format_fixes_what_make_lint_checks"
BENCHMARKS = "tests/project/test_documentation.py::test_each_benchmark_can_be_started"
# What executes the commands that begin like this (the longest beginning counts): a test, CI, or nothing
# without an account. Some tests type the same command at a stand-in for AWS.
EXECUTED = {
    "aws": AWS,
    "conda env create": BY_HAND,
    "curl": "tests/story/test_demo.py::test_a_person_asks_as_the_page_of_own_tables_says",
    "git clone": SCRIPTS + "test_a_space_starts_even_if_the_project_cannot_be_cloned",
    "make audit": IN_CI,
    "make bench": BENCHMARKS,
    "make clean": "tests/local_aws/lifecycle/test_reset.py::"
    "test_make_clean_asks_about_the_state_and_all_results",
    "make constraints": BY_HAND,
    "make demo": STORY,
    "make format": FORMAT,
    "make image": "tests/commands/test_image.py",
    "make install": INSTALLED,
    "make kernel": SCRIPTS
    + "test_a_notebook_job_runs_the_notebook_in_another_folder_with_the_kernel_that_make_registers",
    "make lab": "tests/browser/test_lab.py::test_it_opens_at_the_notebooks_of_the_project",
    "make lint": IN_CI,
    "make notebooks": "tests/commands/notebooks/test_store.py",
    "make pictures": "tests/project/test_documentation.py::"
    "test_the_pictures_in_the_readme_are_small_and_their_plots_are_stored",
    "make retrain": SCRIPTS + "test_make_retrain_is_the_same_command",
    "make slides": "tests/browser/test_slides.py",
    "make test": IN_CI,
    "many-models --help": "tests/commands/test_command_line.py::"
    "test_the_help_lists_every_command_and_every_exit_code",
    "many-models capacity": "tests/commands/test_capacity.py::"
    "test_it_shows_each_type_and_the_cheapest_that_holds",
    "many-models check": "tests/commands/running/test_check.py::"
    "test_check_says_what_would_run_and_starts_nothing",
    "many-models down": "tests/commands/environment/test_deploy.py::"
    "test_down_lists_first_then_deletes_all_of_this_environment_and_nothing_else",
    "many-models image": "tests/commands/test_image.py",
    "many-models local-aws": "tests/commands/test_command_line.py::"
    "test_local_aws_is_started_looked_at_and_taken_away",
    "many-models monitor": "tests/helpers/monitoring/test_reports.py",
    "many-models monitor parameters/local.yaml --evidently": "tests/commands/reporting/test_evidently.py",
    "many-models preflight": "tests/commands/environment/test_preflight.py::test_all_is_well_where_it_is",
    "many-models promote": "tests/helpers/deployment/test_promotion.py::"
    "test_the_command_says_what_comes_next",
    "many-models run": STORY,
    "many-models run FILE --resume": "tests/commands/running/test_resuming.py::"
    "test_of_a_finished_run_nothing_is_done_again",
    "many-models run parameters/aws.yaml": AWS,
    "many-models run parameters/examples/": "tests/story/test_examples.py",
    "many-models runs": "tests/commands/reporting/test_history.py::test_runs_are_listed_the_latest_first",
    "many-models score": "tests/helpers/deployment/scoring/test_score.py::"
    "test_the_command_says_how_many_rows_and_where",
    "many-models status": "tests/commands/reporting/test_status.py::"
    "test_the_same_is_printed_kept_in_a_folder_and_put_into_the_bucket",
    "many-models stop": "tests/commands/running/test_interrupts.py::"
    "test_an_interrupted_run_on_aws_names_what_goes_on_there_and_stop_stops_it",
    "many-models up": DEPLOYED,
    "many-models | source": "tests/commands/test_command_line.py::test_names_of_parameters_are_completed",
    "mlflow ui": "tests/helpers/runs/test_tracking.py",
    "pip check": "tests/commands/test_install.py::"
    "test_all_that_the_sdk_asks_for_is_there_but_for_what_is_left_out",
    "pre-commit install": "tests/project/test_contributing.py::test_each_command_can_be_typed",
    "python -c 'from helpers.session": "tests/story/test_demo.py::"
    "test_a_person_asks_as_the_page_of_own_tables_says",
    "python -m helpers.run": "tests/commands/test_command_line.py::test_the_former_name_is_the_same_command",
    "python -m local_aws": SERVER,
    "python -m local_aws reset": "tests/local_aws/lifecycle/test_reset.py",
    "python -m pip install": "tests/commands/test_install.py::"
    "test_an_installation_that_leaves_nothing_out_is_of_the_same_sdk",
    "python -m pytest": "tests/project/test_contributing.py::test_each_command_can_be_typed",
    "python -m support.container.golden": "tests/container/portable/test_model.py::"
    "test_a_golden_model_that_is_missing_is_made_and_the_others_stay",
    "python -m support.terraform.policies": "tests/terraform/test_policies.py::"
    "test_local_aws_judges_by_these_policies",
    "python docs/operations/schedules/notebook_job.py": SCRIPTS
    + "test_a_notebook_job_gets_its_parameters_as_text",
    "terraform": DEPLOYED,
    "terraform -chdir=terraform force-unlock": AWS,
    "terraform providers lock": AWS,
}


def executed(command: str) -> str:
    """The beginning in EXECUTED that counts for a command; empty if there is none."""
    return max((begins for begins in EXECUTED if command.startswith(begins)), key=len, default="")
