"""Values that a layer or a sampler keeps for the rest of a call."""

import threading
from typing import Any

import tensorflow as tf

_LOCK = threading.Lock()


class CallAttribute:
    """Attribute with a separate value in each thread.

    A thread that has not set the attribute reads the latest value that any thread has set eagerly
    or, if there is none, the first value set in a graph.
    So calls in several threads do not mix, and all threads see a memory that was set up once.

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
        state = _call_state(instance)
        return state.values.get(self._name, state.latest.get(self._name, self._default))

    def __set__(self, instance, value):
        state = _call_state(instance)
        state.values[self._name] = value
        # Tensors of a graph are of no use to other threads.
        if tf.executing_eagerly() or self._name not in state.latest:
            state.latest[self._name] = value


class _CallState(threading.local):
    """Values of the current thread, and the latest values of all threads.

    Args:
        owner_id: `id` of the instance.
        latest: the latest values of all threads by name.
    """

    def __init__(self, owner_id: int, latest: dict[str, Any]):
        # Each thread runs this with the same arguments.
        self.values: dict[str, Any] = {}
        self.owner_id = owner_id
        self.latest = latest

    def __reduce__(self):
        return _CallState, (self.owner_id, self.latest)


def _call_state(instance: Any) -> _CallState:
    """Returns the state of an instance. A copy starts with the latest values of all threads."""
    state = instance.__dict__.get("_call_state")
    if state is None or state.owner_id != id(instance):
        with _LOCK:
            state = instance.__dict__.get("_call_state")
            if state is None or state.owner_id != id(instance):
                latest = {} if state is None else dict(state.latest)
                state = instance.__dict__["_call_state"] = _CallState(id(instance), latest)
    return state
