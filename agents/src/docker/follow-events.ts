import { OperationError } from "@davit/protocol";
import { type EngineEvent, EventLine } from "./replies.ts";
import type { AskVersioned } from "./request.ts";

const purpose = "follow the engine's events";

/** Resolves when the engine has begun to tell; what happens from then on is not missed. It ends when the engine does. */
export async function followEvents(
	ask: AskVersioned,
	signal: AbortSignal,
): Promise<AsyncIterable<EngineEvent>> {
	const query = { filters: JSON.stringify({ type: ["container", "volume"] }) };
	const { body } = await ask({ method: "GET", path: "/events", query, purpose }, signal);
	return readEvents(body, signal);
}

async function* readEvents(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<EngineEvent> {
	const decoder = new TextDecoder();
	let rest = "";
	try {
		for await (const chunk of body) {
			const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
			rest = lines.pop() ?? "";
			for (const line of lines) if (line.trim() !== "") yield EventLine.parse(JSON.parse(line));
		}
	} catch (cause) {
		signal.throwIfAborted();
		throw new OperationError("docker-unreachable", `could not ${purpose} any longer`, { cause });
	}
}
