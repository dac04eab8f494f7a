"""A real nginx or Apache that a test sets up, in a folder of its own."""

import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from jobs_data import addresses
from tests.support.app_servers import ROOT, stop
from tests.support.programs import require_program

START_SECONDS = 20

DEPLOY = ROOT / "deploy"
APP = "http://127.0.0.1:8501"
"""Where the files in deploy/ expect the app."""

NGINX = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {http}
}}
"""
# A site of the platform, as in Heratio's and AtoM's own instructions.
NGINX_SITE = r"""
server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate.chain};
    ssl_certificate_key {certificate.key};
    {snippet}
    location / {{ return 200 "platform"; }}
    location ~ \.php(/|$) {{ return 200 "php"; }}
    location ~* \.(js|css|png|jpg|svg|csv)$ {{ return 200 "file"; }}
    location ~ ^/(admin|index)\b {{ return 200 "platform"; }}
}}
"""
# The platform's rule sends every address to its front controller, which is not there.
APACHE = """
ServerRoot /usr/lib/apache2
DefaultRuntimeDir {folder}
PidFile {folder}/pid
ErrorLog /dev/stderr
ServerName localhost
User nobody
Group nogroup
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
{modules}
Listen 127.0.0.1:{port}
<VirtualHost *:{port}>
    SSLEngine on
    SSLCertificateFile {certificate.chain}
    SSLCertificateKeyFile {certificate.key}
    ErrorDocument 404 platform
    {snippet}
    RewriteEngine On
    RewriteRule "^" "/index.php" [L]
</VirtualHost>
"""


@dataclass(frozen=True)
class Certificate:
    """A certificate for 127.0.0.1 that signed itself, in two files."""

    chain: Path
    key: Path

    @classmethod
    def in_folder(cls, folder: Path) -> "Certificate":
        """Make one."""
        made = cls(folder / "certificate.pem", folder / "key.pem")
        openssl = require_program("openssl", "openssl")
        files = ["-keyout", str(made.key), "-out", str(made.chain)]
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run(
            [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *files],
            check=True,
            capture_output=True,
        )
        return made

    def trusted(self) -> ssl.SSLContext:
        """Return what a client needs to trust it."""
        return ssl.create_default_context(cafile=str(self.chain))


@contextmanager
def deployed_nginx(folder: Path, port: int, certificate: Certificate, app: str) -> Iterator[None]:
    """Run nginx with deploy/nginx on a site of the platform, before an app at an origin."""
    site = NGINX_SITE.format(
        port=port, certificate=certificate, snippet=_deployed("nginx/heratio-jobs.conf", app)
    )
    http = (DEPLOY / "nginx" / "heratio-jobs-http.conf").read_text("utf-8")
    with running_nginx(folder, http + site, f"https://127.0.0.1:{port}", certificate.trusted()):
        yield


@contextmanager
def deployed_apache(folder: Path, port: int, certificate: Certificate, app: str) -> Iterator[None]:
    """Run Apache with deploy/apache on a site of the platform, before an app at an origin."""
    snippet = _deployed("apache/heratio-jobs.conf", app)
    [enabled] = [line for line in snippet.splitlines() if line.startswith("# a2enmod ")]
    modules = [
        f"LoadModule {name}_module modules/mod_{name}.so"
        for name in enabled.removeprefix("# a2enmod ").split()
    ]
    configuration = folder / "apache.conf"
    configuration.write_text(
        APACHE.format(
            folder=folder,
            port=port,
            certificate=certificate,
            snippet=snippet,
            modules="\n".join(modules),
        ),
        "utf-8",
    )
    apache = require_program("apache2", "apache2-bin")
    command = [apache, "-X", "-f", str(configuration)]
    with _running(command, folder / "log", f"https://127.0.0.1:{port}", certificate.trusted()):
        yield


def _deployed(file: str, app: str) -> str:
    text = (DEPLOY / file).read_text("utf-8")
    assert APP in text
    return text.replace(APP, app)


@contextmanager
def running_nginx(
    folder: Path, http: str, origin: str, trusted: ssl.SSLContext | None = None
) -> Iterator[None]:
    """Run nginx with this in its http block, until it answers for the app at an origin and after."""
    nginx = require_program("nginx", "nginx-light")
    (folder / "snippets").mkdir()
    shutil.copy(DEPLOY / "nginx" / "heratio-jobs-headers.conf", folder / "snippets")
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, http=http), "utf-8")
    command = [nginx, "-p", str(folder), "-c", str(configuration)]
    with _running(command, folder / "log", origin, trusted):
        yield


@contextmanager
def _running(
    command: list[str], log: Path, origin: str, trusted: ssl.SSLContext | None
) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait_until_it_answers(process, origin, log, trusted)
        yield
    finally:
        stop(process)


def _wait_until_it_answers(
    process: subprocess.Popen[bytes], origin: str, log: Path, trusted: ssl.SSLContext | None
) -> None:
    deadline = time.monotonic() + START_SECONDS
    with httpx2.Client(verify=trusted or True, timeout=5) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                client.get(f"{origin}{addresses.LIVENESS}").raise_for_status()
            except httpx2.TransportError:
                time.sleep(0.05)
            else:
                return
    text = log.read_text("utf-8", "replace")[-4000:]
    pytest.fail(f"The web server did not start:\n{text}", pytrace=False)
