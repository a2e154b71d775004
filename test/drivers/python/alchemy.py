"""SQLAlchemy with the Snowflake dialect: engine, text, reflection and transactions as an ordinary program uses them."""

import concurrent.futures
import re
import time
import warnings

import sqlalchemy

import contract

warnings.filterwarnings("ignore")
settings = contract.arguments()
control = contract.Control(settings.control)


def engine(**options):
    own = {} if "authenticator" in options else {"password": settings.password}
    url = sqlalchemy.URL.create(
        "snowflake",
        username=settings.user,
        host=settings.account,
        database=f"{settings.database}/{settings.schema}",
        **own,
    )
    where = {"host": settings.host, "port": int(settings.port), "protocol": settings.protocol}
    return sqlalchemy.create_engine(url, connect_args={**where, **options}, poolclass=sqlalchemy.NullPool)


def autocommitting(**options):
    return engine(**options).connect().execution_options(isolation_level="AUTOCOMMIT")


def rows(connection, text, **binds):
    return connection.execute(sqlalchemy.text(text), binds).fetchall()


def failure(connection, text):
    before = control.requests()
    try:
        # Without interpretation, because a colon of the text would be a bind.
        connection.exec_driver_sql(text)
    except sqlalchemy.exc.DBAPIError as found:
        return {
            "code": f"{found.orig.errno:06d}",
            "sqlState": found.orig.sqlstate,
            "message": found.orig.raw_msg,
            "requests": control.requests() - before,
            "afterwards": contract.all_shown(rows(connection, "SELECT 1")),
        }
    raise AssertionError("the statement did not fail")


def answer(text):
    with autocommitting() as connection:
        return contract.all_shown(connection.exec_driver_sql(text).fetchall())


def error(text):
    with autocommitting() as connection:
        return failure(connection, text)


def client_binds():
    with autocommitting() as connection:
        text = "SELECT COUNT(*), :a, :b, :c, :d FROM ORDERS WHERE O_ORDERKEY < :limit"
        return contract.all_shown(rows(connection, text, a=7, b="it's 100%", c=None, d=True, limit=1000))


def temporary_table():
    with autocommitting() as connection, autocommitting() as other:
        rows(connection, "CREATE TEMPORARY TABLE MINE (N INTEGER)")
        rows(connection, "INSERT INTO MINE VALUES (7), (8)")
        found = contract.all_shown(rows(connection, "SELECT SUM(N) FROM MINE"))
        return {"own": found, "other": failure(other, "SELECT * FROM MINE")["code"]}


def two_sessions():
    with autocommitting() as first, autocommitting() as second:
        rows(first, "USE WAREHOUSE INTERACTIVE_WH")
        rows(second, "USE WAREHOUSE BATCH_WH")

        def ask(connection):
            return [contract.all_shown(rows(connection, f"SELECT CURRENT_WAREHOUSE(), {turn}")) for turn in range(5)]

        with concurrent.futures.ThreadPoolExecutor() as pool:
            return list(pool.map(ask, (first, second)))


COUNT = "SELECT COUNT(*) FROM KEPT"


def counted(connection):
    """SQLAlchemy's own transactions: it sends a ROLLBACK or COMMIT at the end of each."""
    rows(connection, "CREATE TEMPORARY TABLE KEPT (N INTEGER)")
    connection.commit()
    seen = []
    for is_kept in (False, True):
        with connection.begin() as transaction:
            rows(connection, "INSERT INTO KEPT VALUES (1)")
            if not is_kept:
                transaction.rollback()
        seen.append(contract.all_shown(rows(connection, COUNT)))
        connection.commit()
    return seen


def begin():
    with autocommitting() as connection:
        rows(connection, "CREATE TEMPORARY TABLE KEPT (N INTEGER)")
        seen = []
        for end in ("ROLLBACK", "COMMIT"):
            for text in ("BEGIN", "INSERT INTO KEPT VALUES (1)", end):
                rows(connection, text)
            seen.append(contract.all_shown(rows(connection, COUNT)))
        return seen


def autocommit():
    with engine().connect().execution_options(isolation_level="READ COMMITTED") as connection:
        return counted(connection)


def query_tag():
    return contract.query_tag(autocommitting, rows)


def reflection():
    found = sqlalchemy.inspect(engine())
    return {
        "tables": sorted(found.get_table_names()),
        "columns": [f"{column['name']} {column['type']}" for column in found.get_columns("nation")],
    }


def same_bytes(text):
    with autocommitting() as connection:
        seen = []
        for each in text.split(";;"):
            result = connection.exec_driver_sql(each)
            columns = [[str(part) for part in column] for column in result.cursor.description]
            found = result.fetchall()
            seen.append({"columns": columns, "rows": len(found), "hash": contract.hashed(found)})
        return seen


def queued():
    return contract.queued(control, autocommitting, rows)


def stopped():
    with autocommitting() as connection:
        rows(connection, "USE WAREHOUSE CHEAP_WH")
        return failure(connection, "SELECT SYSTEM$WAIT(60)")


def renewed():
    with autocommitting() as connection:
        control.expire(rows(connection, "SELECT CURRENT_SESSION()")[0][0])
        before = control.requests()
        found = contract.all_shown(rows(connection, "SELECT 1"))
        return {"rows": found, "requests": control.requests() - before}


def master_gone():
    connection = autocommitting()
    control.expire(rows(connection, "SELECT CURRENT_SESSION()")[0][0], with_master=True)
    started = time.monotonic()
    try:
        message = f"rows {rows(connection, 'SELECT 1')}"
    except sqlalchemy.exc.DBAPIError as found:
        # Its own ids are new each time.
        text = f"{type(found).__name__} {found.orig.errno} {found.orig.msg}"
        message = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<id>", text)
    return {"message": message, "isPrompt": time.monotonic() - started < 20}


def who(**options):
    with autocommitting(**options) as connection:
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
        "temporary-table": temporary_table,
        "two-sessions": two_sessions,
        "begin": begin,
        "autocommit": autocommit,
        "query-tag": query_tag,
        "reflection": reflection,
        "same-bytes": same_bytes,
        "queue": queued,
        "stopped": stopped,
        "renewal": renewed,
        "master-gone": master_gone,
        "access-token": by_token,
        "key-pair": by_key,
    },
)
