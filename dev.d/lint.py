"""The rules of the tree, each a function that yields (file, line, what to do).

A rule sees a Tree: the files that git knows (or, outside git, all files). tests/lint/test_lint.py holds every
rule against a small tree that breaks it, so that none can be passed by doing nothing.
"""
import os
import re
import shutil
import subprocess
import sys

ROOMS = ("libhiphop", "wire", "daemon", "cli")

# Inside libhiphop arrows run downward: a room may include itself and the rooms before it.
LIBRARY_ORDER = ("semantics", "session", "graph", "nn", "model", "train", "recommend", "evaluate")
LIBRARY_MAY = {
    "semantics": (),
    "session": (),
    "graph": ("session",),
    "nn": (),
    "model": ("nn", "graph", "session"),
    "train": ("model", "nn", "graph", "session"),
    "recommend": ("model", "nn", "graph", "session"),
    "evaluate": ("train", "recommend", "model", "nn", "graph", "session"),
}
# Outside it: what a directory may include from the others, besides <hiphop/...>.
ROOM_MAY = {"wire": ("wire",), "daemon": ("daemon", "wire"), "cli": ("cli", "wire")}

BANNED = {
    "strcpy": "copy with a length: memcpy, or snprintf",
    "strncpy": "it does not terminate: memcpy, or snprintf",
    "strcat": "append with a length: snprintf",
    "strncat": "append with a length: snprintf",
    "stpcpy": "copy with a length: memcpy, or snprintf",
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "gets": "fgets, or getline",
    "atoi": "strtoll, which reports errors",
    "atol": "strtoll, which reports errors",
    "atoll": "strtoll, which reports errors",
    "atof": "strtod, which reports errors",
    "strtok": "walk the bytes with memchr",
    "alloca": "malloc, or a buffer with a fixed size",
    "rd_kafka_yield": "rd_kafka_consume_batch_queue() drops a message after it",
    "system": "do it in C; nothing here starts a shell",
    "popen": "do it in C; nothing here starts a shell",
    "tmpnam": "mkstemp",
    "mktemp": "mkstemp",
    "localtime": "localtime_r",
    "gmtime": "gmtime_r",
    "ctime": "strftime with gmtime_r",
    "asctime": "strftime with gmtime_r",
    "rand": "hh's seeded generator, passed in",
    "srand": "hh's seeded generator, passed in",
}
# Where input is somebody else's; a test may take its own apart with it.
BANNED_OUTSIDE_TESTS = dict.fromkeys(("scanf", "sscanf", "fscanf"),
                                     "getline and strtoll or strtod, which report errors")
# The library computes: it does not print, end the process, read a clock or the environment (tests may).
BANNED_IN_LIBRARY = {
    **dict.fromkeys(("printf", "fprintf", "puts", "putchar", "perror", "vprintf", "vfprintf"),
                    "the library never prints: return an hh_status"),
    **dict.fromkeys(("abort", "exit", "_exit", "quick_exit", "assert"),
                    "the library never ends the process: return an hh_status"),
    **dict.fromkeys(("time", "clock", "clock_gettime", "gettimeofday", "timespec_get"),
                    "the library reads no clock: take the time as an argument"),
    **dict.fromkeys(("getenv", "secure_getenv"), "the library reads no environment: take it as an argument"),
}

MAX_LINES = 600
LONG_FILES = {
    "tests/unit/test_click_decoder.c": "every way in which a click can be written or broken, in one list",
    "tests/property/test_graph_property.c": "the slow graph, and the comparison that walks over all of it",
}

TEXT = (".c", ".h", ".md", ".sh", ".py", ".txt", ".cmake", ".json", ".yml", ".yaml", ".xml", ".conf", ".service",
        ".avsc", ".in", ".html", ".js", ".css", ".toml", ".cfg", ".8", ".1")
# Names that belong to their directory.
REPEATED_NAMES = {"CMakeLists.txt", "README.md", "__init__.py", "conftest.py", "main.c", ".gitignore"}


class Tree:
    def __init__(self, root):
        self.root = root
        self.cache = {}
        listed = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                capture_output=True)
        if listed.returncode == 0:
            names = {name for name in listed.stdout.decode().split("\0") if name}
        else:
            names = {os.path.relpath(os.path.join(where, name), root)
                     for where, _, files in os.walk(root) for name in files}
        self.files = sorted(name for name in names if os.path.isfile(os.path.join(root, name)))

    def text(self, name):
        if name not in self.cache:
            with open(os.path.join(self.root, name), encoding="utf-8", errors="replace") as file:
                self.cache[name] = file.read()
        return self.cache[name]

    def lines(self, name):
        return enumerate(self.text(name).split("\n"), 1)

    def code(self, name):
        """The lines of a C file with comments and string contents blanked."""
        return enumerate(blank_c(self.text(name)).split("\n"), 1)

    def sources(self, *directories):
        """C files, of these top directories or of all."""
        return [name for name in self.files if name.endswith((".c", ".h"))
                and (not directories or name.split("/")[0] in directories)]

    def texts(self):
        return [name for name in self.files
                if name.endswith(TEXT) or os.path.basename(name) in ("dev", "run", "packages", "Dockerfile")
                or "." not in os.path.basename(name)]

    def shell(self):
        return [name for name in self.files if name.endswith(".sh")
                or ("." not in os.path.basename(name) and re.match(r"#!.*\b(ba)?sh\b", self.text(name)[:80]))]


C_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank_c(text):
    def blank(match):
        token = match.group()
        if token[0] in "\"'":
            return token[0] + re.sub(r"[^\n]", " ", token[1:-1]) + token[-1]
        return re.sub(r"[^\n]", " ", token)
    return C_TOKEN.sub(blank, text)


def includes(tree, name):
    """(line, kind, path) of every #include; kind is '<' or '"'."""
    for number, line in tree.lines(name):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
        if match:
            yield number, match.group(1), match.group(2)


def rule_format(tree):
    """C files are laid out by clang-format"""
    sources = tree.sources()
    if not sources:
        return
    done = subprocess.run(["clang-format", "--dry-run", "--style=file", *sources], cwd=tree.root,
                          capture_output=True, text=True)
    if done.returncode != 0:
        yield ".clang-format", 1, f"clang-format failed: {done.stderr.strip()[:300]}"
    seen = set()
    for match in re.finditer(r"^(.+?):(\d+):\d+: (?:warning|error): code should be clang-formatted", done.stderr,
                             re.M):
        if match.group(1) not in seen:
            seen.add(match.group(1))
            yield match.group(1), int(match.group(2)), f"run clang-format -i {match.group(1)}"


def rule_shellcheck(tree):
    """shell scripts pass shellcheck"""
    scripts = tree.shell()
    if not scripts:
        return
    done = subprocess.run(["shellcheck", "-x", "-s", "bash", "-f", "gcc", *scripts], cwd=tree.root,
                          capture_output=True, text=True)
    for match in re.finditer(r"^(.+?):(\d+):\d+: \w+: (.*)$", done.stdout, re.M):
        yield match.group(1), int(match.group(2)), match.group(3)
    if done.returncode > 1:
        yield scripts[0], 1, f"shellcheck failed: {done.stderr.strip()[:300]}"


def rule_layers(tree):
    """includes run downward only: evaluate > recommend > graph > session; daemon, cli > wire > libhiphop"""
    for name in tree.sources(*ROOMS):
        room = name.split("/")[0]
        inner = re.match(r"libhiphop/src/(\w+)/", name)
        for number, kind, path in includes(tree, name):
            first = path.split("/")[0]
            if room == "libhiphop":
                if first in ("wire", "daemon", "cli") or re.search(r"librdkafka|avro|jansson|libconfig|microhttpd|curl",
                                                                   path):
                    yield name, number, f"libhiphop knows nothing of {path}: move this to wire/, daemon/ or cli/"
                elif "../" in path:
                    yield name, number, "name the room instead of ../ : \"graph/rows.h\""
                elif kind == '"' and first in LIBRARY_MAY and inner and first != inner.group(1) \
                        and first not in LIBRARY_MAY.get(inner.group(1), ()):
                    yield name, number, (f"{inner.group(1)}/ must not include {path}: arrows run "
                                         f"{' > '.join(reversed(LIBRARY_ORDER))}")
                elif name.startswith("libhiphop/include/") and not (kind == "<"):
                    yield name, number, f"a public header includes only <hiphop/...> and the system, not \"{path}\""
                continue
            if first == "hiphop" and kind == '"':
                yield name, number, f"write <{path}>: public headers stand in angle brackets"
            elif "../" in path or "libhiphop" in path or "src/" in path or (first in LIBRARY_MAY and "/" in path):
                yield name, number, f"{room}/ sees only the library's public headers <hiphop/...>, not {path}"
            elif first in ROOM_MAY and "/" in path and first not in ROOM_MAY[room]:
                yield name, number, f"{room}/ must not include {path}: {room} sees {', '.join(ROOM_MAY[room])}"
            elif kind == '"' and "/" not in path and f"{room}/{path}" not in tree.files:
                yield name, number, f"{path} is not in {room}/: write its room, as in \"wire/records.h\""


def rule_names(tree):
    """a file name is unique in the tree"""
    seen = {}
    for name in tree.files:
        base = os.path.basename(name)
        if base in REPEATED_NAMES or not name.endswith((".c", ".h", ".py", ".sh")):
            continue
        # A public header may share the name of the header of its room's own side.
        if base in seen:
            yield name, 1, f"{seen[base]} has this name already: choose another"
        seen.setdefault(base, name)


def rule_banned(tree):
    """functions that overrun, guess or ask a shell are not called; the library neither prints, ends nor reads clocks"""
    for name in tree.sources():
        table = dict(BANNED)
        if not name.startswith("tests/"):
            table.update(BANNED_OUTSIDE_TESTS)
        if name.startswith("libhiphop/"):
            table.update(BANNED_IN_LIBRARY)
        pattern = re.compile(r"(?<![\w.>])(" + "|".join(map(re.escape, table)) + r")\s*\(")
        for number, line in tree.code(name):
            if line.lstrip().startswith("#"):
                continue
            for match in pattern.finditer(line):
                yield name, number, f"{match.group(1)}() is banned: {table[match.group(1)]}"


def rule_built(tree):
    """every C file is built (by CMake, or by a script beside it), every header is included"""
    lists = "\n".join(re.sub(r"#.*", "", tree.text(name)) for name in tree.files
                      if name.endswith(("CMakeLists.txt", ".cmake")))
    included = {path for name in tree.sources() for _, _, path in includes(tree, name)}
    for name in tree.sources():
        if name.endswith(".c"):
            parts = name.split("/")
            # Listed relative to the CMakeLists.txt above it, whichever that is.
            tails = ["/".join(parts[start:]) for start in range(len(parts))]
            if not any(re.search(r"(?<![\w/.])" + re.escape(tail) + r"(?![\w.])", lists) for tail in tails
                       if f"{name[:len(name) - len(tail)]}CMakeLists.txt" in tree.files) \
                    and not any(name.endswith("/" + path) or name == path for path in included) \
                    and not re.search(r"/" + re.escape("/".join(parts[-2:])) + r"(?![\w.])", lists) \
                    and not any(re.search(r"/" + re.escape(parts[-1]) + r"(?![\w.])", tree.text(script))
                                for script in tree.shell() if os.path.dirname(script) == os.path.dirname(name)):
                yield name, 1, "list it in the CMakeLists.txt of its room, or remove it"
        elif not any(name == path or name.endswith("/" + path) for path in included):
            yield name, 1, "nothing includes this header: include it, or remove it"


def rule_length(tree):
    """a file has at most 600 lines, or a reason in LONG_FILES"""
    for name in tree.sources():
        count = tree.text(name).count("\n")
        if count > MAX_LINES and name not in LONG_FILES:
            yield name, MAX_LINES, (f"{count} lines: which two things is it? Split it, or give the reason in "
                                    "LONG_FILES of dev.d/lint.py")
    for name in LONG_FILES:
        if name in tree.files and tree.text(name).count("\n") <= MAX_LINES:
            yield name, 1, "it is short again: take it out of LONG_FILES of dev.d/lint.py"


HOSTS = re.compile(r"\b(pypi\.org|pythonhosted\.org|deb\.debian\.org|security\.debian\.org|snapshot\.debian\.org"
                   r"|repo1?\.maven\.(org|apache\.org)|repo\.maven\.apache\.org|registry\.npmjs\.org|crates\.io"
                   r"|proxy\.golang\.org|packages\.confluent\.io|(registry\.|hub\.)?docker\.(io|com)|quay\.io|ghcr\.io)\b")


def rule_hosts(tree):
    """no registry is named: packages are asked for by name, from wherever the machine gets them"""
    for name in tree.texts():
        for number, line in tree.lines(name):
            match = HOSTS.search(line)
            if match:
                yield name, number, f"do not name {match.group(1)}: let the machine's own settings say where from"


MACHINE = re.compile(r"(?<![\w.:/$}{-])/(home/\w+|root|work|Users/\w+|mnt/\w+|workspace)(?=[/\s\"'`,;:)]|$)")


def rule_paths(tree):
    """no path of one machine stands in the tree"""
    for name in tree.texts():
        for number, line in tree.lines(name):
            match = MACHINE.search(line)
            if match:
                yield name, number, f"{match.group()} exists on one machine: take it from an option or a variable"


def rule_pages(tree):
    """a page that is named is there"""
    pattern = re.compile(r"(\]\(|(?<![\w/.:-]))((?:\.\./)*[A-Za-z0-9_][\w/.-]*\.md)\b")
    for name in tree.texts():
        if name.startswith("tests/lint/"):
            continue
        for number, line in tree.lines(name):
            for link, page in pattern.findall(line):
                beside = os.path.normpath(os.path.join(os.path.dirname(name), page))
                if beside not in tree.files and (link or page not in tree.files):
                    yield name, number, f"there is no {page}: write it, or name the page that there is"


def rule_conflicts(tree):
    """no conflict marker, no trailing blank, no tab in C, a newline at the end"""
    for name in tree.texts():
        text = tree.text(name)
        if text and not text.endswith("\n"):
            yield name, text.count("\n") + 1, "end the file with a newline"
        for number, line in tree.lines(name):
            if re.match(r"(<<<<<<<|>>>>>>>) ", line):
                yield name, number, "solve this conflict"
            elif line != line.rstrip() and not name.endswith(".md"):
                yield name, number, "remove the blanks at the end"
            elif "\t" in line and name.endswith((".c", ".h", ".py", ".sh")):
                yield name, number, "blanks, not tabs"


def rule_schemas(tree):
    """schemas are JSON"""
    import json
    for name in tree.files:
        if name.endswith((".avsc", ".json")):
            try:
                json.loads(tree.text(name))
            except ValueError as error:
                yield name, getattr(error, "lineno", 1), f"this is no JSON: {error}"


RULES = {name[len("rule_"):]: rule for name, rule in list(globals().items()) if name.startswith("rule_")}


def main(arguments):
    root = os.getcwd()
    if arguments[:1] == ["--list"]:
        for name, rule in RULES.items():
            print(f"{name:12} {rule.__doc__}")
        return 0
    unknown = [name for name in arguments if name not in RULES]
    if unknown:
        print(f"lint: there is no rule {unknown[0]}; ./dev lint --list names them", file=sys.stderr)
        return 2
    for tool in ("clang-format", "shellcheck"):
        if not shutil.which(tool):
            print(f"lint: {tool} is missing", file=sys.stderr)
            return 2
    tree = Tree(root)
    broken = 0
    chosen = arguments or list(RULES)
    for name in chosen:
        findings = list(RULES[name](tree))
        broken += bool(findings)
        for file, line, advice in findings:
            print(f"{file}:{line}: {name}: {advice}")
    print(f"lint: {len(chosen) - broken} passed, {broken} failed")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
