import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { OperationError } from "@davit/protocol";
import { findLibraries } from "./find-libraries.ts";

/** The package that calls the system (ADR 0040), and no more of it than runs. */
const koffiFiles = ["package.json", "index.cjs", "src/koffi/index.cjs", "src/koffi/src/static.cjs"];

export interface NativeFiles {
	/** By where they go below a folder `node_modules`. */
	readonly files: ReadonlyMap<string, string>;
	readonly libraries: ReadonlyMap<string, string>;
}

/** What the system is called with, for a machine like this one; empty where koffi has no binary for it, and losses are listed then. */
export async function findNative(): Promise<NativeFiles> {
	const [files, libraries] = [new Map<string, string>(), new Map<string, string>()];
	const binaries = findBinaries();
	if (binaries === undefined) return { files, libraries };
	for (const name of await readdir(binaries.folder, { recursive: true })) {
		const file = join(binaries.folder, name);
		if (!/\.(?:js|json|node)$/.test(name)) continue;
		const needed = name.endsWith(".node") ? await librariesOf(file) : new Map<string, string>();
		if (needed === undefined) continue;
		for (const [library, at] of needed) libraries.set(library, at);
		files.set(join(binaries.name, name), file);
	}
	for (const name of koffiFiles) files.set(join("koffi", name), join(binaries.koffi, name));
	return { files, libraries };
}

interface Binaries {
	readonly koffi: string;
	readonly name: string;
	readonly folder: string;
}

function findBinaries(): Binaries | undefined {
	const name = `@koromix/koffi-${process.platform}-${process.arch}`;
	try {
		const entry = createRequire(import.meta.url).resolve("koffi");
		const folder = dirname(createRequire(entry).resolve(`${name}/package.json`));
		return { koffi: dirname(entry), name, folder };
	} catch (error) {
		// npm leaves out what is for other machines, and there may be nothing for this one.
		if (error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND") return undefined;
		throw error;
	}
}

/** Undefined for a binary that is for another C library. */
async function librariesOf(file: string): Promise<ReadonlyMap<string, string> | undefined> {
	try {
		return (await findLibraries(file)).libraries;
	} catch (error) {
		if (error instanceof OperationError && error.code === "unsupported") return undefined;
		throw error;
	}
}
