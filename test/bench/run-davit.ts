import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const command = join(root, "cli", "bin", "davit.js");

/** Everything of Davit on this machine, in a home of its own. */
export interface RunningDavit extends AsyncDisposable {
	readonly home: string;
	readonly port: number;
	readonly pid: number;
	/** From the start of the process until the page answered. */
	readonly answeredAfterMs: number;
	/** Runs `davit WORDS…` against it and returns what it printed. @throws Error where it ends with another code than 0 */
	davit(...words: string[]): Promise<string>;
}

/** As `npm start` does, without npm, and without an engine: `folders` are what it protects. */
export async function runDavit(folders: readonly string[], signal: AbortSignal): Promise<RunningDavit> {
	const home = await mkdtemp(join(tmpdir(), "davit-bench-"));
	const port = await freePort();
	const environment = {
		PATH: process.env["PATH"] ?? "",
		DAVIT_HOME: home,
		DAVIT_PORT: String(port),
		NO_COLOR: "1",
	};
	const options = { env: { ...environment, DOCKER_HOST: "unix:///nonexistent" } };
	const words = ["start", "--quiet", ...folders.flatMap((folder) => ["--folder", folder])];
	const startedAtMs = performance.now();
	const child = spawn(process.execPath, [command, ...words], {
		...options,
		stdio: ["ignore", "pipe", "inherit"],
	});
	const link = once(child.stdout, "data");
	await untilAnswered(child, { port, signal });
	const answeredAfterMs = performance.now() - startedAtMs;
	await link;
	return {
		...{ home, port, answeredAfterMs, pid: child.pid ?? 0 },
		async davit(...rest) {
			const running = spawn(process.execPath, [command, ...rest], {
				...options,
				stdio: ["ignore", "pipe", "pipe"],
			});
			const ended = once(running, "close");
			const [stdout, stderr] = await Promise.all([text(running.stdout), text(running.stderr)]);
			const [code] = await ended;
			if (code !== 0) throw new Error(`davit ${rest.join(" ")} ended with ${code}: ${stderr}`);
			return stdout;
		},
		async [Symbol.asyncDispose]() {
			const ended = once(child, "exit");
			child.kill("SIGTERM");
			await ended;
			await rm(home, { recursive: true });
		},
	};
}

async function untilAnswered(child: ChildProcess, { port, signal }: { port: number; signal: AbortSignal }) {
	for (;;) {
		signal.throwIfAborted();
		if (child.exitCode !== null) throw new Error(`davit start ended with ${child.exitCode}`);
		try {
			const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { signal });
			await answer.text();
			if (answer.ok) return;
		} catch (error) {
			// Nobody listens yet.
			if (!(error instanceof TypeError)) throw error;
		}
		await wait(5, undefined, { signal });
	}
}

export async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const address = server.address();
	await new Promise((resolve) => server.close(resolve));
	if (address === null || typeof address === "string") throw new Error("no port was given");
	return address.port;
}
