"""snowflake-connector-python: the cases as an ordinary program would write them."""

import concurrent.futures
import pathlib
import tempfile
import time
import warnings

import snowflake.connector

import contract

warnings.filterwarnings("ignore")
settings = contract.arguments()


def connect(**options):
    return snowflake.connector.connect(
        account=settings.account,
        host=settings.host,
        port=int(settings.port),
        protocol=settings.protocol,
        user=settings.user,
        password=settings.password,
        database=settings.database,
        schema=settings.schema,
        **options,
    )


def rows(connection, text, *binds):
    with connection.cursor() as cursor:
        return cursor.execute(text, *binds).fetchall()


def failure(connection, text):
    """The error of a statement that must fail, and what the same connection answers afterwards."""
    try:
        rows(connection, text)
    except snowflake.connector.errors.Error as found:
        return {
            "code": f"{found.errno:06d}",
            "sqlState": found.sqlstate,
            "message": found.raw_msg,
            "afterwards": contract.all_shown(rows(connection, "SELECT 1")),
        }
    raise AssertionError("the statement did not fail")


def answer(text):
    with connect() as connection:
        return contract.all_shown(rows(connection, text))


def error(text):
    with connect() as connection:
        return failure(connection, text)


def client_binds():
    with connect() as connection:
        text = "SELECT COUNT(*), %s, %s, %s, %s FROM ORDERS WHERE O_ORDERKEY < %s"
        return contract.all_shown(rows(connection, text, (7, "it's 100%", None, True, 1000)))


def server_binds():
    with connect(paramstyle="qmark") as connection:
        text = "SELECT COUNT(*), ?, ?, ?, ? FROM ORDERS WHERE O_ORDERKEY < ?"
        return contract.all_shown(rows(connection, text, (7, "it's 100%", None, True, 1000)))


def temporary_table():
    with connect() as connection, connect() as other:
        rows(connection, "CREATE TEMPORARY TABLE MINE (N INTEGER)")
        rows(connection, "INSERT INTO MINE VALUES (7), (8)")
        found = contract.all_shown(rows(connection, "SELECT SUM(N) FROM MINE"))
        return {"own": found, "other": failure(other, "SELECT * FROM MINE")["code"]}


def two_sessions():
    with connect() as first, connect() as second:
        rows(first, "USE WAREHOUSE INTERACTIVE_WH")
        rows(second, "USE WAREHOUSE BATCH_WH")

        def ask(connection):
            return [contract.all_shown(rows(connection, f"SELECT CURRENT_WAREHOUSE(), {turn}")) for turn in range(5)]

        with concurrent.futures.ThreadPoolExecutor() as pool:
            return list(pool.map(ask, (first, second)))


def ended_by_cancel(connection, run):
    """What the connection saw of a statement that something ends early, and that it goes on."""
    started = time.monotonic()
    try:
        run()
    except snowflake.connector.errors.Error as found:
        code = f"{found.errno:06d}"
    else:
        raise AssertionError("the statement was not cancelled")
    return {
        "code": code,
        "isPrompt": time.monotonic() - started < 30,
        "afterwards": contract.all_shown(rows(connection, "SELECT 1")),
    }


def cancelled():
    with connect() as connection, connection.cursor() as cursor:

        def run():
            query_id = cursor.execute_async("CALL SYSTEM$WAIT(60)")["queryId"]
            while not connection.is_still_running(connection.get_query_status(query_id)):
                time.sleep(0.1)
            cursor.abort_query(query_id)
            cursor.get_results_from_sfqid(query_id)
            cursor.fetchall()

        return ended_by_cancel(connection, run)


def time_limit():
    with connect() as connection, connection.cursor() as cursor:
        return ended_by_cancel(connection, lambda: cursor.execute("CALL SYSTEM$WAIT(60)", timeout=2))


MANY = "SELECT SEQ4() AS N, 'row number ' || SEQ4() AS T FROM TABLE(GENERATOR(ROWCOUNT => 200000))"


def many_rows():
    with connect() as connection, connection.cursor() as cursor:
        numbers = [number for number, _ in cursor.execute(MANY)]
        return {"count": len(numbers), "sum": sum(numbers)}


def pandas():
    with connect() as connection, connection.cursor() as cursor:
        frame = cursor.execute(MANY).fetch_pandas_all()
        table = cursor.execute(MANY).fetch_arrow_all()
        return {"pandas": len(frame), "arrow": table.num_rows, "sum": int(frame["N"].sum())}


def files():
    lines = "".join(f"{number},line {number}\n" for number in range(1, 1001))
    with tempfile.TemporaryDirectory() as folder, connect() as connection:
        there, back = pathlib.Path(folder, "there"), pathlib.Path(folder, "back")
        for each in (there, back):
            each.mkdir()
        (there / "lines.csv").write_text(lines)
        rows(connection, "CREATE TEMPORARY TABLE LINES (N INTEGER, T VARCHAR)")
        rows(connection, f"PUT file://{there}/lines.csv @%LINES/in")
        rows(connection, "COPY INTO LINES FROM @%LINES/in")
        loaded = contract.all_shown(rows(connection, "SELECT COUNT(*), SUM(N) FROM LINES"))
        rows(connection, "COPY INTO @%LINES/out/lines.csv FROM LINES FILE_FORMAT = (COMPRESSION = NONE) SINGLE = TRUE")
        rows(connection, f"GET @%LINES/out file://{back}")
        return {"loaded": loaded, "isSame": (back / "lines.csv").read_text() == lines}


COUNT = "SELECT COUNT(*) FROM KEPT"


def begin():
    with connect() as connection:
        rows(connection, "CREATE TEMPORARY TABLE KEPT (N INTEGER)")
        seen = []
        for end in ("ROLLBACK", "COMMIT"):
            for text in ("BEGIN", "INSERT INTO KEPT VALUES (1)", end):
                rows(connection, text)
            seen.append(contract.all_shown(rows(connection, COUNT)))
        return seen


def autocommit():
    with connect(autocommit=False) as connection:
        rows(connection, "CREATE TEMPORARY TABLE KEPT (N INTEGER)")
        seen = []
        for end in (connection.rollback, connection.commit):
            rows(connection, "INSERT INTO KEPT VALUES (1)")
            end()
            seen.append(contract.all_shown(rows(connection, COUNT)))
        return seen


def query_tag():
    """As dbt does it around each model."""
    with connect() as connection:

        def current():
            return rows(connection, "SHOW PARAMETERS LIKE 'QUERY_TAG' IN SESSION")[0][1]

        before = current()
        rows(connection, "ALTER SESSION SET QUERY_TAG = 'a model'")
        rows(connection, "SELECT COUNT(*) FROM NATION WHERE N_NAME IS NOT NULL")
        during = current()
        rows(connection, f"ALTER SESSION SET QUERY_TAG = '{before}'")
        restored = current()
        rows(connection, "ALTER SESSION UNSET QUERY_TAG")
        return {"before": before, "during": during, "restored": restored, "unset": current()}


contract.run_cases(
    settings.asked,
    answer,
    error,
    {
        "client-binds": client_binds,
        "server-binds": server_binds,
        "temporary-table": temporary_table,
        "two-sessions": two_sessions,
        "many-rows": many_rows,
        "pandas": pandas,
        "files": files,
        "cancel": cancelled,
        "time-limit": time_limit,
        "begin": begin,
        "autocommit": autocommit,
        "query-tag": query_tag,
    },
)
