import { isEnded, type Run, type StateWord, type Verb } from "@davit/protocol";

/** The state word that applies, and why. */
export type Judgement = readonly [state: StateWord, because: string];

/** The newest run of each verb on a resource. */
export type Newest = ReadonlyMap<Verb, Run>;

export function judgeInconsistent(newest: Newest): Judgement | undefined {
	const run = [...newest.values()].find(({ state }) => state === "inconsistent");
	if (run === undefined) return undefined;
	const mended = ["restore", "undo"] as const;
	const isMended = mended.some((verb) => {
		const later = newest.get(verb);
		return later !== undefined && later.askedAt > run.askedAt && later.state === "succeeded";
	});
	if (isMended) return undefined;
	return [
		"inconsistent",
		`${verbOfRun(run)} ${run.run} stopped half-way; a person must decide: davit show ${run.run}`,
	];
}

/** What can go neither on nor back is no work that a person may leave alone: services may be down until it can. */
export function judgeWaiting(newest: Newest): Judgement | undefined {
	const run = [...newest.values()].find(
		({ state, progress }) => !isEnded(state) && progress?.waitingFor !== undefined,
	);
	if (run === undefined) return undefined;
	return ["failed", `${verbOfRun(run)} ${run.run} can go neither on nor back: ${run.progress?.waitingFor}`];
}

/** The newest backup failed, or the newest attempt of anything did. */
export function judgeFailed(newest: Newest): Judgement | undefined {
	const backup = newest.get("backup");
	const last = [...newest.values()].filter(({ state }) => isEnded(state)).sort(newestFirst)[0];
	const failed = [backup, last].find((run) => run !== undefined && hasFailed(run));
	if (failed === undefined) return undefined;
	const reason = failed.failure?.message ?? "without a reason";
	return ["failed", `the newest ${verbOfRun(failed)} (${failed.run}) ${endWord(failed)}: ${reason}`];
}

export function judgeRunning(newest: Newest): Judgement | undefined {
	const run = [...newest.values()].find(({ state }) => !isEnded(state));
	if (run === undefined) return undefined;
	return ["running", `${verbOfRun(run)} ${run.run} is under way`];
}

export function verbOfRun({ operation }: Run): string {
	return operation.slice(operation.indexOf(".") + 1);
}

/** A restore that the host refused changed nothing; a backup that was refused or never begun is missing. */
function hasFailed({ state, operation }: Run): boolean {
	return (
		state === "failed" || ((state === "rejected" || state === "expired") && operation.endsWith(".backup"))
	);
}

function endWord({ state }: Run): string {
	if (state === "rejected") return "was refused";
	return state === "expired" ? "never began" : "failed";
}

function newestFirst(one: Run, other: Run): number {
	return one.askedAt < other.askedAt ? 1 : -1;
}
