# shellcheck shell=bash
# fetch_kafka: Kafka's jars in build/kafka/lib, from Maven the first time and whenever the pom has changed.
fetch_kafka() {
    local lib=build/kafka/lib
    cmp -s dev.d/kafka/pom.xml $lib/pom.xml && return
    need kafka
    say "fetching Kafka (50 MB) into $lib"
    mkdir -p build/kafka
    exec 8>build/kafka/fetch.lock
    flock 8
    if ! cmp -s dev.d/kafka/pom.xml $lib/pom.xml; then
        rm -rf $lib
        mvn -q -B -f dev.d/kafka/pom.xml dependency:copy-dependencies -DincludeScope=runtime \
            -DoutputDirectory="$PWD/$lib.part" </dev/null >build/kafka/fetch.log 2>&1 ||
            { cat build/kafka/fetch.log >&2 && die "Kafka could not be fetched"; }
        cp dev.d/kafka/pom.xml $lib.part/
        mv $lib.part $lib
    fi
    exec 8>&-
}
