import { createHash } from "node:crypto";
import { OperationError } from "@davit/protocol";
import { fileFailure } from "./file-failure.ts";
import type { FileContext, PackedTree } from "./job.ts";
import { parentOf, type RawPath, rootPath, showRaw } from "./raw-path.ts";
import { ByteSource } from "./read-bytes.ts";
import { TarReader } from "./read-tar.ts";
import { TarDamage } from "./tar-header.ts";
import type { TreeEntry } from "./tree-entry.ts";
import { ContentWriter } from "./write-content.ts";

/** What Docker's archive API does not give. */
const lost = [
	"extended attributes",
	"access control lists",
	"fractions of seconds in times",
	"holes of sparse files, stored as zeros",
	"sockets",
];

/**
 * Writes what a tar stream holds, as `packTree` would. The tree is what lies below the stream's first entry, which must be a
 * directory. A stream that ends before its tar does is refused: Docker ends one cleanly when a file shrank under it.
 * @throws OperationError source-changed | archive-corrupt | disk-full
 */
export async function packTarStream({
	stream,
	directory,
	...context
}: { stream: AsyncIterable<Uint8Array>; directory: string } & FileContext): Promise<PackedTree> {
	const source = new ByteSource(stream, truncated);
	await using _stream = { [Symbol.asyncDispose]: () => source.close() };
	try {
		using content = new ContentWriter(directory, { ...context, totalBytes: 0 });
		const tar = new TarReader(source);
		const below = new Prefix();
		for (let found = await tar.next(); found !== undefined; found = await tar.next()) {
			context.signal.throwIfAborted();
			await copyEntry(below.strip(found), tar, content);
		}
		below.requireRoot();
		return await content.finish({ fidelity: "reduced", losses: lost });
	} catch (error) {
		if (!(error instanceof TarDamage)) {
			throw fileFailure(error, { doing: "writing an archive from the engine's tar", path: directory });
		}
		throw new OperationError("archive-corrupt", `the engine's tar cannot be read: ${error.message}`, {
			cause: error,
			hint: "see that the agent can read the volume's folder itself, then try again",
		});
	}
}

async function copyEntry(entry: TreeEntry, tar: TarReader, content: ContentWriter): Promise<void> {
	if (entry.type !== "file") {
		content.add(entry);
		return content.drain();
	}
	const digest = createHash("sha256");
	content.begin(entry);
	for (let part = await tar.content(); part !== undefined; part = await tar.content()) {
		digest.update(part);
		content.write(part);
		await content.drain();
	}
	content.end({ ...entry, sha256: digest.digest("hex") });
	await content.drain();
}

/** Takes the name of the tree's root off every path; everything must lie below it, in a directory that came before. */
class Prefix {
	readonly #directories = new Set<RawPath>();
	#root: RawPath | undefined;

	strip(entry: TreeEntry): TreeEntry {
		if (this.#root === undefined) return this.#begin(entry);
		const path = this.#below(entry.path);
		if (path === rootPath || !this.#directories.has(parentOf(path))) {
			throw new TarDamage(`${showRaw(entry.path)} comes before the directory that it is in`);
		}
		if (entry.type === "directory") this.#directories.add(path);
		if (entry.type !== "hardlink" || entry.target === undefined) return { ...entry, path };
		return { ...entry, path, target: this.#below(entry.target) };
	}

	requireRoot(): void {
		if (this.#root === undefined) throw new TarDamage("it is empty");
	}

	#begin(entry: TreeEntry): TreeEntry {
		if (entry.type !== "directory") throw new TarDamage("its first entry is no directory");
		this.#root = entry.path;
		this.#directories.add(rootPath);
		return { ...entry, path: rootPath };
	}

	#below(path: RawPath): RawPath {
		if (this.#root === rootPath) return path;
		const prefix = `${this.#root}/`;
		if (path.startsWith(prefix)) return path.slice(prefix.length);
		throw new TarDamage(`${showRaw(path)} lies outside of the tree`);
	}
}

function truncated(): OperationError {
	return new OperationError(
		"source-changed",
		"the engine's tar ended before its end marker: a file shrank while it was read, or the engine gave up",
	);
}
