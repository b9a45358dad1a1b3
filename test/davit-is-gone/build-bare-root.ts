import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, realpath, stat, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { findLibraries } from "@davit/agents/container/find-libraries.ts";
import { run } from "../lab/process/run.ts";
import { buildOnce } from "../lab/provision/build-once.ts";
import { installPackages } from "../lab/provision/install-packages.ts";
import { findRestic } from "../lab/provision/unpack-restic.ts";

/** What a person has on any rescue system, or installs with one line. Nothing else is in the root. */
export const programs = [
	...["sh", "tar", "zstd", "age", "age-keygen", "ssh-keygen"],
	...[
		"basename",
		"cat",
		"chmod",
		"chown",
		"cp",
		"cut",
		"date",
		"dirname",
		"env",
		"false",
		"head",
		"id",
		"ls",
		"mkdir",
		"mv",
	],
	...[
		"printf",
		"pwd",
		"rm",
		"rmdir",
		"sha256sum",
		"sort",
		"stat",
		"tail",
		"test",
		"tr",
		"true",
		"uname",
		"wc",
	],
] as const;

/**
 * A root file system with these programs, restic, their libraries, and no Node: copied together from this Debian, kept in the cache
 * under a name that says of which files, and built again where it is missing.
 */
export async function buildBareRoot(signal: AbortSignal): Promise<string> {
	await installPackages(["archives"], signal);
	const found = await Promise.all(programs.map(async (name) => [name, await findProgram(name)] as const));
	const files = new Map<string, string>([...found, ["restic", await findRestic(signal)]]);
	const marks = await Promise.all([...files].map(async ([name, file]) => [name, (await stat(file)).mtimeMs]));
	const mark = createHash("sha256").update(JSON.stringify(marks)).digest("hex").slice(0, 12);
	return buildOnce(`bare-root-2-${mark}`, (root) => fill(root, files, signal), signal);
}

async function findProgram(name: string): Promise<string> {
	for (const folder of ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]) {
		if (existsSync(join(folder, name))) return realpath(join(folder, name));
	}
	throw new Error(`this machine has no ${name}`);
}

async function fill(root: string, files: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void> {
	for (const folder of ["bin", "usr", "lib", "dev", "tmp", "archive", "work", "kit", "repository", "etc"]) {
		await mkdir(join(root, folder));
	}
	await symlink("../bin", join(root, "usr", "bin"));
	// ssh-keygen wants to know who it is.
	await writeFile(join(root, "etc", "passwd"), "root:x:0:0::/work:/bin/sh\n");
	await run(["mknod", "-m", "666", join(root, "dev", "null"), "c", "1", "3"], { signal });
	for (const [name, file] of files) {
		await copyFile(file, join(root, "bin", name));
		await chmod(join(root, "bin", name), 0o755);
		const { interpreter, libraries } = await findLibraries(file);
		// The loader looks into /lib by itself.
		for (const [library, at] of libraries) await copyFile(at, join(root, "lib", basename(library)));
		if (interpreter === undefined) continue;
		await mkdir(join(root, dirname(interpreter)), { recursive: true });
		await copyFile(interpreter, join(root, interpreter));
		await chmod(join(root, interpreter), 0o755);
	}
}
