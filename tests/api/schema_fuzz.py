"""Requests made from the OpenAPI document, as nobody, as an inspector and as a case officer.

``python -m tests.api.schema_fuzz [--examples 100] [--seed 1]`` runs it long, over every kind; the
test beside it runs it short. Whatever is sent: no server error, and what is answered is described.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from schemathesis.schemas import APIOperation

from gis.db.connect import open_installation
from gis.settings import Settings
from tests.api.crowd import Crowd, gather

Case = schemathesis.Case[Any]  # Any: of which schema is of no matter
Operation = APIOperation[Any, Any, Any, Any]
EXCLUDED = {
    ("GET", "/events"),  # a stream without an end
    ("POST", "/logout"),  # would end the session the others are asked with
}
CALLERS = ("anonymous", "inspector", "officer")
SAMPLE = "road"
"""Every kind has the same paths: the short run takes one."""


@dataclass
class Tally:
    """What was sent, and what came back."""

    statuses: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """How many requests."""
        return sum(self.statuses.values())


@schemathesis.serializer("application/offset+octet-stream")
def write_piece(_context: object, value: object) -> bytes:
    """A piece of an upload as it is sent."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def list_operations(document: dict[str, Any], *, every_kind: bool) -> Iterator[tuple[str, str]]:
    """(method, path) of what is to be asked."""
    for path, item in document["paths"].items():
        kind = re.match(r"/collections/(\w+)", path)
        if kind is not None and kind[1] != SAMPLE and not every_kind:
            continue
        for method in item:
            if (method.upper(), path) not in EXCLUDED:
                yield method.upper(), path


def run(crowd: Crowd, *, examples: int, seed: int, every_kind: bool = False) -> Tally:
    """Ask every operation ``examples`` times as each caller."""
    tally = Tally()
    clients = {
        "anonymous": crowd.visitor(),
        "inspector": crowd.log_in("inspector"),
        "officer": crowd.log_in("officer"),
    }
    document = clients["officer"].get("/api").json()
    schema = schemathesis.openapi.from_dict(document)
    for method, path in list_operations(document, every_kind=every_kind):
        for caller in CALLERS:
            _ask(schema[path][method], clients[caller], caller, tally, examples, seed)
    return tally


def _ask(
    operation: Operation,
    client: httpx.Client,
    caller: str,
    tally: Tally,
    examples: int,
    seed: int,
) -> None:
    @seeded(seed)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Case) -> None:
        answer = _send(client, case)
        tally.statuses[f"{caller} {answer.status_code // 100}xx"] += 1
        tally.failures += _judge(caller, case, answer)

    ask()


def _send(client: httpx.Client, case: Case) -> httpx.Response:
    """Send a case by the caller's own client: its cookie is not the fuzzer's to choose."""
    sent = case.as_transport_kwargs(base_url=str(client.base_url))
    headers = {
        name: value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        for name, value in dict(sent["headers"]).items()
        if name.lower() not in ("user-agent", "authorization", "cookie")
    }
    body = {name: sent[name] for name in ("json", "data", "files") if sent.get(name) is not None}
    if isinstance(body.get("data"), bytes | str):
        body["content"] = body.pop("data")
    with client.stream(
        sent["method"], sent["url"], params=sent.get("params"), headers=headers, **body
    ) as answer:
        answer.read()
    return answer


def _judge(caller: str, case: Case, answer: httpx.Response) -> list[str]:
    where = f"{caller}: {case.method} {case.operation.path} -> {answer.status_code}"
    if answer.status_code >= 500:
        return [f"{where}: {answer.text[:200]} | {case.as_curl_command()[:600]}"]
    media = answer.headers.get("content-type", "").partition(";")[0]
    described = case.operation.definition.raw["responses"]
    entry = described.get(str(answer.status_code), described["default"])
    if "$ref" in entry:
        known = {"application/problem+json"}
    else:
        known = {name.partition(";")[0] for name in entry.get("content", {})}
    if answer.content and media not in known and "*/*" not in known:
        return [f"{where}: {media or 'no type'} is not among {sorted(known)}"]
    return []


def main() -> None:
    """Run it long and print the counts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir="/var/tmp") as scratch:
        Path(scratch).chmod(0o755)  # the database's own user enters it
        installation = open_installation(Settings(state_folder=Path(scratch) / "state"))
        engines = installation.db.engines
        urls = {p: e.url.render_as_string(hide_password=False) for p, e in engines.items()}
        try:
            with gather(urls, Path(scratch)) as crowd:
                tally = run(crowd, examples=asked.examples, seed=asked.seed, every_kind=True)
        finally:
            installation.close()
    for what, count in sorted(tally.statuses.items()):
        print(f"{what}: {count}")
    for failure in sorted(set(tally.failures)):
        print(failure)
    seconds = time.monotonic() - began
    print(f"requests: {tally.sent}; failures: {len(tally.failures)}; seconds: {seconds:.0f}")


if __name__ == "__main__":
    main()
