"""A Kafka that asks who somebody is (SASL over TLS) and what he may do (ACLs), and giving and taking rights there.

Kafka's own requests for that are spoken here: Debian's confluent_kafka has none of them, and librdkafka 2.0 knows no ACLs
of transactional ids. They go to the controller, whose listener is for the broker alone, unencrypted and on loopback.
"""
import hashlib
import itertools
import os
import re
import socket
import struct
import subprocess

import harness

TOPIC, GROUP, TRANSACTIONAL_ID = 2, 3, 5
LITERAL, PREFIXED = 3, 4
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10}
ANY, ALLOW = 1, 3
CREATE_ACLS, DELETE_ACLS, ALTER_USER_SCRAM_CREDENTIALS = 30, 31, 51
SCRAM_SHA_512, ITERATIONS = 2, 4096
PASSWORD = "a=b #c"  # of the user hiphop
ADMIN = {"sasl.mechanism": "PLAIN", "sasl.username": "admin", "sasl.password": "admin-secret"}


def strict_kafka(directory):
    """A broker that takes nobody without a password, and lets only `admin` do everything."""
    os.makedirs(directory, exist_ok=True)
    certificate, key, both = (os.path.join(directory, name) for name in ("certificate.pem", "key.pem", "both.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, stderr=subprocess.PIPE)
    with open(both, "w", encoding="ascii") as out:
        for path in (key, certificate):
            with open(path, encoding="ascii") as part:
                out.write(part.read())
    login = "org.apache.kafka.common.security"
    return harness.Kafka(
        os.path.join(directory, "kafka"),
        client={"security.protocol": "SASL_SSL", "ssl.ca.location": certificate, **ADMIN},
        **{"listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_SSL",
           "inter.broker.listener.name": "PLAINTEXT",  # or it would speak to itself unencrypted
           "ssl.keystore.type": "PEM", "ssl.keystore.location": both,
           "ssl.truststore.type": "PEM", "ssl.truststore.location": certificate,
           "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512", "sasl.mechanism.inter.broker.protocol": "PLAIN",
           "listener.name.plaintext.plain.sasl.jaas.config":
               f'{login}.plain.PlainLoginModule required username="admin" password="admin-secret" user_admin="admin-secret" '
               f'user_hiphop="{PASSWORD}";',
           "listener.name.plaintext.scram-sha-512.sasl.jaas.config": f"{login}.scram.ScramLoginModule required;",
           "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
           "super.users": "User:admin;User:ANONYMOUS"})


def text(value):
    return struct.pack(">h", len(value)) + value.encode() if value is not None else struct.pack(">h", -1)


def short(value):  # a "compact" one: its length is one byte here
    return bytes([len(value) + 1]) + value


class Rights:
    """Users, and what they may do. A right is (kind, name, pattern, operation)."""

    def __init__(self, kafka):
        with open(os.path.join(kafka.directory, "server.properties"), encoding="ascii") as file:
            port = re.search(r"CONTROLLER://127.0.0.1:(\d+)", file.read()).group(1)
        self.controller = ("127.0.0.1", int(port))
        self.numbers = itertools.count(1)

    def _ask(self, key, version, body, tags=b""):
        request = struct.pack(">hhi", key, version, next(self.numbers)) + text("tests") + tags + body
        with socket.create_connection(self.controller, timeout=30) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            with connection.makefile("rb") as answers:
                size, = struct.unpack(">i", answers.read(4))
                return answers.read(size)[4 + len(tags):]

    def user(self, name, password):
        """A user who logs in by SCRAM-SHA-512."""
        salt = os.urandom(16)
        salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
        body = bytes([1, 2]) + short(name.encode()) + struct.pack(">bi", SCRAM_SHA_512, ITERATIONS) + short(salt) + short(salted)
        answer = self._ask(ALTER_USER_SCRAM_CREDENTIALS, 0, body + bytes([0, 0]), tags=b"\0")
        assert answer[4:6 + len(name) + 2] == b"\2" + short(name.encode()) + b"\0\0", answer

    def give(self, user, rights):
        body = struct.pack(">i", len(rights)) + b"".join(
            struct.pack(">b", kind) + text(name) + struct.pack(">b", pattern) + text(f"User:{user}") + text("*") +
            struct.pack(">bb", OPERATIONS[operation], ALLOW) for kind, name, pattern, operation in rights)
        self._expect_no_error(self._ask(CREATE_ACLS, 1, body), len(rights))

    def take(self, user, rights):
        body = struct.pack(">i", len(rights)) + b"".join(
            struct.pack(">b", kind) + text(name) + struct.pack(">b", pattern) + text(f"User:{user}") + text(None) +
            struct.pack(">bb", OPERATIONS[operation], ANY) for kind, name, pattern, operation in rights)
        self._expect_no_error(self._ask(DELETE_ACLS, 1, body), len(rights))

    @staticmethod
    def _expect_no_error(answer, count):
        _throttled, answered, first = struct.unpack(">iih", answer[:10])
        assert answered == count and first == 0, answer
