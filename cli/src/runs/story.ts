import type { RunDocument, RunId } from "@davit/protocol";
import type { Context } from "../context.ts";
import { formatBytes, formatSeconds, markOf } from "../output/format.ts";
import { shortAddress } from "../output/short-address.ts";
import { plain } from "../output/table.ts";
import { writeJson } from "../output/write.ts";
import { isEnded } from "./ended.ts";
import { countOfParts, runsOfParts } from "./parts.ts";

/** How runs are told while they go. Ends what it began (a live line, a heartbeat) when it is disposed of. */
export interface Story extends Disposable {
	update(document: RunDocument): void;
}

const heartbeatMs = 30_000;
const frameMs = 100;

export function openStory(context: Context): Story {
	if (context.wish.json) return context.wish.quiet ? silentStory : jsonStory(context);
	if (context.wish.quiet) return silentStory;
	return context.err.isTerminal ? liveStory(context) : plainStory(context);
}

const silentStory: Story = { update: () => undefined, [Symbol.dispose]: () => undefined };

/** One line of JSON a change, on standard output. */
function jsonStory(context: Context): Story {
	return {
		update: (document) => writeJson(context.out, { type: "run", ...document }),
		[Symbol.dispose]: () => undefined,
	};
}

/** One line a step, and one each 30 s while nothing else is said. */
function plainStory(context: Context): Story {
	const latest = new Map<RunId, RunDocument>();
	const told = new Map<RunId, number>();
	const heartbeat = setInterval(() => {
		for (const document of latest.values()) {
			if (!isEnded(document.run.state)) context.err.write(`${progressText(document)}\n`);
		}
	}, heartbeatMs);
	heartbeat.unref();
	return {
		update(document) {
			const { run } = document.run;
			latest.set(run, document);
			const already = told.get(run) ?? 0;
			for (const step of document.steps.slice(already)) {
				context.err.write(`${document.run.run}  ${addressOf(document)}  ${stepText(step)}\n`);
			}
			told.set(run, Math.max(already, document.steps.length));
		},
		[Symbol.dispose]: () => clearInterval(heartbeat),
	};
}

/** One line that changes in place, at most ten times a second. */
function liveStory(context: Context): Story {
	const latest = new Map<RunId, RunDocument>();
	let drawnAt = Number.NEGATIVE_INFINITY;
	let later: NodeJS.Timeout | undefined;
	const draw = (): void => {
		later = undefined;
		drawnAt = performance.now();
		const going = [...latest.values()].filter((document) => !isEnded(document.run.state));
		const [first] = going;
		const more = going.length > 1 ? `  (and ${going.length - 1} more)` : "";
		const text = first === undefined ? "" : `${progressText(first)}${more}`;
		context.err.write(`\r\u001b[K${[...text].slice(0, Math.max(1, context.err.columns - 1)).join("")}`);
	};
	return {
		update(document) {
			const parts = runsOfParts(document);
			for (const part of parts) latest.set(part.run.run, part);
			// What its parts do says more than how many have ended.
			if (parts.every(({ run }) => isEnded(run.state))) latest.set(document.run.run, document);
			else latest.delete(document.run.run);
			later ??= setTimeout(draw, Math.max(0, frameMs - (performance.now() - drawnAt)));
		},
		[Symbol.dispose]() {
			clearTimeout(later);
			context.err.write("\r\u001b[K");
		},
	};
}

export function addressOf({ run }: RunDocument): string {
	return shortAddress(run);
}

export function stepText(step: RunDocument["steps"][number]): string {
	const parts = [step.state, step.step, step.message, step.code === null ? null : `(${step.code})`];
	return plain(parts.filter((part) => part !== null && part !== "").join("  "));
}

/** `r0c7e…  nas/grafana-data  copy ▓▓▓▓▓▓░░░░ 61 %  495/812 MB  210 MB/s  2 s left` */
export function progressText(document: RunDocument): string {
	const { run } = document;
	const head = `${run.run}  ${addressOf(document)}  ${plain(run.progress?.step ?? run.state)}`;
	const { progress } = run;
	if (progress === undefined) return head;
	if (progress.waitingFor !== undefined) return `${head}  waits: ${plain(progress.waitingFor)}`;
	const rate = progress.bytesPerSecond ?? 0;
	const parts = [head];
	if (progress.totalBytes === undefined || progress.totalBytes === 0) {
		if (progress.bytes > 0) parts.push(formatBytes(progress.bytes));
	} else {
		const share = Math.min(1, progress.bytes / progress.totalBytes);
		parts.push(`${bar(share)} ${Math.floor(share * 100)} %`);
		parts.push(`${formatBytes(progress.bytes)} of ${formatBytes(progress.totalBytes)}`);
	}
	if (rate > 0) parts.push(`${formatBytes(rate)}/s`);
	if (rate > 0 && progress.totalBytes !== undefined && progress.totalBytes > progress.bytes) {
		parts.push(`${formatSeconds((progress.totalBytes - progress.bytes) / rate)} left`);
	}
	return parts.join("  ");
}

function bar(share: number): string {
	const full = Math.round(share * 10);
	return "▓".repeat(full) + "░".repeat(10 - full);
}

const undoable: ReadonlySet<string> = new Set(["restore", "undo"]);

function sampled(sample: unknown): string[] {
	if (typeof sample !== "object" || sample === null) return [];
	const read =
		"frames" in sample && "ofFrames" in sample
			? `${sample.frames} of ${sample.ofFrames} frames`
			: "files" in sample && "ofFiles" in sample
				? `${sample.files} of ${sample.ofFiles} files`
				: undefined;
	return read === undefined ? [] : [`only ${read} read, which proves nothing of the rest`];
}

/** The one line that a person reads when it is over. */
export function endText(document: RunDocument, context: Context): string {
	const { run } = document;
	const subject = run.archive ?? run.run;
	const result = run.result ?? {};
	const bytes = result["bytes"];
	const durationMs = result["durationMs"];
	const restoreMs = result["restoreMs"];
	const facts: string[] = [];
	if (typeof bytes === "number") facts.push(formatBytes(bytes));
	if (document.parts !== undefined) facts.unshift(countOfParts(document.parts));
	facts.push(...sampled(result["sample"]));
	if (typeof durationMs === "number") facts.push(`in ${formatSeconds(durationMs / 1000)}`);
	if (document.downtimeSeconds !== null && document.downtimeSeconds > 0)
		facts.push(`down ${formatSeconds(document.downtimeSeconds)}`);
	if (typeof restoreMs === "number") facts.push(`restored in ${formatSeconds(restoreMs / 1000)}`);
	const verb = plain(run.operation.slice(run.operation.indexOf(".") + 1));
	const undo = document.undo !== null && undoable.has(verb) ? `  undo: davit undo ${run.run}` : "";
	return `${markOf(run.state, context.out)} ${subject}  ${addressOf(document)}  ${verb} ${run.state}  ${facts.join(", ")}${undo}`.trimEnd();
}
