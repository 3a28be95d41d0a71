"""A machine out of the box: QEMU with firmware, a TPM (swtpm), a disk and a network of its own, which runs a Debian kernel and
touchdown-device and nothing else. Sources: bootstrap-and-portal.md D; domain-join-and-tpm.md 2.1.

The network is a namespace with one cable: DHCP and names by dnsmasq, the service behind it. Everything is emulated (-accel tcg),
listens inside the namespace alone, and goes with the lab."""
import contextlib
import glob
import gzip
import os
import re
import shutil
import subprocess
import tempfile
import threading
import uuid

import lab as laboratory
from lab import LabError, LabSkip, end, run, wait_for

CACHE = os.path.join(laboratory.ROOT, "build", "machine")
HOST, GATE, PORT = "ztd.contoso.test", "10.77.0.1", 8443
MODULES = ("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "failover", "net_failover", "virtio_net",
           "virtio_blk")
OPENED_LATER = ("libtss2-esys.so.0", "libtss2-mu.so.0", "libtss2-rc.so.0", "libtss2-tctildr.so.0", "libtss2-tcti-device.so.0")
NEEDED = ("qemu-system-x86_64", "swtpm", "swtpm_setup", "busybox", "cpio", "ip", "dnsmasq", "mke2fs", "apt-get", "dpkg-deb", "curl", "ldd")

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
mount -t securityfs sec /sys/kernel/security
for m in {modules}; do insmod /modules/$m.ko; done
hostname desktop
ip link set lo up
udhcpc -i eth0 -n -q -t 20 -s /etc/udhcpc.sh >/dev/null
mount -t ext4 /dev/vda /state || echo "no disk"
echo "machine: TPM $(cat /sys/class/tpm/tpm0/tpm_version_major), $(wc -c </sys/kernel/security/tpm0/binary_bios_measurements) octets of event log"
for word in $(cat /proc/cmdline); do
    case $word in td.do=*) what=${{word#td.do=}} ;; esac
done
echo "machine: begin $what"
case $what in
hash) touchdown-device hash --csv --tpm device:/dev/tpmrm0 ;;
run) touchdown-device run --server {server} --ca /etc/ca.pem --state /state/touchdown --tpm device:/dev/tpmrm0 --pace {pace} --timeout {timeout} ;;
esac </dev/null
echo "machine: end $?"
umount /state
poweroff -f
"""
LEASE = """#!/bin/busybox sh
case $1 in
bound | renew)
    ip address add $ip/$mask dev $interface
    [ -z "$router" ] || ip route add default via $router
    : >/etc/resolv.conf
    for one in $dns; do echo nameserver $one >>/etc/resolv.conf; done ;;
deconfig) ip link set $interface up ;;
esac
"""


def skip_without():
    """LabSkip where this can't be run, and why."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        raise LabSkip(f"{', '.join(missing)} missing (tools/install.sh tpm machine)")
    if os.geteuid() != 0:
        raise LabSkip("a network namespace wants root")
    if not os.path.exists("/dev/net/tun"):
        raise LabSkip("no /dev/net/tun for the machine's network")


# --- kernel and initial file system

def kernel():
    """Folder with vmlinuz and the modules: Debian's kernel for virtual machines, fetched once, never installed."""
    if not os.path.exists(f"{CACHE}/vmlinuz"):
        os.makedirs(CACHE, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as d:
            os.chmod(d, 0o755)
            meta = run("apt-cache", "show", "--no-all-versions", "linux-image-cloud-amd64", expect=None).stdout
            found = re.search(r"^Depends: (linux-image-[\w.+-]+)", meta, re.M)
            got = found and run("apt-get", "download", found.group(1), cwd=d, expect=None, timeout=300)
            files = glob.glob(f"{d}/*.deb")
            if not files:
                raise LabSkip(f"Debian's kernel can't be fetched: {got.stderr.strip()[-200:] if got else 'no package lists (apt-get update)'}")
            run("dpkg-deb", "-x", files[0], f"{d}/x", timeout=300)
            for m in MODULES:
                shutil.copy(glob.glob(f"{d}/x/lib/modules/*/kernel/**/{m}.ko", recursive=True)[0], f"{CACHE}/{m}.ko")
            shutil.copy(glob.glob(f"{d}/x/boot/vmlinuz-*")[0], f"{CACHE}/vmlinuz.new")
            os.rename(f"{CACHE}/vmlinuz.new", f"{CACHE}/vmlinuz")
    return CACHE


def libraries(program, more):
    """What the loader would take, and what is opened later by name."""
    named = {}
    cache = run("ldconfig", "-p", env={**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}).stdout
    for name in more:
        hit = re.search(rf"^\s*{re.escape(name)} .*x86-64.* => (\S+)$", cache, re.M)
        if hit is None:
            raise LabSkip(f"{name} missing (tools/install.sh tpm)")
        named[hit.group(1)] = None
    for path in [program, *list(named)]:
        for hit in re.findall(r"(/\S+) \(0x", run("ldd", path).stdout):
            named[hit] = None
    return list(named)


def put(path, text, mode=0o755):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def initial_files(lab, pace=60, timeout=600):
    """initrd.gz: busybox, modules, touchdown-device with its libraries, the root that the box trusts. The same for all machines of a lab."""
    root, out = lab.path("initrd"), lab.path("initrd.gz")
    if os.path.exists(out):
        return out
    for d in ("bin", "proc", "sys", "dev", "tmp", "state", "etc", "modules"):
        os.makedirs(f"{root}/{d}")
    shutil.copy(shutil.which("busybox"), f"{root}/bin/busybox")
    shutil.copy(laboratory.DEVICE, f"{root}/bin/touchdown-device")
    for path in libraries(laboratory.DEVICE, OPENED_LATER):
        os.makedirs(root + os.path.dirname(path), exist_ok=True)
        shutil.copy(os.path.realpath(path), root + path)
    for m in MODULES:
        shutil.copy(f"{kernel()}/{m}.ko", f"{root}/modules/{m}.ko")
    shutil.copy(lab.ca, f"{root}/etc/ca.pem")
    put(f"{root}/init", INIT.format(modules=" ".join(MODULES), server=f"https://{HOST}:{PORT}", pace=pace, timeout=timeout))
    put(f"{root}/etc/udhcpc.sh", LEASE)
    put(f"{root}/etc/hosts", "127.0.0.1 localhost\n", 0o644)
    put(f"{root}/etc/nsswitch.conf", "hosts: files dns\n", 0o644)
    archive = run("cpio", "-o", "-H", "newc", "--quiet", cwd=root, input=run("find", ".", cwd=root, text=False).stdout, text=False).stdout
    with gzip.open(out, "wb", 1) as f:
        f.write(archive)
    shutil.rmtree(root)
    return out


# --- the network

class Network:
    """A namespace with the service, DHCP and names. Use as a context manager."""

    def __init__(self, lab):
        self.lab, self.name, self.others = lab, f"td-{os.getpid()}-{uuid.uuid4().hex[:4]}", []

    def inside(self, *argv):
        return ["ip", "netns", "exec", self.name, *argv]

    def __enter__(self):
        done = run("ip", "netns", "add", self.name, expect=None)
        if done.returncode != 0:
            raise LabSkip(f"no network namespace: {done.stderr.strip()}")
        try:
            for words in (("link", "set", "lo", "up"), ("tuntap", "add", "dev", "cable", "mode", "tap"), ("address", "add", f"{GATE}/24", "dev", "cable"),
                          ("link", "set", "cable", "up")):
                run(*self.inside("ip", *words))
            self.start("dnsmasq", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--interface=cable", "--bind-interfaces",
                       "--no-resolv", "--no-hosts", "--no-poll", "--log-facility=-", f"--dhcp-leasefile={self.lab.path('leases')}", "--pid-file=",
                       "--dhcp-range=10.77.0.100,10.77.0.150,1h", f"--address=/{HOST}/{GATE}")
        except LabError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for p in self.others:
            end(p)
        run("ip", "netns", "delete", self.name, expect=None)

    def start(self, log, *argv):
        with open(self.lab.path(log + ".log"), "ab") as f:
            p = subprocess.Popen(self.inside(*argv), stdin=subprocess.DEVNULL, stdout=f, stderr=f, start_new_session=True)
        self.others.append(p)
        return p

    def serve(self):
        """The lab's service, inside."""
        p = self.start("serve", laboratory.TOUCHDOWN, "serve", "--data", self.lab.data, "--listen", f"{GATE}:{PORT}", "--name", HOST)
        def ready():
            return run(*self.inside("curl", "-sf", "--cacert", self.lab.ca, "--resolve", f"{HOST}:{PORT}:{GATE}", f"https://{HOST}:{PORT}/readyz"),
                       expect=None).returncode == 0
        wait_for(ready, 20, "the service is ready", lambda: p.poll() is None)


# --- the machine

class Machine:
    """Firmware tables, TPM and disk that stay; power() is one start, to its power-off."""

    def __init__(self, lab, network, tpm, serial, number=1):
        self.lab, self.network, self.tpm, self.serial, self.number = lab, network, tpm, serial, number
        self.uuid = str(uuid.uuid4())
        self.initrd = initial_files(lab)
        self.disk = lab.path(f"disk{number}.raw")
        with open(self.disk, "wb") as f:
            f.truncate(32 << 20)
        run("mke2fs", "-q", "-t", "ext4", self.disk, env={**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"})

    @contextlib.contextmanager
    def chip(self):
        """The TPM as QEMU wants it: one control socket."""
        self.tpm.stop()
        socket = self.tpm.dir + ".ctl"
        p = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.tpm.dir}", "--ctrl", f"type=unixio,path={socket}", "--terminate"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            wait_for(lambda: os.path.exists(socket), 10, "swtpm listens", lambda: p.poll() is None)
            yield socket
        finally:
            end(p)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(socket)

    def words(self, what, socket):
        return ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-m", "512", "-nographic", "-no-reboot", "-nodefaults",
                "-serial", "stdio", "-kernel", f"{kernel()}/vmlinuz", "-initrd", self.initrd,
                "-append", f"console=ttyS0 quiet panic=-1 no_timer_check random.trust_cpu=on td.do={what}",
                "-chardev", f"socket,id=chip,path={socket}", "-tpmdev", "emulator,id=t0,chardev=chip", "-device", "tpm-crb,tpmdev=t0",
                "-smbios", f"type=1,manufacturer=Contoso,product=LabBook,serial={self.serial},uuid={self.uuid}",
                "-smbios", "type=3,manufacturer=Contoso,serial=none,sku=LB",
                "-drive", f"if=none,id=d0,file={self.disk},format=raw", "-device", f"virtio-blk-pci,drive=d0,serial=DISK{self.serial}",
                "-netdev", "tap,id=n0,ifname=cable,script=no,downscript=no", "-device", f"virtio-net-pci,netdev=n0,romfile=,mac=02:00:5e:77:00:{self.number:02x}"]

    def power(self, what, limit=240, echo=None, cut=None):
        """On, with nobody at the keyboard, until it is off again. Returns the lines of its console. cut: at the first line that
        begins so, somebody pulls the plug."""
        with self.chip() as socket:
            p = subprocess.Popen(self.network.inside(*self.words(what, socket)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, start_new_session=True)
            self.network.others.append(p)
            timer = threading.Timer(limit, p.kill)
            timer.start()
            lines = []
            for raw in p.stdout:
                line = re.sub(r"\x1b[\[\]?0-9;]*[A-Za-z]", "", raw.decode(errors="replace")).rstrip()
                lines.append(line)
                if echo and line:
                    echo(line)
                if cut and line.startswith(cut):
                    p.kill()
            p.wait()
            late = not timer.is_alive()
            timer.cancel()
        if cut and not any(line.startswith(cut) for line in lines):
            raise LabError(f"the machine never came to '{cut}':\n" + "\n".join(lines[-40:]))
        if not cut and (late or not any(line.startswith("machine: end") for line in lines)):
            raise LabError(f"the machine {'was still on after ' + str(limit) + ' s' if late else 'ended early'}:\n" + "\n".join(lines[-40:]))
        return lines


def between(lines):
    """What the machine printed for its task, and the task's exit code."""
    first = next(i for i, line in enumerate(lines) if line.startswith("machine: begin"))
    last = next(i for i, line in enumerate(lines) if line.startswith("machine: end"))
    return lines[first + 1:last], int(lines[last].split()[-1])
