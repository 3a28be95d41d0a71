"""An administrator says which makers of TPMs are believed: by root, by intermediate, by what is fetched; a TPM is forgotten and taken anew."""
import base64
import contextlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import foreign_pc as pc
import foreign_tpm
import lab as laboratory
import pcs
import tpms
import userless
from foreign_tpm import refused
from lab import run, say
from userless import must


class MakersSite:
    """Where the maker publishes its intermediate; counts who asks."""

    def __init__(self, der):
        site = self
        self.asked = []

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.path)
                body = b"moved" if self.path == "/moved.cer" else der
                self.send_response(302 if self.path == "/moved.cer" else 200)
                self.send_header("Location", "/issuer.cer")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @contextlib.contextmanager
    def open(self):
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()


def register(lab, *serials):
    """By hashes that tell no key: only makers answer for these."""
    rows = ["Device Serial Number,Windows Product ID,Hardware Hash,Group Tag"]
    hashes = {serial: pcs.hardware_hash(serial, 8100 + i, ek=b"") for i, serial in enumerate(serials)}
    rows += [f"{serial},,{octets},{userless.TAG}" for serial, octets in hashes.items()]
    lab.cli("device", "import", lab.write("makers.csv", "\r\n".join(rows) + "\r\n"))
    for serial in serials:
        userless.wait_profile(lab, serial)
    return hashes


def device(lab, hashes, serial, tpm):
    d = foreign_tpm.Device(lab, serial, tpm)
    d.registration = pc.lookup(lab, hashes[serial])["ZtdRegistrationId"]
    return d.prepare()


def roots(lab):
    return lab.cli("tpm", "roots", "--json")["roots"]


def add(lab, file):
    return lab.cli("tpm", "add-root", file, "--json")["roots"][0]["sha256"]


def makers_by_file(lab, box, d):
    """Nobody at first; an intermediate alone; a root and what the device sends; taken away again."""
    root, issuer = box.maker().roots
    with open(issuer, encoding="ascii") as f:
        sent = foreign_tpm.b64(base64.b64decode("".join(f.read().split("-----")[2].split())))
    refused(d.send(d.opening()), "UntrustedManufacturer")
    said = userless.told(lab, d.name, "UntrustedManufacturer")
    must(said["code"] == "0x801c03ea" and "add-root" in said["remedy"], f"the timeline says what to do: {said}")
    explained = lab.cli("code", said["code"], "--json")["failures"]
    must("UntrustedManufacturer" in [f["name"] for f in explained], f"so does 'code': {explained}")
    which = add(lab, issuer)
    must(d.attest()["assurance"] == "virtual", "an intermediate is an anchor")
    lab.cli("tpm", "remove-root", which[:12])
    refused(d.send(d.opening()), "UntrustedManufacturer")
    add(lab, root)
    refused(d.send(d.opening()), "UntrustedManufacturer")
    d.finish(d.answer(d.begin(ekChain=[sent])))
    say("  believed: an intermediate alone; a root with what the device sends; nobody else")


def fetched(lab, box, hashes, site):
    """Where the tenant wants it, and where the address may be reached."""
    def certified(serial, path):
        return device(lab, hashes, serial, box.certified(serial, issuer_url=site.url + path))

    first, second = certified("MK-FETCH-1", "/issuer.cer"), certified("MK-FETCH-2", "/moved.cer")
    refused(first.send(first.opening()), "UntrustedManufacturer")
    must(site.asked == [], "off at first: nobody is asked")
    lab.cli("tenant", "set", "ek-issuer-fetch=on")
    refused(first.send(first.opening()), "UntrustedManufacturer")
    must(site.asked == [], "an address of one's own network is not asked")
    laboratory.end(lab.server)
    lab.serve("--config", lab.write("makers.ini", f"[attestation]\nmaker-host = {site.url[7:]}\n"))
    third = certified("MK-FETCH-3", "/again.cer")
    must(third.attest()["assurance"] == "virtual" and site.asked == ["/again.cer"], f"fetched: {site.asked}")
    third.attest()
    must(site.asked == ["/again.cer"], f"and kept: {site.asked}")
    refused(second.send(second.opening()), "UntrustedManufacturer")
    refused(second.send(second.opening()), "UntrustedManufacturer")
    must(site.asked == ["/again.cer", "/moved.cer"], f"no redirect is followed, none asked twice in vain: {site.asked}")
    say("  a missing intermediate: fetched where it is wanted, from where it may be, once")


def moved(lab, box, hashes, d):
    """A board that moves: forgotten at its former device, taken at the next."""
    other = foreign_tpm.Device(lab, "MK-NEXT", d.tpm)
    other.registration = pc.lookup(lab, hashes["MK-NEXT"])["ZtdRegistrationId"]
    refused(other.send(other.opening()), "EndorsementKeyInUse")
    key = userless.binding(lab, d.name)["ekSha256"]
    lab.cli("tpm", "unbind", d.name)
    must(other.prepare().attest()["assurance"] == "virtual" and userless.binding(lab, "MK-NEXT")["ekSha256"] == key, "taken anew")
    refused(d.send(d.opening()), "EndorsementKeyInUse")
    lab.cli("tpm", "unbind", "MK-NEXT", expect=0)
    must(d.attest(), "and back")
    told = [e["type"] for e in lab.timeline("MK-NEXT")["timeline"]]
    must("tpm.removed" in told, f"the timeline tells it: {told}")
    chip = device(lab, hashes, "MK-CHIP", box.hardware("MK-CHIP"))
    lab.cli("tenant", "set", "virtual-tpm=refuse")
    refused(d.send(d.opening()), "VirtualTpm")
    must(chip.attest()["assurance"] == "hardware", "a chip is taken")
    check = {f["code"]: f for f in run_check(lab, d.name)}["attestation"]
    must(check["verdict"] == "fail" and "virtual-tpm" in check["remedy"], f"what would be refused is told before: {check}")
    say("  one TPM is one device, until it is forgotten; programs are told from chips")


def run_check(lab, serial):
    return lab.cli("device", "check", serial, "--json", expect=None)["findings"]


def scenario(lab):
    with tpms.Tpms(lab) as box:
        lab.init()
        lab.serve()
        userless.profile(lab)
        hashes = register(lab, "MK-FIRST", "MK-FETCH-1", "MK-FETCH-2", "MK-FETCH-3", "MK-NEXT", "MK-CHIP")
        d = device(lab, hashes, "MK-FIRST", box.make("MK-FIRST"))
        makers_by_file(lab, box, d)
        issuer = run("openssl", "x509", "-in", box.maker().roots[1], "-outform", "DER", text=False).stdout
        with MakersSite(issuer).open() as site:
            fetched(lab, box, hashes, site)
        add(lab, box.maker().roots[1])
        moved(lab, box, hashes, d)
