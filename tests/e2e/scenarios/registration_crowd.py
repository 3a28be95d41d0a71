"""Two administrators and an importer at once, kill -9 in their midst: no half-written import, no lost answer, the audit complete."""
import crowd


def scenario(lab):
    crowd.run_crowd(lab, seconds=10, machines=120)
