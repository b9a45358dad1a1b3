import { createHash } from "node:crypto";
import { OperationError } from "@davit/protocol";
import { fileFailure } from "./file-failure.ts";
import type { FileContext, FoundDatabase, PackedTree } from "./job.ts";
import { parentOf, type RawPath, rootPath, showRaw } from "./raw-path.ts";
import { ByteSource } from "./read-bytes.ts";
import { TarReader } from "./read-tar.ts";
import { recogniseDatabases, sqliteHeadBytes } from "./recognise-database.ts";
import { TarDamage } from "./tar-header.ts";
import { storedSize, type TreeEntry } from "./tree-entry.ts";
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
 * Each file that looks like a database's is told to `onDatabase` once its first bytes are read; what that throws ends the packing.
 * @throws OperationError source-changed | archive-corrupt | disk-full
 */
export async function packTarStream({
	stream,
	directory,
	onDatabase,
	...context
}: PackingStream): Promise<PackedTree> {
	const source = new ByteSource(stream, truncated);
	await using _stream = { [Symbol.asyncDispose]: () => source.close() };
	try {
		using content = new ContentWriter(directory, { ...context, totalBytes: 0 });
		const tar = new TarReader(source);
		const below = new Prefix();
		const recognise = recogniseDatabases();
		const onHead = (entry: TreeEntry, head: Uint8Array) => {
			const found = recognise(entry.path, head);
			if (found !== undefined) onDatabase?.(found);
		};
		for (let found = await tar.next(); found !== undefined; found = await tar.next()) {
			context.signal.throwIfAborted();
			await copyEntry(below.strip(found), { tar, content, onHead });
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

interface PackingStream extends FileContext {
	readonly stream: AsyncIterable<Uint8Array>;
	readonly directory: string;
	readonly onDatabase?: (found: FoundDatabase) => void;
}

interface Copying {
	readonly tar: TarReader;
	readonly content: ContentWriter;
	/** Called once for each file with its first bytes: fewer only where it has no more. */
	readonly onHead: (entry: TreeEntry, head: Uint8Array) => void;
}

async function copyEntry(entry: TreeEntry, { tar, content, onHead }: Copying): Promise<void> {
	if (entry.type !== "file") {
		content.add(entry);
		return content.drain();
	}
	const digest = createHash("sha256");
	const headBytes = Math.min(sqliteHeadBytes, storedSize(entry));
	let head = Buffer.alloc(0);
	if (headBytes === 0) onHead(entry, head);
	content.begin(entry);
	for (let part = await tar.content(); part !== undefined; part = await tar.content()) {
		if (head.length < headBytes) {
			head = Buffer.concat([head, part.subarray(0, headBytes - head.length)]);
			if (head.length === headBytes) onHead(entry, head);
		}
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
