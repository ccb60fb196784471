"""Iron's budget protocol over plain HTTP, with nothing but Python's standard library.

A Budget borrows a lease, holds the worst case of each call against it, keeps a report on disk until Iron has
acknowledged it, borrows the next slice and returns the rest. While Iron is gone it goes on inside its lease.
All money is in US dollars, as Decimal: floats do not add up.
"""

import contextlib
import json
import os
import pathlib
import random
import time
import urllib.error
import urllib.request
import uuid
from decimal import ROUND_UP, Decimal

ANSWER_WITHIN_SECONDS = 20
BATCH_MAX = 100
LOW_SHARE = Decimal("0.25")  # borrow anew when less than this share of the grant is left
MARGIN_SECONDS = 5  # no call starts so shortly before the end of a lease
RETRY_FIRST_SECONDS, RETRY_MOST_SECONDS = 0.5, 30
GOODBYE_SECONDS = 30
# Nothing more is lent for now; what was lent already may be used up.
NO_FURTHER_GRANT = {"BUDGET_EXCEEDED", "LIMIT_EXCEEDED", "ACCOUNT_SUSPENDED"}
# The lease has ended without us, is unknown after a restore, or was asked for with other figures: a new one is due.
BEGIN_ANEW = {"LEASE_NOT_ACTIVE", "LEASE_NOT_FOUND", "IDEMPOTENCY_CONFLICT"}
MICRODOLLAR = Decimal("0.000001")


class Unavailable(Exception):
    """Iron did not answer, or asked to come back later: the same call may be sent again."""

    def __init__(self, message, retry_after_seconds=0.0):
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Refused(Exception):
    """Iron answered no; `code` says why."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class Budget:
    def __init__(self, address, ic_token, journal, lease_usd):
        self._base, self._ic_token, self._lease_usd = f"{address}/api/v1", ic_token, Decimal(lease_usd)
        self._journal = pathlib.Path(journal)
        (self._journal / "refused").mkdir(parents=True, exist_ok=True)
        for running in self._journal.glob("*.open"):  # the process died in a call: it may have been billed
            running.rename(running.with_suffix(".json"))
        self.lease_id = None
        self.granted = self.spent = Decimal(0)
        self._deadline = self._retry_at = self._borrow_again_at = 0.0
        self._ttl = self._misses = 0
        self._over_budget = False

    @contextlib.contextmanager
    def call(self, model, worst_usd):
        """Around one LLM call that costs at most `worst_usd`. The block calls `done(input_tokens, output_tokens, cost_usd)`,
        or `done.nothing()` if the provider surely billed nothing; if it does neither, the worst case is reported."""
        worst = Decimal(worst_usd).quantize(MICRODOLLAR, ROUND_UP)
        self._lend(worst)
        report = {"lease_id": self.lease_id, "request_id": str(uuid.uuid4()), "model": model}
        unheard = {**report, "outcome": "failed", "cost_usd": float(worst)}
        self._write(f"{report['request_id']}.open", unheard)
        outcome = _Outcome(worst, unheard)
        try:
            yield outcome
        finally:
            self.spent += outcome.cost
            if outcome.fields is not None:
                self._write(f"{report['request_id']}.json", {**report, **outcome.fields})
            (self._journal / f"{report['request_id']}.open").unlink()
        if self._may_ask():
            self._attempt(self.flush)

    def flush(self):
        """Tells Iron everything that waits. Reports have names: one that is told twice is booked once."""
        while waiting := sorted(self._journal.glob("*.json"))[:BATCH_MAX]:
            asked_at = time.monotonic()
            reports = [json.loads(file.read_text()) for file in waiting]
            answer = self._post("/budget/report/batch", {"reports": reports})
            for file, report, result in zip(waiting, reports, answer["results"]):
                if result["status"] != "error":
                    file.unlink()
                    self._over_budget = result["over_budget"]
                    if report["lease_id"] == self.lease_id and not result["late"]:
                        self._deadline = asked_at + self._ttl - MARGIN_SECONDS
                elif result["code"] == "LEASE_NOT_FOUND" and self.lease_id not in (None, report["lease_id"]):
                    self._write(file.name, {**report, "lease_id": self.lease_id})  # that lease is lost, its cost is not
                else:
                    file.rename(self._journal / "refused" / file.name)

    def waiting(self):
        """How many calls Iron has not acknowledged."""
        return len(list(self._journal.glob("*.json")))

    def close(self):
        """Tells the rest and returns the lease; what cannot be told within half a minute waits for the next run."""
        until = time.monotonic() + GOODBYE_SECONDS
        while not self._attempt(self._say_goodbye) and time.monotonic() < until:
            self._pause()

    def _say_goodbye(self):
        self.flush()
        self._give_back()

    def _lend(self, worst):
        while True:
            free = self.granted - self.spent
            enough = time.monotonic() < self._deadline and free >= worst and not self._over_budget
            low = free < self.granted * LOW_SHARE or self._deadline - time.monotonic() < self._ttl * float(LOW_SHARE)
            if enough and not (low and self._may_ask() and time.monotonic() >= self._borrow_again_at):
                return
            try:
                answered = self._attempt(self._borrow)
            except Refused as refusal:
                if not enough or refusal.code not in NO_FURTHER_GRANT:
                    raise
                self._borrow_again_at = time.monotonic() + RETRY_MOST_SECONDS
                return
            if answered and self.lease_id is not None:
                if self.granted >= worst:
                    return
                raise Refused("BUDGET_EXCEEDED", "what is left of the budget does not cover this call")
            if not answered and not enough:
                print("waiting for Iron: the lease is used up", flush=True)
                self._pause()

    def _borrow(self):
        self.flush()
        if self.lease_id is None:
            self._give_back()  # what an earlier process left behind
        note = self._note() or {"key": str(uuid.uuid4())}
        self._write("lease", note)
        asked_at = time.monotonic()
        try:
            if self.lease_id is None:
                wish = {"requested_usd": float(self._lease_usd)}
                grant = self._post("/budget/reserve", wish, note["key"])
            else:
                wish = {"lease_id": self.lease_id, "requested_usd": float(self._lease_usd)}
                grant = self._post("/budget/refresh", wish)
        except Refused as refusal:
            if refusal.code not in BEGIN_ANEW:
                raise
            self.lease_id = None
            (self._journal / "lease").unlink()
            return
        self.lease_id, self.granted, self.spent = grant["lease_id"], Decimal(str(grant["granted_usd"])), Decimal(0)
        self._ttl, self._over_budget = grant["ttl_seconds"], False
        self._deadline = asked_at + self._ttl - MARGIN_SECONDS
        self._write("lease", {**note, "lease_id": self.lease_id})

    def _give_back(self):
        lease_id = (self._note() or {}).get("lease_id")
        if lease_id is None:
            return
        total = {"spent_usd": float(self.spent)} if lease_id == self.lease_id else {}
        try:
            self._post("/budget/return", {"lease_id": lease_id, **total})
        except Refused as refusal:
            if refusal.code not in BEGIN_ANEW:
                raise
        (self._journal / "lease").unlink()
        self.lease_id, self.granted, self.spent = None, Decimal(0), Decimal(0)

    def _post(self, route, body, idempotency_key=None):
        headers = {"Content-Type": "application/json", "X-IC-Token": self._ic_token}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        request = urllib.request.Request(self._base + route, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_WITHIN_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 429 or error.code >= 500:
                raise Unavailable(f"Iron answers {error.code}", float(error.headers.get("Retry-After") or 0)) from error
            refusal = json.load(error)
            raise Refused(refusal["code"], refusal["error"]) from error
        except OSError as error:
            raise Unavailable("Iron does not answer") from error

    def _attempt(self, work):
        try:
            work()
            self._misses = 0
            return True
        except Unavailable as error:
            doubled = min(RETRY_FIRST_SECONDS * 2**self._misses, RETRY_MOST_SECONDS)
            self._misses += 1
            self._retry_at = time.monotonic() + max(error.retry_after_seconds, doubled * random.uniform(0.5, 1))
            return False

    def _may_ask(self):
        return time.monotonic() >= self._retry_at

    def _pause(self):
        time.sleep(max(0.0, self._retry_at - time.monotonic()))

    def _note(self):
        file = self._journal / "lease"
        return json.loads(file.read_text()) if file.exists() else None

    def _write(self, name, content):
        """Whole or not at all, and on the disk before anybody goes on."""
        draft = self._journal / f"{name}.draft"
        with open(draft, "w") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._journal / name)


class _Outcome:
    """What a call came to; the worst case until it is told."""

    def __init__(self, worst, unheard):
        self.cost, self.fields = worst, unheard

    def __call__(self, input_tokens, output_tokens, cost_usd):
        self.cost = Decimal(cost_usd).quantize(MICRODOLLAR, ROUND_UP)
        counts = {"input_tokens": input_tokens, "output_tokens": output_tokens, "cost_usd": float(self.cost)}
        self.fields = {"outcome": "completed", **counts}

    def nothing(self):
        self.cost, self.fields = Decimal(0), None
