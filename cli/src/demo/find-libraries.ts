import { open, readdir, readFile, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CommandError, exitCodes } from "../command-error.ts";

/** A library as the loader asks for it, and the file that answers here. */
export interface Library {
	readonly name: string;
	readonly file: string;
}

/**
 * The loader and the shared libraries of the running Node: what this very process has mapped, which is what it needs. Linux
 * only (proc(5), /proc/pid/maps).
 * @throws CommandError unsupported
 */
export async function findLibraries(program: string): Promise<Library[]> {
	if (process.platform !== "linux") throw unsupported("this machine's Node does not run in Linux containers");
	const maps = await readFile("/proc/self/maps", "utf8");
	const mapped = new Set(
		maps.split("\n").flatMap((line) => /\s(\/.*\.so(?:\.[\w.]+)?)$/.exec(line)?.[1] ?? []),
	);
	const own = [...mapped].filter((file) => file !== program && !file.endsWith(".node"));
	const interpreter = await readInterpreter(program);
	const libraries = (await Promise.all(own.map(namesOf))).flat();
	if (interpreter === undefined) return libraries;
	// The loader is asked for by the path that the program names, which is often a link to where it is mapped from.
	return [...libraries, { name: interpreter, file: interpreter }];
}

/** A mapped file's own name and the links to it beside it: the loader asks for `libz.so.1`, the file is `libz.so.1.2.13`. */
async function namesOf(file: string): Promise<Library[]> {
	const [stem = ""] = basename(file).split(/[.-]/);
	const folder = dirname(file);
	const libraries: Library[] = [];
	for (const entry of await readdir(folder)) {
		const name = join(folder, entry);
		if (entry.startsWith(stem) && /\.so(?:\.\d+)*$/.test(entry) && (await realpathOf(name)) === file) {
			libraries.push({ name, file });
		}
	}
	return libraries;
}

/** Undefined for a link to nothing. */
async function realpathOf(path: string): Promise<string | undefined> {
	try {
		return await realpath(path);
	} catch (error) {
		if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
		throw error;
	}
}

/** The path of the program's loader (ELF PT_INTERP); undefined for a static program. */
async function readInterpreter(program: string): Promise<string | undefined> {
	await using handle = await open(program, "r");
	const head = Buffer.alloc(64 * 1024);
	await handle.read(head, 0, head.byteLength, 0);
	if (head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2)
		throw unsupported(`${program} is no 64-bit ELF program`);
	const tableOffset = Number(head.readBigUInt64LE(32));
	const [size, count] = [head.readUInt16LE(54), head.readUInt16LE(56)];
	for (let index = 0; index < count; index += 1) {
		const at = tableOffset + index * size;
		if (head.readUInt32LE(at) !== 3) continue;
		const start = Number(head.readBigUInt64LE(at + 8));
		const bytes = Number(head.readBigUInt64LE(at + 32));
		return head.toString("utf8", start, start + bytes - 1);
	}
	return undefined;
}

function unsupported(reason: string): CommandError {
	return new CommandError(`the demo's image cannot be made: ${reason}`, {
		code: "unsupported",
		exitCode: exitCodes.blocked,
		next: "davit start --folder PATH with a folder to try",
	});
}
