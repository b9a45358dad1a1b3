import { type HostName, OperationError } from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { RunRecord } from "../history/records.ts";

/** Added to the moment at which a host gives a run up, for clocks that differ. */
const marginMs = 300_000;

/**
 * One writer for each repository of the site: a run that writes into it holds its lease until it has ended, or until its host must
 * have given it up. Later commands have later ids, which is the token that the hosts compare (ADR 0058).
 * @throws OperationError repository-locked
 */
export function requireLease(core: Core, params: object, host: HostName): void {
	const holder = leaseHolder(core, params);
	if (holder === undefined) return;
	const { run } = holder;
	throw new OperationError(
		"repository-locked",
		`${host} may not write into repository ${repositoryIn(params)} yet: ${run.operation} of ${run.host}/${run.resource} (${run.run}) does`,
		{ hint: `wait for it, or davit cancel ${run.run}` },
	);
}

/** The run that has to end before one with these parameters may begin; undefined where it writes into no repository. */
export function leaseHolder(core: Core, params: object): RunRecord | undefined {
	const wanted = repositoryIn(params);
	if (wanted === undefined) return undefined;
	return core.runs
		.open()
		.find((record) => repositoryIn(record.params) === wanted && !isExpired(core, record));
}

export function repositoryIn(params: object): string | undefined {
	return "repository" in params && typeof params.repository === "string" ? params.repository : undefined;
}

function isExpired(core: Core, { startBy }: RunRecord): boolean {
	return core.now() > Date.parse(startBy) + core.limits.deadlineSeconds * 1000 + marginMs;
}
