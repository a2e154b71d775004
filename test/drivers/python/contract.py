"""What every program here shares: its arguments, and one line of JSON for each case that it was asked to run."""

import argparse
import json

OPTIONS = ("host", "port", "protocol", "account", "user", "password", "database", "schema")


class Asked(argparse.Action):
    """Keeps cases of all three kinds in the order in which they were given."""

    def __call__(self, parser, namespace, value, option_string=None):
        name, _, text = value.partition("=")
        namespace.asked = [*namespace.asked, (option_string[2:], name, text)]


def arguments():
    """`--answer name=text` and `--error name=text` are statements; `--steps name` is a case with code of its own."""
    parser = argparse.ArgumentParser()
    for name in OPTIONS:
        parser.add_argument(f"--{name}", required=True)
    for kind in ("answer", "error", "steps"):
        parser.add_argument(f"--{kind}", action=Asked, dest="asked", default=[])
    return parser.parse_args()


def run_cases(asked, answer, failure, steps):
    """Runs the cases in order and prints `{"case", "seen"}` or `{"case", "error"}` for each."""
    for kind, name, text in asked:
        try:
            if kind == "steps":
                seen = steps[name]()
            else:
                seen = answer(text) if kind == "answer" else failure(text)
            line = {"case": name, "seen": seen}
        except Exception as found:  # a case that breaks is a finding about the driver, not the end of the others
            line = {"case": name, "error": f"{type(found).__name__}: {found}"}
        print(json.dumps(line), flush=True)


def shown(value):
    """A value with its type, so that 1, '1' and Decimal('1') are told apart."""
    if value is None:
        return None
    if isinstance(value, (bytes, bytearray)):
        return f"bytes {bytes(value).hex()}"
    return f"{type(value).__name__} {value}"


def all_shown(rows):
    return [[shown(value) for value in row] for row in rows]
