"""Fresh start with and without users' data: the maker's apps go, what the matrix says stays, ready again."""
import contoso
import lab as laboratory
import matrix
from lab import say
from matrix import ask, compare, must, must_be, nothing_of, oem, ready_again, shown, sync, use


def scenario(lab):
    lab.init()
    lab.serve()
    contoso.configure(lab)
    for number, form, fates, name in ((40, "fresh-start-keep-user-data", matrix.FRESH_START_KEEP_USER, "device"),
                                      (41, "fresh-start", matrix.WIPE, "second")):
        hardware = oem(lab, f"FRESH-{number}", number)
        serial = lab.register(hardware=hardware, name=f"pc{number}")
        lab.run_device(name=name, hardware=hardware)
        first = shown(lab, name)
        use(lab, name=name, package=lab.write("corp.ppkg", "a provisioning package"))
        before = shown(lab, name)
        must("MakerAssistant" in str(before["holds"]["maker's apps"]), "the maker has left something")
        order = ask(lab, serial, form)
        out = sync(lab, name)
        must(f"reset    {form}: done" in out, f"{form} was carried out: {out}")
        if form == "fresh-start":
            nothing_of(lab, laboratory.USER, name)
        lab.run_device(name=name, echo=say)
        must_be(lab, order, "done")
        after = ready_again(lab, serial, first, laboratory.USER, name)
        compare(before["holds"], after["holds"], fates)
        must((after["deviceId"] == before["deviceId"]) == (form != "fresh-start"), "the join goes with everything, else it stays")
        say(lab.cli("device", "show", serial, "--timeline"))
