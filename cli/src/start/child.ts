import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { CommandError, exitCodes } from "../command-error.ts";
import type { Context } from "../context.ts";
import { isRecord } from "../door/answers.ts";
import { failedStart } from "./failed-start.ts";
import { LogFile } from "./log-file.ts";
import { configFile, type ProgramName, programFile } from "./programs.ts";
import { warningOf } from "./read-log-line.ts";

const readySeconds = 60;
/** An agent may be in the middle of bringing containers back. */
const stopSeconds = 30;
const firstPauseMs = 1000;
const longestPauseMs = 60_000;
/** A child that lived so long starts again without a longer pause. */
const healthyMs = 60_000;

/**
 * These programs sit and wait: small heaps, and what runs only while they start is not worth an optimizing compiler, whose own
 * pages are 9 MB; a long copy is optimized all the same.
 */
const nodeOptions = [
	"--disable-warning=ExperimentalWarning",
	"--max-semi-space-size=1",
	"--optimize-for-size",
	"--invocation-count-for-maglev=20000",
	"--invocation-count-for-maglev-osr=10000",
	"--invocation-count-for-turbofan=200000",
	"--invocation-count-for-osr=20000",
	"--import",
	new URL("./end-with-parent.ts", import.meta.url).href,
];

/** Every thread of a pool would else keep a heap of its own (glibc; mallopt(3)). */
const memoryEnvironment = { MALLOC_ARENA_MAX: "2" };

/** One program that runs as long as this is open; when it dies it is started again. */
export class Child implements AsyncDisposable {
	readonly #name: ProgramName;
	readonly #context: Context;
	readonly #log: LogFile;
	readonly #closing = new AbortController();
	#process: ChildProcess | undefined;
	#kept: Promise<void> = Promise.resolve();
	#lastWords: string[] = [];
	#serves = false;

	private constructor(name: ProgramName, context: Context) {
		this.#name = name;
		this.#context = context;
		this.#log = new LogFile(join(context.home, "log", `${name}.log`));
	}

	/** Starts a program and resolves when it serves. @throws CommandError with the program's own sentence and exit code */
	static async open(name: ProgramName, context: Context): Promise<Child> {
		const child = new Child(name, context);
		try {
			const started = await child.#start(context.signal);
			child.#kept = child.#keep(started);
			return child;
		} catch (error) {
			await child[Symbol.asyncDispose]();
			throw error;
		}
	}

	/** Asks it to end, waits, and kills it only when it does not. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.#closing.abort();
		const running = this.#process;
		if (running !== undefined && isAlive(running)) {
			const gone = once(running, "exit");
			running.kill("SIGTERM");
			const kill = setTimeout(() => {
				this.#say(`did not end within ${stopSeconds} s and was killed`);
				running.kill("SIGKILL");
			}, stopSeconds * 1000);
			await gone;
			clearTimeout(kill);
		}
		await this.#kept;
		this.#log[Symbol.dispose]();
	}

	/** Kills it at once. */
	kill(): void {
		this.#process?.kill("SIGKILL");
	}

	async #start(signal: AbortSignal): Promise<ChildProcess> {
		this.#lastWords = [];
		this.#serves = false;
		// A session of its own: a Ctrl-C in the terminal must reach only `davit start`, which ends its children in order.
		const started = fork(programFile(this.#name), ["--config", configFile(this.#context.home, this.#name)], {
			execPath: process.execPath,
			execArgv: nodeOptions,
			detached: true,
			stdio: ["ignore", "pipe", "pipe", "ipc"],
			env: { ...this.#context.environment, ...memoryEnvironment },
		});
		this.#process = started;
		this.#follow(started.stdout, false);
		this.#follow(started.stderr, true);
		await this.#becomesReady(started, signal);
		this.#serves = true;
		return started;
	}

	async #becomesReady(started: ChildProcess, signal: AbortSignal): Promise<void> {
		const over = AbortSignal.any([signal, this.#closing.signal, AbortSignal.timeout(readySeconds * 1000)]);
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		let report: unknown;
		started.on("message", (message) => {
			if (!isRecord(message)) return;
			if (typeof message["warning"] === "string") this.#say(message["warning"]);
			if (message["ready"] === true) resolve();
			if (message["failed"] !== undefined) report = message["failed"];
		});
		started.once("error", reject);
		// `close` comes after the last of its words was read, `exit` may come before.
		started.once("close", (code) =>
			reject(failedStart(this.#name, { code, report, words: this.#lastWords })),
		);
		const onOver = (): void => reject(signal.aborted ? signal.reason : tooSlow(this.#name, this.#log.path));
		over.addEventListener("abort", onOver, { once: true });
		try {
			await promise;
		} finally {
			over.removeEventListener("abort", onOver);
		}
	}

	/** Starts it again each time it dies, until this is closed. */
	async #keep(first: ChildProcess): Promise<void> {
		let running: ChildProcess | undefined = first;
		let pauseMs = firstPauseMs;
		while (!this.#closing.signal.aborted) {
			const startedAt = performance.now();
			const why = running === undefined ? "could not start" : await this.#ended(running);
			if (this.#closing.signal.aborted) return;
			if (performance.now() - startedAt > healthyMs) pauseMs = firstPauseMs;
			this.#say(`${why}; it is started again in ${pauseMs / 1000} s (see ${this.#log.path})`);
			await wait(pauseMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
			pauseMs = Math.min(pauseMs * 2, longestPauseMs);
			if (!this.#closing.signal.aborted) running = await this.#startAgain();
		}
	}

	async #startAgain(): Promise<ChildProcess | undefined> {
		try {
			const started = await this.#start(this.#closing.signal);
			this.#say("runs again");
			return started;
		} catch (error) {
			if (this.#closing.signal.aborted) return undefined;
			this.#say(error instanceof Error ? error.message : String(error));
			return undefined;
		}
	}

	async #ended(running: ChildProcess): Promise<string> {
		if (isAlive(running)) await once(running, "exit");
		return running.signalCode === null
			? `ended with ${running.exitCode}`
			: `was ended by ${running.signalCode}`;
	}

	#follow(stream: Readable | null, isTrouble: boolean): void {
		if (stream === null) return;
		createInterface({ input: stream }).on("line", (line) => {
			this.#log.write(line);
			if (isTrouble) this.#lastWords = [...this.#lastWords, line].slice(-20);
			const warning = warningOf(line);
			// What it says in plain words before it serves is its error, which the command shows as one.
			if (warning !== undefined && (this.#serves || line.startsWith("{"))) this.#say(warning);
		});
	}

	#say(text: string): void {
		this.#context.err.write(`davit: ${this.#name}: ${text}\n`);
	}
}

function isAlive(running: ChildProcess): boolean {
	return running.exitCode === null && running.signalCode === null;
}

function tooSlow(name: ProgramName, log: string): CommandError {
	return new CommandError(`the ${name} did not serve within ${readySeconds} s`, {
		code: "internal-error",
		exitCode: exitCodes.failed,
		next: `read ${log}`,
	});
}
