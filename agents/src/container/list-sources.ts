import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { isMissing } from "../resource/place.ts";

/** The files that a program consists of, by where they go below a folder of their own. */
export interface Sources {
	readonly entry: string;
	readonly files: ReadonlyMap<string, string>;
	/** Symbolic links by which packages find one another: Node strips types only outside of `node_modules`. */
	readonly links: ReadonlyMap<string, string>;
}

interface Package {
	readonly name: string;
	readonly folder: string;
}

const PackageFile = z.object({ name: z.string().optional() });

/** A file and all that it imports, over packages too; what is only imported for its types is left out. */
export async function listSources(entry: URL): Promise<Sources> {
	const files = new Map<string, string>();
	const links = new Map<string, string>();
	const known = new Map<string, Promise<Package>>();
	const seen = new Set<string>();
	const waiting = [fileURLToPath(entry)];
	let entryName = "";
	for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
		if (seen.has(file)) continue;
		seen.add(file);
		const home = await packageOf(dirname(file), known);
		const isInstalled = home.folder.endsWith(`node_modules/${home.name}`);
		const place = join(isInstalled ? "node_modules" : "packages", home.name);
		if (!isInstalled) links.set(join("node_modules", home.name), linkTo(home.name));
		const name = join(place, relative(home.folder, file));
		files.set(name, file);
		files.set(join(place, "package.json"), join(home.folder, "package.json"));
		if (entryName === "") entryName = name;
		waiting.push(...importsIn(await readFile(file, "utf8"), file));
	}
	return { entry: entryName, files, links };
}

function linkTo(name: string): string {
	const ups = name.split("/").map(() => "..");
	return join(...ups, "packages", name);
}

/** Static imports and exports, as the formatter lays them out: each begins a line. */
const statement = /^(?:import|export)\s+(?!type\b)(?:[^'";]*?\bfrom\s*)?["']([^"']+)["']/gm;

function importsIn(source: string, file: string): string[] {
	return [...source.matchAll(statement)].flatMap(([, named = ""]) => {
		if (named.startsWith("node:")) return [];
		if (named.startsWith(".")) return join(dirname(file), named);
		// Of workspaces the real path is answered, by which Node knows them.
		return fileURLToPath(import.meta.resolve(named));
	});
}

/** The nearest `package.json` with a name. */
function packageOf(folder: string, known: Map<string, Promise<Package>>): Promise<Package> {
	const found = known.get(folder) ?? findPackage(folder, known);
	known.set(folder, found);
	return found;
}

async function findPackage(folder: string, known: Map<string, Promise<Package>>): Promise<Package> {
	try {
		const { name } = PackageFile.parse(JSON.parse(await readFile(join(folder, "package.json"), "utf8")));
		if (name !== undefined) return { name, folder };
	} catch (error) {
		if (!isMissing(error)) throw error;
	}
	if (dirname(folder) === folder) throw new Error("a source lies in no package");
	return packageOf(dirname(folder), known);
}
