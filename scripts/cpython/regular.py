"""Regular expressions: groups, look-around, substitution, splitting, some hard ones."""
import re

text = "The year 1999, then 2024-02-29; mail a.b@example.org and c@d.net. Ümläute: straße"
print(re.findall(r"\b\d{4}\b", text))
print(re.search(r"(?P<year>\d+)-(?P<month>\d+)-(?P<day>\d+)", text).groupdict())
print(re.findall(r"[\w.]+@[\w.]+\w", text))
print(re.sub(r"(\w+)@(\w+)", r"\2 at \1", text))
print(re.split(r"[,;.:]\s*", text))
print(re.findall(r"(?<=year )\d+|\d+(?=-)", text))
print(re.findall(r"\w*ß\w*|\bü\w+", text, re.IGNORECASE))
print([m.span() for m in re.finditer(r"(a|b)+?c?", "abcabcaab")])
print(re.match(r"(?:(a)|b)*", "abab").groups())
print(re.sub(r"\d+", lambda match: str(int(match[0]) + 1), "9 99 999"))
print(re.fullmatch(r"(a+)+b", "a" * 18))
print(re.compile(r"""
    ^ \s* (\w+)   # a name
    \s* = \s*     # is
    (.*?) \s* $   # a value
    """, re.VERBOSE | re.MULTILINE).findall("a = 1\n b=two words \n# c\nlast =  "))
try:
    re.compile("(a")
except re.error as error:
    print(error)
