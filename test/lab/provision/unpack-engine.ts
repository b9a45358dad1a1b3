import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildOnce } from "./build-once.ts";
import { unpackNewer } from "./newer-debian.ts";

/** 20.10 is Debian 12's own (API 1.41), 26.1 that of Debian 13 (API 1.45). */
export type EngineVersion = "20.10" | "26.1";

export type EngineProgram = {
	/** Folders to look in before the system's own. */
	readonly paths: readonly string[];
	/** What this version alone needs; `folder` is the host's own. */
	settings(folder: string): Readonly<Record<string, string>>;
	/** Configuration folder for the `docker` command, with the compose plugin in it. */
	readonly clientFolder: string;
};

export async function findEngine(version: EngineVersion, signal: AbortSignal): Promise<EngineProgram> {
	const newer = await unpackNewerEngine(signal);
	const clientFolder = join(newer, "client");
	if (version === "26.1")
		return { paths: [join(newer, "usr/sbin"), join(newer, "usr/bin")], settings: () => ({}), clientFolder };
	// Before 24.0 the engine takes its ID from a key in /etc/docker, which all engines of a machine would share.
	return {
		paths: [],
		settings: (folder) => ({ "deprecated-key-path": join(folder, "key.json") }),
		clientFolder,
	};
}

/** Debian 13's engine runs on Debian 12 (glibc 2.34 is enough); its runc does not, so the system's own serves both. */
function unpackNewerEngine(signal: AbortSignal): Promise<string> {
	const build = async (folder: string): Promise<void> => {
		const names = ["docker.io", "docker-cli", "containerd", "docker-compose"];
		await unpackNewer({ suite: "trixie", names, folder }, signal);
		const client = join(folder, "client");
		await mkdir(join(client, "cli-plugins"), { recursive: true });
		await writeFile(join(client, "config.json"), "{}");
		await symlink(
			"../../usr/libexec/docker/cli-plugins/docker-compose",
			join(client, "cli-plugins/docker-compose"),
		);
	};
	return buildOnce("engine-26.1-1", build, signal);
}
