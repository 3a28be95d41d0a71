"""10,000 devices are tagged in bulk while they import, with the service killed in the middle: none lost, none twice, every tag kept."""
import threading
import time

import lab as laboratory
import pcs
from graph_script import Script
from lab import LabError, say

SOAK = True
COUNT, CHUNK = 10000, 500
IMPORTS = "/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities"
DEVICES = "/beta/deviceManagement/windowsAutopilotDeviceIdentities"


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def serial_of(n):
    return f"BULK-{n:05d}"


def patiently(function):
    """A call again and again while the service is away."""
    for _ in range(200):
        try:
            return function()
        except OSError:
            time.sleep(0.1)
    raise LabError("the service does not come back")


def post_all(graph, answered):
    for first in range(0, COUNT, CHUNK):
        chunk = [{"serialNumber": serial_of(n), "hardwareIdentifier": pcs.hardware_hash(serial_of(n), n)} for n in range(first, first + CHUNK)]
        patiently(lambda chunk=chunk: graph.ask(200, "POST", IMPORTS + "/import", {"importedWindowsAutopilotDeviceIdentities": chunk}))
        answered.append(first + CHUNK)


def waiting(graph):
    return patiently(lambda: graph.ask(200, "GET", f"{IMPORTS}?$top=1&$filter=state/deviceImportStatus eq 'unknown'"))["value"]


def tag_all(lab):
    """Tags everything in the list; what is not registered yet is refused and comes with the next round."""
    listed = lab.write("serials", "\n".join(serial_of(n) for n in range(COUNT)))
    done = lab.cli("device", "tag", "BULK", "--file", listed, "--json", expect=None)
    say(f"tagged {done['changed']}, unchanged {done['unchanged']}, not there yet {done['refused']}")
    return done["refused"]


def scenario(lab):
    lab.init()
    lab.serve()
    lab.cli("group", "add", "Bulk", "--rule", '(device.devicePhysicalIds -any _ -eq "[OrderID]:BULK")')
    graph, answered = Script(lab, laboratory.TENANT), []
    begun = time.monotonic()
    importer = threading.Thread(target=post_all, args=(graph, answered), daemon=True)
    importer.start()
    killed = False
    while importer.is_alive() or waiting(graph):
        tag_all(lab)
        if not killed and answered and answered[-1] >= COUNT // 2:
            lab.kill_server()
            lab.serve()
            killed = True
    importer.join()
    must(answered and answered[-1] == COUNT, f"every chunk was answered: {answered}")
    must(killed, "the service was killed in the middle")
    say(f"{COUNT} devices imported after {time.monotonic() - begun:.0f} s")
    tag_all(lab)
    must(tag_all(lab) == 0, "nobody is missing")
    tagged = graph.ask(200, "GET", f"{DEVICES}?$top=1&$count=true&$filter=groupTag eq 'BULK'")["@odata.count"]
    everybody = graph.ask(200, "GET", f"{DEVICES}?$top=1&$count=true")["@odata.count"]
    must((tagged, everybody) == (COUNT, COUNT), f"each device once and with its tag: {tagged} of {everybody}")
