"""Exceptions: chains, groups, finally, context managers, deep recursion, tracebacks."""
import contextlib, sys, traceback


class Mine(ValueError):
    pass


def fail(kind):
    raise kind("failed")


def order():
    log = []
    try:
        try:
            fail(Mine)
        except KeyError:
            log.append("never")
        else:
            log.append("never")
        finally:
            log.append("finally")
    except ValueError as error:
        log.append(type(error).__name__)
    return log


def shadowed():
    try:
        return "try"
    finally:
        return "finally"


print(order(), shadowed())
try:
    try:
        1 / 0
    except ZeroDivisionError as error:
        raise Mine("outer") from error
except Mine as error:
    print(repr(error), repr(error.__cause__))
    print(traceback.format_exc().count("Traceback"))


@contextlib.contextmanager
def swallow(kind):
    try:
        yield "inside"
    except kind as error:
        print("swallowed", repr(error))


with swallow(LookupError) as word:
    print(word)
    {}["missing"]
with contextlib.ExitStack() as stack:
    for name in "abc":
        stack.callback(print, "left", name)
try:
    raise ExceptionGroup("several", [Mine("one"), TypeError("two"), ExceptionGroup("in", [KeyError(3)])])
except* ValueError as group:
    print([repr(error) for error in group.exceptions])
except* (TypeError, KeyError) as group:
    print(len(group.exceptions))


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


print(deep(400))
sys.setrecursionlimit(500)
try:
    deep(10**6)
except RecursionError as error:
    print("RecursionError", str(error)[:23])
try:
    int("12x")
except ValueError as error:
    print(error)
for bad in ("1 +", "def f(:", "'open"):
    try:
        compile(bad, "bad", "exec")
    except SyntaxError as error:
        print(type(error).__name__, error.lineno, error.msg)
