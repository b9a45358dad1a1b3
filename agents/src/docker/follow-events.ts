import { OperationError } from "@davit/protocol";
import { type EngineEvent, EventLine } from "./replies.ts";
import type { AskVersioned } from "./request.ts";

const purpose = "follow the engine's events";

/** What changes who mounts what; a health check alone makes three events of other kinds every few seconds. */
const changes = ["create", "start", "die", "pause", "unpause", "rename", "update", "destroy"];

/** Resolves when the engine has begun to tell; what happens from then on is not missed. It ends when the engine does. */
export async function followEvents(
	ask: AskVersioned,
	signal: AbortSignal,
): Promise<AsyncIterable<EngineEvent>> {
	const query = { filters: JSON.stringify({ type: ["container", "volume"], event: changes }) };
	const { body } = await ask({ method: "GET", path: "/events", query, purpose }, signal);
	return readEvents(body, signal);
}

/** Whether the engine was told to end a container since then; it remembers its last 256 events. */
export async function wasToldToEnd(
	ask: AskVersioned,
	{ id, sinceMs, untilMs }: { readonly id: string; readonly sinceMs: number; readonly untilMs: number },
	signal: AbortSignal,
): Promise<boolean> {
	const query = {
		since: (sinceMs / 1000).toFixed(3),
		until: (untilMs / 1000).toFixed(3),
		filters: JSON.stringify({ type: ["container"], container: [id], event: ["kill"] }),
	};
	const { body } = await ask({ method: "GET", path: "/events", query, purpose }, signal);
	let told = false;
	for await (const _event of readEvents(body, signal)) told = true;
	return told;
}

/** Containers that mounted a volume so that they could write to it, in a span of the engine's clock; it remembers 256 events. */
export async function whoMounted(
	ask: AskVersioned,
	{ volume, sinceMs, untilMs }: MountSpan,
	signal: AbortSignal,
): Promise<readonly string[]> {
	const query = {
		since: (sinceMs / 1000).toFixed(3),
		until: (untilMs / 1000).toFixed(3),
		filters: JSON.stringify({ type: ["volume"], volume: [volume], event: ["mount"] }),
	};
	const { body } = await ask({ method: "GET", path: "/events", query, purpose }, signal);
	const ids = new Set<string>();
	for await (const { attributes } of readEvents(body, signal)) {
		const { container } = attributes;
		if (container !== undefined && attributes["read/write"] === "true") ids.add(container);
	}
	return [...ids];
}

export interface MountSpan {
	readonly volume: string;
	readonly sinceMs: number;
	readonly untilMs: number;
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
		throw new OperationError("docker-unreachable", `could not ${purpose} any longer`, {
			cause,
			hint: "sudo systemctl start docker",
		});
	}
}
