"""snowflake-connector-python: the cases as an ordinary program would write them."""

import concurrent.futures
import datetime
import os
import pathlib
import re
import sys
import tempfile
import time
import warnings

import snowflake.connector

import contract

warnings.filterwarnings("ignore")
settings = contract.arguments()
control = contract.Control(settings.control)


def connect(**options):
    own = {} if "authenticator" in options else {"password": settings.password}
    return snowflake.connector.connect(
        account=settings.account,
        host=settings.host,
        port=int(settings.port),
        protocol=settings.protocol,
        user=settings.user,
        database=settings.database,
        schema=settings.schema,
        **own,
        **options,
    )


def rows(connection, text, *binds):
    with connection.cursor() as cursor:
        return cursor.execute(text, *binds).fetchall()


def failure(connection, text):
    """The error of a statement that must fail, and what the same connection answers afterwards."""
    before = control.requests()
    try:
        rows(connection, text)
    except snowflake.connector.errors.Error as found:
        return {
            "code": f"{found.errno:06d}",
            "sqlState": found.sqlstate,
            "message": found.raw_msg,
            "requests": control.requests() - before,
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
    return contract.query_tag(connect, rows)


def columns_of(description):
    return [
        {
            "name": column.name,
            "type": column.type_code,
            "size": [column.display_size, column.internal_size],
            "precision": column.precision,
            "scale": column.scale,
            "nullable": column.is_nullable,
        }
        for column in description
    ]


def same_bytes(text):
    with connect() as connection, connection.cursor() as cursor:
        seen = []
        for each in text.split(";;"):
            found = cursor.execute(each).fetchall()
            seen.append({"columns": columns_of(cursor.description), "rows": len(found), "hash": contract.hashed(found)})
        return seen


def typed(text):
    with connect() as connection, connection.cursor() as cursor:
        found = cursor.execute(text).fetchall()
        return {"columns": columns_of(cursor.description), "rows": contract.all_shown(found)}


def receipts(text):
    """The receipt of a statement that has just run; described first, as tools do that bind later."""
    with connect(paramstyle="qmark") as connection, connection.cursor() as cursor:
        rows(connection, "SELECT COUNT(*) FROM NATION WHERE N_NAME IS NOT NULL")
        described = cursor.describe(text)
        found = contract.until(lambda: rows(connection, text, ("SETTLED",)), len, 5)
        return {"columns": columns_of(described), "rows": contract.all_shown(found)}


def queued():
    return contract.queued(control, connect, rows)


def stopped():
    with connect() as connection:
        rows(connection, "USE WAREHOUSE CHEAP_WH")
        return failure(connection, "SELECT SYSTEM$WAIT(60)")


def expire(connection, with_master=False):
    control.expire(rows(connection, "SELECT CURRENT_SESSION()")[0][0], with_master)


def renewed():
    with connect() as connection:
        expire(connection)
        before = control.requests()
        found = contract.all_shown(rows(connection, "SELECT 1"))
        return {"rows": found, "requests": control.requests() - before}


def master_gone():
    connection = connect()
    expire(connection, with_master=True)
    started = time.monotonic()
    try:
        message = f"rows {rows(connection, 'SELECT 1')}"
    except snowflake.connector.errors.Error as found:
        # Its own ids are new each time.
        message = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<id>", f"{type(found).__name__} {found.errno} {found.msg}")
    return {"message": message, "isPrompt": time.monotonic() - started < 20}


def asynchronous():
    with connect() as connection, connect() as other, connection.cursor() as cursor:
        query_id = cursor.execute_async("SELECT SYSTEM$WAIT(4)")["queryId"]

        def status(each):
            return each.get_query_status(query_id).name

        def fetched(each):
            with each.cursor() as its:
                its.get_results_from_sfqid(query_id)
                return contract.all_shown(its.fetchall())

        seen = {"before": status(connection), "beforeElsewhere": status(other)}
        while connection.is_still_running(connection.get_query_status(query_id)):
            time.sleep(0.2)
        seen |= {"after": status(connection), "afterElsewhere": status(other)}
        return seen | {"rows": fetched(connection), "rowsElsewhere": fetched(other)}


SEVERAL = """CREATE TEMPORARY TABLE SEV (N INTEGER); INSERT INTO SEV VALUES (1), (2);
    SELECT SUM(N) AS S FROM SEV; SELECT 'last' AS L"""


def several():
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(SEVERAL, num_statements=4)
        seen = [contract.all_shown(cursor.fetchall())]
        while cursor.nextset():
            seen.append(contract.all_shown(cursor.fetchall()))
        return seen


def array_bind():
    parameters = {"CLIENT_STAGE_ARRAY_BINDING_THRESHOLD": 100}
    with connect(paramstyle="qmark", session_parameters=parameters) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE BOUND (N INTEGER, T VARCHAR)")
        cursor.executemany("INSERT INTO BOUND VALUES (?, ?)", [(number, f"row {number}") for number in range(3000)])
        text = "SELECT COUNT(*), SUM(N), MAX(IFF(N = 2999, T, NULL)) FROM BOUND"
        return contract.all_shown(rows(connection, text))


def prepared():
    with connect(paramstyle="qmark") as connection, connection.cursor() as cursor:
        described = cursor.describe("SELECT N_NAME, N_NATIONKEY FROM NATION")
        text = "SELECT COUNT(*) FROM NATION WHERE N_NATIONKEY < ?"
        runs = [contract.all_shown(rows(connection, text, (limit,))) for limit in (7, 8)]
        return {"columns": columns_of(described), "runs": runs}


def written_pandas():
    import pandas
    from snowflake.connector.pandas_tools import write_pandas

    day, time = datetime.date, datetime.time
    frame = pandas.DataFrame(
        {
            "ID": range(1, 6),
            "I": pandas.array([1, 2, None, -9007199254740993, 9223372036854775807], dtype="Int64"),
            "F": [0.5, -1.5e300, None, 0.1, float("inf")],
            "T": ["it's", 'say "hi"', None, "grüße 😀\n\\x", ""],
            "B": pandas.array([True, False, None, True, False], dtype="boolean"),
            "D": [day(2026, 3, 1), None, day(1901, 2, 3), day(9999, 12, 31), day(1969, 12, 31)],
            "C": [time(12, 34, 56, 789), None, time(0), time(1, 2, 3), time(23, 59, 59, 999999)],
            "TS": pandas.to_datetime(
                ["2026-03-01 12:34:56.789123", None, "1969-12-31 23:59:59.5", "2026-01-01", "2000-02-29 01:02:03"],
                format="ISO8601",
            ),
            "BY": [b"\x00\xff", None, b"abc", b"", b"'"],
        }
    )
    columns = "ID INTEGER, I INTEGER, F FLOAT, T VARCHAR, B BOOLEAN, D DATE, C TIME, TS TIMESTAMP_NTZ"
    # The connector says that bytes are no texts only where it makes, empties or infers.
    every = f"{columns}, BY BINARY"
    texts = frame.drop(columns=["BY"])
    # Both sides write at the same time in the same schema.
    table = re.sub(r"\W", "_", f"WRITTEN_{settings.side}_{settings.port}").upper()
    plain = frame.drop(columns=["C", "TS", "BY"])

    def write(columns, data=texts, use_logical_type=True, **options):
        with connect() as connection:
            if columns is not None:
                rows(connection, f"CREATE OR REPLACE TEMPORARY TABLE {table} ({columns})")
                rows(connection, f"INSERT INTO {table} (ID) VALUES (0)")
            whole, chunks, count, _ = write_pandas(
                connection, data, table, use_logical_type=use_logical_type, **options
            )
            found = contract.all_shown(rows(connection, f'SELECT * FROM {table} WHERE "ID" > 0 ORDER BY "ID"'))
            kept = contract.all_shown(rows(connection, f'SELECT COUNT(*) FROM {table} WHERE "ID" = 0'))
            types = [row[1] for row in rows(connection, f"DESC TABLE {table}")]
            rows(connection, f"DROP TABLE {table}")
            return {"told": [whole, chunks, count], "rows": found, "old": kept, "types": types}

    made = {"columns": None, "auto_create_table": True, "data": frame}
    odd = plain.rename(columns={"T": 'q"x', "B": "ü.ä b"})
    return {
        "plain": write(columns),
        "snappy": write(columns, compression="snappy"),
        "unquoted": write(columns, quote_identifiers=False),
        "in chunks": write(columns, chunk_size=2),
        "chunks at once": write(columns, chunk_size=2, bulk_upload_chunks=True),
        "in full": write(columns, database=settings.database, schema=settings.schema),
        "another scanner": write(columns, use_vectorized_scanner=True),
        "no rows": write(columns, texts[:0]),
        "default": write(columns, plain, use_logical_type=None),
        "not logical": write(columns, plain, use_logical_type=False),
        "overwritten": write(every, frame, overwrite=True),
        "inferred": write(every, frame, infer_schema=True),
        "made": write(**made),
        "made temporary": write(**made, table_type="temporary"),
        "made transient": write(**made, table_type="transient"),
        "made anew": write(**made, overwrite=True),
        "odd names": write(**{**made, "data": odd}),
        "nanoseconds": write(**{**made, "data": frame[["ID", "TS"]]}, use_logical_type=None),
    }


def interrupted():
    marker = contract.new_marker()
    # This program once more, with one case of its own.
    given = [part for name in contract.OPTIONS for part in (f"--{name}", getattr(settings, name))]
    command = [sys.executable, os.path.abspath(__file__), *given, "--steps", f"wait={marker}"]
    return contract.interrupted(control, command, marker)


def wait(marker):
    with connect() as connection:
        rows(connection, f"SELECT /* {marker} */ SYSTEM$WAIT(60)")


def who(**options):
    with connect(**options) as connection:
        return contract.all_shown(rows(connection, "SELECT CURRENT_USER(), CURRENT_DATABASE()"))


def by_token():
    return who(authenticator="PROGRAMMATIC_ACCESS_TOKEN", token=settings.token)


def by_key():
    return who(authenticator="SNOWFLAKE_JWT", private_key_file=settings.key_file)


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
        "same-bytes": same_bytes,
        "dry-run": typed,
        "budget-types": typed,
        "receipts": receipts,
        "queue": queued,
        "stopped": stopped,
        "renewal": renewed,
        "master-gone": master_gone,
        "async": asynchronous,
        "several": several,
        "array-bind": array_bind,
        "prepared": prepared,
        "write-pandas": written_pandas,
        "interrupt": interrupted,
        "wait": wait,
        "access-token": by_token,
        "key-pair": by_key,
    },
)
