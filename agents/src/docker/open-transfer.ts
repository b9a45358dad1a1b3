import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { type CommandId, OperationError } from "@davit/protocol";
import { commandLabel } from "./command-label.ts";
import { CreatedReply, ProgressLine } from "./replies.ts";
import { type AskVersioned, ignoreBody, readReply } from "./request.ts";

/** A container that is made to reach a volume through it. */
export interface ContainerWish {
	readonly image: string;
	readonly command: CommandId;
	readonly argv: readonly string[];
	readonly mounts: readonly {
		readonly type: "volume" | "bind";
		readonly source: string;
		readonly target: string;
		readonly writes: boolean;
	}[];
}

/** How bytes get out of the engine without its host's paths. */
export interface Transfer {
	/** Makes it without starting it; labelled with its command, without a network. */
	createContainer(wish: ContainerWish, signal: AbortSignal): Promise<string>;
	/** By force; nothing happens where there is none. */
	removeContainer(id: string, signal: AbortSignal): Promise<void>;
	/**
	 * The tar of a container's folder, also of one that was never started. The engine ends it cleanly even where a file shrank
	 * and the rest is missing: who reads it must require the end marker and count the entries.
	 */
	readTar(id: string, path: string, signal: AbortSignal): Promise<Readable>;
	/** An image without a file in it, for containers that are never started. */
	importEmptyImage(tag: string, command: CommandId, signal: AbortSignal): Promise<void>;
	/** Nothing happens where there is none. */
	removeImage(tag: string, signal: AbortSignal): Promise<void>;
}

export function openTransfer(ask: AskVersioned): Transfer {
	return {
		createContainer: async (wish, signal) => {
			const purpose = `create a container of ${wish.image}`;
			const reply = await ask(
				{ method: "POST", path: "/containers/create", body: containerOf(wish), purpose },
				signal,
			);
			return (await readReply(reply, CreatedReply, purpose)).Id;
		},
		removeContainer: async (id, signal) => {
			const purpose = `remove container ${id.slice(0, 12)}`;
			const query = { force: "1" };
			ignoreBody(await ask({ method: "DELETE", path: `/containers/${id}`, query, purpose }, signal, [404]));
		},
		readTar: async (id, path, signal) => {
			const purpose = `read ${path} of container ${id.slice(0, 12)}`;
			const reply = await ask(
				{ method: "GET", path: `/containers/${id}/archive`, query: { path }, purpose },
				signal,
			);
			return reply.body;
		},
		importEmptyImage: async (tag, command, signal) => {
			const purpose = `make image ${tag}`;
			const query = { fromSrc: "-", repo: tag, changes: `LABEL ${commandLabel}=${command}` };
			// Two blocks of zeros are a whole tar.
			const body = Readable.from([Buffer.alloc(1024)]);
			const reply = await ask({ method: "POST", path: "/images/create", query, body, purpose }, signal);
			refuseFailedLines(await text(reply.body), purpose);
		},
		removeImage: async (tag, signal) => {
			const purpose = `remove image ${tag}`;
			ignoreBody(
				await ask({ method: "DELETE", path: `/images/${encodeURIComponent(tag)}`, purpose }, signal, [404]),
			);
		},
	};
}

function containerOf({ image, command, argv, mounts }: ContainerWish): Readonly<Record<string, unknown>> {
	return {
		Image: image,
		Cmd: argv,
		Labels: { [commandLabel]: command },
		NetworkDisabled: true,
		HostConfig: {
			NetworkMode: "none",
			Mounts: mounts.map(({ type, source, target, writes }) => ({
				...{ Type: type, Source: source, Target: target, ReadOnly: !writes },
				// Without this the engine copies what the image has at `target` into an empty volume.
				...(type === "volume" ? { VolumeOptions: { NoCopy: true } } : {}),
			})),
		},
	};
}

/** The engine answers 200 before it has read the tar; its failure is then a line of the answer. */
function refuseFailedLines(answer: string, purpose: string): void {
	for (const line of answer.split("\n").filter((part) => part.trim() !== "")) {
		const { error } = ProgressLine.parse(JSON.parse(line));
		if (error !== undefined) throw new OperationError("docker-refused", `could not ${purpose}: ${error}`);
	}
}
