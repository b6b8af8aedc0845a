"""Files below the directory that the program is given."""
import os, shutil, struct, zipfile, io

root = "/scratch/work"
os.makedirs(root + "/a/b", exist_ok=True)
with open(root + "/a/text", "w", encoding="utf-8") as file:
    file.write("erste Zeile\nzweite Zeile: ß\n" * 1000)
with open(root + "/a/text", encoding="utf-8") as file:
    lines = file.readlines()
print(len(lines), lines[1], end="")
with open(root + "/a/b/numbers", "wb") as file:
    for i in range(1000):
        file.write(struct.pack("<Id", i, i / 4))
with open(root + "/a/b/numbers", "rb") as file:
    file.seek(12 * 500)
    print(struct.unpack("<Id", file.read(12)), os.path.getsize(file.name))
print(sorted(os.listdir(root + "/a")), [sorted(x[1:]) for x in os.walk(root)])
os.rename(root + "/a/text", root + "/moved")
print(os.path.exists(root + "/a/text"), os.stat(root + "/moved").st_size)
archive = io.BytesIO()
with zipfile.ZipFile(archive, "w") as file:
    file.write(root + "/moved", "moved")
with zipfile.ZipFile(archive) as file:
    print(file.namelist(), len(file.read("moved")))
for path in ("/scratch/../etc/passwd", "/etc/passwd"):
    try:
        open(path)
    except OSError as error:
        print(type(error).__name__)
shutil.rmtree(root)
print(os.listdir("/scratch"))
