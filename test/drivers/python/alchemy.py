"""SQLAlchemy with the Snowflake dialect: engine, text, reflection and transactions as an ordinary program uses them."""

import concurrent.futures
import warnings

import sqlalchemy

import contract

warnings.filterwarnings("ignore")
settings = contract.arguments()


def engine():
    url = sqlalchemy.URL.create(
        "snowflake",
        username=settings.user,
        password=settings.password,
        host=settings.account,
        database=f"{settings.database}/{settings.schema}",
    )
    where = {"host": settings.host, "port": int(settings.port), "protocol": settings.protocol}
    return sqlalchemy.create_engine(url, connect_args=where, poolclass=sqlalchemy.NullPool)


def autocommitting():
    return engine().connect().execution_options(isolation_level="AUTOCOMMIT")


def rows(connection, text, **binds):
    return connection.execute(sqlalchemy.text(text), binds).fetchall()


def failure(connection, text):
    try:
        # Without interpretation, because a colon of the text would be a bind.
        connection.exec_driver_sql(text)
    except sqlalchemy.exc.DBAPIError as found:
        return {
            "code": f"{found.orig.errno:06d}",
            "sqlState": found.orig.sqlstate,
            "message": found.orig.raw_msg,
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
    with autocommitting() as connection:

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


def reflection():
    found = sqlalchemy.inspect(engine())
    return {
        "tables": sorted(found.get_table_names()),
        "columns": [f"{column['name']} {column['type']}" for column in found.get_columns("nation")],
    }


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
    },
)
