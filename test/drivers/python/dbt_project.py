"""dbt with the Snowflake adapter: a project of its own in a folder of its own, by the command line."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import contract

settings = contract.arguments()
DBT = pathlib.Path(sys.executable).with_name("dbt")
MODELS = {
    "regions": "select n_regionkey, count(*) as nations from ANALYTICS.TPCH.NATION group by 1",
    "largest": "{{ config(materialized='view') }} select max(nations) as nations from {{ ref('regions') }}",
    "orders": "{{ config(materialized='incremental', unique_key='o_orderkey') }}"
    " select o_orderkey, o_totalprice from ANALYTICS.TPCH.ORDERS where o_orderkey < 1000",
}
REFUSED = {"everything": "select * from ANALYTICS.WEB.EVENTS", "regions": MODELS["regions"]}


def project(folder, models):
    target = {
        "type": "snowflake",
        "warehouse": "STANDARD_WH",
        "threads": 1,
        # Both sides build at the same time in the same warehouse.
        "schema": f"DBT_{settings.port}",
        **{name: getattr(settings, name) for name in ("account", "host", "protocol", "user", "password", "database")},
        "port": int(settings.port),
    }
    config = {"+materialized": "table", "+query_tag": "a_model"}
    files = {
        "profiles.yml": {"tollgate": {"target": "only", "outputs": {"only": target}}},
        "dbt_project.yml": {"name": "shop", "version": "1.0", "profile": "tollgate", "models": {"shop": config}},
    }
    # JSON is YAML too.
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "models").mkdir()
    for name, text in models.items():
        (folder / "models" / f"{name}.sql").write_text(text)


def dbt(folder, command):
    own = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "NO_COLOR": "1", "DBT_USE_COLORS": "false"}
    return subprocess.run([DBT, command], cwd=folder, env={**os.environ, **own}, capture_output=True, text=True)


def results(folder):
    found = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    return {each["unique_id"].split(".")[-1]: [each["status"], each["message"]] for each in found}


def debug():
    with tempfile.TemporaryDirectory() as name:
        project(pathlib.Path(name), MODELS)
        ended = dbt(name, "debug")
        return "All checks passed!" in ended.stdout or ended.stdout[-2000:]


def run_twice():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        project(folder, MODELS)
        seen = []
        for _ in range(2):
            dbt(folder, "run")
            seen.append(results(folder))
        return seen


def refused():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        project(folder, REFUSED)
        dbt(folder, "run")
        return results(folder)


contract.run_cases(
    settings.asked, None, None, {"dbt-debug": debug, "dbt-run": run_twice, "dbt-refusal": refused}
)
