import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const entry = fileURLToPath(new URL("../../bin/davit.js", import.meta.url));

export interface Ended {
	readonly stdout: string;
	readonly stderr: string;
	/** The lines of standard output as JSON. */
	readonly lines: readonly Readonly<Record<string, unknown>>[];
	readonly exitCode: number | null;
}

export interface Running {
	readonly process: ChildProcess;
	readonly ended: Promise<Ended>;
	/** Resolves when standard error has said it. */
	says(text: string): Promise<void>;
}

/** The real command as its own process, without a terminal. */
export function startDavit(
	home: string,
	words: readonly string[],
	environment: NodeJS.ProcessEnv = {},
): Running {
	const child = spawn(process.execPath, [entry, ...words], {
		stdio: ["ignore", "pipe", "pipe"],
		env: { PATH: "/usr/bin:/bin", HOME: homedir(), DAVIT_HOME: home, NO_COLOR: "1", ...environment },
	});
	let stdout = "";
	let stderr = "";
	const listeners = new Set<() => void>();
	child.stdout.setEncoding("utf8").on("data", (text) => {
		stdout += text;
	});
	child.stderr.setEncoding("utf8").on("data", (text) => {
		stderr += text;
		for (const listener of listeners) listener();
	});
	const ended = new Promise<Ended>((resolve, reject) => {
		child.on("error", reject);
		child.on("close", (exitCode) => {
			for (const listener of listeners) listener();
			resolve({
				stdout,
				stderr,
				exitCode,
				get lines() {
					return parseLines(stdout);
				},
			});
		});
	});
	return {
		process: child,
		ended,
		says: (text) =>
			new Promise((resolve, reject) => {
				const look = (): void => {
					if (stderr.includes(text)) resolve();
					else if (child.exitCode !== null)
						reject(new Error(`davit ended without saying "${text}": ${stderr}`));
				};
				listeners.add(look);
				look();
			}),
	};
}

export async function runDavit(
	home: string,
	words: readonly string[],
	environment: NodeJS.ProcessEnv = {},
): Promise<Ended> {
	return await startDavit(home, words, environment).ended;
}

/** A home in a temporary folder, short enough for a socket's path. */
export async function openHome(): Promise<AsyncDisposable & { readonly path: string }> {
	const path = await mkdtemp(join(tmpdir(), "davit-"));
	return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function parseLines(text: string): Readonly<Record<string, unknown>>[] {
	return text
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line));
}
