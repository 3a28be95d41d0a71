"""The same way with the device killed at every line it prints, another with the service killed at every line, a third by the clock."""
import json
import os

import contoso
import kills
import lab as laboratory
from lab import LabError, say

def third_hardware(lab):
    with open(os.path.join(laboratory.FIXTURES, "hardware", "laptop.json"), encoding="utf-8") as f:
        facts = json.load(f)
    facts.update(serial="LB-2030-0003", uuid="5b1f4c2e-8a77-4d11-9c3e-0f6a2b7d9e03",
                 disks=[{"serial": "EXD0000000000003", "capacity": 512110190592, "bus": 17}],
                 nics=[{"mac": "00:00:5E:00:53:31", "medium": 14, "bus": "PCI"}])
    return lab.write("third.json", facts)


def scenario(lab):
    lab.init()
    lab.serve()
    contoso.configure(lab)
    second = os.path.join(laboratory.FIXTURES, "hardware", "laptop.json")
    third = third_hardware(lab)
    serials = [lab.register(), lab.register(hardware=second, name="second"), lab.register(hardware=third, name="third")]
    say(f"device killed {kills.device_everywhere(lab)} times, and ready")
    say(f"service killed {kills.service_everywhere(lab, name='second', hardware=second)} times, and ready")
    say(f"device killed {kills.device_by_clock(lab, name='third', hardware=third)} times by the clock, and ready")
    for serial in serials:
        shown = lab.timeline(serial)
        if shown["state"] != "ready":
            raise LabError(f"{serial} is {shown['state']}")
        for once in ("device.registered", "device.ready"):
            if [e["type"] for e in shown["timeline"]].count(once) != 1:
                raise LabError(f"{once} stands {[e['type'] for e in shown['timeline']].count(once)} times in the timeline of {serial}")
    say(lab.cli("device", "show", serials[0], "--timeline"))
