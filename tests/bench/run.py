#!/usr/bin/env python3
"""make bench: the rows of the main job against their marks of the same minute; a table, and build/bench.json.

The service runs on one core, the generator on the other; mark and candidate in turn, ROUNDS times, medians. What is
compared is CPU seconds of the server process per unit (ratio = mark / ours, so that more is better); the wall rate stands
beside it. Exit 1 where a goal is missed.

  run.py [--devices N] [--rounds N] [--row NAME]..."""
import argparse
import base64
import json
import os
import re
import shutil
import sqlite3
import ssl
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import attest_rows  # noqa: E402
import contoso  # noqa: E402
import graph_rows  # noqa: E402
from graph_rows import cpu_of as cpu  # noqa: E402
import lab as laboratory  # noqa: E402
from lab import LabError, run, say  # noqa: E402

ROOT = laboratory.ROOT
TOOLS = os.path.join(os.environ.get("BENCH_BUILD", os.path.join(ROOT, "build", "release")), "tests", "bench")
LOAD, SEED, MARKS, MAKERS = (os.path.join(TOOLS, "bench_" + n) for n in ("load", "seed", "marks", "makers"))
# name, goal, count of units in a round, unit of the value
ROWS = [("session_new", 1.0, 300, "us CPU"), ("session_resumed", 1.0, 600, "us CPU"), ("session_kept", 0.6, 3000, "us CPU"),
        ("enrol", 0.7, 200, "us CPU"), ("lookup", 0.8, 300, "us CPU"), ("attest", 0.7, 200, "us CPU"), ("deploy", 1.0, 20, "ms CPU"),
        ("token", 0.8, 1000, "us CPU"), ("list_first", 1.0, 200, "ms"), ("list_filter", 1.0, 200, "ms"), ("list_contains", 1.0, 200, "ms"),
        ("list_page_1000", 1.0, 200, "ms"), ("flat_session", 1.0, 1000, "times"), ("flat_lookup", 1.0, 300, "times"),
        ("flat_list", 1.0, 300, "times"), ("import", 0.5, 1, "rows/s"), ("assign_p99", 1.0, 200, "ms"), ("spread", 1.0, 1, "s"),
        ("memory", 1.0, 1, "MiB"), ("idle", 1.0, 1, "KiB")]
LOGIN = ('<Alert><CmdID>3</CmdID><Data>1224</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft/MDM/LoginStatus</Type></Meta>'
         "<Data>user</Data></Item></Alert>")
GRAPH = {"token", "list_first", "list_filter", "list_contains", "list_page_1000", "flat_list", "import", "assign_p99", "spread"}


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


class Nginx:
    """The static mark: answers the same requests on the same kind of TLS with constants of the same size."""

    def __init__(self, lab, replies):
        self.port = laboratory.free_port()
        self.dir = lab.path("nginx")
        os.makedirs(self.dir, exist_ok=True)
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{self.dir}/key.pem", "-out", f"{self.dir}/cert.pem")
        # a device sends its leaf alone: the mark gets the intermediate among its anchors, as the service has it
        with open(f"{self.dir}/anchors.pem", "w", encoding="ascii") as f, open(lab.ca, encoding="ascii") as root:
            f.write(root.read() + ssl.DER_cert_to_PEM_cert(lab.get("/pki/management.crt")[1]))
        locations = ""
        for number, (path, bodies) in enumerate(replies.items()):
            first, sets = self.constant(bodies[0], f"a{number}")
            second, more = self.constant(bodies[-1], f"b{number}")
            locations += (f"location = {path} {{ default_type application/xml; {sets} {more} if ($args) {{ return 200 '{second}'; }} "
                          f"return 200 '{first}'; }}\n")
        with open(f"{self.dir}/conf", "w", encoding="utf-8") as f:
            f.write(f"""daemon off; master_process on; worker_processes 1; worker_cpu_affinity 01; pid {self.dir}/pid; error_log {self.dir}/error.log;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000; keepalive_timeout 600; client_body_temp_path {self.dir}/body;
 proxy_temp_path {self.dir}/p; fastcgi_temp_path {self.dir}/f; uwsgi_temp_path {self.dir}/u; scgi_temp_path {self.dir}/s; client_max_body_size 1m;
 server {{ listen 127.0.0.1:{self.port} ssl; ssl_certificate {self.dir}/cert.pem; ssl_certificate_key {self.dir}/key.pem; ssl_protocols TLSv1.3;
  ssl_client_certificate {self.dir}/anchors.pem; ssl_verify_client optional; ssl_verify_depth 3; ssl_session_cache shared:S:20m; ssl_session_tickets off;
  {locations} }} }}""")
        out = open(f"{self.dir}/out", "wb")
        self.process = subprocess.Popen(["nginx", "-c", f"{self.dir}/conf", "-p", self.dir], stdout=out, stderr=out, start_new_session=True)
        out.close()
        lab.others.append(self.process)
        try:
            laboratory.wait_for(lambda: os.path.exists(f"{self.dir}/pid") and self.worker(), 10, "nginx is up", lambda: self.process.poll() is None)
        except LabError as e:
            with open(f"{self.dir}/out", encoding="utf-8", errors="replace") as f:
                raise LabError(f"{e}\n{f.read()}") from e

    @staticmethod
    def constant(body, name):
        """Same size, same commands inside, as variables of at most 3,000 octets (nginx bounds its words)."""
        text = body.replace("\\", "/").replace("'", '"').replace("$", "S")
        pieces = [text[i:i + 3000] for i in range(0, len(text), 3000)]
        sets = " ".join(f"set ${name}_{i} '{piece}';" for i, piece in enumerate(pieces))
        return "".join(f"${{{name}_{i}}}" for i in range(len(pieces))), sets

    def worker(self):
        found = run("pgrep", "-P", str(self.process.pid), expect=None).stdout.split()
        return int(found[0]) if found else None


class Bench(graph_rows.GraphRows):
    SEED = SEED

    def __init__(self, lab, options):
        self.lab, self.options = lab, options
        self.out = lab.path("seed")
        os.makedirs(self.out, exist_ok=True)
        self.rows = []

    # --- the service with many devices

    def prepare(self):
        lab = self.lab
        lab.init()
        lab.cli("tenant", "set", "password-grant=on", "enrol-device-limit=0")
        real = self.options.devices if self.wanted("memory") else 400
        start = time.monotonic()
        run(SEED, lab.data, self.options.devices, real, self.out, timeout=3600)
        say(f"{self.options.devices} devices in the store after {time.monotonic() - start:.0f} s")
        self.start()
        self.prepare_enrol()
        for _ in range(3):  # past their first sessions: what is left are the three values that every session asks for
            self.load(lab.port, unit="session", mode="new", count=400, certs="few.pem")
        replies = self.sample_replies()
        if not self.options.row or GRAPH & set(self.options.row):
            self.prepare_graph()
            replies[self.token_path()] = [self.token_reply]
        certificate = []
        if self.wanted("attest"):
            attest_rows.prepare(self)
            replies[attest_rows.PATH] = attest_rows.sample_replies(self)
            certificate = [f"{self.out}/attest.der"]
        self.marks = json.loads(run(MARKS, lab.dir, lab.write("session.xml", replies["/ManagementServer/MDM.svc"][0]), *certificate).stdout)
        self.nginx = Nginx(lab, replies)

    def start(self):
        # one address plays a whole fleet here: the limit for unauthenticated doors is lifted (0: none)
        config = self.lab.write("serve.ini", "[limits]\nlimited-requests-per-second = 0\n")
        self.lab.serve("--config", config, prefix=["taskset", "-c", "0"])
        self.pid = self.lab.server.pid

    def sample_replies(self):
        """One unit of each kind by another client (Python), whose replies the mark repeats."""
        lab, replies = self.lab, {}
        context = ssl.create_default_context(cafile=lab.ca)
        with open(f"{self.out}/few.pem", encoding="ascii") as f:
            lab.write("one.pem", f.read().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")
        context.load_cert_chain(lab.path("one.pem"), f"{self.out}/key.pem")

        def post(path, body, kind):
            request = urllib.request.Request(lab.url + path, data=body, headers={"Content-Type": kind})
            with urllib.request.urlopen(request, context=context, timeout=20) as answer:
                return answer.read().decode()

        syncml = "application/vnd.syncml.dm+xml"
        head = ('<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>7</SessionID><MsgID>%d</MsgID>'
                "<Target><LocURI>x</LocURI></Target><Source><LocURI>bench</LocURI></Source></SyncHdr><SyncBody>")
        first = post("/ManagementServer/MDM.svc", (head % 1 + "<Alert><CmdID>2</CmdID><Data>1201</Data></Alert>" + LOGIN + "<Final/></SyncBody></SyncML>").encode(), syncml)
        commands = re.findall(r"<(Get|Replace|Add|Exec|Delete)><CmdID>([^<]+)", first)
        say(f"a session answers {len(commands)} commands")
        if len(commands) not in (3, 4):  # the fourth is a registered device's hash
            raise LabError(f"the bench's sessions are to have three or four commands: {first}")
        statuses = "".join(f"<Status><CmdID>{i}</CmdID><MsgRef>1</MsgRef><CmdRef>{ref}</CmdRef><Cmd>{name}</Cmd><Data>200</Data></Status>"
                           for i, (name, ref) in enumerate([("SyncHdr", "0"), *commands], 1))
        second = post("/ManagementServer/MDM.svc", (head % 2 + statuses + "<Final/></SyncBody></SyncML>").encode(), syncml)
        replies["/ManagementServer/MDM.svc"] = [first, second]
        soap = "application/soap+xml; charset=utf-8"
        for path, name in (("Discovery", "discover"), ("Policy", "policies"), ("Enrollment", "rst")):
            with open(f"{self.out}/{name}.xml", "rb") as f:
                replies[f"/EnrollmentServer/{path}.svc"] = [post(f"/EnrollmentServer/{path}.svc", f.read(), soap)]
        with open(f"{self.out}/lookups", "rb") as f:
            replies["/ztd/v1/lookup"] = [post("/ztd/v1/lookup", f.readline(), "application/json")]
        return replies

    def prepare_enrol(self):
        """Request bodies of an enrolment: a directory token of a user and one RSA-2048 request made by openssl."""
        lab = self.lab
        form = {"grant_type": "password", "username": laboratory.USER, "password": lab.password, "scope": "openid",
                "client_id": "29d9ed98-a469-4536-ade2-f981bc1d605e", "resource": "https://enrollment.manage.microsoft.com/"}
        request = urllib.request.Request(f"{lab.url}/common/oauth2/token", data=urllib.parse.urlencode(form).encode())
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=lab.ca), timeout=20) as answer:
            token = json.loads(answer.read())["access_token"]
        run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bench", "-outform", "DER", "-keyout", lab.path("csr.key"),
            "-out", lab.path("csr.der"))
        with open(lab.path("csr.der"), "rb") as f:
            csr = base64.b64encode(f.read()).decode()
        words = {"HOST": lab.url, "TOKEN": base64.b64encode(token.encode()).decode(), "CSR": csr}
        for name in ("discover", "policies", "rst"):
            with open(os.path.join(HERE, "bodies", f"{name}.xml"), encoding="utf-8") as f:
                text = f.read()
            for word, value in words.items():
                text = text.replace("{" + word + "}", value)
            with open(f"{self.out}/{name}.xml", "w", encoding="utf-8") as f:
                f.write(text)

    # --- measuring

    def wanted(self, name):
        return not self.options.row or name in self.options.row

    def load(self, port, unit, mode, count, certs=None, threads=16, **more):
        argv = ["taskset", "-c", "1", LOAD, "--port", port, "--unit", unit, "--mode", mode, "--count", count, "--threads", threads, "--dir", self.out]
        for name, value in more.items():  # path, token, lines, type
            argv += [f"--{name}", value]
        if certs:
            argv += ["--certs", f"{self.out}/{certs}", "--key", f"{self.out}/key.pem"]
        return json.loads(run(*argv, timeout=3600).stdout)

    def cost(self, pid, port, **unit):
        """CPU microseconds per unit of one process, and what the generator saw."""
        self.load(port, **{**unit, "count": max(20, unit["count"] // 10)})
        before = cpu(pid)
        seen = self.load(port, **unit)
        return (cpu(pid) - before) * 1e6 / seen["units"], seen

    def compare(self, name, goal, count, extra, **unit):
        ours, static, rates, p99 = [], [], [], []
        for _ in range(self.options.rounds):
            static.append(self.cost(self.nginx.worker(), self.nginx.port, count=count, **unit)[0])
            value, seen = self.cost(self.pid, self.lab.port, count=count, **unit)
            ours.append(value)
            rates.append(seen["units"] / seen["wall_s"])
            p99.append(seen["p99_ms"])
        marks = [s + extra for s in static]
        ratio = statistics.median(m / o for m, o in zip(marks, ours))
        self.add(name, statistics.median(ours), "us CPU", statistics.median(marks), ratio, goal,
                 f"{statistics.median(rates):.0f}/s, p99 {statistics.median(p99):.1f} ms; static {statistics.median(static):.0f} us")

    def add(self, name, value, unit, mark, ratio, goal, note=""):
        self.rows.append({"name": name, "value": value, "unit": unit, "mark": mark, "ratio": ratio, "goal": goal, "note": note})
        say(f"{name:<16} {value:>10.1f} {unit:<7} mark {mark:>9.1f}  ratio {ratio:5.2f}  goal {goal}  {'ok' if ratio >= goal else 'MISSED'}  {note}")

    def sessions(self, name, goal, count):
        m = self.marks
        self.compare(name, goal, count, m["parse"] * 2 + m["row"], unit="session", mode=name.split("_")[1], certs="few.pem")

    def enrol(self, _, goal, count):
        m = self.marks
        self.compare("enrol", goal, count, m["parse"] * 3 + m["verify"] + m["sign"] + m["row"], unit="enrol", mode="new")

    def lookup(self, _, goal, count):
        self.compare("lookup", goal, count, self.marks["read"], unit="lookup", mode="new")

    def attest(self, _, goal, count):
        m = self.marks
        self.compare("attest", goal, count, m["verify_3072"] * 2 + m["oaep"] + m["verify_ec"] + m["decode"] * 5, unit="attest", mode="new")

    def deploy(self, _, goal, count):
        """Box to enrolled of whole virtual devices. The password hash, whose cost is a choice and many times the rest, is
        made cheap for this row: beside it the rest could not be seen."""
        costs = []
        contoso.configure(self.lab)
        cheap = run(MARKS, "--cheap-hash", self.lab.password).stdout
        with sqlite3.connect(os.path.join(self.lab.data, "store.db")) as db:
            if db.execute("UPDATE account SET phc = ? WHERE upn = ?", (cheap, laboratory.USER)).rowcount != 1:
                raise LabError("the bench's user is not there")
        db.close()
        for i in range(count):
            hardware = self.lab.write(f"hw{i}.json", contoso.hardware(f"DEPLOY{i:04d}", i))
            self.lab.register(hardware=hardware, name=f"deploy{i}")
            before = cpu(self.pid)
            p = subprocess.Popen(["taskset", "-c", "1", *self.lab.device_args(name=f"deploy{i}", hardware=hardware)], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL, start_new_session=True)
            seen = ""
            for line in p.stdout:
                seen += line
                if re.match(r"step\s+enrolled", line):
                    break
            else:
                raise LabError(f"the device did not enrol:\n{seen}")
            costs.append((cpu(self.pid) - before) * 1e3)
            p.kill()
            p.wait()
        value, password = sum(costs) / len(costs), self.marks["password"] / 1e3  # the mean: the clock ticks in 10 ms
        self.add("deploy", value, "ms CPU", 6.0, 6.0 / max(value, 0.01), goal, f"without the one password hash, {password:.0f} ms (Argon2id, 64 MiB)")

    def memory(self, _, goal, __):
        self.lab.kill_server()
        self.start()
        self.load(self.lab.port, unit="session", mode="new", count=self.options.devices, certs="certs.pem", threads=8)
        mib = resident_kib(self.pid) / 1024
        self.add("memory", mib, "MiB", 100, 100 / mib, goal, f"after {self.options.devices} devices checked in once")

    def idle(self, _, goal, __):
        count = 2000
        self.lab.kill_server()  # what earlier rows gave back to the heap would be taken again unseen
        self.start()
        before = resident_kib(self.pid)
        p = subprocess.Popen(["taskset", "-c", "1", LOAD, "--port", str(self.lab.port), "--unit", "get", "--path", "/healthz", "--mode", "idle",
                              "--count", str(count), "--threads", "1", "--hold", "5"], stdout=subprocess.PIPE, text=True)
        self.lab.others.append(p)
        if not p.stdout.readline():
            raise LabError("the generator could not hold its connections")
        time.sleep(1)
        kib = (resident_kib(self.pid) - before) / count
        laboratory.end(p)
        self.add("idle", kib, "KiB", 40, 40 / max(kib, 0.01), goal, f"{count} connections")

    def run(self):
        self.prepare()
        for name, goal, count, _ in ROWS:
            if self.wanted(name):
                getattr(self, "sessions" if name.startswith("session") else "import_rows" if name == "import" else name)(name, goal, count)
        with open(os.path.join(ROOT, "build", "bench.json"), "w", encoding="utf-8") as f:
            json.dump(self.rows, f, indent=1)
        return 1 if any(r["ratio"] is not None and r["ratio"] < r["goal"] for r in self.rows) else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--devices", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--row", action="append")
    options = parser.parse_args()
    for tool in ("nginx", "taskset", "pgrep"):
        if not shutil.which(tool):
            raise LabError(f"{tool} is needed")
    with laboratory.Lab() as lab:
        with open("/proc/loadavg", encoding="ascii") as f:
            say(f"load at the start {f.read().split()[0]}, {os.cpu_count()} cores")
        return Bench(lab, options).run()


laboratory.main_guard(main)
