"""A cloud's own command line, asked and never told: it reads with the operator's own sign-in and answers in JSON.

The tools are the interface, on a real account and in a rehearsal alike; what a rehearsal answers is said in
docs/explanation/checks.md.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli import errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT_S = 30.0
# What the three tools say where nobody is signed in, or where the sign-in has run out.
_SIGNED_OUT = re.compile(
    r"az login|gcloud auth login|not currently have an active account|InvalidAccessKeyId|configure.*profile"
    r"|Reauthentication|expired|credential",
    re.IGNORECASE,
)


class NotAskedError(errors.TwainError):
    """The tool is not there, did not answer, or answered something else: what it would have said is unknown."""

    code = errors.PARTIAL
    default_id = "CHK-TOOL"


class SignedOutError(errors.AuthError):
    """The tool has no sign-in that the cloud takes."""

    default_id = "AUTH-CLOUD"


@dataclass(frozen=True)
class Tool:
    """One command line of a cloud, found on the PATH of the context."""

    name: str
    env: Mapping[str, str]
    sign_in: str
    timeout_s: float = TIMEOUT_S

    def ask(self, *args: str) -> Any:
        """The JSON that a command prints. Raises NotAskedError, SignedOutError."""
        text = self.text(*args)
        try:
            return json.loads(text or "null")
        except ValueError as error:
            message = f"{self.name} {' '.join(args[:3])} printed no JSON."
            raise NotAskedError(message, fix=f"{self.name} --version") from error

    def text(self, *args: str) -> str:
        """What a command prints. Raises NotAskedError, SignedOutError."""
        program = shutil.which(self.name, path=self.env.get("PATH"))
        if program is None:
            message = f"{self.name} is not on the PATH, so the account cannot be asked."
            raise NotAskedError(message, fix=f"install {self.name}")
        try:
            done = subprocess.run(
                [program, *args], env=dict(self.env), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=self.timeout_s, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            message = f"{self.name} {' '.join(args[:3])} did not answer: {type(error).__name__}."
            raise NotAskedError(message, fix="try again; each look-up only reads") from error
        if done.returncode == 0:
            return done.stdout
        raise self.refusal(args, code=done.returncode, said=done.stderr.strip() or done.stdout.strip())

    def refusal(self, args: Sequence[str], *, code: int, said: str) -> errors.TwainError:
        """The error of a command that ended with another code than 0."""
        words = (said or "without a word").splitlines()[-1][:300]
        if _SIGNED_OUT.search(said):
            return SignedOutError(f"{self.name} is not signed in: {words}", fix=self.sign_in)
        message = f"{self.name} {' '.join(args[:3])} ended with {code}: {words}"
        return NotAskedError(message, fix=f"run it by hand: {self.name} {' '.join(args)}")
