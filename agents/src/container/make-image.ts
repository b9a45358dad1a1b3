import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import type { Engine } from "../docker/engine.ts";
import { rawOf } from "../files/raw-path.ts";
import type { TreeEntry } from "../files/tree-entry.ts";
import { endMarker, padded, tarHeader } from "../files/write-tar.ts";
import { type ImagePlan, imageName, planImage } from "./plan-image.ts";

let lastMade: Promise<unknown> = Promise.resolve();

/**
 * The image that an agent's helper containers are made of, made where the engine has none, and then those of its other versions go.
 * `label` says which agent's; several share what is in it. Two that ask at the same time make one.
 * @throws OperationError unsupported | docker-refused | docker-unreachable
 */
export async function requireImage(engine: Engine, label: string, signal: AbortSignal): Promise<string> {
	const plan = await planImage(label);
	const made = lastMade.then(() => makeUnlessThere(engine, { ...plan, label }, signal));
	// Whoever comes next waits, whatever became of this one.
	lastMade = made.catch(() => undefined);
	await made;
	return plan.tag;
}

async function makeUnlessThere(
	engine: Engine,
	plan: ImagePlan & { readonly label: string },
	signal: AbortSignal,
): Promise<void> {
	if (await engine.hasImage(plan.tag, signal)) return;
	const { tag, changes } = plan;
	await engine.importImage({ tag, changes, tar: Readable.from(writeImage(plan)) }, signal);
	for (const old of await engine.imageTags({ name: imageName, label: plan.label }, signal)) {
		if (old !== tag) await engine.removeImage(old, signal);
	}
}

/** A root file system as a tar. */
async function* writeImage({ files, links }: ImagePlan): AsyncGenerator<Uint8Array> {
	for (const folder of foldersOf([...files.keys(), ...links.keys()])) {
		yield tarHeader(entryOf(folder, { type: "directory", mode: 0o755 }));
	}
	for (const [path, target] of links) {
		yield tarHeader(entryOf(path, { type: "symlink", mode: 0o777, target: rawOf(target) }));
	}
	for (const [path, file] of files) {
		const { size } = await stat(file);
		yield tarHeader(entryOf(path, { type: "file", mode: 0o755, size }));
		if (size > 0) yield* createReadStream(file, { highWaterMark: 1 << 20, end: size - 1 });
		yield new Uint8Array(padded(size) - size);
	}
	yield endMarker;
}

function foldersOf(paths: readonly string[]): string[] {
	const folders = new Set<string>();
	for (const path of paths) {
		for (let folder = dirname(path); folder !== "/"; folder = dirname(folder)) folders.add(folder);
	}
	return [...folders].sort();
}

type Kind = Pick<TreeEntry, "type" | "mode"> & Partial<Pick<TreeEntry, "size" | "target">>;

function entryOf(path: string, { size = 0, ...kind }: Kind): TreeEntry {
	return { path: rawOf(path.slice(1)), uid: 0, gid: 0, mtimeNs: 0n, size, ...kind };
}
