"""Hardware hashes of machines that nobody built, by the public layout (autopilot.md 1.2): a writer of its own, so that no reader of ours judges itself."""
import base64
import hashlib
import struct
import uuid


def record(kind, payload):
    return struct.pack("<HH", kind, len(payload) + 4) + payload


def text(kind, value):
    return record(kind, value.encode() + b"\0")


def hardware_hash(serial, number, disk=None, nic=None, board=None, ek=None):
    """Base64 of one machine; disk, nic and board are numbers of exchanged parts. ek: the public part of its TPM's endorsement
    key, b"" for a machine that tells none."""
    unique = uuid.uuid5(uuid.NAMESPACE_OID, f"{serial}/{number if board is None else board}")
    mac = hashlib.sha256(f"nic {number if nic is None else nic}".encode()).digest()[:3]
    body = record(1, struct.pack("<HHHH", 0, 10, 0, 1) + struct.pack("<HHHH", 0, 10, 2506, 22631) + b"\0" * 5 + bytes([2, 9, 3]))
    body += text(16, "Contoso") + text(17, "Book 1") + text(14, serial) + text(7, f"DSK{number if disk is None else disk:06d}")
    body += record(12, unique.bytes) + record(8, struct.pack("<I", 14) + b"\x00\x1b\x21" + mac)
    told = hashlib.sha512(unique.bytes).digest() * 4 if ek is None else ek
    body += record(25, told) if told else b""
    whole = b"OA" + struct.pack("<H", len(body) + 4) + body
    whole += b"CS" + struct.pack("<H", 36) + hashlib.sha256(whole).digest()
    return base64.b64encode(whole.ljust(3000, b"\0")).decode()


def csv(machines):
    """A list of (serial, number, tag) as the ecosystem's scripts write it."""
    rows = ["Device Serial Number,Windows Product ID,Hardware Hash,Group Tag"]
    rows += [f"{serial},,{hardware_hash(serial, number)},{tag}" for serial, number, tag in machines]
    return "\r\n".join(rows) + "\r\n"
