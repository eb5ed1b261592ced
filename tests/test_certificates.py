"""The certificate that is shown over TLS: what can be used, and what is told of the rest."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from exporter import named_files
from exporter.certificates import load
from exporter.config import load as load_config
from exporter.faults import ConfigError
from exporter.findings import Lines
from exporter.settings import Tls
from tests.certificates import TRY, make
from tests.command_line import invoke


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return make(tmp_path)


def test_the_readme_says_how_to_try_it() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    assert TRY in " ".join(readme.replace("\\\n", "").split())


def expire(cert: Path, key: Path) -> None:
    """Sign a certificate anew that was good till yesterday."""
    command = ["openssl", "x509", "-in", str(cert), "-signkey", str(key), "-days", "-1", "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)


def test_a_sound_pair_is_known_by_its_fingerprint_and_till_when_it_is_valid(pair: tuple[Path, Path]) -> None:
    cert, key = pair
    found = load(Tls(cert=cert, key=key))
    told = subprocess.run(
        ["openssl", "x509", "-in", cert, "-noout", "-fingerprint", "-sha256", "-enddate", "-dateopt", "iso_8601"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert found.fingerprint in told.replace(":", "").lower()
    assert found.ends_at is not None
    assert found.ends_at.rfc3339()[:10] in told
    assert (found.flaw, found.lacks_issuer) == (None, False)
    assert found.context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_what_clients_would_have_against_a_certificate_is_told(pair: tuple[Path, Path]) -> None:
    cert, key = pair
    expire(cert, key)
    assert load(Tls(cert=cert, key=key)).flaw == "certificate has expired"


def test_a_certificate_that_nothing_leads_from_is_known(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    cert, key = make(tmp_path / "leaf", ("-x509", "-new"), ("-days 30", ""), ("/CN=localhost", "/CN=leaf"))
    authority = ["-CA", str(pair[0]), "-CAkey", str(pair[1]), "-CAcreateserial"]
    signed = tmp_path / "signed.pem"
    subprocess.run(
        ["openssl", "x509", "-req", "-in", cert, *authority, "-out", signed, "-days", "3"],
        check=True, capture_output=True,
    )  # fmt: skip
    assert load(Tls(cert=signed, key=key)).lacks_issuer
    signed.write_text(signed.read_text() + pair[0].read_text())
    assert not load(Tls(cert=signed, key=key)).lacks_issuer


def faults(folder: Path, line: str = "tls: {cert: cert.pem, key: key.pem}") -> list[str]:
    (folder / "cronscope.yml").write_text(f"# first line\n{line}\n")
    try:
        load_config(folder / "cronscope.yml", environ={}, flags={}, starting=True)
    except ConfigError as error:
        return [str(fault).removeprefix(f"{folder}/") for fault in error.faults]
    return []


def test_paths_are_relative_to_the_file(pair: tuple[Path, Path]) -> None:
    assert faults(pair[0].parent) == []


@pytest.mark.parametrize(("line", "message"), [
    ("tls: cert.pem", 'tls: expected a mapping of cert and key, not "cert.pem"'),
    ("tls: {cert: cert.pem}", "tls.key: missing; expected the path of a file in PEM with its private key"),
    ("tls: {key: key.pem}", "tls.cert: missing; expected the path of a file in PEM with the certificate, with those"),
    ("tls: {cert: 5, key: key.pem}", "tls.cert: expected a path, not 5; put it in quotes"),
    ("tls: {cert: a.pem, key: key.pem}", "tls.cert: {folder}/a.pem cannot be read: No such file or directory"),
    ("tls: {cert: cert.pem, key: ./}", "tls.key: {folder} cannot be read: Is a directory"),
    ("tls: {cert: cert.pem, key: pipe}", "tls.key: {folder}/pipe cannot be read: not a regular file"),
    ("tls: {cert: key.pem, key: cert.pem}",
     "tls.cert: {folder}/key.pem holds no certificate in PEM, which has a line -----BEGIN CERTIFICATE-----; it is a"
     " key: cert and key seem to be swapped"),
    ("tls: {cert: cert.pem, key: cert.pem}", "tls.key: {folder}/cert.pem holds no private key in PEM, which has a"),
    ("tls: {cert: cert.pem, key: other/key.pem}",
     "tls.key: {folder}/other/key.pem is not the key of the certificate in {folder}/cert.pem: expected the one that was"
     " made with it"),
    ("tls: {cert: cert.pem, key: rsa/key.pem}", "tls.key: {folder}/rsa/key.pem is not the key of the certificate in"),
    ("tls: {cert: rsa/cert.pem, key: key.pem}", "tls.key: {folder}/key.pem is not the key of the certificate in"),
    ("tls: {cert: cert.pem, key: locked/key.pem}", "tls.key: {folder}/locked/key.pem has a passphrase, which nobody is"
     " there to give: openssl pkey -in"),
    ("tls: {cert: cert.pem, key: broken.pem}", "tls.key: {folder}/broken.pem holds a private key that cannot be"),
    ("tls: {cert: broken.pem, key: key.pem}", "tls.cert: {folder}/broken.pem holds a certificate that cannot be"),
    ("tls: {cert: weak/cert.pem, key: weak/key.pem}", "tls.cert: {folder}/weak/cert.pem holds a certificate that is too"
     " weak: ee key too small"),
])  # fmt: skip
def test_what_cannot_be_shown_is_told_with_line_key_and_what_would_be_right(
    pair: tuple[Path, Path], line: str, message: str
) -> None:
    folder = pair[0].parent
    if "other" in line:
        make(folder / "other")
    if "rsa" in line:
        make(folder / "rsa", ("ec -pkeyopt ec_paramgen_curve:prime256v1", "rsa:2048"))
    if "locked" in line:
        make(folder / "locked", ("-nodes", "-passout pass:secret"))
    if "pipe" in line:
        os.mkfifo(folder / "pipe")
    if "weak" in line:
        make(folder / "weak", ("ec -pkeyopt ec_paramgen_curve:prime256v1", "rsa:1024"))
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    (folder / "broken.pem").write_text(broken + broken.replace("CERTIFICATE", "PRIVATE KEY"))
    (fault,) = faults(folder, line)
    assert fault.startswith(f"cronscope.yml:2: {message.format(folder=folder)}")


def test_tls_may_be_told_to_be_off(tmp_path: Path) -> None:
    assert faults(tmp_path, "tls: null") == faults(tmp_path, "tls:") == []


def test_check_finds_what_is_wrong_and_warns_of_a_key_for_everybody(pair: tuple[Path, Path]) -> None:
    cert, key = pair
    file = cert.parent / "cronscope.yml"
    file.write_text("tls: {cert: cert.pem, key: key.pem}\n")
    key.chmod(0o640)
    assert (invoke("check", "-c", file).exit_code, invoke("check", "-c", file).stderr) == (0, "")
    key.chmod(0o644)
    result = invoke("check", "-c", file)
    assert (result.exit_code, result.stderr) == (
        0,
        f"{file}:1: warning: tls.key {key} can be read by every user of this machine, and holds a secret;"
        f" chmod o-r {key}\n",
    )
    shutil.copy(key, cert)
    assert invoke("check", "-c", file).exit_code == 1


def test_doctor_tells_what_will_go_wrong_with_a_certificate(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    def findings() -> list[tuple[str, str, str]]:
        loaded = load_config(tmp_path / "cronscope.yml", environ={}, flags={})
        found = named_files.certificate(loaded, Lines(loaded))
        return [(each.severity, each.where.removeprefix(f"{tmp_path}/"), each.what) for each in found]

    cert, key = pair
    (tmp_path / "cronscope.yml").write_text("\ntls: {cert: cert.pem, key: key.pem}\n")
    assert findings() == []
    make(tmp_path, ("-days 30", "-days 6"))
    ((severity, where, what),) = findings()
    assert (severity, where) == ("warning", "cronscope.yml:2")
    assert what.startswith(f"tls.cert {cert} is valid until ")
    expire(cert, key)
    assert findings() == [("error", "cronscope.yml:2", f"tls.cert {cert}: certificate has expired")]
    key.write_text("")
    ((severity, where, what),) = findings()
    assert (severity, where, "holds no private key" in what) == ("error", "cronscope.yml:2", True)
