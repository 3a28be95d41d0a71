"""Two administrators and an importer at once, the service killed in their midst; then everything that was answered is asked for.

Each of the three keeps a book of what it was answered. What the kill took away on its way may have happened or not, and is
asked for again where that is safe; what was answered 2xx must be there, once, and told in the audit."""
import concurrent.futures
import copy
import http.client
import itertools
import json
import os
import random
import sqlite3
import ssl
import threading
import time
import urllib.parse
import uuid

import lab as laboratory
from lab import LabError, run, say

DM = "/beta/deviceManagement/"
IDENTITIES, IMPORTS = DM + "windowsAutopilotDeviceIdentities", DM + "importedWindowsAutopilotDeviceIdentities"
PROFILES = DM + "windowsAutopilotDeploymentProfiles"
ROLES = ["DeviceManagementServiceConfig.ReadWrite.All", "DeviceManagementApps.Read.All", "Group.ReadWrite.All",
         "GroupMember.ReadWrite.All", "Device.Read.All", "AuditLog.Read.All"]
BATCH = 4
NO_REQUEST = "00000000-0000-0000-0000-000000000000"


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


class Lost(Exception):
    """The connection broke before an answer came: nobody knows what became of the request."""


class Away(Lost):
    """Nobody listened: the request was never sent."""


class Caller:
    """An application with a token, one connection, and its book."""

    def __init__(self, lab, app):
        self.lab, self.app = lab, app
        self.context = ssl.create_default_context(cafile=lab.ca)
        self.connection = None
        self.answered = {}  # request-id of each change that was answered 2xx -> what it was
        self.lost = 0
        self.token = self.sign_in()

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def once(self, method, path, body=None, headers=None):
        if self.connection is None:
            self.connection = http.client.HTTPSConnection("localhost", self.lab.port, context=self.context, timeout=20)
        try:
            self.connection.request(method, urllib.parse.quote(path, safe="/?=&$%'(),+:"), body, headers or {})
            answer = self.connection.getresponse()
            return answer.status, answer.read(), answer.getheader("request-id")
        except ConnectionRefusedError as e:
            self.close()
            raise Away(str(e)) from e
        except (OSError, http.client.HTTPException) as e:
            self.close()
            raise Lost(str(e)) from e

    def patiently(self, method, path, body=None, headers=None, patience=20):
        """For what may be asked again: reading, signing in."""
        deadline = time.monotonic() + patience
        while True:
            try:
                return self.once(method, path, body, headers)
            except Lost:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def sign_in(self):
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": self.app["client_id"],
                                       "client_secret": self.app["client_secret"], "scope": "https://graph.microsoft.com/.default"})
        status, body, _ = self.patiently("POST", f"/{laboratory.TENANT}/oauth2/v2.0/token", form,
                                         {"Content-Type": "application/x-www-form-urlencoded"})
        must(status == 200, f"a token: {status} {body[:300]}")
        return json.loads(body)["access_token"]

    def headers(self):
        return {"Authorization": "Bearer " + self.token, "Content-Type": "application/json"}

    def read(self, path, expect=(200,)):
        status, body, _ = self.patiently("GET", path, None, self.headers())
        must(status in expect, f"GET {path}: {status} {body[:300]}")
        return json.loads(body) if status == 200 else None

    def read_all(self, path):
        while path:
            page = self.read(path)
            yield from page["value"]
            path = page.get("@odata.nextLink")
            path = path[len(self.lab.url):] if path else None

    def change(self, method, path, body=None, expect=(200, 201, 204)):
        """One change: its answer, or Lost. An answered one goes into the book."""
        try:
            status, answer, request = self.once(method, path, json.dumps(body) if body is not None else None, self.headers())
        except Lost as e:
            self.lost += not isinstance(e, Away)
            raise
        must(status in expect, f"{method} {path}: {status} {answer[:300]}")
        if 200 <= status < 300:
            must(request not in self.answered, "each request has an id of its own")
            self.answered[request] = f"{method} {path}"
        return json.loads(answer) if answer else None


# ---- hardware

def hardware(lab, count):
    """Hashes of so many machines, by the virtual device's own program: serial -> hash."""
    with open(os.path.join(laboratory.FIXTURES, "hardware", "laptop.json"), encoding="utf-8") as f:
        model = json.load(f)

    def one(i):
        m = copy.deepcopy(model)
        m["serial"] = f"CR-{i:05d}"
        m["uuid"] = str(uuid.UUID(int=0x5B1F4C2E8A774D119C3E000000000000 + i))
        m["disks"][0]["serial"] = f"CROWD{i:08d}"
        m["nics"] = [{"mac": f"02:00:5E:{i >> 16 & 255:02X}:{i >> 8 & 255:02X}:{i & 255:02X}", "medium": 14, "bus": "PCI"}]
        m["productKeyId"] = f"33050{i:08d}"
        path = lab.write(f"hw{i}.json", m)
        lines = run(laboratory.DEVICE, "hash", "--csv", "--hardware", path).stdout.splitlines()
        os.unlink(path)
        cells = dict(zip(lines[0].split(","), lines[1].split(",")))
        return cells["Device Serial Number"], cells["Hardware Hash"]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return dict(pool.map(one, range(1, count + 1)))


# ---- the three

class Importer:
    def __init__(self, caller, machines):
        self.caller, self.machines = caller, list(machines.items())
        self.records = {}  # id of each record that was answered -> serial
        self.serials = set()

    def body(self, serial, text):
        return {"@odata.type": "#microsoft.graph.importedWindowsAutopilotDeviceIdentity", "serialNumber": serial, "productKey": "",
                "groupTag": "NEW-" + serial, "hardwareIdentifier": text, "assignedUserPrincipalName": "",
                "state": {"@odata.type": "microsoft.graph.importedWindowsAutopilotDeviceIdentityState",
                          "deviceImportStatus": "pending", "deviceRegistrationId": "", "deviceErrorCode": 0, "deviceErrorName": ""}}

    def hand_in(self, machines):
        """One at a time, then several by the action; a lost one is handed in again, as scripts do."""
        if len(machines) == 1:
            got = [self.caller.change("POST", IMPORTS, self.body(*machines[0]), (201,))]
        else:
            bodies = [self.body(*m) for m in machines]
            got = self.caller.change("POST", IMPORTS + "/import", {"importedWindowsAutopilotDeviceIdentities": bodies}, (200,))["value"]
        must(len(got) == len(machines), f"an answer for each of {len(machines)}: {got}")
        for record, (serial, _) in zip(got, machines):
            must(record["serialNumber"] == serial and record["state"]["deviceImportStatus"] == "unknown", f"the answer: {record}")
            self.records[record["id"]] = serial
            self.serials.add(serial)

    def work(self, until):
        at = 0
        for size in itertools.cycle((1, BATCH)):
            if time.monotonic() > until or at >= len(self.machines):
                return
            part = self.machines[at:at + size]
            try:
                self.hand_in(part)
                at += len(part)
            except Lost:
                time.sleep(0.05)
            time.sleep(0.02)


class Tagger:
    """Gives its half of the devices tags and names; the book knows what each must have, and what it may have."""

    def __init__(self, caller, half):
        self.caller, self.half, self.random = caller, half, random.Random(half)
        self.known, self.maybe = {}, {}  # id -> last tag answered; tags that were on their way behind it

    def work(self, until):
        for n in itertools.count():
            if time.monotonic() > until:
                return
            mine = [d for d in self.caller.read(IDENTITIES + "?$top=999&$select=id,serialNumber")["value"]
                    if int(d["serialNumber"][-5:]) % 2 == self.half]
            self.random.shuffle(mine)
            for device in mine[:20]:
                self.tag(device["id"], f"TAG-{self.half}-{n}-{self.random.randrange(10 ** 9)}")
            time.sleep(0.02)

    def tag(self, device, tag):
        try:
            self.caller.change("POST", f"{IDENTITIES}/{device}/UpdateDeviceProperties", {"groupTag": tag}, (204,))
            self.known[device], self.maybe[device] = tag, []
        except Away:
            time.sleep(0.05)
        except Lost:
            self.maybe.setdefault(device, []).append(tag)


class Keeper(Tagger):
    """Tags, and makes groups and profiles, assigns, changes and removes them."""

    def __init__(self, caller, half):
        super().__init__(caller, half)
        self.groups, self.profiles = {}, {}  # id -> what its description must be
        self.gone, self.doubtful = set(), set()

    def make(self, path, body, book):
        try:
            book[self.caller.change("POST", path, body, (201,))["id"]] = body["description"]
        except Lost:
            self.doubtful.add(body["displayName"])

    def describe(self, path, book, key, text):
        """What was on its way when the answer was lost may hold or not."""
        try:
            self.caller.change("PATCH", f"{path}/{key}", {"description": text})
            book[key] = text
        except Lost:
            book[key] = None

    def remove(self, path, book, key):
        try:
            self.caller.change("DELETE", f"{path}/{key}", None, (204,))
            self.gone.add(f"{path}/{key}")
        except Lost:
            pass
        del book[key]

    def turn(self, n):
        self.make("/beta/groups", {"displayName": f"Crowd {n}", "description": f"first {n}", "mailEnabled": False,
                                   "mailNickname": f"crowd{n}", "securityEnabled": True}, self.groups)
        self.make(PROFILES, {"@odata.type": "#microsoft.graph.azureADWindowsAutopilotDeploymentProfile",
                             "displayName": f"Profile {n}", "description": f"first {n}"}, self.profiles)
        for path, book in (("/beta/groups", self.groups), (PROFILES, self.profiles)):
            if book:
                self.describe(path, book, self.random.choice(list(book)), f"changed {n}")
            if len(book) > 5:
                self.remove(path, book, self.random.choice(list(book)))

    def work(self, until):
        for n in itertools.count():
            if time.monotonic() > until:
                return
            self.turn(n)
            mine = [d for d in self.caller.read(IDENTITIES + "?$top=999&$select=id,serialNumber")["value"]
                    if int(d["serialNumber"][-5:]) % 2 == self.half]
            for device in self.random.sample(mine, min(5, len(mine))):
                self.tag(device["id"], f"TAG-{self.half}-{n}-{self.random.randrange(10 ** 9)}")


# ---- what must hold afterwards

def check_imports(reader, importer):
    laboratory.wait_for(lambda: all(r["state"]["deviceImportStatus"] != "unknown" for r in reader.read_all(IMPORTS)), 30,
                        "every import has its end")
    records = {r["id"]: r for r in reader.read_all(IMPORTS)}
    devices = {d["id"]: d for d in reader.read_all(IDENTITIES)}
    by_serial = {}
    for d in devices.values():
        by_serial.setdefault(d["serialNumber"], []).append(d)
    for serial in importer.serials:
        must(len(by_serial.get(serial, [])) == 1, f"{serial} is registered once: {len(by_serial.get(serial, []))}")
    for key, serial in importer.records.items():
        record = records.get(key)
        if record is None:  # handed in again after a lost answer: the older record of the serial gave way
            must(any(r["serialNumber"] == serial for r in records.values()), f"the answered record of {serial} is there")
            continue
        state = record["state"]
        must(state["deviceImportStatus"] in ("complete", "error"), f"{serial}: {state}")
        must(state["deviceImportStatus"] == "complete" or state["deviceErrorCode"] == 806, f"{serial}: {state}")
        if state["deviceImportStatus"] == "complete":
            must(state["deviceRegistrationId"] in devices, f"the registration of {serial} is there")
    return devices


def check_whole(reader, devices):
    """No half of a registration: object in the directory, way, tag."""
    objects = {d["deviceId"]: d for d in reader.read_all("/beta/devices?$top=999")}
    for d in devices.values():
        own = objects.get(d["azureActiveDirectoryDeviceId"])
        must(own is not None, f"the directory object of {d['serialNumber']}")
        must(f"[ZTDID]:{d['id']}" in own["physicalIds"], f"its registration: {own['physicalIds']}")
        must(d["groupTag"] != "", f"the tag of {d['serialNumber']}")
        must(f"[OrderId]:{d['groupTag']}" in own["physicalIds"], f"tag {d['groupTag']}: {own['physicalIds']}")


def check_tags(devices, tagger):
    for device, tag in tagger.known.items():
        must(device in devices, f"device {device} is there")
        allowed = [tag, *tagger.maybe.get(device, [])]
        must(devices[device]["groupTag"] in allowed, f"{device} has {devices[device]['groupTag']}, answered was {allowed}")


def check_kept(reader, keeper):
    for path, book in (("/beta/groups", keeper.groups), (PROFILES, keeper.profiles)):
        for key, description in book.items():
            there = reader.read(f"{path}/{key}")
            must(description is None or there["description"] == description, f"{path}/{key}: {there['description']} for {description}")
    for path in keeper.gone:
        must(reader.read(path, (404,)) is None, f"{path} is gone")


def check_audit(reader, callers):
    """Every answered change once; beside them nothing but what was lost on its way. The directory's list holds all of
    them, device management's the share that is its own."""
    tokens, told = {c.app["client_id"] for c in callers}, {}
    for e in reader.read_all("/beta/auditLogs/directoryAudits?$top=999"):
        if e["correlationId"] == NO_REQUEST:
            continue  # the registration that an import made: work behind an answer has no request of its own
        if (e["initiatedBy"]["app"] or {}).get("appId") in tokens:
            told.setdefault(e["correlationId"], []).append(e["activityDisplayName"])
    answered = {request: what for c in callers for request, what in c.answered.items()}
    missing = [what for request, what in answered.items() if request not in told]
    must(not missing, f"{len(missing)} of {len(answered)} answered changes are not in the audit: {missing[:5]}")
    twice = [(answered[r], told[r]) for r in answered if len(told[r]) > 1 and not answered[r].endswith("/import")]
    must(not twice, f"{len(twice)} changes stand in the audit more than once: {twice[:5]}")
    unknown = [r for r in told if r not in answered]
    must(len(unknown) <= sum(c.lost for c in callers), f"{len(unknown)} audited changes that nobody was answered")
    own = {e["correlationId"] for e in reader.read_all("/beta/deviceManagement/auditEvents?$top=999")}
    missing = [what for request, what in answered.items() if "deviceManagement" in what and request not in own]
    must(not missing, f"{len(missing)} changes are not in device management's audit: {missing[:5]}")
    return len(answered)


def check_store(lab):
    laboratory.end(lab.server)
    lab.server = None
    with sqlite3.connect(f"file:{os.path.join(lab.data, 'store.db')}?mode=ro", uri=True) as db:
        must(db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "the database is sound")
        must(not db.execute("PRAGMA foreign_key_check").fetchall(), "no row hangs in the air")


# ---- the crowd

def guarded(worker, until, failures):
    try:
        worker.work(until)
    except Exception as e:  # whatever it is, it is told by the scenario
        failures.append(e)


def run_crowd(lab, seconds, machines):
    lab.init()
    found = hardware(lab, machines)
    apps = [lab.cli("app", "add", name, *(w for r in ROLES for w in ("--role", r)), "--json") for name in ("First", "Second", "Importer", "Reader")]
    lab.serve()
    first, second, third, reader = (Caller(lab, a) for a in apps)
    workers = [Tagger(first, 0), Keeper(second, 1), Importer(third, found)]
    until, failures = time.monotonic() + seconds, []
    threads = [threading.Thread(target=guarded, args=(w, until, failures)) for w in workers]
    for t in threads:
        t.start()
    time.sleep(seconds / 2)
    lab.kill_server()
    lab.serve()
    for t in threads:
        t.join(seconds + 60)
        must(not t.is_alive(), "everybody comes to an end")
    if failures:
        raise LabError(f"{failures[0]}")
    tagger, keeper, importer = workers
    must(importer.serials and tagger.known and keeper.groups, "everybody got something done")
    devices = check_imports(reader, importer)
    check_whole(reader, devices)
    check_tags(devices, tagger)
    check_tags(devices, keeper)
    check_kept(reader, keeper)
    changes = check_audit(reader, (first, second, third))
    for c in (first, second, third, reader):
        c.close()
    check_store(lab)
    say(f"{len(importer.serials)} machines imported, {changes} answered changes, {sum(c.lost for c in (first, second, third))} lost by the kill: "
        "all there, once, and in the audit")
