"""Values that a layer or a sampler keeps for the rest of a call."""

import threading
from typing import Any


class CallAttribute:
    """Attribute that every thread sets for itself.

    A thread that has not set the attribute reads the latest value of all threads. So calls in
    several threads do not mix, and all threads see a memory that was set up once.

    Args:
        default: value before the first assignment.

    Example:
        >>> class Layer:
        ...     memory = CallAttribute()
        >>> layer = Layer()
        >>> layer.memory = "main"
        >>> def replace_memory():
        ...     layer.memory = "thread"
        >>> thread = threading.Thread(target=replace_memory)
        >>> thread.start()
        >>> thread.join()
        >>> layer.memory
        'main'
    """

    def __init__(self, default: Any = None):
        self._default = default
        self._name = ""

    def __set_name__(self, owner, name):
        self._name = name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        state = instance.__dict__.get("_call_state")
        if state is None:
            return self._default
        return state.values.get(self._name, state.latest.get(self._name, self._default))

    def __set__(self, instance, value):
        state = instance.__dict__.setdefault("_call_state", _CallState({}))
        state.values[self._name] = state.latest[self._name] = value


class _CallState(threading.local):
    """Values of the current thread, and the latest values of all threads."""

    def __init__(self, latest: dict[str, Any]):
        # Each thread runs this with the same dict.
        self.values: dict[str, Any] = {}
        self.latest = latest

    def __deepcopy__(self, memo):
        return _CallState(dict(self.latest))

    def __reduce__(self):
        return _CallState, ({},)
