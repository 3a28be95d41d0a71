"""Rows of the administration interface for run.py: tokens, lists, imports, and how their cost grows with the store."""
import http.client
import json
import os
import shutil
import sqlite3
import ssl
import statistics
import time
import urllib.parse

import lab as laboratory
from lab import LabError

DEVICES = "/beta/deviceManagement/windowsAutopilotDeviceIdentities"
IMPORTS = "/v1.0/deviceManagement/importedWindowsAutopilotDeviceIdentities"
ROLES = ["DeviceManagementServiceConfig.ReadWrite.All", "DeviceManagementManagedDevices.Read.All", "Group.ReadWrite.All"]
PAGE_MS, ASSIGN_MS, GROWTH, SPREAD_S = 20.0, 50.0, 1.3, 2.0
SMALL = 1000  # devices of the store that flat_* compare with
# tables that an import writes, for the bare mark; the search index is one of the indexes
TABLES = ["registration", "registration_hash", "hw_identity", "way", "directory_device", "event", "audit", "import_record"]


def cpu_of(pid):
    """CPU seconds of a process, its threads included."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Client:
    """One kept connection with a bearer token."""

    def __init__(self, lab, token):
        self.connection = http.client.HTTPSConnection("localhost", lab.port, context=ssl.create_default_context(cafile=lab.ca), timeout=60)
        self.headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method, path, body=None):
        headers = {**self.headers, **({"Content-Type": "application/json"} if body else {})}
        self.connection.request(method, path.replace(" ", "%20"), body=body, headers=headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201, 204):
            raise LabError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text) if text else None


class GraphRows:
    """What Bench in run.py gets beside the rows of devices; prepared when the first of them is wanted."""

    client = None
    lists = None

    def prepare_graph(self):
        if self.client is None:
            app = self.lab.cli("app", "add", "Bench", *sum((["--role", r] for r in ROLES), []), "--json")
            self.form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": app["client_id"],
                                                "client_secret": app["client_secret"], "scope": "https://graph.microsoft.com/.default"})
            self.write_out("form", self.form + "\n")
        # anew after each start of the service, and for each row: an access token lasts an hour
        connection = http.client.HTTPSConnection("localhost", self.lab.port, context=ssl.create_default_context(cafile=self.lab.ca), timeout=60)
        connection.request("POST", self.token_path(), body=self.form, headers={"Content-Type": "application/x-www-form-urlencoded"})
        self.token_reply = connection.getresponse().read().decode()
        token = json.loads(self.token_reply)["access_token"]
        self.write_out("token", token)
        self.client = Client(self.lab, token)
        self.wait_for_search()

    @staticmethod
    def token_path():
        return f"/{laboratory.TENANT}/oauth2/v2.0/token"

    def write_out(self, name, text):
        with open(os.path.join(self.out, name), "w", encoding="utf-8") as f:
            f.write(text)

    def wait_for_search(self):
        """What was seeded is brought into the search index behind the answers."""
        with sqlite3.connect(os.path.join(self.lab.data, "store.db")) as db:
            laboratory.wait_for(lambda: db.execute("SELECT count(*) FROM registration_search_todo").fetchone()[0] == 0, 300, "the search index")
        db.close()

    def page(self, path):
        """Latency of one connection that asks again and again (TLS and the way there included), and CPU of the service."""
        seen, cpu_us = [], []
        for _ in range(self.options.rounds):
            value, answer = self.cost(self.pid, self.lab.port, unit="get", mode="kept", count=200, threads=1, path=path.replace(" ", "%20"), token="token")
            seen.append(answer["p50_ms"])
            cpu_us.append(value)
        return statistics.median(seen), statistics.median(cpu_us)

    def list_row(self, name, goal, path):
        self.prepare_graph()
        count = len(self.client("GET", path)["value"])
        ms, cpu_us = self.page(path)
        self.add(name, ms, "ms", PAGE_MS, PAGE_MS / ms, goal, f"{count} rows; {cpu_us / 1e3:.2f} ms CPU")

    def list_first(self, name, goal, _):
        self.list_row(name, goal, f"{DEVICES}?$top=100")

    def list_filter(self, name, goal, _):
        self.list_row(name, goal, f"{DEVICES}?$top=100&$filter=groupTag eq 'BENCH007'")

    def list_contains(self, name, goal, _):
        self.list_row(name, goal, f"{DEVICES}?$top=100&$filter=contains(serialNumber,'{self.middle()}')")

    def middle(self):
        return f"{self.options.devices // 2:07d}"[2:6]

    def list_page_1000(self, name, goal, _):
        """The thousandth page, or the last one of a smaller store, found by following the links."""
        self.prepare_graph()
        path, pages = f"{DEVICES}?$top=100", 1
        while pages < 1000:
            link = self.client("GET", path).get("@odata.nextLink")
            if link is None:
                break
            path, pages = link.split("localhost:" + str(self.lab.port), 1)[1], pages + 1
        ms, cpu_us = self.page(path)
        self.add(name, ms, "ms", PAGE_MS, PAGE_MS / ms, goal, f"page {pages}; {cpu_us / 1e3:.2f} ms CPU")

    def token(self, name, goal, count):
        self.prepare_graph()
        self.compare(name, goal, count, self.marks["sign_rsa"], unit="post", mode="kept", path=self.token_path(), lines="form",
                     type="application/x-www-form-urlencoded")

    # --- imports

    def imports(self, chunks):
        """Seconds from the first request until every machine is registered."""
        begun = time.monotonic()
        seen = self.load(self.lab.port, unit="post", mode="kept", count=chunks, threads=1, path=f"{IMPORTS}/import", token="token",
                         lines="imports", type="application/json")
        posted = time.monotonic() - begun
        pending = f"{IMPORTS}?$top=1&$filter=state/deviceImportStatus eq 'unknown' or state/deviceImportStatus eq 'pending'"
        while self.client("GET", pending)["value"]:
            time.sleep(0.01)
        return time.monotonic() - begun, posted, seen["units"] * 500

    def import_rows(self, name, goal, _):
        """Rows a second through the interface against the rows that it left, copied by bare SQLite into the store as it was."""
        self.prepare_graph()
        before = os.path.join(self.lab.dir, "before.db")
        self.snapshot(before)
        marks = self.positions()
        seconds, posted, count = self.imports(20)
        bare = self.bare_import(before, marks)
        self.add(name, count / seconds, "rows/s", count / bare, bare / seconds, goal, f"{count} rows; posted after {posted:.1f} s of {seconds:.1f} s")

    def snapshot(self, to):
        with sqlite3.connect(os.path.join(self.lab.data, "store.db")) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copy(os.path.join(self.lab.data, "store.db"), to)
        db.close()

    def positions(self):
        with sqlite3.connect(os.path.join(self.lab.data, "store.db")) as db:
            return {t: db.execute(f"SELECT max(rowid) FROM {t}").fetchone()[0] or 0 for t in TABLES}

    def bare_import(self, path, marks):
        """Seconds for the same rows in the same tables with the same indexes, as many to a commit as a request brings."""
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA cache_size = -16384")
        db.execute("ATTACH ? AS full", (os.path.join(self.lab.data, "store.db"),))
        for (trigger,) in db.execute("SELECT name FROM main.sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER main.{trigger}")
        last = {t: db.execute(f"SELECT max(rowid) FROM full.{t}").fetchone()[0] or 0 for t in TABLES}
        texts = "serial || char(10) || group_tag || char(10) || assigned_user || char(10) || display_name || char(10) || manufacturer || char(10) || model"
        chunks, begun = 20, time.monotonic()
        for i in range(chunks):
            db.execute("BEGIN IMMEDIATE")
            for table in TABLES:
                span = last[table] - marks[table]
                edges = (marks[table] + span * i // chunks, marks[table] + span * (i + 1) // chunks)
                db.execute(f"INSERT INTO main.{table} SELECT * FROM full.{table} WHERE rowid > ? AND rowid <= ?", edges)
                if table == "registration":
                    db.execute(f"INSERT INTO main.registration_search(rowid, v) SELECT pos, {texts} FROM full.registration WHERE pos > ? AND pos <= ?", edges)
                if table == "way":
                    db.execute("INSERT INTO main.device_group_member SELECT * FROM full.device_group_member WHERE way_id IN"
                               " (SELECT id FROM full.way WHERE rowid > ? AND rowid <= ?)", edges)
            db.execute("COMMIT")
        seconds = time.monotonic() - begun
        db.close()
        return seconds

    def assign_p99(self, name, goal, count):
        """From the import's request until the device's own entry shows a profile; one machine at a time."""
        self.prepare_graph()
        profile = self.lab.write("bench-profile.json", json.dumps({"displayName": "Bench", "deviceNameTemplate": "B-%SERIAL%"}))
        self.lab.cli("profile", "add", "bench", "--file", profile)
        # told to every device before it returns: minutes with 100,000 on a busy machine
        laboratory.run(laboratory.TOUCHDOWN, "profile", "assign", "bench", "--all-devices", "--data", self.lab.data, timeout=1800)
        machines = self.machines_left(count)
        times = []
        for machine in machines:
            begun = time.monotonic()
            made = self.client("POST", IMPORTS, json.dumps(machine))
            while made["state"]["deviceImportStatus"] != "complete":
                made = self.client("GET", f"{IMPORTS}/{made['id']}")
                if made["state"]["deviceImportStatus"] == "error":
                    raise LabError(f"an import failed: {made}")
            while True:
                device = self.client("GET", f"{DEVICES}/{made['state']['deviceRegistrationId']}?$select=deploymentProfileAssignmentStatus")
                if device["deploymentProfileAssignmentStatus"].startswith("assigned"):
                    break
            times.append((time.monotonic() - begun) * 1e3)
        p99 = sorted(times)[len(times) * 99 // 100]
        self.add(name, p99, "ms", ASSIGN_MS, ASSIGN_MS / p99, goal, f"{len(times)} devices, 200 rules; p50 {statistics.median(times):.1f} ms")

    def spread(self, name, goal, _):
        """From a new rule that every device fulfils until all stored members are there: 2 s for 100,000 devices."""
        self.prepare_graph()
        times = []
        before = cpu_of(self.pid)
        for i in range(self.options.rounds):
            body = {"displayName": f"Spread {i}", "mailNickname": f"spread{i}", "mailEnabled": False, "securityEnabled": True,
                    "groupTypes": ["DynamicMembership"], "membershipRuleProcessingState": "On",
                    "membershipRule": '(device.devicePhysicalIds -any (_ -startsWith "[OrderID]:BENCH"))'}
            begun = time.monotonic()
            group = self.client("POST", "/beta/groups", json.dumps(body))["id"]
            status = f"/beta/groups/{group}?$select=id,membershipRuleProcessingStatus"
            while self.client("GET", status)["membershipRuleProcessingStatus"]["status"] != "Succeeded":
                time.sleep(0.01)
            times.append(time.monotonic() - begun)
            self.client("DELETE", f"/v1.0/groups/{group}")
        used = (cpu_of(self.pid) - before) / self.options.rounds
        seconds, mark = statistics.median(times), SPREAD_S * self.options.devices / 100_000
        self.add(name, seconds, "s", mark, mark / seconds, goal, f"{self.options.devices} members; {used:.2f} s CPU, their removal included")

    def machines_left(self, count):
        """Machines of the last chunk under serial numbers and network addresses of their own."""
        with open(os.path.join(self.out, "singles"), encoding="utf-8") as f:
            return [json.loads(line) for line, _ in zip(f, range(count))]

    # --- growth

    def small(self):
        """The same service over a small store: what the rows flat_* are compared with."""
        lab = laboratory.Lab()
        other = type(self)(lab, self.options)
        lab.init()
        lab.cli("tenant", "set", "password-grant=on", "enrol-device-limit=0")
        laboratory.run(self.SEED, lab.data, SMALL, 400, other.out, timeout=600)
        other.start()
        other.prepare_graph()
        return lab, other

    def flat(self, name, goal, measure):
        """Ours and the small one in turn, so that both see the same machine."""
        self.prepare_graph()
        lab, other = self.small()
        with lab:
            pairs = [(measure(other), measure(self)) for _ in range(self.options.rounds)]
        growth = statistics.median(big / small for small, big in pairs)
        self.add(name, growth, "times", GROWTH, GROWTH / growth, goal,
                 f"{statistics.median(s for s, _ in pairs):.0f} us CPU at {SMALL}, {statistics.median(b for _, b in pairs):.0f} at {self.options.devices}")

    def flat_list(self, name, goal, count):
        path = f"{DEVICES}?$top=100"
        self.flat(name, goal, lambda b: b.cost(b.pid, b.lab.port, unit="get", mode="kept", count=count, threads=1, path=path, token="token")[0])

    def flat_session(self, name, goal, count):
        self.flat(name, goal, lambda b: b.cost(b.pid, b.lab.port, unit="session", mode="kept", count=count, certs="few.pem")[0])

    def flat_lookup(self, name, goal, count):
        self.flat(name, goal, lambda b: b.cost(b.pid, b.lab.port, unit="lookup", mode="new", count=count)[0])
