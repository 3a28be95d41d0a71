#!/usr/bin/env python3
"""test_cli.py TOUCHDOWN TOUCHDOWN_DEVICE: the command lines as a scripter meets them (contract sections 2 and 3): exit
codes, JSON, help, what is left behind, signals, and whether docs/cli.md tells the truth. Prints TAP."""
import base64
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOUCHDOWN, DEVICE = (os.path.abspath(p) for p in sys.argv[1:3])
HEADER = "Device Serial Number,Windows Product ID,Hardware Hash"


class Box:
    """A folder with one store and one tenant; goes with the test."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="td-cli-")
        self.data = self.path("data")
        self.password = self.write("pw", "a fine passphrase\n")
        self.started = []
        self.said("init", "--tenant", "contoso.test", "--admin", "admin@contoso.test", "--password-file", self.password)

    def close(self):
        for p in self.started:
            if p.poll() is None:
                p.kill()
            p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def run(self, *words, **more):
        env = {**os.environ, "TOUCHDOWN_DATA": self.data}
        return subprocess.run([TOUCHDOWN, *words], capture_output=True, text=True, timeout=60, check=False, env=env,
                              cwd=self.dir, **more)

    def said(self, *words):
        done = self.run(*words)
        same(done.returncode, 0, f"{words}: {done.stderr}")
        return done.stdout

    def hashes(self, count):
        """Rows of a CSV: one machine's hash, with another serial number, UUID and disk each."""
        rows = []
        for i in range(count):
            facts = {"serial": f"CLI{i:05d}", "manufacturer": "Contoso", "model": "Box",
                     "uuid": f"{i + 1:08x}-1111-4222-8333-{i + 1:012x}"}
            done = subprocess.run([DEVICE, "hash", "--hardware", self.write("hw.json", json.dumps(facts))],
                                  capture_output=True, text=True, check=True)
            rows.append(f"{facts['serial']},,{done.stdout.strip()}")
        return rows

    def serve(self, *more):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        log = open(self.path("serve.log"), "wb")
        p = subprocess.Popen([TOUCHDOWN, "serve", "--data", self.data, "--listen", f"127.0.0.1:{port}", *more], stdout=log,
                             stderr=log)
        log.close()
        self.started.append(p)
        for _ in range(500):
            if self.get(port, "/readyz") == 200:
                return p, port
            time.sleep(0.02)
        raise AssertionError(open(self.path("serve.log"), encoding="utf-8").read())

    def get(self, port, path, scheme="https"):
        try:
            context = ssl.create_default_context(cafile=os.path.join(self.data, "ca.pem")) if scheme == "https" else None
            with urllib.request.urlopen(f"{scheme}://127.0.0.1:{port}{path}", context=context, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as e:
            return e.code
        except OSError:
            return 0


def same(got, wanted, about=""):
    assert got == wanted, f"got {got!r}, wanted {wanted!r} {about}"


def exit_codes(box):
    """0 done, 1 refused, 2 usage or not offered."""
    box.said("profile", "add", "p", "--file", box.write("p.json", "{}"))
    table = [
        (2, []), (2, ["nosuch"]), (2, ["device"]), (2, ["device", "nosuch"]), (2, ["device", "show"]),
        (2, ["device", "show", "A", "B"]), (2, ["device", "show", "A", "--bogus"]), (2, ["device", "show", "A", "--data"]),
        (2, ["tenant", "show", "--json=1"]), (2, ["tenant", "show", "--data", "a", "--data", "b"]),
        (2, ["init"]), (2, ["init", "--tenant", "contoso.test"]), (2, ["init", "--tenant", "b.test", "--admin", "a@b.test"]),
        (2, ["user", "add", "a@contoso.test"]), (2, ["user", "password", "admin@contoso.test"]),
        (2, ["user", "role-add", "admin@contoso.test"]), (1, ["user", "role-add", "admin@contoso.test", "Emperor"]),
        (1, ["user", "role-remove", "admin@contoso.test", "Partner Agent"]), (1, ["user", "show", "nobody@contoso.test"]),
        (1, ["user", "remove", "nobody@contoso.test"]), (0, ["user", "role-add", "admin@contoso.test", "global-reader", "Partner Agent"]),
        (0, ["user", "role-remove", "admin@contoso.test", "Partner Agent"]), (0, ["user", "show", "admin@contoso.test"]),
        (1, ["app", "add", "a", "--role", "No.Such.Role"]), (0, ["app", "add", "a", "--role", "group.read.all"]), (0, ["app", "show", "a"]),
        (1, ["app", "show", "b"]), (1, ["app", "role-add", "a", "No.Such.Role"]), (1, ["app", "role-remove", "a", "User.Read.All"]),
        (0, ["app", "role-add", "a", "User.Read.All", "read-only-operator"]), (0, ["app", "role-remove", "a", "User.Read.All"]),
        (2, ["app", "certificate-add", "a"]), (1, ["app", "certificate-add", "a", "--certificate", "p.json"]),
        (1, ["app", "certificate-remove", "a", "xyz"]), (0, ["app", "roles"]), (0, ["app", "disable", "a"]), (0, ["app", "remove", "a"]),
        (0, ["audit", "list"]), (0, ["audit", "list", "--since", "24h", "--kind", "user", "--failed"]),
        (1, ["audit", "list", "--since", "yesterday"]), (1, ["audit", "list", "--limit", "0"]),
        (2, ["profile", "add", "q"]), (2, ["profile", "assign", "p"]), (2, ["profile", "edit", "p"]), (1, ["profile", "add", "P", "--file", "p.json"]),
        (0, ["profile", "edit", "p", "--name", "p2"]), (0, ["profile", "edit", "p2", "--name", "p", "--file", "p.json"]), (0, ["profile", "list"]),
        (0, ["profile", "show", "p"]), (1, ["profile", "show", "q"]), (1, ["profile", "unassign", "p", "--all-devices"]), (1, ["profile", "remove", "q"]),
        (1, ["profile", "assign", "p", "--all-devices", "--exclude"]), (0, ["profile", "assign", "p", "--all-devices"]), (1, ["profile", "remove", "p"]),
        (0, ["profile", "unassign", "p", "--all-devices"]), (0, ["profile", "remove", "p", "--force"]), (0, ["profile", "add", "p", "--file", "p.json"]),
        (2, ["status-page", "add", "s"]), (0, ["status-page", "add", "s", "--file", "p.json"]), (1, ["status-page", "add", "S", "--file", "p.json"]),
        (0, ["status-page", "list"]), (0, ["status-page", "show", "default"]), (1, ["status-page", "show", "t"]), (2, ["status-page", "edit", "s"]),
        (0, ["status-page", "edit", "s", "--name", "s2"]), (2, ["status-page", "assign", "s2"]), (0, ["status-page", "assign", "s2", "--all-users"]),
        (1, ["status-page", "assign", "default", "--all-users"]), (0, ["status-page", "unassign", "s2", "--all-users"]),
        (1, ["status-page", "unassign", "s2", "--all-users"]), (0, ["status-page", "priority", "s2", "1"]), (2, ["status-page", "priority", "s2", "x"]),
        (1, ["status-page", "remove", "default"]), (0, ["status-page", "remove", "s2"]),
        (2, ["management", "add", "m"]), (1, ["management", "add", "m", "--app-id", "x", "--enrolment-url", "https://m.test/x"]),
        (1, ["management", "add", "m", "--app-id", "5a1e0000-1111-4222-8333-444455556666", "--enrolment-url", "http://m.test/x"]),
        (0, ["management", "add", "m", "--app-id", "5a1e0000-1111-4222-8333-444455556666", "--enrolment-url", "https://m.test/x"]),
        (0, ["management", "list"]), (0, ["management", "remove", "m"]), (1, ["management", "remove", "m"]),
        (2, ["profile", "assign", "p", "--all-devices", "--group", "g"]), (2, ["policy", "add", "q"]),
        (2, ["policy", "assign", "q"]), (2, ["policy", "unassign", "q"]), (1, ["policy", "unassign", "q", "--all-devices"]),
        (2, ["policy", "remove"]), (1, ["policy", "remove", "q"]), (2, ["package", "add", "x.msi"]), (2, ["group", "add"]), (2, ["app", "add"]),
        (2, ["tenant", "set"]), (2, ["hash", "decode"]), (2, ["device", "import"]), (2, ["help", "nosuch"]),
        (2, ["help", "device", "nosuch"]), (2, ["serve", "extra"]),
        (1, ["device", "action", "reset", "A"]), (2, ["device", "action", "explode", "A"]), (2, ["device", "action", "reset"]),
        (2, ["device", "action", "shut-down", "A"]), (2, ["device", "action", "rename", "A"]), (2, ["device", "action", "wipe", "A", "--group", "g"]),
        (2, ["device", "action", "wipe", "A", "--name", "B"]), (2, ["device", "action", "local-reset", "A"]),
        (1, ["device", "action", "wipe", "--group", "none"]), (1, ["device", "action", "wipe", "--file", "no-such-file"]),
        (0, ["action", "list"]), (0, ["action", "list", "--batches"]), (1, ["action", "list", "--state", "lost"]), (1, ["action", "list", "--limit", "0"]),
        (1, ["action", "show", "x"]), (1, ["action", "cancel", "x"]), (2, ["action", "approve", "x"]),
        (1, ["action", "approve", "x", "--as", "admin@contoso.test"]), (1, ["action", "reject", "x", "--as", "nobody@contoso.test"]),
        (2, ["media", "make"]), (2, ["media", "stick"]), (2, ["media", "existing-device", "p"]), (2, ["device", "check"]),
        (2, ["device", "check", "A", "--all"]), (1, ["device", "check", "NONE"]), (0, ["device", "check", "--all"]), (2, ["connector"]), (2, ["partner", "list"]),
        (2, ["backup", "make"]), (2, ["import", "x"]), (2, ["tenant", "show", "--store", "postgresql://x/y"]),
        (1, ["tenant", "add", "Contoso.test"]), (1, ["tenant", "add", "x"]), (1, ["device", "show", "NONE"]), (1, ["device", "explain", "NONE"]), (1, ["device", "repair", "NONE"]), (2, ["device", "repair"]), (2, ["device", "repair", "A", "--accept", "--reject"]), (1, ["device", "import", "no-such-file.csv"]),
        (1, ["tenant", "show", "--tenant", "nope.test"]), (1, ["profile", "assign", "none", "--all-devices"]),
        (1, ["group", "add", "g", "--rule", "nonsense"]), (0, ["group", "add", "gg", "--rule", "user.accountEnabled -eq true"]),
        (1, ["group", "add", "GG"]), (0, ["group", "list"]), (0, ["group", "show", "gg"]), (1, ["group", "show", "none"]), (0, ["group", "members", "gg"]),
        (1, ["group", "add-member", "gg", "admin@contoso.test"]), (2, ["group", "add-member", "gg"]), (2, ["group", "evaluate", "A"]),
        (0, ["group", "evaluate", "admin@contoso.test", "--group", "gg"]), (1, ["group", "evaluate", "nobody", "--group", "gg"]),
        (2, ["group", "edit", "gg", "--pause", "--resume"]), (2, ["group", "edit", "gg", "--rule", "x", "--by-hand"]),
        (0, ["group", "edit", "gg", "--by-hand", "--name", "hh"]), (1, ["group", "add-member", "hh", "admin@contoso.test"]),
        (0, ["group", "remove-member", "hh", "admin@contoso.test"]), (0, ["group", "remove", "hh"]), (1, ["group", "remove", "hh"]), (1, ["tenant", "set", "nosuch=1"]),
        (1, ["tenant", "set", "hash-checksum=refus"]), (1, ["tenant", "set", "enrol-users=non"]),
        (1, ["tenant", "set", "join-users=registered"]), (1, ["tenant", "set", "password-grant=ON"]),
        (1, ["tenant", "set", "join-device-limit=-1"]), (0, ["tenant", "set", "enrol-users=registered", "hash-checksum=refuse"]),
        (1, ["init", "--tenant", "bad name", "--admin", "a@b.test", "--password-file", box.password]),
        (1, ["serve", "--listen", "nonsense"]), (1, ["serve", "--config", "no-such-file"]),
        (0, ["help"]), (0, ["--help"]), (0, ["--version"]), (0, ["device", "--help"]), (0, ["help", "device"]),
        (0, ["help", "device", "import"]), (0, ["device", "import", "--help"]), (0, ["media", "--help"]),
        (0, ["help", "--man"]), (0, ["help", "--markdown"]), (0, ["tenant", "show"]), (0, ["user", "list"]),
        (0, ["profile", "assign", "p", "--all-devices"]),
        (0, ["--data", box.data, "tenant", "show", "--json"]), (0, ["--json", f"--data={box.data}", "user", "list"]),
        (2, ["--data"]), (2, ["--data", box.data]), (2, ["--timeline", "device", "show", "A"]),
        (1, ["--data", box.path("nowhere"), "--tenant", "contoso.test", "device", "show", "A"]),
    ]
    for code, words in table:
        done = box.run(*words)
        same(done.returncode, code, f"for {words}: {done.stderr[:300]}")
        assert code == 0 or done.stderr.startswith("touchdown: "), words
        assert code == 0 or not done.stdout, words


def audit_tells_who_and_what(box):
    """What the command line changes stands in the audit, newest first, with the values before and after; secrets never."""
    box.said("tenant", "set", "password-grant=on")
    box.said("user", "add", "u@contoso.test", "--password-file", "pw", "--role", "Read Only Operator")
    secret = json.loads(box.said("app", "add", "tool", "--role", "Group.Read.All"))["client_secret"]
    said = box.said("audit", "list", "--json")
    told = json.loads(said)
    same([(e["activity"], e["name"], e["actor"]) for e in told[:6]],
         [("Add secret to Application", "tool", "command line"), ("Add role to Application", "tool", "command line"),
          ("Add Application", "tool", "command line"), ("Add role to User", "u@contoso.test", "command line"),
          ("Add User", "u@contoso.test", "command line"), ("Update Organization", "password-grant", "command line")], "newest first")
    same(told[5]["changes"], [{"name": "password-grant", "before": "off", "after": "on"}], "before and after")
    assert secret not in said and "argon2" not in said
    same(len(json.loads(box.said("audit", "list", "--kind", "application", "--json"))), 3, "by kind")
    same(len(json.loads(box.said("audit", "list", "--limit", "2", "--json"))), 2, "limited")
    same(json.loads(box.said("audit", "list", "--actor", "o'hara", "--json")), [], "by actor")


def errors_name_the_thing(box):
    """An error tells field and reason in the user's words, never the store's."""
    for words, told in ((["tenant", "add", "contoso.test"], "tenant: there is a tenant contoso.test already"),
                        (["tenant", "set", "enrol-users=non"], "enrol-users: is one of: all registered none"),
                        (["init"], "--tenant is needed"), (["profile", "assign", "p"], "--group or --all-devices is needed")):
        assert told in box.run(*words).stderr, (words, box.run(*words).stderr)


def nothing_commands_the_terminal(box):
    """What a machine, a list or an argument brought is shown without what a terminal would obey."""
    facts = {"serial": "CLI1", "manufacturer": "Con\x1b[2Jtoso", "model": "Box\x9b31m\x08\r", "uuid": "00000001-1111-4222-8333-000000000001"}
    row = subprocess.run([DEVICE, "hash", "--hardware", box.write("hw.json", json.dumps(facts))], capture_output=True, text=True,
                         check=True).stdout.strip()
    box.said("device", "import", box.write("d.csv", f"{HEADER}\nCLI1,,{row}\n"))
    told = box.said("device", "show", "CLI1") + box.said("device", "life", "CLI1") + box.run("device", "show", "a\x1b[2J\x9b").stderr
    assert "Box??31m" in told and "a?[2J??" in told, told
    same(re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", told), [], "octets that command")
    same(len(box.run("device", "show", "a\ntouchdown: all is well").stderr.splitlines()), 1, "lines of an error")


def errors_are_json(box):
    """With --json an error is one JSON object, of usage too."""
    for words in (["device", "show", "NONE"], ["device", "show"], ["nosuch"], ["device", "show", "A", "--bogus"], ["media"]):
        done = box.run(*words, "--json")
        error = json.loads(done.stderr)["error"]
        same(sorted(error), ["code", "field", "reason", "remedy"], words)
        assert error["reason"], words


def answers_are_json(box):
    """Every --json answer is JSON without blanks between tokens, and has the fields that docs/cli.md lists."""
    box.write("p.json", '{"displayName":"P"}')
    box.write("item.json", '{"kind":"policy","settings":[]}')
    box.write("kiosk.json", '{"kind":"kiosk","url":"https://board.contoso.test/"}')
    box.write("d.csv", HEADER + "\n" + "\n".join(box.hashes(1)) + "\n")
    with open(os.path.join(ROOT, "docs", "cli.md"), encoding="utf-8") as f:
        sections = dict(re.findall(r"^## touchdown ([a-z -]+)\n(.*?)(?=^#|\Z)", f.read(), re.M | re.S))
    for words in (["init", "--tenant", "contoso.test", "--admin", "admin@contoso.test"], ["tenant", "show"],
                  ["tenant", "set", "password-grant=on"], ["user", "add", "u@contoso.test", "--password-file", "pw"],
                  ["user", "disable", "u@contoso.test"], ["user", "enable", "u@contoso.test"], ["user", "list"],
                  ["user", "password", "u@contoso.test", "--password-file", "pw"], ["app", "add", "tool"], ["app", "list"],
                  ["user", "role-add", "u@contoso.test", "Global Reader"], ["user", "show", "u@contoso.test"],
                  ["user", "role-remove", "u@contoso.test", "Global Reader"], ["user", "remove", "u@contoso.test"],
                  ["app", "show", "tool"], ["app", "role-add", "tool", "User.Read.All"], ["app", "role-remove", "tool", "User.Read.All"],
                  ["app", "set-secret", "tool"], ["app", "disable", "tool"], ["app", "enable", "tool"], ["app", "roles"],
                  ["app", "remove", "tool"], ["audit", "list"],
                  ["group", "add", "g"], ["group", "list"], ["group", "show", "g"], ["group", "edit", "g", "--description", "d"],
                  ["group", "add-member", "g", "admin@contoso.test"], ["group", "members", "g"],
                  ["group", "remove-member", "g", "admin@contoso.test"],
                  ["group", "evaluate", "admin@contoso.test", "--rule", "user.accountEnabled -eq true"],
                  ["group", "add", "gone"], ["group", "remove", "gone"], ["profile", "add", "p", "--file", "p.json"], ["profile", "assign", "p", "--group", "g"],
                  ["profile", "export", "p"], ["profile", "list"], ["profile", "show", "p"], ["profile", "edit", "p", "--name", "p"],
                  ["media", "existing-device", "p", "--out", "m"],
                  ["profile", "unassign", "p", "--group", "g"], ["profile", "remove", "p"], ["status-page", "add", "s", "--file", "p.json"],
                  ["status-page", "list"], ["status-page", "show", "s"], ["status-page", "assign", "s", "--all-devices"], ["status-page", "remove", "s"],
                  ["management", "add", "m", "--app-id", "5a1e0000-1111-4222-8333-444455556666", "--enrolment-url", "https://m.test/x"],
                  ["management", "list"], ["management", "remove", "m"], ["policy", "add", "k", "--file", "kiosk.json"], ["policy", "assign", "k", "--all-devices"],
                  ["policy", "list"], ["policy", "unassign", "k", "--all-devices"], ["policy", "remove", "k"], ["device", "import", "d.csv", "--dry-run"],
                  ["device", "import", "d.csv"], ["device", "show", "CLI00000", "--timeline"], ["device", "explain", "CLI00000"], ["device", "repair", "CLI00000"],
                  ["device", "list"], ["device", "tag", "T", "CLI00000"], ["device", "requests"],
                  ["tenant", "add", "two.test"]):
        out = box.said(*words, "--json")
        value = json.loads(out)
        same(out, json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n", words)
        told = re.search(r"^`--json`: (.*)", sections[" ".join(words[:2] if words[0] != "init" else words[:1])], re.M)
        assert told, f"{words}: docs/cli.md tells no fields"
        rows = value if isinstance(value, list) else [value]
        if words[:2] != ["profile", "export"] and "as of" not in told.group(1):
            for name in (k for row in rows for k in row):
                assert name in told.group(1), f"{words}: {name} is not in docs/cli.md"
    assert re.fullmatch(r"[0-9T:-]+Z", json.loads(box.said("device", "show", "CLI00000", "--json", "--tenant", "contoso.test"))
                        ["registeredAt"])


def media_for_existing_devices(box):
    """The folder: the very file that profile export writes, scripts in which no name of a profile stands, an answer file."""
    name = '"&calc&" %PATH% $(x) <b> caf\u00e9'
    box.write("p.json", json.dumps({"displayName": name}))
    box.said("profile", "add", name, "--file", "p.json")
    told = json.loads(box.said("media", "existing-device", name, "--out", "m", "--user-files", "save", "--json"))
    texts = {}
    for f in told["files"]:
        with open(box.path("m", f["name"]), "rb") as opened:
            octets = opened.read()
        same((len(octets), hashlib.sha256(octets).hexdigest()), (f["size"], f["sha256"]), f["name"])
        texts[f["name"]] = octets
    same(sorted(texts), sorted(os.listdir(box.path("m"))))
    file = texts["AutopilotConfigurationFile.json"]
    same(file.decode("ascii"), box.said("profile", "export", name))
    same(json.loads(file)["Comment_File"], f"Profile {name}")
    same(told["warnings"], [])
    box.said("tenant", "set", "enrol-users=registered")
    warned = json.loads(box.said("media", "existing-device", name, "--out", "w", "--json"))["warnings"]
    same((len(warned), "register them first" in warned[0]), (1, True))
    same(told["enrollmentProfileName"], "OfflineAutopilotprofile-" + json.loads(file)["ZtdCorrelationId"])
    for other, octets in texts.items():
        assert other in ("README.txt", "AutopilotConfigurationFile.json") or b"calc" not in octets, other
    answer = xml.etree.ElementTree.fromstring(texts["unattend.xml"])
    same({e.text for e in answer.iter("{urn:schemas-microsoft-com:unattend}JoinWorkgroup")}, {"WORKGROUP"})
    for script in (texts[n].decode("ascii") for n in texts if n.endswith(".ps1")):
        code = re.sub(r"<#.*?#>|'[^']*'", "", script, flags=re.S)
        for left, right in ("{}", "()", "[]"):
            same(code.count(left), code.count(right), f"{left} {right} in a script")
    same(box.run("media", "existing-device", name, "--out", "m", "--user-files", "some").returncode, 2)
    same(box.run("media", "existing-device", "none", "--out", "n").returncode, 1)
    assert not os.path.exists(box.path("n"))


def manage(box, *serials):
    """Puts managed devices into the store, as an enrolment leaves them; no server is needed for what the command line does."""
    db = sqlite3.connect(os.path.join(box.data, "store.db"), timeout=10)
    tenant = db.execute("SELECT id FROM tenant").fetchone()[0]
    for n, serial in enumerate(serials):
        known = {"tenant": tenant, "id": f"00000000-0000-4000-8000-{n:012d}", "serial": serial, "way_id": f"way-{n}",
                 "enrolment_id": f"00000000-0000-4000-8000-{n:012d}", "os_version": "10.0.22631.1", "provider": "Touchdown"}
        for table, own in (("enrolment", {}), ("way", {"id": f"way-{n}", "enrolment_state": 1})):
            row = {}
            for _, name, kind, needed, otherwise, _ in db.execute(f"PRAGMA table_info({table})"):
                if name in own or name in known:
                    row[name] = {**known, **own}[name]
                elif needed and otherwise is None:
                    row[name] = "" if kind == "TEXT" else b"" if kind == "BYTEA" else 0
            db.execute(f"INSERT INTO {table}({','.join(row)}) VALUES ({','.join('?' * len(row))})", list(row.values()))
    db.commit()
    db.close()


def actions_are_asked(box):
    """One device: asked, listed, cancelled; refused with reason and remedy; deleted at once."""
    manage(box, "SN-A", "SN-B", "SN-C")
    with open(os.path.join(ROOT, "docs", "cli.md"), encoding="utf-8") as f:
        documented = f.read().split("touchdown device action", 1)[1]
    asked = json.loads(box.said("device", "action", "reboot", "sn-a", "--reason", "stuck", "--json"))
    same([asked[k] for k in ("action", "state", "serialNumber", "by", "reason")], ["restart", "pending", "SN-A", "command line", "stuck"])
    for name in asked:
        assert re.search(rf"\b{name}\b", documented), f"{name} is not in docs/cli.md"
    same(json.loads(box.said("device", "action", "restart", "SN-A", "--json"))["id"], asked["id"], "asked again is the same")
    wipe = json.loads(box.said("device", "action", "wipe", asked["managedDeviceId"], "--json"))
    listed = json.loads(box.said("action", "list", "--device", "SN-A", "--json"))
    same([a["action"] for a in listed], ["wipe", "restart"], "newest first")
    same(json.loads(box.said("action", "list", "--device", "SN-B", "--json")), [])
    same(json.loads(box.said("action", "cancel", wipe["id"], "--json"))["state"], "cancelled")
    same([a["id"] for a in json.loads(box.said("action", "list", "--state", "cancelled", "--json"))], [wipe["id"]])
    assert "not joined" in box.run("device", "action", "reset", "SN-A").stderr and "Wipe it" in box.run("device", "action", "reset", "SN-A").stderr
    renamed = json.loads(box.said("device", "action", "rename", "SN-B", "--name", "PC-%RAND:3%", "--json"))
    same((renamed["action"], renamed["name"]), ("rename", "PC-%RAND:3%"))
    gone = json.loads(box.said("device", "action", "delete", "SN-C", "--json"))
    same(gone["state"], "done")
    assert "not managed" in box.run("device", "action", "restart", gone["managedDeviceId"]).stderr
    same([e["activity"] for e in json.loads(box.said("audit", "list", "--kind", "managed-device", "--json"))].count("Cancel action of ManagedDevice"), 1)


def devices_bring_things(box):
    """Archives of logs are listed and fetched; a password that never came is refused with the remedy."""
    manage(box, "SN-A", "SN-B")
    device, archive = "00000000-0000-4000-8000-000000000000", "0190d5f4-0000-7000-8000-000000000001"
    refused = box.run("device", "diagnostics", "SN-A")
    same(refused.returncode, 1)
    assert "device action diagnostics" in refused.stderr, refused.stderr
    os.mkdir(box.path("data", "diagnostics"))
    box.write(os.path.join("data", "diagnostics", archive), "PK...")
    db = sqlite3.connect(os.path.join(box.data, "store.db"), timeout=10)
    tenant = db.execute("SELECT id FROM tenant").fetchone()[0]
    db.execute("INSERT INTO diagnostic VALUES (?, ?, ?, 'way-0', 5, 'ab', 1893553445000000)", (tenant, archive, device))
    db.commit()
    db.close()
    listed = json.loads(box.said("device", "diagnostics", "sn-a", "--json"))["archives"]
    same(listed, [{"id": archive, "arrivedAt": "2030-01-02T03:04:05Z", "size": 5, "sha256": "ab"}])
    box.said("device", "diagnostics", "SN-A", "--out", box.path("logs.zip"))
    with open(box.path("logs.zip"), encoding="utf-8") as f:
        same(f.read(), "PK...")
    read = json.loads(box.said("audit", "list", "--kind", "managed-device", "--json"))
    same(len([e for e in read if "logs" in e["activity"].lower()]), 1, f"whoever fetches an archive is told of: {read}")
    same(box.run("device", "diagnostics", "SN-A", "--out", box.path("no", "such")).returncode, 1)
    same(box.run("device", "diagnostics", "SN-B").returncode, 1)
    assert "not joined" in box.run("device", "laps", "SN-A").stderr
    same(box.run("device", "laps", "NONE").returncode, 1)
    same(box.run("device", "laps").returncode, 2)


def actions_need_two(box):
    """With action-approval on, what removes data waits for another administrator, each named by --as."""
    manage(box, "SN-A")
    for who, role in (("two", "Intune Administrator"), ("clerk", "Read Only Operator")):
        box.said("user", "add", f"{who}@contoso.test", "--password-file", "pw", "--role", role)
    box.said("tenant", "set", "action-approval=on")
    same(json.loads(box.said("device", "action", "restart", "SN-A", "--json"))["state"], "pending")
    wipe = json.loads(box.said("device", "action", "wipe", "SN-A", "--as", "admin@contoso.test", "--json"))
    same((wipe["state"], wipe["by"]), ("waiting for approval", "admin@contoso.test"))
    assert "can't decide" in box.run("action", "approve", wipe["id"], "--as", "admin@contoso.test").stderr
    assert "no role" in box.run("action", "approve", wipe["id"], "--as", "clerk@contoso.test").stderr
    assert "no role" in box.run("device", "action", "retire", "SN-A", "--as", "clerk@contoso.test").stderr
    done = json.loads(box.said("action", "approve", wipe["id"], "--as", "two@contoso.test", "--json"))
    same((done["state"], done["decidedBy"]), ("pending", "two@contoso.test"))
    assert "decided by two@contoso.test" in box.said("action", "show", wipe["id"])
    same(box.run("action", "approve", wipe["id"], "--as", "two@contoso.test").returncode, 1)
    for verb in (("show",), ("cancel",), ("approve", "--as", "two@contoso.test")):
        refused = box.run("action", verb[0], "1234", *verb[1:])
        assert refused.returncode == 1 and "no action 1234" in refused.stderr, refused.stderr


def actions_in_bulk(box):
    """A list, its progress, its limit; a name that is no device stops all of it."""
    serials = [f"SN-{i:03d}" for i in range(60)]
    manage(box, *serials)
    box.write("list.csv", "Device Serial Number\n" + "\n".join(serials) + "\n")
    box.write("slip.csv", "SN-001\nSN-999\n")
    same(box.run("device", "action", "wipe", "--file", "slip.csv").returncode, 1)
    same(json.loads(box.said("action", "list", "--json")), [])
    box.said("tenant", "set", "action-limit=50")
    over = box.run("device", "action", "wipe", "--file", "list.csv")
    assert over.returncode == 1 and "10 devices more than the safety limit of 50" in over.stderr, over.stderr
    same(json.loads(box.said("action", "list", "--batches", "--json")), [])
    box.said("tenant", "set", "action-limit=60")
    batch = json.loads(box.said("device", "action", "wipe", "--file", "list.csv", "--reason", "end of term", "--json"))
    same([batch[k] for k in ("action", "state", "total", "toAsk", "pending", "refused")], ["wipe", "asked", 60, 0, 60, 0])
    with open(os.path.join(ROOT, "docs", "cli.md"), encoding="utf-8") as f:
        documented = f.read().split("touchdown device action", 1)[1]
    for name in batch:
        assert re.search(rf"\b{name}\b", documented), f"{name} is not in docs/cli.md"
    same(json.loads(box.said("action", "show", batch["id"], "--json"))["id"], batch["id"])
    same(len(json.loads(box.said("action", "list", "--batch", batch["id"], "--json"))), 60)
    gone = json.loads(box.said("action", "cancel", batch["id"], "--json"))
    same((gone["state"], gone["cancelled"]), ("cancelled", 60))


def killed_bulk(box):
    """kill -9 in the midst of asking many: what was asked stands, the rest is asked later by whoever comes, none twice."""
    serials = [f"SN-{i:04d}" for i in range(1200)]
    manage(box, *serials)
    box.write("list.txt", "\n".join(serials) + "\n")
    p = subprocess.Popen([TOUCHDOWN, "device", "action", "restart", "--file", box.path("list.txt"), "--data", box.data],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    box.started.append(p)
    batch = {"pending": 0}
    while p.poll() is None and not 0 < batch["pending"] < 1200:
        batch = (json.loads(box.said("action", "list", "--batches", "--json")) or [{"pending": 0}])[0]
    p.kill()
    p.wait()
    cut = json.loads(box.said("action", "list", "--batches", "--json"))[0]
    same(cut["toAsk"] + cut["pending"], 1200, "none lost, none twice")
    box.write("one.txt", "SN-0001\n")
    box.said("device", "action", "sync", "--file", "one.txt")  # goes on with what was left, too
    now = json.loads(box.said("action", "show", cut["id"], "--json"))
    same((now["state"], now["toAsk"], now["pending"], now["refused"]), ("asked", 0, 1200, 0))
    asked = json.loads(box.said("action", "list", "--batch", cut["id"], "--limit", "10000", "--json"))
    same(len({a["managedDeviceId"] for a in asked}), 1200, "each device once")


def init_is_safe_to_repeat(box):
    first = json.loads(box.said("init", "--tenant", "contoso.test", "--admin", "admin@contoso.test", "--password-file", "no-file"))
    again = json.loads(box.said("init", "--tenant", "CONTOSO.test", "--admin", "admin@contoso.test", "--password-file", "pw"))
    same(again, first)
    same(again["created"], False)


def passwords_can_be_typed(box):
    """A password file is one line of UTF-8: what the sign-in page could never send is refused."""
    for name, octets, code in (("plain", b"a fine passphrase", 0), ("crlf", b"a fine passphrase\r\n", 0),
                               ("umlaut", "gr\u00fc\u00dfe an alle".encode(), 0), ("nul", b"passphrase\0one", 1),
                               ("mark", b"\xef\xbb\xbfpassphrase", 1), ("wide", "passphrase".encode("utf-16"), 1),
                               ("latin", b"gr\xfc\xdfe an alle", 1), ("lines", b"passphrase\ntwo", 1), ("short", b"1234567", 1),
                               ("empty", b"", 1), ("long", b"x" * 257, 1)):
        with open(box.path(name), "wb") as f:
            f.write(octets)
        done = box.run("user", "add", f"{name}@contoso.test", "--password-file", name)
        same(done.returncode, code, f"{name}: {done.stderr}")
        assert code == 0 or "password-file" in done.stderr


def leaves_nothing(box):
    """A misspelt folder stays what it was, and what is made is private."""
    done = box.run("device", "show", "X", "--data", box.path("misspelt"))
    same(done.returncode, 1)
    assert not os.path.exists(box.path("misspelt"))
    os.mkdir(box.path("open"), 0o755)
    box.said("init", "--data", box.path("open"), "--tenant", "a.test", "--admin", "a@a.test", "--password-file", "pw")
    same(stat.S_IMODE(os.stat(box.path("open", "store.db")).st_mode), 0o600)


def lost_output_is_told(box):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([TOUCHDOWN, "tenant", "show", "--data", box.data], stdout=full, stderr=subprocess.PIPE, text=True,
                              check=False)
    same(done.returncode, 1)
    assert "standard output" in done.stderr


def killed_import(box):
    """kill -9 in the middle, and again: every row once, nothing half."""
    rows = box.hashes(40)
    big = box.write("big.csv", HEADER + "\n" + "\n".join(rows) + "\n")
    for wait in (0.0, 0.02, 0.05, 0.1):
        p = subprocess.Popen([TOUCHDOWN, "device", "import", big, "--data", box.data], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        time.sleep(wait)
        p.kill()
        p.wait()
    told = json.loads(box.said("device", "import", big, "--json"))
    same((told["total"], told["refused"], told["registered"] + told["known"]), (40, 0, 40))
    for i in (0, 20, 39):
        shown = json.loads(box.said("device", "show", f"CLI{i:05d}", "--timeline", "--json"))
        same([e["type"] for e in shown["timeline"]], ["device.registered"])
    same(json.loads(box.said("device", "import", big, "--json"))["known"], 40)


def devices_are_said_about(box):
    """Lists, tags, users, names and removals, one and many; each device has a fate of its own."""
    rows = box.hashes(3)
    box.said("user", "add", "ada@contoso.test", "--password-file", "pw")
    done = box.run("device", "import", box.write("three.csv", HEADER + "\n" + "\n".join(rows) + "\n"), "--progress")
    same(done.returncode, 0, done.stderr)
    serials = box.write("serials.txt", "Device Serial Number\nCLI00000\n\ncli00001 , x\nNOSUCH\n")
    told = json.loads(box.run("device", "tag", "O'HARA", "--file", serials, "--dry-run", "--json").stdout)
    same((told["changed"], told["refused"], told["dryRun"]), (2, 1, True))
    same(json.loads(box.said("device", "list", "--tag", "O'HARA", "--json"))["count"], 0, "a dry run writes nothing")
    done = box.run("device", "tag", "O'HARA", "--file", serials, "--json")
    same(done.returncode, 1, "one was refused")
    same([r["status"] for r in json.loads(done.stdout)["rows"]], ["changed", "changed", "refused"])
    with open(serials, "wb") as f:  # as Export-Csv of Windows PowerShell writes what a list of devices says
        f.write('#TYPE System.Management.Automation.PSCustomObject\r\n"serialNumber";"model"\r\n"CLI00001";"x"\r\n'.encode("utf-16"))
    told = json.loads(box.run("device", "tag", "WIDE", "--file", serials, "--dry-run", "--json").stdout)
    same([(r["serialNumber"], r["status"]) for r in told["rows"]], [("CLI00001", "changed")], "any form of list")
    first = json.loads(box.said("device", "list", "--tag", "o'hara", "--max", "1", "--json"))
    rest = json.loads(box.said("device", "list", "--tag", "o'hara", "--after", first["next"], "--json"))
    same(sorted(d["serialNumber"] for d in first["devices"] + rest["devices"]), ["CLI00000", "CLI00001"], "paged")
    same(rest["next"], None)
    same(json.loads(box.said("device", "list", "--unassigned", "--serial", "0002", "--json"))["count"], 1)
    same(json.loads(box.said("device", "list", "--filter", "startswith(serialNumber,'CLI') and groupTag eq ''", "--json"))["count"], 1)
    same(box.run("device", "list", "--filter", "nosuch eq 1").returncode, 1)
    same(box.run("device", "list", "--max", "none").returncode, 2)
    same(box.run("device", "tag", "X").returncode, 2, "no device is named")
    box.said("device", "assign-user", "ADA@contoso.test", "CLI00000", "--greeting", "Ada")
    same(json.loads(box.said("device", "list", "--user", "ada@contoso.test", "--json"))["devices"][0]["serialNumber"], "CLI00000")
    assert "nobody@contoso.test" in box.run("device", "assign-user", "nobody@contoso.test", "CLI00001").stdout
    box.said("device", "unassign-user", "CLI00000")
    box.said("device", "rename", "PC-7", "CLI00000")
    same(box.run("device", "rename", "a name too long for it", "CLI00000").returncode, 1)
    for status in ("changed", "unchanged"):
        same([d["status"] for d in json.loads(box.said("device", "unblock", "CLI00000", "--json"))["rows"]], [status])
    code = json.loads(box.said("device", "provision-code", "CLI00000", "--json"))
    assert re.fullmatch("[2-9B-Z]{4}-[2-9B-Z]{4}", code["code"]) and code["serialNumber"] == "CLI00000" and code["expiresAt"], code
    same(box.run("device", "provision-code", "NOSUCH").returncode, 1)
    box.said("device", "set", "CLI00000", "groupTag=DESK", "deviceFriendlyName=Desk 7")
    same(box.run("device", "set", "CLI00000", "groupTag=LOST", "nosuch=1").returncode, 1)
    device = json.loads(box.said("device", "list", "--serial", "CLI00000", "--json"))["devices"][0]
    same((device["groupTag"], device["displayName"], device["userPrincipalName"]), ("DESK", "PC-7", ""))
    hashed = box.write("hash", rows[0].split(",")[2])
    same(json.loads(box.said("device", "match", hashed, "--json"))["verdict"], "match")
    same(json.loads(box.said("device", "requests", "--json")), [])
    same(box.run("device", "approve", "ABCD-EFGH").returncode, 1)
    same(json.loads(box.said("device", "remove", "CLI00000", "--dry-run", "--json"))["changed"], 1)
    box.said("device", "remove", "CLI00000")
    same(box.run("device", "show", "CLI00000").returncode, 1)
    same(json.loads(box.said("device", "match", hashed, "--json"))["verdict"], "none")
    kinds = [e["activity"] for e in json.loads(box.said("audit", "list", "--kind", "registration", "--json"))]
    same(kinds[0], "Delete WindowsAutopilotDeviceIdentity", kinds)


def lives_are_told_and_ended(box):
    """device life and device retire: chapters for eyes, programs and spreadsheets; an end in one go."""
    rows = box.hashes(2)
    box.said("device", "import", box.write("d.csv", HEADER + "\n" + "\n".join(rows) + "\n"))
    same(box.said("device", "life", "CLI00000").splitlines()[-1], "1 chapter")
    same(box.run("device", "retire", "CLI00000", "--wipe").returncode, 1, "not managed")
    same(box.run("device", "retire", "CLI00000", "--wipe", "--now").returncode, 2)
    same(box.run("device", "retire", "NOBODY").returncode, 1)
    same(box.run("device", "life", "NOBODY").returncode, 1)
    same(box.run("device", "life", "CLI00000", "--csv", "--json").returncode, 2)
    done = json.loads(box.said("device", "retire", "CLI00000", "--deregister", "--reason", "=HYPERLINK(1)", "--json"))
    same((done["done"], done["deregistered"], done["actionId"]), (True, True, None))
    same(box.run("device", "show", "CLI00000").returncode, 1, "deregistered")
    told = json.loads(box.said("device", "life", "CLI00000", "--json"))
    same([c["kind"] for c in told["chapters"]], ["registered", "retired", "deregistered"])
    same((told["state"], told["count"], told["chapters"][1]["why"]), ("retired", 3, "=HYPERLINK(1)"))
    box.said("device", "life", "CLI00000", "--csv", "--out", box.path("life.csv"))
    same(stat.S_IMODE(os.stat(box.path("life.csv")).st_mode), 0o600)
    table = open(box.path("life.csv"), encoding="utf-8", newline="").read()
    assert '"\'=HYPERLINK(1)"' in table and table.count("\r\n") == 4, table
    same(box.run("device", "life", "CLI00000", "--out", box.path("no", "such", "folder")).returncode, 1)
    same([n for n in os.listdir(box.dir) if ".part-" in n], [])
    box.said("device", "import", box.path("d.csv"))
    told = json.loads(box.said("device", "life", "CLI00000", "--json"))
    same([c["kind"] for c in told["chapters"]], ["registered", "retired", "deregistered", "registered"])
    same(len(told["wayIds"]), 2)
    same(json.loads(box.said("device", "life", "CLI00001", "--json"))["count"], 1)
    for key in ("event-retention", "audit-retention", "history-retention"):
        box.said("tenant", "set", f"{key}=30")
        same(box.run("tenant", "set", f"{key}=-1").returncode, 1)


def prove(box, registration, serial, ek="ab" * 32):
    """A TPM that the device proved, as the door writes it."""
    db = sqlite3.connect(os.path.join(box.data, "store.db"))
    with db:
        tenant = db.execute("SELECT tenant FROM registration WHERE id = ?", (registration,)).fetchone()[0]
        db.execute("INSERT INTO tpm_binding VALUES (?, ?, ?, 1, 'id:494E5443', 'NPCT75x', 'id:00070002', ?, ?, 7, 3, 1, 65536, ?, ?)",
                   (tenant, registration, ek, '{"0":"' + "11" * 32 + '","7":"' + "22" * 32 + '"}',
                    '{"0":"' + "11" * 32 + '","7":"' + "33" * 32 + '"}', 1893553445000000, 1893553446000000))
    db.close()
    return serial


def makers_are_trusted(box):
    """Roots by file, each once; what is no authority's, or no certificate, is refused and nothing of it stays."""
    root = box.path("root.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", box.path("key.pem"),
                    "-subj", "/CN=One TPM", "-addext", "basicConstraints=critical,CA:FALSE", "-days", "9", "-out", box.path("leaf.pem")],
                   check=True, capture_output=True)
    subprocess.run(["openssl", "req", "-x509", "-key", box.path("key.pem"), "-subj", "/CN=Maker", "-days", "9", "-out", root], check=True,
                   capture_output=True)
    old = subprocess.run(["openssl", "req", "-x509", "-key", box.path("key.pem"), "-subj", "/CN=Old maker", "-days", "9", "-outform", "DER"],
                         check=True, capture_output=True).stdout
    at = old.index(b"\x17\x0d", old.index(b"\x17\x0d") + 2)
    with open(box.path("old.cer"), "wb") as f:
        f.write(old[:at + 2] + b"200101000000Z" + old[at + 15:])
    same(json.loads(box.said("tpm", "roots", "--json")), {"roots": []})
    same(box.said("tpm", "roots"), "no maker is trusted: a TPM is believed only where its key is the registered one\n")
    added = json.loads(box.said("tpm", "add-root", root, "old.cer", root, "--label", "Contoso, by courier", "--json"))["roots"]
    same([r["added"] for r in added], [True, True, False])
    same([r["expired"] for r in added], [False, True, False])
    same(json.loads(box.said("tpm", "add-root", root, "--json"))["roots"][0]["added"], False)
    assert "EXPIRED" in box.said("tpm", "roots"), box.said("tpm", "roots")
    for file, reason in (("leaf.pem", "no certificate of an authority"), ("pw", "no certificate"), ("nosuch.pem", "nosuch.pem")):
        done = box.run("tpm", "add-root", root, file)
        same(done.returncode, 1, done.stderr)
        assert reason in done.stderr and file in done.stderr, done.stderr
    listed = json.loads(box.said("tpm", "roots", "--json"))["roots"]
    same(sorted(listed[0]), ["addedAt", "expired", "label", "notAfter", "sha256", "subject"])
    same({r["label"] for r in listed}, {"Contoso, by courier"})
    for which, code in (("abc", 1), ("0" * 8, 1), (listed[0]["sha256"][:8], 0), (listed[0]["sha256"], 1), (listed[1]["sha256"].upper(), 0)):
        same(box.run("tpm", "remove-root", which).returncode, code, which)
    same(json.loads(box.said("tpm", "roots", "--json")), {"roots": []})
    told = box.said("audit", "list")
    assert "TpmManufacturerCertificate" in told, told


def tpms_are_shown_and_forgotten(box):
    """Which TPM a device proved; its baseline after an update; forgotten with a word to the audit."""
    box.write("d.csv", HEADER + "\n" + "\n".join(box.hashes(1)) + "\n")
    box.said("device", "import", "d.csv")
    shown = json.loads(box.said("tpm", "show", "CLI00000", "--json"))
    same((shown["proven"], shown["serialNumber"]), (False, "CLI00000"))
    for verb in (("unbind", "CLI00000"), ("baseline", "CLI00000", "--forget"), ("show", "NOSUCH")):
        same(box.run("tpm", *verb).returncode, 1, verb)
    same(json.loads(box.said("device", "show", "CLI00000", "--json"))["tpm"], None)
    prove(box, shown["registrationId"], "CLI00000")
    shown = json.loads(box.said("tpm", "show", "CLI00000", "--json"))
    same((shown["assurance"], shown["model"], shown["resets"], shown["pcrs"]["0"]), ("hardware", "NPCT75x", 3, "11" * 32))
    text = box.said("tpm", "show", "CLI00000")
    assert f"PCR 7          {'22' * 32}  NOT as learnt" in text and f"PCR 0          {'11' * 32}  as learnt" in text, text
    assert "tpm            hardware, id:494E5443 NPCT75x" in box.said("device", "show", "CLI00000"), box.said("device", "show", "CLI00000")
    same(json.loads(box.said("device", "show", "CLI00000", "--json"))["tpm"]["ekSha256"], "ab" * 32)
    same(box.run("tpm", "baseline", "CLI00000").returncode, 2)
    same(box.run("tpm", "baseline", "CLI00000", "--forget", "--accept").returncode, 2)
    same(json.loads(box.said("tpm", "baseline", "CLI00000", "--accept", "--json"))["baseline"]["7"], "22" * 32)
    same(json.loads(box.said("tpm", "baseline", "CLI00000", "--forget", "--json"))["baseline"], None)
    box.said("tpm", "unbind", "CLI00000")
    same(json.loads(box.said("tpm", "show", "CLI00000", "--json"))["proven"], False)
    told = box.said("device", "show", "CLI00000", "--timeline")
    assert "tpm.changed" in told and "tpm.removed" in told, told
    prove(box, shown["registrationId"], "CLI00000")
    box.said("device", "remove", "CLI00000")
    box.said("device", "import", "d.csv")
    same(json.loads(box.said("tpm", "show", "CLI00000", "--json"))["proven"], False)


def connectors_are_added(box):
    """A code for each connector, shown once; known by name or id; disabled, enabled, removed, and told to the audit."""
    same(json.loads(box.said("connector", "list", "--json")), {"connectors": []})
    assert "connector add" in box.said("connector", "list")
    made = json.loads(box.said("connector", "add", "HQ-1", "--json"))
    same(sorted(made), ["code", "codeUntil", "id", "name"])
    assert re.fullmatch(r"([2-9B-Z]{4}-){5}[2-9B-Z]{4}", made["code"]), made["code"]
    assert made["code"] not in box.said("connector", "list") + box.said("connector", "show", "HQ-1", "--json")
    same(box.run("connector", "add", "hq-1").returncode, 1)
    same(box.run("connector", "add", "").returncode, 1)
    assert re.match(r"([2-9B-Z]{4}-){5}", box.said("connector", "add", "HQ-2"))
    shown = json.loads(box.said("connector", "show", made["id"], "--json"))
    same(sorted(shown), ["boundDomains", "createdAt", "domains", "id", "lastContactAt", "name", "state", "version"])
    same((shown["state"], shown["domains"], shown["lastContactAt"], shown["boundDomains"]), ("waiting", [], None, []))
    box.said("connector", "disable", "hq-1")
    same([c["state"] for c in json.loads(box.said("connector", "list", "--json"))["connectors"]], ["disabled", "waiting"])
    box.said("connector", "enable", "HQ-1")
    box.said("connector", "remove", made["id"])
    for verb in ("show", "enable", "disable", "remove"):
        done = box.run("connector", verb, "HQ-1")
        same(done.returncode, 1, verb)
        assert "HQ-1" in done.stderr, done.stderr
    told = box.said("audit", "list")
    assert "DomainJoinConnector" in told, told


def connectors_are_bound(box):
    """To the domains that are given with the code, or later; anew each time, and to any again."""
    def bound():
        return json.loads(box.said("connector", "show", "HQ-9", "--json"))["boundDomains"]

    box.said("connector", "add", "HQ-9", "--domain", "Lab.Test", "--domain", "corp.test")
    same(bound(), ["corp.test", "lab.test"])
    assert "bound to corp.test, lab.test" in box.said("connector", "list")
    box.said("connector", "bind", "hq-9", "--domain", "corp.test")
    same(bound(), ["corp.test"])
    for code, words, said in ((2, ["HQ-9"], "--any"), (2, ["HQ-9", "--any", "--domain", "x.test"], "--any"), (1, ["HQ-9", "--domain", "a b"], "no DNS name"),
                              (1, ["HQ-9"] + [f"--domain=d{i}.test" for i in range(17)], "16"), (1, ["HQ-8", "--any"], "HQ-8"), (2, ["--any"], "NAME")):
        done = box.run("connector", "bind", *words)
        same(done.returncode, code, words)
        assert said in done.stderr, done.stderr
    same(box.run("connector", "add", "HQ-8", "--domain", "a..b").returncode, 1)
    same(box.run("connector", "show", "HQ-8").returncode, 1, "refused as a whole")
    same(bound(), ["corp.test"])
    box.said("connector", "bind", "HQ-9", "--any")
    same(bound(), [])
    assert "bound to any domain" in box.said("connector", "show", "HQ-9")
    box.said("connector", "remove", "HQ-9")


def directory_domains_are_set(box):
    """What a tenant wants of a domain: set, shown, refused by name, removed; its domain is the tenant's from then on."""
    assert "domain set" in box.said("connector", "domain", "list")
    made = json.loads(box.said("connector", "domain", "set", "Corp.Test", "sign-in=on", "--json"))
    same((made["domain"], made["signIn"], made["sync"], made["seconds"], made["served"], made["people"]), ("corp.test", True, False, 60, False, 0))
    box.said("connector", "domain", "set", "corp.test", "sync=on", "base=OU=People,DC=corp,DC=test", "seconds=30", "upn-suffix=corp.example")
    shown = json.loads(box.said("connector", "domain", "show", "CORP.TEST", "--json"))
    same((shown["signIn"], shown["sync"], shown["base"], shown["seconds"], shown["notTakenOver"]), (True, True, "OU=People,DC=corp,DC=test", 30, []))
    same([d["domain"] for d in json.loads(box.said("connector", "domain", "list", "--json"))], ["corp.test"])
    box.write("pw", "a-long-password")
    box.said("user", "add", "rescue@corp.example", "--password-file", "pw")
    same(json.loads(box.said("user", "show", "rescue@corp.example", "--json"))["source"], "")
    for code, words, said in ((1, ["set", "corp.test", "seconds=5"], "seconds"), (1, ["set", "corp.test", "base=nowhere"], "base"), (1, ["set", "corp.test", "sync=yes"], "on or off"),
                              (1, ["set", "corp.test", "colour=red"], "colour"), (2, ["set", "corp.test", "sync"], "KEY=VALUE"), (2, ["set"], "DOMAIN"), (2, ["frob"], "frob"),
                              (1, ["show", "else.test"], "else.test"), (1, ["set", "no-domain", "sync=on"], "domain name"), (2, ["list", "x", "y"], "too much")):
        done = box.run("connector", "domain", *words)
        same(done.returncode, code, words)
        assert said in done.stderr, done.stderr
    same(json.loads(box.said("connector", "domain", "show", "corp.test", "--json"))["seconds"], 30)
    box.said("connector", "domain", "remove", "corp.test")
    same(box.run("connector", "domain", "remove", "corp.test").returncode, 1)
    assert "Domain" in box.said("audit", "list")


def wait_until(true, what):
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def children_of(pid):
    """Connectors that this service has started, by what the kernel tells."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                mine = int(f.read().rpartition(")")[2].split()[1]) == pid
            with open(f"/proc/{name}/cmdline", "rb") as f:
                found += [int(name)] if mine and b"\0run\0" in f.read() else []
    return found


def a_connector_is_run(box):
    """Its configuration is looked at before anything else; as the service's child it registers itself, comes back when it is killed, ends with it."""
    os.chmod(box.write("svc.pw", "secret\n"), 0o600)
    domain = f"[domain corp.test]\nurl = ldaps://127.0.0.1:1\nca = {box.path('data', 'ca.pem')}\nuser = odjsvc@corp.test\npassword-file = {box.path('svc.pw')}\n"
    box.write("c.ini", domain)
    service = f"[connector]\nserver = https://localhost:1\nstate = {box.path('st')}\nca = "
    box.write("noca.ini", service + box.path("none.pem") + "\n" + domain)
    box.write("badca.ini", service + box.path("svc.pw") + "\n" + domain)
    box.write("bad.ini", "[domain corp.test]\nurl = ldap://dc\nca = x\nuser = u\npassword-file = p\n")
    for code, words, said in ((2, ["connector", "run"], "config"), (2, ["connector", "run", "--config", "c.ini"], "server"), (1, ["connector", "check", "--config", "none"], "none"),
                              (1, ["connector", "run", "--config", "noca.ini", "--code", "A"], "touchdown: ca: "),
                              (1, ["connector", "run", "--config", "badca.ini", "--code", "A"], "holds no certificate"),
                              (1, ["connector", "check", "--config", "bad.ini"], "ldaps://"), (1, ["connector", "check", "--config", "c.ini", "--domain", "else.test"], "domain")):
        done = box.run(*words)
        same(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        assert said in done.stderr, f"{words}: {done.stderr}"
    done = box.run("serve", "--listen", "127.0.0.1:0", "--config", box.write("gone.ini", f"[connector]\nconfig = {box.path('gone')}\n"))
    same(done.returncode, 1)
    assert "gone is not there" in done.stderr and "Sanitizer" not in done.stderr, done.stderr
    box.write("own.ini", domain.replace("password-file", "passwort-file"))
    p, port = box.serve("--config", box.write("s.ini", f"[connector]\nconfig = {box.path('own.ini')}\n"))
    wait_until(lambda: open(box.path("serve.log"), encoding="utf-8").read().count("connector.ended") > 2, "a child that can't start is tried again")
    same([c["name"] for c in json.loads(box.said("connector", "list", "--json"))["connectors"]], ["local"], "by one name and code")
    box.write("own.ini", domain)
    done = box.run("connector", "check", "--config", "c.ini")
    same(done.returncode, 1)
    assert "NoDc" in done.stdout and "ldaps://127.0.0.1:1" in done.stdout and "secret" not in done.stdout + done.stderr
    found = json.loads(box.run("connector", "check", "--config", "c.ini", "--json").stdout)
    same([found["passed"], [(f["domain"], f["verdict"], f["found"].split(":")[0], bool(f["remedy"])) for f in found["findings"]]], [False, [("corp.test", "wrong", "ldaps", True)]])
    for name, text, said in (("ca.ini", domain.replace(box.path("data", "ca.pem"), box.path("svc.pw")), "Untrusted"),
                             ("key.ini", f"[domain corp.test]\nurl = ldap://127.0.0.1:1\nuser = odjsvc\nkeytab = {box.path('svc.pw')}\n", "ServicePassword")):
        done = box.run("connector", "check", "--config", box.write(name, text))
        assert done.returncode == 1 and said in done.stdout and "Look at the detail" not in done.stdout, f"{name}: {done.stdout}"
    wait_until(lambda: [c["state"] for c in json.loads(box.said("connector", "list", "--json"))["connectors"]] == ["failing"], "the child is heard of")
    first = children_of(p.pid)
    same(len(first), 1)
    done = box.run("connector", "run", "--config", "c.ini", "--server", f"https://localhost:{port}", "--ca", "data/ca.pem", "--state", box.path("data", "connector"))
    same(done.returncode, 1)
    assert "another connector runs" in done.stderr, done.stderr
    wait_until(lambda: sorted(os.listdir(box.path("data", "connector"))) == ["connector.json", "encryption.pem", "key.pem"], "the code is used up")
    os.kill(first[0], signal.SIGKILL)
    wait_until(lambda: children_of(p.pid) not in ([], first), "it comes back")
    same(len(json.loads(box.said("connector", "list", "--json"))["connectors"]), 1)
    done = box.run("connector", "run", "--config", "c.ini", "--server", f"https://localhost:{port}", "--ca", "data/ca.pem", "--state", "alone", "--code", "2222-2222-2222-2222-2222-2222")
    same(done.returncode, 1)
    assert "code" in done.stderr, done.stderr
    second = children_of(p.pid)
    p.send_signal(signal.SIGTERM)
    same(p.wait(25), 0)
    assert not os.path.exists(f"/proc/{second[0]}"), "the child ended with the service"
    p, _ = box.serve("--config", box.path("s.ini"))
    wait_until(lambda: children_of(p.pid), "the child runs again")
    third = children_of(p.pid)
    p.kill()
    p.wait()
    wait_until(lambda: not os.path.exists(f"/proc/{third[0]}"), "a child whose service was killed ends by itself")


def serves(box):
    """Ready within 5 s, --http for /pki and /ocsp alone, SIGHUP goes on, SIGTERM ends with 0, commands beside it."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        plain = s.getsockname()[1]
    begun = time.monotonic()
    p, port = box.serve("--http", f"127.0.0.1:{plain}", "--name", "mdm.contoso.test", "--name", "portal.contoso.test,people")
    assert time.monotonic() - begun < 5 or "clang_rt" in str(os.environ), "not ready within 5 s"
    for path in ("/", "/readyz", "/healthz", "/metrics", "/v1.0/users", "/common/.well-known/openid-configuration"):
        same(box.get(plain, path, "http"), 404, f"without TLS: {path}")
    with open(os.path.join(box.data, "ca.pem"), encoding="ascii") as f:
        assert "BEGIN CERTIFICATE" in f.read()
    box.said("user", "add", "beside@contoso.test", "--password-file", "pw")
    taken = box.run("serve", "--listen", f"127.0.0.1:{port}")
    same(taken.returncode, 1)
    assert "Address already in use" in taken.stderr
    p.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    same(box.get(port, "/readyz"), 200)
    p.send_signal(signal.SIGTERM)
    same(p.wait(25), 0)
    p, _ = box.serve()
    p.send_signal(signal.SIGINT)
    same(p.wait(25), 0)


def device_exit_codes(box):
    """2 usage or not offered, 1 failed, 0 done."""
    table = [(2, []), (2, ["nosuch"]), (2, ["run"]), (2, ["run", "--bogus"]), (2, ["run", "--state"]), (2, ["show"]), (2, ["sync"]),
             (2, ["provision"]), (2, ["provision", "--state", "new3"]), (2, ["provision", "--state", "new3", "--csv"]),
             (2, ["preflight"]), (2, ["reset"]), (2, ["diagnostics"]), (2, ["diagnostics", "--state", "none"]), (1, ["diagnostics", "--state", "none", "--out", "z"]),
             (2, ["sysprep"]), (1, ["sysprep", "--state", "none", "--generalize"]), (2, ["fleet", "--count", "3"]), (2, ["help", "nosuch"]),
             (2, ["run", "--state", "new", "--server", "http://x", "--ca", "pw"]), (2, ["run", "--state", "new2"]),
             (2, ["run", "--state", "new", "--pace", "0"]), (2, ["run", "--state", "new", "--answer", "colour=red"]),
             (2, ["hash", "--csv=1"]), (1, ["show", "--state", "none"]), (1, ["sync", "--state=none"]),
             (1, ["reset", "--state", "none"]), (1, ["reset", "--state", "none", "--reinstall"]), (2, ["use"]),
             (1, ["use", "--state", "none", "--user", "ada@contoso.test"]), (2, ["use", "--state", "none", "--csv"]), (2, ["sign-out"]), (1, ["sign-out", "--state", "none"]),
             (1, ["hash", "--hardware", "none"]), (0, ["help"]), (0, ["--help"]), (0, ["--version"]), (0, ["run", "--help"]),
             (0, ["fleet", "--help"]), (0, ["help", "run"]), (0, ["help", "--man"]), (0, ["help", "--markdown"]), (0, ["hash"]),
             (0, ["hash", "--csv"]), (2, ["domain"]), (1, ["domain", "--state", "none"]), (2, ["domain", "--policies"]),
             (1, ["domain", "--state", "none", "--policies"]), (1, ["domain", "--blob", "none"]), (1, ["domain", "--blob", "pw"]),
             (2, ["domain", "--take", "--state", "none"]), (2, ["domain", "--take", "--blob", "pw"]), (1, ["domain", "--take", "--blob", "pw", "--state", "none"])]
    for code, words in table:
        done = subprocess.run([DEVICE, *words], capture_output=True, text=True, timeout=60, check=False, cwd=box.dir,
                              stdin=subprocess.DEVNULL)
        same(done.returncode, code, f"for {words}: {done.stdout[-200:]}{done.stderr[-200:]}")
    assert not os.path.exists(box.path("none"))
    for words in (["--csv", "--hardware", "none"], ["--hardware", box.write("odd.json", '{"serialNumber":"SN-1"}')]):
        done = subprocess.run([DEVICE, "hash", *words], capture_output=True, text=True, timeout=60, check=False, cwd=box.dir)
        same((done.returncode, done.stdout), (1, ""))  # a file for the import holds no error
        assert done.stderr.startswith("failed "), done.stderr
    assert "serialNumber" in done.stderr and "virtual-device.md" in done.stderr, done.stderr


def blobs_are_shown_and_handed_on(box):
    """A domain-join blob in each of its forms: what it says, never its password; its forms for others are for their owner alone."""
    with open(os.path.join(ROOT, "tests", "fixtures", "odj", "samba.djoin"), "rb") as f:
        djoin = f.read()
    blob = base64.b64decode(djoin[2:].decode("utf-16-le").rstrip("\0"))
    first = blob[0xC0:]  # domain, machine, password, as csp.md 12 says
    for _ in range(2):
        n = int.from_bytes(first[8:12], "little")
        first = first[(12 + 2 * n + 3) // 4 * 4:]
    password = first[12:12 + 2 * int.from_bytes(first[8:12], "little") - 2].decode("utf-16-le")
    assert len(password) >= 100
    for name, octets in (("raw", blob), ("plain", base64.b64encode(blob)), ("djoin", djoin)):
        with open(box.path(name), "wb") as f:
            f.write(octets)
        said = [subprocess.run([DEVICE, "domain", "--blob", name, *more], capture_output=True, text=True, timeout=60, check=True, cwd=box.dir).stdout
                for more in (("--djoin", "out.txt", "--unattend", "out.xml"), ("--json",))]
        same(json.loads(said[1])["computer"], "PC-0001")
        for wanted in ("corp.test", "CORP", "PC-0001", "dc1.corp.test", "10.77.2.10", "S-1-5-21-"):
            assert wanted in said[0] and wanted in said[1], wanted
        assert password not in said[0] + said[1] and password[:20] not in said[0] + said[1]
        with open(box.path("out.txt"), "rb") as f:
            same(f.read(), djoin)
        spaces = {"u": "urn:schemas-microsoft-com:unattend"}
        part = xml.etree.ElementTree.parse(box.path("out.xml")).find(".//u:component[@name='Microsoft-Windows-UnattendedJoin']", spaces)
        same(base64.b64decode(part.find("u:OfflineIdentification/u:Provisioning/u:AccountData", spaces).text), blob)
        for out in ("out.txt", "out.xml"):
            same(stat.S_IMODE(os.stat(box.path(out)).st_mode), 0o600)
            os.unlink(box.path(out))
    with open(box.path("spoilt"), "wb") as f:
        f.write(blob[:200] + b"\x01" + blob[201:])
    done = subprocess.run([DEVICE, "domain", "--blob", "spoilt", "--djoin", "out.txt"], capture_output=True, text=True, timeout=60, check=False, cwd=box.dir)
    same((done.returncode, os.path.exists(box.path("out.txt"))), (1, False))
    assert "have another one made" in done.stdout, done.stdout


def requirements_are_documented(box):
    """docs/tasks/preflight.md lists what both sides look at, in their words."""
    with open(os.path.join(ROOT, "docs", "tasks", "preflight.md"), encoding="utf-8") as f:
        told = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", f.read(), re.M)
    box.write("d.csv", HEADER + "\n" + "\n".join(box.hashes(1)) + "\n")
    box.said("device", "import", "d.csv")
    service = json.loads(box.run("device", "check", "CLI00000", "--json").stdout)
    box.serve()
    done = subprocess.run([DEVICE, "preflight", "--state", box.path("pc"), "--server", "https://localhost:1", "--ca",
                           os.path.join(box.data, "ca.pem"), "--json"], capture_output=True, text=True, timeout=60, check=False)
    same(done.returncode, 1, done.stdout + done.stderr)
    same(told, [(f["code"], f["what"]) for side in (json.loads(done.stdout), service) for f in side["findings"]])


def settings_are_documented(box):
    """docs/tasks/tenants.md has every setting of a tenant, with the value that it has at first."""
    with open(os.path.join(ROOT, "docs", "tasks", "tenants.md"), encoding="utf-8") as f:
        rows = re.findall(r"^\| (`[a-z`, -]+`) \| [^|]+ \| ([^|]+) \|", f.read(), re.M)
    told = {}
    for keys, first in rows:
        keys, first = re.findall(r"`([a-z-]+)`", keys), first.replace("`", "").split(", ")
        told.update(zip(keys, first * len(keys) if len(first) == 1 else first))
    for key, value in json.loads(box.said("tenant", "show", "--json"))["settings"].items():
        assert key in told, f"docs/tasks/tenants.md lacks {key}"
        same(told[key].split(":")[0], value or "empty", key)


def items_are_said_about(box):
    """Each command tells what it has done, and to whom."""
    file = box.write("k.json", json.dumps({"kind": "kiosk", "url": "https://board.contoso.test/"}))
    box.said("group", "add", "Halls")
    for words, told in ((("add", "k", "--file", file), 'kiosk "k" added: '), (("add", "k", "--file", file, "--replace"), 'kiosk "k" changed: '),
                        (("assign", "k", "--group", "Halls"), 'kiosk "k" is assigned to the group "Halls": '),
                        (("assign", "k", "--all-devices"), 'kiosk "k" is assigned to all devices: '),
                        (("unassign", "k", "--group", "Halls"), 'kiosk "k" is no longer assigned to the group "Halls": '),
                        (("remove", "k"), 'kiosk "k" is removed: ')):
        assert box.said("policy", *words).startswith(told), f"{words}: {told}"


def items_name_items(box):
    """An item that names others does it by their names, and keeps their ids."""
    def add(name, item, expect=0):
        done = box.run("policy", "add", name, "--file", box.write("item.json", json.dumps(item)), "--json")
        same(done.returncode, expect, f"policy add {name}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout).get("id") if expect == 0 else done.stdout + done.stderr
    join = {"kind": "domain-join", "domain": "corp.contoso.test", "namePrefix": "PC-"}
    vpn = add("Way in", {"kind": "vpn", "name": "Contoso VPN", "servers": ["vpn.contoso.test"], "protocol": "l2tp", "authentication": "mschapv2",
                         "presharedKey": "open-sesame"})
    add("corp", {**join, "networkAccess": ["way IN"]})
    add("share", {"kind": "co-management", "workloads": ["compliance"]})
    for more in ({"networkAccess": ["nobody"]}, {"networkAccess": ["share"]}, {"domain": "CORP"}, {"organizationalUnit": "OU=x,DC=other"}):
        told = add("bad", {**join, **more}, expect=1)
        assert next(iter(more)) in told, f"{more}: {told}"
    listed = {i["name"]: i["item"] for i in json.loads(box.said("policy", "list", "--json"))}
    same(listed["corp"]["networkAccess"], [vpn], "the network's id")
    same(listed["corp"]["nameRandom"], 12, "the rest of the name")
    assert "open-sesame" not in json.dumps(listed), "the key is not listed"
    package = box.write("x.msi", "no package")
    version = ["--product-code", "{77777777-0000-4000-8000-000000000001}", "--product-version", "1"]
    box.said("package", "add", package, "--name", "first", *version)
    done = box.run("package", "add", package, "--name", "second", "--after", "nobody", *version)
    assert done.returncode == 1 and "nobody" in done.stderr, done.stderr
    box.said("package", "add", package, "--name", "second", "--after", "first", *version)
    items = {i["name"]: i for i in json.loads(box.said("policy", "list", "--json"))}
    same(items["second"]["item"]["after"], [items["first"]["id"]], "the package before it")


def documents_are_true(_):
    """docs/cli.md and the tables of codes are what the programs say."""
    for part in ("cli", "codes"):
        done = subprocess.run([os.path.join(ROOT, "tools", "docs.sh"), "--check", part], capture_output=True, text=True, check=False,
                              env={**os.environ, "TOUCHDOWN": TOUCHDOWN, "TOUCHDOWN_DEVICE": DEVICE})
        same(done.returncode, 0, done.stdout[-2000:] + done.stderr)


def measurements_of_profiles(box):
    """What a profile wants of a machine's start: from its file, shown, changed, refused by name; passed on as it was."""
    value = "7:" + "ab" * 32
    box.said("profile", "add", "kiosks", "--file", box.write("p.json", json.dumps({"pcrPolicy": "allowList", "pcrAllowed": value})))
    settings = json.loads(box.said("profile", "show", "kiosks", "--json"))["settings"]
    same((settings["pcrPolicy"], settings["pcrAllowed"]), ("allowList", value))
    assert f"pcrAllowed                               {value}" in box.said("profile", "show", "kiosks"), box.said("profile", "show", "kiosks")
    box.said("profile", "add", "again", "--file", box.write("again.json", json.dumps(settings)))
    same(json.loads(box.said("profile", "show", "again", "--json"))["settings"], settings)
    box.said("profile", "edit", "again", "--file", box.write("p.json", '{"pcrPolicy":"baseline"}'))
    for text, field in (('{"pcrPolicy":"any"}', "pcrPolicy"), ('{"pcrPolicy":"allowList","pcrAllowed":""}', "pcrAllowed"), ('{"pcrAllowed":"9:00"}', "pcrAllowed")):
        done = box.run("profile", "edit", "again", "--file", box.write("p.json", text), "--json")
        same((done.returncode, json.loads(done.stderr)["error"]["field"]), (1, field))
    same(json.loads(box.said("profile", "show", "again", "--json"))["settings"]["pcrPolicy"], "baseline")


def codes_are_explained(box):
    """A code in any spelling, a name, an area; what is not known is refused and told where it comes from."""
    wanted = json.loads(box.said("code", "0x80180014", "--json"))["failures"]
    same([f["name"] for f in wanted], ["DeviceNotSupported", "DeployedBefore"])
    for spelling in ("80180014", "-2145910764", "2149056532", "0X80180014"):
        same(json.loads(box.said("code", spelling, "--json"))["failures"], wanted, spelling)
    same([f["code"] for f in json.loads(box.said("code", "untrustedMANUFACTURER", "--json"))["failures"]], ["0x801c03ea"])
    same(box.said("code", "807").splitlines()[0], "807  lookup, ZtdDeviceIsNotRegistered")
    every = json.loads(box.said("code", "--json"))["failures"]
    same({"0x800705b4", "0x81039001", "0xc1036501", "0x80180014", "0x801c03ea"} <= {f["code"] for f in every}, True)
    assert len(json.loads(box.said("code", "--area", "attestation", "--json"))["failures"]) > 25
    for words, reason in ((["0x80189999"], "management enrolment"), (["nonsense"], "neither a code nor a name"), (["--area", "x"], "no area")):
        done = box.run("code", *words)
        same((done.returncode, done.stdout), (1, ""))
        assert reason in done.stderr, done.stderr


def interface_document_is_true(_):
    """The tables of docs/graph.md, docs/tasks/roles.md and docs/tasks/actions.md are those that the service runs by."""
    maker = os.path.join(os.path.dirname(TOUCHDOWN), "..", "graph", "graph-doc")
    for part in ("graph", "roles", "actions"):
        done = subprocess.run([os.path.join(ROOT, "tools", "docs.sh"), "--check", part], capture_output=True, text=True, check=False,
                              env={**os.environ, "GRAPH_DOC": os.path.abspath(maker)})
        same(done.returncode, 0, done.stdout[-2000:] + done.stderr)


TESTS = [exit_codes, actions_are_asked, devices_bring_things, actions_need_two, actions_in_bulk, killed_bulk, audit_tells_who_and_what, errors_name_the_thing, nothing_commands_the_terminal, errors_are_json, answers_are_json, media_for_existing_devices, init_is_safe_to_repeat, passwords_can_be_typed,
         leaves_nothing, lost_output_is_told, killed_import, devices_are_said_about, lives_are_told_and_ended, makers_are_trusted, connectors_are_added, connectors_are_bound, directory_domains_are_set, tpms_are_shown_and_forgotten, a_connector_is_run, serves, device_exit_codes, blobs_are_shown_and_handed_on, requirements_are_documented, settings_are_documented, items_are_said_about, items_name_items, measurements_of_profiles, codes_are_explained, documents_are_true,
         interface_document_is_true]
print(f"1..{len(TESTS)}")
for number, test in enumerate(TESTS, 1):
    box = Box()
    try:
        test(box)
        print(f"ok {number} - {test.__name__}", flush=True)
    except Exception:
        print(f"not ok {number} - {test.__name__}", flush=True)
        print("\n".join("# " + line for line in traceback.format_exc().splitlines()), flush=True)
    finally:
        box.close()
