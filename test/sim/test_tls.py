"""Certificates good and bad: a client that verifies takes the good one only, whatever the server offers to the others."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import tempfile

from clients.all import CLIENTS
from clients.client import ServerError
from runner import variants
from sim import PASSWORD, Sim, Skip
from tds import SELECT_1, Raw, Tls, packet, prelogin
from test_freetds_tools import tool

VERIFYING = tuple(name for name, client in CLIENTS.items() if client.verifies)
# name: days that the certificate is valid, the host it names, whether the authority that clients trust has signed it
CERTIFICATES = {"good": (2, "localhost", True), "expired": (-1, "localhost", True), "wrong_host": (2, "elsewhere.example", True),
                "self_signed": (2, "localhost", False)}
BAD = tuple(name for name in CERTIFICATES if name != "good")


def openssl(*arguments):
    if shutil.which("openssl") is None:
        raise Skip("openssl is not installed")
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)


@contextlib.contextmanager
def server_with(kind):
    """A stand-in with that certificate. @yield the stand-in, and the PEM file of the authority"""
    days, host, signed = CERTIFICATES[kind]
    with tempfile.TemporaryDirectory() as folder:
        def at(name):
            return os.path.join(folder, name)

        for name in ("ca", "server"):
            openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", at(f"{name}.key"))
        openssl("req", "-x509", "-new", "-key", at("ca.key"), "-subj", "/CN=Test authority", "-days", "3", "-out", at("ca.pem"))
        with open(at("ext"), "w", encoding="ascii") as f:
            f.write(f"subjectAltName=DNS:{host}{',IP:127.0.0.1' if host == 'localhost' else ''}\nextendedKeyUsage=serverAuth\n")
        openssl("req", "-new", "-key", at("server.key"), "-subj", f"/CN={host}", "-out", at("server.csr"))
        signer = ("-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial") if signed else ("-signkey", at("server.key"))
        openssl("x509", "-req", "-in", at("server.csr"), "-days", str(days), "-extfile", at("ext"), *signer, "-out", at("server.pem"))
        with Sim("--cert", at("server.pem"), "--key", at("server.key")) as server:
            yield server, at("ca.pem")


def key_store(ca):
    """The authority as Java wants it."""
    if shutil.which("keytool") is None:
        raise Skip("keytool is not installed")
    store = os.path.join(os.path.dirname(ca), "trust.p12")
    subprocess.run(["keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", ca, "-keystore", store, "-storetype", "PKCS12",
                    "-storepass", "changeit"], check=True, capture_output=True, timeout=60)
    return store


@variants(*CERTIFICATES)
def test_certificate(_sim, kind):
    """OpenSSL as the client; one that trusts anybody gets in with any of them."""
    with server_with(kind) as (server, ca):
        with Tls(server.port) as c:
            assert c.batch("SELECT 1") == SELECT_1
        for login_only in (False, True):
            try:
                with Tls(server.port, context=ssl.create_default_context(cafile=ca), login_only=login_only) as c:
                    assert c.batch("SELECT 1") == SELECT_1
                assert kind == "good", f"{kind} was taken"
            except ssl.SSLCertVerificationError as e:
                assert kind != "good", e


@variants("self_signed", "expired", "wrong_host")
def test_certificate_of_a_fault(_sim, kind):
    """A server with a good certificate shows another one once."""
    with server_with("good") as (server, ca), Raw(server.port) as control:
        trusting = ssl.create_default_context(cafile=ca)
        control.batch(f"EXEC sim.fault @kind = 'tls', @arg = '{kind}'")
        try:
            with Tls(server.port, context=trusting):
                raise AssertionError(f"{kind} was taken")
        except ssl.SSLCertVerificationError:
            pass
        with Tls(server.port, context=trusting) as c:
            assert c.batch("SELECT 1") == SELECT_1
        control.batch(f"EXEC sim.fault @kind = 'tls', @arg = '{kind}'")
        with Tls(server.port) as c:
            shown = os.path.join(os.path.dirname(ca), "shown.pem")
            with open(shown, "w", encoding="ascii") as f:
                f.write(ssl.DER_cert_to_PEM_cert(c.tls.getpeercert(binary_form=True)))
        told = "".join(subprocess.run(["openssl", "x509", "-in", shown, "-noout", *question], capture_output=True, text=True, check=False,
                                      timeout=30).stdout for question in (("-checkend", "0"), ("-checkhost", "localhost")))
        assert ("Certificate will expire" in told) == (kind == "expired"), told
        assert ("does NOT match" in told) == (kind == "wrong_host"), told


@variants(*CERTIFICATES)
def test_freetds_verifies(_sim, kind):
    with server_with(kind) as (server, ca):
        options = f"ca file = {ca}\ncheck certificate hostname = yes"
        out = tool(server, ["tsql", "-S", "sim", "-U", "sa", "-P", PASSWORD], "SELECT 'let' + ' in'\ngo\n", encryption="require\n" + options,
                   host="localhost")
        assert ("let in" in out) == (kind == "good"), out


@variants(*(f"{name} {kind}" for name in VERIFYING for kind in ("good", "expired", "wrong_host", "self_signed")))
def test_client_verifies(_sim, variant):
    name, kind = variant.split()
    with server_with(kind) as (server, ca):
        client = CLIENTS[name]()
        try:
            client.connect(server.port, password=PASSWORD, encrypt="verify:" + (key_store(ca) if "jdbc" in name else ca))
        except ServerError as e:
            assert kind != "good", e
            assert e.number == 0 and any(word in e.text.lower() for word in ("certificate", "ssl", "tls")), e
            return
        try:
            assert client.query("SELECT 1") == [[["1"]]]
            assert kind == "good", f"{kind} was taken"
        finally:
            client.close()


@variants(*(n for n in CLIENTS if "full" in CLIENTS[n].encryption and n != "tedious"))
def test_no_tls_to_be_had(_sim, name):
    """A client that insists on encryption leaves, and has not sent its login. (tedious 18 logs in without it.)"""
    with Sim("--tls", "off", "--log-level", "debug") as server:
        client = CLIENTS[name]()
        try:
            client.connect(server.port, password=PASSWORD, encrypt="full")
        except ServerError as e:
            assert PASSWORD not in e.text
        else:
            raise AssertionError("connected without the encryption that it asked for")
        assert "session" not in server.log_tail() and "login" not in server.log_tail(), server.log_tail()


def test_strict_encryption_is_not_understood(sim):
    """TDS 8 begins with TLS; SQL Server 2019 takes that for a broken PRELOGIN and hangs up."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["tds/8.0"])
    with socket.create_connection(("127.0.0.1", sim.port), 20) as s:
        try:
            with context.wrap_socket(s):
                raise AssertionError("TLS before PRELOGIN")
        except (ssl.SSLError, ConnectionError):
            pass


@variants("jdbc-12.10.1")
def test_strict_encryption_of_a_driver(sim, name):
    client = CLIENTS[name]()
    try:
        client.connect(sim.port, password=PASSWORD, encrypt="strict")
    except ServerError as e:
        assert e.number == 0, e
        return
    raise AssertionError("connected with TDS 8")


def test_integrated_login_is_refused(sim):
    with Raw(sim.port, sspi=b"NTLMSSP\0\x01\0\0\0") as c:
        assert b"\xaa" in c.login and (18452).to_bytes(4, "little") in c.login, c.login.hex()
        assert c.closed() == b""


def test_plain_login_is_refused_where_tls_is_required(_sim):
    with Sim("--tls", "required") as server, socket.create_connection(("127.0.0.1", server.port), 20) as s:
        s.sendall(packet(0x12, prelogin(2)))
        assert s.recv(4096)[-3] == 3, "the reply is REQUIRED"
        s.sendall(packet(0x10, b"plain"))
        assert s.recv(4096) == b"", "and what is not TLS ends the connection"
