import { createHash } from "node:crypto";
import { access, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "@davit/protocol";
import { isMissing } from "../resource/place.ts";
import { davitVersion } from "../version.ts";
import { findLibraries, type Needs } from "./find-libraries.ts";
import { findNative } from "./find-native.ts";
import { listSources } from "./list-sources.ts";

export const imageName = "davit-helper";
/** Where everything lies in the image but the loader: nothing of a host that is mounted beside it has this name. */
const home = "/.davit-helper";

/** What the image of the helper container holds. */
export interface ImagePlan {
	/** Another one for another Davit, Node or library. */
	readonly tag: string;
	/** Files of this host by their paths in the image. */
	readonly files: ReadonlyMap<string, string>;
	readonly links: ReadonlyMap<string, string>;
	/** As in a Dockerfile. */
	readonly changes: readonly string[];
}

/** Programs that file jobs start. Where one is missing, its job says what is lost. */
const tools = ["mknod", "sync"];
const toolFolders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

const planned = new Map<string, Promise<ImagePlan>>();
let found: Promise<ReadonlyMap<string, string>> | undefined;

/**
 * This machine's own Node with its libraries, and the sources that do a job on files: no registry, no compiler. `label` says whose
 * it is.
 * @throws OperationError unsupported
 */
export function planImage(label: string): Promise<ImagePlan> {
	const known = planned.get(label);
	if (known !== undefined) return known;
	const plan = makePlan(label);
	planned.set(label, plan);
	// What was missing may be there the next time: an upgrade takes files away for a moment.
	plan.catch(() => planned.delete(label));
	return plan;
}

/** Why no image can be made of this machine's Node; undefined where one can. */
export async function whyNoImage(): Promise<string | undefined> {
	try {
		await rememberPrograms();
		return undefined;
	} catch (error) {
		if (error instanceof OperationError) return error.message;
		throw error;
	}
}

async function makePlan(label: string): Promise<ImagePlan> {
	const programs = await rememberPrograms();
	const sources = await listSources(new URL("./main.ts", import.meta.url));
	const placed = [...sources.files].map(([name, file]) => [join(home, name), file] as const);
	const files = new Map([...programs, ...placed]);
	// As in the file worker: what a walk makes dies at once, and more room for it is only more memory.
	const flags = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=2"];
	const node = [join(home, "bin/node"), ...flags, join(home, sources.entry)];
	const changes = [
		`ENV PATH=${home}/bin LD_LIBRARY_PATH=${home}/lib`,
		"USER 0:0",
		`LABEL ${label}`,
		`ENTRYPOINT ${JSON.stringify(node)}`,
	];
	const links = new Map([...sources.links].map(([name, target]) => [join(home, name), target]));
	const tag = `${imageName}:${await fingerprint(files, changes)}`;
	return { tag, files, links, changes };
}

function rememberPrograms(): Promise<ReadonlyMap<string, string>> {
	if (found !== undefined) return found;
	found = findPrograms();
	found.catch(() => {
		found = undefined;
	});
	return found;
}

async function findPrograms(): Promise<ReadonlyMap<string, string>> {
	if (process.platform !== "linux") {
		const message = "a helper container needs a Node for Linux, which this machine's is not";
		throw new OperationError("unsupported", message);
	}
	const files = new Map<string, string>();
	const place = (name: string, file: string, { interpreter, libraries }: Needs) => {
		files.set(join(home, "bin", name), file);
		for (const [library, at] of libraries) files.set(join(home, "lib", library), at);
		if (interpreter !== undefined) files.set(interpreter, interpreter);
	};
	const node = await realpath(process.execPath);
	place("node", node, await findLibraries(node));
	for (const tool of tools) {
		const file = await findTool(tool);
		if (file !== undefined) place(tool, file, await findLibraries(file));
	}
	const native = await findNative();
	for (const [name, file] of native.files) files.set(join(home, "node_modules", name), file);
	for (const [library, file] of native.libraries) files.set(join(home, "lib", library), file);
	return files;
}

async function findTool(name: string): Promise<string | undefined> {
	for (const folder of toolFolders) {
		try {
			await access(join(folder, name));
			return await realpath(join(folder, name));
		} catch (error) {
			if (!isMissing(error)) throw error;
		}
	}
	return undefined;
}

/** Sources by their content; programs, which are large, by what changes with each installation. */
async function fingerprint(files: ReadonlyMap<string, string>, changes: readonly string[]): Promise<string> {
	const hash = createHash("sha256").update(JSON.stringify([davitVersion, process.version, changes]));
	for (const [name, file] of [...files].sort(([left], [right]) => (left < right ? -1 : 1))) {
		const { size, mtimeMs } = await stat(file);
		const isSource = /\.(?:ts|js|json)$/.test(name);
		hash.update(JSON.stringify([name, isSource ? "" : [size, mtimeMs]]));
		if (isSource) hash.update(await readFile(file));
	}
	return hash.digest("hex").slice(0, 16);
}
