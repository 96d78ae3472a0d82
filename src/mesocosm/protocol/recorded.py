"""What a record says of its experiment where the code is gone: its words, and every recorded column as a measure."""

from __future__ import annotations

from mesocosm.protocol.declaration import Declaration, RunConfiguration
from mesocosm.protocol.reading import claims_of
from mesocosm.record import Record


def as_recorded(record: Record) -> Declaration:
    """A declaration made of what the record holds; nothing can be built from it."""
    said = record.header.get("declaration", {})
    claims = claims_of(record)
    findings = {f["name"]: f for f in record.findings}
    return Declaration(
        name=record.header["experiment"],
        title=record.header["experiment"],
        question=str(said.get("question", "")),
        prediction=str(said.get("prediction", "")),
        control=str(said.get("control", "")),
        configuration=RunConfiguration,
        claims=tuple(claim for claim in claims if claim.name in findings),
    )
