"""One device and fifty users in turn: a reset from afar between them, ready each time, owned by the next, nothing of the former, no growth but history."""
import os
import sqlite3
import time

import contoso
import lab as laboratory
from lab import say
from matrix import ask, must, must_be, nothing_of, oem, shown

USERS, FIRST_COUNT = 50, 10
PACE = 600

# Rows that tell what happened: they are to grow, and the retention of the tenant takes them away.
HISTORY = {"event", "audit", "device_action", "deployment"}
# Rows that go when their time is over, whether anybody asks or not.
EXPIRING = {"nonce_used", "token_grant"}


def upn(number):
    return f"user{number:02d}@{laboratory.TENANT}"


def rows(lab):
    """Rows of every table of the store."""
    store = sqlite3.connect(f"file:{os.path.join(lab.data, 'store.db')}?mode=ro", uri=True)
    names = [r[0] for r in store.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND sql NOT LIKE 'CREATE VIRTUAL%'")]
    counts = {name: store.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in names}
    store.close()
    return counts


def of_device(lab, number):
    """What the device and the service keep of this user on the device."""
    nothing_of(lab, upn(number))


def owners(lab, serial, number):
    """The primary user and the owner, by the command line and by what the directory keeps."""
    seen = lab.cli("device", "show", serial, "--json")
    must(seen["user"] == upn(number), f"{upn(number)} is the primary user, not {seen['user']}")
    must(seen["state"] == "ready", f"ready for {upn(number)}, not {seen['state']}")
    store = sqlite3.connect(f"file:{os.path.join(lab.data, 'store.db')}?mode=ro", uri=True)
    owner = store.execute("SELECT owner_upn FROM directory_device WHERE id = ?", (seen["deviceId"],)).fetchone()[0]
    primary = store.execute("SELECT user_upn, state FROM enrolment WHERE id = ?", (seen["enrolmentId"],)).fetchone()
    store.close()
    must((owner, primary[0], primary[1]) == (upn(number), upn(number), 0), f"owner and primary user: {owner}, {primary}")
    return seen


def repurposed(lab, serial, number, first):
    """The device goes from one user to the next."""
    order = ask(lab, serial, "reset", "--reason", f"from {upn(number - 1)} to {upn(number)}")
    out = lab.run_device(answers={"user": upn(number)}, pace=PACE)
    must("restart  reset" in out, f"the reset was carried out: {out[-1500:]}")
    must_be(lab, order, "done")
    seen = owners(lab, serial, number)
    must((seen["deviceId"], seen["enrolmentId"]) == (first["deviceId"], first["enrolmentId"]), "join and enrolment stay")
    of_device(lab, number - 1)


def same_but_history(early, late):
    grown = {t: (early[t], late[t]) for t in late if late[t] != early.get(t) and t not in HISTORY | EXPIRING}
    must(not grown, f"nothing grows but history: {grown}")
    for table in HISTORY:
        must(late[table] > early[table], f"{table} tells of what happened")


def scenario(lab):
    lab.init()
    for number in range(1, USERS + 1):
        lab.cli("user", "add", upn(number), "--password-file", lab.password_file, "--name", f"User {number}")
    lab.serve()
    contoso.configure(lab)
    hardware = oem(lab, "REPURPOSE-01", 3)
    serial = lab.register(hardware=hardware)
    lab.run_device(hardware=hardware, answers={"user": upn(1)}, pace=PACE)
    first, effects = owners(lab, serial, 1), shown(lab)
    early, begun = None, time.monotonic()
    for number in range(2, USERS + 1):
        repurposed(lab, serial, number, first)
        if number == FIRST_COUNT:
            early = rows(lab)
        if number % 10 == 0:
            say(f"{number} users, {time.monotonic() - begun:.0f} s")
    same_but_history(early, rows(lab))
    now = shown(lab)
    for word in ("computerName", "edition", "wifi", "apps", "trustedRoots", "azureAdJoined", "provider", "deviceId"):
        must(now[word] == effects[word], f"{word} is as for the first user: {now[word]}, was {effects[word]}")
    life = lab.cli("device", "life", serial, "--json")
    kinds = [c["kind"] for c in life["chapters"]]
    must(kinds.count("reset") == USERS - 1 and kinds.count("repurposed") == USERS - 1, f"the life tells of each: {kinds}")
    must(kinds.count("redeployed") == USERS - 1 and life["user"] == upn(USERS), f"and of each deployment: {kinds}")
    why = next(c["why"] for c in life["chapters"] if c["kind"] == "reset")
    must(why == f"from {upn(1)} to {upn(2)}", f"with the reason: {why}")
    say(lab.cli("device", "life", serial).splitlines()[0])
