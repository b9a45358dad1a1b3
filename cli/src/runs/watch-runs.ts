import type { ResourceId, ResultLine, RunDocument, RunId, RunPart } from "@davit/protocol";
import { commandErrorOf, exitCodes } from "../command-error.ts";
import type { Context } from "../context.ts";
import { callFor } from "../door/call.ts";
import { followRun } from "../door/follow-run.ts";
import { markOf } from "../output/format.ts";
import { shortAddress } from "../output/short-address.ts";
import { say, writeError, writeJson } from "../output/write.ts";
import { isEnded } from "./ended.ts";
import { runsOfParts } from "./parts.ts";
import { resultOf, resultOfAll, resultOfDetached, resultOfError } from "./result.ts";
import { endText, openStory, type Story } from "./story.ts";

interface Watch {
	readonly runs: readonly RunId[];
	/** Which id `-q` prints when a run has ended. */
	readonly identify: "archive" | "run";
	readonly timeoutSeconds?: number | undefined;
	/** Results of what could not be started, which end the command with the others. */
	readonly refused?: readonly ResultLine[];
}

type Leaving = "interrupted" | "timeout" | "unread";

/** After the first Ctrl-C the second one cancels, within so many milliseconds. */
const secondPressMs = 3000;

/** Follows runs until all have ended, tells their story, and answers how the command ends. */
export async function watchRuns(watch: Watch, context: Context): Promise<number> {
	const leaving = new AbortController();
	using _interrupts = context.interrupts.listen(() => leaving.abort("interrupted" satisfies Leaving));
	using _timeout = timer(watch.timeoutSeconds, () => leaving.abort("timeout" satisfies Leaving));
	const onUnread = (): void => leaving.abort("unread" satisfies Leaving);
	context.out.closed.addEventListener("abort", onUnread, { once: true });
	if (context.out.closed.aborted) onUnread();
	const latest = new Map<RunId, RunDocument>();
	const results: ResultLine[] = [...(watch.refused ?? [])];
	{
		using story = openStory(context);
		const signal = AbortSignal.any([leaving.signal, context.signal]);
		const follow = { context, story, latest, identify: watch.identify, signal };
		const followed = await Promise.all(watch.runs.map((run) => followToEnd(run, follow)));
		results.push(...followed.filter((result) => result !== undefined));
	}
	context.out.closed.removeEventListener("abort", onUnread);
	const left = watch.runs.filter((run) => !results.some((result) => result.run === run));
	const goodbye =
		left.length === 0 ? undefined : await leave(left, { watch, context, leaving: leaving.signal, latest });
	const result = judgeLeaving(
		await resultOfAll([...results, ...(goodbye === undefined ? [] : [goodbye])]),
		goodbye,
	);
	if (context.wish.json) writeJson(context.out, result);
	return result.exitCode;
}

/** Who pressed Ctrl-C twice is told so, whatever had ended before; only what needs a person says more. */
function judgeLeaving(result: ResultLine, goodbye: ResultLine | undefined): ResultLine {
	const isOverruled = result.exitCode === exitCodes.inconsistent;
	if (goodbye?.outcome !== "cancelled" || isOverruled) return result;
	return { ...result, exitCode: exitCodes.cancelled };
}

interface Follow {
	readonly context: Context;
	readonly story: Story;
	readonly latest: Map<RunId, RunDocument>;
	readonly identify: "archive" | "run";
	readonly signal: AbortSignal;
}

/** A run's result when it ended, or nobody can say; undefined when the person left before. */
async function followToEnd(run: RunId, follow: Follow): Promise<ResultLine | undefined> {
	const { context, story, latest, signal } = follow;
	const told = new Set<ResourceId>();
	try {
		for await (const document of followRun(run, { home: context.home, signal })) {
			latest.set(run, document);
			story.update(document);
			for (const part of document.parts ?? []) {
				if (!isEnded(part.state) || told.has(part.resource)) continue;
				told.add(part.resource);
				await tellPart(document, part, follow);
			}
		}
	} catch (error) {
		if (signal.aborted) return undefined;
		const known = commandErrorOf(error);
		writeError(context, known, "told");
		const last = latest.get(run)?.run;
		return { ...resultOfError(known, last), run };
	}
	const document = latest.get(run);
	if (document === undefined) return undefined;
	const result = await resultOf(document);
	tellEnd(document, { result, follow });
	return result;
}

/** One after the other, as they end. */
async function tellPart(whole: RunDocument, part: RunPart, follow: Follow): Promise<void> {
	const [begun] = runsOfParts({ ...whole, parts: [part] });
	if (begun !== undefined) {
		tellEnd(begun, { result: await resultOf(begun), follow });
		return;
	}
	const { context } = follow;
	if (context.wish.json || context.wish.quiet) return;
	const address = shortAddress({ host: whole.run.host, resource: part.resource });
	context.out.write(`${markOf(part.state, context.out)} ${address}  never begun, ${part.state}\n`);
	if (part.failure === null) return;
	context.err.write(
		`${context.err.style("red", "error:")} ${part.failure.message}\n  do    ${part.failure.hint}\n`,
	);
}

function tellEnd(document: RunDocument, { result, follow }: { result: ResultLine; follow: Follow }): void {
	const { context, identify } = follow;
	if (context.wish.json) return;
	if (context.wish.quiet) {
		// A run with parts has the archives of its parts, which were told.
		const id = identify === "archive" ? document.run.archive : document.run.run;
		if (id !== undefined) context.out.write(`${id}\n`);
	} else {
		if (context.err.isTerminal) context.err.write("\r\u001b[K");
		context.out.write(`${endText(document, context)}\n`);
	}
	if (result.exitCode === exitCodes.done || document.run.failure === undefined) return;
	const { message, hint } = document.run.failure;
	const code = document.run.failure.code;
	context.err.write(
		`${context.err.style("red", "error:")} ${message}\n  do    ${hint}\n  exit  ${result.exitCode} (${code}; davit log ${document.run.run})\n`,
	);
}

interface Leave {
	readonly watch: Watch;
	readonly context: Context;
	readonly leaving: AbortSignal;
	readonly latest: ReadonlyMap<RunId, RunDocument>;
}

/** Goes away from runs that go on; a second Ctrl-C cancels them. */
async function leave(
	runs: readonly RunId[],
	{ watch, context, leaving, latest }: Leave,
): Promise<ResultLine> {
	const names = runs.join(", ");
	const [only] = runs;
	const last = runs.length === 1 && only !== undefined ? latest.get(only)?.run : undefined;
	const at = last === undefined ? "" : ` at ${last.host}`;
	if (leaving.reason === "timeout") {
		say(
			context,
			`still running after ${watch.timeoutSeconds} s: ${names} goes on${at}; davit watch ${names}`,
		);
		return resultOfDetached(last, `still running after ${watch.timeoutSeconds} s; it goes on${at}`);
	}
	const message = `detached: ${names} goes on${at}`;
	if (leaving.reason !== "interrupted") return resultOfDetached(last, message);
	say(context, `${message}; Ctrl-C again within 3 s cancels it`);
	if (!(await isPressedAgain(context))) return resultOfDetached(last, message);
	for (const run of runs) {
		await callFor("davit/run/1", { method: "POST", path: `/runs/${run}/cancel`, body: {} }, context);
	}
	say(context, `cancelling ${names}; davit watch ${names} shows its end`);
	return {
		...resultOfDetached(last, `asked to cancel ${names}`),
		outcome: "cancelled",
		code: "cancelled",
		exitCode: exitCodes.cancelled,
	};
}

async function isPressedAgain(context: Context): Promise<boolean> {
	const { promise, resolve } = Promise.withResolvers<boolean>();
	using _again = context.interrupts.listen(() => resolve(true));
	using _over = timer(secondPressMs / 1000, () => resolve(false));
	return await promise;
}

function timer(seconds: number | undefined, then: () => void): Disposable {
	const timeout = seconds === undefined ? undefined : setTimeout(then, seconds * 1000);
	return { [Symbol.dispose]: () => clearTimeout(timeout) };
}
