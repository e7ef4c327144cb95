"""The users of the reference server: its settings, its filled tables, and their requests."""
import base64
import hashlib
import hmac
import json
import os
import subprocess
from pathlib import Path

from keygate import READS

USERS = 2000
JWT_SECRET = 'a secret of the measurement alone, 32+ bytes'


def prepared(python, database, upstream):
    """The reference server's settings, with its tables filled."""
    environment = {
        'REFERENCE_DATABASE': database.replace('postgres://', 'postgresql+psycopg://', 1),
        'REFERENCE_FERNET_KEY': base64.urlsafe_b64encode(os.urandom(32)).decode(),
        'REFERENCE_JWT_SECRET': JWT_SECRET,
        'REFERENCE_UPSTREAM': upstream,
        'REFERENCE_USERS': str(USERS),
        'PYTHONDONTWRITEBYTECODE': '1',
    }
    fill = [python, Path(__file__).parent / 'reference.py', 'fill']
    subprocess.run(fill, env={**os.environ, **environment}, check=True)
    return environment


def logged_in():
    """A read of each user, with its login token."""
    return [f'GET /gateway/api/v4/spot/orders?{READS[user % len(READS)]} HTTP/1.1\r\nHost: {{host}}\r\n'
            f'User-Agent: bench\r\nAccept: application/json\r\nAuthorization: Bearer {token(user)}\r\n\r\n'
            for user in range(1, USERS + 1)]


def token(user):
    parts = {'alg': 'HS256', 'typ': 'JWT'}, {'sub': str(user), 'exp': 4102444800}
    unsigned = '.'.join(text(json.dumps(part).encode()) for part in parts)
    return f'{unsigned}.{text(hmac.new(JWT_SECRET.encode(), unsigned.encode(), hashlib.sha256).digest())}'


def text(value):
    return base64.urlsafe_b64encode(value).rstrip(b'=').decode()
