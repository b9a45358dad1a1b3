import { fork } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { Context } from "../context.ts";
import { isRecord } from "../door/answers.ts";
import { failedStart } from "./failed-start.ts";
import { programFile } from "./programs.ts";

export interface ShownKeys {
	readonly fresh: readonly string[];
	readonly opens: readonly string[];
	readonly encryptsFor: readonly string[];
}

/** Has the agent's program look at or change the keys of this host; no key goes over its command line. */
export async function keepKeys(words: readonly string[], context: Context): Promise<ShownKeys> {
	const keeper = fork(programFile("agent"), ["key", ...words, "--home", context.home], {
		execArgv: ["--disable-warning=ExperimentalWarning"],
		stdio: ["ignore", "pipe", "pipe", "ipc"],
		env: { ...context.environment },
		signal: context.signal,
	});
	let report: unknown;
	keeper.on("message", (message) => {
		if (isRecord(message)) report = message["failed"];
	});
	const [answer, complaint, [code]] = await Promise.all([
		keeper.stdout === null ? "" : text(keeper.stdout),
		keeper.stderr === null ? "" : text(keeper.stderr),
		once(keeper, "close"),
	]);
	const shown: unknown = code === 0 ? JSON.parse(answer) : undefined;
	if (isRecord(shown)) {
		return {
			fresh: stringsOf(shown["fresh"]),
			opens: stringsOf(shown["opens"]),
			encryptsFor: stringsOf(shown["encryptsFor"]),
		};
	}
	throw failedStart("agent", {
		code: typeof code === "number" ? code : null,
		report,
		words: complaint.split("\n"),
	});
}

function stringsOf(value: unknown): readonly string[] {
	return Array.isArray(value) ? value.map(String) : [];
}
