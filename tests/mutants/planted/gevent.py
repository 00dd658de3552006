"""Mistakes in the gevent study that the suite must notice.

By name: the file, the old text, the new text, and the module that must fail.
"""

_COMMON = "tests/conformance/test_common_questions.py"

MISTAKES = {
    "an unrequested GreenletExit is dropped": (
        "group.py",
        "if gevent.getcurrent() not in self.dying:",
        "if False:",
        _COMMON,
    ),
    "only the first error is raised": (
        "group.py",
        'raise BaseExceptionGroup("errors in greenlets", self._errors) from asked',
        "raise self._errors[0]",
        _COMMON,
    ),
    "the error of a cleanup is dropped": (
        "group.py",
        "        self._errors.append(error)\n",
        "        if not self.stopping:\n            self._errors.append(error)\n",
        _COMMON,
    ),
    "the others are killed one after the other": (
        "group.py",
        "            self.kill(block=False)\n\n    def __enter__",
        "            self.stopping = True\n"
        "            for other in set(self) - {gevent.getcurrent()}:\n"
        "                self.killone(other)\n\n    def __enter__",
        _COMMON,
    ),
    "a second kill leaves the greenlets behind": (
        "group.py",
        "            except BaseException as late:\n                error = late\n",
        "            except BaseException as late:\n"
        "                if self.stopping:\n"
        "                    raise\n"
        "                error = late\n",
        _COMMON,
    ),
    "a kill during the cleanup has no effect": (
        "group.py",
        "        if asked is not None:\n            raise asked\n",
        "",
        _COMMON,
    ),
    "the job's own GreenletExit is not reported": (
        "concepts/tasks.py",
        "        except gevent.GreenletExit:\n            pass\n",
        "",
        _COMMON,
    ),
    "the cleanup error of a task that is killed from outside is dropped": (
        "concepts/tasks.py",
        "            if group.stopping:\n                raise\n",
        "",
        _COMMON,
    ),
    "the cleanup error of a future's job is dropped": (
        "concepts/futures.py",
        "            if group.stopping:\n                raise\n",
        "",
        _COMMON,
    ),
    "a kill interrupts the wait for close": (
        "use_cases/resource.py",
        "            except (gevent.GreenletExit, gevent.Timeout) as error:\n"
        "                if",
        "            except gevent.Timeout as error:\n                if",
        "tests/conformance/test_resource.py",
    ),
}
