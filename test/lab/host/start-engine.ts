import { mkdir, writeFile } from "node:fs/promises";
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
};

export type Engine = {
	readonly process: RunningProcess;
	readonly socketPath: string;
	readonly dataRoot: string;
};

/** Starts a Docker engine of its own for one host and waits until it answers. */
export async function startEngine(
	record: RunRecord,
	options: EngineOptions,
	signal: AbortSignal,
): Promise<Engine> {
	const { hostName, program, namespace } = options;
	const folder = join(record.dataFolder, hostName);
	const runtime = join(record.runFolder, hostName);
	await mkdir(folder, { recursive: true });
	await mkdir(runtime, { recursive: true });
	const socketPath = join(runtime, "docker.sock");
	const dataRoot = join(folder, "docker");
	const configuration = join(folder, "daemon.json");
	const settings = { "insecure-registries": [options.plainRegistries], ...program.settings(folder) };
	await writeFile(configuration, JSON.stringify(settings));
	const argv = [
		"dockerd",
		...["--config-file", configuration, "--data-root", dataRoot, "--exec-root", join(runtime, "exec")],
		...["--pidfile", join(runtime, "docker.pid"), "--host", `unix://${socketPath}`],
		// With cgroupfs the parent is a plain folder under every version of cgroups, so it can be found and removed.
		...["--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", `/${record.name}`],
	];
	const process = await startProcess(namespace.enter(argv), {
		name: `dockerd of ${hostName}`,
		logPath: join(folder, "dockerd.log"),
		record,
		env: { PATH: [...program.paths, systemPath].join(":") },
	});
	await pollUntil(
		async () => {
			if (process.exit() !== undefined) throw new Error(await describeProcess(process));
			return answersPing(socketPath);
		},
		{
			what: `answer of the Docker engine of ${hostName}`,
			timeoutMs: 60_000,
			signal,
			explain: () => describeProcess(process),
		},
	);
	return { process, socketPath, dataRoot };
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
