"""Generators, closures, classes, pattern matching, comprehensions, coroutines."""
import asyncio, functools, itertools
from dataclasses import dataclass, field


def primes():
    known = {}
    for n in itertools.count(2):
        if n not in known:
            yield n
            known[n * n] = [n]
        else:
            for p in known.pop(n):
                known.setdefault(n + p, []).append(p)


print(list(itertools.islice(primes(), 15)), next(itertools.islice(primes(), 999, None)))


def averager():
    total = count = 0
    average = None
    try:
        while True:
            total += yield average
            count += 1
            average = total / count
    except GeneratorExit:
        print("closed after", count)


average = averager()
next(average)
print([average.send(x) for x in (10, 20, 60)])
average.close()


def delegate():
    result = yield from (x * x for x in range(3))
    returned = yield from inner()
    print("inner returned", result, returned)


def inner():
    yield "inner"
    return 7


print(list(delegate()))


@dataclass(order=True)
class Point:
    x: int
    y: int = 0
    tags: list = field(default_factory=list, compare=False)


def describe(thing):
    match thing:
        case Point(x=0, y=0):
            return "origin"
        case Point(x=x) if x > 10:
            return f"far {x}"
        case [first, *rest]:
            return f"list of {first!r} and {len(rest)}"
        case {"kind": str(kind), **others}:
            return f"{kind} with {sorted(others)}"
        case int() | float():
            return "number"
        case _:
            return "something"


print([describe(t) for t in (Point(0), Point(11, 2), [1, 2, 3], {"kind": "k", "b": 1}, 3.5, "s")])
print(sorted([Point(2, 1), Point(1, 5), Point(1, 2)]))
print({k: [v for v in g] for k, g in itertools.groupby("aabbbc")}, [*itertools.accumulate(range(6))])


@functools.lru_cache(maxsize=None)
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


print(fibonacci(40), fibonacci.cache_info().misses)


class Meta(type):
    def __new__(cls, name, bases, space, **kwargs):
        space["made_by"] = cls.__name__
        return super().__new__(cls, name, bases, space, **kwargs)


class Base(metaclass=Meta):
    def __init_subclass__(cls, /, **kwargs):
        cls.options = kwargs

    def __getattr__(self, name):
        return f"no {name}"


class Child(Base, fast=True):
    @property
    def twice(self):
        return super().__getattribute__("made_by") * 2


print(Child().twice, Child.options, Child().missing, [c.__name__ for c in Child.__mro__])


async def double(x):
    await asyncio.sleep(0)
    return 2 * x


coroutine = double(21)
try:
    while True:
        coroutine.send(None)
except StopIteration as end:
    print("coroutine returned", end.value)
