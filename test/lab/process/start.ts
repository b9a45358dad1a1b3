import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunRecord } from "../record/claim.ts";
import { identifyProcess, type ProcessIdentity } from "./identify.ts";
import { lastLines, systemEnvironment } from "./run.ts";

export type StartOptions = {
	/** How the process is called in messages. */
	readonly name: string;
	/** Standard output and error are appended here: a file, so that the process outlives a killed test unharmed. */
	readonly logPath: string;
	readonly record: RunRecord;
	readonly env?: Readonly<Record<string, string>>;
	readonly cwd?: string;
};

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type RunningProcess = ProcessIdentity & {
	readonly name: string;
	readonly logPath: string;
	/** Settles when the process has ended and was reaped; never rejects. */
	readonly exited: Promise<Exit>;
	/** How it ended, or undefined while it runs. */
	exit(): Exit | undefined;
	readLog(): Promise<string>;
	/** SIGTERM, and waits for the end; nothing to do where it has ended. @throws Error when it lives on. */
	stop(timeoutMs?: number): Promise<Exit>;
	/** SIGKILL, and waits for the end. @throws Error where it had ended before, since nothing was killed then. */
	kill(): Promise<void>;
};

/** Starts a process that stays, in a session of its own, and records it so that it is found again after a crash. */
export async function startProcess(argv: readonly string[], options: StartOptions): Promise<RunningProcess> {
	const [program, ...parameters] = argv;
	if (program === undefined) throw new Error("nothing to start: argv is empty");
	const log = openSync(options.logPath, "a");
	const child = spawn(program, parameters, {
		detached: true,
		stdio: ["ignore", log, log],
		env: systemEnvironment(options.env),
		...(options.cwd === undefined ? {} : { cwd: options.cwd }),
	});
	closeSync(log);
	// Recorded before anything is awaited: a laboratory killed here must not lose it.
	const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
	if (identity !== undefined)
		options.record.add("process", String(identity.pid), String(identity.startTicks));
	let exit: Exit | undefined;
	const exited = new Promise<Exit>((resolve) => {
		child.once("exit", (code, signal) => {
			exit = { code, signal };
			resolve(exit);
		});
	});
	await new Promise<void>((resolve, reject) => {
		child.once("spawn", resolve);
		child.once("error", (cause) => reject(new Error(`could not start ${options.name}`, { cause })));
	});
	if (identity === undefined) throw new Error(`${options.name} ended before it could be recorded`);
	const { name, logPath } = options;
	const running = { ...identity, name, logPath, exited, exit: () => exit };
	return {
		...running,
		readLog: () => readFile(logPath, "utf8"),
		stop: (timeoutMs = 20_000) => stopProcess(running, timeoutMs),
		kill: () => killProcess(running),
	};
}

type Ending = Pick<RunningProcess, "pid" | "name" | "exited" | "exit">;

async function stopProcess({ pid, name, exited, exit }: Ending, timeoutMs: number): Promise<Exit> {
	if (exit() === undefined) process.kill(pid, "SIGTERM");
	return within(exited, timeoutMs, `${name} did not end on SIGTERM`);
}

async function killProcess({ pid, name, exited, exit }: Ending): Promise<void> {
	if (exit() !== undefined) throw new Error(`cannot kill ${name}: it has ended before`);
	process.kill(pid, "SIGKILL");
	const { signal } = await within(exited, 5_000, `${name} did not end on SIGKILL`);
	if (signal !== "SIGKILL") throw new Error(`${name} ended by ${signal ?? "itself"}, not by SIGKILL`);
}

async function within<Answer>(promise: Promise<Answer>, timeoutMs: number, message: string): Promise<Answer> {
	const late = Symbol("late");
	const first = await Promise.race([promise, sleep(timeoutMs, late, { ref: false })]);
	if (first === late) throw new Error(`${message} within ${timeoutMs} ms`);
	return first;
}

/** For `explain` of a wait: how the process stands and what it wrote last. */
export async function describeProcess(running: RunningProcess): Promise<string> {
	const exit = running.exit();
	const state = exit === undefined ? "still runs" : `ended with ${exit.code ?? exit.signal}`;
	return `${running.name} ${state}; its last lines:\n${lastLines(await running.readLog())}`;
}
