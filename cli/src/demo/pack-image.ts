import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { posix } from "node:path";
import { Readable } from "node:stream";
import { findLibraries } from "./find-libraries.ts";

const blockBytes = 512;

interface Member {
	/** Without a leading slash. */
	readonly path: string;
	readonly mode: number;
	readonly content:
		| { readonly bytes: Uint8Array }
		| { readonly file: string; readonly size: number }
		| "directory";
}

export interface PackedImage {
	readonly tar: Readable;
	/** Where the loader finds the libraries, whatever its own distribution's habits. */
	readonly libraryPath: string;
}

/**
 * A root file system as a tar: this machine's Node with the libraries it needs, each where its name says, and the writer. No
 * registry, no compiler.
 */
export async function packImage(node: string, writer: Uint8Array): Promise<PackedImage> {
	const program = await realpath(node);
	const files = new Map<string, string>([["usr/bin/node", program]]);
	const libraries = await findLibraries(program);
	for (const { name, file } of libraries) files.set(name.replace(/^\//, ""), file);
	const members: Member[] = directoriesOf([...files.keys(), "data/x", "tmp/x"]);
	for (const [path, file] of files) {
		members.push({ path, mode: 0o755, content: { file, size: (await stat(file)).size } });
	}
	const packageJson = Buffer.from('{"type":"module"}\n');
	members.push({ path: "package.json", mode: 0o644, content: { bytes: packageJson } });
	members.push({ path: "writer.js", mode: 0o644, content: { bytes: writer } });
	const folders = new Set(libraries.map(({ name }) => posix.dirname(name)));
	return { tar: Readable.from(writeTar(members)), libraryPath: [...folders].join(":") };
}

function directoriesOf(paths: readonly string[]): Member[] {
	const directories = new Set<string>();
	for (const path of paths) {
		for (let folder = posix.dirname(path); folder !== "."; folder = posix.dirname(folder))
			directories.add(folder);
	}
	return [...directories].sort().map((path) => ({ path, mode: 0o755, content: "directory" }));
}

async function* writeTar(members: readonly Member[]): AsyncGenerator<Uint8Array> {
	for (const member of members) {
		const { content } = member;
		if (content === "directory") {
			yield header({ path: `${member.path}/`, mode: member.mode, size: 0, type: "5" });
			continue;
		}
		const size = "bytes" in content ? content.bytes.byteLength : content.size;
		yield header({ path: member.path, mode: member.mode, size, type: "0" });
		if ("bytes" in content) yield content.bytes;
		else yield* createReadStream(content.file, { highWaterMark: 1 << 20, end: Math.max(0, size - 1) });
		yield new Uint8Array((blockBytes - (size % blockBytes)) % blockBytes);
	}
	yield new Uint8Array(2 * blockBytes);
}

/** A ustar header (POSIX.1-1988); names here are short. */
function header({
	path,
	mode,
	size,
	type,
}: {
	path: string;
	mode: number;
	size: number;
	type: "0" | "5";
}): Uint8Array {
	if (Buffer.byteLength(path) > 100) throw new RangeError(`${path} is too long for a ustar header`);
	const block = Buffer.alloc(blockBytes);
	const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");
	block.write(path, 0);
	block.write(`${octal(mode, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100, "latin1");
	block.write(`${octal(size, 11)}\0${octal(0, 11)}\0`, 124, "latin1");
	block.write(`        ${type}`, 148, "latin1");
	block.write("ustar\x0000", 257, "latin1");
	const sum = block.reduce((total, byte) => total + byte, 0);
	block.write(`${octal(sum, 6)}\0 `, 148, "latin1");
	return block;
}
