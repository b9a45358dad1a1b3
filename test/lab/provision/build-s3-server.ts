import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { ownEnvironment } from "../process/environment.ts";
import { run } from "../process/run.ts";
import { cacheFolder } from "../record/folders.ts";
import { buildOnce } from "./build-once.ts";

const version = "0.14.1";
const builtName = `s3s-fs-${version}-1`;

/** Why there is no S3 server and none can be built, in one line. */
export function whyNoS3Server(): string | undefined {
	if (existsSync(join(cacheFolder(), builtName)) || findCargo() !== undefined) return undefined;
	return "no cargo to build the S3 server s3s-fs with; apt install cargo, or get Rust from rustup.rs";
}

/**
 * The program s3s-fs, an S3 server on a folder: Debian has none, and its rclone has no `serve s3` yet. It is built
 * without optimisation, which takes a few minutes once; a build that was cut off goes on where it was.
 */
export async function findS3Server(signal: AbortSignal): Promise<string> {
	const built = await buildOnce(builtName, (folder) => build(folder, signal), signal);
	return join(built, "bin/s3s-fs");
}

async function build(folder: string, signal: AbortSignal): Promise<void> {
	const cargo = findCargo();
	if (cargo === undefined) throw new Error(whyNoS3Server());
	const argv = ["install", "s3s-fs", "--version", version, "--locked", "--features", "binary", "--debug"];
	const target = join(cacheFolder(), `${builtName}.target`);
	const env = { CARGO_TARGET_DIR: target, CARGO_PROFILE_DEV_DEBUG: "0" };
	await run([cargo, ...argv, "--root", folder], { signal, env, contained: true });
	await rm(target, { recursive: true });
}

function findCargo(): string | undefined {
	const env = ownEnvironment();
	const home = env["CARGO_HOME"] ?? join(homedir(), ".cargo");
	const folders = [...(env["PATH"] ?? "").split(delimiter), join(home, "bin"), "/usr/bin"];
	return folders.map((folder) => join(folder, "cargo")).find((program) => existsSync(program));
}
