import { Readable } from "node:stream";
import { type CommandId, OperationError } from "@davit/protocol";
import { commandLabel } from "./command-label.ts";
import { CreatedReply, ImageReply, ImagesReply, ProgressLine } from "./replies.ts";
import { type AskVersioned, ignoreBody, readReply, readText } from "./request.ts";

/** A container that is made to reach a volume through it. */
export interface ContainerWish {
	readonly image: string;
	readonly command: CommandId;
	/** Empty where the image says what is run. */
	readonly argv: readonly string[];
	/** Capabilities that it keeps, without `CAP_`; absent = none. */
	readonly rights?: readonly string[];
	/** Beside the command's. */
	readonly labels?: Readonly<Record<string, string>>;
	/** Its standard input stays open until whoever attached to it goes away; then it ends for good. */
	readonly listens?: boolean;
	readonly mounts: readonly {
		readonly type: "volume" | "bind";
		readonly source: string;
		readonly target: string;
		readonly writes: boolean;
	}[];
}

/** How bytes get out of the engine without its host's paths. */
export interface Transfer {
	/**
	 * Makes it without starting it: labelled with its command, without a network, its own files read-only, with no other
	 * rights than it wishes for. What it says is not kept by the engine.
	 */
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
	/** An image of what a tar holds, with a Dockerfile's instructions. */
	importImage(wish: ImageWish, signal: AbortSignal): Promise<void>;
	hasImage(tag: string, signal: AbortSignal): Promise<boolean>;
	/** All tags under a name with a label, as `name:tag`. */
	imageTags(
		wanted: { readonly name: string; readonly label: string },
		signal: AbortSignal,
	): Promise<readonly string[]>;
	/** Nothing happens where there is none, or where a container is made of it. */
	removeImage(tag: string, signal: AbortSignal): Promise<void>;
}

export interface ImageWish {
	readonly tag: string;
	readonly tar: Readable;
	readonly changes: readonly string[];
}

export function openTransfer(ask: AskVersioned): Transfer {
	const importImage = async ({ tag, tar, changes }: ImageWish, signal: AbortSignal) => {
		const purpose = `make image ${tag}`;
		// The newline parts several instructions in one parameter, as the engine reads them like lines of a Dockerfile.
		const query = { fromSrc: "-", repo: tag, changes: changes.join("\n") };
		const wish = { method: "POST", path: "/images/create", query, body: tar, purpose } as const;
		// The engine answers once it has stored the whole image, which a slow disk takes long for.
		const reply = await ask({ ...wish, patienceMs: 10 * 60_000 }, signal);
		refuseFailedLines(await readText(reply.body, purpose), purpose);
	};
	return {
		importImage,
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
			// Two blocks of zeros are a whole tar.
			const tar = Readable.from([Buffer.alloc(1024)]);
			await importImage({ tag, tar, changes: [`LABEL ${commandLabel}=${command}`] }, signal);
		},
		hasImage: async (tag, signal) => {
			const purpose = `look at image ${tag}`;
			const path = `/images/${encodeURIComponent(tag)}/json`;
			const reply = await ask({ method: "GET", path, purpose }, signal, [404]);
			if (reply.status !== 404) return (await readReply(reply, ImageReply, purpose)).Id !== "";
			ignoreBody(reply);
			return false;
		},
		imageTags: async ({ name, label }, signal) => {
			const purpose = `list the images ${name}`;
			const query = { filters: JSON.stringify({ reference: [name], label: [label] }) };
			const reply = await ask({ method: "GET", path: "/images/json", query, purpose }, signal);
			return (await readReply(reply, ImagesReply, purpose)).flatMap(({ RepoTags }) => RepoTags);
		},
		removeImage: async (tag, signal) => {
			const purpose = `remove image ${tag}`;
			ignoreBody(
				await ask(
					{ method: "DELETE", path: `/images/${encodeURIComponent(tag)}`, purpose },
					signal,
					[404, 409],
				),
			);
		},
	};
}

function containerOf(wish: ContainerWish): Readonly<Record<string, unknown>> {
	const { image, command, argv, labels, listens = false, rights = [], mounts } = wish;
	return {
		Image: image,
		...(argv.length === 0 ? {} : { Cmd: argv }),
		Labels: { ...labels, [commandLabel]: command },
		NetworkDisabled: true,
		...{ AttachStdin: listens, OpenStdin: listens, StdinOnce: listens },
		HostConfig: {
			NetworkMode: "none",
			ReadonlyRootfs: true,
			...{ CapDrop: ["ALL"], CapAdd: rights, SecurityOpt: ["no-new-privileges", "label=disable"] },
			// Owners are the host's, also where the engine gives containers users of their own.
			UsernsMode: "host",
			LogConfig: { Type: "none" },
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
