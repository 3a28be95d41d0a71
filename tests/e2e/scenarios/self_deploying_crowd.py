"""A hundred devices with a TPM each deploy themselves at once: each ready, each admitted once, one key each."""
import userless_crowd


def scenario(lab):
    userless_crowd.crowd(lab, 100)
