#!/usr/bin/env python3
"""A real Active Directory (Samba as domain controller) for a lab, in a network namespace of its own.

    with ad.Domain() as dc:                         # LabSkip where it can't be run; up in about two seconds
        lab.enter(dc)                               # the lab's service and devices live in the namespace from now on
        dc.run("kinit", "-k", "-t", dc.keytab, ...) # any program inside; dc.start(log, *argv) for one that stays
        dc.user("zoe"), dc.disable("alice"), dc.must_change("bob"), dc.lock("carol"), dc.expire_account("dan") ...
        dc.stop(), dc.resume(), dc.freeze(), dc.thaw()   # a controller that is down, or hangs
        far = dc.far()                              # a second namespace: reaches the service, but not the domain
        far.dial(), far.hang_up()                   # until a route is made, as a VPN makes one
        lab.run_device(place=far, ...)

By hand: ad.py up [NAME] | down [NAME] | shell [NAME] WORDS... (NAME: "hand").

The domain is made once (10 s) and kept as an archive under build/, by a hash of how it is made and of Samba's version. Every
process in the namespaces is ended with them, however the test ends. Sources: domain-join-and-tpm.md 1.2, 1.3, 1.8."""
import atexit
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from lab import ROOT, LabError, LabSkip, run, say, wait_for

REALM, DNS, NETBIOS, BASE = "CORP.TEST", "corp.test", "CORP", "DC=corp,DC=test"
HOST, IP = "dc1.corp.test", "10.77.2.10"
SERVICE, SERVICE_IP = "touchdown.contoso.test", "10.77.3.10"
NEAR_IP, FAR_IP, NOBODY_IP = "10.77.9.1", "10.77.9.2", "10.77.9.77"
OU, DEEP_OU = f"OU=Autopilot,{BASE}", f"OU=Sales,OU=Autopilot,{BASE}"
OTHER_OU, PEOPLE_OU = f"OU=Elsewhere,{BASE}", f"OU=People,{BASE}"
ADMIN_PASSWORD = "Passw0rd!Adm"
CONNECTOR, CONNECTOR_PASSWORD = "odjsvc", "Svc-Pass-123"
SECOND, SECOND_PASSWORD = "odjany", "Any-Pass-123"  # may also take over computers that others made, below OU
PEOPLE = {"alice": "Alice-Pass-123", "bob": "Bob-Pass-123", "carol": "Carol-Pass-123", "dan": "Dan-Pass-123"}  # in OU=People
COMPUTER = "bf967a86-0de6-11d0-a285-00aa003049e2"  # the class
CREATE_ONLY = f"(OA;CI;CC;{COMPUTER};;SID)"
# what taking over an account wants that somebody else made: its password, its restrictions, names, description
TAKE_OVER = "".join(f"(OA;CIIO;{rights};{what};{COMPUTER};SID)" for rights, what in (
    ("CR", "00299570-246d-11d0-a768-00aa006e0529"), ("RPWP", "4c164200-20c0-11d0-a768-00aa006e0529"),
    ("SW", "72e39547-7b18-11d1-adef-00c04fd8d5cd"), ("SW", "f3a64788-5306-11d1-a9c5-0000f80367c1"),
    ("WP", "bf967950-0de6-11d0-a285-00aa003049e2")))
NEEDED = ("samba", "samba-tool", "net", "ip", "kinit", "ldapsearch", "ldbsearch", "openssl", "tar", "mount")
CACHE = os.path.join(ROOT, "build", "e2e-ad")
MOUNTS = (("etc", "/etc/samba"), ("lib", "/var/lib/samba"), ("cache", "/var/cache/samba"), ("log", "/var/log/samba"), ("run", "/run/samba"))
PROBE = os.environ.get("AD_PROBE", os.path.join(ROOT, "build", "release", "tests", "e2e", "ad_probe"))
READY = 60  # seconds: load decides

BUILD = f"""set -e
mkdir -p /var/lib/samba/private/tls
samba-tool domain provision --realm={REALM} --domain={NETBIOS} --server-role=dc --dns-backend=SAMBA_INTERNAL \
  --adminpass='{ADMIN_PASSWORD}' --host-name=dc1 --host-ip={IP} --option='interfaces=lo dc0' --option='bind interfaces only=yes'
sed -i '/^\\[global\\]/a server services = s3fs, rpc, ldap, cldap, kdc, winbindd, dns' /etc/samba/smb.conf
sed -i '/dns forwarder/d' /etc/samba/smb.conf
samba_spnupdate
H=/var/lib/samba/private/sam.ldb
for ou in '{OU}' '{DEEP_OU}' '{OTHER_OU}' '{PEOPLE_OU}'; do samba-tool ou add "$ou" -H $H; done
samba-tool user create {CONNECTOR} {CONNECTOR_PASSWORD} -H $H
samba-tool user create {SECOND} {SECOND_PASSWORD} -H $H
{"".join(f"samba-tool user create {name} {password} --userou=OU=People --given-name={name.title()} --surname=Example "
         f"--mail-address={name}@{DNS} -H $H{chr(10)}" for name, password in PEOPLE.items())}
samba-tool group add Sales -H $H
samba-tool group add Everybody -H $H
samba-tool group addmembers Sales alice,bob -H $H
samba-tool group addmembers Everybody Sales,carol -H $H
sid() {{ ldbsearch -H $H "(sAMAccountName=$1)" objectSid | sed -n 's/^objectSid: //p'; }}
samba-tool dsacl set -H $H --objectdn='{OU}' --sddl="$(echo '{CREATE_ONLY}' | sed s/SID/$(sid {CONNECTOR})/)"
samba-tool dsacl set -H $H --objectdn='{OU}' --sddl="$(echo '{CREATE_ONLY}{TAKE_OVER}' | sed s/SID/$(sid {SECOND})/g)"
samba-tool domain exportkeytab /var/lib/samba/private/{CONNECTOR}.keytab --principal={CONNECTOR}
cd /var/lib/samba/private/tls
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj '/CN=Corp Test Root' -keyout root.key -out ca.pem \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN={HOST}' -keyout key.pem -out dc.csr
printf 'subjectAltName=DNS:{HOST},IP:{IP}\\nextendedKeyUsage=serverAuth\\n' >ext
openssl x509 -req -in dc.csr -CA ca.pem -CAkey root.key -CAcreateserial -days 3650 -extfile ext -out cert.pem
chmod 600 key.pem root.key
"""

KRB5 = f"""[libdefaults]
 default_realm = {REALM}
 dns_lookup_realm = false
 dns_lookup_kdc = false
 rdns = false
 dns_canonicalize_hostname = false
[realms]
 {REALM} = {{
  kdc = {HOST}
  admin_server = {HOST}
  kpasswd_server = {HOST}
 }}
[domain_realm]
 .{DNS} = {REALM}
 {DNS} = {REALM}
"""


def skip_without():
    """LabSkip where this can't be run, and why."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        raise LabSkip(f"{', '.join(missing)} missing (tools/install.sh ad)")
    if os.geteuid() != 0:
        raise LabSkip("a network namespace wants root")


class Place:
    """A network namespace: its name server, its hosts, programs inside."""

    def __init__(self, name, resolver):
        self.name, self.resolver, self.serve_at = name, resolver, (SERVICE, SERVICE_IP)

    def make(self):
        done = run("ip", "netns", "add", self.name, expect=None)
        if done.returncode != 0:
            raise LabSkip(f"no network namespace: {done.stderr.strip()}")
        done = run(*self.argv("ip", "link", "set", "lo", "up"), expect=None)
        if done.returncode != 0:  # as in a folder that is a root without being a mount, where no namespace can be entered
            self.unmake()
            raise LabSkip(f"no network namespace can be used: {done.stderr.strip()}")
        etc = f"/etc/netns/{self.name}"
        os.makedirs(etc, exist_ok=True)
        put(f"{etc}/resolv.conf", f"search {DNS}\nnameserver {self.resolver}\noptions timeout:1 attempts:1\n")
        put(f"{etc}/hosts", f"127.0.0.1 localhost\n{SERVICE_IP} {SERVICE}\n")

    def host(self, name, address):
        """Where that name leads to, for programs that begin from now on."""
        with open(f"/etc/netns/{self.name}/hosts", "a", encoding="utf-8") as f:
            f.write(f"{address} {name}\n")

    def ip(self, *words):
        run("ip", "-n", self.name, *words)

    def cable(self, name, address):
        """An interface with an address that leads nowhere."""
        self.ip("link", "add", name, "type", "veth", "peer", "name", name + "p")
        self.ip("address", "add", f"{address}/24", "dev", name)
        self.ip("link", "set", name, "up")
        self.ip("link", "set", name + "p", "up")

    def argv(self, *words):
        return ["ip", "netns", "exec", self.name, *[str(w) for w in words]]

    def unmake(self):
        """Ends every process inside, then the namespace itself."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + 3
            for pid in self.pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
                    os.kill(pid, signal.SIGCONT)
            while self.pids() and time.monotonic() < deadline:
                time.sleep(0.02)
        subprocess.run(["ip", "netns", "delete", self.name], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(f"/etc/netns/{self.name}", ignore_errors=True)

    def pids(self):
        done = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True, check=False)
        return [int(p) for p in done.stdout.split()]


class Far(Place):
    """Outside the network of the domain: only the service is reached, until dial() makes a route."""

    def __init__(self, domain):
        super().__init__(domain.name + "-far", IP)
        self.domain, self.env = domain, domain.env

    def make(self):
        super().make()
        run("ip", "-n", self.domain.name, "link", "add", "near0", "type", "veth", "peer", "name", "far0", "netns", self.name)
        self.domain.ip("address", "add", f"{NEAR_IP}/24", "dev", "near0")
        self.domain.ip("link", "set", "near0", "up")
        self.ip("address", "add", f"{FAR_IP}/24", "dev", "far0")
        self.ip("link", "set", "far0", "up")
        self.ip("route", "add", f"{SERVICE_IP}/32", "via", NEAR_IP)

    def dial_words(self):
        """The command that makes the route, for a device's hook: to be run by root outside any namespace."""
        return ["ip", "-n", self.name, "route", "replace", f"{IP}/32", "via", NEAR_IP]

    def dial(self):
        run(*self.dial_words())

    def hang_up(self):
        run("ip", "-n", self.name, "route", "delete", f"{IP}/32", expect=None)

    def run(self, *words, **more):
        return run(*self.argv(*words), **{"env": self.env, **more})


class Domain(Place):
    """The domain controller. Use as a context manager; up() and down() else."""

    def __init__(self, name=None, keep=False):
        skip_without()
        super().__init__(name or f"td-ad-{os.getpid()}-{os.urandom(2).hex()}", IP)
        self.dir, self.keep, self.others, self.distant = None, keep, [], None

    def __enter__(self):
        return self.up()

    def __exit__(self, *_):
        self.down()

    # --- up and down

    def up(self):
        sweep()
        self.dir = tempfile.mkdtemp(prefix="td-ad-")
        if not self.keep:
            atexit.register(self.down)
        try:
            os.chmod(self.dir, 0o755)
            archive = snapshot()
            self.make()
            self.cable("dc0", IP)
            self.cable("svc0", SERVICE_IP)
            run("tar", "--xattrs", "--xattrs-include=*", "-C", self.dir, "-xzf", archive, timeout=300)
            put(self.path("krb5.conf"), KRB5)
            self.env = {**os.environ, "KRB5_CONFIG": self.path("krb5.conf"), "KRB5CCNAME": f"FILE:{self.path('ccache')}"}
            self.resume()
        except BaseException:
            self.down()
            raise
        return self

    def down(self):
        atexit.unregister(self.down)
        if self.dir is None:
            return
        if self.distant is not None:
            self.distant.unmake()
        self.unmake()
        for p in self.others:
            with contextlib.suppress(subprocess.TimeoutExpired):
                p.wait(3)
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir, self.distant, self.others = None, None, []

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def mounted(self, *words):
        """Words to run where Samba's folders are ours: /etc/samba and the others are ours in this one mount namespace."""
        binds = "".join(f"mount --bind {self.path(d)} {at} && " for d, at in MOUNTS)
        return self.argv("sh", "-c", "mkdir -p /run/samba && " + binds + 'exec "$@"', "sh", *words)

    def stop(self):
        """The controller is switched off; other processes in the namespace go on."""
        samba, self.samba = self.samba, None
        everyone = descendants(samba.pid)
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in everyone:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            deadline = time.monotonic() + 3
            while any(alive(p) for p in everyone) and time.monotonic() < deadline:
                samba.poll()
                time.sleep(0.02)
        samba.wait()

    def resume(self):
        """... and on again, with all that it had."""
        log = open(self.path("samba.log"), "ab")
        self.samba = subprocess.Popen(self.mounted("samba", "-F", "--no-process-group"), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                      start_new_session=True)
        log.close()
        self.others.append(self.samba)
        wait_for(self.ready, READY, "the domain controller answers", lambda: self.samba.poll() is None)

    def ready(self):
        """Directory, Kerberos and file server: they come up one after the other."""
        bind = self.ldap("search", "-b", "", "-s", "base", "1.1", expect=None)
        return (bind.returncode == 0 and self.kinit(CONNECTOR, keytab=self.keytab, cache=self.path("ready.cc"), expect=None).returncode == 0
                and self.run("bash", "-c", f": </dev/tcp/{IP}/445", expect=None).returncode == 0)

    def freeze(self, title=""):
        """It takes connections and never answers; title: how the processes begin that freeze ("samba: task[ldap]"), else all of them."""
        self.tell(signal.SIGSTOP, title)

    def thaw(self):
        self.tell(signal.SIGCONT)

    def tell(self, number, title=""):
        for pid in descendants(self.samba.pid):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                if title_of(pid).startswith(title):
                    os.kill(pid, number)

    def far(self):
        if self.distant is None:
            self.distant = Far(self)
            self.distant.make()
        return self.distant

    # --- programs

    def run(self, *words, **more):
        return run(*self.argv(*words), **{"env": self.env, **more})

    def start(self, log, *words, **more):
        """A process that stays; it ends with the domain at the latest. log: path of its output."""
        with open(log, "ab") as f:
            p = subprocess.Popen(self.argv(*words), stdin=subprocess.DEVNULL, stdout=f, stderr=f, start_new_session=True, **{"env": self.env, **more})
        self.others.append(p)
        return p

    def tool(self, *words, **more):
        """samba-tool on the controller's own files."""
        return run(*self.mounted("samba-tool", *words), **{"env": self.env, **more}).stdout

    def net(self, *words, **more):
        return self.run("net", *words, **more)

    # --- what is there

    @property
    def url(self):
        return f"ldaps://{HOST}"

    @property
    def ca(self):
        return self.path("lib/private/tls/ca.pem")

    @property
    def keytab(self):
        return self.path(f"lib/private/{CONNECTOR}.keytab")

    @property
    def admin(self):
        return f"Administrator@{DNS}", ADMIN_PASSWORD

    @property
    def connector(self):
        return f"{CONNECTOR}@{DNS}", CONNECTOR_PASSWORD

    def ldap(self, verb, *words, who=None, stdin=None, expect=0, **more):
        """ldapsearch, ldapadd, ldapmodify, ldapdelete over LDAPS as (name, password); the connector's account unless said."""
        name, password = who or self.connector
        env = {**self.env, "LDAPTLS_CACERT": self.ca, "LDAPTLS_REQCERT": "demand", "LDAPNETWORK_TIMEOUT": "5"}
        more = {"input": stdin, **more} if stdin is not None else more
        return self.run(f"ldap{verb}", *(["-LLL", "-o", "ldif-wrap=no"] if verb == "search" else []), "-x", "-H", self.url, "-D", name, "-w", password, *words,
                        env=env, expect=expect, **more)

    def find(self, what, *attrs, base=BASE):
        """Attributes of the first object that the filter finds, as the controller's own file has them: {name: [texts]}; {} if none.
        Names in lower case; octets stay in base64."""
        lines = run(*self.mounted("ldbsearch", "-H", "/var/lib/samba/private/sam.ldb", "-b", base, what, *attrs)).stdout.replace("\n ", "").splitlines()
        found = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if colon and not line.startswith(("#", "ref:")):
                if name == "dn" and found:
                    break
                found.setdefault(name.lower(), []).append(value.lstrip(": "))
        return found

    def computer(self, name):
        return self.find(f"(sAMAccountName={name}$)", "*")

    def kinit(self, principal, password=None, keytab=None, cache=None, expect=0):
        env = {**self.env, "KRB5CCNAME": "FILE:" + (cache or self.path("ccache"))}
        if keytab is not None:
            return self.run("kinit", "-k", "-t", keytab, f"{principal}@{REALM}", env=env, expect=expect)
        return self.run("kinit", f"{principal}@{REALM}", env=env, expect=expect, input=password + "\n")

    def net_config(self, folder, machine):
        """A configuration for `net` that plays the machine, with folders of its own; its path."""
        os.makedirs(folder, exist_ok=True)
        kinds = ("private dir", "lock directory", "state directory", "cache directory", "pid directory")
        for kind in kinds:
            os.makedirs(os.path.join(folder, kind.split()[0]), exist_ok=True)
        put(os.path.join(folder, "smb.conf"), f"[global]\n workgroup = {NETBIOS}\n realm = {REALM}\n security = ads\n netbios name = {machine}\n"
            + "".join(f" {kind} = {folder}/{kind.split()[0]}\n" for kind in kinds))
        return os.path.join(folder, "smb.conf")

    def testjoin(self, machine, blob_file, folder=None):
        """The judge of others: `net` takes the blob (djoin's file form) and says whether the join holds."""
        folder = folder or tempfile.mkdtemp(prefix="net-", dir=self.dir)
        config = self.net_config(folder, machine)
        self.net("offlinejoin", "requestodj", f"--configfile={config}", f"loadfile={blob_file}")
        for words in (("ads", "testjoin", f"--configfile={config}"), ("rpc", "testjoin", f"--configfile={config}", "-S", HOST)):
            done = self.net(*words)
            if "OK" not in done.stdout + done.stderr:
                raise LabError(f"net {words[0]} testjoin: {done.stdout}{done.stderr}")

    # --- connect/ad.h by itself

    def probe(self, *words, expect=0, options=None):
        """One call of tests/e2e/ad_probe.c; its answer, or the error's reason where that is what is expected. Several lines: a list."""
        name, password = self.connector
        asked = {"--url": self.url, "--ca": self.ca, "--user": name, "--password": password, "--address": IP, **(options or {})}
        flags = [w for k, v in asked.items() if v is not None for w in (k, v)]
        done = self.run(PROBE, *flags, *words, expect=None)
        if done.returncode not in (0, 1) or not done.stdout:
            raise LabError(f"ad_probe {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        said = answers[-1].get("error", 0)
        if said != expect:
            raise LabError(f"ad_probe {' '.join(words)}: {answers[-1]}, expected {expect or 'no error'}")
        return answers if len(answers) > 1 else answers[0]

    # --- people and their passwords

    def edit(self, dn, *lines, expect=0):
        """Changes as an administrator: edit(dn, "replace: description", "description: x")."""
        return self.ldap("modify", who=self.admin, stdin=f"dn: {dn}\nchangetype: modify\n" + "\n".join(lines) + "\n", expect=expect)

    def dn_of(self, name):
        found = self.find(f"(sAMAccountName={name})", "dn")
        if not found:
            raise LabError(f"nobody in the domain is called {name}")
        return found["dn"][0]

    def user(self, name, password=None, *more):
        password = password or f"{name.title()}-Pass-123"
        self.tool("user", "create", name, password, "--userou=OU=People", f"--given-name={name.title()}", "--surname=Example", *more)
        return f"{name}@{DNS}", password

    def upn(self, name):
        return f"{name}@{DNS}"

    def password(self, name):
        return {**PEOPLE, CONNECTOR: CONNECTOR_PASSWORD, SECOND: SECOND_PASSWORD}[name]

    def set_password(self, name, password, *more):
        self.tool("user", "setpassword", name, f"--newpassword={password}", *more)

    def disable(self, name):
        self.tool("user", "disable", name)

    def enable(self, name):
        self.tool("user", "enable", name)

    def must_change(self, name):
        """The next sign-in must set another password."""
        self.edit(self.dn_of(name), "replace: pwdLastSet", "pwdLastSet: 0")

    def need_not_change(self, name):
        self.edit(self.dn_of(name), "replace: pwdLastSet", "pwdLastSet: -1")

    def expire_account(self, name):
        """The account ran out on 2 January 2020; never() takes it back."""
        self.edit(self.dn_of(name), "replace: accountExpires", "accountExpires: 132223968000000000")

    def never(self, name):
        self.edit(self.dn_of(name), "replace: accountExpires", "accountExpires: 0")

    def policy(self, **knobs):
        """Of the domain's passwords: policy(max_pwd_age=1, account_lockout_threshold=3, ...)."""
        self.tool("domain", "passwordsettings", "set", *[f"--{k.replace('_', '-')}={v}" for k, v in knobs.items()])

    def expire_password(self, name):
        """Its password is 400 days old, in a domain where 42 are the end: written into the controller's file, since nobody may set that date."""
        self.policy(max_pwd_age=42)
        old = int((time.time() - 400 * 86400 + 11644473600) * 10**7)
        ldif = f"dn: {self.dn_of(name)}\nchangetype: modify\nreplace: pwdLastSet\npwdLastSet: {old}\n"
        run(*self.mounted("ldbmodify", "-H", "/var/lib/samba/private/sam.ldb", "--controls=local_oid:1.3.6.1.4.1.7165.4.3.20:0"), env=self.env,
            input=ldif)

    def lock(self, name):
        """Locked by three wrong passwords, as a guesser does it."""
        self.policy(account_lockout_threshold=3, account_lockout_duration=30, reset_account_lockout_after=30)
        for _ in range(3):
            self.ldap("search", "-b", "", "-s", "base", "1.1", who=(self.upn(name), "Wrong-Pass-123"), expect=49)

    def unlock(self, name):
        self.tool("user", "unlock", name)


# --- how it is made

def put(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def alive(pid):
    """A process that has ended and waits to be fetched does not count."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def title_of(pid):
    with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as f:
        return f.read()


def descendants(pid):
    """The process and all below it: Samba has fifty."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                parents.setdefault(int(f.read().rpartition(")")[2].split()[1]), []).append(int(name))
    found, fresh = [], [pid]
    while fresh:
        found += fresh
        fresh = [child for p in fresh for child in parents.get(p, [])]
    return found


def sweep():
    """A test that was killed with no warning left its namespaces: they go with the next one."""
    for name in run("ip", "netns", "list").stdout.split():
        hit = re.fullmatch(r"td-ad-(?:make-)?(\d+)(?:-[0-9a-f]+)?(?:-far)?", name)
        if hit and not os.path.exists(f"/proc/{hit[1]}"):
            Place(name, IP).unmake()


def snapshot():
    """The archive of a made domain; made now if nobody has."""
    version = run("samba", "--version").stdout.strip()
    key = hashlib.sha256((BUILD + version).encode()).hexdigest()[:16]
    archive = os.path.join(CACHE, f"{key}.tgz")
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(archive):
            build(archive)
    return archive


def build(archive):
    maker = Domain(f"td-ad-make-{os.getpid()}")
    maker.dir = tempfile.mkdtemp(prefix="td-ad-make-")
    atexit.register(maker.down)
    try:
        for d, _ in MOUNTS:
            os.makedirs(maker.path(d))
        maker.make()
        maker.cable("dc0", IP)
        run(*maker.mounted("sh", "-c", BUILD), timeout=600)
        for left in os.listdir(maker.path("run")):
            shutil.rmtree(maker.path("run", left), ignore_errors=True)
        run("tar", "--xattrs", "--xattrs-include=*", "-C", maker.dir, "-czf", archive + ".new", ".", timeout=300)
        os.rename(archive + ".new", archive)
    finally:
        maker.down()


def by_hand(words):
    """ad.py up|down|shell [NAME]."""
    verb, name = (words + ["", ""])[:2]
    domain = Domain(f"td-ad-{name or 'hand'}", keep=True)
    note = os.path.join(CACHE, domain.name)
    if verb == "up":
        domain.up()
        put(note, domain.dir)
        say(f"namespace {domain.name}, folder {domain.dir}\nca {domain.ca}\nkeytab {domain.keytab}\nconnector {CONNECTOR}@{DNS} {CONNECTOR_PASSWORD}\n"
            f"inside: ip netns exec {domain.name} env KRB5_CONFIG={domain.path('krb5.conf')} ...\nend it: tests/e2e/ad.py down {name}")
        return 0
    with contextlib.suppress(FileNotFoundError), open(note, encoding="utf-8") as f:
        domain.dir = f.read()
    if domain.dir is None:
        raise LabError(f"{domain.name} is not up")
    if verb == "shell":
        os.environ["KRB5_CONFIG"] = domain.path("krb5.conf")
        rest = words[2:] or ["bash"]
        os.execvp("ip", domain.mounted(*rest))
    if verb == "down":
        domain.down()
        os.unlink(note)
        return 0
    say(__doc__)
    return 2


if __name__ == "__main__":
    from lab import main_guard
    main_guard(lambda: by_hand(sys.argv[1:]))
