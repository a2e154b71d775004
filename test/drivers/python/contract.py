"""What every program here shares: its arguments, and one line of JSON for each case that it was asked to run."""

import argparse
import hashlib
import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
import uuid

OPTIONS = ("side", "control", "host", "port", "protocol", "account", "user", "password", "database", "schema")


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
    # Given where Tollgate issued the credentials.
    for name in ("token", "key-file"):
        parser.add_argument(f"--{name}")
    for kind in ("answer", "error", "steps"):
        parser.add_argument(f"--{kind}", action=Asked, dest="asked", default=[])
    return parser.parse_args()


def run_cases(asked, answer, failure, steps):
    """Runs the cases in order and prints `{"case", "seen"}` or `{"case", "error"}` for each."""
    for kind, name, text in asked:
        try:
            if kind == "steps":
                seen = steps[name](text) if text else steps[name]()
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


class Control:
    """What the run knows, and what it does for a program."""

    def __init__(self, url):
        self._url = url

    def _ask(self, what):
        # Proxies of the environment are for other addresses.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self._url}/{what}", timeout=60) as response:
            return response.read().decode()

    def requests(self):
        """How many statements this program has sent."""
        return int(self._ask("requests"))

    def expire(self, session, with_master=False):
        """Ends the session's token; with its master token it cannot be renewed."""
        self._ask(f"expire?session={session}{'&master=1' if with_master else ''}")

    def state(self, marker):
        """State upstream of the newest statement that has the marker in its text."""
        return self._ask(f"state?marker={marker}")


def new_marker():
    return f"marker_{uuid.uuid4().hex[:12]}"


def interrupted(control, command, marker, **options):
    """Runs a command that runs a long statement with the marker, and ends it as Ctrl-C does; its state before and after."""
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, **options
    ) as child:
        try:
            before = until(lambda: control.state(marker), lambda state: state == "RUNNING", 90)
            os.killpg(child.pid, signal.SIGINT)
            after = until(lambda: control.state(marker), lambda state: state != "RUNNING", 20)
            child.wait(30)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
    return {"before": before, "after": after}


def until(ask, is_enough, seconds):
    """Asks again and again; the last answer, whether it was enough or not."""
    deadline = time.monotonic() + seconds
    while True:
        found = ask()
        if is_enough(found) or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def hashed(rows):
    """A hash over rows of shown values."""
    return hashlib.sha256(json.dumps(all_shown(rows)).encode()).hexdigest()


def query_tag(connect, rows):
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


def queued(control, connect, rows):
    """Two statements on a warehouse that runs one at a time: what the second one sees, and whether it waited."""
    with connect() as first, connect() as second:
        for each in (first, second):
            rows(each, "USE WAREHOUSE NARROW_WH")
        before = control.requests()
        long = threading.Thread(target=rows, args=(first, "SELECT SYSTEM$WAIT(4)"))
        long.start()
        time.sleep(1)
        started = time.monotonic()
        found = all_shown(rows(second, "SELECT COUNT(*) FROM REGION"))
        waited = time.monotonic() - started > 1.5
        long.join()
        return {"rows": found, "waited": waited, "requests": control.requests() - before}
