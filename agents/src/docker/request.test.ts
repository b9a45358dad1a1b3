import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { OperationError } from "@davit/protocol";
import { z } from "zod";
import { agreeOnApi } from "./engine.ts";
import { askEngine, readReply } from "./request.ts";

const ask = { method: "GET", path: "/x", purpose: "look" } as const;
const signal = AbortSignal.timeout(10_000);

test("no socket is a failure with the command that starts the engine", async () => {
	const asking = askEngine(ask, { socketPath: "/nowhere/docker.sock", signal });
	await assert.rejects(
		asking,
		(error) => hasCode(error, "docker-unreachable") && /systemctl start/.test(error.hint),
	);
});

test("a refusal carries the engine's own words", async (t) => {
	const socketPath = await serve(t, (_request, response) => {
		response.writeHead(409).end(JSON.stringify({ message: "it is in use" }));
	});
	const asking = askEngine(ask, { socketPath, signal });
	await assert.rejects(
		asking,
		(error) => hasCode(error, "docker-refused") && /409, it is in use/.test(error.message),
	);
});

test("an engine that says nothing is given up after the patience asked for", async (t) => {
	let isAsked = false;
	const socketPath = await serve(t, () => {
		isAsked = true;
	});
	const asking = askEngine({ ...ask, patienceMs: 50 }, { socketPath, signal });
	await assert.rejects(
		asking,
		(error) => hasCode(error, "docker-unreachable") && /said nothing/.test(error.message),
	);
	assert.ok(isAsked);
});

test("a cancel ends a request that waits, with the reason of the cancel", async (t) => {
	const cancel = new AbortController();
	const reason = new OperationError("cancelled", "enough");
	const socketPath = await serve(t, () => cancel.abort(reason));
	await assert.rejects(askEngine(ask, { socketPath, signal: cancel.signal }), reason);
});

test("an answer of another shape than the API promises is refused, not passed on", async (t) => {
	const socketPath = await serve(t, (_request, response) => void response.end('{"Id": 7}'));
	const reply = await askEngine(ask, { socketPath, signal });
	const reading = readReply(reply, z.object({ Id: z.string() }), "look");
	await assert.rejects(reading, (error) => hasCode(error, "docker-refused"));
});

test("an engine that ends in the middle of its answer is gone, and did not refuse", async (t) => {
	const socketPath = await serve(t, (_request, response) => {
		response.write('{"Id": ');
		setImmediate(() => response.destroy());
	});
	const reply = await askEngine(ask, { socketPath, signal });
	const reading = readReply(reply, z.object({ Id: z.string() }), "look");
	await assert.rejects(reading, (error) => hasCode(error, "docker-unreachable"));
});

test("the newest API that both speak is agreed on", () => {
	assert.equal(agreeOnApi("1.41", "1.12"), "1.41");
	assert.equal(agreeOnApi("1.52", "1.44"), "1.45");
	assert.equal(agreeOnApi("1.60", "1.50"), "1.50");
});

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), "davit-engine-"));
	const server = createServer(listener).listen(join(folder, "socket"));
	await once(server, "listening");
	t.after(async () => {
		server.closeAllConnections();
		server.close();
		await rm(folder, { recursive: true });
	});
	return join(folder, "socket");
}

function hasCode(error: unknown, code: string): error is OperationError {
	return error instanceof OperationError && error.code === code;
}
