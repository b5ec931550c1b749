# shellcheck shell=bash source=dev.d/common.sh
#: help [COMMAND]       this page, or all about one command
if [ $# -gt 0 ]; then
    [ -f "dev.d/$1.sh" ] || die "there is no command '$1'; ./dev help lists them"
    sed -n 's/^#: \{0,1\}/  /p' "dev.d/$1.sh"
else
    say "./dev COMMAND: everything there is to do with this tree. Each command installs what it needs (Debian 12,"
    say "root or sudo) and says so; once that is done it works offline. Results go to build/."
    say ""
    for file in setup build test demo bench fuzz lint kafka help; do
        [ ! -f "dev.d/$file.sh" ] || sed -n '/^#:/!d; /^#:$/q; s/^#: /  /p' "dev.d/$file.sh"
    done
    say ""
    say "./dev help COMMAND says more."
fi
