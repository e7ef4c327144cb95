#!/usr/bin/env python3
"""Opens every golden envelope with an implementation of its own.

Written from the format description in this crate's README, with the `cryptography` package
(44 or newer, for Argon2id). Without arguments it checks all files in `golden/`; otherwise the
files named. Exits with an error at the first envelope that does not open, and if a changed
envelope does.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import sys
import uuid
import zlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
opened = 0


# --- encodings ---


def unb64(text):
    return base64.b64decode(text, validate=True)


def unb64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def unpadded(text):
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def u32(number):
    return number.to_bytes(4, "big")


def sized(part):
    part = part.encode() if isinstance(part, str) else part
    return len(part).to_bytes(2, "big") + part


def raw(identifier):
    return uuid.UUID(identifier).bytes


def split(data, *lengths):
    parts = []
    for length in lengths:
        parts.append(data[:length])
        data = data[length:]
    return *parts, data


# --- the construction ---


def hkdf(salt, ikm, info, length=32):
    return HKDF(hashes.SHA256(), length, salt, info).derive(ikm)


def open_body(ikm, salt, iv, context, body):
    """Opens C, ct and tag; also checks that one changed bit closes it."""
    global opened
    keys = hkdf(salt, ikm, b"kg1/field" + context, 64)
    commitment, sealed = split(body, 32)
    assert hmac.compare_digest(keys[32:], commitment), "commitment differs"
    aead = AESGCM(keys[:32])
    plaintext = aead.decrypt(iv, sealed, context)
    try:
        aead.decrypt(iv, sealed[:-1] + bytes([sealed[-1] ^ 1]), context)
        raise AssertionError("a changed tag was accepted")
    except InvalidTag:
        opened += 1
    return plaintext


def start(table):
    return b"kg1" + sized(table)


def cell(item, column, user_key, vault_key_version=None):
    """The context of a cell that belongs to a user."""
    user, version, _ = user_key
    context = start(item["table"]) + sized(column) + raw(user) + raw(item["row"]) + u32(version)
    return context if vault_key_version is None else context + u32(vault_key_version)


# --- keys ---


def master_keys(golden):
    root = unb64(golden["root"]["key"].strip())
    assert golden["root"]["id"] == "local:" + hkdf(b"", root, b"kg1/root-id", 8).hex()
    keys = {}
    for row in golden["keyring"]:
        salt, iv, body = split(unb64(row["wrapped"]), 32, 12)
        key = open_body(root, salt, iv, start("keyring") + u32(row["kid"]), body)
        assert hmac.digest(key, b"kcv", "sha256")[:8].hex() == row["kcv"]
        keys[row["kid"]] = key
    return root, keys


def unwrap(masters, place, row):
    row = row["wrapped"]
    form, kid, payload = row["wrapped"].split(".")
    assert form == "kgm1" and int(kid) == row["kid"]
    salt, body = split(unb64url(payload), 32)
    return open_body(masters[row["kid"]], salt, unb64(row["iv"]), place + u32(row["kid"]), body)


def service_key(golden, masters):
    row = golden["service_key"]
    version = row["version"]
    key = unwrap(masters, start("service_key") + u32(version), row)
    derived = {name: hkdf(b"", key, b"kg1/" + name.encode() + u32(version)) for name in row["derived"]}
    for name, expected in row["derived"].items():
        assert derived[name].hex() == expected, name
    audit = row["audit_of_user"]
    assert hkdf(b"", key, b"kg1/audit" + raw(audit["user"]) + u32(version)).hex() == audit["key"]
    mark = row["fingerprint"]
    message = b"kg1/fingerprint" + mark["secret"].encode()
    assert hmac.digest(derived[mark["key"]], message, "sha256")[:8].hex() == mark["fingerprint"]
    return version, derived


def signing_key(golden, masters):
    row = golden["signing_key"]
    seed = unwrap(masters, start("signing_keys") + sized(row["id"]), row)
    pair = Ed25519PrivateKey.from_private_bytes(seed)
    public = pair.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert public.hex() == row["public_key"]
    assert pair.sign(row["message"].encode()).hex() == row["signature"]


def user_key(golden, masters):
    keys = set()
    for row in golden["user_keys"]:
        place = start("user_encryption_keys") + raw(row["user"]) + u32(row["version"])
        key = unwrap(masters, place, row)
        keys.add((row["user"], row["version"], key))
    (only,) = keys
    return only


def derive(parameters, password, salt):
    name, _, values = parameters.partition("$")
    values = dict(part.split("=") for part in values.split(",") if part)
    if name == "argon2id":
        assert values["v"] == "19"
        return Argon2id(
            salt=salt, length=32, iterations=int(values["t"]), lanes=int(values["p"]), memory_cost=int(values["m"])
        ).derive(password)
    if name.startswith("pbkdf2-"):
        return hashlib.pbkdf2_hmac(name.removeprefix("pbkdf2-"), password, salt, int(values["i"]), 32)
    assert name == "hkdf"
    return password


def vault_key(golden, pepper):
    keys = set()
    for slot in golden["vault_slots"]:
        salt = unb64(slot["salt"])
        user, identifier = raw(slot["user"]), raw(slot["slot_id"])
        material = derive(slot["parameters"], slot["shown"].encode(), salt)
        kek = hkdf(pepper, material, b"kg1/slot" + user + identifier)
        form, version, payload = slot["wrapped_vk"].split(".")
        assert form == "kgs1"
        context = start("vault_slots") + user + identifier + sized(slot["kind"])
        context += sized(slot["parameters"]) + sized(salt) + u32(int(version))
        envelope_salt, body = split(unb64url(payload), 32)
        keys.add((int(version), open_body(kek, envelope_salt, unb64(slot["iv"]), context, body)))
    (only,) = keys
    return only


# --- the forms ---


def fields(golden, key):
    for item in golden["fields"]:
        form, version, payload = item["sealed"].split(".")
        assert form == "kg1" and int(version) == key[1]
        salt, iv, body = split(unb64url(payload), 32, 12)
        plaintext = open_body(key[2], salt, iv, cell(item, item["column"], key), body)
        assert plaintext.decode() == item["plaintext"]


def rows(golden, key):
    for item in golden["rows"]:
        form, version, payload = item["sealed"].split(".")
        assert form == "kg1" and int(version) == key[1]
        context = cell(item, item["column"], key)
        plaintext = open_body(key[2], unb64(item["salt"]), unb64(item["iv"]), context, unb64url(payload))
        assert plaintext.decode() == item["plaintext"]


def vault_rows(golden, key, vault):
    for item in golden["vault_rows"]:
        tags = item["auth_tag"].split(".")
        columns = zip(item["columns"], item["sealed"], tags, item["plaintext"], strict=True)
        for column, sealed, tag, expected in columns:
            if sealed is None:
                assert tag == "" and expected is None
                continue
            form, version, vault_version, payload = sealed.split(".")
            assert (form, int(version), int(vault_version)) == ("kg1v", key[1], vault[0])
            salt, body = split(unb64url(payload), 32)
            context = cell(item, column, key, vault[0])
            plaintext = open_body(key[2] + vault[1], salt, unb64(item["iv"]), context, body + unb64(tag))
            assert plaintext.decode() == expected


def connections(golden, key, vault):
    for item in golden["connections"]:
        sealed, salt = unb64(item["sealed"]), unb64(item["salt"])
        if item["tier"] == "platform":
            head, ikm, context = b"\x01" + u32(key[1]), key[2], cell(item, item["column"], key)
        else:
            head, ikm = b"\x02" + u32(key[1]) + u32(vault[0]), key[2] + vault[1]
            context = cell(item, item["column"], key, vault[0])
        assert sealed.startswith(head)
        iv, body = split(sealed[len(head) :], 12)
        assert open_body(ikm, salt, iv, context, body).decode() == item["plaintext"]


def site_keys(golden, root):
    for item in golden["site_keys"]:
        form, rest = item["sealed"].split(".", 1)
        identifier, payload = rest.rsplit(".", 1)
        assert form == "kms1" and identifier == golden["root"]["id"]
        context = start("site_api_keys") + sized(item["column"]) + raw(item["row"]) + sized(item["provider"])
        salt, iv, body = split(unb64url(payload), 32, 12)
        assert open_body(root, salt, iv, context, body).decode() == item["plaintext"]


def passwords(golden, version, pepper):
    for item in golden["passwords"]:
        empty, form, algorithm, parameters, salt, tag = item["stored"].split("$")
        assert (empty, form, algorithm) == ("", "argon2id-hmac-sha256", "v=19")
        parameters, _, used = parameters.rpartition(",k=")
        assert int(used) == version
        derived = derive(f"argon2id$v=19,{parameters}", item["password"].encode(), unpadded(salt))
        assert hmac.digest(pepper, derived, "sha256") == unpadded(tag)


def tokens(golden):
    key = golden["tokens"]["access_key"]
    signed, checksum = key["token"][:-6], key["token"][-6:]
    value = 0
    for letter in checksum:
        value = value * 62 + BASE62.index(letter)
    assert value == zlib.crc32(signed.encode()) and signed.startswith(key["prefix"])
    assert len(key["token"]) == 49 and len(key["prefix"]) == 11
    assert hashlib.sha256(key["token"].encode()).hexdigest() == key["hash"]
    opaque = golden["tokens"]["opaque"]
    assert hashlib.sha256(opaque["token"].encode()).hexdigest() == opaque["hash"]


def check(golden):
    root, masters = master_keys(golden)
    version, derived = service_key(golden, masters)
    signing_key(golden, masters)
    key = user_key(golden, masters)
    vault = vault_key(golden, derived["pepper"])
    fields(golden, key)
    rows(golden, key)
    vault_rows(golden, key, vault)
    connections(golden, key, vault)
    site_keys(golden, root)
    passwords(golden, version, derived["pepper"])
    tokens(golden)


def main():
    folder = pathlib.Path(__file__).parent / "golden"
    files = [pathlib.Path(name) for name in sys.argv[1:]] or sorted(folder.glob("*.json"))
    assert files, "no golden files"
    for path in files:
        check(json.loads(path.read_text()))
    print(f"{opened} envelopes of {len(files)} files opened")


if __name__ == "__main__":
    main()
