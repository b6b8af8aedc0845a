"""Dictionaries, sets, sorting: order, growth, deletion while others stay, stability."""
import collections, heapq, random

random.seed(12345)
numbers = [random.randrange(10**9) for _ in range(20000)]
print(numbers[:3], sum(numbers))
ordered = sorted(numbers)
assert all(a <= b for a, b in zip(ordered, ordered[1:]))
print(ordered[0], ordered[10000], ordered[-1])
print(sorted(["pear", "Apple", "fig", "apple"], key=str.lower, reverse=True))
pairs = [(n % 10, i) for i, n in enumerate(numbers[:1000])]
by_digit = sorted(pairs, key=lambda pair: pair[0])
assert all(a[1] < b[1] for a, b in zip(by_digit, by_digit[1:]) if a[0] == b[0]), "stable"

table = {}
for i in range(50000):
    table[f"key{i}"] = i
for i in range(0, 50000, 3):
    del table[f"key{i}"]
table["key0"] = "last"
print(len(table), list(table)[:3], list(table)[-1], sum(v for v in table.values() if v != "last"))
print({1: "int", 1.0: "float", True: "bool"})
counter = collections.Counter("the quick brown fox jumps over the lazy dog")
print(counter.most_common(4))
evens, threes = set(range(0, 60, 2)), set(range(0, 60, 3))
print(sorted(evens & threes), len(evens | threes), len(evens ^ threes), evens >= {2, 4})
heap = list(numbers[:1000])
heapq.heapify(heap)
assert [heapq.heappop(heap) for _ in range(1000)] == sorted(numbers[:1000])
queue = collections.deque(range(10), maxlen=5)
queue.rotate(2)
queue.appendleft("x")
print(list(queue))
print(dict(collections.defaultdict(list, a=[1]) | {"b": 2}))
