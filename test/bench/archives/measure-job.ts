import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { FileJob } from "@davit/agents/files/job.ts";
import { z } from "zod";
import { systemEnvironment } from "../../lab/process/run.ts";

const Cost = z.object({ seconds: z.number(), cpuSeconds: z.number(), rssBytes: z.number() });
export type Cost = z.infer<typeof Cost>;

const program = fileURLToPath(new URL("./perform.ts", import.meta.url));
const run = promisify(execFile);

export interface Running {
	/** A folder. */
	readonly compiled: string;
	readonly signal: AbortSignal;
}

/** As a helper container starts a job; compiled code is kept in a folder of its own, as `davit start` keeps it. */
const flags = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=2"];

/** A job in a process of its own. Its start is not measured: the agent's worker and the helper container start once a job too. */
export async function measureJob(job: FileJob, { compiled, signal }: Running): Promise<Cost> {
	const env = systemEnvironment({ NODE_COMPILE_CACHE: compiled });
	const { stdout } = await run(process.execPath, [...flags, program, JSON.stringify(job)], { env, signal });
	return Cost.parse(JSON.parse(stdout));
}

/** A line of shell, where every program of a pipe must succeed; in seconds. */
export async function timeShell(line: string, signal: AbortSignal): Promise<number> {
	const startedAtMs = performance.now();
	const shell = spawn("bash", ["-c", `set -eo pipefail; ${line}`], { stdio: "inherit", signal });
	const [code] = await once(shell, "exit");
	if (code !== 0) throw new Error(`${line} ended with ${code}`);
	return (performance.now() - startedAtMs) / 1000;
}
