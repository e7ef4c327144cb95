"""Lets one test body drive an asynchronous client as if it were a blocking one."""
import inspect


class Blocking:
    def __init__(self, client, loop):
        self.__dict__.update(_client=client, _loop=loop)

    def __setattr__(self, name, value):
        setattr(self._client, name, value)

    def __getattr__(self, name):
        found = getattr(self._client, name)
        if not callable(found):
            return found

        def call(*args, **kwargs):
            result = found(*args, **kwargs)
            return self._loop.run_until_complete(result) if inspect.isawaitable(result) else result
        return call
