import { type FileHandle, open, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OperationError } from "@davit/protocol";
import { isMissing } from "../resource/place.ts";

/** What a program needs beside itself to run where nothing else is (elf(5)). */
export interface Needs {
	/** The loader, at the path by which the program asks for it; undefined where it needs none. */
	readonly interpreter?: string;
	/** Files by the names by which they are asked for. */
	readonly libraries: ReadonlyMap<string, string>;
}

const usualFolders = ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib"];

/**
 * The loader and all libraries of a program, those of its libraries too.
 * @throws OperationError unsupported where it is no 64-bit Linux program or one of them is not found
 */
export async function findLibraries(program: string): Promise<Needs> {
	const folders = [...(await mappedFolders()), ...usualFolders];
	const libraries = new Map<string, string>();
	const first = await readElf(program);
	const waiting = [first];
	for (let elf = waiting.pop(); elf !== undefined; elf = waiting.pop()) {
		for (const name of elf.needed) {
			if (libraries.has(name)) continue;
			const file = await findIn([...elf.ownFolders, ...folders], name);
			if (file === undefined) throw unsupported(`${program} needs ${name}, which was not found`);
			libraries.set(name, file);
			waiting.push(await readElf(file));
		}
	}
	return { libraries, ...(first.interpreter === undefined ? {} : { interpreter: first.interpreter }) };
}

/** Where this very process has its libraries from: the place for this machine's kind of processor is among them. */
async function mappedFolders(): Promise<string[]> {
	const maps = await readFile("/proc/self/maps", "utf8");
	const files = maps.split("\n").flatMap((line) => /\s(\/.*\.so(?:\.[\w.]+)?)$/.exec(line)?.[1] ?? []);
	return [...new Set(files.map((file) => dirname(file)))];
}

async function findIn(folders: readonly string[], name: string): Promise<string | undefined> {
	for (const folder of folders) {
		try {
			await using file = await open(join(folder, name), "r");
			if ((await file.stat()).isFile()) return join(folder, name);
		} catch (error) {
			if (!isMissing(error)) throw error;
		}
	}
	return undefined;
}

interface Elf {
	readonly interpreter: string | undefined;
	readonly needed: readonly string[];
	/** Where the program itself says that its libraries are. */
	readonly ownFolders: readonly string[];
}

interface Segment {
	readonly type: number;
	readonly offset: number;
	readonly address: number;
	readonly bytes: number;
}

const segmentTypes = { load: 1, dynamic: 2, interpreter: 3 };
const entryTypes = { end: 0, needed: 1, strings: 5, rpath: 15, runpath: 29 };

async function readElf(path: string): Promise<Elf> {
	await using file = await open(path, "r");
	const segments = await readSegments(file, path);
	const only = (type: number) => segments.find((segment) => segment.type === type);
	const asked = only(segmentTypes.interpreter);
	const interpreter = asked === undefined ? undefined : await readString(file, asked.offset);
	const entries = await readDynamic(file, only(segmentTypes.dynamic));
	const table = entries.find(({ type }) => type === entryTypes.strings)?.value ?? 0;
	const home = segments.find(
		({ type, address, bytes }) => type === segmentTypes.load && table >= address && table < address + bytes,
	);
	const stringAt = (value: number) =>
		readString(file, table - (home?.address ?? 0) + (home?.offset ?? 0) + value);
	const [needed, ownFolders]: [string[], string[]] = [[], []];
	for (const { type, value } of entries) {
		if (type === entryTypes.needed) needed.push(await stringAt(value));
		if (type !== entryTypes.rpath && type !== entryTypes.runpath) continue;
		const folders = (await stringAt(value)).split(":").filter((folder) => folder !== "");
		ownFolders.push(...folders.map((folder) => folder.replaceAll(/\$\{?ORIGIN\}?/g, dirname(path))));
	}
	return { interpreter, needed, ownFolders };
}

async function readSegments(file: FileHandle, path: string): Promise<Segment[]> {
	const head = await readAt(file, 0, 64);
	const isElf = head.length === 64 && head.readUInt32BE(0) === 0x7f454c46 && head[4] === 2 && head[5] === 1;
	if (!isElf) throw unsupported(`${path} is no 64-bit Linux program`);
	const [size, count] = [head.readUInt16LE(54), head.readUInt16LE(56)];
	const table = await readAt(file, Number(head.readBigUInt64LE(32)), size * count);
	return Array.from({ length: count }, (_, index) => {
		const at = (offset: number) => Number(table.readBigUInt64LE(index * size + offset));
		return { type: table.readUInt32LE(index * size), offset: at(8), address: at(16), bytes: at(32) };
	});
}

async function readDynamic(file: FileHandle, segment: Segment | undefined) {
	const bytes = segment === undefined ? Buffer.alloc(0) : await readAt(file, segment.offset, segment.bytes);
	const entries: { readonly type: number; readonly value: number }[] = [];
	for (let at = 0; at + 16 <= bytes.length; at += 16) {
		const type = Number(bytes.readBigInt64LE(at));
		if (type === entryTypes.end) break;
		entries.push({ type, value: Number(bytes.readBigUInt64LE(at + 8)) });
	}
	return entries;
}

async function readString(file: FileHandle, offset: number): Promise<string> {
	const bytes = await readAt(file, offset, 4096);
	return bytes.toString("utf8", 0, bytes.indexOf(0));
}

async function readAt(file: FileHandle, offset: number, bytes: number): Promise<Buffer> {
	const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, offset);
	return buffer.subarray(0, bytesRead);
}

function unsupported(message: string): OperationError {
	return new OperationError("unsupported", message, { hint: "run the agent as root" });
}
