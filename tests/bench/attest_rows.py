"""What the row `attest` needs: a maker, devices with endorsement keys, a profile by which they deploy themselves."""
import json
import os
import ssl
import sys
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import lab as laboratory  # noqa: E402
import userless  # noqa: E402
from lab import LabError, run  # noqa: E402

PATH = "/ztd/v1/attest"
DEVICES = 100  # an EK may ask for so many challenges in ten minutes only: enough for the rounds, few enough to be made
TAG = "ATTEST"


def post(lab, path, body):
    request = urllib.request.Request(lab.url + path, data=body.encode(), headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=lab.ca), timeout=20) as answer:
        return answer.read().decode()


def registration(lab, machine):
    """Its id, once its profile says that it deploys itself."""
    seen = {}

    def known():
        seen.update(json.loads(post(lab, "/ztd/v1/lookup", json.dumps({"hardwareHash": machine["hardwareIdentifier"]}))))
        return seen.get("AutopilotMode") == 1
    laboratory.wait_for(known, 20, f"{machine['serialNumber']} has its profile")
    return seen["ZtdRegistrationId"]


def prepare(bench):
    lab, out = bench.lab, bench.out
    run(os.path.join(os.path.dirname(bench.SEED), "bench_makers"), out, DEVICES, timeout=600)
    lab.cli("tpm", "add-root", f"{out}/attest-root.pem")
    userless.profile(lab, "attested", TAG)
    with open(f"{out}/singles", encoding="utf-8") as f:
        machines = [json.loads(line) for line in f][-DEVICES:]
    rows = "".join(f"{m['serialNumber']},,{m['hardwareIdentifier']},{TAG}\n" for m in machines)
    lab.cli("device", "import", lab.write("attest.csv", "Device Serial Number,Windows Product ID,Hardware Hash,Group Tag\n" + rows))
    ids = [registration(lab, m) for m in machines]
    bench.write_out("attest-ids", "\n".join(ids) + "\n")


def sample_replies(bench):
    """Replies of the size that the mark is to repeat: one whole exchange of the generator, told by it."""
    done = run("taskset", "-c", "1", os.path.join(os.path.dirname(bench.SEED), "bench_load"), "--port", bench.lab.port, "--unit", "attest",
               "--mode", "new", "--count", 1, "--threads", 1, "--dir", bench.out, "--tell", "1")
    replies = [line[6:] for line in done.stdout.splitlines() if line.startswith("reply ")]
    if len(replies) != 2:
        raise LabError(f"the sample exchange: {done.stdout}")
    return replies
