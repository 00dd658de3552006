"""Small mistakes in the kernel that the fuzz test must find: (file, old, new text).

The old texts are as short as possible, so that changes around them do not break them.
"""

MUTANTS = {
    "a shield does not keep cancellations out": (
        "scopes.py",
        "if inner._shield or ",
        "if ",
    ),
    "a shield entered in a cancelled scope protects nothing": (
        "scopes.py",
        "if parent.doomed and not self._shield:\n            self.doomed = True\n",
        "if parent.doomed:\n            self.doomed = True\n",
    ),
    "a scope entered in a cancelled one is not cancelled": (
        "scopes.py",
        "if parent.doomed and not self._shield:\n            self.doomed = True\n",
        "if False:\n            self.doomed = True\n",
    ),
    "a shield that is assigned later has no effect": (
        "scopes.py",
        "if self.cancel_called or self.doomed is not shield:",
        "if True:",
    ),
    "a cancelled scope does not reach the children of groups in it": (
        "scopes.py",
        "            if inner.last is not None:\n",
        "            if inner.last is None:\n",
    ),
    "a cancellation reaches only one of the waiting tasks": (
        "scopes.py",
        "            interrupted.append(task)\n",
        "            interrupted[:] = [task]\n",
    ),
    "a scope swallows any error once it is cancelled": (
        "scopes.py",
        "self.cancelled_caught = isinstance(error, Cancelled)",
        "self.cancelled_caught = error is not None",
    ),
    "a scope swallows the cancellation of the scope around it": (
        "scopes.py",
        "if not self.cancel_called or (parent.doomed and not self._shield):",
        "if not self.cancel_called:",
    ),
    "a scope of zero seconds is entered uncancelled": (
        "scopes.py",
        "if self._seconds <= 0:",
        "if self._seconds < 0:",
    ),
    "an error does not cancel the other tasks of its group": (
        "groups.py",
        "        self._errors.append(error)\n        self.cancel()\n",
        "        self._errors.append(error)\n",
    ),
    "a group keeps only its first error": (
        "groups.py",
        "        self._errors.append(error)\n",
        "        if not self._errors:\n            self._errors.append(error)\n",
    ),
    "a group swallows the cancellation of the scope around it": (
        "groups.py",
        "if not group.cancel_called or (parent.doomed and not group._shield):",
        "if not group.cancel_called:",
    ),
    "a group opened in a cancelled scope is not cancelled": (
        "groups.py",
        "group.doomed = parent.doomed",
        "group.doomed = False",
    ),
    "a child shares the context of the child before it": (
        "groups.py",
        "task.context = copy_context()",
        "task.context = self.last and self.last.context or copy_context()",
    ),
    "a group forgets that a child was cancelled": (
        "loop.py",
        "task._scope.cut = True",
        "pass",
    ),
    "a wait that begins in a cancelled scope is not cancelled": (
        "loop.py",
        "if task._scope.doomed and place is not task._scope:",
        "if False:",
    ),
    "sleepers are woken before the deadlines of the instant": (
        "loop.py",
        "            for call in self._alarms.pop(when, ()):\n",
        "            ready.extend(sleepers)\n"
        "            sleepers = []\n"
        "            for call in self._alarms.pop(when, ()):\n",
    ),
    "the turn goes to the task that came last": (
        "places.py",
        "self._waiters.popleft().wake()",
        "self._waiters.pop().wake()",
    ),
    "an event wakes only its first waiter": (
        "places.py",
        ".ready.extend(waiters)",
        ".ready.append(next(iter(waiters)))",
    ),
    "the item of a cancelled put stays in the channel": (
        "places.py",
        "                self._offers.pop(task, None)\n",
        "                self._items.extend(\n"
        "                    [self._offers.pop(task)] if task in self._offers else []\n"
        "                )\n",
    ),
}
