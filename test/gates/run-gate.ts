import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Gate } from "./gates.ts";

export interface Verdict {
	readonly gate: string;
	readonly passed: boolean;
	readonly output: string;
	readonly durationMs: number;
}

/** Runs one gate over the tree at `root`, whose `node_modules` holds the tools. */
export async function runGate(gate: Gate, root: string, signal: AbortSignal): Promise<Verdict> {
	const startedAt = performance.now();
	const [tool, ...args] = gate.argv;
	const child = spawn(join(root, "node_modules", ".bin", tool), args, {
		cwd: root,
		signal,
		stdio: ["ignore", "pipe", "pipe"],
		env: {
			...process.env,
			TURBO_TELEMETRY_DISABLED: "1",
			DO_NOT_TRACK: "1",
			NO_COLOR: "1",
			FORCE_COLOR: "0",
		},
	});
	const ended = once(child, "close");
	const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
	const [code] = await ended;
	return {
		gate: gate.name,
		passed: code === 0,
		output: `${stdout}${stderr}`,
		durationMs: performance.now() - startedAt,
	};
}
