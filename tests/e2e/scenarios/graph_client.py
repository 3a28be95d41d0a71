"""Clients of others drive the administration interface: msal-node signs in by secret, certificate and device code, the Graph client pages, filters, batches, waits, deploys."""
import concurrent.futures
import html
import json
import os
import re
import shutil
import subprocess

import lab as laboratory
from lab import LabError, LabSkip, run, say

CLIENTS = os.path.join(laboratory.ROOT, "tests", "e2e", "clients")
FOLDER = os.path.join(laboratory.ROOT, "build", "e2e-clients")
TOOL = "14d82eec-204b-4c2f-b7e8-296a70dab67e"  # command line tools: known to every tenant
DEVICES = 1200
ROLES = ["DeviceManagementServiceConfig.ReadWrite.All", "DeviceManagementApps.Read.All", "Group.ReadWrite.All", "Organization.Read.All"]


def clients():
    """The pinned packages, in a folder under build/ that outlives the run; None where they can't be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node and npm are not installed (Debian packages nodejs and npm)"
    os.makedirs(FOLDER, exist_ok=True)
    lock = os.path.join(CLIENTS, "package-lock.json")
    kept = os.path.join(FOLDER, "node_modules", ".lock-of-touchdown")
    with open(lock, encoding="utf-8") as f:
        wanted = f.read()
    for name in ("package.json", "package-lock.json", "drive.js"):
        shutil.copy(os.path.join(CLIENTS, name), FOLDER)
    if os.path.exists(kept):
        with open(kept, encoding="utf-8") as f:
            if f.read() == wanted:
                return None
    try:
        done = run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", expect=None, timeout=300, cwd=FOLDER)
    except subprocess.TimeoutExpired:
        return "npm ci had no answer for five minutes"
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        return "npm ci failed: " + next((line for line in lines if "failed" in line), lines[0])
    with open(kept, "w", encoding="utf-8") as f:
        f.write(wanted)
    return None


class Browser:
    """What a person does with a device code: the forms of the pages, by curl."""

    def __init__(self, lab, user, password):
        self.lab, self.user, self.password = lab, user, password

    def fetch(self, url, fields=None):
        data = [w for k, v in (fields or {}).items() for w in ("--data-urlencode", f"{k}={v}")]
        return run("curl", "-sS", "--cacert", self.lab.ca, "-b", self.lab.path("jar"), "-c", self.lab.path("jar"), *data, url).stdout

    def enter(self, address, code):
        page = self.fetch(address)
        for _ in range(4):
            form = re.search(r'<form[^>]*action="([^"]*)"', page)
            if form is None:
                break
            fields = {}
            for tag in re.findall(r"<input[^>]*>", page):
                name = re.search(r'name="([^"]+)"', tag)
                value = re.search(r'value="([^"]*)"', tag)
                if name is None:
                    continue
                name = name.group(1)
                fields[name] = html.unescape(value.group(1)) if value else ""
                if name == "code":
                    fields[name] = code
                elif 'type="password"' in tag:
                    fields[name] = self.password
                elif 'type="hidden"' not in tag and not fields[name]:
                    fields[name] = self.user
            action = html.unescape(form.group(1))
            page = self.fetch(action if action.startswith("https://") else self.lab.url + action, fields)
        if "signed in" not in page:
            raise LabError(f"the code was not taken: {page[:600]}")


def hashes(lab, numbers):
    def one(i):
        facts = {"serial": f"GC {i:04d}", "manufacturer": "Contoso", "model": "Client", "uuid": f"{i + 1:08x}-2222-4222-8333-{i + 1:012x}"}
        return facts["serial"], run(laboratory.DEVICE, "hash", "--hardware", lab.write(f"hw-{i}.json", facts)).stdout.strip()

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, numbers))


def prepare(lab):
    lab.init()
    lab.cli("user", "role-add", laboratory.USER, "Intune Administrator")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=client", "-keyout", lab.path("client.key"), "-out",
        lab.path("client.pem"))
    app = json.loads(lab.cli("app", "add", "Graph client", *[w for r in ROLES for w in ("--role", r)]))
    lab.cli("app", "certificate-add", "Graph client", "--certificate", lab.path("client.pem"))
    made = hashes(lab, range(DEVICES + 1))
    lines = [f"{serial},,{text},{'ODD' if i % 2 else 'EVEN'}" for i, (serial, text) in enumerate(made[:DEVICES])]
    lab.cli("device", "import", lab.write("fleet.csv", "Device Serial Number,Windows Product ID,Hardware Hash,Group Tag\n" + "\n".join(lines) + "\n"))
    lab.serve()
    tenant = lab.cli("tenant", "show", "--json")["tenant"]
    url = f"https://127.0.0.1:{lab.port}"  # Node 18 takes whichever address of localhost comes first; the service has this one
    config = {"url": url, "tenant": tenant, "client": app["client_id"], "secret": app["client_secret"], "certificate": lab.path("client.pem"),
              "key": lab.path("client.key"), "tool": TOOL, "user": laboratory.USER, "devices": DEVICES, "burst": 60,
              "fresh": {"serial": made[DEVICES][0], "hash": made[DEVICES][1]}}
    return lab.write("drive.json", config)


def drive(lab, config, part, browser):
    p = subprocess.Popen(["node", "drive.js", config, part], cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         env={**os.environ, "NODE_EXTRA_CA_CERTS": lab.ca}, start_new_session=True)
    lab.others.append(p)
    for line in p.stdout:
        told = json.loads(line)
        if told.get("ask") == "device-code":
            browser.enter(told["address"], told["code"])
        else:
            say(f"  {part}: {line.strip()}")
    errors = p.stderr.read()
    code = p.wait()
    lab.others.remove(p)
    if code != 0:
        raise LabError(f"{part}: {errors.strip()[-3000:]}")


def scenario(lab):
    missing = clients()
    if missing is not None:
        raise LabSkip(missing)
    config = prepare(lab)
    browser = Browser(lab, laboratory.USER, lab.password)
    for part in ("signIn", "lists", "deployment", "batch"):
        drive(lab, config, part, browser)
    lab.cli("tenant", "set", "graph-throttle=on", "graph-throttle-app-requests=40")
    drive(lab, config, "throttled", browser)
    lab.cli("tenant", "set", "graph-throttle=off")
    told = lab.cli("audit", "list", "--kind", "registration", "--limit", "1", "--json")
    if not told or told[0]["result"] != "success":
        raise LabError(f"the audit does not tell of the devices: {told}")
