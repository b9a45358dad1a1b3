import { chooseKept, OperationError, type RetentionPolicy } from "@davit/protocol";
import type { Core } from "../core/context.ts";
import { count } from "../documents/words.ts";
import type { ScheduleRecord } from "../history/records.ts";
import { resourcesKeptBy } from "../schedules/due.ts";
import { policyOf, policyOfSchedule } from "../schedules/retention.ts";

/** @throws OperationError confirmation-missing where the policy lets archives go that stay now */
export function requireConfirmation(core: Core, record: ScheduleRecord, confirm: string): void {
	const going = goingBy(core, record);
	if (going === 0 || confirm === record.name) return;
	throw new OperationError(
		"confirmation-missing",
		`${count(going, "archive")} that ${going === 1 ? "stays" : "stay"} now would go by this policy of ${record.name}`,
		{ hint: `look with davit schedule simulate, then repeat with --confirm ${record.name}` },
	);
}

/** How many archives the schedule's policy lets go that would stay without the change. */
function goingBy(core: Core, record: ScheduleRecord): number {
	const instead = { schedule: record.name, policy: policyOfSchedule(record) };
	return resourcesKeptBy(core, record.target).reduce((sum, { host, resource }) => {
		const known = core.fleet.resource(host, resource);
		if (known === undefined) return sum;
		const isHeld = known.state?.hold !== undefined;
		const goes = (policy: RetentionPolicy | undefined) =>
			policy === undefined
				? new Set<string>()
				: new Set(
						chooseKept(known.archives, policy, { nowMs: core.now(), isHeld })
							.filter(({ isKept }) => !isKept)
							.map(({ archive }) => archive.id),
					);
		const before = goes(policyOf(core, { host, resource }));
		const after = goes(policyOf(core, { host, resource }, instead));
		return sum + [...after].filter((id) => !before.has(id)).length;
	}, 0);
}
