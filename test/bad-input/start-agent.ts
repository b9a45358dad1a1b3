import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Ended } from "@davit/cli/testing/run-davit.ts";

const agentProgram = fileURLToPath(new URL("../../agents/src/main.ts", import.meta.url));

/** An agent's process: it serves, or it has ended already. */
export interface AgentProcess extends AsyncDisposable {
	readonly pid: number;
	/** Everything it said on standard output, its log, until now. */
	readonly log: string;
	readonly ended: Promise<Ended>;
}

/** Writes an agent's settings into a home of its own. */
export async function writeAgentSettings(home: string, settings: object): Promise<string> {
	const file = join(home, "agent.json");
	await mkdir(home, { recursive: true });
	await writeFile(file, JSON.stringify({ home, dockerSocket: null, minimumFreeBytes: 0, ...settings }));
	return file;
}

/** Starts the agent's own program, or one like it, and waits until it serves or has ended. */
export async function startAgent(file: string, program = agentProgram): Promise<AgentProcess> {
	const child = fork(program, ["--config", file], {
		stdio: ["ignore", "pipe", "pipe", "ipc"],
		execArgv: ["--disable-warning=ExperimentalWarning"],
	});
	let stdout = "";
	let stderr = "";
	child.stdout?.setEncoding("utf8").on("data", (text) => {
		stdout += text;
	});
	child.stderr?.setEncoding("utf8").on("data", (text) => {
		stderr += text;
	});
	const ended = once(child, "close").then(
		([exitCode]): Ended => ({ stdout, stderr, lines: [], exitCode: Number(exitCode) }),
	);
	await Promise.race([once(child, "message"), ended]);
	return {
		pid: child.pid ?? 0,
		get log() {
			return stdout;
		},
		ended,
		[Symbol.asyncDispose]: async () => {
			child.kill("SIGTERM");
			await ended;
		},
	};
}
