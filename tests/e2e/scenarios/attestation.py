"""TPMs prove themselves, of our make and of another; every wrong one is refused, with its reason on both sides."""
import base64
import concurrent.futures
import uuid

import contoso
import foreign_pc as pc
import foreign_tpm
import lab as laboratory
import pcs
import tpms
import userless
from foreign_tpm import MANAGEMENT_HANDLE, EventLog, flipped, measured_start, refused
from lab import say
from userless import must


class Floor:
    """Registered machines, one for each case, and the TPMs that play them."""

    def __init__(self, lab, box):
        self.lab, self.box, self.hashes = lab, box, {}

    def register(self, machines):
        """serial -> (group tag, public part of the endorsement key that the hash tells, b"" none)."""
        rows = ["Device Serial Number,Windows Product ID,Hardware Hash,Group Tag"]
        for number, (serial, (tag, ek)) in enumerate(machines.items()):
            self.hashes[serial] = pcs.hardware_hash(serial, 7000 + number, ek=ek)
            rows.append(f"{serial},,{self.hashes[serial]},{tag}")
        self.lab.cli("device", "import", self.lab.write("floor.csv", "\r\n".join(rows) + "\r\n"))
        for serial in machines:
            userless.wait_profile(self.lab, serial)

    def device(self, serial, tpm, kind="rsa"):
        d = foreign_tpm.Device(self.lab, serial, tpm, kind)
        answer = pc.lookup(self.lab, self.hashes[serial])
        d.registration = answer["ZtdRegistrationId"]
        return d

    def again(self, serial, of):
        """The same TPM with the keys that it has, as another registered machine."""
        d = self.device(serial, of.tpm, of.kind)
        d.log = of.log
        return d

    def refuse(self, serial, answer, reason):
        refused(answer, reason)
        userless.told(self.lab, serial, reason)


# --- what is admitted

def admitted_rsa(floor):
    """RSA keys, event log; the whole way to a management session."""
    d = floor.device("ATT-RSA", floor.box["bench"])
    d.log = measured_start(d.tpm).octets
    d.prepare()
    answer = d.attest()
    must(answer["assurance"] in ("virtual", "hardware"), f"a maker's word: {answer}")
    d.joined()
    kept = d.enrolled()
    machine = pc.Pc(floor.lab, kept, floor.hashes["ATT-RSA"], "ATT-RSA")
    machine.sync(login="none")
    types = [e["type"] for e in floor.lab.timeline("ATT-RSA")["timeline"]]
    must("device.attested" in types and "device.enrolled" in types and "device.signed-in" not in types, f"its way: {types}")
    must(types.index("device.attested") < types.index("device.joined"), "the proof stands before the join")
    return d


def admitted_ecc(floor):
    """P-384 endorsement key, P-256 attestation key, no event log, neither csr nor serial; the management key certified as well."""
    d = floor.device("ATT-ECC", floor.box["ecc"], "ecc")
    d.prepare()
    d.make_key(MANAGEMENT_HANDLE, "ecc256:null:null")
    public = foreign_tpm.un2b(d.public())
    challenge = d.begin(serial=None, ekPub=foreign_tpm.b64(public).rstrip("="), somethingNew={"a": 1})
    d.finish(d.answer(challenge, csr=False, management=True))
    d.joined()
    pc.document(d.enrol(certified=True))
    return d


def admitted_pinned(floor):
    """No certificate, but the key stands in the registered hash; the tenant may forbid that."""
    d = floor.device("ATT-PINNED", floor.box["nameless"])
    d.prepare()
    floor.lab.cli("tenant", "set", "pinned-ek=refuse")
    floor.refuse("ATT-PINNED", d.send(d.opening()), "NoEndorsementCertificate")
    floor.lab.cli("tenant", "set", "pinned-ek=allow")
    must(d.attest()["assurance"] == "pinned", "believed by the registered hash")


def put_more(d, m, nonce):
    """More measurements than a quote has to hold."""
    quote, signature, m["pcrValues"] = d.quote(nonce, pcrs=[*foreign_tpm.ALL_PCRS, 11, 14])
    m.update(quote=foreign_tpm.b64(quote), quoteSig=foreign_tpm.b64(signature))


def bare(public):
    return foreign_tpm.b64(foreign_tpm.un2b(public))


def other_forms(floor):
    """What clients may leave out, add or write otherwise."""
    d = floor.device("ATT-FORMS", floor.box["forms"])
    d.log = measured_start(d.tpm).octets
    d.prepare()
    forms = {
        "measurements in the quote alone": ({}, lambda m, nonce: (m.pop("pcrValues"), m.pop("eventLog"))),
        "more measurements than asked": ({}, lambda m, nonce: put_more(d, m, nonce)),
        "a certificate with the padding of its place": ({"ekCert": foreign_tpm.b64(d.certificate() + bytes(300))}, None),
        "base64 in lines": ({"ekCert": base64.encodebytes(d.certificate()).decode()}, None),
        "members nobody knows": ({"akName": "00", "x": [1]}, lambda m, nonce: m.update(akName="00", session={"a": None})),
        "keys without a size in front": ({"ekPub": bare(d.public()), "akPub": bare(d.public(foreign_tpm.AK_HANDLE))},
                                         lambda m, nonce: m.update(keyPub=bare(d.public(foreign_tpm.DEVICE_HANDLE)))),
        "no request beside the key": ({}, lambda m, nonce: m.pop("csr")),
    }
    for what, (opening, change) in forms.items():
        challenge = d.begin(**opening)
        message = d.answer(challenge)
        if change:
            change(message, bytes.fromhex(challenge["nonce"]))
        status, said = d.send(message)
        must(status == 200 and said["step"] == "admitted", f"{what}: {status} {said}")
    d.make_ak(ecc=True)
    d.attest()


# --- what is refused before a challenge: the TPM

def wrong_tpms(floor, bench):
    def opening(serial, which, kind="rsa"):
        d = floor.device(serial, floor.box[which], kind)
        d.prepare()
        return d, d.send(d.opening())

    floor.refuse("ATT-FOREIGN", opening("ATT-FOREIGN", "stranger")[1], "UntrustedManufacturer")
    floor.refuse("ATT-SWAPPED", opening("ATT-SWAPPED", "mixed")[1], "CertificateOfAnotherKey")
    floor.refuse("ATT-OLD", opening("ATT-OLD", "old")[1], "EndorsementCertificateExpired")
    floor.refuse("ATT-SELF", opening("ATT-SELF", "self-signed")[1], "BadEndorsementCertificate")
    floor.refuse("ATT-USE", opening("ATT-USE", "platform")[1], "BadEndorsementCertificate")
    floor.refuse("ATT-CA", opening("ATT-CA", "authority")[1], "BadEndorsementCertificate")
    d = floor.again("ATT-NAMELESS", bench)
    floor.refuse("ATT-NAMELESS", d.send(d.opening(ekCert=None)), "NoEndorsementCertificate")
    floor.refuse("ATT-CLONE", floor.again("ATT-CLONE", bench).send(floor.again("ATT-CLONE", bench).opening()), "EndorsementKeyInUse")
    d = floor.again("ATT-OTHER", bench)
    floor.refuse("ATT-OTHER", d.send(d.opening()), "OtherTpm")
    spare = floor.device("ATT-RSA", floor.box["spare"])
    spare.prepare()
    floor.refuse("ATT-RSA", spare.send(spare.opening()), "OtherTpm")
    floor.lab.cli("tenant", "set", "virtual-tpm=refuse")
    d = floor.again("ATT-VIRTUAL", spare)
    floor.refuse("ATT-VIRTUAL", d.send(d.opening()), "VirtualTpm")
    floor.lab.cli("tenant", "set", "virtual-tpm=allow")
    d = floor.again("ATT-SALES", spare)
    floor.refuse("ATT-SALES", d.send(d.opening()), "AttestationNotWanted")
    refused(d.send(d.opening(registrationId=str(uuid.uuid4()))), "UnknownRegistration")
    return spare


def wrong_attestation_keys(floor, spare):
    d = floor.again("ATT-FREE", spare)
    d.make_ak(foreign_tpm.FIXED + "|sign")
    floor.refuse("ATT-FREE", d.send(d.opening()), "BadAttestationKey")
    d.make_ak()
    public = bytearray(foreign_tpm.un2b(d.public(foreign_tpm.AK_HANDLE)))
    for name, bit in (("restricted", 0x00010000), ("fixedTPM", 0x2), ("sensitiveDataOrigin", 0x20), ("decrypt", 0x00020000)):
        changed = bytearray(public)
        changed[4:8] = (int.from_bytes(public[4:8], "big") ^ bit).to_bytes(4, "big")
        refused(d.send(d.opening(akPub=foreign_tpm.b64(bytes(changed)))), "BadAttestationKey")
        say(f"  an attestation key with {name} turned over: refused")


def too_many(floor):
    d = floor.device("ATT-MANY", floor.box["eager"])
    d.make_ak()
    for _ in range(60):
        status, said = answer = d.send(d.opening())
        if status != 200:
            break
    floor.refuse("ATT-MANY", answer, "TooManyAttempts")
    must(said["hresult"].lower() == "0x81039001", f"its code: {said}")


# --- what is refused behind a challenge: the answer

def spoiled(change):
    """A case: begin, a good answer, one thing changed."""
    def case(d):
        challenge = d.begin()
        message = d.answer(challenge)
        change(d, message, bytes.fromhex(challenge["nonce"]))
        return d.send(message)
    return case


def flip(member, at=-1):
    return spoiled(lambda d, m, nonce: m.update({member: foreign_tpm.b64(flipped(base64.b64decode(m[member]), at))}))


def other_nonce(d, m, nonce):
    quote, signature, m["pcrValues"] = d.quote(flipped(nonce))
    m.update(quote=foreign_tpm.b64(quote), quoteSig=foreign_tpm.b64(signature))


def fewer_pcrs(d, m, nonce):
    quote, signature, m["pcrValues"] = d.quote(nonce, pcrs=[0, 1, 2, 3])
    m.update(quote=foreign_tpm.b64(quote), quoteSig=foreign_tpm.b64(signature))
    m.pop("eventLog", None)


def forged_quote(d, m, nonce):
    """A structure that looks like the TPM's, signed by a key that signs anything."""
    quote = base64.b64decode(m["quote"])
    signature = d.sign(quote)
    m["quoteSig"] = foreign_tpm.b64(b"\x00\x14\x00\x0b" + foreign_tpm.tpm2b(signature))


def old_certify(d, m, nonce):
    attest, signature = d.certify(flipped(nonce))
    m.update(certify=foreign_tpm.b64(attest), certifySig=foreign_tpm.b64(signature))


def own_certify(d, m, nonce):
    """Signed by the certified key itself."""
    attest, signature = d.certify(nonce, by=foreign_tpm.DEVICE_HANDLE)
    m.update(certify=foreign_tpm.b64(attest), certifySig=foreign_tpm.b64(signature))


def other_key(d, m, nonce):
    """Certified is one key, shown another."""
    key = pc.make_key(d.lab, "outside")
    modulus = bytes.fromhex(foreign_tpm.run("openssl", "rsa", "-in", key, "-noout", "-modulus").stdout.strip().split("=")[1])
    m["keyPub"] = foreign_tpm.b64(foreign_tpm.un2b(base64.b64decode(m["keyPub"]))[:-256] + modulus)
    m["csr"] = foreign_tpm.b64(pc.make_csr(d.lab, key))


def other_csr(d, m, nonce):
    m["csr"] = foreign_tpm.b64(pc.make_csr(d.lab, pc.make_key(d.lab, "outside")))


def other_name(d, m, nonce):
    """The right secret, over the Name of another attestation key."""
    m["proof"] = foreign_tpm.b64(flipped(base64.b64decode(m["proof"]), 0))


def altered_values(d, m, nonce):
    m["pcrValues"] = {**m["pcrValues"], "7": "00" * 32}
    m.pop("eventLog")


def shorter_log(d, m, nonce):
    """The last event left out."""
    log = EventLog().add(0, 8, b"Example Firmware 1.24.0").secure_boot(True)
    for number in range(7):
        log.add(number, 4, bytes(4))
    m["eventLog"] = foreign_tpm.b64(log.octets)


ANSWERS = {
    "ATT-QUOTE": ("BadQuote", flip("quote")), "ATT-QSIG": ("BadQuote", flip("quoteSig")), "ATT-MAGIC": ("BadQuote", flip("quote", 0)),
    "ATT-NONCE": ("BadQuote", spoiled(other_nonce)), "ATT-FORGED": ("BadQuote", spoiled(forged_quote)), "ATT-FEW": ("BadQuote", spoiled(fewer_pcrs)),
    "ATT-LOG": ("EventLogMismatch", spoiled(shorter_log)), "ATT-VALUES": ("EventLogMismatch", spoiled(altered_values)),
    "ATT-CERT": ("KeyNotCertified", flip("certify")), "ATT-CSIG": ("KeyNotCertified", flip("certifySig")),
    "ATT-CNONCE": ("KeyNotCertified", spoiled(old_certify)), "ATT-COWN": ("KeyNotCertified", spoiled(own_certify)),
    "ATT-CKEY": ("KeyNotCertified", spoiled(other_key)), "ATT-CSR": ("CertifiedKeyDiffers", spoiled(other_csr)),
    "ATT-PROOF": ("ProofFailed", spoiled(other_name)),
}


def probers(floor):
    """Two that may ask for challenges in turn: one TPM alone would ask too often."""
    found = []
    for which in ("first", "second"):
        d = floor.device("ATT-REPLAY", floor.box[which])
        d.log = measured_start(d.tpm).octets
        found.append(d.prepare())
    return found


def wrong_answers(floor, two):
    for number, (serial, (reason, case)) in enumerate(ANSWERS.items()):
        floor.refuse(serial, case(floor.again(serial, two[number % 2])), reason)


def replayed(floor, d):
    """A challenge is used up by its first answer, right or wrong; and it is one registration's."""
    challenge = d.begin()
    message = d.answer(challenge)
    refused(d.send({**message, "proof": foreign_tpm.b64(bytes(32))}), "ProofFailed")
    floor.refuse("ATT-REPLAY", d.send(message), "ChallengeUsed")
    message = d.answer(d.begin())
    d.finish(message)
    refused(d.send(message), "ChallengeUsed")
    refused(d.send({**message, "sessionId": str(uuid.uuid4())}), "UnknownChallenge")


def keys_of_two_tpms(floor, two):
    """Endorsement key of one TPM, attestation key of another: neither of them recovers the secret."""
    d, other = floor.again("ATT-TWO", two[0]), floor.again("ATT-TWO", two[1])
    challenge = d.begin(akPub=foreign_tpm.b64(other.public(foreign_tpm.AK_HANDLE)))
    must(d.activate(challenge) is None and other.activate(challenge) is None, "no TPM recovers it")
    message = other.answer(challenge, secret=bytes(32))
    floor.refuse("ATT-TWO", d.send(message), "ProofFailed")


# --- measurements

def measurements(floor):
    d = floor.device("ATT-BOOT", floor.box["boot"])
    d.log = measured_start(d.tpm, secure_boot=False).octets
    d.prepare()
    floor.refuse("ATT-BOOT", d.send(d.answer(d.begin())), "MeasurementsNotWanted")
    d.tpm.restart()
    d.log = measured_start(d.tpm, secure_boot=False, told=True).octets  # every digest leads to the quote, the text beside one lies
    status, said = d.send(d.answer(d.begin()))
    must(status == 403 and said["code"] in ("MeasurementsNotWanted", "EventLogMismatch"), f"a log whose text lies: {status} {said}")
    d.tpm.restart()
    d.log = measured_start(d.tpm).octets
    d.attest()
    # the profile of the next wants a value that nobody has
    spare = floor.device("ATT-LIST", floor.box["listed"])
    spare.log = measured_start(spare.tpm).octets
    spare.prepare()
    floor.refuse("ATT-LIST", spare.send(spare.answer(spare.begin())), "MeasurementsNotWanted")
    learner = floor.device("ATT-BASE", floor.box["learner"])
    learner.log = measured_start(learner.tpm).octets
    learner.prepare()
    learner.attest()
    learner.tpm.restart()
    learner.log = measured_start(learner.tpm, firmware=b"Example Firmware 6.6.6").octets
    floor.refuse("ATT-BASE", learner.send(learner.answer(learner.begin())), "MeasurementsNotWanted")
    floor.lab.cli("tpm", "baseline", "ATT-BASE", "--forget")
    learner.attest()


# --- the ticket

def at_once(function, count=4):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: function(), range(count)))


def tickets(floor, d):
    """Once, for the certified key, and for nothing else."""
    d.attest()
    d.make_key(MANAGEMENT_HANDLE, "rsa2048:null:null")
    status, said = d.join(message=d.request(MANAGEMENT_HANDLE))
    must(status in (400, 401, 403), f"a ticket joins no other key: {status} {said}")
    status, said = d.join(ticket=d.ticket[:-3] + ("AAA" if d.ticket[-3:] != "AAA" else "BBB"))
    must(status in (400, 401, 403), f"a spoiled ticket joins nothing: {status} {said}")
    d.attest()
    ticket = d.ticket
    d.joined()
    message = d.answer(d.begin())
    said = at_once(lambda: d.send(message))
    must([status for status, _ in said].count(200) == 1, f"four answers to one challenge at once: one counts: {said}")
    d.ticket = next(answer["joinTicket"] for status, answer in said if status == 200)
    request = d.request()
    said = at_once(lambda: d.join(message=request))
    must([status for status, _ in said].count(200) == 1, f"four joins by one ticket at once: one counts: {said}")
    d.install(*next(one for one in said if one[0] == 200))
    status, said = d.join(ticket=ticket)
    must(status in (400, 401, 403), f"a ticket joins once: {status} {said}")


def once(floor, d):
    """R17: with userless-once the second enrolment without a user waits for an administrator."""
    floor.lab.cli("tenant", "set", "userless-once=on")
    d.enrolled()
    d.make_key()
    status, said = d.send(d.opening())
    if status == 200:  # refused at the proof or at the enrolment: before the device is managed
        d.attest()
        d.joined()
        pc.fault(d.enrol(), error_type="DeviceNotSupported")
        found = userless.failures(floor.lab, "ATT-TICKET", "enrolment")
        must(found and found[-1]["code"] == "0x80180014" and "unblock" in found[-1]["remedy"], f"the timeline names code and remedy: {found}")
    else:
        refused((status, said), "DeployedBefore")
    floor.lab.cli("device", "unblock", "ATT-TICKET")
    d.attest()
    d.joined()
    d.enrolled()
    floor.lab.cli("tenant", "set", "userless-once=off")


# --- the same by the virtual device: faults of TPMs

OURS = {"DEV-GOOD": ("good", None), "DEV-FOREIGN": ("foreign", "UntrustedManufacturer"), "DEV-SWAPPED": ("swapped", "CertificateOfAnotherKey"),
        "DEV-OLD": ("expired", "EndorsementCertificateExpired"), "DEV-NONE": ("bare", "NoEndorsementCertificate"),
        "DEV-BOOT": ("unsafe", "MeasurementsNotWanted")}


def virtual_devices(lab, box):
    """One TPM each, in a state folder each; the last line tells code, item, cause and remedy."""
    box.make("good")
    box.make("foreign", maker="foreign")
    box.certified("swapped", of=box["good"])
    box.expired("expired")
    box.without_certificate("bare")
    box.make("unsafe")
    pcs_of = {}
    for number, serial in enumerate(OURS):
        pcs_of[serial] = lab.write(f"{serial}.json", {**contoso.hardware(serial, 600 + number), "secureBoot": serial != "DEV-BOOT"})
        lab.register(hardware=pcs_of[serial], tag="BOOT" if serial == "DEV-BOOT" else userless.TAG, name=serial)
    for serial in OURS:
        userless.wait_profile(lab, serial)

    def go(serial):
        which, reason = OURS[serial]
        return lab.run_device(name=serial.lower(), hardware=pcs_of[serial], tpm=box[which].tcti, alone=True, expect=1 if reason else 0, timeout=120)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        outs = dict(zip(OURS, pool.map(go, OURS)))
    must("inputs asked: 0" in outs["DEV-GOOD"], f"a trusted TPM: {outs['DEV-GOOD'][-500:]}")
    for serial, (_, reason) in OURS.items():
        if reason:
            known = userless.told(lab, serial, reason)
            last = [line for line in outs[serial].splitlines() if line.startswith("failed")][-1]
            must(known["code"] in last and known["remedy"][:40] in outs[serial], f"{serial}: the device tells {known}: {outs[serial][-800:]}")
            say(f"  {last}")
    clone = box.clone(box["good"], "clone")
    spec = lab.write("DEV-CLONE.json", contoso.hardware("DEV-CLONE", 699))
    lab.register(hardware=spec, tag=userless.TAG, name="DEV-CLONE")
    userless.wait_profile(lab, "DEV-CLONE")
    lab.run_device(name="dev-clone", hardware=spec, tpm=clone.tcti, alone=True, expect=1, timeout=120)
    userless.told(lab, "DEV-CLONE", "EndorsementKeyInUse")


MACHINES = ["ATT-RSA", "ATT-ECC", "ATT-FOREIGN", "ATT-SWAPPED", "ATT-OLD", "ATT-SELF", "ATT-USE", "ATT-CA", "ATT-NAMELESS", "ATT-CLONE", "ATT-VIRTUAL",
            "ATT-FREE", "ATT-MANY", "ATT-REPLAY", "ATT-TWO", "ATT-TICKET", "ATT-FORMS", *ANSWERS]
TAGS = {"ATT-SALES": laboratory.TAG, "ATT-BOOT": "BOOT", "ATT-LIST": "LISTED", "ATT-BASE": "LEARNING"}


def make_tpms(box):
    box.make_many(["bench", "ecc", "spare", "eager", "first", "second", "boot", "listed", "learner", "ticket", "forms"], start=True)
    box.make("stranger", maker="foreign")
    box.without_certificate("nameless")
    box.certified("mixed", of=box["bench"])
    box.expired("old")
    box.self_signed("self-signed")
    box.certified("platform", usage="2.23.133.8.2")
    box.certified("authority", ca=True)


def foreign_devices(lab, box):
    make_tpms(box)
    floor = Floor(lab, box)
    pinned = foreign_tpm.un2b(box["nameless"].ek_public())
    floor.register({**{serial: (userless.TAG, b"") for serial in MACHINES}, **{serial: (tag, b"") for serial, tag in TAGS.items()},
                    "ATT-PINNED": (userless.TAG, pinned), "ATT-OTHER": (userless.TAG, pinned[:-1] + b"\1")})
    bench = admitted_rsa(floor)
    say("  RSA keys and an event log: admitted, joined, enrolled, managed")
    admitted_ecc(floor)
    say("  P-384 and P-256, both keys certified: admitted, joined, enrolled")
    admitted_pinned(floor)
    other_forms(floor)
    say("  every other form that the documents allow: admitted")
    say("  no certificate: admitted by the registered hash, where the tenant allows it")
    spare = wrong_tpms(floor, bench)
    say("  wrong endorsement keys and certificates: refused before a challenge")
    wrong_attestation_keys(floor, spare)
    too_many(floor)
    two = probers(floor)
    wrong_answers(floor, two)
    keys_of_two_tpms(floor, two)
    replayed(floor, two[0])
    say("  wrong answers: refused, each by its name")
    measurements(floor)
    say("  wrong measurements: refused by the profile's policy")
    d = floor.device("ATT-TICKET", box["ticket"])
    d.prepare()
    tickets(floor, d)
    once(floor, d)
    say("  the ticket joins once, and its key alone; a second enrolment waits where the tenant says so")


def scenario(lab):
    with tpms.Tpms(lab) as box:
        lab.init()
        lab.serve()
        userless.trust(lab, box)
        userless.profile(lab)
        userless.profile(lab, "boot", "BOOT", pcrPolicy="secureBoot")
        userless.profile(lab, "listed", "LISTED", pcrPolicy="allowList", pcrAllowed="7:" + "ab" * 32)
        userless.profile(lab, "learning", "LEARNING", pcrPolicy="baseline")
        lab.cli("group", "add", "Sales", "--rule", f'(device.devicePhysicalIds -any _ -eq "[OrderID]:{laboratory.TAG}")')
        lab.cli("profile", "add", "sales", "--file", lab.write("sales.json", contoso.PROFILE))
        lab.cli("profile", "assign", "sales", "--group", "Sales")
        foreign_devices(lab, box)
        virtual_devices(lab, box)
