"""The page about deployment tells what is: the roles, the keys of a file, the costs."""

from tests.deploy.test_participants import parameter_of_key
from tools.costs import PAGE, between_marks, cost_of, read_costs, tables
from tools.deploy_check.roles import read_allowed

TEXT = PAGE.read_text()


def test_roles_of_the_page_are_those_of_the_list() -> None:
    rows = [f"| {it.who} | {it.role} | {it.scope} | {why} |" for it, why in read_allowed().reasons.items()]
    assert [row for row in rows if row not in TEXT] == []


def test_condition_of_the_page_names_every_role_twice() -> None:
    assert [role for role in read_allowed().names if TEXT.count(role) != 2] == []


def test_keys_of_a_file_are_all_told() -> None:
    assert [key for key in parameter_of_key() if f"`{key}`" not in TEXT] == []


def test_costs_of_the_page_are_those_of_the_figures() -> None:
    assert between_marks(TEXT, tables(read_costs())) == TEXT


def test_cost_of_a_line_is_its_share_of_the_price() -> None:
    costs = read_costs()
    name, price = next(iter(costs["prices"].items()))
    assert cost_of({"price": name, "count": 3 * price["per"], "why": ""}, costs) == 3 * price["usd"]
