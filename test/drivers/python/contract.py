"""What every program here shares: its arguments, and one line of JSON for each case that it was asked to run."""

import argparse
import datetime
import decimal
import json

OPTIONS = ("host", "port", "protocol", "account", "user", "password", "database", "schema", "cases", "aggregate", "types")


def arguments():
    parser = argparse.ArgumentParser()
    for name in OPTIONS:
        parser.add_argument(f"--{name}", required=True)
    return parser.parse_args()


def run_cases(names, functions):
    """Runs the named cases in order and prints `{"case", "seen"}` or `{"case", "error"}` for each."""
    for name in names:
        try:
            line = {"case": name, "seen": functions[name]()}
        except Exception as error:  # a case that breaks is a finding about the driver, not the end of the others
            line = {"case": name, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(line), flush=True)


def shown(value):
    """A value with its type, so that 1, '1' and Decimal('1') are told apart."""
    if value is None:
        return None
    if isinstance(value, (bytes, bytearray)):
        return f"bytes {bytes(value).hex()}"
    kinds = {
        bool: "bool",
        int: "int",
        float: "float",
        str: "str",
        decimal.Decimal: "Decimal",
        datetime.datetime: "datetime",
        datetime.date: "date",
        datetime.time: "time",
    }
    return f"{kinds.get(type(value), type(value).__name__)} {value}"


def all_shown(rows):
    return [[shown(value) for value in row] for row in rows]
