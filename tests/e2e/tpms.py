"""Software TPMs (swtpm) for a lab: makers with certificate authorities of their own, and TPMs with every fault that a
service must notice.

    with tpms.Tpms(lab) as box:
        lab.cli("tpm", ...)                     # trust: box.maker("trusted").roots
        pc = box.make("pc")                     # made and certified by the trusted maker, and running
        lab.run_device(tpm=pc.tcti)             # "swtpm:path=..."
        box.make("other", maker="foreign")      # box.make_many(100), box.without_certificate, box.expired, box.clone, ...

Making one takes half a second, so they are made several at a time and kept for the whole run: a lab gets a copy of one that
it has not seen. Every TPM is a process of ours on a unix socket; it ends with the box. Sources: domain-join-and-tpm.md 2.1, 5."""
import atexit
import concurrent.futures
import datetime
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from foreign_pc import der, oid
from lab import LabError, LabSkip, run

EK_HANDLE, EK_CERT_NV, EK_USAGE = "0x81010001", "0x01C00002", "2.23.133.8.1"
P384_HANDLE, P384_CERT_NV = "0x81010016", "0x01C00016"
SIDE_BY_SIDE = 4
LEAVING = ("createak", "createek", "createprimary", "create", "load", "evictcontrol", "activatecredential")  # objects in the TPM's slots
NEEDED = ("swtpm", "swtpm_setup", "swtpm_localca", "tpm2_nvwrite", "tpm2_readpublic")


def skip_without():
    """LabSkip where the machine has no swtpm."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        raise LabSkip(f"{', '.join(missing)} missing (tools/install.sh tpm)")


# --- what a certificate is made of

def name(text):
    return der(0x30, der(0x31, der(0x30, oid("2.5.4.3"), der(0x0C, text.encode())))) if text else der(0x30)


def moment(days):
    """GeneralizedTime from 2050 on, else UTCTime; None: the end of 9999."""
    if days is None:
        return der(0x18, b"99991231235959Z")
    when = datetime.datetime.utcnow() + datetime.timedelta(days=days)
    return der(0x17, when.strftime("%y%m%d%H%M%SZ").encode()) if when.year < 2050 else der(0x18, when.strftime("%Y%m%d%H%M%SZ").encode())


def extension(number, content, critical=False):
    return der(0x30, oid(number), der(1, b"\xff") if critical else b"", der(4, content))


# --- makers

class Maker:
    """A manufacturer: root and issuing authority, made by swtpm_localca with its first TPM."""

    def __init__(self, folder):
        os.makedirs(folder, mode=0o700)
        self.dir, self.lock = folder, threading.Lock()
        self.stock = []  # folders of TPMs as they left the factory
        self.serial = 1 << 48
        self.write("localca.conf", "".join(f"{k} = {folder}/{v}\n" for k, v in (("statedir", "."), ("signingkey", "signkey.pem"),
                                           ("issuercert", "issuercert.pem"), ("certserial", "certserial"))).replace("/.\n", "\n"))
        self.write("localca.options", "--platform-manufacturer Contoso\n--platform-version 1.0\n--platform-model LabBook\n")
        self.write("setup.conf", f"create_certs_tool = {shutil.which('swtpm_localca')}\ncreate_certs_tool_config = {folder}/localca.conf\n"
                   f"create_certs_tool_options = {folder}/localca.options\nactive_pcr_banks = sha256\n")
        self.manufacture(0)  # the first makes the authority; behind it several at a time

    def write(self, file, text):
        with open(os.path.join(self.dir, file), "w", encoding="utf-8") as f:
            f.write(text)

    def file(self, which):
        return os.path.join(self.dir, which)

    @property
    def roots(self):
        """What an administrator adds to the trust store: the root, and the authority under it that no TPM carries."""
        return [self.file("swtpm-localca-rootca-cert.pem"), self.file("issuercert.pem")]

    def manufacture(self, number):
        folder = self.file(f"tpm-{number}")
        os.mkdir(folder, 0o700)
        run("swtpm_setup", "--tpm2", "--tpmstate", f"dir://{folder}", "--config", self.file("setup.conf"), "--create-ek-cert", "--lock-nvram",
            "--not-overwrite", "--vmid", f"PC-{number:04d}", timeout=120)
        with self.lock:
            self.stock.append(folder)

    def want(self, count):
        """Makes what the stock lacks."""
        first = len(self.stock)
        with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            list(pool.map(self.manufacture, range(first, count)))

    def sign(self, data):
        return run("openssl", "dgst", "-sha256", "-sign", self.file("signkey.pem"), input=data, text=False).stdout

    def certificate(self, spki, begin=-1, end=None, usage=EK_USAGE, ca=False, subject="", issuer="swtpm-localca", key=None,
                    vendor="id:00001014", model="swtpm", version="id:20191023", issuer_url=None):
        """An endorsement certificate octet by octet. begin, end: days from now (None: 9999). key: another issuer's key file.
        issuer_url: where it says that its issuer's certificate is."""
        self.serial += 1
        how = der(0x30, oid("1.2.840.113549.1.1.11"), der(5))
        parts = [der(0x31, der(0x30, oid(f"2.23.133.2.{i}"), der(0x0C, v.encode()))) for i, v in ((1, vendor), (2, model), (3, version))]
        wanted = [extension("2.5.29.17", der(0x30, der(0xA4, der(0x30, *parts))), critical=True),
                  extension("2.5.29.19", der(0x30, der(1, b"\xff")) if ca else der(0x30), critical=True),
                  extension("2.5.29.15", b"\x03\x02\x02\x04" if ca else b"\x03\x02\x05\x20", critical=True)]
        if usage:
            wanted.append(extension("2.5.29.37", der(0x30, oid(usage))))
        if issuer_url:
            wanted.append(extension("1.3.6.1.5.5.7.1.1", der(0x30, der(0x30, oid("1.3.6.1.5.5.7.48.2"), der(0x86, issuer_url.encode())))))
        serial = self.serial.to_bytes(7, "big")
        tbs = der(0x30, der(0xA0, der(2, b"\2")), der(2, serial), how, name(issuer), der(0x30, moment(begin), moment(end)), name(subject), spki,
                  der(0xA3, der(0x30, *wanted)))
        signature = run("openssl", "dgst", "-sha256", "-sign", key, input=tbs, text=False).stdout if key else self.sign(tbs)
        return der(0x30, tbs, how, der(3, b"\0", signature))


class Factory:
    """Makers of this run, by name."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="td-tpm-")
        atexit.register(shutil.rmtree, self.dir, ignore_errors=True)
        self.makers = {}

    def maker(self, which):
        if which not in self.makers:
            self.makers[which] = Maker(os.path.join(self.dir, which))
        return self.makers[which]


FACTORY = []


def factory():
    if not FACTORY:
        FACTORY.append(Factory())
    return FACTORY[0]


# --- TPMs

class Tpm:
    """One TPM: a state folder and, while it is on, a process. Use from one program at a time."""

    def __init__(self, folder):
        self.dir, self.socket, self.process = folder, folder + ".sock", None
        self.known = {}  # what a reader has learnt of its keys

    @property
    def tcti(self):
        return f"swtpm:path={self.socket}"

    def start(self):
        """Power on: PCRs begin anew."""
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.dir}", "--server", f"type=unixio,path={self.socket}", "--ctrl",
             f"type=unixio,path={self.socket}.ctrl", "--flags", "not-need-init,startup-clear", "--pid", f"file={self.dir}.pid"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 20
        while not (os.path.exists(self.socket) and os.path.exists(self.socket + ".ctrl") and os.path.exists(self.dir + ".pid")):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"swtpm did not start in {self.dir}")
            time.sleep(0.005)
        return self

    def stop(self):
        """Power off."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
        for end in (".sock", ".sock.ctrl", ".pid"):
            if os.path.exists(self.dir + end):
                os.unlink(self.dir + end)

    def restart(self):
        self.stop()
        return self.start()

    def tool(self, command, *argv, expect=0, **more):
        """One of tpm2-tools on this TPM. What it leaves in the transient slots is flushed: there are three."""
        env = {**os.environ, "TPM2TOOLS_TCTI": self.tcti, "TSS2_LOG": "all+NONE"}
        done = run(f"tpm2_{command}", *argv, expect=expect, env=env, **more)
        if command in LEAVING:
            run("tpm2_flushcontext", "-t", env=env)
        return done

    def read(self, command, *argv, out="-o", **more):
        """The octets that a tool writes to the file of its option `out`."""
        path = self.dir + ".out"
        self.tool(command, *argv, out, path, **more)
        with open(path, "rb") as f:
            data = f.read()
        os.unlink(path)
        return data

    def ek_certificate(self, nv=EK_CERT_NV):
        return self.read("nvread", nv, "-C", "o")

    def ek_spki(self, handle=EK_HANDLE):
        return self.read("readpublic", "-c", handle, "-f", "der")

    def ek_public(self, handle=EK_HANDLE):
        """TPM2B_PUBLIC."""
        return self.read("readpublic", "-c", handle, "-f", "tss")

    def has_nv(self, nv):
        return any(int(line.split()[-1], 16) == int(nv, 16) for line in self.tool("getcap", "handles-nv-index").stdout.splitlines() if line.strip())

    def put_certificate(self, data, nv=EK_CERT_NV):
        """Puts another certificate where the endorsement certificate rests. Not on TPMs whose storage is locked."""
        path = self.dir + ".in"
        with open(path, "wb") as f:
            f.write(data)
        if self.has_nv(nv):
            self.tool("nvundefine", nv, "-C", "p")
        self.tool("nvdefine", nv, "-C", "p", "-s", str(len(data)), "-a", "ppwrite|ppread|ownerread|authread|policyread|no_da|platformcreate")
        self.tool("nvwrite", nv, "-C", "p", "-i", path)
        os.unlink(path)


class Tpms:
    """A lab's TPMs. Use as a context manager; they go with it."""

    def __init__(self, lab):
        skip_without()
        self.lab, self.all, self.used = lab, {}, {}
        self.dir = lab.path("tpms")
        os.makedirs(self.dir, mode=0o700, exist_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for tpm in self.all.values():
            tpm.stop()

    def __getitem__(self, which):
        return self.all[which]

    def maker(self, which="trusted"):
        return factory().maker(which)

    def new(self, which):
        if which in self.all:
            raise LabError(f"there is a TPM {which}")
        tpm = self.all[which] = Tpm(os.path.join(self.dir, which))
        return tpm

    def make(self, which="device", maker="trusted", start=True):
        """As a maker ships it, certified: an EK that no other TPM of this lab has."""
        return self.make_many([which], maker, start)[0]

    def make_many(self, names, maker="trusted", start=False):
        made = self.maker(maker)
        at = self.used.get(maker, 0)
        self.used[maker] = at + len(names)
        made.want(at + len(names))
        found = []
        for i, which in enumerate(names):
            tpm = self.new(which)
            shutil.copytree(made.stock[at + i], tpm.dir)
            found.append(tpm.start() if start else tpm)
        return found

    def without_certificate(self, which, start=True):
        """Has its endorsement keys, and nobody's word for them."""
        tpm = self.new(which)
        os.mkdir(tpm.dir, 0o700)
        run("swtpm_setup", "--tpm2", "--tpmstate", f"dir://{tpm.dir}", "--config", self.maker().file("setup.conf"), "--createek", "--not-overwrite",
            timeout=120)
        return tpm.start() if start else tpm

    def certified(self, which, maker="trusted", of=None, **changes):
        """With a certificate of our own making (Maker.certificate). of: the TPM whose key it names, if another."""
        tpm = self.without_certificate(which)
        tpm.put_certificate(self.maker(maker).certificate((of or tpm).ek_spki(), **changes))
        return tpm

    def expired(self, which, maker="trusted"):
        return self.certified(which, maker, begin=-30, end=-1)

    def not_yet(self, which, maker="trusted"):
        return self.certified(which, maker, begin=2, end=30)

    def hardware(self, which, maker="trusted"):
        """As a chip: not one of the makers of virtual TPMs."""
        return self.certified(which, maker, vendor="id:49465800", model="SLB9670", version="id:00070055")

    def self_signed(self, which):
        """Its certificate names itself as its maker: an endorsement key signs nothing, so another key did."""
        key = self.lab.path(f"{which}.own.key")
        run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
        return self.certified(which, subject="Me", issuer="Me", key=key)

    def clone(self, of, which, start=True):
        """A copy of the whole state: two machines with one endorsement key. The original is off while it is copied."""
        running = of.process is not None
        of.stop()
        tpm = self.new(which)
        shutil.copytree(of.dir, tpm.dir)
        if running:
            of.start()
        return tpm.start() if start else tpm
