"""Every rule of dev.d/lint.py against a small tree that keeps it and one that breaks it."""
import importlib.util
import os

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
spec = importlib.util.spec_from_file_location("lint", os.path.join(TOP, "dev.d", "lint.py"))
lint = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lint)

# The bad words are put together here, so that this file itself passes the rules.
HOST = "py" + "pi.org"
HOME = "/ho" + "me/ann/hiphop"

# rule -> [(what stands in the tree, the finding's file and line)]; a tree is {file: text}.
BREAKS = {
    "format": [({"cli/a.c": "int  main( void){return 0;}\n"}, ("cli/a.c", 1))],
    "shellcheck": [({"dev.d/a.sh": "# shellcheck shell=bash\nrm $1\n"}, ("dev.d/a.sh", 2))],
    "layers": [
        ({"libhiphop/src/session/a.c": '#include "graph/rows.h"\n'}, ("libhiphop/src/session/a.c", 1)),
        ({"libhiphop/src/graph/a.c": '\n#include "recommend/rank.h"\n'}, ("libhiphop/src/graph/a.c", 2)),
        ({"libhiphop/src/recommend/a.c": '#include "evaluate/stan.h"\n'}, ("libhiphop/src/recommend/a.c", 1)),
        ({"libhiphop/src/graph/a.c": '#include "wire/records.h"\n'}, ("libhiphop/src/graph/a.c", 1)),
        ({"libhiphop/src/graph/a.c": "#include <librdkafka/rdkafka.h>\n"}, ("libhiphop/src/graph/a.c", 1)),
        ({"libhiphop/include/hiphop/a.h": '#include "graph/rows.h"\n'}, ("libhiphop/include/hiphop/a.h", 1)),
        ({"wire/a.c": '#include "daemon/worker.h"\n'}, ("wire/a.c", 1)),
        ({"daemon/a.c": '#include "graph/rows.h"\n'}, ("daemon/a.c", 1)),
        ({"daemon/a.c": '#include "../libhiphop/src/graph/rows.h"\n'}, ("daemon/a.c", 1)),
        ({"daemon/a.c": '#include "cli/command.h"\n'}, ("daemon/a.c", 1)),
        ({"cli/a.c": '#include "daemon/config.h"\n'}, ("cli/a.c", 1)),
        ({"cli/a.c": '#include "hiphop/graph.h"\n'}, ("cli/a.c", 1)),
        ({"cli/a.c": '#include "records.h"\n', "wire/records.h": ""}, ("cli/a.c", 1)),
    ],
    "names": [({"cli/a.c": "", "daemon/a.c": ""}, ("daemon/a.c", 1))],
    "banned": [
        *[({"cli/a.c": f"void f(void)\n{{\n    {name}(0);\n}}\n"}, ("cli/a.c", 3))
          for name in [*lint.BANNED, *lint.BANNED_OUTSIDE_TESTS]],
        *[({"libhiphop/src/a.c": f"void f(void)\n{{\n    {name}(0);\n}}\n"}, ("libhiphop/src/a.c", 3))
          for name in lint.BANNED_IN_LIBRARY],
    ],
    "built": [
        ({"cli/CMakeLists.txt": "add_executable(hiphop main.c)\n", "cli/main.c": "", "cli/lost.c": ""},
         ("cli/lost.c", 1)),
        ({"cli/CMakeLists.txt": "add_executable(hiphop notlost.c # lost.c\n)\n", "cli/notlost.c": "",
          "cli/lost.c": ""}, ("cli/lost.c", 1)),
        ({"cli/lost.h": ""}, ("cli/lost.h", 1)),
    ],
    "length": [({"cli/a.c": "\n" * (lint.MAX_LINES + 1)}, ("cli/a.c", lint.MAX_LINES))],
    "hosts": [({"docs/a.md": f"\nget it from {HOST}\n"}, ("docs/a.md", 2)),
              ({"Dockerfile": f"RUN wget {HOST}\n"}, ("Dockerfile", 1))],
    "paths": [({"docs/a.md": f"\n\ncd {HOME}\n"}, ("docs/a.md", 3))],
    "pages": [({"cli/a.c": "// see docs/gone.md\n"}, ("cli/a.c", 1)),
              ({"docs/a.md": "\n[the model](model.md)\n", "model.md": ""}, ("docs/a.md", 2)),
              ({"docs/a.md": "\n[the model](../gone.md)\n"}, ("docs/a.md", 2))],
    "conflicts": [
        ({"cli/a.c": "<<<<<<" + "< HEAD\n"}, ("cli/a.c", 1)),
        ({"cli/a.c": "int a; \n"}, ("cli/a.c", 1)),
        ({"cli/a.c": "int\ta;\n"}, ("cli/a.c", 1)),
        ({"cli/a.c": "int a;"}, ("cli/a.c", 1)),
    ],
    "schemas": [({"schemas/a.avsc": "{\n,}\n"}, ("schemas/a.avsc", 2))],
}

KEEPS = {
    ".clang-format": open(os.path.join(TOP, ".clang-format")).read(),
    "dev.d/a.sh": '# shellcheck shell=bash\nrm "$1"\n',
    "libhiphop/CMakeLists.txt": "add_library(hiphop\n  src/graph/rows.c\n)\n",
    "libhiphop/include/hiphop/graph.h": "#include <stddef.h>\n",
    "libhiphop/src/graph/rows.h": "",
    "libhiphop/src/graph/rows.c": '#include "graph/rows.h"\n#include "session/open.h"\n#include <hiphop/graph.h>\n',
    "libhiphop/src/session/open.h": "// strcpy(a, b) and printf(\"x\") in a comment call nothing\n",
    "wire/records.h": "#include <hiphop/graph.h>\n",
    "cli/CMakeLists.txt": "add_executable(hiphop main.c)\n",
    "cli/main.c": '#include "wire/records.h"\n\n'
                  '#include <hiphop/graph.h>\n#include <stdio.h>\n\n'
                  'int main(void)\n{\n    return puts("system(1) atoi(2)");\n}\n',
    "docs/b.md": "[a](a.md), [a](../docs/a.md), docs/a.md, https://example.org/x.md\n",
    "docs/a.md": "Run `./dev build`, then look at /etc/hiphop and /usr/share/doc.\n",
    "schemas/a.avsc": "{}\n",
}


def tree_of(directory, files):
    for name, text in files.items():
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return lint.Tree(str(directory))


def test_every_rule_is_tried():
    assert set(BREAKS) == set(lint.RULES)


@pytest.mark.parametrize("rule", lint.RULES)
def test_a_good_tree_passes(rule, tmp_path):
    assert list(lint.RULES[rule](tree_of(tmp_path, KEEPS))) == []


@pytest.mark.parametrize("rule, files, where", [(rule, files, where) for rule, cases in BREAKS.items()
                                                for files, where in cases])
def test_a_bad_tree_fails(rule, files, where, tmp_path):
    findings = list(lint.RULES[rule](tree_of(tmp_path, {".clang-format": KEEPS[".clang-format"], **files})))
    assert where in [(file, line) for file, line, _ in findings]
    assert all(advice for _, _, advice in findings)
