"""The `snow` command line: a process, and so a session, for each command; several statements of one command share it."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

import contract

settings = contract.arguments()
control = contract.Control(settings.control)
MARKER = contract.new_marker()
SNOW = pathlib.Path(sys.executable).with_name("snow")
BOX = re.compile(r"[│╭╮╰╯─]")
ERROR = re.compile(r"(\d{6}) \((\w{5})\): (?:[\w-]{36}: )?(.*)", re.DOTALL)


def snow(*arguments, by=("--authenticator", "SNOWFLAKE")):
    where = ["--temporary-connection"]
    for name in ("host", "port", "protocol", "account", "user", "database", "schema"):
        where += [f"--{name}", getattr(settings, name)]
    with tempfile.TemporaryDirectory() as home:
        # Wide, because errors are drawn into a box as wide as the terminal.
        own = {"SNOWFLAKE_HOME": home, "SNOWFLAKE_PASSWORD": settings.password, "COLUMNS": "2000", "NO_COLOR": "1"}
        return subprocess.run(
            [SNOW, *arguments, *where, *by, "--format", "json"], env={**os.environ, **own}, capture_output=True, text=True
        )


def answered(ended):
    if ended.returncode != 0:
        raise RuntimeError(f"snow ended with {ended.returncode}: {ended.stderr}")
    return json.loads(ended.stdout)


def values(rows):
    return [list(row.values()) for row in rows]


def answer(text):
    return contract.all_shown(values(answered(snow("sql", "-q", text))))


def failed(text):
    ended = snow("sql", "-q", text)
    if ended.returncode == 0:
        raise AssertionError("the statement did not fail")
    lines = [BOX.sub("", line).strip() for line in ended.stderr.splitlines()]
    found = ERROR.search("\n".join(line for line in lines if line))
    if found is None:
        raise RuntimeError(ended.stderr)
    return {"code": found[1], "sqlState": found[2], "message": found[3]}


def error(text):
    return {**failed(text), "afterwards": answer("SELECT 1")}


def temporary_table():
    made = "CREATE TEMPORARY TABLE MINE (N INTEGER); INSERT INTO MINE VALUES (7), (8)"
    results = answered(snow("sql", "-q", f"{made}; SELECT SUM(N) FROM MINE"))
    return {"own": contract.all_shown(values(results[-1])), "other": failed("SELECT * FROM MINE")["code"]}


def begin():
    texts = ["CREATE TEMPORARY TABLE KEPT (N INTEGER)"]
    for end in ("ROLLBACK", "COMMIT"):
        texts += ["BEGIN", "INSERT INTO KEPT VALUES (1)", end, "SELECT COUNT(*) FROM KEPT"]
    results = answered(snow("sql", "-q", "; ".join(texts)))
    return [contract.all_shown(values(results[at])) for at in (4, 8)]


def query_tag():
    shown = "SHOW PARAMETERS LIKE 'QUERY_TAG' IN SESSION"
    changes = ("SET QUERY_TAG = 'a model'", "SET QUERY_TAG = ''", "UNSET QUERY_TAG")
    texts = [shown]
    for change in changes:
        texts += [f"ALTER SESSION {change}", shown]
    results = answered(snow("sql", "-q", "; ".join(texts)))
    names = ("before", "during", "restored", "unset")
    return {name: results[2 * at][0]["value"] for at, name in enumerate(names)}


def connection_test():
    found = answered(snow("connection", "test"))
    return {name: found[name] for name in ("Status", "User", "Role", "Database", "Warehouse")}


def same_bytes(text):
    seen = []
    for found in answered(snow("sql", "-q", text.replace(";;", "; "))):
        columns = list(found[0]) if found else []
        seen.append({"columns": columns, "rows": len(found), "hash": contract.hashed(values(found))})
    return seen


def queued():
    """Its own statements before ours are counted too, so that nothing is said of requests."""
    use = "USE WAREHOUSE NARROW_WH"
    long = threading.Thread(target=snow, args=("sql", "-q", f"{use}; SELECT /* {MARKER} */ SYSTEM$WAIT(12)"))
    long.start()
    contract.until(lambda: control.state(MARKER), lambda state: state == "RUNNING", 60)
    found = answered(snow("sql", "-q", f"{use}; SELECT COUNT(*) FROM REGION"))[-1]
    # Not by the clock, because the tool takes seconds to start.
    waited = control.state(MARKER) != "RUNNING"
    long.join()
    return {"rows": contract.all_shown(values(found)), "waited": waited, "requests": None}


def stopped():
    return {**failed("USE WAREHOUSE CHEAP_WH; SELECT SYSTEM$WAIT(60)"), "afterwards": answer("SELECT 1")}


def who(*by):
    found = answered(snow("sql", "-q", "SELECT CURRENT_USER(), CURRENT_DATABASE()", by=by))
    return contract.all_shown(values(found))


def by_token():
    return who("--authenticator", "PROGRAMMATIC_ACCESS_TOKEN", "--token", settings.token)


def by_key():
    return who("--authenticator", "SNOWFLAKE_JWT", "--private-key-file", settings.key_file)


contract.run_cases(
    settings.asked,
    answer,
    error,
    {
        "connection-test": connection_test,
        "temporary-table": temporary_table,
        "begin": begin,
        "query-tag": query_tag,
        "same-bytes": same_bytes,
        "queue": queued,
        "stopped": stopped,
        "access-token": by_token,
        "key-pair": by_key,
    },
)
