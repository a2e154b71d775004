"""snowflake-connector-python: the cases as an ordinary program would write them."""

import threading
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
    except snowflake.connector.errors.Error as error:
        return {
            "code": f"{error.errno:06d}",
            "sqlState": error.sqlstate,
            "message": getattr(error, "raw_msg", None) or error.msg,
            "afterwards": contract.all_shown(rows(connection, "SELECT 1")),
        }
    raise AssertionError("the statement did not fail")


def connected():
    with connect() as connection:
        text = "SELECT CURRENT_USER(), CURRENT_ROLE(), CURRENT_DATABASE(), CURRENT_SCHEMA(), CURRENT_WAREHOUSE()"
        return {
            "answers": contract.all_shown(rows(connection, text)),
            "told": [connection.role, connection.database, connection.schema, connection.warehouse],
        }


def answer_of(text):
    def run():
        with connect() as connection:
            return contract.all_shown(rows(connection, text))

    return run


def client_binds():
    with connect() as connection:
        text = "SELECT COUNT(*), %s, %s, %s, %s FROM ORDERS WHERE O_ORDERKEY < %s"
        return contract.all_shown(rows(connection, text, (7, "it's 100%", None, True, 1000)))


def server_binds():
    with connect(paramstyle="qmark") as connection:
        text = "SELECT COUNT(*), ?, ?, ?, ? FROM ORDERS WHERE O_ORDERKEY < ?"
        return contract.all_shown(rows(connection, text, (7, "it's 100%", None, True, 1000)))


def error_of(text):
    def run():
        with connect() as connection:
            return failure(connection, text)

    return run


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
        sessions = [first, second]
        seen = [None, None]

        def ask(at):
            seen[at] = [
                contract.all_shown(rows(sessions[at], f"SELECT CURRENT_WAREHOUSE(), {turn}"))
                for turn in range(5)
            ]

        threads = [threading.Thread(target=ask, args=(at,)) for at in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {"seen": seen, "apart": first.session_id != second.session_id}


def cancelled():
    """The driver's own time limit: it aborts the running request."""
    with connect() as connection, connection.cursor() as cursor:
        started = time.monotonic()
        try:
            cursor.execute("CALL SYSTEM$WAIT(60)", timeout=2)
        except snowflake.connector.errors.Error as error:
            code = f"{error.errno:06d}"
        else:
            raise AssertionError("the statement was not cancelled")
        return {
            "code": code,
            "isPrompt": time.monotonic() - started < 30,
            "afterwards": contract.all_shown(rows(connection, "SELECT 1")),
        }


def budget_types():
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM TOLLGATE.MY_BUDGET")
        names = [column.name for column in cursor.description]
        return [
            {name: None if value is None else type(value).__name__ for name, value in zip(names, row)}
            for row in cursor.fetchall()
        ]


def query_tag():
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


def transactions():
    with connect(autocommit=False) as connection:
        rows(connection, "CREATE TEMPORARY TABLE KEPT (N INTEGER)")
        count = "SELECT COUNT(*) FROM KEPT"
        seen = []
        rows(connection, "INSERT INTO KEPT VALUES (1)")
        connection.rollback()
        seen.append(contract.all_shown(rows(connection, count)))
        rows(connection, "INSERT INTO KEPT VALUES (1)")
        connection.commit()
        seen.append(contract.all_shown(rows(connection, count)))
        connection.autocommit(True)
        rows(connection, "BEGIN")
        rows(connection, "INSERT INTO KEPT VALUES (2)")
        rows(connection, "ROLLBACK")
        seen.append(contract.all_shown(rows(connection, count)))
        rows(connection, "BEGIN")
        rows(connection, "INSERT INTO KEPT VALUES (2)")
        rows(connection, "COMMIT")
        seen.append(contract.all_shown(rows(connection, count)))
        return seen


contract.run_cases(
    settings.cases.split(","),
    {
        "connect": connected,
        "select-1": answer_of("SELECT 1"),
        "aggregate": answer_of(settings.aggregate),
        "client-binds": client_binds,
        "server-binds": server_binds,
        "types": answer_of(settings.types),
        "syntax-error": error_of("SELEC 1"),
        "missing-table": error_of("SELECT * FROM NO_SUCH_TABLE"),
        "temporary-table": temporary_table,
        "two-sessions": two_sessions,
        "cancel": cancelled,
        "transactions": transactions,
        "query-tag": query_tag,
        "refusal": error_of("SELECT * FROM ANALYTICS.WEB.EVENTS"),
        "explain-cost": answer_of("EXPLAIN COST SELECT * FROM ANALYTICS.WEB.EVENTS"),
        "my-budget": budget_types,
    },
)
