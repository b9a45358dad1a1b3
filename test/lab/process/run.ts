import { spawn } from "node:child_process";
import { Readable, type Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { contain } from "./contain.ts";
import { ownEnvironment } from "./environment.ts";

export type RunOptions = {
	readonly signal: AbortSignal;
	readonly env?: Readonly<Record<string, string>>;
	readonly cwd?: string;
	readonly input?: Readable | string;
	/** The program, all it starts and all it mounts ends when this process does, and at once on an abort: for builders, which start others. */
	readonly contained?: boolean;
	/** Exit codes that are answers rather than failures; only 0 when absent. */
	readonly expectedCodes?: readonly number[];
};

export type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Debian's own programs come first: another `docker` or `python3` on the caller's path is not the one under test. */
export const systemPath = "/usr/sbin:/usr/bin:/sbin:/bin";

/** Environment of everything the laboratory starts: the caller's, with Debian's programs first and plain messages. */
export function systemEnvironment(
	extra: Readonly<Record<string, string>> = {},
): Record<string, string | undefined> {
	const env = ownEnvironment();
	return {
		...env,
		PATH: `${systemPath}:${env["PATH"] ?? ""}`,
		LC_ALL: "C.UTF-8",
		...extra,
	};
}

/**
 * Runs a program to its end and returns what it wrote.
 * @throws Error with the last lines of its output when it ends otherwise than expected.
 */
export async function run(argv: readonly string[], options: RunOptions): Promise<Outcome> {
	const [program, ...parameters] = options.contained === true ? contain(argv) : argv;
	if (program === undefined) throw new Error("nothing to run: argv is empty");
	const child = spawn(program, parameters, {
		stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
		env: systemEnvironment(options.env),
		signal: options.signal,
		killSignal: options.contained === true ? "SIGKILL" : "SIGTERM",
		...(options.cwd === undefined ? {} : { cwd: options.cwd }),
	});
	const ended = new Promise<number>((resolve, reject) => {
		// An abort is an error too, but then the program still runs: its end is what is waited for.
		child.once("error", (error) => (child.pid === undefined ? reject(error) : undefined));
		child.once("close", (code, killedBy) =>
			code === null ? reject(options.signal.reason ?? new Error(`killed by ${killedBy}`)) : resolve(code),
		);
	});
	const [code, stdout, stderr] = await Promise.all([
		ended,
		collect(child.stdout),
		collect(child.stderr),
		feed(child.stdin, options.input),
	]).catch((cause: unknown) => {
		throw new Error(`could not run ${argv.join(" ")}`, { cause });
	});
	const outcome = { code, stdout, stderr };
	if (!(options.expectedCodes ?? [0]).includes(code)) {
		throw new Error(`${argv.join(" ")} ended with ${code}\n${lastLines(outcome.stdout + outcome.stderr)}`);
	}
	return outcome;
}

async function collect(output: Readable | null): Promise<string> {
	return output === null ? "" : text(output);
}

async function feed(stdin: Writable | null, input: Readable | string | undefined): Promise<void> {
	if (stdin === null || input === undefined) return;
	await pipeline(typeof input === "string" ? Readable.from([input]) : input, stdin);
}

export function lastLines(text: string, count = 15): string {
	return text.trimEnd().split("\n").slice(-count).join("\n");
}
