import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import type { Namespace } from "../network/open-namespace.ts";
import { pollUntil } from "../process/poll.ts";
import { systemPath } from "../process/run.ts";
import { describeProcess, type RunningProcess, startProcess } from "../process/start.ts";
import type { EngineProgram } from "../provision/unpack-engine.ts";
import type { RunRecord } from "../record/claim.ts";

export type EngineOptions = {
	readonly hostName: string;
	readonly program: EngineProgram;
	readonly namespace: Namespace;
	/** Registries in this network are spoken to without TLS. */
	readonly plainRegistries: string;
	readonly remapsUsers: boolean;
};

export type Engine = {
	/** The present one. */
	readonly process: RunningProcess;
	readonly socketPath: string;
	readonly dataRoot: string;
	/** Starts the same engine again once it has ended, and waits until it answers. @throws Error while it runs */
	startAgain(): Promise<void>;
};

/** Starts a Docker engine of its own for one host and waits until it answers. */
export async function startEngine(
	record: RunRecord,
	options: EngineOptions,
	signal: AbortSignal,
): Promise<Engine> {
	const { hostName, program, namespace, remapsUsers } = options;
	const folder = join(record.dataFolder, hostName);
	const runtime = join(record.runFolder, hostName);
	await mkdir(folder, { recursive: true });
	await mkdir(runtime, { recursive: true });
	const socketPath = join(runtime, "docker.sock");
	// The users of its containers must get there, and the cache may lie in a home that is closed to them.
	const dataRoot = join(remapsUsers ? runtime : folder, "docker");
	if (remapsUsers) await chmod(record.runFolder, 0o711);
	const configuration = join(folder, "daemon.json");
	const settings = {
		...{ "insecure-registries": [options.plainRegistries], ...program.settings(folder) },
		...(remapsUsers ? { "userns-remap": `${remappedUser}:nogroup` } : {}),
	};
	await writeFile(configuration, JSON.stringify(settings));
	const argv = [
		"dockerd",
		...["--config-file", configuration, "--data-root", dataRoot, "--exec-root", join(runtime, "exec")],
		...["--pidfile", join(runtime, "docker.pid"), "--host", `unix://${socketPath}`],
		// With cgroupfs the parent is a plain folder under every version of cgroups, so it can be found and removed.
		...["--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", `/${record.name}`],
	];
	const command = remapsUsers ? await withOwnUsers(argv, folder) : argv;
	const launch = async (): Promise<RunningProcess> => {
		const process = await startProcess(namespace.enter(command), {
			name: `dockerd of ${hostName}`,
			logPath: join(folder, "dockerd.log"),
			record,
			env: { PATH: [...program.paths, systemPath].join(":") },
		});
		await awaitAnswer(process, socketPath, signal);
		return process;
	};
	let process = await launch();
	return {
		...{ socketPath, dataRoot },
		get process() {
			return process;
		},
		async startAgain() {
			if (process.exit() === undefined) throw new Error(`${process.name} runs already`);
			// A killed engine takes its containerd along. Where the machine's first process is slow to bury it, the next engine would
			// take the dead one for alive, wait for it, and end.
			await rm(join(runtime, "exec/containerd/containerd.pid"), { force: true });
			process = await launch();
		},
	};
}

async function awaitAnswer(process: RunningProcess, socketPath: string, signal: AbortSignal): Promise<void> {
	const isThere = async () => {
		if (process.exit() !== undefined) throw new Error(await describeProcess(process));
		return answersPing(socketPath);
	};
	const explain = () => describeProcess(process);
	await pollUntil(isThere, { what: `answer of ${process.name}`, timeoutMs: 60_000, signal, explain });
}

/** The engine looks its range up in /etc/subuid by a user's name; every Debian has this one, of the group nogroup. */
const remappedUser = "nobody";

/** The same program among mounts of its own, where the machine's tables of subordinate ids are ours. */
async function withOwnUsers(argv: readonly string[], folder: string): Promise<string[]> {
	const table = join(folder, "subordinate-ids");
	await writeFile(table, `${remappedUser}:200000:65536\n`);
	const script = 'for file in subuid subgid; do mount --bind "$0" /etc/$file || exit 1; done; exec "$@"';
	return ["unshare", "--mount", "sh", "-c", script, table, ...argv];
}

/** False while the socket is missing or nobody listens on it yet. */
function answersPing(socketPath: string): Promise<boolean> {
	return new Promise((resolve) => {
		const asked = request({ socketPath, path: "/_ping", timeout: 2_000 }, (response) => {
			response.resume();
			resolve(response.statusCode === 200);
		});
		asked.once("error", () => resolve(false));
		asked.once("timeout", () => asked.destroy());
		asked.end();
	});
}
