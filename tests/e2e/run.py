#!/usr/bin/env python3
"""make e2e [SCENARIO=name]: scenarios on real processes. run.py [--soak] [--catalogue] [NAME]

Each file in scenarios/ is one scenario: its docstring's first line is the row of the README's catalogue, its function
scenario(lab) drives it and raises when something is not as it should be. A failed scenario is run once more; one that
then passes is told as a flake, which counts as a defect to mend."""
import importlib.util
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import lab as laboratory  # noqa: E402


def load(soak):
    found = {}
    folder = os.path.join(HERE, "scenarios")
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".py"):
            continue
        spec = importlib.util.spec_from_file_location(name[:-3].replace("_", "-"), os.path.join(folder, name))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if getattr(module, "SOAK", False) == soak:
            found[spec.name] = module
    return found


def catalogue():
    """The README's table of scenarios."""
    for soak in (False, True):
        for name, module in load(soak).items():
            print(f"| `{name}` | {'soak' if soak else 'e2e'} | {module.__doc__.splitlines()[0]} |")


def may_skip(name):
    """Continuous integration takes only skips that tests/skips lists, as make check does."""
    if os.environ.get("CI") != "true":
        return True
    with open(os.path.join(HERE, "..", "skips"), encoding="utf-8") as f:
        return any(line.split(":", 1)[0].strip() == f"e2e/{name}" for line in f)


def attempt(name, module, skipped, why):
    """Runs it once; whether it ended as it should. What it failed of is added to why."""
    start = time.monotonic()
    laboratory.say(f"=== {name}: {module.__doc__.splitlines()[0]}")
    try:
        with laboratory.Lab() as lab:
            try:
                module.scenario(lab)
            except laboratory.LabSkip as e:
                laboratory.say(f"=== {name}: skipped: {e}")
                skipped.append(name)
                return may_skip(name)
            except laboratory.LabError as e:
                laboratory.say(f"{e}\n{lab.log_tail(30)}")
                why.append(str(e))
                return False
    except laboratory.LabError as e:
        laboratory.say(str(e))
        why.append(str(e))
        return False
    laboratory.say(f"=== {name}: ended as it should, {time.monotonic() - start:.0f} s")
    return True


def main():
    words = sys.argv[1:]
    if "--catalogue" in words:
        catalogue()
        return 0
    scenarios = load("--soak" in words)
    wanted = [w for w in words if not w.startswith("--")] or list(scenarios)
    unknown = [w for w in wanted if w not in scenarios]
    if unknown:
        laboratory.say(f"there is no scenario {', '.join(unknown)}; there are {', '.join(scenarios)}")
        return 2
    failed, flakes, skipped = {}, [], []
    for name in wanted:
        why = []
        if attempt(name, scenarios[name], skipped, why):
            continue
        told = f"{name}\n--- why\n{why[0][-2000:] if why else 'it could not be run'}\n---"
        if attempt(name, scenarios[name], skipped, why):
            flakes.append(told)
        else:
            failed[name] = told
    for told in failed.values():
        laboratory.say(f"FAILED: {told}")
    for told in flakes:
        laboratory.say(f"FLAKE: failed once and then passed, a defect to mend: {told}")
    passed = [name for name in wanted if name not in failed and name not in skipped]
    tail = f", {len(set(skipped))} skipped" if skipped else ""
    laboratory.say(f"scenarios: {len(passed)} passed, {len(failed)} failed{tail}")
    return 1 if failed else 0


laboratory.main_guard(main)
