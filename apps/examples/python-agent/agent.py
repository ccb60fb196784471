"""Makes a number of LLM calls on the budget of one agent."""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from decimal import Decimal

from iron_budget import Budget

MODEL = "gpt-4o"
INPUT_USD, OUTPUT_USD = Decimal("0.0000025"), Decimal("0.00001")  # for each token, the list price of the model
MAX_TOKENS = 400
PAUSE_SECONDS = 0.05


def chat(base_url, api_key, body):
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {api_key}"}
    request = urllib.request.Request(f"{base_url}/chat/completions", body, headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def main():
    try:
        ic_token, api_key = os.environ["IC_TOKEN"], os.environ["LLM_API_KEY"]
    except KeyError as missing:
        sys.exit(f"{missing.args[0]} is required")
    base_url = os.environ.get("LLM_URL", "https://api.openai.com/v1")
    address = os.environ.get("IRON_URL", "http://127.0.0.1:3000")
    lease_usd = os.environ.get("LEASE_USD", "0.02")
    budget = Budget(address, ic_token, os.environ.get("JOURNAL", "./journal"), lease_usd)
    try:
        for number in range(1, int(os.environ.get("CALLS", "14")) + 1):
            messages = [{"role": "user", "content": f"Question {number}: where did the money go?"}]
            body = json.dumps({"model": MODEL, "messages": messages, "max_tokens": MAX_TOKENS}).encode()
            # A token is at least a byte, so this is more than any input can cost.
            with budget.call(MODEL, len(body) * INPUT_USD + MAX_TOKENS * OUTPUT_USD) as done:
                try:
                    answer = chat(base_url, api_key, body)
                except urllib.error.HTTPError:
                    done.nothing()
                    raise
                tokens_in, tokens_out = answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]
                done(tokens_in, tokens_out, tokens_in * INPUT_USD + tokens_out * OUTPUT_USD)
            text = answer["choices"][0]["message"]["content"]
            print(f'call {number}  "{text}"  {budget.spent} USD of {budget.lease_id[:14]}…  {budget.waiting()} to report', flush=True)
            time.sleep(PAUSE_SECONDS)
    finally:
        budget.close()
    print(f"done  {budget.waiting()} to report")


if __name__ == "__main__":
    main()
