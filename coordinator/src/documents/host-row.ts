import { type HostRow, type ResourceRow, StateWord } from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { HostEntry } from "../fleet/fleet.ts";
import { heardAt, resourceRows } from "./resource-row.ts";
import { ageWords, count } from "./words.ts";

const warnedSkewSeconds = 60;

/** A host in one row; `rows` are those of its resources. */
export function hostRow(core: Core, entry: HostEntry, rows = resourceRows(core, entry)): HostRow {
	const { host, description, inventory } = entry.record;
	const [state, because] = judgeHost(core, entry, rows);
	const newest = rows.flatMap(({ lastGoodBackup }) => lastGoodBackup?.takenAt ?? []).sort();
	return {
		host,
		online: entry.online,
		heardAt: heardAt(entry),
		davit: description?.davit ?? null,
		engine: inventory?.engine?.version ?? null,
		resources: rows.length,
		safe: rows.filter((row) => row.state === "safe").length,
		state,
		because,
		newestBackupAt: newest.at(-1) ?? null,
		archivesFreeBytes: description?.archivesFreeBytes ?? null,
		clockSkewSeconds: entry.skewSeconds ?? null,
	};
}

function judgeHost(core: Core, entry: HostEntry, rows: readonly ResourceRow[]): readonly [StateWord, string] {
	const { host } = entry.record;
	if (entry.doubleUntilMs > core.now()) {
		return ["inconsistent", `two agents answer to the name ${host}; stop one, or join it under another name`];
	}
	if (!entry.online) {
		const since =
			entry.heardMs === undefined
				? "has never been heard"
				: `not heard for ${ageWords(core.now() - entry.heardMs)}`;
		return ["unknown", `${host} ${since}; ${count(rows.length, "resource")} as last known`];
	}
	const away = entry.record.inventory?.engineAway;
	// A host of folders alone needs no engine.
	const ofEngine = rows.filter(({ resource }) => !resource.startsWith("path:")).length;
	if (away !== undefined && ofEngine > 0) {
		return ["unknown", `${host} ${away}; ${count(ofEngine, "resource")} of the engine as last known`];
	}
	const worst = StateWord.options.find((word) => rows.some(({ state }) => state === word)) ?? "ignored";
	const skewSeconds = Math.round(entry.skewSeconds ?? 0);
	const clock =
		Math.abs(skewSeconds) > warnedSkewSeconds ? `; its clock is ${skewSeconds} s off, set it` : "";
	const number = rows.filter(({ state }) => state === worst).length;
	const summary = rows.length === 0 ? "nothing to protect was found" : `${number} of ${rows.length} ${worst}`;
	return [worst, `${summary}${clock}`];
}
