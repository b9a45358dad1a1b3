import type { Desk } from "@davit/coordinator/desk.ts";
import { Bytes, instantOf, OperationError } from "@davit/protocol";
import { scheduleOf } from "./documents.ts";
import type { Fleet } from "./fleet.ts";

type Keeping = Pick<Desk, "simulate" | "editSchedule" | "pauseSchedule">;

/** Schedules that are changed and tried, in memory. */
export function keepingDesk(
	fleet: Fleet,
	desk: () => Pick<Desk, "schedule"> & { change(...what: readonly string[]): void },
): Keeping {
	const change = (name: string, to: Partial<ReturnType<typeof scheduleOf>>) => {
		scheduleOf(fleet, name);
		fleet.schedules = fleet.schedules.map((one) => (one.name === name ? { ...one, ...to } : one));
		desk().change("schedules");
		return desk().schedule(name);
	};
	return {
		simulate({ of, days, policy }) {
			const rows = fleet.archives.slice(0, 3);
			if (rows.length === 0) throw new OperationError("schedule-invalid", `nothing is kept of ${of}`);
			const today = rows.map(({ id, takenAt, bytes }, index) => ({
				...{ id, takenAt, bytes, kept: index < 2, goesAt: null },
				reasons: index < 2 ? (["last", "daily"] as const).slice() : [],
			}));
			const bytes = Bytes.parse(812_000_000);
			const day = { date: "2026-11-23", taken: 1, kept: 3, waiting: 0, removed: 1, bytes };
			const resource = {
				...{ address: rows[0]?.address ?? "", policy: policy ?? { last: 14 }, heldBecause: null },
				...{ today, days: [day], end: today },
			};
			return {
				...{ schema: "davit/simulation/1", asOf: instantOf(0), of, days, until: instantOf(0) },
				...{ today: { removes: 1, freesBytes: bytes }, end: { kept: 14, bytes } },
				...{ resources: [resource], more: 0 },
			};
		},
		editSchedule: ({ name, change: to }) =>
			change(name, to.policy === undefined ? {} : { policy: to.policy }),
		pauseSchedule: (name, isPaused) => change(name, { paused: isPaused }),
	};
}
