import { setTimeout as wait } from "node:timers/promises";
import type { RunDocument, RunId } from "@davit/protocol";
import { CommandError, exitCodes } from "../command-error.ts";
import { isEnded } from "../runs/ended.ts";
import { isDocument } from "./answers.ts";
import { callFor, send } from "./call.ts";
import { readEvents } from "./events.ts";

interface Follower {
	readonly home: string;
	readonly signal: AbortSignal;
}

/** How long a coordinator that went away is waited for, milliseconds. */
const patienceMs = 60_000;

/**
 * A run as it goes: its document now and after each change, the last one with an ended state. A coordinator that is started
 * again meanwhile is found again.
 * @throws CommandError coordinator-unreachable after a minute of silence; the run itself goes on then
 */
export async function* followRun(run: RunId, follower: Follower): AsyncGenerator<RunDocument> {
	const path = `/runs/${encodeURIComponent(run)}`;
	const first = await callFor("davit/run/1", { method: "GET", path }, follower);
	yield first;
	if (isEnded(first.run.state)) return;
	let silentSince: number | undefined;
	let pauseMs = 100;
	while (true) {
		try {
			for await (const document of readOnce(path, follower)) {
				silentSince = undefined;
				pauseMs = 100;
				yield document;
				if (isEnded(document.run.state)) return;
			}
		} catch (error) {
			if (!isSilence(error)) throw error;
			silentSince ??= performance.now();
			if (performance.now() - silentSince > patienceMs) throw fellSilent(run, error);
		}
		await wait(pauseMs, undefined, { signal: follower.signal });
		pauseMs = Math.min(pauseMs * 2, 2000);
	}
}

/** One connection's worth of documents: the state at its start, then each change. */
async function* readOnce(path: string, follower: Follower): AsyncGenerator<RunDocument> {
	const response = await send({ method: "GET", path }, follower, "text/event-stream");
	if (response.headers["content-type"]?.startsWith("text/event-stream") !== true) {
		response.destroy();
		yield await callFor("davit/run/1", { method: "GET", path }, follower);
		return;
	}
	for await (const event of readEvents(response)) {
		const document: unknown = parse(event);
		if (isDocument(document, "davit/run/1")) yield document;
	}
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		// A page's fragment of HTML travels on the same stream; it is not for this reader.
		return undefined;
	}
}

function isSilence(error: unknown): boolean {
	if (error instanceof CommandError) return error.code === "coordinator-unreachable";
	// A stream that breaks says so with one of Node's own codes.
	return error instanceof Error && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}

function fellSilent(run: RunId, cause: unknown): CommandError {
	return new CommandError(
		`the coordinator fell silent while ${run} was watched; the run goes on at its host`,
		{
			code: "coordinator-unreachable",
			exitCode: exitCodes.unreachable,
			next: `davit start, then davit watch ${run}`,
			cause,
		},
	);
}
