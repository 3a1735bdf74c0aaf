"""The app that the tests of the local host run: one function for each thing that the host must do."""

# The SDK's decorators and inputs are not fully typed.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportAttributeAccessIssue=false

import asyncio
import json
import os
import time
from pathlib import Path
from typing import List  # noqa: UP035 - the worker library refuses list[str] in func.Out

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


def note(kind: str, **facts: object) -> None:
    """Append a line to the journal that the test reads."""
    line = json.dumps({"kind": kind, "at": time.time(), "pid": os.getpid(), **facts}) + "\n"
    with Path(os.environ["JOURNAL"]).open("a", encoding="utf-8") as journal:
        journal.write(line)


@app.route(route="things/{id:int}/{*rest}", methods=["GET", "POST"])
def thing(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Say what arrived."""
    seen: dict[str, object] = {
        "method": req.method,
        "url": req.url,
        "route": dict(req.route_params),
        "query": dict(req.params),
        "headers": dict(req.headers),
        "body": req.get_body().decode(),
        "invocation": context.invocation_id,
        "traceparent": context.trace_context.trace_parent,
    }
    response = func.HttpResponse(json.dumps(seen), mimetype="application/json", status_code=201)
    response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly; SameSite=Lax")
    response.headers.add("Set-Cookie", "b=2; Max-Age=60; Secure")
    return response


@app.route(route="things/special", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def special(req: func.HttpRequest) -> func.HttpResponse:
    """The literal route beside a parameter."""
    return func.HttpResponse("special")


@app.route(route="fail", auth_level=func.AuthLevel.ANONYMOUS)
def fail(req: func.HttpRequest) -> func.HttpResponse:
    """Fail with something that must stay inside."""
    raise ValueError("hidden detail")


@app.route(route="slow", auth_level=func.AuthLevel.ANONYMOUS)
def slow(req: func.HttpRequest) -> func.HttpResponse:
    """Block a thread for a while."""
    seconds = float(req.params["seconds"])
    note("slow-begins")
    time.sleep(seconds)
    note("slow-ends")
    return func.HttpResponse(f"slept {seconds}")


@app.route(route="nap", auth_level=func.AuthLevel.ANONYMOUS)
async def nap(req: func.HttpRequest) -> func.HttpResponse:
    """Wait without a thread, and tell when the host loses patience."""
    try:
        await asyncio.sleep(float(req.params["seconds"]))
    except asyncio.CancelledError:
        note("nap-cancelled")
        raise
    return func.HttpResponse("rested")


@app.route(route="block", auth_level=func.AuthLevel.ANONYMOUS)
async def block(req: func.HttpRequest) -> func.HttpResponse:
    """Block the event loop, as an asynchronous function must not."""
    time.sleep(float(req.params["seconds"]))
    return func.HttpResponse("blocked")


@app.route(route="send", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.queue_output(arg_name="out", queue_name="%WORK_QUEUE%", connection="AzureWebJobsStorage")
def send(req: func.HttpRequest, out: func.Out[List[str]]) -> func.HttpResponse:  # noqa: UP006
    """Put each line of the body on the work queue."""
    out.set(req.get_body().decode().splitlines())
    return func.HttpResponse(str(time.time()))


@app.route(route="admin-only", auth_level=func.AuthLevel.ADMIN)
def admin_only(req: func.HttpRequest) -> func.HttpResponse:
    """Needs the master key."""
    return func.HttpResponse("admin")


@app.queue_trigger(arg_name="msg", queue_name="%WORK_QUEUE%", connection="AzureWebJobsStorage")
@app.queue_output(arg_name="done", queue_name="%DONE_QUEUE%", connection="Data")
def work(msg: func.QueueMessage, done: func.Out[str]) -> None:
    """Do what the message says: fail, sleep, or answer."""
    text = msg.get_body().decode()
    note("work", text=text, dequeue_count=msg.dequeue_count, id=msg.id)
    verb, _, argument = text.partition(" ")
    if verb == "fail":
        raise ValueError(f"told to fail: {argument}")
    if verb == "sleep":
        time.sleep(float(argument))
    note("worked", text=text)
    done.set(f"done {text}")


@app.blob_trigger(arg_name="blob", path="landing/{name}.complete", connection="Data", source=func.BlobSource.EVENT_GRID)
def arrived(blob: func.InputStream) -> None:
    """Note which blob arrived, or fail for one that says so."""
    content = blob.read()
    note(
        "blob",
        name=blob.name,
        uri=blob.uri,
        length=blob.length,
        content=content.decode(),
        metadata=blob.metadata,
        properties=blob.blob_properties,
    )
    if content == b"fail":
        raise ValueError("told to fail")


@app.timer_trigger(arg_name="timer", schedule="%TICK%", run_on_startup=False, use_monitor=True)
def tick(timer: func.TimerRequest) -> None:
    """Note each tick."""
    note("tick", past_due=timer.past_due, status=timer.schedule_status)


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=False, use_monitor=True)
def yearly(timer: func.TimerRequest) -> None:
    """Runs when a test runs it by hand, or made it past due."""
    note("yearly", past_due=timer.past_due, status=timer.schedule_status)
