import {
	type CommandId,
	type HostName,
	isFinal,
	Report,
	type RunId,
	SiteName,
	topicsOf,
} from "@davit/protocol";
import { openSession } from "@davit/protocol/mqtt";

const quiet = () => undefined;

/** Listens beside the coordinator to what an agent says of the end of its runs. */
export async function hearReports(url: string, host: HostName, signal: AbortSignal) {
	const finals = new Map<RunId, Set<string>>();
	let wasDeaf = false;
	const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
	const session = await openSession({ url, clientId: `ear-${host}`, log }, signal);
	const refused = new Set<CommandId>();
	const note = (run: RunId, end: string) => finals.set(run, (finals.get(run) ?? new Set()).add(end));
	session.subscribe(topicsOf(SiteName.parse("home")).report(host), ({ payload }) => {
		const report = Report.parse(JSON.parse(Buffer.from(payload).toString()));
		const { command, run, state, sequence } = report;
		if (run === undefined) return;
		if (isUnbegun(report)) refused.add(command);
		else if (refused.has(command)) note(run, `${sequence} ${state} of a refused command`);
		else if (isFinal(state)) note(run, `${sequence} ${state}`);
	});
	session.onLoss(() => {
		wasDeaf = true;
	});
	return {
		finals,
		/** The broker went away: something may have been said while nobody listened. */
		get wasDeaf() {
			return wasDeaf;
		},
		[Symbol.asyncDispose]: () => session.close(),
	};
}

/**
 * A command that reached the agent before its greeting is refused with its first and only word, and the coordinator makes another of
 * the same run, which ends it; where there is none any more, the run itself is rejected.
 */
function isUnbegun({ state, sequence, failure }: Report): boolean {
	return state === "rejected" && failure?.code === "not-welcome" && sequence === 1;
}
