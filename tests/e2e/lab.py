"""A lab on loopback: the real service and real virtual devices, each a process, in a folder that goes with the lab.

Everything is driven by the command lines that a user would type. Ends only processes it started."""
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOUCHDOWN = os.environ.get("TOUCHDOWN", os.path.join(ROOT, "build", "touchdown"))
DEVICE = os.environ.get("TOUCHDOWN_DEVICE", os.path.join(ROOT, "build", "touchdown-device"))
FIXTURES = os.path.join(ROOT, "tests", "fixtures")
TENANT = "contoso.test"
USER = "ada@contoso.test"
TAG = "SALES"


class LabSkip(Exception):
    """The scenario can't run on this machine, and why."""


class LabError(Exception):
    """Something in the lab did not go as it must; the text says what."""


def run(*argv, expect=0, timeout=120, text=True, **more):
    """Runs a command to its end; fails with its output when the exit code is another than expected (None: any)."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=text, timeout=timeout, check=False, **more)
    if expect is not None and done.returncode != expect:
        raise LabError(f"{' '.join(str(a) for a in argv)}\nexit {done.returncode}, expected {expect}\n{done.stdout}{done.stderr}")
    return done


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Lab:
    """One service with one tenant. Use as a context manager."""

    def __init__(self, keep=False, port=None):
        self.dir = tempfile.mkdtemp(prefix="td-lab-")
        self.keep = keep
        self.port = port or free_port()
        self.server = None
        self.others = []
        self.password = secrets.token_urlsafe(12)
        self.files = {}
        self.place = None

    def enter(self, place):
        """Service and devices live in this network namespace from now on (tests/e2e/ad.py): its argv(), env and serve_at. A device of
        another one is told so: run_device(place=...)."""
        self.place = place

    def inside(self, argv, place=None):
        """How a program of the lab is started: its words, and its environment."""
        place = place or self.place
        return (place.argv(*argv), place.env) if place else ([str(a) for a in argv], None)

    @property
    def host(self):
        """(name, address) of the service."""
        return self.place.serve_at if self.place else ("localhost", "127.0.0.1")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for p in [*self.others, self.server]:
            end(p)
        self.others, self.server = [], None
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write(self, name, content):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(content if isinstance(content, str) else json.dumps(content, indent=1))
        return self.path(name)

    @property
    def data(self):
        return self.path("data")

    @property
    def ca(self):
        return os.path.join(self.data, "ca.pem")

    @property
    def url(self):
        return f"https://{self.host[0]}:{self.port}"

    def cli(self, *argv, expect=0):
        """touchdown ... on this lab's store; the JSON answer when --json is among the words, else the text."""
        done = run(TOUCHDOWN, *argv, "--data", self.data, expect=expect)
        return json.loads(done.stdout) if "--json" in argv and done.stdout.strip() else done.stdout

    def init(self):
        self.password_file = self.write("password", self.password)
        os.chmod(self.password_file, 0o600)
        self.cli("init", "--tenant", TENANT, "--admin", f"admin@{TENANT}", "--password-file", self.password_file)
        self.cli("tenant", "set", "display-name=Contoso", "sign-in-text=Welcome to your new device")
        self.cli("user", "add", USER, "--password-file", self.password_file, "--name", "Ada Example")

    def serve(self, *more, prefix=()):
        name, address = self.host
        names = ["--name", name] if self.place else []
        argv, env = self.inside([*prefix, TOUCHDOWN, "serve", "--data", self.data, "--listen", f"{address}:{self.port}", *names, *more])
        log = open(self.path("serve.log"), "ab")
        self.server = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True, env=env)
        log.close()
        try:
            wait_for(self.ready, 15, "the service is ready", lambda: self.server.poll() is None)
        except LabError as e:
            raise LabError(f"{e}\n{self.log_tail()}") from e

    def ready(self):
        try:
            return self.get("/readyz")[0] == 200
        except (OSError, urllib.error.URLError):
            return False

    def kill_server(self):
        """kill -9, as a power cut would."""
        if self.server is not None:
            self.server.kill()
            self.server.wait()
            self.server = None

    def get(self, path, headers=None):
        if self.place:
            return self.get_inside(path, headers or {})
        context = ssl.create_default_context(cafile=self.ca)
        request = urllib.request.Request(self.url + path, headers=headers or {})
        try:
            with urllib.request.urlopen(request, context=context, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()

    def get_inside(self, path, headers):
        words = [w for k, v in headers.items() for w in ("-H", f"{k}: {v}")]
        done = run(*self.place.argv("curl", "-s", "-m", "10", "--cacert", self.ca, "-w", "\n%{http_code}", *words, self.url + path), text=False, expect=None)
        if done.returncode != 0:
            raise OSError(f"curl ended with {done.returncode}")
        body, _, status = done.stdout.rpartition(b"\n")
        return int(status), body

    # --- devices

    def register(self, hardware=None, tag=TAG, name="device", tpm=None):
        """The device tells its hash as CSV; the row gets the group tag; the service imports it. Returns the serial.
        tpm: its TCTI (tests/e2e/tpms.py); the hash then names its endorsement key."""
        argv = [DEVICE, "hash", "--csv"] + (["--hardware", hardware] if hardware else []) + (["--tpm", tpm] if tpm else [])
        lines = run(*argv).stdout.splitlines()
        header, row = lines[0].split(","), lines[1].split(",")
        cells = dict(zip(header, row))
        cells["Group Tag"] = tag
        csv = self.write(f"{name}.csv", ",".join(cells) + "\n" + ",".join(cells.values()) + "\n")
        self.cli("device", "import", csv)
        return cells["Device Serial Number"]

    def device_args(self, name="device", hardware=None, pace=60, timeout=300, answers=(), ca=None, tpm=None, vpn=None, alone=False, command="run"):
        """alone: nobody answers anything but what answers says."""
        given = {**({} if alone else {"user": USER, "password": "@" + self.password_file}), **dict(answers)}
        argv = [DEVICE, command, "--server", self.url, "--ca", ca or self.ca, "--state", self.path(name), "--pace", str(pace),
                "--timeout", str(timeout)]
        argv += ["--hardware", hardware] if hardware else []
        argv += ["--tpm", tpm] if tpm else []
        argv += ["--vpn", vpn] if vpn else []
        for key, value in given.items():
            argv += ["--answer", f"{key}={value}"]
        return argv

    def use_device(self, name="device", user=None, package=None):
        """Somebody works with the device, and leaves traces of every kind that a person leaves."""
        argv = [DEVICE, "use", "--state", self.path(name)]
        argv += ["--user", user] if user else []
        argv += ["--package", package] if package else []
        run(*argv)

    def start_device(self, place=None, **more):
        argv, env = self.inside(self.device_args(**more), place)
        out = open(self.path(more.get("name", "device") + ".out"), "ab")
        p = subprocess.Popen(argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True, env=env)
        out.close()
        self.others.append(p)
        return p

    def run_device(self, expect=0, echo=None, limit=400, place=None, **more):
        """Runs the device to its end, passing its lines on to echo; returns its output."""
        argv, env = self.inside(self.device_args(**more), place)
        p = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL,
                             start_new_session=True, env=env)
        self.others.append(p)
        timer = threading.Timer(limit, p.kill)
        timer.start()
        lines = []
        for line in p.stdout:
            lines.append(line)
            if echo:
                echo(line.rstrip("\n"))
        code = p.wait()
        timer.cancel()
        self.others.remove(p)
        if expect is not None and code != expect:
            raise LabError(f"touchdown-device run: exit {code}, expected {expect}\n{''.join(lines[-40:])}{self.log_tail()}")
        return "".join(lines)

    def log_tail(self, n=15):
        with contextlib.suppress(FileNotFoundError):
            with open(self.path("serve.log"), encoding="utf-8", errors="replace") as f:
                return "--- serve.log\n" + "".join(f.readlines()[-n:])
        return ""

    def show_device(self, name="device", **more):
        return run(DEVICE, "show", "--state", self.path(name), **more).stdout

    def timeline(self, serial):
        return self.cli("device", "show", serial, "--timeline", "--json")

    # --- a second server whose root the device must learn

    def make_foreign_root(self):
        """A root of another make (openssl) and a server certificate under it; returns the root's PEM file."""
        d = self.path("foreign")
        os.makedirs(d, exist_ok=True)
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
            "/CN=Contoso Lab Root", "-keyout", f"{d}/root.key", "-out", f"{d}/root.pem", "-addext", "basicConstraints=critical,CA:TRUE")
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-keyout",
            f"{d}/server.key", "-out", f"{d}/server.csr")
        with open(f"{d}/ext", "w", encoding="utf-8") as f:
            f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
        run("openssl", "x509", "-req", "-in", f"{d}/server.csr", "-CA", f"{d}/root.pem", "-CAkey", f"{d}/root.key", "-CAcreateserial",
            "-days", "30", "-extfile", f"{d}/ext", "-out", f"{d}/server.pem")
        return f"{d}/root.pem"

    @contextlib.contextmanager
    def foreign_server(self):
        """HTTPS under the foreign root, in a thread; yields its URL."""
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                body = b"intranet\n"
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Answer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("foreign", "server.pem"), self.path("foreign", "server.key"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"https://localhost:{server.server_port}/"
        finally:
            server.shutdown()
            server.server_close()


def end(process, patience=10):
    """Asks a process of ours to stop, and insists after a while."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for(true, seconds, what, alive=lambda: True):
    deadline = time.monotonic() + seconds
    while not true():
        if not alive():
            raise LabError(f"the process ended before {what}")
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.05)


def say(*words):
    print(*words, flush=True)


def main_guard(function):
    """Runs a main function; a LabError is told as text and exits 1. A signal ends it as Ctrl-C does: labs clean up."""
    def interrupt(*_):
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        sys.exit(function())
    except LabError as e:
        say(f"FAILED: {e}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
