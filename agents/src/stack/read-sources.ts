import { readdir, readFile, stat } from "node:fs/promises";
import { isAbsolute, join, normalize } from "node:path";
import { z } from "zod";
import type { OperationContext } from "../operation.ts";
import { type LeftOut, type LocatedStack, whyNotAllowed } from "./locate-stack.ts";

/** A file of a project, as it is put back. */
export interface SourceFile {
	readonly path: string;
	readonly content: Buffer;
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	readonly mtimeMs: number;
	/** Secret whatever is in it. */
	readonly isSecret: boolean;
}

export interface Sources {
	readonly files: readonly SourceFile[];
	readonly leftOut: readonly LeftOut[];
}

/** Larger ones are data, which belongs in a volume. */
const largestBytes = 4 * 1024 * 1024;
const filesAtMost = 500;
const environmentFile = /(?:^|[._-])env(?:[._-]|$)/i;

const Rendered = z.looseObject({
	secrets: z.record(z.string(), z.looseObject({ file: z.string().optional() })).optional(),
	configs: z.record(z.string(), z.looseObject({ file: z.string().optional() })).optional(),
});

/** Reads the files a project is made of: Compose files, environment files, files of secrets and configs, mounted files. */
export async function readSources(
	stack: LocatedStack,
	rendered: unknown,
	{ config }: Pick<OperationContext, "config">,
): Promise<Sources> {
	const wanted = new Map<string, boolean>();
	for (const path of [...stack.configFiles, ...stack.files]) wanted.set(path, false);
	const { secrets = {}, configs = {} } = Rendered.parse(rendered);
	const named = [...Object.values(secrets), ...Object.values(configs)].flatMap(({ file }) => file ?? []);
	const secret = [
		...stack.environmentFiles,
		...stack.secretFiles,
		...named,
		...(await listEnvironment(stack)),
	];
	for (const path of secret) wanted.set(path, true);
	const files: SourceFile[] = [];
	const leftOut: LeftOut[] = [];
	for (const [path, isSecret] of [...wanted].slice(0, filesAtMost)) {
		const why = (await whyNotAllowed(path, config)) ?? (await whyNotRead(path));
		if (why === undefined) files.push(await readSource(path, isSecret));
		else leftOut.push({ what: path, why, isLoss: true });
	}
	return { files, leftOut };
}

/** `.env` and its like beside the Compose files, and what those name as `env_file`. */
async function listEnvironment({ folder, configFiles }: LocatedStack): Promise<string[]> {
	const beside = (await readdir(folder, { withFileTypes: true }).catch(() => []))
		.filter((entry) => entry.isFile() && environmentFile.test(entry.name))
		.map(({ name }) => join(folder, name));
	const named: string[] = [];
	for (const file of configFiles) {
		const text = await readFile(file, "utf8");
		for (const [word] of text.matchAll(/[\w./-]*env[\w./-]*/gi)) {
			const path = isAbsolute(word) ? normalize(word) : join(folder, word);
			if (await isFile(path)) named.push(path);
		}
	}
	return [...new Set([...beside, ...named])];
}

async function whyNotRead(path: string): Promise<string | undefined> {
	const found = await stat(path).catch(() => undefined);
	if (found === undefined) return "it is not there, or the agent may not read it";
	if (!found.isFile()) return "it is no file";
	return found.size > largestBytes
		? `it has ${found.size} bytes: keep data in a volume or folder`
		: undefined;
}

async function readSource(path: string, isSecret: boolean): Promise<SourceFile> {
	const [content, { mode, uid, gid, mtimeMs }] = [await readFile(path), await stat(path)];
	return { path, content, mode: mode & 0o7777, uid, gid, mtimeMs, isSecret };
}

async function isFile(path: string): Promise<boolean> {
	return stat(path).then(
		(found) => found.isFile(),
		// A word of the Compose file that looks like a file's name and is none.
		() => false,
	);
}
