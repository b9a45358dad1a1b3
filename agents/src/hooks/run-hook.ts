import { readFile } from "node:fs/promises";
import { type HookReport, OperationError } from "@davit/protocol";
import type { Engine } from "../docker/engine.ts";
import type { Exec } from "../docker/exec-in.ts";
import { isMissing } from "../resource/place.ts";
import type { Hook } from "./choose-hooks.ts";

/** For what is asked of the engine about a hook, once it has run. */
const askMs = 30_000;
const keptLines = 5;
const keptCharacters = 200;

/**
 * Runs one hook to its end or its time limit; then what still runs of it is killed where this agent may. Never throws because of
 * what the hook does, or because its container is not there or does not run.
 */
export async function runHook(
	hook: Hook,
	when: HookReport["when"],
	{ engine, signal }: { readonly engine: Engine; readonly signal: AbortSignal },
): Promise<HookReport> {
	const { name, container, timeoutSeconds } = hook;
	const limit = AbortSignal.timeout(timeoutSeconds * 1000);
	const during = AbortSignal.any([signal, limit]);
	const lines = new LastLines();
	const ended = (exitCode: number | null, failure?: string): HookReport => ({
		...{ name, when, container, exitCode, lines: lines.kept },
		...(failure === undefined ? {} : { failure }),
	});
	let exec: Exec | undefined;
	try {
		using running = await engine.exec(hook, during);
		exec = running;
		using _closing = closeOnAbort(running, during);
		for await (const { bytes } of running.said) lines.add(bytes);
	} catch (error) {
		if (!during.aborted && !(error instanceof OperationError)) throw error;
		if (exec === undefined && !limit.aborted) {
			signal.throwIfAborted();
			return ended(null, error instanceof Error ? error.message : String(error));
		}
	}
	if (exec !== undefined && during.aborted) await endLeft(exec, hook, engine);
	signal.throwIfAborted();
	if (limit.aborted) return ended(null, `it did not end in ${timeoutSeconds} s`);
	const exitCode = await exitCodeOf(exec, engine);
	if (exitCode === 0) return ended(0);
	return ended(
		exitCode ?? null,
		exitCode === undefined ? "nobody knows how it ended" : `it ended with ${exitCode}`,
	);
}

async function exitCodeOf(exec: Exec | undefined, engine: Engine): Promise<number | undefined> {
	if (exec === undefined) return undefined;
	try {
		return (await engine.lookAtExec(exec.id, AbortSignal.timeout(askMs))).exitCode;
	} catch (error) {
		// Its container may be gone, and what is known of the hook with it.
		if (error instanceof OperationError) return undefined;
		throw error;
	}
}

/** The engine cannot end it. Root of the engine's own host can, once the process is known to be the container's. */
async function endLeft(exec: Exec, { container }: Hook, engine: Engine): Promise<void> {
	if (!engine.sharesPaths || process.geteuid?.() !== 0) return;
	const signal = AbortSignal.timeout(askMs);
	try {
		const { isRunning, pid } = await engine.lookAtExec(exec.id, signal);
		const found = await engine.container(container, signal);
		if (!isRunning || pid <= 1 || found === undefined) return;
		const groups = await readFile(`/proc/${pid}/cgroup`, "utf8");
		if (groups.includes(found.id)) process.kill(pid, "SIGKILL");
	} catch (error) {
		if (!(error instanceof OperationError) && !isMissing(error) && !isGone(error)) throw error;
	}
}

function isGone(error: unknown): boolean {
	return error instanceof Error && "code" in error && error.code === "ESRCH";
}

function closeOnAbort(exec: Exec, signal: AbortSignal): Disposable {
	const close = () => exec[Symbol.dispose]();
	if (signal.aborted) close();
	signal.addEventListener("abort", close, { once: true });
	return { [Symbol.dispose]: () => signal.removeEventListener("abort", close) };
}

/** The end of what a hook writes, in lines that a report can carry. */
class LastLines {
	readonly #decoder = new TextDecoder();
	#text = "";

	add(bytes: Uint8Array): void {
		this.#text = `${this.#text}${this.#decoder.decode(bytes, { stream: true })}`.slice(-16_384);
	}

	get kept(): string[] {
		return this.#text
			.split("\n")
			.filter((line) => line.trim() !== "")
			.slice(-keptLines)
			.map((line) => line.slice(0, keptCharacters));
	}
}
