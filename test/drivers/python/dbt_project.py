"""dbt with the Snowflake adapter: a project of its own in a folder of its own, by the command line."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import contract

settings = contract.arguments()
control = contract.Control(settings.control)
DBT = pathlib.Path(sys.executable).with_name("dbt")
MODELS = {
    "regions": "select n_regionkey, count(*) as nations from ANALYTICS.TPCH.NATION group by 1",
    "largest": "{{ config(materialized='view') }} select max(nations) as nations from {{ ref('regions') }}",
    "orders": "{{ config(materialized='incremental', unique_key='o_orderkey') }}"
    " select o_orderkey, o_totalprice from ANALYTICS.TPCH.ORDERS where o_orderkey < 1000",
}
TYPED = """select 1.5 as d, 'x' as t, '2026-03-01'::date as day, true as yes, 1.5::float as f, '12:00'::time as clock,
 parse_json('{}') as v, '2026-03-01'::timestamp_ntz as at, '2026-03-01'::timestamp_ltz as local_at, '00'::binary as b"""
REFUSED = {"everything": "select * from ANALYTICS.WEB.EVENTS", "regions": MODELS["regions"]}


SEED = "code,name\n" + "".join(f"{number},country {number}\n" for number in range(200))
TESTS = {
    "version": 2,
    "models": [{"name": "regions", "columns": [{"name": "n_regionkey", "data_tests": ["unique", "not_null"]}]}],
    "seeds": [{"name": "countries", "columns": [{"name": "code", "data_tests": ["unique"]}]}],
}


def project(folder, models):
    target = {
        "type": "snowflake",
        "warehouse": "STANDARD_WH",
        "threads": 1,
        # Both sides build at the same time in the same warehouse.
        "schema": f"DBT_{settings.side.replace(' ', '_')}_{settings.port}",
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


OWN = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "NO_COLOR": "1", "DBT_USE_COLORS": "false"}


def dbt(folder, *command):
    return subprocess.run([DBT, *command], cwd=folder, env={**os.environ, **OWN}, capture_output=True, text=True)


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


def statuses(folder):
    return {name: status for name, (status, _) in results(folder).items()}


def build():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        project(folder, MODELS)
        (folder / "seeds").mkdir()
        (folder / "seeds" / "countries.csv").write_text(SEED)
        (folder / "models" / "tests.yml").write_text(json.dumps(TESTS))
        seen = {}
        for command in ("seed", "run", "test"):
            ended = dbt(name, command)
            if not (folder / "target" / "run_results.json").exists():
                raise RuntimeError(ended.stdout[-1500:])
            seen[command] = statuses(folder)
        return seen


def docs():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        project(folder, {**MODELS, "typed": TYPED})
        dbt(name, "run")
        ended = dbt(name, "docs", "generate")
        if not (folder / "target" / "catalog.json").exists():
            raise RuntimeError(ended.stdout[-1500:])
        catalog = json.loads((folder / "target" / "catalog.json").read_text())
        if catalog["errors"]:
            raise RuntimeError(catalog["errors"])
        return {unique_id.split(".")[-1]: relation(node) for unique_id, node in catalog["nodes"].items()}


def relation(node):
    columns = sorted(node["columns"].values(), key=lambda column: column["index"])
    return {
        "type": node["metadata"]["type"],
        "columns": [f"{column['name']} {column['type']}" for column in columns],
        "rows": node["stats"].get("row_count", {}).get("value"),
    }


def interrupted():
    marker = contract.new_marker()
    hook = f"{{{{ config(pre_hook='CALL /* {marker} */ SYSTEM$WAIT(60)') }}}}"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        project(folder, {"slow": f"{hook} select 1 as n"})
        return contract.interrupted(control, [DBT, "run"], marker, cwd=name, env={**os.environ, **OWN})


contract.run_cases(
    settings.asked,
    None,
    None,
    {
        "dbt-debug": debug,
        "dbt-run": run_twice,
        "dbt-refusal": refused,
        "dbt-build": build,
        "dbt-docs": docs,
        "dbt-interrupt": interrupted,
    },
)
