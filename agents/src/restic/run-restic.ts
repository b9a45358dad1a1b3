import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { OperationError } from "@davit/protocol";
import { environmentOf, globalArguments } from "./address-repository.ts";
import { describeExit, type ResticExit } from "./judge-exit.ts";
import type { RepositorySettings } from "./settings.ts";

/** What every call of restic needs. */
export interface Restic {
	/** The program's path. */
	readonly program: string;
	readonly repository: RepositorySettings;
	/** Davit's home: restic's cache lies below it. */
	readonly home: string;
}

export interface ResticCall {
	readonly arguments: readonly string[];
	readonly signal: AbortSignal;
	/** Called with each JSON line of standard output; without it the output is returned as text. */
	readonly onLine?: (line: Readonly<Record<string, unknown>>) => void;
	/** Reads standard output instead, to its end. */
	readonly read?: (output: AsyncIterable<Buffer>) => Promise<void>;
	/** Milliseconds without a line that differs from the last before the repository counts as unreachable; absent = no limit. */
	readonly silenceMs?: number;
	readonly lockWaitSeconds?: number;
}

export interface ResticAnswer extends ResticExit {
	/** Empty where lines or the stream were read. */
	readonly output: string;
}

const killAfterMs = 10_000;

/**
 * Runs restic to its end and returns how it ended, whatever the code; `requireSuccess` turns codes into failures. A cancelled one
 * gets SIGINT, on which it removes its lock, and SIGKILL ten seconds later; one whose agent dies dies with it.
 * @throws OperationError repository-unreachable where it stayed silent too long; the signal's reason; restic-missing
 */
export async function runRestic(restic: Restic, call: ResticCall): Promise<ResticAnswer> {
	call.signal.throwIfAborted();
	const environment = await environmentOf(restic);
	await mkdir(join(restic.home, "agent", "restic-cache"), { recursive: true, mode: 0o700 });
	const own = [restic.program, ...globalArguments(restic, call.lockWaitSeconds ?? 0), ...call.arguments];
	const [program = restic.program, ...rest] = existsSync(deathSignal)
		? [deathSignal, "--pdeathsig", "KILL", ...own]
		: own;
	const child = spawn(program, rest, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
	const ended = new Promise<number>((resolve, reject) => {
		child.once("error", (cause) => reject(missing(restic.program, cause)));
		// Killed by a signal that was not ours: no code of restic's, and so a failure.
		child.once("close", (code) => resolve(code ?? -1));
	});
	const silence = watchSilence(call.silenceMs);
	// What reads its output may refuse what it reads; the program then has nobody to write to.
	const refused = new AbortController();
	const during = AbortSignal.any([call.signal, silence.signal, refused.signal]);
	using _ending = endOnAbort(child, during);
	const reading = readOutput(child.stdout, call, silence.heard).catch((error: unknown) => {
		refused.abort();
		child.stdout.destroy();
		return { error };
	});
	const [code, output, complaints] = await Promise.all([
		ended,
		reading,
		readComplaints(child.stderr),
	]).finally(silence.end);
	call.signal.throwIfAborted();
	if (silence.signal.aborted) throw unreachable(restic, complaints);
	if (typeof output !== "string") throw output.error;
	return { code, complaints, output };
}

/** The same, and every code but 0 is a failure. */
export async function requireSuccess(restic: Restic, call: ResticCall): Promise<string> {
	const answer = await runRestic(restic, call);
	if (answer.code === 0) return answer.output;
	throw describeExit(answer, { repository: restic.repository.name, doing: call.arguments[0] ?? "" });
}

/** Of util-linux: the child gets the signal when its parent dies. */
const deathSignal = "/usr/bin/setpriv";

function missing(program: string, cause: Error): OperationError {
	return new OperationError("restic-missing", `${program} cannot be run: ${cause.message}`, { cause });
}

function unreachable({ repository }: Restic, complaints: readonly string[]): OperationError {
	const last = complaints.findLast((line) => line.includes("retrying")) ?? complaints.at(-1) ?? "no word";
	return new OperationError(
		"repository-unreachable",
		`repository ${repository.name} does not answer: ${last}`.slice(0, 500),
	);
}

function endOnAbort(child: ReturnType<typeof spawn>, signal: AbortSignal): Disposable {
	let timer: NodeJS.Timeout | undefined;
	const end = (): void => {
		child.kill("SIGINT");
		timer = setTimeout(() => child.kill("SIGKILL"), killAfterMs);
	};
	signal.addEventListener("abort", end, { once: true });
	if (signal.aborted) end();
	return {
		[Symbol.dispose]: () => {
			clearTimeout(timer);
			signal.removeEventListener("abort", end);
		},
	};
}

interface Silence {
	readonly signal: AbortSignal;
	readonly heard: () => void;
	readonly end: () => void;
}

function watchSilence(silenceMs: number | undefined): Silence {
	const controller = new AbortController();
	const timer = silenceMs === undefined ? undefined : setTimeout(() => controller.abort(), silenceMs);
	return {
		signal: controller.signal,
		heard: () => void timer?.refresh(),
		end: () => clearTimeout(timer),
	};
}

async function readOutput(
	output: Readable,
	{ onLine, read }: ResticCall,
	heard: () => void,
): Promise<string> {
	if (read !== undefined) {
		await read(watched(output, heard));
		return "";
	}
	if (onLine === undefined) return text(output);
	let last = "";
	for await (const line of linesOf(output)) {
		// It repeats its status while it waits for the network.
		if (line !== last) heard();
		last = line;
		const parsed = parseLine(line);
		if (parsed !== undefined) onLine(parsed);
	}
	return "";
}

async function* watched(output: Readable, heard: () => void): AsyncGenerator<Buffer, void> {
	for await (const part of output) {
		heard();
		// A stream without an encoding gives buffers.
		yield part as Buffer;
	}
}

const keptComplaints = 200;

async function readComplaints(stderr: Readable): Promise<readonly string[]> {
	const kept: string[] = [];
	for await (const line of linesOf(stderr)) {
		const message = parseLine(line)?.["message"];
		// A line of JSON about one file is kept whole for whoever reads the list.
		const said = typeof message === "string" ? message : line;
		if (said.trim() !== "" && kept.length < keptComplaints)
			kept.push(said.trim().replaceAll("\n", " ").slice(0, 1000));
	}
	return kept;
}

async function* linesOf(stream: Readable): AsyncGenerator<string, void> {
	let rest = "";
	stream.setEncoding("utf8");
	for await (const part of stream) {
		const lines = (rest + String(part)).split("\n");
		rest = lines.pop() ?? "";
		yield* lines;
	}
	if (rest !== "") yield rest;
}

function parseLine(line: string): Readonly<Record<string, unknown>> | undefined {
	if (!line.startsWith("{")) return undefined;
	try {
		const parsed: unknown = JSON.parse(line);
		// An object literal of JSON is a record.
		return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
	} catch (error) {
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
}
