"""Starts a service as systemd would, on a machine that has none: python like_systemd.py UNIT.

It runs as root in a mount namespace of its own, and becomes the service. Of the unit it does what
changes how a program runs here: the user, no right, its two directories, a file system that is
otherwise read-only, a private /tmp, no home directories, no memory that is written and then run. It
does not filter system calls, which needs systemd itself.
"""

import ctypes
import os
import pwd
import shlex
import subprocess
import sys
from pathlib import Path

PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, PR_SET_MDWE = 38, 24, 65
CAPABILITIES = 41


def main(unit: str) -> None:
    """Become the service of a unit."""
    lines = [line.partition("=") for line in Path(unit).read_text("utf-8").splitlines()]
    settings = {name: value for name, _, value in lines}
    assert settings["ProtectSystem"] == "strict"
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
    environment |= _assignments(shlex.split(settings["Environment"]))
    environment |= _assignments(Path(settings["EnvironmentFile"]).read_text("utf-8").splitlines())
    user = pwd.getpwnam(settings["User"])

    for parent, name in (("/var/lib", "StateDirectory"), ("/var/log", "LogsDirectory")):
        own = Path(parent) / settings[name]
        own.mkdir(mode=int(settings[f"{name}Mode"], 8))
        os.chown(own, user.pw_uid, user.pw_gid)
        _mount("--bind", own, own)
    for folder in ("/opt", "/etc", "/usr/local", "/var/lib", "/var/log", "/"):
        _mount("-o", "remount,bind,ro", folder)
    if settings["PrivateTmp"] == "yes":
        for folder in ("/tmp", "/var/tmp"):  # noqa: S108 - what the service gets instead of these
            _mount("-t", "tmpfs", "private", folder)
    if settings["ProtectHome"] == "yes":
        for folder in ("/home", "/root"):
            _mount("-t", "tmpfs", "-o", "mode=0", "hidden", folder)

    kernel = ctypes.CDLL(None)
    assert settings["CapabilityBoundingSet"] == ""
    for capability in range(CAPABILITIES):
        kernel.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([user.pw_gid])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    if settings["NoNewPrivileges"] == "yes":
        kernel.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if settings["MemoryDenyWriteExecute"] == "yes":
        kernel.prctl(PR_SET_MDWE, 1, 0, 0, 0)  # Linux 6.3 and newer
    os.umask(int(settings["UMask"], 8))
    os.chdir(settings["WorkingDirectory"])
    command = settings["ExecStart"].split()
    os.execve(command[0], command, environment)  # noqa: S606 - there is no shell to go through


def _assignments(lines: list[str]) -> dict[str, str]:
    parts = [line.partition("=") for line in lines if line.strip() and not line.startswith("#")]
    return {name: value for name, _, value in parts}


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["/usr/bin/mount", *arguments], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
