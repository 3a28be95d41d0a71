"""A machine in QEMU with firmware, TPM, disk and DHCP, switched on with nobody at it, reaches ready by itself."""
import lab as laboratory
import machines
import tpms
import userless
from lab import LabError, run, say
from userless import must

SERIAL = "QM-2030-0001"
WORDS = ["device.registered", "device.assigned", "device.contacted", "device.attested", "device.joined", "device.enrolled", "device.ready"]


def register(lab, machine):
    """The first start tells the hash: SMBIOS, disk, network and TPM of this very machine. Off again, it is imported."""
    lines, code = machines.between(machine.power("hash"))
    rows = [line for line in lines if line.count(",") == 2]
    must(code == 0 and len(rows) == 2 and rows[1].startswith(SERIAL + ","), f"the hash of a machine with the serial of its firmware: {lines}")
    lab.cli("device", "import", lab.write("machine.csv", f"{rows[0]},Group Tag\n{rows[1]},{userless.TAG}\n"))
    userless.wait_profile(lab, SERIAL)
    facts = run(laboratory.TOUCHDOWN, "hash", "decode", lab.write("hash", rows[1].split(",")[2])).stdout
    must(machine.uuid in facts.lower() and SERIAL in facts, f"facts of the firmware stand in it: {facts[:800]}")


def check(lab, lines):
    shown = lab.timeline(SERIAL)
    types = [e["type"] for e in shown["timeline"]]
    places = [types.index(word) if word in types else -1 for word in WORDS]
    must(-1 not in places and places == sorted(places), f"every station in its order: {types}")
    must(shown["state"] == "ready", f"ready, not {shown['state']}")
    must("device.signed-in" not in types, "nobody signed in")
    known = userless.binding(lab, SERIAL)
    must(known, "its TPM is known")
    must(any("inputs asked: 0" in line for line in lines), f"nothing was asked: {lines[-10:]}")


def scenario(lab):
    machines.skip_without()
    with tpms.Tpms(lab) as box:
        lab.init()
        userless.trust(lab, box)
        userless.profile(lab, pcrPolicy="baseline")  # what real firmware measured is learnt with the first proof
        with machines.Network(lab) as network:
            network.serve()
            machine = machines.Machine(lab, network, box.make("chip", start=False), SERIAL)
            register(lab, machine)
            say("  off; and on, with no input")
            lines, code = machines.between(machine.power("run", echo=say))
            if code != 0:
                raise LabError("\n".join(lines[-30:]) + lab.log_tail())
            check(lab, lines)
            lines, code = machines.between(machine.power("run"))
            must(code == 0, f"switched on once more it is what it was: {lines[-5:]}")
            must(lab.timeline(SERIAL)["state"] == "ready", "and still ready")
