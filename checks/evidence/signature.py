"""Who vouches for a bundle: an SSH signature (SSHSIG) over its bytes, made and checked with ssh-keygen."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.errors import ChecksError

if TYPE_CHECKING:
    from pathlib import Path

#: What the signature is for: one made for another purpose does not verify here, nor this one elsewhere.
NAMESPACE = "trade-intent-evidence"
#: The name under which the controller's own key signs.
PRINCIPAL = "trade-intent-controller"


@dataclass(frozen=True, slots=True)
class Signature:
    """What a look at a signature found: who vouches for the file, or the problem that leaves nobody to."""

    signer: str | None
    problem: str | None

    @property
    def valid(self) -> bool:
        """Tell whether somebody who is allowed to vouches for exactly these bytes."""
        return self.signer is not None


def signature_path(evidence: Path) -> Path:
    """Name the file beside the evidence that holds its signature."""
    return evidence.with_name(evidence.name + ".sig")


def ensure_key(key: Path) -> None:
    """Make the controller's key pair (0600, no passphrase) and allow it to sign, if there is no key."""
    if key.exists():
        return
    key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _ssh_keygen(["-q", "-t", "ed25519", "-N", "", "-C", PRINCIPAL, "-f", str(key)])
    public = key.with_name(key.name + ".pub").read_text(encoding="utf-8")
    with (key.parent / "allowed_signers").open("a", encoding="utf-8") as signers:
        signers.write(f'{PRINCIPAL} namespaces="{NAMESPACE}" {public}')


def sign(evidence: Path, key: Path) -> Path:
    """Sign a file and write the signature beside it. Raises ChecksError if the key cannot sign."""
    result = _ssh_keygen(["-Y", "sign", "-n", NAMESPACE, "-f", str(key)], evidence.read_bytes())
    signature = signature_path(evidence)
    signature.write_bytes(result)
    return signature


def verify(evidence: Path, allowed_signers: Path) -> Signature:
    """Check the signature beside a file against those who may sign; a bad one raises nothing, it says why."""
    signature = signature_path(evidence)
    for path in (signature, allowed_signers):
        if not path.is_file():
            return Signature(None, f"{path} does not exist.")
    try:
        return Signature(_verified_signer(evidence, signature, allowed_signers), None)
    except ChecksError as error:
        return Signature(None, error.args[0])


def _verified_signer(evidence: Path, signature: Path, allowed_signers: Path) -> str:
    known = ["-s", str(signature), "-f", str(allowed_signers)]
    signer = _ssh_keygen(["-Y", "find-principals", *known]).decode().split()[0]
    _ssh_keygen(["-Y", "verify", "-n", NAMESPACE, "-I", signer, *known], evidence.read_bytes())
    return signer


def _ssh_keygen(arguments: list[str], text: bytes = b"") -> bytes:
    try:
        return subprocess.run(["ssh-keygen", *arguments], input=text, capture_output=True, check=True).stdout
    except FileNotFoundError as error:
        raise ChecksError("ssh-keygen is missing.", "Install the OpenSSH client.") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).decode(
            errors="replace"
        ).strip() or f"exit code {error.returncode}"
        raise ChecksError(
            f"ssh-keygen refused: {said.splitlines()[-1]}", "Check the key and the signature."
        ) from error
