"""Values survive a round trip through JSON; broken JSON says where it is broken."""
import json

value = {
    "numbers": [0, -1, 3.25, 1e100, 2**70, float("inf")],
    "strings": ["", "plain", "ünïcode \u2603 \U0001f600", 'quo"te\\back\nline\x00'],
    "nested": [[[[]]], {"a": {"b": {"c": None}}}],
    "constants": [True, False, None],
}
text = json.dumps(value, indent=2, sort_keys=True)
assert json.loads(text) == value
print(text)
print(json.dumps(value["strings"], ensure_ascii=False))
for broken in ["", "[1, 2", '{"a" 1}', "nul", '"\\x"', "[1] 2", "[01]"]:
    try:
        json.loads(broken)
    except json.JSONDecodeError as error:
        print(repr(broken), "->", error.msg, error.lineno, error.colno)
print(json.loads('{"a": 1, "b": [1, 2]}', object_pairs_hook=list))
