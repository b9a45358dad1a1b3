import type { HostName, ResourceId } from "@davit/protocol";
import { ResourceId as resourceId } from "@davit/protocol";
import type { History } from "../history/history.ts";
import type { ScheduleRecord } from "../history/records.ts";
import { type Calendar, readCalendar } from "./cron.ts";

export interface Schedule {
	record: ScheduleRecord;
	readonly calendar: Calendar;
}

/** The schedules, in memory. */
export class ScheduleBook {
	readonly #history: History;
	readonly #schedules = new Map<string, Schedule>();
	/** Names by target, which is `host/*` or `host/kind:name`. */
	readonly #ofTarget = new Map<string, Set<string>>();

	constructor(history: History) {
		this.#history = history;
	}

	load(): void {
		this.#schedules.clear();
		this.#ofTarget.clear();
		for (const record of this.#history.intents.schedules()) this.#enter(record);
	}

	/** Commits it, new or changed. */
	save(record: ScheduleRecord, point: "schedule" | "due" = "schedule"): Schedule {
		this.#history.write(point, () => this.#history.intents.saveSchedule(record));
		return this.#enter(record);
	}

	remove(name: string): void {
		this.#history.write("schedule", () => this.#history.intents.removeSchedule(name));
		this.#ofTarget.get(this.find(name)?.record.target ?? "")?.delete(name);
		this.#schedules.delete(name);
	}

	find(name: string): Schedule | undefined {
		return this.#schedules.get(name);
	}

	all(): Schedule[] {
		return [...this.#schedules.values()];
	}

	/** Those that back up this resource, paused ones left out. */
	of(host: HostName, resource: ResourceId): Schedule[] {
		return this.ofAny(host, resource).filter(({ record }) => !record.paused);
	}

	/** Those that back up this resource, also when they are paused. */
	ofAny(host: HostName, resource: ResourceId): Schedule[] {
		return [`${host}/*`, `${host}/${resource}`].flatMap((target) =>
			[...(this.#ofTarget.get(target) ?? [])].flatMap((name) => this.find(name) ?? []),
		);
	}

	#enter(record: ScheduleRecord): Schedule {
		const known = this.#schedules.get(record.name);
		const isKept = known?.record.cron === record.cron && known.record.timeZone === record.timeZone;
		const calendar = isKept ? known.calendar : readCalendar(record.cron, record.timeZone);
		const schedule = { record, calendar };
		if (known !== undefined) this.#ofTarget.get(known.record.target)?.delete(record.name);
		this.#schedules.set(record.name, schedule);
		this.#ofTarget.set(record.target, (this.#ofTarget.get(record.target) ?? new Set()).add(record.name));
		return schedule;
	}
}

/** The one resource of a target; undefined for everything on a host. */
export function resourceOfTarget(target: string): ResourceId | undefined {
	return resourceId.safeParse(target.slice(target.indexOf("/") + 1)).data;
}
