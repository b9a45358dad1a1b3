import { createHash } from "node:crypto";
import { type CommandId, OperationError } from "@davit/protocol";
import type { Attachment } from "../docker/attach-to.ts";
import type { Engine } from "../docker/engine.ts";
import { removeContainersOf } from "../docker/remove-containers.ts";
import type { JobMessage } from "../files/answer-job.ts";
import type { FileContext } from "../files/job.ts";
import { settle } from "../files/run-job.ts";
import type { ReachJob } from "../resource/reach-job.ts";
import { rightsFor } from "./file-rights.ts";
import { requireImage } from "./make-image.ts";

/** Says whose helper container it is: several agents may share an engine. */
export const agentLabel = "davit.agent";

export interface Mount {
	/** The same on the engine's host and in the container. */
	readonly path: string;
	readonly writes: boolean;
}

export interface ContainedContext extends FileContext {
	readonly engine: Engine;
	readonly command: CommandId;
	/** The agent's. */
	readonly home: string;
	readonly mounts: readonly Mount[];
}

/** For removals and for what must not be left half asked. */
const ownLimitMs = 60_000;

export function agentOf(home: string): string {
	return createHash("sha256").update(home).digest("hex").slice(0, 16);
}

/**
 * Does a job in a container of its own, which is gone when this returns or throws, with any that an earlier life of the agent left
 * for the same command. It ends by itself when the agent dies.
 * @throws OperationError of the job; of the container docker-refused, docker-unreachable, unsupported
 */
export async function runContained(job: ReachJob, context: ContainedContext): Promise<unknown> {
	const { engine, command, home, mounts, signal } = context;
	await removeContainersOf(command, engine, signal);
	const agent = agentOf(home);
	const image = await requireImage(engine, `${agentLabel}=${agent}`, signal);
	await using _container = {
		[Symbol.asyncDispose]: () => removeContainersOf(command, engine, AbortSignal.timeout(ownLimitMs)),
	};
	// A container whose asker went away is made all the same, and then nobody knows of it.
	const asked = AbortSignal.timeout(ownLimitMs);
	const id = await engine.createContainer(
		{
			...{ image, command, argv: [], labels: { [agentLabel]: agent }, listens: true },
			rights: rightsFor(job),
			mounts: mounts.map(({ path, writes }) => ({ type: "bind", source: path, target: path, writes })),
		},
		asked,
	);
	signal.throwIfAborted();
	using attachment = await engine.attach(id, signal);
	await engine.start(id, asked);
	attachment.say(JSON.stringify(job));
	const { last, complaint } = await listen(attachment, context);
	if (last === undefined && !signal.aborted) throw brokenOff(job, complaint);
	return settle(last, signal);
}

interface Heard {
	readonly last: Exclude<JobMessage, { progress: unknown }> | undefined;
	/** The end of what it wrote to standard error. */
	readonly complaint: string;
}

async function listen(attachment: Attachment, { signal, onProgress }: ContainedContext): Promise<Heard> {
	using _cancelling = closeOnAbort(attachment, signal);
	let [last, complaint]: [Heard["last"], string] = [undefined, ""];
	const decoder = new TextDecoder();
	let unfinished = "";
	try {
		for await (const { channel, bytes } of attachment.said) {
			if (channel === "error") {
				complaint = `${complaint}${bytes.toString("utf8")}`.slice(-500);
				continue;
			}
			const lines = `${unfinished}${decoder.decode(bytes, { stream: true })}`.split("\n");
			unfinished = lines.pop() ?? "";
			for (const line of lines) {
				// The process in the container is this very Davit.
				const message = JSON.parse(line) as JobMessage;
				if ("progress" in message) onProgress?.(message.progress);
				else last = message;
			}
		}
	} catch (error) {
		// Told to stop, the stream breaks off, and `settle` says why.
		if (!signal.aborted) throw error;
	}
	return { last, complaint };
}

function closeOnAbort(attachment: Attachment, signal: AbortSignal): Disposable {
	const close = () => attachment[Symbol.dispose]();
	signal.addEventListener("abort", close, { once: true });
	return { [Symbol.dispose]: () => signal.removeEventListener("abort", close) };
}

function brokenOff({ kind }: ReachJob, complaint: string): OperationError {
	const said = complaint.trim() === "" ? "and said nothing" : `and said: ${complaint.trim()}`;
	return new OperationError(
		"docker-refused",
		`the helper container for ${kind} ended before it was done, ${said}`,
		{
			hint: "look at the engine's log for who ended it, then try again",
		},
	);
}
