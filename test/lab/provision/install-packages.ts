import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { takeLock } from "../process/lock.ts";
import { run } from "../process/run.ts";
import { cacheFolder } from "../record/folders.ts";

/** Debian packages each part stands on. None of them is told to start anything by itself. */
export const packagesOf = {
	hosts: [
		"docker.io",
		"containerd",
		"runc",
		"iproute2",
		"iptables",
		"busybox-static",
		"e2fsprogs",
		"btrfs-progs",
		"xfsprogs",
	],
	broker: ["mosquitto", "mosquitto-clients"],
	homeAssistant: ["debootstrap", "python3-venv", "ca-certificates"],
	registry: ["docker-registry"],
	browser: ["chromium"],
	/** An SFTP server of its own; it is started on loopback by a test, never by Debian. */
	sftp: ["openssh-server", "openssh-client"],
	/** What opens an archive without Davit, and what looks at the result. */
	archives: ["age", "attr", "coreutils", "openssh-client", "tar", "zstd"],
} as const satisfies Record<string, readonly string[]>;

export type Part = keyof typeof packagesOf;

export const parts = [
	"hosts",
	"broker",
	"homeAssistant",
	"registry",
	"browser",
	"archives",
] as const satisfies readonly Part[];

/** Installs what is missing of the packages of `parts`; asks the network only then. */
export async function installPackages(parts: readonly Part[], signal: AbortSignal): Promise<void> {
	const wanted = parts.flatMap((part) => [...packagesOf[part]]);
	if ((await findMissing(wanted, signal)).length === 0) return;
	await mkdir(cacheFolder(), { recursive: true });
	await using _lock = await takeLock(join(cacheFolder(), "apt.lock"), signal);
	const missing = await findMissing(wanted, signal);
	if (missing.length === 0) return;
	// RUNLEVEL=1: invoke-rc.d(8) then starts no service, and the laboratory never stops one it did not start.
	const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
	await run(["apt-get", "update", "--quiet"], { signal, env });
	const options = ["--yes", "--quiet", "--no-install-recommends", "--option", "DPkg::Lock::Timeout=300"];
	await run(["apt-get", "install", ...options, ...missing], { signal, env });
}

async function findMissing(names: readonly string[], signal: AbortSignal): Promise<string[]> {
	// biome-ignore lint/suspicious/noTemplateCurlyInString: the braces are dpkg-query's
	const format = "${Package} ${db:Status-Status}\n";
	// 1: some of them are not known at all, which is an answer here.
	const argv = ["dpkg-query", "--show", `--showformat=${format}`, ...names];
	const { stdout } = await run(argv, { signal, expectedCodes: [0, 1] });
	return names.filter((name) => !stdout.split("\n").includes(`${name} installed`));
}
