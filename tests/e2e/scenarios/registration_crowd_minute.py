"""The crowd of registration-crowd for a whole minute, kill -9 in its midst."""
import crowd

SOAK = True


def scenario(lab):
    crowd.run_crowd(lab, seconds=60, machines=800)
