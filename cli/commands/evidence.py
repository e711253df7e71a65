"""`twain evidence`: what was judged, signed, in files that stand for themselves."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.options import Scope, context_option, output_option, pass_app, scope_options
from cli.verbs import Kind, NounGroup, Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Format

DEPLOYS = Kind(
    name="EvidenceReport",
    item={
        "stack": "string",
        "cell": "string",
        "layer": "infra|platform",
        "source": "state|not up|empty|unknown",
        "planHash": "sha256:digest|not collected",
        "resources": "integer",
        "judged": "integer",
        "violations": "integer|not collected",
    },
    extra={
        "summary": {
            "tests": "integer", "passed": "integer", "failed": "integer", "pending": "integer",
            "skipped": "integer", "other": "integer", "start": "integer", "stop": "integer",
        },
        "files": ["string"],
        "key": "sha256:digest",
        "algorithm": "ed25519|ecdsa-p256-sha256",
    },
)  # fmt: skip
VERIFIED = Kind(
    name="EvidenceVerification",
    item={"file": "string", "state": "ok|changed|missing", "sha256": "sha256 hex|null"},
    extra={
        "key": "sha256:digest",
        "algorithm": "ed25519|ecdsa-p256-sha256",
        "timestamp": "RFC 3339|null",
        "world": "cn|row|null",
        "failed": "integer|null",
    },
)
PUBLISHED = Kind(
    name="EvidenceKeyList",
    item={"cell": "string", "key": "sha256:digest", "algorithm": "ed25519|ecdsa-p256-sha256", "pem": "string"},
)


@click.group(cls=NounGroup)
def evidence() -> None:
    """Evidence of residency: what is deployed, by which rules it was judged, who waived what; signed."""


@evidence.command(
    "report",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=DEPLOYS,
        examples=(
            "twain evidence report --key key.pem --out evidence/",
            "twain evidence report --key-of eu-ams-1 --out evidence/",
            "twain evidence report --key key.pem --out evidence/ --waivers waivers/ --cell cn-sha-1",
        ),
    ),
)
@click.option("--key", "key_file", metavar="FILE", help="Sign with this private Ed25519 key, PEM, mode 0600.")
@click.option("--key-of", "key_cell", metavar="CELL", help="Sign with this cell's own key, which never leaves it.")
@click.option("--out", required=True, metavar="DIR", help="Where the three files go; older ones there are replaced.")
@click.option("--waivers", metavar="PATH", help="A waiver file, or a folder of them.")
@scope_options
@output_option
@context_option
@pass_app
def report(app: App, *, out: str, waivers: str | None, scope: Scope, output: Format, **keys: str | None) -> None:
    """Judge every deployed stack of the own world and write a signed report of it.

    Three files: a CTRF report, a page for people, and a DSSE envelope (in-toto statement) that holds the hashes of
    both. It is signed with a key of a file, or by a cell's key service (--key-of): with Ed25519, or ECDSA on P-256
    where the service knows no Ed25519. Where the service does not answer in time nothing is written (16).

    What nobody collected stands as `not collected` and never as passed. A violation ends with 5, a stack of which
    nothing could be learnt with 13; the files are written all the same. The same verb as `twain residency report`. A
    key of a file is made by:
    openssl genpkey -algorithm ed25519 -out key.pem
    """
    from cli import files
    from cli.evidence import collect, dsse, page
    from cli.evidence import keys as signing
    from cli.evidence import report as reporting

    file, cell = _chosen(keys)
    signer = signing.of_file(Path(file).expanduser()) if file else signing.of_cell(app, cell)
    document = reporting.ctrf(collect.facts(app, scope, waivers=waivers))
    told = {reporting.CTRF: dsse.canonical(document), reporting.PAGE: page.render(document)}
    envelope = dsse.sign(reporting.statement(document, told, signer.told()), signer)
    folder = Path(out).expanduser()
    # The envelope last: while it is old, it fails on the new files, and does not pass for them.
    for name, data in {**told, reporting.ENVELOPE: envelope}.items():
        files.write_private(folder / name, data)
    written = [str(folder / name) for name in (*told, reporting.ENVELOPE)]
    _show(app, document, output, written=written, signature=signer.told(), cell=cell)


def _chosen(keys: dict[str, str | None]) -> tuple[str, str]:
    """The file, or else the cell. Raises UsageError where it is not one of them."""
    file, cell = keys["key_file"] or "", keys["key_cell"] or ""
    if bool(file) == bool(cell):
        message = "a signature is of one key: of a file, or of a cell."
        raise errors.UsageError(message, fix="give either --key FILE or --key-of CELL", id="CFG-KEY")
    return file, cell


def _show(
    app: App, document: dict[str, Any], output: Format, *, written: list[str], signature: dict[str, str], cell: str
) -> None:
    from cli.output import Column, Report

    results = document["results"]
    summary, deploys = results["summary"], results["extra"]["deploys"]
    unknown = [(one["stack"], one["cell"]) for one in deploys if one["source"] == "unknown"]
    columns = (
        Column(title="STACK", key="stack"),
        Column(title="SOURCE", key="source"),
        Column(title="RESOURCES", key="resources", right=True),
        Column(title="JUDGED", key="judged", right=True),
        Column(title="VIOLATIONS", key="violations", right=True, tone=lambda count: "bad" if count else None),
        Column(title="PLAN HASH", key="planHash"),
    )
    rows = [
        errors.ErrorRow(id=test["name"], message=f"{test['suite'][0]}: {test['message']}.", code=errors.POLICY)
        for test in results["tests"]
        if test["status"] == "failed"
    ]
    rows += [errors.ErrorRow(id="EVD-003", message=f"nothing is known of {name}.", cell=cell) for name, cell in unknown]
    counts = ", ".join(f"{summary[name]} {name}" for name in ("passed", "failed", "skipped", "other"))
    shown = Report(
        kind=DEPLOYS.name,
        items=deploys,
        columns=columns,
        errors=rows,
        extra={
            "summary": summary,
            "files": written,
            "key": signature["keyid"],
            "algorithm": signature["algorithm"],
        },
        footer=[
            f"checks: {counts}",
            f"signed by {signature['keyid']} ({signature['algorithm']}) of {signature['held']}",
            *(f"wrote {one}" for one in written),
        ],
        empty="no stack of this world lies in the scope",
        next=f"twain evidence verify {written[-1]} {f'--key-of {cell}' if cell else '--key KEY.pub'}",
    )
    app.finish(shown, output)


@evidence.command(
    "verify",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=VERIFIED,
        examples=(
            "twain evidence verify evidence/residency.dsse.json --key key.pub",
            "twain evidence verify evidence/residency.dsse.json --key-of eu-ams-1",
        ),
    ),
)
@click.argument("file", metavar="FILE")
@click.option("--key", "key_file", metavar="FILE", help="The public key, PEM: Ed25519 or ECDSA on P-256.")
@click.option("--key-of", "key_cell", metavar="CELL", help="Ask this cell's key service for its public keys.")
@output_option
@context_option
@pass_app
def verify(app: App, *, file: str, output: Format, **keys: str | None) -> None:
    """Check an envelope and the files beside it. Ends with 5 when one byte of any of them is not what was signed.

    With a key of a file it needs no context and asks nobody. The key decides by which algorithm it is verified. A
    good signature says who signed and that nothing was changed since; what the report found stands in the report.
    """
    from cli.evidence import dsse
    from cli.evidence import keys as signing
    from cli.evidence import report as reporting

    key_file, cell = _chosen(keys)
    known = [dsse.read_public(Path(key_file).expanduser())] if key_file else signing.published(app, cell)
    path = Path(file).expanduser()
    try:
        data = path.read_bytes()
    except OSError as error:
        message = f"the envelope {path} cannot be read: {error.strerror}."
        raise errors.UsageError(message, fix="name the file residency.dsse.json", id="CFG-FILE") from error
    try:
        statement, key = dsse.opened(data, known)
        reporting.must_be_report(statement)
    except dsse.BadEnvelopeError as error:
        message = f"the envelope {path} does not hold: {error}."
        fix = "ask whoever signed it for the file again, by another way"
        raise errors.PolicyError(message, fix=fix, where=str(path), id="EVD-001") from error
    _verified(app, path, statement, output, key={"key": dsse.key_id(key), "algorithm": dsse.algorithm(key)})


def _verified(app: App, path: Path, statement: dict[str, Any], output: Format, *, key: dict[str, str]) -> None:
    from cli.output import Column, Report

    items = [_subject(path.parent, one) for one in statement.get("subject") or ()]
    predicate = statement.get("predicate") or {}
    failed = (predicate.get("summary") or {}).get("failed")
    rows = [
        errors.ErrorRow(
            id="EVD-002",
            message=f"{one['file']} is {one['state']}: it is not the file that was signed.",
            fix="ask whoever signed it for the files again",
            code=errors.POLICY,
        )
        for one in items
        if one["state"] != "ok"
    ]
    by = f"{key['key']} ({key['algorithm']})"
    told = f"signed by {by} at {predicate.get('timestamp')}; the report says: {failed} failed."
    shown = Report(
        kind=VERIFIED.name,
        items=items,
        columns=(
            Column(title="FILE", key="file"),
            Column(title="STATE", key="state", tone=lambda state: "good" if state == "ok" else "bad"),
            Column(title="SHA256", key="sha256", wide=True),
        ),
        errors=rows,
        extra={
            **key,
            "timestamp": predicate.get("timestamp"),
            "world": predicate.get("world"),
            "failed": failed,
        },
        footer=[] if rows else [told],
    )
    app.finish(shown, output)


def _subject(folder: Path, raw: dict[str, Any]) -> dict[str, Any]:
    """A file that the statement names, beside the envelope. A name that leads elsewhere is a file that is missing."""
    name, wanted = str(raw.get("name")), (raw.get("digest") or {}).get("sha256")
    if Path(name).name != name:
        return {"file": name, "state": "missing", "sha256": None}
    try:
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    except OSError:
        return {"file": name, "state": "missing", "sha256": None}
    return {"file": name, "state": "ok" if found == wanted else "changed", "sha256": found}


@evidence.command(
    "key",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=PUBLISHED,
        examples=("twain evidence key eu-ams-1 --out key.pub", "twain evidence key eu-ams-1 -o json"),
    ),
)
@click.argument("cell", metavar="CELL")
@click.option("--out", metavar="FILE", help="Write the newest as PEM, to be handed to whoever verifies.")
@output_option
@context_option
@pass_app
def key(app: App, *, cell: str, out: str | None, output: Format) -> None:
    """The public keys of a cell's own signing key, the newest first. The private ones stay in the key service.

    Whoever verifies needs such a file and no access to any cloud.
    """
    from cli import files
    from cli.evidence import dsse
    from cli.evidence import keys as signing
    from cli.output import Column, Report

    known = signing.published(app, cell)
    pems = [dsse.published(one) for one in known]
    if out is not None:
        files.write_private(Path(out).expanduser(), pems[0])
    shown = Report(
        kind=PUBLISHED.name,
        items=[
            {"cell": cell, "key": dsse.key_id(one), "algorithm": dsse.algorithm(one), "pem": pem.decode()}
            for one, pem in zip(known, pems, strict=True)
        ],
        columns=(
            Column(title="CELL", key="cell"),
            Column(title="ALGORITHM", key="algorithm"),
            Column(title="KEY", key="key"),
            Column(title="PEM", key="pem", wide=True),
        ),
        footer=[f"wrote {out}"] if out is not None else [],
        next="twain evidence verify FILE --key key.pub",
    )
    app.finish(shown, output)
