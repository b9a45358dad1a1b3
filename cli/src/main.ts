import { once } from "node:events";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { styleText } from "node:util";
import type { Context, Interrupts, Screen } from "./context.ts";
import { runProgram } from "./program.ts";

// The only file that reads the environment, hears signals and ends the process.
const environment = process.env;
const words = process.argv.slice(2);
const ending = new AbortController();

for (const [signal, exitCode] of [
	["SIGTERM", 143],
	["SIGHUP", 129],
] as const) {
	process.on(signal, () => {
		// A command that ends in order sets its own exit code; one that does not is not waited for.
		if (ending.signal.aborted) process.exit(exitCode);
		ending.abort(new DOMException(`ended by ${signal}`, "AbortError"));
	});
}

process.exitCode = await runProgram(words, openContext(), readVersion());

function openContext(): Context {
	const before = words.includes("--") ? words.slice(0, words.indexOf("--")) : words;
	const json = before.includes("--json");
	return {
		home: homeFolder(),
		settings: { port: given("DAVIT_PORT"), broker: given("DAVIT_BROKER") },
		environment,
		out: screenOf(process.stdout),
		err: screenOf(process.stderr),
		wish: {
			json,
			quiet: before.some((word) => word === "--quiet" || /^-[a-zA-Z]*q[a-zA-Z]*$/.test(word)),
			mayAsk:
				isTerminal(process.stdin) && isTerminal(process.stderr) && !json && !before.includes("--no-input"),
		},
		interrupts: openInterrupts(),
		signal: ending.signal,
		now: Date.now,
		ask: askLine,
	};
}

function given(name: string): string | undefined {
	const value = environment[name];
	return value === undefined || value === "" ? undefined : value;
}

/** `DAVIT_HOME`, or where the platform keeps such things (docs/design.md, State on disk). */
function homeFolder(): string {
	const home = given("DAVIT_HOME");
	if (home !== undefined) return resolve(home);
	if (process.platform === "darwin") return join(homedir(), "Library", "Application Support", "davit");
	if (process.getuid?.() === 0) return "/var/lib/davit";
	return join(given("XDG_DATA_HOME") ?? join(homedir(), ".local", "share"), "davit");
}

function isTerminal(stream: { isTTY?: boolean | undefined }): boolean {
	return stream.isTTY === true;
}

function screenOf(stream: NodeJS.WriteStream): Screen {
	const closed = new AbortController();
	stream.on("error", (error: NodeJS.ErrnoException) => {
		// `davit list archives | head -1`: the reader has what it wanted.
		if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
		closed.abort();
	});
	const locale = given("LC_ALL") ?? given("LC_CTYPE") ?? given("LANG") ?? "UTF-8";
	return {
		isTerminal: isTerminal(stream),
		get columns() {
			return stream.columns ?? 110;
		},
		hasUnicode: !isTerminal(stream) || /utf-?8/i.test(locale),
		closed: closed.signal,
		write(text) {
			if (!closed.signal.aborted) stream.write(text);
		},
		async pour(parts) {
			for await (const part of parts) {
				if (closed.signal.aborted) return;
				if (!stream.write(part)) await Promise.race([once(stream, "drain"), once(stream, "close")]);
			}
		},
		style: (colour, text) => styleText(colour, text, { stream }),
	};
}

function openInterrupts(): Interrupts {
	const listeners = new Set<() => void>();
	process.on("SIGINT", () => {
		if (listeners.size === 0) process.exit(130);
		for (const listener of listeners) listener();
	});
	return {
		listen(listener) {
			listeners.add(listener);
			return { [Symbol.dispose]: () => listeners.delete(listener) };
		},
	};
}

async function askLine(question: string, signal: AbortSignal): Promise<string> {
	const { createInterface } = await import("node:readline/promises");
	using lines = createInterface({ input: process.stdin, output: process.stderr });
	const interrupted = new AbortController();
	lines.on("SIGINT", () => interrupted.abort());
	lines.on("close", () => interrupted.abort());
	return await lines.question(question, { signal: AbortSignal.any([signal, interrupted.signal]) });
}

function readVersion(): string {
	const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
	return String(version);
}
