import type { Readable } from "node:stream";
import { OperationError } from "@davit/protocol";
import { z } from "zod";
import { ProgressLine } from "./replies.ts";
import { type AskVersioned, ignoreBody, readReply, readText } from "./request.ts";

const names = z
	.array(z.string())
	.nullish()
	.transform((value) => value ?? []);

const ImageDetails = z
	.object({ Id: z.string(), RepoTags: names, RepoDigests: names, Size: z.int().nonnegative().default(0) })
	.transform((image) => ({
		/** Of its configuration: `sha256:…`. */
		id: image.Id,
		tags: image.RepoTags,
		/** `name@sha256:…` of each registry that it came from or went to. */
		digests: image.RepoDigests,
		bytes: image.Size,
	}));
export type EngineImage = z.infer<typeof ImageDetails>;

export interface Images {
	/** By tag, digest or id. */
	image(name: string, signal: AbortSignal): Promise<EngineImage | undefined>;
	/** The tar of `docker save`. */
	saveImages(names: readonly string[], signal: AbortSignal): Promise<Readable>;
	/** Takes in what `saveImages` gave. */
	loadImages(tar: Readable, signal: AbortSignal): Promise<void>;
	/** From its registry, by `name@sha256:…` or `name:tag`. */
	pullImage(name: string, signal: AbortSignal): Promise<void>;
	tagImage(id: string, tag: string, signal: AbortSignal): Promise<void>;
}

const longMs = 30 * 60_000;

export function openImages(ask: AskVersioned): Images {
	return {
		image: async (name, signal) => {
			const purpose = `look at image ${name}`;
			const path = `/images/${encodeURIComponent(name)}/json`;
			const reply = await ask({ method: "GET", path, purpose }, signal, [404]);
			if (reply.status !== 404) return readReply(reply, ImageDetails, purpose);
			ignoreBody(reply);
			return undefined;
		},
		saveImages: async (wanted, signal) => {
			const query = new URLSearchParams(wanted.map((name): [string, string] => ["names", name]));
			const purpose = `read the images ${wanted.join(", ")}`;
			const path = `/images/get?${query}`;
			return (await ask({ method: "GET", path, purpose, patienceMs: longMs }, signal)).body;
		},
		loadImages: async (tar, signal) => {
			const purpose = "load the images of an archive";
			const query = { quiet: "1" };
			const wish = { method: "POST", path: "/images/load", query, body: tar, purpose } as const;
			await requireDone((await ask({ ...wish, patienceMs: longMs }, signal)).body, purpose);
		},
		pullImage: async (name, signal) => {
			const purpose = `pull image ${name}`;
			const query = { fromImage: name };
			const wish = { method: "POST", path: "/images/create", query, purpose } as const;
			await requireDone((await ask({ ...wish, patienceMs: longMs }, signal)).body, purpose);
		},
		tagImage: async (id, tag, signal) => {
			const purpose = `name image ${id.slice(0, 19)} ${tag}`;
			const colon = tag.lastIndexOf(":");
			const query = { repo: tag.slice(0, colon), tag: tag.slice(colon + 1) };
			const path = `/images/${encodeURIComponent(id)}/tag`;
			ignoreBody(await ask({ method: "POST", path, query, purpose }, signal));
		},
	};
}

/** The engine answers 200 before it has done it; its failure is then a line of the answer. */
async function requireDone(body: Readable, purpose: string): Promise<void> {
	for (const line of (await readText(body, purpose)).split("\n").filter((part) => part.trim() !== "")) {
		const { error } = ProgressLine.parse(JSON.parse(line));
		if (error !== undefined) throw new OperationError("docker-refused", `could not ${purpose}: ${error}`);
	}
}
