import { type HostName, isFinal, Report, type RunId, SiteName, topicsOf } from "@davit/protocol";
import { openSession } from "@davit/protocol/mqtt";

const quiet = () => undefined;

/** Listens beside the coordinator to what an agent says of the end of its runs. */
export async function hearReports(url: string, host: HostName, signal: AbortSignal) {
	const finals = new Map<RunId, Set<string>>();
	let wasDeaf = false;
	const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
	const session = await openSession({ url, clientId: `ear-${host}`, log }, signal);
	session.subscribe(topicsOf(SiteName.parse("home")).report(host), ({ payload }) => {
		const { run, state, sequence, failure } = Report.parse(JSON.parse(Buffer.from(payload).toString()));
		if (run === undefined || !isFinal(state)) return;
		// A command that reached the agent before its greeting is refused unbegun, and the coordinator makes another of the same run.
		if (state === "rejected" && failure?.code === "not-welcome") return;
		finals.set(run, (finals.get(run) ?? new Set()).add(`${sequence} ${state}`));
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
