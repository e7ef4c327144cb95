"""Lets a client wait for the next second before each call, where its nonces are whole seconds."""
import time


class Patient:
    def __init__(self, client):
        self.__dict__.update(_client=client)

    def __setattr__(self, name, value):
        setattr(self._client, name, value)

    def __getattr__(self, name):
        found = getattr(self._client, name)
        if not callable(found):
            return found

        def call(*args, **kwargs):
            time.sleep(1.01 - time.time() % 1)
            return found(*args, **kwargs)
        return call
