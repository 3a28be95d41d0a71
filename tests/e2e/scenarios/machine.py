"""A machine in QEMU with firmware, TPM, disk and DHCP, switched on with nobody at it, reaches ready by itself."""
import lab as laboratory
import machines
import tpms
import userless
from lab import LabError, run, say
from userless import must

WORDS = ["device.registered", "device.assigned", "device.contacted", "device.attested", "device.joined", "device.enrolled", "device.ready"]


def register(lab, machine):
    """The first start tells the hash: SMBIOS, disk, network and TPM of this very machine. Off again, it is imported."""
    lines, code = machines.between(machine.power("hash"))
    rows = [line for line in lines if line.count(",") == 2]
    must(code == 0 and len(rows) == 2 and rows[1].startswith(machine.serial + ","), f"the hash of a machine with the serial of its firmware: {lines}")
    lab.cli("device", "import", lab.write("machine.csv", f"{rows[0]},Group Tag\n{rows[1]},{userless.TAG}\n"))
    userless.wait_profile(lab, machine.serial)
    facts = run(laboratory.TOUCHDOWN, "hash", "decode", lab.write("hash", rows[1].split(",")[2])).stdout
    must(machine.uuid in facts.lower() and machine.serial in facts, f"facts of the firmware stand in it: {facts[:800]}")


def ready(lab, machine, echo=None):
    """On, with no input, to its end; what the service knows of it then."""
    lines, code = machines.between(machine.power("run", echo=echo))
    if code != 0:
        raise LabError("\n".join(lines[-30:]) + lab.log_tail())
    shown = lab.timeline(machine.serial)
    types = [e["type"] for e in shown["timeline"]]
    places = [types.index(word) if word in types else -1 for word in WORDS]
    must(-1 not in places and places == sorted(places), f"every station in its order: {types}")
    must(shown["state"] == "ready" and "device.signed-in" not in types, f"ready, and nobody signed in: {shown['state']} {types}")
    must(any("inputs asked: 0" in line for line in lines), f"nothing was asked: {lines[-10:]}")
    return shown, types


def check_proof(lab, machine, shown):
    """What the firmware measured was proven with its own log, and learnt."""
    known = userless.binding(lab, machine.serial)
    must(known["proven"] and known["ekSha256"], f"its TPM is known: {known}")
    must(len(known["baseline"]) == 8 and all(set(v) != {"0"} for v in known["baseline"].values()), f"its measurements are learnt: {known}")
    proof = [e["detail"] for e in shown["timeline"] if e["type"] == "device.attested"]
    must(proof[0]["eventLog"] is True, f"by the log that the firmware wrote: {proof}")


def scenario(lab):
    machines.skip_without()
    with tpms.Tpms(lab) as box:
        lab.init()
        userless.trust(lab, box)
        userless.profile(lab, pcrPolicy="baseline")  # what real firmware measured is learnt with the first proof
        with machines.Network(lab) as network:
            network.serve()
            machine = machines.Machine(lab, network, box.make("chip", start=False), "QM-2030-0001")
            register(lab, machine)
            say("  off; and on, with no input")
            shown, types = ready(lab, machine, echo=say)
            must(types.count("device.attested") == 1, f"proven once: {types}")
            check_proof(lab, machine, shown)
            _, again = ready(lab, machine)
            must(again.count("device.attested") == 1 and again.count("device.joined") == 1, f"switched on once more it is what it was: {again}")
            other = machines.Machine(lab, network, box.make("other", start=False), "QM-2030-0002", number=2)
            register(lab, other)
            other.power("run", cut="step     joined")
            ready(lab, other)
            say("  another, its plug pulled behind the join, goes on to ready when it is switched on again")
